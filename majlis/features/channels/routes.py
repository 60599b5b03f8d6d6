"""Channels over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.channels import service
from majlis.features.channels.model import (
    Added,
    AddMembers,
    Channel,
    ChannelCreate,
    ChannelQuery,
    ChannelUpdate,
    OwnPlace,
    OwnPlaceUpdate,
    TopicBody,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("channels")
ALL = "/api/v1/workspaces/{workspace_id}/channels"
ONE = "/api/v1/channels/{channel_id}"


@api.post(ALL, policy=access.user, status=201, errors=(403, 404, 409))
async def create(app: App, me: Me, workspace_id: UUID, body: ChannelCreate) -> Channel:
    """Make a channel and come into it. 409 when its name is taken in the workspace."""
    async with app.db.tx() as tx:
        return await service.create(tx, me, workspace_id, body)


@api.get(ALL, policy=access.user, errors=(404,))
async def channels(app: App, me: Me, workspace_id: UUID, query: ChannelQuery) -> http.Listing[Channel]:
    """Channels that the caller may read, by name: guests those they are in, others also what is public."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, workspace_id, query))


@api.get(ONE, policy=access.user, errors=(404,))
async def channel(app: App, me: Me, channel_id: UUID) -> Channel:
    """A channel that the caller may read."""
    async with app.db.read() as tx:
        return await service.get(tx, me, channel_id)


@api.route("PATCH", ONE, policy=access.user, errors=(403, 404, 409))
async def change(app: App, me: Me, channel_id: UUID, body: ChannelUpdate) -> Channel:
    """Change a channel, for its moderators. Only the owner of the workspace makes a private one public."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, channel_id, body)


@api.put(ONE + "/topic", policy=access.user, errors=(403, 404, 409))
async def set_topic(app: App, me: Me, channel_id: UUID, body: TopicBody) -> Channel:
    """Say what the channel talks about; a system message tells of it."""
    async with app.db.tx() as tx:
        return await service.set_topic(tx, me, channel_id, body.topic)


@api.post(ONE + "/archive", policy=access.user, errors=(403, 404, 409))
async def archive(app: App, me: Me, channel_id: UUID) -> Channel:
    """Let nothing be written in the channel any more; for its moderators. Not the default channel."""
    async with app.db.tx() as tx:
        return await service.set_archived(tx, me, channel_id, True)


@api.post(ONE + "/unarchive", policy=access.user, errors=(403, 404, 409))
async def unarchive(app: App, me: Me, channel_id: UUID) -> Channel:
    """Let the channel be written in again; for its moderators."""
    async with app.db.tx() as tx:
        return await service.set_archived(tx, me, channel_id, False)


@api.post(ONE + "/join", policy=access.user, errors=(403, 404, 409))
async def join(app: App, me: Me, channel_id: UUID) -> Channel:
    """Come into a public channel."""
    async with app.db.tx() as tx:
        return await service.join(tx, me, channel_id)


@api.post(ONE + "/leave", policy=access.user, status=204, errors=(403, 404, 409))
async def leave(app: App, me: Me, channel_id: UUID) -> None:
    """Leave the channel. A private one without anybody is archived."""
    async with app.db.tx() as tx:
        await service.leave(tx, me, channel_id)


@api.post(ONE + "/members", policy=access.user, errors=(403, 404, 409))
async def add_members(app: App, me: Me, channel_id: UUID, body: AddMembers) -> Added:
    """Bring people of the workspace into the channel."""
    async with app.db.tx() as tx:
        return await service.add_members(tx, me, channel_id, body.user_ids)


@api.route("PATCH", ONE + "/members/me", policy=access.user, errors=(403, 404))
async def prefer(app: App, me: Me, channel_id: UUID, body: OwnPlaceUpdate) -> OwnPlace:
    """How the caller wants to hear of the channel."""
    async with app.db.tx() as tx:
        return await service.prefer(tx, me, channel_id, body)


@api.delete(ONE + "/members/{member_id}", policy=access.user, status=204, errors=(403, 404, 409))
async def remove_member(app: App, me: Me, channel_id: UUID, member_id: UUID) -> None:
    """Take somebody out of the channel, for its moderators; or oneself."""
    async with app.db.tx() as tx:
        await service.remove_member(tx, me, channel_id, member_id)
