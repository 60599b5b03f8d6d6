"""Invitations over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.invites import service
from majlis.features.invites.model import Accepted, Invitation, Invite, InviteCreate, Invites, InvitesQuery
from majlis.features.sessions.model import Message
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("invites")
ALL = "/api/v1/workspaces/{workspace_id}/invites"
ONE = ALL + "/{invite_id}"
TOKEN = "/api/v1/invites/{token}"


# No Idempotency-Key: with it the answer is kept, and thus the token of a link.
@api.post(ALL, policy=access.user, status=201, idempotent=False, errors=(403, 404, 409))
async def invite(app: App, me: Me, workspace_id: UUID, body: InviteCreate) -> Invites:
    """Make a link, shown this once, or have each address mailed."""
    return Invites(await service.invite(app, me, workspace_id, body))


@api.get(ALL, policy=access.user, errors=(404,))
async def invites(app: App, me: Me, workspace_id: UUID, query: InvitesQuery) -> http.Listing[Invite]:
    """Invitations, newest first: all for admins, their own for others."""
    async with app.db.read() as tx:
        return http.listing(await service.invites(tx, me, workspace_id, query))


@api.delete(ONE, policy=access.user, status=204, errors=(404,))
async def revoke(app: App, me: Me, workspace_id: UUID, invite_id: UUID) -> None:
    """Take an invitation back; for admins and who made it."""
    async with app.db.tx() as tx:
        await service.revoke(tx, me, workspace_id, invite_id)


@api.post(ONE + "/resend", policy=access.user, status=202, errors=(404, 409, 410))
async def resend(app: App, me: Me, workspace_id: UUID, invite_id: UUID) -> Message:
    """Mail an invitation again, at most three times a day; for admins and who made it."""
    async with app.db.tx() as tx:
        await service.resend(tx, me, workspace_id, invite_id)
    return Message("The invitation is on its way.")


@api.get(TOKEN, policy=access.none, errors=(404, 410))
async def invitation(app: App, me: Me, token: str) -> Invitation:
    """What a token invites to."""
    async with app.db.read() as tx:
        return await service.invitation(tx, me, token)


@api.post(TOKEN + "/accept", policy=access.user, idempotent=False, errors=(403, 404, 409, 410))
async def accept(app: App, me: Me, token: str) -> Accepted:
    """Come into the workspace. 403 for a mailed invitation to an address that is not the caller's confirmed one."""
    async with app.db.tx() as tx:
        return await service.accept(tx, me, token)
