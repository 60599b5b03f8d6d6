"""What lists of posts may be asked for."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from majlis.features.posts.model import Post, PostType, Visibility
from majlis.kit.http import Listing, PageQuery

DEFAULT_RADIUS_KM, WIDEST_RADIUS_KM = 10.0, 100.0
Place = Annotated[str, Meta(max_length=100)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lng = Annotated[float, Meta(ge=-180, le=180)]
Radius = Annotated[
    float,
    Meta(gt=0, le=WIDEST_RADIUS_KM, description="kilometres; without it 10, and more where there is nothing"),
]
Words = Annotated[str, Meta(max_length=200)]
Amount = Annotated[Decimal, Meta(examples=["100.00"])]


class TypeQuery(PageQuery, kw_only=True):
    """Posts of some types."""

    type: list[PostType] | None = None


class PlaceQuery(TypeQuery, kw_only=True):
    """Posts of some types from some place."""

    country: Place | None = None
    province: Place | None = None
    district: Place | None = None
    neighborhood: Place | None = None


class NearbyQuery(TypeQuery, kw_only=True):
    """Posts around a point; without one, around the place of the caller's profile."""

    lat: Lat | None = None
    lng: Lng | None = None
    radius_km: Radius | None = None


class FilterQuery(PlaceQuery, kw_only=True):
    """Every filter of the feed; they combine freely."""

    category_id: UUID | None = None
    user_id: UUID | None = None
    business_id: UUID | None = None
    min_price: Amount | None = None
    max_price: Amount | None = None
    currency: Annotated[str, Meta(min_length=3, max_length=3)] | None = None
    free: bool | None = None
    sold: bool | None = None
    date_from: date | None = None
    date_to: date | None = None
    q: Words | None = None
    lat: Lat | None = None
    lng: Lng | None = None
    radius_km: Radius | None = None


class FeedQuery(FilterQuery, kw_only=True):
    """The feed."""

    sort: Literal["recent", "nearby", "trending"] = "recent"


class SearchQuery(FilterQuery, kw_only=True):
    """Full-text search. Every word must begin a word of the post."""

    sort: Literal["relevance", "recent", "nearby", "trending"] = "relevance"


class MineQuery(TypeQuery, kw_only=True):
    """One's own posts, the hidden ones too."""

    visibility: Visibility | None = None
    status: bool | None = None
    sold: bool | None = None


class Feed(Listing[Post]):
    """A page of a feed. `widened`: there was nothing within the usual radius, so this comes from farther away."""

    widened: bool = False
