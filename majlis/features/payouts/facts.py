"""What happens to payouts."""

from uuid import UUID

from majlis.kit.facts import Fact


class PayoutRequested(Fact, frozen=True):
    """It is in the books, and Stripe does not know yet."""

    payout_id: UUID


class PayoutMade(Fact, frozen=True):
    """The money is in the owner's account at Stripe."""

    payout_id: UUID
    user_id: UUID


class PayoutFailed(Fact, frozen=True):
    """Stripe refused, and the money is the owner's here as before."""

    payout_id: UUID
    user_id: UUID
