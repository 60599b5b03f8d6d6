"""Nouns of the history of posts."""

from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType


class Before(msgspec.Struct, kw_only=True):
    """The fields that an edit changed, as they were; the others are absent."""

    title: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    category_id: UUID | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    price: Decimal | None | UnsetType = UNSET
    discount: Decimal | None | UnsetType = UNSET
    free: bool | UnsetType = UNSET
    country_code: str | None | UnsetType = UNSET
    contact_no: str | None | UnsetType = UNSET
    start_date: date | None | UnsetType = UNSET
    start_time: time | None | UnsetType = UNSET
    end_date: date | None | UnsetType = UNSET
    end_time: time | None | UnsetType = UNSET
    expired_at: datetime | None | UnsetType = UNSET


class PostEdit(msgspec.Struct):
    """One change of a post: who made it, when, of which fields.

    `before` lacks the number by which a seller is called, but for the author: others need not find it any more.
    """

    user_id: UUID
    edited_at: datetime
    fields: list[str]
    before: Before
