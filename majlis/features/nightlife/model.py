"""Nouns of nights out, and what is refused. Prices are in major units of the event's currency."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from majlis.features.boxoffice.model import BoxOffice
from majlis.features.posts.model import Post, Stance
from majlis.kit.errors import Conflict, Forbidden
from majlis.kit.geo import Point

Role = Literal["host", "partier", "talent", "brand"]
HOSTING: frozenset[Role] = frozenset({"host", "brand"})  # who invites
CURRENCY = "USD"  # of what is sold where nobody says another one
IMAGE_NAME = "party.popper.fill"
LASTS = timedelta(hours=8)  # how long a night is whose end nobody says
PLACE = 100  # characters of a location that a post has room for


class Personal(msgspec.Struct):
    """What somebody is, and where they say they are."""

    user_id: UUID
    role: Role
    location: str | None


class Details(msgspec.Struct):
    """What is said of an event beyond its post."""

    post_id: UUID
    location: str | None = None
    tags: list[str] = []
    image_name: str = IMAGE_NAME
    featured: bool = False


class Night(msgspec.Struct):
    """An event with what is said of it, and what it sells, if anything."""

    post: Post
    details: Details
    office: BoxOffice | None

    @property
    def location(self) -> str:
        """Where it is: in the host's words, unless the place of the post was changed since."""
        said, post = self.details.location, self.post
        if said is not None and post.neighborhood == said[:PLACE]:
            return said
        parts = (post.neighborhood, post.district, post.province, post.country)
        return ", ".join(part for part in parts if part)


class NightCreate(msgspec.Struct, kw_only=True):
    """A new event. `images` are addresses of the host's own uploads; without a price it is free."""

    title: str
    starts_at: datetime
    location: str
    description: str | None = None
    point: Point | None = None
    price: Decimal | None = None
    capacity: int | None = None
    tags: list[str] = []
    featured: bool = False
    images: list[str] = []


class NightUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay, null clears. `images` are all that the event has from now on."""

    title: str | UnsetType = UNSET
    starts_at: datetime | UnsetType = UNSET
    location: str | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    point: Point | None | UnsetType = UNSET
    price: Decimal | None | UnsetType = UNSET
    capacity: int | None | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    images: list[str] | UnsetType = UNSET


class Wanted(msgspec.Struct, kw_only=True):
    """Which events: with these words in their place, in what is said of them, on this day in UTC."""

    location: str | None = None
    search: str | None = None
    day: date | None = None


class Attendee(msgspec.Struct):
    """How somebody stands towards an event, and since when."""

    user_id: UUID
    event_state: Stance
    created_at: datetime


class Featured(msgspec.Struct):
    """Whether an event stands before others."""

    featured: bool


class RoleNotAllowed(Forbidden):
    """Hosts and brands invite; others come."""

    code, detail = "role_not_allowed", "Only hosts and brands may do this."


class TicketsSold(Conflict):
    """Who has a ticket counts on the event."""

    code, detail = "tickets_sold", "Tickets of this event were sold. Give them back first."
