"""Nouns of admission: signed codes, scans, and what is refused."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.graph.model import UserMini
from majlis.features.tickets.model import Status, Ticket
from majlis.kit.errors import Conflict

Result = Literal["admitted", "already_used", "not_valid", "unknown"]
MOST_SCANS = 500


class TicketCode(msgspec.Struct):
    """What a ticket shows at the door; the same as a picture is at /qr.svg."""

    token: Annotated[str, Meta(examples=["T1.9f2c….AZNqxg….kQ3v…"])]
    key_id: str


class AdmissionKey(msgspec.Struct):
    """What signatures are checked with, without a network too: Ed25519, 32 bytes in URL-safe base64."""

    id: str
    public_key: str
    current: bool
    created_at: datetime


class Expected(msgspec.Struct):
    """A ticket that lets somebody in. What shows a lower serial number belonged to an earlier holder."""

    id: UUID
    serial: int
    status: Status


class GuestList(msgspec.Struct):
    """What a scanner needs to work without a network; tickets go on behind `next_cursor`."""

    keys: list[AdmissionKey]
    tickets: list[Expected]
    next_cursor: str | None


class Scan(msgspec.Struct, kw_only=True):
    """One look at a code. With the same nonce it counts once, however often it is sent."""

    code: Annotated[
        str, Meta(min_length=1, max_length=300, description="what the picture holds, or the code in words")
    ]
    nonce: Annotated[
        str, Meta(min_length=8, max_length=64, description="made up by the scanner for this look")
    ]
    scanned_at: Annotated[datetime, Meta(tz=True)] | None = None


class ScansBody(msgspec.Struct):
    """What scanners saw, now or while they had no network."""

    scans: Annotated[list[Scan], Meta(min_length=1, max_length=MOST_SCANS)]
    device: Annotated[str, Meta(max_length=100, examples=["Door 2"])] | None = None


class Scanned(msgspec.Struct):
    """What became of a scan. Of several of one ticket the first by time let somebody in. The ticket is for the host
    alone, its kind for stewards too.
    """

    nonce: str
    result: Result
    ticket: Ticket | None
    admitted_at: datetime | None
    type_name: str | None = None


class ScannedAll(msgspec.Struct):
    """The same in the order of the scans."""

    data: list[Scanned]


class CheckIn(msgspec.Struct):
    """Somebody came; null for somebody whom the host does not meet."""

    id: UUID
    ticket: Ticket
    holder: UserMini | None
    device: str | None
    scanned_at: datetime


class Attendance(msgspec.Struct):
    """How many came, of how many who may."""

    admitted: int
    expected: int


class AlreadyUsed(Conflict):
    """The ticket let somebody in before."""

    code, detail = "already_used", "This ticket was used already."


class NotValid(Conflict):
    """Not paid, cancelled, refunded, or handed on."""

    code, detail = "not_paid", "This ticket is not paid."
