"""Nouns of receipts, and what is refused."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.conversations.model import RECEIPTS
from majlis.kit.errors import Forbidden


class Read(msgspec.Struct):
    """Somebody who read a message, and when they first had."""

    user_id: UUID
    read_at: datetime


class Receipts(msgspec.Struct):
    """Whose devices have a message, and who of them read it. Who lets nobody know of that is not among the latter."""

    delivered: list[UUID]
    read: list[Read]


class NotOwn(Forbidden):
    """Only who sent a message learns who read it."""

    code, detail = "not_sender", "Only who sent a message learns who read it."


class TooManyReaders(Forbidden):
    """It is not noted who reads in large channels."""

    code, detail = "too_many_members", f"There are receipts in channels of up to {RECEIPTS} people."
