"""Direct messages between two people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.chat import service as chat
from majlis.features.chat.model import ChatMessage, ConversationCreate, MessageCreate, MessagesQuery
from majlis.features.chat.model import Conversation as Chat
from majlis.features.conversations.model import Alone
from majlis.features.graph import service as graph
from majlis.features.letters import service as letters
from majlis.features.messages.model import Key
from majlis.kit import http
from majlis.kit.db import Reader
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.compat.x18.shapes import UnreadCount, UserPublic

api = http.Api("messages")
ALL = "/api/conversations"
ONE = ALL + "/{conversation_id}"
MESSAGE = "/api/messages/{message_id}"


class Message(msgspec.Struct):
    """A message. `read_at` is when who received it had read it, null also where they keep that to themselves."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    type: Annotated[str, Meta(examples=["text"])]
    content: str
    read_at: datetime | None
    created_at: datetime


class Conversation(msgspec.Struct):
    """What was last said with somebody, and how much of it the caller has not read."""

    id: UUID
    user: UserPublic
    last_message: Message | None
    unread_count: int
    created_at: datetime


class Conversations(msgspec.Struct):
    """A page of conversations."""

    conversations: list[Conversation]
    limit: int
    offset: int
    has_more: bool


class Messages(msgspec.Struct):
    """A page of messages."""

    messages: list[Message]
    limit: int
    offset: int
    has_more: bool


class NewConversation(msgspec.Struct):
    """With whom."""

    user_id: UUID


class NewMessage(msgspec.Struct):
    """Something to say. Sent again with the same `client_id`, it is said once."""

    content: Annotated[str, Meta(max_length=5000, examples=["Is the bread still warm?"])]
    client_id: Key | None = None


def shown(found: ChatMessage) -> Message:
    """A message of the domain at this door."""
    kind, text = found.message_type.lower(), found.content or ""
    return Message(
        found.id, found.conversation_id, found.sender_id, kind, text, found.read_at, found.created_at
    )


async def _listed(tx: Reader, me: Me, found: Sequence[Chat]) -> list[Conversation]:
    """Conversations with those whom the caller meets; one query."""
    people = await shapes.users(tx, me, {one.other_user.id for one in found})
    return [_conversation(one, people[one.other_user.id]) for one in found if one.other_user.id in people]


def _conversation(found: Chat, other: UserPublic) -> Conversation:
    last = None if found.last_message is None else shown(found.last_message)
    return Conversation(found.id, other, last, found.unread_count, found.created_at)


@api.get(ALL, policy=access.user)
async def listing(app: App, me: Me, query: LimitOffset) -> Conversations:
    """The caller's conversations, the latest message first."""
    async with app.db.read() as tx:
        found = await chat.conversations(tx, me, query.paging())
        return Conversations(await _listed(tx, me, found.items), query.limit, query.offset, query.more(found))


@api.post(ALL, policy=access.user, status=201, also=200, errors=(403, 404))
async def open_conversation(app: App, me: Me, body: NewConversation) -> Conversation:
    """A conversation with somebody; 200 with the one there is."""
    async with app.db.tx() as tx:
        try:
            found, new = await chat.open_conversation(tx, me, ConversationCreate(user_id=body.user_id))
        except Alone as alone:
            raise Invalid(alone.detail, code="cannot_message_self", fields=alone.fields) from alone
        listed = await _listed(tx, me, [found])
    if not listed:  # gone, or blocked, at this moment
        raise NotFound("There is no such person.")
    return cast(Conversation, http.Answer(listed[0], 201 if new else 200))


@api.get(ALL + "/unread-count", policy=access.user)
async def unread_count(app: App, me: Me) -> UnreadCount:
    """How many messages the caller has not read."""
    async with app.db.read() as tx:
        return UnreadCount(await letters.unread(tx, me))


@api.get(ONE, policy=access.user, errors=(404,))
async def get(app: App, me: Me, conversation_id: UUID) -> Conversation:
    """A conversation of the caller; also one with somebody whom the caller blocks."""
    async with app.db.read() as tx:
        found = await chat.conversation(tx, me, conversation_id)
        other = await graph.named_one(tx, me, found.other_user.id)
    return _conversation(found, shapes.user(me, other))


@api.get(ONE + "/messages", policy=access.user, errors=(404,))
async def history(app: App, me: Me, conversation_id: UUID, query: LimitOffset) -> Messages:
    """What was said, newest first."""
    async with app.db.read() as tx:
        asked = MessagesQuery(limit=query.limit, offset=query.offset)
        found = await chat.history(tx, me, conversation_id, asked)
    return Messages([shown(one) for one in found.items], query.limit, query.offset, query.more(found))


@api.post(ONE + "/messages", policy=access.user, status=201, errors=(403, 404, 409))
async def send(app: App, me: Me, conversation_id: UUID, body: NewMessage) -> Message:
    """Say something. 403 across a block, or if the other one takes no messages from the caller."""
    what = MessageCreate(conversation_id=conversation_id, content=body.content)
    async with app.db.tx() as tx:
        return shown(await chat.send(tx, me, what, body.client_id))


@api.patch(MESSAGE + "/read", policy=access.user, errors=(403, 404))
async def read(app: App, me: Me, message_id: UUID) -> Message:
    """Mark a message, and all before it that the caller received, as read. 403 for who sent it."""
    async with app.db.tx() as tx:
        return shown(await chat.read(tx, me, message_id))


@api.delete(MESSAGE, policy=access.user, status=204, errors=(403, 404))
async def delete(app: App, me: Me, message_id: UUID) -> None:
    """Take a message of one's own back, for both sides."""
    async with app.db.tx() as tx:
        await chat.delete(tx, me, message_id)
