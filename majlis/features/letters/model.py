"""Nouns of direct messages, and what is refused."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from majlis.kit.errors import NotFound

State = Literal["sent", "delivered", "read"]
MOST = 100  # messages that are marked at once


class Letter(msgspec.Struct):
    """A direct message, and how far it has come. `read_at` is not known where the reader keeps it to themselves."""

    id: UUID
    conversation_id: UUID
    seq: int
    sender_id: UUID
    receiver_id: UUID
    text: str
    type: str
    created_at: datetime
    state: State
    read_at: datetime | None


class Correspondence(msgspec.Struct):
    """What was last said with somebody, and how much of it the caller has not read."""

    other_id: UUID
    last: Letter
    unread_count: int


class Online(msgspec.Struct):
    """Whether somebody is there, and when they were seen last, as far as that is known."""

    user_id: UUID
    is_online: bool
    last_seen_at: datetime | None


class NoReceiver(NotFound):
    """Nobody to write to."""

    code, detail = "receiver_not_found", "There is no such receiver."
