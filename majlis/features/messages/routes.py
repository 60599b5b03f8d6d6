"""Conversations and messages over HTTP, in the engine's own shape: groups, threads, changes, reactions, pins."""

from typing import cast
from uuid import UUID

from majlis.app import App
from majlis.features.messages import service
from majlis.features.messages.model import (
    ConversationOpen,
    Entry,
    HistoryQuery,
    Kind,
    Members,
    MembersAdd,
    Message,
    MessageEdit,
    MessageSend,
    Pointer,
    ReadUpTo,
    Summary,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

PERSONAL: tuple[Kind, ...] = ("dm", "group_dm")  # channels have rules of their own, and routes of theirs
api = http.Api("conversations")
ALL = "/api/v1/conversations"
ONE = ALL + "/{conversation_id}"
MESSAGE = "/api/v1/conversation-messages/{message_id}"
REACTION = MESSAGE + "/reactions/{emoji}"


@api.get(ALL, policy=access.user)
async def conversations(app: App, me: Me, query: http.PageQuery) -> http.Listing[Summary]:
    """The caller's conversations of every kind, the latest message first."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, query.paging(), PERSONAL))


@api.post(ALL, policy=access.user, status=201, also=200, errors=(403, 404))
async def open_conversation(app: App, me: Me, body: ConversationOpen) -> Summary:
    """A conversation with one person (200 with the one there is), or a new group of several."""
    async with app.db.tx() as tx:
        if len(body.user_ids) == 1 and body.name is None:
            conversation_id, new = await service.open_dm(tx, me, body.user_ids[0], "user_ids")
        else:
            new = True
            conversation_id = await service.open_group(tx, me, "group_dm", body.user_ids, body.name)
        found = await service.summary(tx, me, conversation_id, PERSONAL)
    return cast(Summary, http.Answer(found, 201 if new else 200))


@api.get(ONE, policy=access.user, errors=(404,))
async def conversation(app: App, me: Me, conversation_id: UUID) -> Summary:
    """One conversation of the caller."""
    async with app.db.read() as tx:
        return await service.summary(tx, me, conversation_id, PERSONAL)


@api.get(ONE + "/members", policy=access.user, errors=(404,))
async def members(app: App, me: Me, conversation_id: UUID) -> Members:
    """Who is in a conversation."""
    async with app.db.read() as tx:
        return Members(await service.people(tx, me, conversation_id, PERSONAL))


@api.post(ONE + "/members", policy=access.user, errors=(403, 404))
async def add_members(app: App, me: Me, conversation_id: UUID, body: MembersAdd) -> Members:
    """Bring people into a group. They see what comes from now on."""
    async with app.db.tx() as tx:
        await service.add_members(tx, me, conversation_id, body.user_ids)
        return Members(await service.people(tx, me, conversation_id, PERSONAL))


@api.delete(ONE + "/members/me", policy=access.user, status=204, errors=(403, 404))
async def leave(app: App, me: Me, conversation_id: UUID) -> None:
    """Leave a group."""
    async with app.db.tx() as tx:
        await service.leave(tx, me, conversation_id)


@api.put(ONE + "/read", policy=access.user, errors=(404,))
async def mark_read(app: App, me: Me, conversation_id: UUID, body: ReadUpTo) -> Pointer:
    """Everything up to this place is read; never less than before."""
    async with app.db.tx() as tx:
        return Pointer(await service.mark_read(tx, me, conversation_id, body.seq, PERSONAL))


@api.put(ONE + "/unread", policy=access.user, errors=(404,))
async def mark_unread(app: App, me: Me, conversation_id: UUID, body: ReadUpTo) -> Pointer:
    """Nothing is read from this place on."""
    async with app.db.tx() as tx:
        return Pointer(await service.mark_unread(tx, me, conversation_id, body.seq, PERSONAL))


@api.get(ONE + "/messages", policy=access.user, errors=(404,))
async def messages(app: App, me: Me, conversation_id: UUID, query: HistoryQuery) -> http.Listing[Message]:
    """Messages, newest first; of a thread, or those that are pinned."""
    async with app.db.read() as tx:
        found = await service.history(
            tx, me, conversation_id, query.paging(), before=query.before, after=query.after,
            thread_root_id=query.thread_root_id, pinned=query.pinned, kinds=PERSONAL,
        )  # fmt: skip
    return http.listing(found)


@api.post(ONE + "/messages", policy=access.user, status=201, also=200, errors=(403, 404, 409))
async def send(app: App, me: Me, conversation_id: UUID, body: MessageSend) -> Message:
    """Say something. 200 with the first message when the key was used before, 409 when for something else."""
    async with app.db.tx() as tx:
        sent = await service.send(tx, me, conversation_id, body.sending(), PERSONAL)
    return cast(Message, http.Answer(sent.message, 200 if sent.duplicate else 201))


@api.get(MESSAGE, policy=access.user, errors=(404,))
async def message(app: App, me: Me, message_id: UUID) -> Message:
    """One message."""
    async with app.db.read() as tx:
        return await service.get(tx, me, message_id, PERSONAL)


@api.put(MESSAGE, policy=access.user, errors=(403, 404))
async def edit(app: App, me: Me, message_id: UUID, body: MessageEdit) -> Message:
    """Change the text of a message of one's own."""
    async with app.db.tx() as tx:
        await service.edit(tx, me, message_id, body.text, kinds=PERSONAL)
        return await service.get(tx, me, message_id, PERSONAL)


@api.delete(MESSAGE, policy=access.user, status=204, errors=(403, 404))
async def delete(app: App, me: Me, message_id: UUID) -> None:
    """Take a message of one's own back, for everybody."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, message_id, PERSONAL)


@api.put(REACTION, policy=access.user, errors=(403, 404))
async def react(app: App, me: Me, message_id: UUID, emoji: str) -> Entry:
    """React to a message; again changes nothing."""
    async with app.db.tx() as tx:
        return Entry(await service.react(tx, me, message_id, emoji, PERSONAL))


@api.delete(REACTION, policy=access.user, errors=(403, 404))
async def unreact(app: App, me: Me, message_id: UUID, emoji: str) -> Entry:
    """Take a reaction back; again changes nothing."""
    async with app.db.tx() as tx:
        return Entry(await service.unreact(tx, me, message_id, emoji, PERSONAL))


@api.put(MESSAGE + "/pin", policy=access.user, errors=(403, 404))
async def pin(app: App, me: Me, message_id: UUID) -> Entry:
    """Pin a message for everybody; again changes nothing."""
    async with app.db.tx() as tx:
        return Entry(await service.pin(tx, me, message_id, PERSONAL))


@api.delete(MESSAGE + "/pin", policy=access.user, errors=(403, 404))
async def unpin(app: App, me: Me, message_id: UUID) -> Entry:
    """Pin a message no longer; again changes nothing."""
    async with app.db.tx() as tx:
        return Entry(await service.unpin(tx, me, message_id, PERSONAL))
