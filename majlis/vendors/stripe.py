"""Payments through Stripe: what this server asks of it, and what Stripe tells by webhooks.

Objects of Stripe's are never believed from a webhook's body: a hint names one, and it is asked for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from majlis.kit.errors import Malformed, NotFound, Refused, Unavailable
from majlis.settings import BadSettings, Settings, listed

TOLERANCE_S = 300  # age of a signature
IntentStatus = Literal["open", "processing", "failed", "canceled", "succeeded"]
RefundStatus = Literal["pending", "succeeded", "failed"]
AccountStatus = Literal["pending", "active", "restricted"]
SubscriptionStatus = Literal["incomplete", "active", "past_due", "ended"]
HintKind = Literal["payment", "subscription", "account"]


class PaymentsDisabled(NotFound):
    """This server has no settings for payments."""

    code, detail = "payments_disabled", "Payments are not set up on this server."


class StripeUnavailable(Unavailable):
    """Stripe does not answer, or not now; the same question may be asked again with the same key."""

    code, status, detail = "payments_unavailable", 502, "Payments do not answer. Try again shortly."


class StripeRefused(Refused):
    """Stripe says no, and will say so again. `code` is Stripe's."""

    code, status, detail = "payment_refused", 402, "The payment was refused."


class BadSignature(Malformed):
    """A webhook that Stripe did not sign, or too long ago."""

    code, detail = "bad_signature", "The signature is not valid."


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent. `payment` is the id that we gave it; amounts are in minor units."""

    id: str
    status: IntentStatus
    amount: int
    currency: str
    client_secret: str | None = None
    payment: str | None = None
    failure: str | None = None


class Returned(msgspec.Struct, frozen=True):
    """A refund. `refund` is the id that we gave it, absent for those made on Stripe's own pages."""

    id: str
    status: RefundStatus
    amount: int
    refund: str | None = None
    failure: str | None = None


class Invoice(msgspec.Struct, frozen=True):
    """A paid invoice of a subscription; `intent` is the PaymentIntent that paid it."""

    id: str
    intent: str | None
    amount: int
    currency: str


class Recurring(msgspec.Struct, frozen=True):
    """A subscription. `subscription` is the id that we gave it; the secret pays the first invoice."""

    id: str
    status: SubscriptionStatus
    period_end: datetime | None
    ends: bool  # at the end of the period
    subscription: str | None = None
    client_secret: str | None = None
    paid: Sequence[Invoice] = ()


class Connected(msgspec.Struct, frozen=True):
    """Somebody's account at Stripe that transfers go to. `account` is the id that we gave it."""

    id: str
    status: AccountStatus
    account: str | None = None


class Link(msgspec.Struct, frozen=True):
    """Where somebody gives Stripe what it needs; usable once."""

    url: str
    expires_at: datetime


class Hint(msgspec.Struct, frozen=True):
    """Something at Stripe is not as before. `id` names the event, `object` what to ask for."""

    id: str
    kind: HintKind | None  # None for what is no concern of ours
    object: str


