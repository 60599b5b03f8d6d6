"""Nouns of waiting lists."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict

Status = Literal["waiting", "offered", "accepted", "expired", "left"]
Quantity = Annotated[int, Meta(ge=1, le=10, examples=[2])]


class WaitlistEntry(msgspec.Struct):
    """Somebody who waits. Until `offer_expires_at` what is offered is kept for them."""

    id: UUID
    post_id: UUID
    type_id: UUID
    quantity: Quantity
    status: Annotated[Status, Meta(examples=["waiting"])]
    ahead: Annotated[int, Meta(description="how many people wait for the same and came before", examples=[3])]
    offer_expires_at: datetime | None
    created_at: datetime


class WaitBody(msgspec.Struct, kw_only=True):
    """What somebody waits for."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "status", "user_id"})

    type_id: UUID
    quantity: Quantity = 1
    access_code: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


class AcceptBody(msgspec.Struct, kw_only=True):
    """How what was offered is bought; `amount` is for donations."""

    amount: Annotated[int, Meta(ge=0, le=99_999_999_999)] | None = None
    discount_code: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


class PlacesLeft(Conflict):
    """Nobody need wait."""

    code, detail = "places_left", "There are tickets left: buy them."


class AlreadyWaiting(Conflict):
    """Everybody stands in a line once."""

    code, detail = "already_waiting", "You wait for these tickets already."


class OfferOver(Conflict):
    """There is none, or its time is over."""

    code, detail = "offer_over", "There is no offer any more."
