"""Entries of logs, as far as doors show them in their own way. contracts/realtime.md has them whole."""

from datetime import datetime
from uuid import UUID

import msgspec


class Stored(msgspec.Struct):
    """A message in a log."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    type: str
    text: str
    client_msg_id: str
    created_at: datetime


class Created(msgspec.Struct):
    """Somebody has written."""

    message: Stored


class Deleted(msgspec.Struct):
    """Somebody has taken a message back."""

    message_id: UUID


class Opened(msgspec.Struct):
    """The owner of the log is in one more conversation."""

    kind: str


class Moved(msgspec.Struct):
    """Somebody has read up to a place."""

    conversation_id: UUID
    user_id: UUID
    last_read_seq: int
