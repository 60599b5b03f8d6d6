"""Stripe's objects as they come, and what they mean here. What does not fit raises msgspec.ValidationError."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from majlis.vendors.stripe import (
    AccountStatus,
    Connected,
    Intent,
    IntentStatus,
    Invoice,
    Link,
    Recurring,
    RefundStatus,
    Returned,
    StripeRefused,
    SubscriptionStatus,
)

T = TypeVar("T")
INTENTS: dict[str, IntentStatus] = {
    "succeeded": "succeeded",
    "canceled": "canceled",
    "processing": "processing",
    "requires_capture": "processing",
}
REFUNDS: dict[str, RefundStatus] = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
SUBSCRIPTIONS: dict[str, SubscriptionStatus] = {
    "incomplete": "incomplete",
    "trialing": "active",
    "active": "active",
    "past_due": "past_due",
    "paused": "past_due",
    "unpaid": "past_due",
    "canceled": "ended",
    "incomplete_expired": "ended",
}
ACCOUNTS: dict[str, AccountStatus] = {"active": "active", "pending": "pending"}
# Stripe counts these in hundredths of a unit that has no parts.
HUNDREDTHS = frozenset({"ISK", "UGX"})
# Stripe counts this one in whole units, and it has parts.
UNFIT = frozenset({"MGA"})


def out(amount: int, currency: str) -> int:
    """Minor units of ISO 4217 as Stripe counts them. Raises StripeRefused where it cannot."""
    if currency in UNFIT:
        raise StripeRefused("Payments in this currency are not possible.", code="currency_unsupported")
    return amount * 100 if currency in HUNDREDTHS else amount


def _in(amount: int, currency: str) -> int:
    return amount // 100 if currency.upper() in HUNDREDTHS else amount


class _Page(msgspec.Struct):
    data: list[dict[str, Any]]
    has_more: bool = False


def page(raw: Any, meaning: Callable[[Any], T]) -> tuple[list[T], str | None]:
    """(what a page holds, the id that the next one begins behind)."""
    found = msgspec.convert(raw, _Page)
    last = made(found.data[-1]) if found.has_more and found.data else None
    return [meaning(one) for one in found.data], last


class _Made(msgspec.Struct):
    """Something of which the id is all we need."""

    id: str


class _PaymentError(msgspec.Struct):
    code: str | None = None
    decline_code: str | None = None


class _Intent(msgspec.Struct):
    id: str
    status: str
    amount: int
    currency: str
    client_secret: str | None = None
    metadata: dict[str, str] = {}
    last_payment_error: _PaymentError | None = None
    cancellation_reason: str | None = None


def intent(raw: Any) -> Intent:
    """A PaymentIntent."""
    found = msgspec.convert(raw, _Intent)
    error = found.last_payment_error
    failed = found.status == "requires_payment_method" and error is not None
    return Intent(
        found.id,
        INTENTS.get(found.status, "failed" if failed else "open"),
        _in(found.amount, found.currency),
        found.currency.upper(),
        found.client_secret,
        found.metadata.get("payment"),
        (error.decline_code or error.code if error else None) or found.cancellation_reason,
    )


class _Refund(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None


def returned(raw: Any) -> Returned:
    """A refund."""
    found = msgspec.convert(raw, _Refund)
    return Returned(
        found.id,
        REFUNDS.get(found.status or "", "pending"),
        _in(found.amount, found.currency),
        (found.metadata or {}).get("refund"),
        found.failure_reason,
    )


class _Paid(msgspec.Struct):
    type: str
    payment_intent: str | None = None


class _InvoicePayment(msgspec.Struct):
    status: str
    payment: _Paid


class _InvoicePayments(msgspec.Struct):
    data: list[_InvoicePayment] = []


class _Secret(msgspec.Struct):
    client_secret: str


class _Invoice(msgspec.Struct):
    id: str
    amount_paid: int
    currency: str
    payments: _InvoicePayments | None = None
    confirmation_secret: _Secret | None = None


def invoice(raw: Any) -> Invoice:
    """A paid invoice."""
    found = msgspec.convert(raw, _Invoice)
    payments = found.payments.data if found.payments else []
    paid = (one.payment.payment_intent for one in payments if one.status == "paid")
    return Invoice(
        found.id,
        next((one for one in paid if one), None),
        _in(found.amount_paid, found.currency),
        found.currency.upper(),
    )


class _Item(msgspec.Struct):
    current_period_end: int


class _Items(msgspec.Struct):
    data: list[_Item] = []


class _Subscription(msgspec.Struct):
    id: str
    status: str
    items: _Items
    cancel_at_period_end: bool = False
    cancel_at: int | None = None
    metadata: dict[str, str] = {}
    latest_invoice: _Invoice | str | None = None


def recurring(raw: Any) -> Recurring:
    """A subscription, without its invoices."""
    found = msgspec.convert(raw, _Subscription)
    latest = found.latest_invoice
    secret = latest.confirmation_secret if isinstance(latest, _Invoice) else None
    ends = [item.current_period_end for item in found.items.data]
    return Recurring(
        found.id,
        SUBSCRIPTIONS.get(found.status, "past_due"),
        datetime.fromtimestamp(max(ends), UTC) if ends else None,
        found.cancel_at_period_end or found.cancel_at is not None,
        found.metadata.get("subscription"),
        secret.client_secret if secret else None,
    )


class _Capability(msgspec.Struct):
    status: str


class _Balance(msgspec.Struct):
    stripe_transfers: _Capability | None = None


class _Capabilities(msgspec.Struct):
    stripe_balance: _Balance | None = None


class _Recipient(msgspec.Struct):
    capabilities: _Capabilities | None = None


class _Configuration(msgspec.Struct):
    recipient: _Recipient | None = None


class _Account(msgspec.Struct):
    id: str
    configuration: _Configuration | None = None
    metadata: dict[str, str] | None = None


def connected(raw: Any) -> Connected:
    """An account. Only an active capability lets transfers through, whatever else the account may do."""
    found = msgspec.convert(raw, _Account)
    recipient = found.configuration.recipient if found.configuration else None
    capabilities = recipient.capabilities if recipient else None
    balance = capabilities.stripe_balance if capabilities else None
    capability = balance.stripe_transfers if balance else None
    status = ACCOUNTS.get(capability.status, "restricted") if capability else "pending"
    return Connected(found.id, status, (found.metadata or {}).get("account"))


class _Link(msgspec.Struct):
    url: str
    expires_at: datetime


def link(raw: Any) -> Link:
    """A link of an account."""
    found = msgspec.convert(raw, _Link)
    return Link(found.url, found.expires_at)


def made(raw: Any) -> str:
    """The id of what was made."""
    return msgspec.convert(raw, _Made).id
