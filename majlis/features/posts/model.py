"""Nouns of posts, in and out."""

import functools
import re
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.businesses.model import BusinessMini
from majlis.features.filters.model import Moderation
from majlis.features.graph.model import UserMini
from majlis.features.media.model import Photo
from majlis.features.polls.model import Poll
from majlis.kit import currencies, geo
from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid
from majlis.kit.geo import Point
from majlis.kit.http import PageQuery

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

SHORTEST_SEARCH = 2
MOST_EXPENSIVE = 10**10

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
    """A post as this viewer sees it; with `moderation` for its author alone, while others do not see it."""

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
    moderation: Moderation | UnsetType = UNSET


SERVER_OWNED = frozenset(
    {
        "id", "user_id", "original_post_id", "sold", "is_promoted", "event_state", "interested_count", "going_count",
        "total_comments", "total_likes", "total_shares", "created_at", "updated_at", "deleted_at", "author", "business",
        "category", "original_post", "poll", "liked_by_me", "bookmarked_by_me", "my_event_state", "is_mine",
        "distance_km", "trending_score", "moderation",
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
    within: list[geo.Box] | None = None
    event_state: list[EventState] | None = None
    my_event_state: list[Stance] | None = None
    bookmarked: bool = False
    hidden_too: bool = False  # also what its author switched off, for the author's own lists
    unmuted: bool = False  # without whom the viewer mutes, for feeds
    muted_words: str | None = None  # a tsquery: without others' posts that it finds


class ListQuery(PageQuery, kw_only=True):
    """What lists of goods and of events may both be asked for: whose, where, when, which words."""

    user_id: UUID | None = None
    business_id: UUID | None = None
    country: Place | None = None
    province: Place | None = None
    district: Place | None = None
    neighborhood: Place | None = None
    date_from: date | None = None
    date_to: date | None = None
    q: Annotated[str, Meta(max_length=200, description="at least 2 letters or digits")] | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lng: Annotated[float, Meta(ge=-180, le=180)] | None = None
    radius_km: Annotated[float, Meta(gt=0, le=100, description="kilometres")] = 10.0

    def filter(self, kind: PostType, near: Point | None) -> Filter:
        """The same for the domain; fields of a Filter that a query adds are taken too. Raises Invalid."""
        values = {name: getattr(self, name) for name in Filter.__struct_fields__ if hasattr(self, name)}
        if self.q is not None:
            check_words(self.q)
        check_prices(values.get("min_price"), values.get("max_price"))
        looked_for = self.q or self.user_id or self.business_id or values.get("my_event_state")
        return Filter(**{**values, "type": [kind], "near": near, "unmuted": not looked_for})


def check_words(text: str) -> None:
    """Raises Invalid unless there is something to search for."""
    if len(re.sub(r"[\W_]", "", text)) < SHORTEST_SEARCH:
        raise Invalid.field("q", f"Search for at least {SHORTEST_SEARCH} letters or digits.", "too_short")


def check_prices(least: Decimal | None, most: Decimal | None) -> None:
    """Raises Invalid for a bound that no price could have."""
    for name, price in (("min_price", least), ("max_price", most)):
        if price is not None and not 0 <= price < MOST_EXPENSIVE:
            raise Invalid.field(name, "A price is a number that is not negative.")


Sort = Literal[
    "recent", "nearby", "trending", "relevance", "bookmarked", "upcoming", "price_asc", "price_desc"
]


class NotAuthor(Forbidden):
    """Only the author changes a post."""

    code, detail = "not_author", "Only the author may do this."


class NotShareable(Conflict):
    """Only public posts are shared."""

    code, detail = "not_public", "Only public posts can be shared."


SELL_ONLY = ("category_id", "currency", "price", "discount", "free", "country_code", "contact_no")
EVENT_ONLY = ("start_date", "start_time", "end_date", "end_time")


def refuse_foreign(kind: str, values: dict[str, Any]) -> None:
    """Fields of another type are refused, unless they are empty (rule 88). Raises Invalid naming each."""
    foreign: list[str] = []
    if kind != "SELL":
        foreign += SELL_ONLY
    if kind != "EVENT":
        foreign += EVENT_ONLY
    if kind not in ("EVENT", "PULL"):
        foreign.append("expired_at")
    if kind != "PULL":
        foreign.append("poll_options")
    wrong = [name for name in foreign if values.get(name) not in (None, False)]
    if wrong:
        message = f"A post of type {kind} has no such field."
        raise Invalid(fields=[FieldFault(name, "foreign_field", message) for name in wrong])


def check_sale(row: Any, categories: Mapping[UUID, SellCategory], need: Any) -> None:
    """Call `need(field, message, code)` for what a stored listing lacks; what is free costs nothing."""
    if not (row.title or "").strip():
        need("title", "A listing needs a title.")
    category = categories.get(row.category_id)
    if row.category_id is None:
        need("category_id", "A listing needs a category.")
    elif category is None or category.status != "ACTIVE":
        need("category_id", "There is no such category.", "invalid")
    if row.free:
        row.price = row.currency = row.discount = None
    elif row.price is None or row.currency is None:
        need("price", "A listing is free, or has a price and a currency.")
    if row.currency is not None:
        row.currency = row.currency.upper()
        if row.currency not in currencies.CODES:
            need("currency", "This is no currency of ISO 4217.", "invalid")
    _check_amount(row.price, "price", Decimal("99999999.99"), need)
    _check_amount(row.discount, "discount", Decimal(100), need)


def _check_amount(value: Decimal | None, field: str, most: Decimal, need: Any) -> None:
    if value is not None and not (0 <= value <= most and value == value.quantize(Decimal("0.01"))):
        need(field, f"This is 0 to {most}, with at most two decimals.", "invalid")


def check_event(row: Any, need: Any) -> None:
    """Call `need(field, message, code)` for what a stored event lacks; its end becomes when it expires."""
    if not (row.title or "").strip():
        need("title", "An event needs a title.")
    if row.start_date is None:
        need("start_date", "An event needs a date.")
        return
    if not 1900 <= row.start_date.year <= 9000 or (row.end_date and not 1900 <= row.end_date.year <= 9000):
        need("start_date", "A date lies between the years 1900 and 9000.", "invalid")
        return
    end = event_end(row.start_date, row.start_time, row.end_date, row.end_time)
    backwards = row.end_date is not None and row.end_date < row.start_date
    if backwards or end < event_start(row.start_date, row.start_time):
        need("end_date", "An event does not end before it starts.", "invalid")
    if row.expired_at is None:
        row.expired_at = end


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


@functools.lru_cache(4096)  # lists ask again and again; finding out takes its time
def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=None), ZONE).astimezone(UTC)
