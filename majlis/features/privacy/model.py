"""Nouns of privacy. The texts of the choices are those of the apps."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

Audience = Literal["Anyone on Hamsaya", "People I follow", "Only me"]
Mentioning = Literal["Anyone can mention me", "People I follow", "No one"]


class PrivacySettings(msgspec.Struct):
    """What a person lets others see, and who may find and reach them."""

    id: UUID
    profile_id: UUID
    full_name_visibility: Audience
    profile_photos_visibility: Audience
    profile_bio_visibility: Audience
    discoverability_visibility: Audience
    mention_visibility: Mentioning
    direct_message_visibility: Audience
    sync_contacts: bool
    discover_by_email: bool
    discover_by_phone: bool
    is_private: bool
    read_receipts: bool
    created_at: datetime
    updated_at: datetime


class PrivacyUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay. Followers of a private account are those whom its owner accepted."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "profile_id", "created_at", "updated_at"})

    full_name_visibility: Audience | UnsetType = UNSET
    profile_photos_visibility: Audience | UnsetType = UNSET
    profile_bio_visibility: Audience | UnsetType = UNSET
    discoverability_visibility: Audience | UnsetType = UNSET
    mention_visibility: Mentioning | UnsetType = UNSET
    direct_message_visibility: Audience | UnsetType = UNSET
    sync_contacts: bool | UnsetType = UNSET
    discover_by_email: bool | UnsetType = UNSET
    discover_by_phone: bool | UnsetType = UNSET
    is_private: bool | UnsetType = UNSET
    read_receipts: bool | UnsetType = UNSET
