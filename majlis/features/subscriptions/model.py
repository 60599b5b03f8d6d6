"""Nouns of subscriptions, and what is refused of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.ledger.model import Amount, Currency
from majlis.kit.errors import Conflict, NotFound

Status = Literal["created", "incomplete", "active", "past_due", "ended"]


class Price(msgspec.Struct):
    """What a month of somebody costs."""

    id: UUID
    payee_id: UUID
    purpose: str
    amount: Amount
    currency: Currency


class Subscription(msgspec.Struct, kw_only=True):
    """A subscription as its subscriber sees it. What it gives lasts while it is active, or until the period's end."""

    id: UUID
    subscriber_id: UUID
    payee_id: UUID
    purpose: Annotated[str, Meta(examples=["x18.author"])]
    amount: Amount
    currency: Currency
    status: Annotated[Status, Meta(examples=["active"])]
    ends: Annotated[bool, Meta(description="whether it ends with the period")]
    period_end: datetime | None
    created_at: datetime
    updated_at: datetime
    client_secret: Annotated[str, Meta(examples=["pi_1_secret_2"])] | None = None


class NoPrice(NotFound):
    """The author sells no subscription."""

    code, detail = "no_price", "There is nothing to subscribe to."


class Subscribed(Conflict):
    """There is one already."""

    code, detail = "subscribed", "You subscribe to this already."


class StillBeginning(Conflict):
    """Another request began it at the same moment, or Stripe has not answered."""

    code, detail = "try_again", "This subscription is being changed. Try again."
