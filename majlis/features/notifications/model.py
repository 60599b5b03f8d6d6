"""Nouns of notifications."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.graph.model import UserMini
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.http import PageQuery

Kind = Literal[
    "POST_LIKE", "POST_COMMENT", "COMMENT_REPLY", "COMMENT_LIKE", "POST_SHARE", "USER_FOLLOW", "FOLLOW_REQUEST",
    "FOLLOW_ACCEPTED", "BUSINESS_FOLLOW", "EVENT_INTEREST", "EVENT_REMINDER", "SALE_SOLD", "POST_PUBLISHED",
    "POST_REPOST", "POLL_VOTE", "SALE_ENQUIRY", "MESSAGE", "MENTION", "SYSTEM",
    "POST_BOUGHT", "SUBSCRIBER",
]  # fmt: skip
Category = Literal["POSTS", "MESSAGES", "EVENTS", "SALES"]
EVERY: tuple[Category, ...] = get_args(Category)

# Which preference a type obeys (rule 157). SYSTEM obeys none.
CATEGORIES: dict[Category, tuple[str, ...]] = {
    "POSTS": (
        "POST_LIKE", "POST_COMMENT", "COMMENT_REPLY", "COMMENT_LIKE", "POST_SHARE", "POST_REPOST", "POLL_VOTE",
        "USER_FOLLOW", "FOLLOW_REQUEST", "FOLLOW_ACCEPTED", "BUSINESS_FOLLOW", "POST_PUBLISHED",
    ),
    "MESSAGES": ("MESSAGE", "MENTION"),
    "EVENTS": ("EVENT_INTEREST", "EVENT_REMINDER"),
    "SALES": ("SALE_ENQUIRY", "SALE_SOLD", "POST_BOUGHT", "SUBSCRIBER"),
}  # fmt: skip

OF_MESSAGES = (
    "MESSAGE",
    "MENTION",
    "SALE_ENQUIRY",
)  # what is told of messages, and of no other use once they are read

# A title, and what follows the name of whoever did it.
WORDS: dict[Kind, tuple[str, str]] = {
    "POST_LIKE": ("New like", "liked your post."),
    "POST_COMMENT": ("New comment", "commented on your post."),
    "COMMENT_REPLY": ("New reply", "replied to your comment."),
    "COMMENT_LIKE": ("New like", "liked your comment."),
    "POST_SHARE": ("New share", "shared your post."),
    "POST_REPOST": ("New repost", "reposted your post."),
    "USER_FOLLOW": ("New follower", "follows you."),
    "BUSINESS_FOLLOW": ("New follower", "follows your business."),
    "EVENT_INTEREST": ("New guest", "takes an interest in your event."),
    "EVENT_REMINDER": ("Event soon", "expects you: an event begins soon."),
    "SALE_SOLD": ("Sold", "sold something that you bookmarked."),
    "FOLLOW_REQUEST": ("Follow request", "asks to follow you."),
    "FOLLOW_ACCEPTED": ("Request accepted", "lets you follow them."),
    "POST_PUBLISHED": ("New post", "published a post."),
    "POLL_VOTE": ("New vote", "voted in your poll."),
    "SALE_ENQUIRY": ("New enquiry", "asks about what you sell."),
    "MESSAGE": ("New message", "wrote to you."),
    "MENTION": ("New mention", "mentioned you."),
    "POST_BOUGHT": ("New sale", "bought your post."),
    "SUBSCRIBER": ("New subscriber", "subscribed to you."),
    "SYSTEM": ("From the moderators", "has a word for you."),
}
# The same of several people, where the words differ.
WORDS_OF_MANY: dict[str, str] = {
    "USER_FOLLOW": "follow you.",
    "BUSINESS_FOLLOW": "follow your business.",
    "EVENT_INTEREST": "take an interest in your event.",
    "FOLLOW_REQUEST": "ask to follow you.",
    "SALE_ENQUIRY": "ask about what you sell.",
}


def category_of(kind: str) -> Category | None:
    """The category whose preferences a type obeys; None for those that obey none."""
    return next((category for category, kinds in CATEGORIES.items() if kind in kinds), None)


def name_of(person: UserMini | None) -> str:
    """The name of somebody as their reader may see it."""
    parts = () if person is None else (person.first_name, person.last_name)
    return " ".join(part for part in parts if part) or "Somebody"


class Group(msgspec.Struct):
    """Who did the same to the same thing: how many people, the latest of them, and whether there are more.

    Those are counted among the latest 100 notifications of the group.
    """

    count: int
    more: bool
    actors: list[UserMini]


class Notification(msgspec.Struct):
    """Something the owner is told. `data` holds the ids that an app needs to open it.

    `actor` is who did it, as the owner may see them. `group` is there when groups are asked for; the
    notification is its latest then, and read when all of it is.
    """

    id: UUID
    user_id: UUID
    type: str
    title: str | None
    message: str | None
    data: dict[str, Any] | None
    read: bool
    created_at: datetime
    actor: UserMini | None = None
    group: Group | UnsetType = UNSET


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
    grouped: Annotated[bool, Meta(description="one entry for what several people did to the same thing")] = (
        False
    )


class GroupQuery(msgspec.Struct, kw_only=True):
    """Whether this is to be done to the whole group of a notification."""

    grouped: bool = False


class ReadAll(msgspec.Struct):
    """How many were marked read now, and how many are unread still."""

    updated: int
    unread_count: int


class UnreadCount(msgspec.Struct):
    """How many are unread."""

    unread_count: int


class NotificationSetting(msgspec.Struct):
    """Through which channels the caller hears of a category: push, the list in the app, a digest by mail."""

    id: UUID
    profile_id: UUID
    category: Category
    push_pref: bool
    in_app_pref: bool
    email_pref: bool
    created_at: datetime
    updated_at: datetime


class NotificationSettings(msgspec.Struct):
    """The settings of all categories."""

    data: list[NotificationSetting]


class SettingChange(msgspec.Struct, kw_only=True):
    """A new setting of one category. Channels that are left out stay as they are."""

    category: Category
    push_pref: bool
    in_app_pref: bool | UnsetType = UNSET
    email_pref: bool | UnsetType = UNSET


class SettingsUpdate(msgspec.Struct, kw_only=True):
    """Either a category with its channels, or several of them as `settings`."""

    category: Category | UnsetType = UNSET
    push_pref: bool | UnsetType = UNSET
    in_app_pref: bool | UnsetType = UNSET
    email_pref: bool | UnsetType = UNSET
    settings: Annotated[list[SettingChange], Meta(max_length=4)] | UnsetType = UNSET
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "profile_id", "created_at", "updated_at"})


def changes_of(body: SettingsUpdate) -> list[dict[str, Any]]:
    """The categories and channels that a body sets, in either of its two forms. Raises Invalid."""
    whole: dict[str, Any] = msgspec.to_builtins(body)
    listed = whole.pop("settings", None)
    if listed is None:
        if "category" not in whole:
            raise Invalid("Give a category, or settings.", fields=_required("category", "settings"))
        if len(whole) == 1:
            raise Invalid.field("push_pref", "Give what to set.", "required")
        return [whole]
    if whole:
        raise Invalid.field("settings", "Give either a category or settings.", "ambiguous")
    if not listed:
        raise Invalid.field("settings", "Give at least one setting.", "required")
    names = [change["category"] for change in listed]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Invalid.field(f"settings[{index}].category", "This category stands here twice.", "repeated")
    return list(listed)


def _required(*names: str) -> list[FieldFault]:
    return [FieldFault(name, "required", "Give a category, or settings.") for name in names]


class Again(msgspec.Struct, frozen=True):
    """A push that some devices did not get. `attempt` counts from 1."""

    notification_id: UUID
    user_id: UUID
    devices: tuple[UUID, ...]
    attempt: int


class Unread(msgspec.Struct, frozen=True):
    """A message that somebody may be about to read."""

    conversation_id: UUID
    message_id: UUID
    sender_id: UUID
    user_id: UUID
    seq: int = 0  # its place


class About(msgspec.Struct):
    """A message, and what it hands its recipient."""

    message_id: UUID
    post_id: UUID


class Announced(msgspec.Struct, frozen=True):
    """A new post, and the follower up to whom people were told of it."""

    post_id: UUID
    after: UUID


class TakenBack(msgspec.Struct):
    """What somebody is told no more."""

    id: UUID
    user_id: UUID


class Follower(msgspec.Struct):
    """A follower, and what was stored for them: nothing for those who may not see the post or do not want it."""

    id: UUID
    told: UUID | None
    push: bool | None
    listed: bool | None


class Setting(msgspec.Struct):
    """What somebody chose for a category, or the default where there is no row."""

    category: str
    id: UUID | None
    push_pref: bool
    in_app_pref: bool
    email_pref: bool
    created_at: datetime
    updated_at: datetime
