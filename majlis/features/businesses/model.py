"""Nouns of businesses."""

from uuid import UUID

import msgspec

from majlis.features.media.model import Photo
from majlis.kit.errors import Forbidden


class BusinessMini(msgspec.Struct):
    """A business beside a post or in a list."""

    id: UUID
    name: str
    avatar: Photo | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_following: bool


class NotOwner(Forbidden):
    """Only the owner acts for a business."""

    code, detail = "not_owner", "Only the owner of the business may do this."
