"""Nouns of businesses as people meet them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.businesses.model import BusinessAttachment, BusinessCategory, BusinessHours
from majlis.features.graph.model import UserMini
from majlis.features.media.model import Photo
from majlis.kit import geo
from majlis.kit.geo import Point
from majlis.kit.http import PageQuery


class Business(msgspec.Struct):
    """A business as this viewer sees it, with the latest pictures of its gallery.

    `is_open_now` is null without hours; `distance_km` is there when a point was given.
    """

    id: UUID
    user_id: UUID
    name: str
    license_no: str | None
    description: str | None
    address: str | None
    phone_number: str | None
    email: str | None
    website: str | None
    avatar: Photo | None
    cover: Photo | None
    status: bool
    additional_info: str | None
    address_location: Point | None
    country: str | None
    province: str | None
    district: str | None
    neighborhood: str | None
    show_location: bool
    total_views: int
    total_follow: int
    created_at: datetime
    updated_at: datetime
    owner: UserMini
    categories: list[BusinessCategory]
    hours: list[BusinessHours]
    attachments: list[BusinessAttachment]
    is_following: bool
    is_mine: bool
    is_open_now: bool | None
    distance_km: float | None = None


class MineQuery(PageQuery, kw_only=True):
    """One's own businesses: those that are on or off, those with words that begin so."""

    status: bool | None = None
    q: Annotated[str, Meta(max_length=200)] | None = None


class Filter(msgspec.Struct, kw_only=True):
    """Which businesses a list holds. Everything given must hold.

    What says where a business is (`near`, `within`) finds only those that show their location.
    """

    user_id: UUID | None = None
    status: bool | None = None
    q: str | None = None
    category_id: UUID | None = None
    country: str | None = None
    province: str | None = None
    district: str | None = None
    neighborhood: str | None = None
    open_now: bool | None = None
    near: Point | None = None
    radius_km: float = 10.0
    within: list[geo.Box] | None = None
    hidden_too: bool = False  # also what its owner switched off, for the owner's own list


Sort = Literal["recent", "nearby", "relevance"]
