"""Nouns of people as their viewers see them."""

from uuid import UUID

import msgspec

from majlis.features.media.model import Photo


class UserMini(msgspec.Struct):
    """A person beside a post or in a list."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: Photo | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_following: bool
    follows_me: bool
