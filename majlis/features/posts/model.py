"""Nouns of posts, in and out."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.businesses.model import BusinessMini
from majlis.features.graph.model import UserMini
from majlis.features.media.model import Photo
from majlis.features.polls.model import Poll
from majlis.kit.errors import Conflict, Forbidden
from majlis.kit.geo import Point

PostType = Literal["FEED", "EVENT", "SELL", "PULL"]
PostTypeIn = Literal["FEED", "EVENT", "SELL", "PULL", "POLL"]  # POLL is taken for PULL
Visibility = Literal["PUBLIC", "FRIENDS", "PRIVATE"]
EventState = Literal["upcoming", "ongoing", "ended", "cancelled"]
Stance = Literal["interested", "going", "not_interested"]

Title = Annotated[str, Meta(max_length=255, examples=["Carpet from Herat"])]
Text = Annotated[
    str, Meta(max_length=20_000, examples=["Fresh bread at the corner from six in the morning."])
]
Place = Annotated[str, Meta(max_length=100)]
Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}$", examples=["AFN"])]
Price = Annotated[Decimal, Meta(examples=["1500.00"])]
Photos = Annotated[list[Photo], Meta(max_length=10)]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", examples=["18:30"])]
Option = Annotated[str, Meta(min_length=1, max_length=200)]

# Dates of events are local to the place; no place has a zone of its own yet.
ZONE = zoneinfo.ZoneInfo("Asia/Kabul")


class Attachment(msgspec.Struct):
    """A picture of a post."""

    id: UUID
    post_id: UUID
    photo: Photo
    created_at: datetime
    updated_at: datetime


class Icon(msgspec.Struct):
    """The name of an icon in a library of icons."""

    name: str
    library: str


class SellCategory(msgspec.Struct):
    """A kind of goods."""

    id: UUID
    name: str
    icon: Icon
    color: str
    status: str
    created_at: datetime


class Post(msgspec.Struct):
    """A post as this viewer sees it."""

    id: UUID
    user_id: UUID | None
    business_id: UUID | None
    original_post_id: UUID | None
    category_id: UUID | None
    title: str | None
    description: str | None
    type: PostType
    status: bool
    visibility: Visibility
    currency: str | None
    price: Decimal | None
    discount: Decimal | None
    free: bool
    sold: bool
    is_promoted: bool
    country_code: str | None
    contact_no: str | None
    is_location: bool
    start_date: date | None
    start_time: time | None
    end_date: date | None
    end_time: time | None
    event_state: EventState | None
    interested_count: int
    going_count: int
    expired_at: datetime | None
    address_location: Point | None
    user_location: Point | None
    country: str | None
    province: str | None
    district: str | None
    neighborhood: str | None
    total_comments: int
    total_likes: int
    total_shares: int
    created_at: datetime
    updated_at: datetime
    author: UserMini | None
    business: BusinessMini | None
    category: SellCategory | None
    attachments: list[Attachment]
    original_post: "Post | None"
    poll: Poll | None
    liked_by_me: bool
    bookmarked_by_me: bool
    my_event_state: Stance | None
    is_mine: bool
    distance_km: float | None = None
    trending_score: float | None = None


SERVER_OWNED = frozenset(
    {
        "id", "user_id", "original_post_id", "sold", "is_promoted", "event_state", "interested_count", "going_count",
        "total_comments", "total_likes", "total_shares", "created_at", "updated_at", "deleted_at", "author", "business",
        "category", "original_post", "poll", "liked_by_me", "bookmarked_by_me", "my_event_state", "is_mine",
        "distance_km", "trending_score",
    }
)  # fmt: skip


class Fields(msgspec.Struct, kw_only=True):
    """What creating and changing a post have in common."""

    title: Title | None | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    status: bool | UnsetType = UNSET
    category_id: UUID | None | UnsetType = UNSET
    currency: Currency | None | UnsetType = UNSET
    price: Price | None | UnsetType = UNSET
    discount: Annotated[Decimal, Meta(examples=["10.00"])] | None | UnsetType = UNSET
    free: bool | UnsetType = UNSET
    country_code: Annotated[str, Meta(max_length=10, examples=["+93"])] | None | UnsetType = UNSET
    contact_no: Annotated[str, Meta(max_length=20, examples=["700123456"])] | None | UnsetType = UNSET
    is_location: bool | UnsetType = UNSET
    start_date: date | None | UnsetType = UNSET
    start_time: TimeOfDay | None | UnsetType = UNSET
    end_date: date | None | UnsetType = UNSET
    end_time: TimeOfDay | None | UnsetType = UNSET
    expired_at: datetime | None | UnsetType = UNSET
    address_location: Point | None | UnsetType = UNSET
    user_location: Point | None | UnsetType = UNSET
    country: Place | None | UnsetType = UNSET
    province: Place | None | UnsetType = UNSET
    district: Place | None | UnsetType = UNSET
    neighborhood: Place | None | UnsetType = UNSET


class PostCreate(Fields, kw_only=True):
    """A new post. Pictures are Photo objects of earlier uploads, or `images` parts of a form."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED

    type: PostTypeIn
    business_id: UUID | None | UnsetType = UNSET
    attachments: Photos | UnsetType = UNSET
    poll_options: Annotated[list[Option], Meta(max_length=10)] | None | UnsetType = UNSET


class PostUpdate(Fields, kw_only=True):
    """Absent fields stay, null clears. The type never changes."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {
        "type",
        "business_id",
        "attachments",
        "poll_options",
    }

    add_attachments: Photos | UnsetType = UNSET
    remove_attachment_ids: Annotated[list[UUID], Meta(max_length=100)] | UnsetType = UNSET


class Filter(msgspec.Struct, kw_only=True):
    """Which posts a list holds. Everything given must hold; several types mean any of them."""

    type: list[PostType] | None = None
    category_id: UUID | None = None
    user_id: UUID | None = None
    business_id: UUID | None = None
    country: str | None = None
    province: str | None = None
    district: str | None = None
    neighborhood: str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    currency: str | None = None
    free: bool | None = None
    sold: bool | None = None
    visibility: str | None = None
    status: bool | None = None
    date_from: date | None = None
    date_to: date | None = None
    q: str | None = None
    near: Point | None = None
    radius_km: float = 10.0
    bookmarked: bool = False
    hidden_too: bool = False  # also what its author switched off, for the author's own lists


Sort = Literal["recent", "nearby", "trending", "relevance", "bookmarked"]


class NotAuthor(Forbidden):
    """Only the author changes a post."""

    code, detail = "not_author", "Only the author may do this."


class NotShareable(Conflict):
    """Only public posts are shared."""

    code, detail = "not_public", "Only public posts can be shared."


def event_state(post: Post, now: datetime) -> EventState | None:
    """Whether an event is ahead, under way or over; None without a date."""
    if post.start_date is None:
        return None
    if now < event_start(post.start_date, post.start_time):
        return "upcoming"
    end = event_end(post.start_date, post.start_time, post.end_date, post.end_time)
    return "ongoing" if now < end else "ended"


def event_start(start: date, start_time: time | None) -> datetime:
    """When an event begins, in UTC: its time, or the beginning of its day when none is given."""
    return _moment(start, start_time or time.min)


def event_end(start: date, start_time: time | None, end: date | None, end_time: time | None) -> datetime:
    """When an event is over, in UTC: its end, or the end of its last day when no time is given."""
    last = end or start
    if end_time is not None:
        return _moment(last, end_time)
    return _moment(last + timedelta(days=1), time.min)


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=None), ZONE).astimezone(UTC)
