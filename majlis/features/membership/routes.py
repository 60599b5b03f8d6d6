"""Workspaces of somebody and the people there, over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.membership import service
from majlis.features.membership.model import (
    ChannelMember,
    Member,
    MembersQuery,
    MemberUpdate,
    OwnWorkspace,
    PresenceQuery,
    Presences,
)
from majlis.features.workspaces.model import Workspace, WorkspaceCreate, WorkspaceDelete, WorkspaceDeleted
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("members")
WORKSPACES = "/api/v1/workspaces"
WORKSPACE = WORKSPACES + "/{workspace_id}"
MEMBERS = WORKSPACE + "/members"
MEMBER = MEMBERS + "/{member_id}"


@api.post(WORKSPACES, policy=access.user, status=201, errors=(409,))
async def found(app: App, me: Me, body: WorkspaceCreate) -> Workspace:
    """Found a workspace, with a first channel. 409 when the slug is taken."""
    return await service.found(app, me, body)


@api.get(WORKSPACES, policy=access.user)
async def workspaces(app: App, me: Me, query: http.PageQuery) -> http.Listing[OwnWorkspace]:
    """The caller's workspaces, with what is new there."""
    async with app.db.read() as tx:
        return http.listing(await service.mine(tx, me, query.paging()))


@api.delete(WORKSPACE, policy=access.user, status=202, errors=(403, 404))
async def delete(app: App, me: Me, workspace_id: UUID, body: WorkspaceDelete) -> WorkspaceDeleted:
    """Delete a workspace, for its owner. It is kept for a while, and nobody sees it any more."""
    async with app.db.tx() as tx:
        return WorkspaceDeleted(await service.delete_workspace(tx, me, workspace_id, body.confirm_slug))


@api.get(MEMBERS, policy=access.user, errors=(404,))
async def members(app: App, me: Me, workspace_id: UUID, query: MembersQuery) -> http.Listing[Member]:
    """Who is in a workspace, by username; for guests, whom they share a channel with."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, workspace_id, query))


@api.get(MEMBER, policy=access.user, errors=(404,))
async def member(app: App, me: Me, workspace_id: UUID, member_id: UUID) -> Member:
    """Somebody of a workspace."""
    async with app.db.read() as tx:
        return await service.get(tx, me, workspace_id, member_id)


@api.get(WORKSPACE + "/presence", policy=access.user, errors=(404,))
async def presence(app: App, me: Me, workspace_id: UUID, query: PresenceQuery) -> Presences:
    """Whether these people are there: those of them with whom the caller shares a channel."""
    async with app.db.read() as tx:
        return Presences(await service.presence(tx, me, workspace_id, query.ids()))


@api.route("PATCH", MEMBER, policy=access.user, errors=(403, 404, 409))
async def change(app: App, me: Me, workspace_id: UUID, member_id: UUID, body: MemberUpdate) -> Member:
    """Give somebody a role, for admins and at most their own; or say how oneself is shown."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, workspace_id, member_id, body)


@api.delete(MEMBER, policy=access.user, status=204, errors=(403, 404, 409))
async def remove(app: App, me: Me, workspace_id: UUID, member_id: UUID) -> None:
    """Leave a workspace, or take somebody of a lower role out. The owner hands it over first."""
    async with app.db.tx() as tx:
        await service.remove(tx, me, workspace_id, member_id)


@api.get("/api/v1/channels/{channel_id}/members", policy=access.user, errors=(404,))
async def in_channel(
    app: App, me: Me, channel_id: UUID, query: http.PageQuery
) -> http.Listing[ChannelMember]:
    """Who is in a channel, by username."""
    async with app.db.read() as tx:
        return http.listing(await service.in_channel(tx, me, channel_id, query.paging()))
