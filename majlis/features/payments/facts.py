"""What happens to payments. `purpose` and `reference` are those that the payment was started with."""

from uuid import UUID

from majlis.kit.facts import Fact


class PaymentSucceeded(Fact, frozen=True):
    """The money is there, and in the ledger."""

    payment_id: UUID
    payer_id: UUID
    purpose: str
    reference: str


class PaymentFailed(Fact, frozen=True):
    """It was refused, and the payer may try again; `final` when nobody can any more."""

    payment_id: UUID
    payer_id: UUID
    purpose: str
    reference: str
    final: bool


class PaymentRefunded(Fact, frozen=True):
    """A part was given back; `whole` when nothing is left."""

    payment_id: UUID
    refund_id: UUID
    payer_id: UUID
    purpose: str
    reference: str
    whole: bool


class RefundFailed(Fact, frozen=True):
    """A part could not be given back: the payer has it not, and the payee has it again."""

    payment_id: UUID
    refund_id: UUID
    payer_id: UUID
    purpose: str
    reference: str


class PaymentReported(Fact, frozen=True):
    """Stripe says that a PaymentIntent changed."""

    intent: str


class SubscriptionReported(Fact, frozen=True):
    """Stripe says that a subscription changed."""

    subscription: str


class AccountReported(Fact, frozen=True):
    """Stripe says that somebody's account there changed."""

    account: str


class RefundRequested(Fact, frozen=True):
    """A part is to be given back, and Stripe does not know yet."""

    refund_id: UUID
