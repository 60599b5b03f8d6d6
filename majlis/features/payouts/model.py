"""Nouns of payouts, and what is refused of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.ledger.model import Amount, Currency
from majlis.kit.errors import Conflict, NotFound

Status = Literal["created", "pending", "active", "restricted"]


class AccountBody(msgspec.Struct):
    """Where the caller lives or does business: Stripe asks for other things in each country."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1", examples=["DE"])]


class Onboarding(msgspec.Struct):
    """Where the caller tells Stripe who they are. The link works once and for a few minutes."""

    url: Annotated[str, Meta(examples=["https://connect.stripe.com/setup/e/acct_1/2"])]
    expires_at: datetime


class PayoutAccount(msgspec.Struct):
    """The caller's account at Stripe: only an active one is paid out to; a restricted one needs the caller."""

    status: Annotated[Status, Meta(examples=["active"])]
    country: Annotated[str, Meta(examples=["DE"])]
    created_at: datetime
    updated_at: datetime


class PayoutBody(msgspec.Struct):
    """What to pay out; without an amount, all that can be."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
    amount: Annotated[int, Meta(ge=1, description="in minor units", examples=[120000])] | None = None


class Payout(msgspec.Struct):
    """Money on its way to its owner's account at Stripe, or there."""

    id: UUID
    amount: Amount
    currency: Currency
    status: Annotated[Literal["requested", "paid", "failed"], Meta(examples=["paid"])]
    failure: (
        Annotated[str, Meta(description="Stripe's word for it", examples=["balance_insufficient"])] | None
    )
    created_at: datetime


class NoPayoutAccount(NotFound):
    """The caller has not begun with it."""

    code, detail = "no_payout_account", "There is no account to pay out to. Begin with it first."


class NotOnboarded(Conflict):
    """Stripe does not know enough of its owner."""

    code, detail = "not_onboarded", "Stripe needs to know more of you before it pays out."


class OtherCountry(Conflict):
    """An account stays in the country that it was opened in."""

    code, detail = "other_country", "Your account at Stripe is in another country."


class BalanceInsufficient(Conflict):
    """More than can be paid out."""

    code, detail = "balance_insufficient", "There is not so much to pay out."