class Processor(Protocol):
    """Stripe. Every change carries a key: the same key again is the same change, done once.

    All raise PaymentsDisabled, StripeUnavailable or StripeRefused.
    """

    @property
    def enabled(self) -> bool:
        """Whether there are settings."""

    async def create_intent(self, key: str, amount: int, currency: str, *, payment: str, note: str) -> Intent:
        """A PaymentIntent with the methods that the account at Stripe allows."""

    async def intent(self, intent_id: str) -> Intent:
        """The PaymentIntent as it is now."""

    async def cancel_intent(self, key: str, intent_id: str) -> Intent:
        """Nobody can pay it any more. StripeRefused when somebody has."""

    async def create_refund(
        self, key: str, intent_id: str, amount: int, currency: str, *, refund: str
    ) -> Returned:
        """Give back so much of what was paid."""

    async def refunds(self, intent_id: str) -> list[Returned]:
        """Everything given back of a PaymentIntent."""

    async def create_customer(self, key: str, *, user: str) -> str:
        """The id of a customer."""

    async def create_price(self, key: str, amount: int, currency: str, interval: str, name: str) -> str:
        """The id of a recurring price of a product of its own."""

    async def create_subscription(
        self, key: str, *, customer: str, price: str, subscription: str
    ) -> Recurring:
        """A subscription whose first invoice waits to be paid with the secret."""

    async def subscription(self, subscription_id: str) -> Recurring:
        """The subscription as it is now, with its paid invoices."""

    async def end_subscription(self, key: str, subscription_id: str, *, ends: bool) -> Recurring:
        """Let it end with the period, or go on after all."""

    async def create_account(self, key: str, *, account: str, country: str, email: str) -> Connected:
        """An account that can receive transfers once its owner has told Stripe who they are."""

    async def account(self, account_id: str) -> Connected:
        """The account as it is now."""

    async def onboarding(self, key: str, account_id: str, *, back: str, again: str) -> Link:
        """A link for its owner, who ends at `back`, or at `again` when the link is used up."""

    async def transfer(self, key: str, account_id: str, amount: int, currency: str, *, payout: str) -> str:
        """Move so much of our balance to the account; the id of the transfer."""

    async def transfer_of(self, payout: str) -> str | None:
        """The id of the transfer that was made for a payout of ours."""

    def hint(self, body: bytes, signature: str) -> Hint:
        """What a webhook tells. Raises BadSignature, or Malformed for what is no event."""

    async def aclose(self) -> None:
        """Close the connections."""


class Disabled:
    """Stands where settings are missing: refuses everything."""

    enabled = False

    def __getattr__(self, name: str) -> object:
        raise PaymentsDisabled()

    async def aclose(self) -> None:
        """Nothing is open."""


class _Object(msgspec.Struct):
    id: str = ""
    object: str = ""
    payment_intent: str | None = None
    subscription: str | None = None
    parent: "_Parent | None" = None


class _Details(msgspec.Struct):
    subscription: str | None = None


class _Parent(msgspec.Struct):
    subscription_details: _Details | None = None


class _Data(msgspec.Struct):
    object: _Object = msgspec.field(default_factory=_Object)


class _Related(msgspec.Struct):
    id: str = ""
    type: str = ""


class _Event(msgspec.Struct):
    """A snapshot event, or a thin one, which has `related_object` instead of `data`."""

    id: str
    type: str
    object: str = ""
    data: _Data | None = None
    related_object: _Related | None = None


def read(body: bytes) -> Hint:
    """The hint in the body of an event whose signature was verified. Raises Malformed."""
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("This is no event of Stripe's.", code="bad_event") from error
    related = event.related_object
    if related is not None:
        return Hint(event.id, "account" if related.type == "v2.core.account" else None, related.id)
    return Hint(event.id, *_target(event.data.object if event.data else _Object()))


def _target(found: _Object) -> tuple[HintKind | None, str]:
    """What to ask for when this object changed: always the whole that it is part of."""
    if found.object == "payment_intent":
        return "payment", found.id
    if found.object in ("charge", "refund", "dispute") and found.payment_intent:
        return "payment", found.payment_intent
    if found.object == "subscription":
        return "subscription", found.id
    if found.object == "invoice":
        details = found.parent.subscription_details if found.parent else None
        subscription = details.subscription if details else found.subscription
        return ("subscription", subscription) if subscription else (None, "")
    if found.object == "account":
        return "account", found.id
    return None, ""


def from_settings(settings: Settings) -> Processor:
    """Stripe as the settings name it. BadSettings when some are missing or cannot be used."""
    if not settings.stripe_key:
        if settings.stripe_webhook_secrets:
            raise BadSettings("MAJLIS_STRIPE_KEY is missing beside MAJLIS_STRIPE_WEBHOOK_SECRETS")
        return Disabled()  # type: ignore[return-value]  # answers every question with a refusal
    secrets = listed(settings.stripe_webhook_secrets)
    if not secrets:
        raise BadSettings("MAJLIS_STRIPE_WEBHOOK_SECRETS is missing: nobody would hear of payments")
    if not settings.stripe_url.startswith(("http://", "https://")):
        raise BadSettings("MAJLIS_STRIPE_URL must begin with https:// or http://")
    from majlis.vendors.stripe_api import Stripe  # half a second, for servers with payments only

    return Stripe(settings.stripe_key, secrets, settings.stripe_url)
