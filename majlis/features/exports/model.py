"""Nouns of copies of people's data."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict, RateLimited

State = Literal["queued", "ready", "failed", "expired"]


class Export(msgspec.Struct):
    """A copy of what the server holds of the caller: a zip with a JSON file for each kind, and the pictures.

    `url` is there while it is ready: whoever has it gets the file until `url_expires_at`; ask again for another.
    `size` is in bytes. The file is deleted at `expires_at`.
    """

    id: UUID
    state: State
    size: int | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    url: str | None = None
    url_expires_at: datetime | None = None


class LinkQuery(msgspec.Struct, kw_only=True):
    """What makes a link good: until when, in seconds since 1970, and that the server said so."""

    expires: Annotated[int, Meta(ge=0, le=2**53)]
    signature: Annotated[str, Meta(max_length=100)]


class Erasing(msgspec.Struct, frozen=True):
    """An account that is to be erased."""

    user_id: UUID


class UnderWay(Conflict):
    """One copy at a time."""

    code, detail = "export_under_way", "Your data is being put together already."


class TooSoon(RateLimited):
    """One copy a day."""

    code, detail = "export_too_soon", "You can ask for your data once a day."
