"""What happens to tickets."""

from uuid import UUID

from majlis.kit.facts import Fact


class TicketsChanged(Fact, frozen=True):
    """Somebody has more or fewer tickets of an event than before."""

    post_id: UUID
    user_id: UUID


class TransferOffered(Fact, frozen=True):
    """Somebody is to get a ticket, if they want it."""

    transfer_id: UUID
    ticket_id: UUID
    from_id: UUID
    to_id: UUID
