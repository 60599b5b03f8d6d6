"""Nouns of digests."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

UNSUBSCRIBE = "/api/v1/notifications/unsubscribe"  # where the links in mails lead


class UnsubscribeQuery(msgspec.Struct, kw_only=True):
    """What the link in a mail holds."""

    token: Annotated[str, Meta(min_length=20, max_length=100, pattern="^[A-Za-z0-9_-]+$")]


class Due(msgspec.Struct, frozen=True):
    """Somebody whose digest became due at this moment."""

    user_id: UUID
    at: datetime


class Missed(msgspec.Struct, frozen=True):
    """Somebody who had not read a message that came at this moment."""

    user_id: UUID
    since: datetime


class Summary(msgspec.Struct, frozen=True):
    """What a digest says: to whom, lines, and the moment up to which it looks."""

    email: str
    lines: tuple[str, ...]
    until: datetime
