"""Nouns of tickets. Amounts are integers in minor units of their currency."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.graph.model import UserMini
from majlis.kit.errors import Conflict, Refused

Status = Literal["reserved", "paid", "used", "cancelled", "refunded"]
TransferStatus = Literal["open", "accepted", "declined", "withdrawn"]
Amount = Annotated[int, Meta(description="in minor units of the currency", examples=[1500])]


class Ticket(msgspec.Struct, kw_only=True):
    """A ticket. `code` is for its holder and the host; who has it comes in."""

    id: UUID
    post_id: UUID
    type_id: UUID
    type_name: Annotated[str, Meta(examples=["Early bird"])]
    order_id: UUID
    holder_id: UUID | None
    code: Annotated[str, Meta(examples=["7GQK2MZ4XW3A"])]
    price: Amount
    paid: Annotated[int, Meta(description="what was paid for it after discounts", examples=[1200])]
    currency: Annotated[str, Meta(examples=["EUR"])]
    status: Annotated[Status, Meta(examples=["paid"])]
    purchased_at: datetime
    used_at: datetime | None


class HeldTicket(msgspec.Struct):
    """A ticket and whose it is, for the host; null for somebody whom the host does not meet."""

    ticket: Ticket
    holder: UserMini | None


class New(msgspec.Struct):
    """A ticket to be made."""

    type_id: UUID
    price: int
    paid: int


class Row(msgspec.Struct):
    """A ticket as it is stored, with its host."""

    id: UUID
    post_id: UUID
    type_id: UUID
    type_name: str
    order_id: UUID
    holder_id: UUID | None
    code: str
    price: int
    paid: int
    currency: str
    status: Status
    purchased_at: datetime
    used_at: datetime | None
    serial: int
    host_id: UUID

    def shown(self) -> Ticket:
        """The same as people see it."""
        return Ticket(**{name: getattr(self, name) for name in Ticket.__struct_fields__})


class Moved(msgspec.Struct):
    """A ticket that became something else."""

    id: UUID
    type_id: UUID
    holder_id: UUID | None
    paid: int


class Listed(msgspec.Struct):
    """What a scanner without a network needs to know of a ticket."""

    id: UUID
    serial: int
    status: Status


class TransferBody(msgspec.Struct):
    """Who is to get a ticket."""

    user_id: UUID


class Transfer(msgspec.Struct):
    """A ticket that is to change hands, once the other one agrees."""

    id: UUID
    ticket_id: UUID
    post_id: UUID
    from_id: UUID
    to_id: UUID
    status: TransferStatus
    created_at: datetime


class TicketUsed(Conflict):
    """Who came in does not give the ticket away."""

    code, detail = "ticket_used", "This ticket was used already."


class TicketNotValid(Conflict):
    """Not paid, cancelled or refunded."""

    code, detail = "ticket_not_valid", "This ticket is not valid."


class TransferOpen(Conflict):
    """A ticket is offered to one person at a time."""

    code, detail = "transfer_open", "This ticket is offered to somebody already."


class TransferOver(Conflict):
    """It was answered, withdrawn, or the ticket is not what it was."""

    code, detail = "transfer_over", "This offer is over."


class ToOneself(Conflict):
    """It changes hands."""

    code, detail = "own_ticket", "You have this ticket already."


class TicketRequired(Refused):
    """Nobody goes without one."""

    code, status, detail = "ticket_required", 402, "Buy a ticket first."


class EventFull(Conflict):
    """All places are somebody's."""

    code, detail = "event_full", "There is no place left."


class TooMany(Conflict):
    """More than one person may buy."""

    code, detail = "limit_reached", "You may not buy as many of these tickets."
