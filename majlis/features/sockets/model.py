"""Nouns of being connected."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

State = Literal["active", "idle"]


class Ticket(msgspec.Struct):
    """Opens one socket, once, within so many seconds: for clients that cannot send a header."""

    ticket: Annotated[str, Meta(description="for the query of GET /ws")]
    expires_in: int


class Presence(msgspec.Struct, frozen=True):
    """What one serving process says of somebody who is, or was, connected there."""

    user_id: UUID
    node: UUID
    state: State
    last_active_at: datetime
    expires_at: datetime

    def is_there(self, now: datetime) -> bool:
        """Whether they are, as far as is known."""
        return self.expires_at > now
