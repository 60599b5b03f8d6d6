"""The JSON of the Sioree contract: camelCase, with exactly its fields."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.graph.model import Named
from majlis.features.nightlife.model import Role
from majlis.features.tickets import model as held
from majlis.kit import currencies, page
from majlis.kit.errors import Invalid
from majlis.kit.page import DEFAULT, MAX_OFFSET, MAXIMUM

Platform = Literal["instagram", "tiktok", "youtube", "spotify", "twitter", "soundcloud", "apple_music"]
Status = Literal["going", "interested", "not_going"]
MessageType = Literal["text", "image", "event_invite"]


class Shape(msgspec.Struct, rename="camel"):
    """What goes out or comes in at this door; its fields are written in camelCase.

    Times are whole seconds, as the contract shows them: the app's usual ISO 8601 decoder takes no parts of one.
    """

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime) and value.microsecond:
                setattr(self, name, value.replace(microsecond=0))


class Error(Shape):
    """A refusal: a stable word of the contract, and words for people."""

    error: str
    message: str


class Success(Shape):
    """A command was carried out."""

    success: bool = True


class PageLimit(Shape, kw_only=True):
    """Which page of a list, counted from 1, and how long pages are."""

    page: Annotated[int, Meta(ge=1, le=MAX_OFFSET, description="counted from 1")] = 1
    limit: Annotated[int, Meta(ge=1, le=MAXIMUM, description="how many items")] = DEFAULT


class BankAccount(Shape):
    """A bank account as its owner sees it: never its number."""

    id: UUID
    bank_name: str
    account_type: Literal["checking", "savings"]
    last4: str
    is_verified: bool
    created_at: datetime


class SocialAccount(Shape):
    """An account at another company, as its owner sees it."""

    id: UUID
    platform: Platform
    username: str
    profile_url: str | None
    is_connected: bool
    connected_at: datetime


class UserBrief(Shape):
    """Who signed in."""

    id: UUID
    email: str
    name: str
    role: Role


class Account(UserBrief):
    """The caller's account."""

    avatar: str | None
    bio: str | None
    location: str | None


class Tokens(Shape):
    """An access token of 15 minutes, and a refresh token of 7 days that is good once."""

    token: str
    refresh_token: str


class SignedIn(Tokens):
    """The account and its tokens."""

    user: UserBrief


class Conversation(Shape):
    """A conversation with somebody, as the caller sees it. Without a message the time is when it was opened."""

    id: UUID
    participant_id: UUID
    participant_name: str
    participant_avatar: str | None
    last_message: str
    last_message_time: datetime
    unread_count: int
    is_active: bool


class Message(Shape):
    """A message. The text of an image is its URL, that of an invitation the id of the event."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    receiver_id: UUID
    text: str
    timestamp: datetime
    is_read: bool
    message_type: MessageType


class MediaUrl(Shape):
    """Where a file is, and a small picture of it; of a video that is the video itself."""

    url: str
    thumbnail_url: str


class MediaFile(MediaUrl):
    """A stored file."""

    file_size: int
    mime_type: str


class EventListItem(Shape):
    """An event in a list."""

    id: UUID
    host_id: UUID
    title: str
    host_name: str
    date: datetime
    location: str
    price_text: Annotated[str, Meta(examples=["$25", "Free"])]
    image_name: Annotated[str, Meta(description="of an SF Symbol", examples=["party.popper.fill"])]
    tags: list[str]
    is_featured: bool
    images: list[str]


class EventCreated(Shape):
    """A new event."""

    id: UUID
    host_id: UUID
    title: str
    date: datetime
    location: str
    created_at: datetime


class AttendeeCounts(Shape):
    """How many come, and how many may."""

    going: int
    interested: int


class EventDetail(EventListItem):
    """An event. Without a ticket price it sells nothing; without a capacity all have room."""

    description: str | None
    latitude: float | None
    longitude: float | None
    ticket_price: float | None
    capacity: int | None
    attendee_counts: AttendeeCounts
    my_status: Status | None
    tickets_left: int | None
    created_at: datetime
    updated_at: datetime


class Attendee(Shape):
    """Somebody who comes, or may."""

    user_id: UUID
    name: str
    avatar: str | None
    status: Status
    created_at: datetime


class Ticket(Shape):
    """A ticket. Whoever shows its code comes in."""

    id: UUID
    event_id: UUID
    user_id: UUID | None
    code: str
    price: float
    currency: str
    status: Literal["reserved", "paid", "used", "cancelled", "refunded"]
    purchased_at: datetime
    used_at: datetime | None


def at(query: PageLimit, *, counted: bool = True) -> page.Paging:
    """The same page for the domain. Raises Invalid for one deeper than lists go."""
    offset = (query.page - 1) * query.limit
    if offset > MAX_OFFSET:
        raise Invalid.field("page", f"Lists go {MAX_OFFSET} items deep.", "too_deep")
    return page.Paging(query.limit, offset=offset, counted=counted)


def name_of(named: Named | None) -> str:
    """What somebody is called here: without a name by their username; empty for who is not met."""
    return "" if named is None else named.name or named.username


def avatar_of(named: Named | None) -> str | None:
    """The address of somebody's picture."""
    return named.avatar.url if named is not None and named.avatar is not None else None


def major(amount: int, currency: str) -> float:
    """An amount of minor units in major ones."""
    return float(Decimal(amount).scaleb(-currencies.digits(currency)))


def ticket(found: held.Ticket) -> Ticket:
    """A ticket in the contract's shape."""
    return Ticket(
        found.id,
        found.post_id,
        found.holder_id,
        found.code,
        major(found.price, found.currency),
        found.currency,
        found.status,
        found.purchased_at,
        found.used_at,
    )
