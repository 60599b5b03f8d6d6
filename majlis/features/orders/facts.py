"""What happens to orders."""

from uuid import UUID

from majlis.kit.facts import Fact


class OrderPaid(Fact, frozen=True):
    """The tickets are the buyer's, paid for or free."""

    order_id: UUID


class OrderLapsed(Fact, frozen=True):
    """Nobody is to pay this any more."""

    order_id: UUID


class LatePaymentReturned(Fact, frozen=True):
    """Somebody paid when the tickets were gone, and gets the money back."""

    order_id: UUID
    payment_id: UUID


class OrderRefunded(Fact, frozen=True):
    """Tickets were taken back, or money was given back; whole when nothing of the order is left."""

    order_id: UUID
    whole: bool
