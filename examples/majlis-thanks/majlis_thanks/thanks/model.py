"""Nouns of thanks, in and out."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Refused

Words = Annotated[str, Meta(min_length=1, max_length=200, examples=["For the bread"])]


class Thanks(msgspec.Struct):
    """What somebody was thanked for, and by whom."""

    id: UUID
    from_id: UUID
    to_id: UUID
    words: str
    created_at: datetime


class ThanksCreate(msgspec.Struct):
    """New thanks."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "from_id", "to_id", "created_at"})

    words: Words


class ToOneself(Refused):
    """One thanks others."""

    code, status, detail = "to_oneself", 400, "Thank somebody else."
