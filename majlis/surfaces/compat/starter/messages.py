"""Direct messages."""

from collections.abc import Collection, Sequence
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta

from majlis.app import App
from majlis.features.letters import service as letters
from majlis.features.letters.model import MOST, Letter
from majlis.kit import http
from majlis.kit.db import Reader
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.kit.page import MAXIMUM, Paging
from majlis.surfaces.compat.starter import shapes
from majlis.surfaces.compat.starter.shapes import Conversation, Message, Paged, Shape, paged, says

api = http.Api("messages")
ALL = "/api/v1/messages"
TYPES: dict[str, Literal["text", "image", "file"]] = {"text": "text", "image": "image", "file": "file"}
Said = Annotated[str, Meta(min_length=1, max_length=5000, examples=["Is the bread still warm?"])]


class MessageSend(Shape, kw_only=True):
    """Something to say to somebody."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "senderId", "status", "readAt", "createdAt"})

    receiver_id: UUID
    content: Said
    type: Literal["text", "image", "file"] = "text"


class MessagesRead(Shape, kw_only=True):
    """Messages that the caller has read."""

    message_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST)]


class HistoryQuery(Shape, kw_only=True):
    """With whom, and which page."""

    user_id: UUID
    page: Annotated[int, Meta(ge=1, description="counted from 1")] = 1
    limit: Annotated[int, Meta(ge=1, le=MAXIMUM)] = 50


class UnreadCount(Shape):
    """How many direct messages the caller has not read."""

    unread_count: int


async def shown(tx: Reader, me: Me, found: Collection[Letter]) -> list[Message]:
    """Messages in the contract's shape, with who wrote and who gets them; one query."""
    people: Sequence[UUID] = [one for letter in found for one in (letter.sender_id, letter.receiver_id)]
    users = await shapes.users(tx, me, set(people))
    return [
        Message(
            id=one.id,
            sender_id=one.sender_id,
            receiver_id=one.receiver_id,
            content=one.text,
            type=TYPES.get(one.type, "text"),
            status=one.state,
            created_at=one.created_at,
            read_at=one.read_at or UNSET,
            sender=users.get(one.sender_id, UNSET),
            receiver=users.get(one.receiver_id, UNSET),
        )
        for one in found
    ]


@api.post(ALL, policy=access.user, status=201, errors=(403, 404))
@says("Message sent successfully")
async def send(app: App, me: Me, body: MessageSend) -> Message:
    """Write to somebody. It is delivered at once where they are online."""
    async with app.db.tx() as tx:
        letter = await letters.send(tx, me, body.receiver_id, body.content, body.type)
        return (await shown(tx, me, [letter]))[0]


@api.get(ALL, policy=access.user)
@says("Messages retrieved successfully")
async def conversation(app: App, me: Me, query: HistoryQuery) -> Paged[Message]:
    """What the caller and somebody else wrote, newest first."""
    async with app.db.fresh() as tx:
        found = await letters.history(tx, me, query.user_id, shapes.paging(query.page, query.limit))
        messages = await shown(tx, me, found.items)
    return paged(messages, found.total or 0, query.page, query.limit)


@api.post(ALL + "/read", policy=access.user, status=200)
@says("Messages marked as read")
async def read(app: App, me: Me, body: MessagesRead) -> None:
    """Mark messages that the caller received; who sent them is told."""
    async with app.db.tx() as tx:
        await letters.read(tx, me, body.message_ids)


@api.get(ALL + "/conversations", policy=access.user)
@says("Conversations retrieved successfully")
async def conversations(app: App, me: Me) -> list[Conversation]:
    """The latest message with everybody with whom the caller writes, at most 100."""
    async with app.db.fresh() as tx:
        found = (await letters.correspondences(tx, me, Paging(MAXIMUM))).items
        messages = await shown(tx, me, [one.last for one in found])
        there = await letters.online(tx, me, [one.other_id for one in found])
    lines = zip(found, messages, strict=True)
    return [
        Conversation(one.other_id, user, last, one.unread_count, there[one.other_id].is_online)
        for one, last in lines
        if isinstance(user := last.sender if last.sender_id == one.other_id else last.receiver, shapes.User)
    ]


@api.get(ALL + "/unread-count", policy=access.user)
@says("Unread count retrieved successfully")
async def unread_count(app: App, me: Me) -> UnreadCount:
    """How many direct messages the caller has not read."""
    async with app.db.fresh() as tx:
        return UnreadCount(await letters.unread(tx, me))


@api.delete(ALL + "/{message_id}", policy=access.user, status=200, errors=(403, 404))
@says("Message deleted successfully")
async def delete(app: App, me: Me, message_id: UUID) -> None:
    """Take a message of one's own back, for both sides."""
    async with app.db.tx() as tx:
        await letters.delete(tx, me, message_id)
