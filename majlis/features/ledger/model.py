"""Nouns of the ledger. Amounts are integers in minor units of their currency."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

Amount = Annotated[int, Meta(description="in minor units of the currency", examples=[150000])]
Currency = Annotated[str, Meta(description="ISO 4217", examples=["EUR"])]
PLATFORM, STRIPE = "platform", "stripe"


def of_user(user_id: UUID) -> str:
    """The name of somebody's account."""
    return f"user:{user_id}"


class Line(msgspec.Struct, frozen=True):
    """What an account gets; negative for what it gives."""

    account: str
    amount: int


class Sum(msgspec.Struct):
    """What an account holds of a currency."""

    currency: str
    amount: int


class Entry(msgspec.Struct):
    """A line of somebody's account. Earned is positive, given back and paid out negative."""

    id: UUID
    cause: Annotated[
        str,
        Meta(
            description="payment, refund, refund_failed, payout or payout_failed",
            examples=["payment"],
        ),
    ]
    source: Annotated[UUID, Meta(description="id of the payment, refund or payout")]
    amount: Amount
    currency: Currency
    created_at: datetime
