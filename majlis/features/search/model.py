"""Nouns of searching everything at once, and businesses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.directory.model import Business
from majlis.features.graph.model import UserMini
from majlis.features.posts.model import Post
from majlis.kit.http import PageQuery

Words = Annotated[str, Meta(max_length=200, description="at least 2 letters or digits", examples=["bread"])]
Place = Annotated[str, Meta(max_length=100)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lng = Annotated[float, Meta(ge=-180, le=180)]
Radius = Annotated[float, Meta(gt=0, le=100, description="kilometres")]
DEFAULT_RADIUS_KM = 10.0


class SearchQuery(msgspec.Struct, kw_only=True):
    """What to look for among posts, people and businesses. A point narrows down posts and businesses."""

    q: Words
    limit: Annotated[int, Meta(ge=1, le=20, description="how many of each kind")] = 5
    country: Place | None = None
    province: Place | None = None
    district: Place | None = None
    neighborhood: Place | None = None
    lat: Lat | None = None
    lng: Lng | None = None
    radius_km: Radius = DEFAULT_RADIUS_KM


class BusinessQuery(PageQuery, kw_only=True):
    """Which businesses to look for: words or any of the filters. A point narrows down to its surroundings."""

    q: Words | None = None
    category_id: UUID | None = None
    country: Place | None = None
    province: Place | None = None
    district: Place | None = None
    neighborhood: Place | None = None
    open_now: bool | None = None
    sort: Literal["relevance", "recent", "nearby"] = "relevance"
    lat: Lat | None = None
    lng: Lng | None = None
    radius_km: Radius = DEFAULT_RADIUS_KM


WEIGHED = 60  # posts, the best of which a search of everything shows
COUNTED = 40  # of each kind, two pages: whoever wants to know more asks for the list of a kind
WORDS = 500  # of which it is remembered which posts they find
FILTERS = ("q", "category_id", "country", "province", "district", "neighborhood", "open_now", "lat", "lng")


class Known(msgspec.Struct, frozen=True):
    """The newest posts that words find, whoever may see them, as they are remembered for some seconds.

    What came since is looked for beside them. Words that find few posts have none here: all they find is asked for.
    """

    since: datetime | None = None  # None while they are not known
    ids: Sequence[UUID] = ()
    needed: int = 0  # that the viewer must see, else others count, too; 0 of words that find few


# Of words that were asked for once, which are most; and while somebody looks for what others find.
ASKED, SOUGHT = Known(), Known()


class Totals(msgspec.Struct):
    """How many there are of each kind, counted up to 40: 40 stands for as many or more."""

    posts: int
    users: int
    businesses: int


class Found(msgspec.Struct):
    """The best of each kind. Nobody who is not signed in finds people."""

    posts: list[Post]
    users: list[UserMini]
    businesses: list[Business]
    totals: Totals
