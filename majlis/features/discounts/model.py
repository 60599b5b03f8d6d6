"""Nouns of discounts. Amounts are integers in minor units of the event's currency."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.kit.errors import Conflict, Invalid

Code = Annotated[str, Meta(min_length=1, max_length=50, examples=["SPRING"])]
Percent = Annotated[int, Meta(ge=1, le=100, examples=[20])]
Amount = Annotated[
    int,
    Meta(
        ge=1, le=99_999_999_999, description="off the order, in minor units of the currency", examples=[500]
    ),
]
Uses = Annotated[int, Meta(ge=1, le=1_000_000, description="orders", examples=[50])]
Budget = Annotated[
    int, Meta(ge=1, le=10**12, description="what it may cost altogether, in minor units", examples=[50000])
]
Moment = Annotated[datetime, Meta(tz=True)]
Types = Annotated[
    list[UUID], Meta(min_length=1, max_length=50, description="only for these types of tickets")
]


class DiscountCode(msgspec.Struct, kw_only=True):
    """A code for cheaper tickets, with what was used of it so far."""

    id: UUID
    post_id: UUID
    code: Code
    percent: Percent | None
    amount: Amount | None
    max_uses: Uses | None
    uses: int
    budget: Budget | None
    spent: int
    per_buyer: Uses | None
    type_ids: list[UUID] | None
    starts_at: datetime | None
    ends_at: datetime | None
    active: bool
    created_at: datetime


class Fields(msgspec.Struct, kw_only=True):
    """What creating and changing a code have in common."""

    max_uses: Uses | None | UnsetType = UNSET
    budget: Budget | None | UnsetType = UNSET
    per_buyer: Uses | None | UnsetType = UNSET
    starts_at: Moment | None | UnsetType = UNSET
    ends_at: Moment | None | UnsetType = UNSET


SERVER_OWNED = frozenset({"id", "post_id", "uses", "spent", "created_at"})


class CodeCreate(Fields, kw_only=True):
    """A new code: either so many percent, or an amount off each order."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {"active"}

    code: Code
    percent: Percent | None = None
    amount: Amount | None = None
    type_ids: Types | None = None


class CodeUpdate(Fields, kw_only=True):
    """Absent fields stay, null clears. Inactive codes take nothing off."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {"code", "percent", "amount", "type_ids"}

    active: bool | UnsetType = UNSET


class Priced(msgspec.Struct):
    """A ticket that is to be bought: what it costs, and what is left of that."""

    type_id: UUID
    price: int
    paid: int


class UnknownCode(Invalid):
    """No such code, or not for these tickets, or not now."""

    code, detail = "unknown_discount_code", "This discount code is not valid for these tickets."


class DiscountSpent(Conflict):
    """Used as often, or for as much, as it may be."""

    code, detail = "discount_used_up", "This discount code is used up."


class CodeTaken(Conflict):
    """Codes of an event differ."""

    code, detail = "discount_code_exists", "The event has this code already."


class BelowUsed(Conflict):
    """More was used already than would be allowed."""

    code, detail = "budget_below_used", "More of this code is used already."
