"""Messages between two people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.app import App
from majlis.features.conversations.model import Alone, Kind
from majlis.features.graph import service as graph
from majlis.features.graph.model import Named
from majlis.features.media import service as media
from majlis.features.messages import service as messages
from majlis.features.messages.model import NotMember, Sending, Summary
from majlis.kit import http
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.sioree import shapes
from majlis.surfaces.compat.sioree.shapes import Conversation, Message, MessageType, PageLimit, Shape, Success

api = http.Api("messages")
ALL = "/api/messages"
ONE = ALL + "/{conversation_id}"
DM: tuple[Kind, ...] = ("dm",)
SHOWN: dict[str, MessageType] = {"image": "image", "event_invite": "event_invite"}


class HistoryQuery(Shape, kw_only=True):
    """Which page of a conversation, the newest messages on the first."""

    page: Annotated[int, Meta(ge=1, le=10_000)] = 1
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class Conversations(Shape):
    """A page of conversations, the latest message first."""

    conversations: list[Conversation]
    total: int
    page: int
    limit: int


class Messages(Shape):
    """A page of messages, the newest first."""

    messages: list[Message]
    has_more: bool


class SendBody(Shape, kw_only=True):
    """A message to somebody. The text of an image is the URL of an upload, that of an invitation the id of an event."""

    conversation_id: UUID | UnsetType = UNSET
    receiver_id: UUID
    text: Annotated[str, Meta(min_length=1, max_length=5000, pattern=r"\S", examples=["See you at nine?"])]
    message_type: MessageType = "text"


class OpenBody(Shape):
    """With whom."""

    user_id: UUID


class Stored(msgspec.Struct):
    """A message of the log, as far as it is shown here."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    type: str
    text: str
    data: msgspec.Raw | None
    created_at: datetime


# ---- shapes


def shown(me: Me, stored: Any, other: UUID, *, read: bool) -> Message:
    """A message of the caller and another one."""
    kind = SHOWN.get(stored.type, "text")
    text = stored.text
    if kind == "event_invite" and stored.data is not None:
        text = str(msgspec.json.decode(stored.data).get("event_id") or text)
    receiver = other if stored.sender_id == me.id else me.user()
    return Message(
        stored.id, stored.conversation_id, stored.sender_id, receiver, text, stored.created_at, read, kind
    )


def _conversation(one: Summary, people: dict[UUID, Named]) -> Conversation:
    other = cast(UUID, one.other_id)
    named = people.get(other)
    return Conversation(
        one.id,
        other,
        shapes.name_of(named),
        shapes.avatar_of(named),
        one.last_message.text if one.last_message is not None else "",
        one.last_message_at or one.created_at,
        one.unread_count,
        named is not None,
    )


async def _conversations(tx: Reader, me: Me, found: Sequence[Summary]) -> list[Conversation]:
    known = [one for one in found if one.other_id is not None]
    people = await graph.named(tx, me, [one.other_id for one in known if one.other_id is not None])
    return [_conversation(one, people) for one in known]


# ---- verbs


async def say(tx: Tx, me: Me, body: SendBody) -> Message:
    """Say something to somebody; without a conversation there is one then.

    Raises Alone, NotFound, NotMember, NotAccepted, MayNotWrite, Invalid.
    """
    if body.receiver_id == me.user():
        raise Alone("receiverId")
    if isinstance(body.conversation_id, UUID):
        at = await messages.place(tx, me, body.conversation_id, DM, unmet=True)
        if at.other_id != body.receiver_id:
            raise NotMember()
        conversation_id = at.id
    else:
        found = await messages.find_dm(tx, me, body.receiver_id)
        conversation_id = found or (await _open(tx, me, body.receiver_id, "receiver_not_found"))
    sent = await messages.send(tx, me, conversation_id, _sending(body), DM)
    return shown(me, sent.message, body.receiver_id, read=False)


async def _open(tx: Tx, me: Me, other: UUID, missing: str) -> UUID:
    try:
        return (await messages.open_dm(tx, me, other))[0]
    except NotFound as refused:
        raise NotFound(refused.detail, code=missing) from refused


def _sending(body: SendBody) -> Sending:
    """The same for the engine. Raises Invalid for an image that was not uploaded here."""
    if body.message_type == "image":
        if media.object_of(body.text) is None:
            raise Invalid.field("text", "The text of an image is the URL of an upload.", "unknown_upload")
        return Sending(type="image", text=body.text, file_ids=[body.text])
    if body.message_type == "event_invite":
        data = msgspec.Raw(msgspec.json.encode({"event_id": body.text}))
        return Sending(type="event_invite", text=body.text, data=data)
    return Sending(text=body.text)


@api.get(ALL + "/conversations", policy=access.user)
async def conversations(app: App, me: Me, query: PageLimit) -> Conversations:
    """The caller's conversations with one other each, the latest message first."""
    async with app.db.read() as tx:
        found = await messages.listing(tx, me, shapes.at(query), DM)
        items = await _conversations(tx, me, found.items)
    return Conversations(items, found.total or 0, query.page, query.limit)


@api.get(ONE, policy=access.owner)
async def history(app: App, me: Me, conversation_id: UUID, query: HistoryQuery) -> Messages:
    """Messages of a conversation, the newest first."""
    paging = shapes.at(PageLimit(page=query.page, limit=query.limit), counted=False)
    async with app.db.read() as tx:
        at = await messages.place(tx, me, conversation_id, DM)
        found = await messages.history(tx, me, conversation_id, paging, kinds=DM)
        read = await messages.read_times(tx, me, [one.id for one in found.items])
    other = cast(UUID, at.other_id)
    items = [shown(me, one, other, read=read.get(one.id) is not None) for one in found.items]
    return Messages(items, found.next is not None)


@api.post(ALL, policy=access.user, errors=(403, 404))
async def send(app: App, me: Me, body: SendBody) -> Message:
    """Write to somebody: both sides hear of it over their sockets."""
    async with app.db.tx() as tx:
        return await say(tx, me, body)


@api.post(ALL + "/conversation", policy=access.user, errors=(403, 404))
async def open_conversation(app: App, me: Me, body: OpenBody) -> Conversation:
    """The conversation with somebody, new if need be."""
    async with app.db.tx() as tx:
        opened = await _open(tx, me, body.user_id, "user_not_found")
        (found,) = await _conversations(tx, me, [await messages.summary(tx, me, opened, DM)])
    return found


@api.post(ONE + "/read", policy=access.owner)
async def read(app: App, me: Me, conversation_id: UUID) -> Success:
    """Everything in a conversation is read."""
    async with app.db.tx() as tx:
        at = await messages.place(tx, me, conversation_id, DM)
        await messages.mark_read(tx, me, conversation_id, at.last_seq, DM)
    return Success()
