"""The JSON of the starter contract: camelCase, every success in an envelope, pages with a block that counts them."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.graph import service as graph
from majlis.features.graph.model import Named
from majlis.features.identity import service as identity
from majlis.kit import page
from majlis.kit.db import Reader
from majlis.kit.me import Me

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
DONE = "OK"  # where the contract has no words for a success
_words: dict[Callable[..., Any], str] = {}


def says(words: str) -> Callable[[H], H]:
    """What the envelope of a route's answer says; stands below the route's own decorator."""

    def register(handler: H) -> H:
        _words[handler] = words
        return handler

    return register


def words_of(handler: Callable[..., Any]) -> str:
    """What the envelope says for this route."""
    return _words.get(handler, DONE)


def camel(name: str) -> str:
    """The name of a field as it is written at this door: `receiver_id` as `receiverId`."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


class Shape(msgspec.Struct, rename="camel"):
    """What goes out or comes in at this door; its fields are written in camelCase."""


class Bare(Shape):
    """An answer without an envelope."""


class Envelope(Shape, Generic[T]):
    """A success. `data` is null where there is nothing to tell."""

    success: Literal[True]
    message: str
    data: T


class ListEnvelope(Shape, Generic[T]):
    """A whole list."""

    success: Literal[True]
    message: str
    data: list[T]


class Pagination(Shape):
    """Where a page stands in its list. Pages are counted from 1."""

    page: int
    limit: int
    total: int
    total_pages: int
    has_next: bool
    has_prev: bool


class Paged(Shape, Generic[T]):
    """A page as routes return it; the envelope lays it open."""

    data: list[T]
    pagination: Pagination


class PagedEnvelope(Shape, Generic[T]):
    """A page of a list."""

    success: Literal[True]
    message: str
    data: list[T]
    pagination: Pagination


class Fault(Shape):
    """A stable word, and by field what is wrong; null where no field is."""

    code: str
    details: dict[str, Any] | None


class Error(Shape):
    """A refusal."""

    success: Literal[False]
    message: str
    error: Fault


class User(Shape):
    """A person. The address is empty for everybody but themselves."""

    id: UUID
    name: str
    email: str
    avatar_url: str | None
    created_at: datetime


class TokenPair(Shape):
    """An access token of so many seconds, and a refresh token of 7 days that is good once."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignedIn(Shape):
    """The account and its tokens."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int


Status = Literal["draft", "published", "archived"]
NewStatus = Literal["draft", "published"]
Title = Annotated[
    str, Meta(max_length=1000, examples=["Bread at six"], description="3 to 255 characters, trimmed")
]
Content = Annotated[
    str,
    Meta(
        max_length=200_000,
        examples=["The oven is hot from four in the morning."],
        description="at least 10 characters",
    ),
]


class PostListItem(Shape):
    """An article in a list."""

    id: UUID
    title: str
    slug: str
    author_id: UUID
    status: Status
    view_count: int
    created_at: datetime


class Post(Shape):
    """An article. The author is left out where the caller may not know of them."""

    id: UUID
    title: str
    content: str
    slug: str
    author_id: UUID
    status: Status
    view_count: int
    version: int
    created_at: datetime
    updated_at: datetime
    author: User | UnsetType = UNSET


class Message(Shape, kw_only=True):
    """A direct message. `readAt` is left out until it was read, people where they are not known."""

    id: UUID
    sender_id: UUID
    receiver_id: UUID
    content: str
    type: Literal["text", "image", "file"]
    status: Literal["sent", "delivered", "read"]
    created_at: datetime
    read_at: datetime | UnsetType = UNSET
    sender: User | UnsetType = UNSET
    receiver: User | UnsetType = UNSET


class Conversation(Shape):
    """What was last said with somebody, and how much of it is unread."""

    user_id: UUID
    user: User
    last_message: Message
    unread_count: int
    is_online: bool


class Task(Shape):
    """Work in the background, as its owner sees it."""

    task_id: UUID
    type: str
    status: Literal["pending", "processing", "completed", "failed"]
    result: Any
    error: str | None
    created_at: datetime
    updated_at: datetime


class RoomPresence(Shape):
    """Who is in a room."""

    room_id: str
    users: list[UUID]


class Document(Shape):
    """A document that several people write."""

    id: UUID
    title: str
    content: dict[str, Any]
    owner_id: UUID
    collaborators: list[UUID]
    version: int
    created_at: datetime
    updated_at: datetime


class NotificationPreference(Shape):
    """Over which channels somebody is told, and of what."""

    email_enabled: bool
    push_enabled: bool
    web_socket_enabled: bool
    categories: dict[str, bool]


class Presence(Shape):
    """Whether somebody is online."""

    user_id: UUID
    is_online: bool
    last_seen_at: datetime | None


def paging(number: int, limit: int) -> page.Paging:
    """A page of this door for the domain, which counts the list."""
    return page.Paging(limit, offset=(number - 1) * limit)


def paged(items: list[T], total: int, number: int, limit: int) -> Paged[T]:
    """A page with its block. What lies behind the deepest offset is no part of any list."""
    pages = -(-total // limit)
    follows = number < pages and number * limit <= page.MAX_OFFSET
    return Paged(items, Pagination(number, limit, total, pages, follows, number > 1))


def user(named: Named, email: str = "") -> User:
    """A person of the domain at this door."""
    avatar = named.avatar.url if named.avatar else None
    return User(named.id, named.name or named.username, email, avatar, named.created_at)


async def account(tx: Reader, me: Me) -> User:
    """The caller's account. Raises NotFound when it is gone."""
    found = await identity.get(tx, me, me.user())
    return user(await graph.named_one(tx, me, found.id), found.email)


async def users(tx: Reader, me: Me, ids: Collection[UUID]) -> dict[UUID, User]:
    """These people by id, without those whom the caller does not meet in lists; one query, none for nobody."""
    return {key: user(named) for key, named in (await graph.named(tx, me, ids)).items()}
