"""What is said in channels, over HTTP."""

from typing import cast
from uuid import UUID

from majlis.app import App
from majlis.features.discussions import service
from majlis.features.discussions.model import (
    ChannelMessage,
    EventsQuery,
    FollowBody,
    Following,
    History,
    HistoryQuery,
    Log,
    MessageEdit,
    MessageSend,
    Pinned,
    Reactions,
    ReactorsList,
    ReadState,
    Replies,
    RepliesQuery,
    SentMessage,
    SeqBody,
    ThreadState,
    Unreads,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("messages")
CHANNEL = "/api/v1/channels/{channel_id}"
MESSAGE = "/api/v1/messages/{message_id}"
REACTION = MESSAGE + "/reactions/{emoji}"
PIN = CHANNEL + "/pins/{message_id}"


@api.get(CHANNEL + "/messages", policy=access.user, errors=(404,))
async def history(app: App, me: Me, channel_id: UUID, query: HistoryQuery) -> History:
    """Messages of a channel in their order: the latest, or before, behind or around a place."""
    async with app.db.read() as tx:
        return await service.history(tx, me, channel_id, query)


# The key of a message is its own, and never forgotten.
@api.post(
    CHANNEL + "/messages", policy=access.user, status=201, also=200, idempotent=False, errors=(403, 404, 409)
)
async def send(app: App, me: Me, channel_id: UUID, body: MessageSend) -> SentMessage:
    """Say something. 200 with the first message when it was sent under this key before."""
    async with app.db.tx() as tx:
        sent = await service.send(tx, me, channel_id, body)
    return cast(SentMessage, http.Answer(sent, 200 if sent.duplicate else 201))


@api.route("PATCH", MESSAGE, policy=access.user, errors=(403, 404, 409))
async def edit(app: App, me: Me, message_id: UUID, body: MessageEdit) -> ChannelMessage:
    """Change the text of one's own message. 409 when it changed since `if_seq`."""
    async with app.db.tx() as tx:
        return await service.edit(tx, me, message_id, body)


@api.get(CHANNEL + "/events", policy=access.user, errors=(403, 404, 410))
async def events(app: App, me: Me, channel_id: UUID, query: EventsQuery) -> Log:
    """The log of a channel, as the socket gives it. 410 when it does not reach back to `after_seq`."""
    async with app.db.read() as tx:
        return await service.events(tx, me, channel_id, query)


@api.get(MESSAGE + "/replies", policy=access.user, errors=(404,))
async def replies(app: App, me: Me, message_id: UUID, query: RepliesQuery) -> Replies:
    """A thread: its root, and replies in their order."""
    async with app.db.read() as tx:
        return await service.replies(tx, me, message_id, query)


@api.put(MESSAGE + "/follow", policy=access.user, errors=(403, 404, 409))
async def follow(app: App, me: Me, message_id: UUID, body: FollowBody) -> Following:
    """Hear of a thread, or no more. Whoever begins one, answers or is mentioned follows it by itself."""
    async with app.db.tx() as tx:
        return await service.follow(tx, me, message_id, body.following)


@api.post(MESSAGE + "/mark_thread_read", policy=access.user, errors=(403, 404))
async def mark_thread_read(app: App, me: Me, message_id: UUID, body: SeqBody) -> ThreadState:
    """Everything in a thread up to this place is read."""
    async with app.db.tx() as tx:
        return await service.mark_thread_read(tx, me, message_id, body.seq)


@api.get(MESSAGE + "/reactions", policy=access.user, errors=(404,))
async def reactors(app: App, me: Me, message_id: UUID) -> ReactorsList:
    """Who reacted to a message."""
    async with app.db.read() as tx:
        return ReactorsList(await service.reactors(tx, me, message_id))


@api.put(PIN, policy=access.user, status=204, errors=(403, 404, 409))
async def pin(app: App, me: Me, channel_id: UUID, message_id: UUID) -> None:
    """Pin a message for everybody in the channel."""
    async with app.db.tx() as tx:
        await service.pin(tx, me, channel_id, message_id)


@api.delete(PIN, policy=access.user, status=204, errors=(403, 404, 409))
async def unpin(app: App, me: Me, channel_id: UUID, message_id: UUID) -> None:
    """Pin a message no longer."""
    async with app.db.tx() as tx:
        await service.unpin(tx, me, channel_id, message_id)


@api.get(CHANNEL + "/pins", policy=access.user, errors=(404,))
async def pins(app: App, me: Me, channel_id: UUID, query: http.PageQuery) -> http.Listing[Pinned]:
    """What is pinned in a channel, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.pins(tx, me, channel_id, query.paging()))


@api.post(CHANNEL + "/mark_read", policy=access.user, idempotent=False, errors=(403, 404))
async def mark_read(app: App, me: Me, channel_id: UUID, body: SeqBody) -> ReadState:
    """Everything up to this place is read; the pointer never moves back."""
    async with app.db.tx() as tx:
        return await service.mark_read(tx, me, channel_id, body.seq)


@api.post(CHANNEL + "/mark_unread", policy=access.user, idempotent=False, errors=(403, 404))
async def mark_unread(app: App, me: Me, channel_id: UUID, body: SeqBody) -> ReadState:
    """From this place on nothing is read: the only way back."""
    async with app.db.tx() as tx:
        return await service.mark_unread(tx, me, channel_id, body.seq)


@api.get("/api/v1/workspaces/{workspace_id}/unreads", policy=access.user, errors=(404,))
async def unreads(app: App, me: Me, workspace_id: UUID) -> Unreads:
    """What is new to the caller in each of their channels and in the threads that they follow."""
    async with app.db.read() as tx:
        return await service.unreads(tx, me, workspace_id)


@api.get(MESSAGE, policy=access.user, errors=(404,))
async def message(app: App, me: Me, message_id: UUID) -> ChannelMessage:
    """One message. A deleted one says nothing."""
    async with app.db.read() as tx:
        return await service.get(tx, me, message_id)


@api.delete(MESSAGE, policy=access.user, status=204, errors=(403, 404, 409))
async def delete(app: App, me: Me, message_id: UUID) -> None:
    """Take a message back, for its sender and moderators. That it was stays."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, message_id)


@api.put(REACTION, policy=access.user, errors=(403, 404, 409))
async def react(app: App, me: Me, message_id: UUID, emoji: str) -> Reactions:
    """React to a message, by a Unicode emoji or the name of one."""
    async with app.db.tx() as tx:
        return Reactions(await service.react(tx, me, message_id, emoji))


@api.delete(REACTION, policy=access.user, status=204, errors=(403, 404, 409))
async def unreact(app: App, me: Me, message_id: UUID, emoji: str) -> None:
    """Take a reaction of one's own back."""
    async with app.db.tx() as tx:
        await service.unreact(tx, me, message_id, emoji)
