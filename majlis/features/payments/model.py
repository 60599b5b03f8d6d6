"""Nouns of payments, and what is refused of them. Amounts are integers in minor units of their currency."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.ledger.model import Amount, Currency
from majlis.kit.errors import Conflict

Status = Literal["created", "open", "processing", "failed", "canceled", "succeeded"]
OPEN: frozenset[str] = frozenset({"created", "open", "processing", "failed"})
RefundStatus = Literal["requested", "pending", "succeeded", "failed"]
Purpose = Annotated[
    str, Meta(description="what kind of thing is paid for", examples=["tickets.order"], max_length=50)
]
Reference = Annotated[
    str,
    Meta(
        description="the thing that is paid for",
        examples=["0193a5b2-7c4e-7b1e-9b32-6f0d7c6a2e11"],
        max_length=200,
    ),
]
Failure = Annotated[str, Meta(description="Stripe's word for it", examples=["insufficient_funds"])]
MOST = 999_999_999_999  # minor units; Stripe takes no more


class Payment(msgspec.Struct, kw_only=True):
    """A payment as its payer and its payee see it. `failed` may be tried again, with the same secret."""

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    purpose: Purpose
    reference: Reference
    amount: Amount
    currency: Currency
    status: Annotated[Status, Meta(examples=["succeeded"])]
    refunded: Annotated[int, Meta(description="given back, or on its way back", examples=[0])]
    failure: Failure | None
    created_at: datetime
    updated_at: datetime
    client_secret: (
        Annotated[
            str,
            Meta(description="for Stripe's library in the app; for the payer", examples=["pi_1_secret_2"]),
        ]
        | None
    ) = None


class Refund(msgspec.Struct):
    """A part of a payment that goes back to the payer."""

    id: UUID
    payment_id: UUID
    amount: Amount
    status: RefundStatus
    failure: Failure | None
    created_at: datetime


class Balance(msgspec.Struct):
    """What is owed to somebody in a currency. Negative when more was given back than was earned since."""

    currency: Currency
    balance: Amount
    available: Annotated[int, Meta(description="what can be paid out now", examples=[120000])]


class Balances(msgspec.Struct):
    """One for each currency that anything was ever earned in."""

    data: list[Balance]


class Received(msgspec.Struct):
    """What a webhook is answered."""

    received: bool = True


class PayingOneself(Conflict):
    """Payer and payee are the same."""

    code, detail = "paying_oneself", "Nobody can pay themselves."


class PaymentOver(Conflict):
    """Somebody else changed the same payment several times at once."""

    code, detail = "try_again", "This payment is being changed. Try again."


class NotPaid(Conflict):
    """Only what was paid can be given back."""

    code, detail = "not_paid", "This payment has not succeeded."


class TooMuchBack(Conflict):
    """More than is left of a payment."""

    code, detail = "refund_exceeds_payment", "More cannot be given back than was paid."
