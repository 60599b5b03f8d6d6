"""The JSON of starter as an app declares it that knows the contract alone: it takes no unknown field."""

# ruff: noqa: N815 - fields are called as they stand in the JSON

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

T = TypeVar("T")
Status = Literal["draft", "published", "archived"]
State = Literal["up", "down"]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What comes from the server."""


class Success(Body, Generic[T]):
    success: Literal[True]
    message: str
    data: T


class Pagination(Body):
    page: int
    limit: int
    total: int
    totalPages: int
    hasNext: bool
    hasPrev: bool


class Page(Body, Generic[T]):
    success: Literal[True]
    message: str
    data: list[T]
    pagination: Pagination


class Fault(Body):
    code: str
    details: dict[str, Any] | None


class Refusal(Body):
    success: Literal[False]
    message: str
    error: Fault


class User(Body):
    id: UUID
    name: str
    email: str
    avatarUrl: str | None
    createdAt: datetime


class TokenPair(Body):
    accessToken: str
    refreshToken: str
    expiresIn: int


class SignedIn(TokenPair):
    user: User


class PostListItem(Body):
    id: UUID
    title: str
    slug: str
    authorId: UUID
    status: Status
    viewCount: int
    createdAt: datetime


class Post(Body):
    id: UUID
    title: str
    content: str
    slug: str
    authorId: UUID
    status: Status
    viewCount: int
    version: int
    createdAt: datetime
    updatedAt: datetime
    author: User | UnsetType = UNSET


class Created(Body):
    count: int
    items: list[PostListItem]


class Message(Body):
    id: UUID
    senderId: UUID
    receiverId: UUID
    content: str
    type: Literal["text", "image", "file"]
    status: Literal["sent", "delivered", "read"]
    createdAt: datetime
    readAt: datetime | UnsetType = UNSET
    sender: User | UnsetType = UNSET
    receiver: User | UnsetType = UNSET


class Conversation(Body):
    userId: UUID
    user: User
    lastMessage: Message
    unreadCount: int
    isOnline: bool


class UnreadCount(Body):
    unreadCount: int


class Task(Body):
    taskId: UUID
    type: str
    status: Literal["pending", "processing", "completed", "failed"]
    result: Any
    error: str | None
    createdAt: datetime
    updatedAt: datetime


class Document(Body):
    id: UUID
    title: str
    content: dict[str, Any]
    ownerId: UUID
    collaborators: list[UUID]
    version: int
    createdAt: datetime
    updatedAt: datetime


class RoomPresence(Body):
    roomId: str
    users: list[UUID]


class Presence(Body):
    userId: UUID
    isOnline: bool
    lastSeenAt: datetime | None


class NotificationPreference(Body):
    emailEnabled: bool
    pushEnabled: bool
    webSocketEnabled: bool
    categories: dict[str, bool]


class DatabaseHealth(Body):
    status: State
    openConnections: int
    inUse: int
    idle: int


class RedisHealth(Body):
    status: State


class SocketHealth(Body):
    status: Literal["running", "stopped"]
    connections: int
    users: int
    rooms: int


class Health(Body):
    status: Literal["healthy", "degraded", "unhealthy"]
    version: str
    uptimeSeconds: int
    database: DatabaseHealth
    redis: RedisHealth
    websocket: SocketHealth


class Checks(Body):
    database: bool
    redis: bool
    migrations: bool
    websocket: bool


class Ready(Body):
    status: Literal["ready", "not_ready"]
    checks: Checks


ANSWERS: dict[str, Any] = {
    "auth.profile": Success[User],
    "auth.register": Success[SignedIn],
    "auth.login": Success[SignedIn],
    "auth.refresh": Success[TokenPair],
    "auth.logout": Success[None],
    "posts.list": Page[PostListItem],
    "posts.get": Success[Post],
    "posts.get_by_slug": Success[Post],
    "posts.create": Success[Post],
    "posts.update": Success[Post],
    "posts.delete": Success[None],
    "posts.publish": Success[Post],
    "posts.popular": Success[list[Post]],
    "posts.bulk_create": Success[Created],
    "messages.send": Success[Message],
    "messages.conversation": Page[Message],
    "messages.read": Success[None],
    "messages.conversations": Success[list[Conversation]],
    "messages.delete": Success[None],
    "messages.unread_count": Success[UnreadCount],
    "tasks.create": Success[Task],
    "tasks.get": Success[Task],
    "documents.create": Success[Document],
    "documents.get": Success[Document],
    "documents.update": Success[Document],
    "documents.add_collaborator": Success[Document],
    "documents.remove_collaborator": Success[Document],
    "rooms.join": Success[RoomPresence],
    "rooms.leave": Success[None],
    "rooms.users": Success[RoomPresence],
    "users.presence": Success[Presence],
    "notifications.get_preferences": Success[NotificationPreference],
    "notifications.set_preferences": Success[NotificationPreference],
    "system.health": Health,
    "system.ready": Ready,
}
