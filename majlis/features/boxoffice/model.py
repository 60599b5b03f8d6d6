"""Nouns of box offices. Prices are integers in minor units of the event's currency."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.kit.errors import Conflict, Forbidden, NotFound

Kind = Literal["free", "paid", "donation"]
Name = Annotated[str, Meta(min_length=1, max_length=100, examples=["Early bird"])]
Description = Annotated[str, Meta(max_length=1000, examples=["Until the end of the month"])]
Price = Annotated[
    int,
    Meta(ge=0, le=99_999_999_999, description="in minor units; of a donation the least", examples=[1500]),
]
Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}$", description="ISO 4217", examples=["EUR"])]
Places = Annotated[int, Meta(ge=0, le=1_000_000, examples=[100])]
PerBuyer = Annotated[int, Meta(ge=1, le=100, description="how many one person may buy", examples=[4])]
AccessCode = Annotated[
    str, Meta(min_length=1, max_length=50, description="shows a hidden type", examples=["FRIENDS"])
]
Moment = Annotated[datetime, Meta(tz=True)]
MOST_TYPES = 50


class Office(msgspec.Struct):
    """A box office as it is stored."""

    post_id: UUID
    currency: str
    capacity: int | None
    held: int
    sold: int
    waiting: int
    refundable: bool
    cancelled_at: datetime | None


class Type(msgspec.Struct):
    """A type as it is stored."""

    id: UUID
    post_id: UUID
    name: str
    description: str | None
    kind: Kind
    price: int
    capacity: int | None
    held: int
    sold: int
    waiting: int
    per_buyer: int | None
    sale_starts: datetime | None
    sale_ends: datetime | None
    access_code: str | None
    created_at: datetime


class TicketType(msgspec.Struct, kw_only=True):
    """A kind of ticket. The last three are for the host alone; `left` is null where there is no limit."""

    id: UUID
    post_id: UUID
    name: Name
    description: Description | None
    kind: Kind
    price: Price
    currency: Currency
    capacity: Places | None
    left: Places | None
    per_buyer: PerBuyer | None
    sale_starts: datetime | None
    sale_ends: datetime | None
    on_sale: Annotated[bool, Meta(description="whether it can be bought now, as long as there are any")]
    hidden: bool
    created_at: datetime
    access_code: AccessCode | None = None
    held: Places | None = None
    sold: Places | None = None


class BoxOffice(msgspec.Struct, kw_only=True):
    """What an event sells. The last three are for the host alone; `left` is null where there is no limit."""

    post_id: UUID
    currency: Currency
    capacity: Places | None
    left: Places | None
    refundable: bool
    cancelled: bool
    ticket_types: list[TicketType]
    held: Places | None = None
    sold: Places | None = None
    waiting: Places | None = None


class BoxOfficeBody(msgspec.Struct, kw_only=True):
    """How an event sells. All types share the capacity; null is without limit."""

    currency: Currency
    capacity: Places | None = None
    refundable: Annotated[
        bool, Meta(description="whether people may give tickets back for their money until it is over")
    ] = True


class TypesQuery(msgspec.Struct, kw_only=True):
    """Which types are shown besides those that everybody sees."""

    access_code: AccessCode | None = None


class Fields(msgspec.Struct, kw_only=True):
    """What creating and changing a type have in common."""

    description: Description | None | UnsetType = UNSET
    capacity: Places | None | UnsetType = UNSET
    per_buyer: PerBuyer | None | UnsetType = UNSET
    sale_starts: Moment | None | UnsetType = UNSET
    sale_ends: Moment | None | UnsetType = UNSET
    access_code: AccessCode | None | UnsetType = UNSET


SERVER_OWNED = frozenset(
    {"id", "post_id", "currency", "left", "held", "sold", "on_sale", "hidden", "created_at"}
)


class TypeCreate(Fields, kw_only=True):
    """A new kind of ticket. With an access code only who knows it sees it."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED

    name: Name
    kind: Kind
    price: Price = 0


class TypeUpdate(Fields, kw_only=True):
    """Absent fields stay, null clears. What was bought keeps its price."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {"kind"}

    name: Name | UnsetType = UNSET
    price: Price | UnsetType = UNSET


class NotHost(Forbidden):
    """Only who invites to an event sells its tickets."""

    code, detail = "not_host", "Only the host of the event may do this."


class NoBoxOffice(NotFound):
    """The event sells no tickets."""

    code, detail = "no_tickets", "This event has no tickets."


class SoldOut(Conflict):
    """Not as many are left, or people wait for them."""

    code, detail = "sold_out", "There are not enough tickets left."


class NotOnSale(Conflict):
    """Before or after its time, or the event does not take place."""

    code, detail = "not_on_sale", "This ticket is not on sale now."


class CapacityBelowSold(Conflict):
    """More places are taken than there would be."""

    code, detail = "capacity_below_sold", "More tickets are sold or reserved already."


class CurrencyFixed(Conflict):
    """Orders were made in another currency."""

    code, detail = "currency_fixed", "Tickets were sold in another currency already."


class TypeSold(Conflict):
    """What was sold stays on the list."""

    code, detail = "type_sold", "Tickets of this type were sold. End its sale instead."


class TooManyTypes(Conflict):
    """A list of types is a page."""

    code, detail = "too_many_types", f"An event has at most {MOST_TYPES} types of tickets."
