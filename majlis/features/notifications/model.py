"""Nouns of notifications."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.kit.http import PageQuery

Kind = Literal["POST_LIKE", "POST_COMMENT", "COMMENT_REPLY", "COMMENT_LIKE", "POST_SHARE", "USER_FOLLOW"]
Category = Literal["POSTS", "MESSAGES", "EVENTS", "SALES"]

# Which preference a type obeys (rule 157). SYSTEM obeys none.
CATEGORIES: dict[Category, tuple[str, ...]] = {
    "POSTS": (
        "POST_LIKE", "POST_COMMENT", "COMMENT_REPLY", "COMMENT_LIKE", "POST_SHARE", "POLL_VOTE",
        "USER_FOLLOW", "BUSINESS_FOLLOW",
    ),
    "MESSAGES": ("MESSAGE",),
    "EVENTS": ("EVENT_INTEREST", "EVENT_REMINDER"),
    "SALES": ("SALE_ENQUIRY", "SALE_SOLD"),
}  # fmt: skip

# A title, and what follows the name of whoever did it.
WORDS: dict[Kind, tuple[str, str]] = {
    "POST_LIKE": ("New like", "liked your post."),
    "POST_COMMENT": ("New comment", "commented on your post."),
    "COMMENT_REPLY": ("New reply", "replied to your comment."),
    "COMMENT_LIKE": ("New like", "liked your comment."),
    "POST_SHARE": ("New share", "shared your post."),
    "USER_FOLLOW": ("New follower", "follows you."),
}


class Notification(msgspec.Struct):
    """Something the owner is told. `data` holds the ids that an app needs to open it."""

    id: UUID
    user_id: UUID
    type: str
    title: str | None
    message: str | None
    data: dict[str, Any] | None
    read: bool
    created_at: datetime


class Notifications(msgspec.Struct, kw_only=True):
    """A page of notifications, and how many are unread in all. `total` is present with offset paging only."""

    data: list[Notification]
    next_cursor: str | None
    total: int | UnsetType = UNSET
    unread_count: int


class NotificationQuery(PageQuery, kw_only=True):
    """Which notifications: read or not, of a type, of a category."""

    read: bool | None = None
    type: Annotated[str, Meta(max_length=50, examples=["POST_LIKE"])] | None = None
    category: Category | None = None


class ReadAll(msgspec.Struct):
    """How many were marked read now, and how many are unread still."""

    updated: int
    unread_count: int


class UnreadCount(msgspec.Struct):
    """How many are unread."""

    unread_count: int
