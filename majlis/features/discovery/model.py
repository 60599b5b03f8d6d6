"""Nouns of the map: what may be asked for, its squares, its markers."""

import math
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.directory.model import Business
from majlis.features.posts.model import Post, PostType
from majlis.kit import geo, page
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.geo import Box, Point

Kind = Literal["all", "posts", "businesses"]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lng = Annotated[float, Meta(ge=-180, le=180)]
DEFAULT_RADIUS_KM = 10.0
MARKERS, MOST_MARKERS = 200, 500
DEEPEST = 18  # the level of the finest squares: 2^18 columns and rows
CLUSTERED = 16  # the closest zoom that shows clusters


class AreaQuery(msgspec.Struct, kw_only=True):
    """A part of the world: a box, or a circle. A box whose west lies east of its east crosses the antimeridian."""

    kind: Annotated[Kind, Meta(description="without it, a type means posts only")] | None = None
    type: list[PostType] | None = None
    category_id: Annotated[UUID, Meta(description="of goods or of businesses")] | None = None
    lat: Lat | None = None
    lng: Lng | None = None
    radius_km: Annotated[float, Meta(gt=0, le=100, description="kilometres")] = DEFAULT_RADIUS_KM
    min_lat: Lat | None = None
    min_lng: Annotated[float, Meta(ge=-180, le=180, description="the west of the box")] | None = None
    max_lat: Lat | None = None
    max_lng: Annotated[float, Meta(ge=-180, le=180, description="the east of the box")] | None = None

    @property
    def posts(self) -> bool:
        """Whether posts are wanted."""
        return self.kind != "businesses"

    @property
    def businesses(self) -> bool:
        """Whether businesses are wanted."""
        return self.kind in ("all", "businesses") or (self.kind is None and self.type is None)


class DiscoverQuery(AreaQuery, kw_only=True):
    """What there is in a part of the world; without one, around the place of the caller's profile."""

    limit: Annotated[int, Meta(ge=1, le=page.MAXIMUM, description="how many of each kind")] = page.DEFAULT
    cursor: Annotated[str, Meta(max_length=1000, description="`next_cursor` of the page before")] | None = (
        None
    )
    offset: (
        Annotated[int, Meta(ge=0, le=page.MAX_OFFSET, description="how many to skip; a cursor wins")] | None
    ) = None


class MarkersQuery(AreaQuery, kw_only=True):
    """Markers of a part of the world."""

    zoom: (
        Annotated[int, Meta(ge=0, le=22, description="of a web map; with it, what lies close is clustered")]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=MOST_MARKERS, description="how many markers and clusters")] = MARKERS


class Discovered(msgspec.Struct):
    """Posts and businesses, each nearest first: up to `limit` of each."""

    posts: list[Post]
    businesses: list[Business]
    next_cursor: str | None


class MapMarker(msgspec.Struct):
    """A post or a business on the map."""

    id: UUID
    kind: Literal["post", "business"]
    type: PostType | None
    location: Point
    title: str | None
    thumbnail_url: str | None
    category_id: UUID | None
    price: Decimal | None
    currency: str | None
    free: bool | None
    start_date: date | None
    distance_km: float | None = None


class MapBounds(msgspec.Struct):
    """Where a cluster's things lie."""

    min_lat: float
    min_lng: float
    max_lat: float
    max_lng: float


class MapCluster(msgspec.Struct):
    """Several things that lie close: their middle, how many they are, and the square that holds them."""

    location: Point
    count: int
    posts: int
    businesses: int
    bounds: MapBounds


class MapMarkers(msgspec.Struct):
    """Markers, and with a zoom clusters too. Truncated when there was more than the limit."""

    data: list[MapMarker]
    clusters: list[MapCluster]
    truncated: bool


class Area(msgspec.Struct, frozen=True):
    """A part of the world as one box, or two where it crosses the antimeridian; its middle; the circle if it is one."""

    boxes: list[Box]
    center: Point
    radius_km: float | None = None


def area_of(query: AreaQuery) -> Area | None:
    """What a query asks for, or None without any of it. Raises Invalid naming each field that is missing or wrong."""
    sides = {name: getattr(query, name) for name in ("min_lat", "min_lng", "max_lat", "max_lng")}
    if any(side is not None for side in sides.values()):
        _complete(sides, "A box has four sides.")
        return _box(query)
    point = {"lat": query.lat, "lng": query.lng}
    if any(side is not None for side in point.values()):
        _complete(point, "Give both lat and lng.")
        return circle(Point(query.lat or 0.0, query.lng or 0.0), query.radius_km)
    return None


def _complete(values: dict[str, float | None], words: str) -> None:
    missing = [FieldFault(name, "required", words) for name, value in values.items() if value is None]
    if missing:
        raise Invalid(words, fields=missing)


def _box(query: AreaQuery) -> Area:
    south, north = query.min_lat or 0.0, query.max_lat or 0.0
    west, east = query.min_lng or 0.0, query.max_lng or 0.0
    if south > north:
        raise Invalid.field("min_lat", "The south of a box is not north of its north.")
    if west <= east:
        return Area([Box(south, west, north, east)], Point((south + north) / 2, (west + east) / 2))
    middle = (west + east + 360) / 2
    center = Point((south + north) / 2, middle - 360 if middle > 180 else middle)
    return Area([Box(south, west, north, 180.0), Box(south, -180.0, north, east)], center)


def circle(center: Point, radius_km: float) -> Area:
    """All places within this distance."""
    return Area(geo.boxes(center, radius_km), center, radius_km)


class Window(msgspec.Struct, frozen=True):
    """Whole squares of a level that cover a part of the world: spans of columns, and rows, on the finest grid."""

    level: int
    wests: list[int]
    easts: list[int]
    north: int
    south: int

    @property
    def shift(self) -> int:
        """From a column or row of the finest grid to one of this level, by shifting right."""
        return DEEPEST - self.level

    @property
    def squares(self) -> int:
        """How many there are."""
        columns = sum(
            (east - west + 1) >> self.shift for west, east in zip(self.wests, self.easts, strict=True)
        )
        return columns * ((self.south - self.north + 1) >> self.shift)


def window_of(area: Area, zoom: int, most: int) -> Window:
    """Squares of at least 64 pixels at this zoom; larger ones while there are more than `most` of them."""
    level = max(2, (min(zoom, CLUSTERED) + 2) // 2 * 2)
    while (found := _window(area, level)).squares > most and level > 2:
        level -= 2
    return found


def _window(area: Area, level: int) -> Window:
    shift = DEEPEST - level
    spans = [(column(box.west) >> shift, column(box.east) >> shift) for box in area.boxes]
    if len(spans) == 2 and spans[1][1] >= spans[0][0]:
        spans = [(0, (1 << level) - 1)]  # the two halves meet: all around the world
    north, south = row(area.boxes[0].north) >> shift, row(area.boxes[0].south) >> shift
    return Window(
        level,
        [west << shift for west, _ in spans],
        [((east + 1) << shift) - 1 for _, east in spans],
        north << shift,
        ((south + 1) << shift) - 1,
    )


def column(lng: float) -> int:
    """The column of the finest grid, from the west. The same as the SQL function map_x."""
    return min((1 << DEEPEST) - 1, math.floor((lng + 180) / 360 * (1 << DEEPEST)))


def row(lat: float) -> int:
    """The row of the finest grid, from the north, in the projection of web maps. The same as the SQL function map_y."""
    angle = math.radians(max(-85.06, min(85.06, lat)))
    share = 0.5 - math.log(math.tan(math.pi / 4 + angle / 2)) / (2 * math.pi)
    return max(0, min((1 << DEEPEST) - 1, math.floor(share * (1 << DEEPEST))))


def square(level: int, x: int, y: int) -> MapBounds:
    """The sides of a square of a level. Those at the edge of the grid reach to the poles."""
    size = 1 << level
    south = -90.0 if y + 1 == size else _lat((y + 1) / size)
    north = 90.0 if y == 0 else _lat(y / size)
    return MapBounds(south, x / size * 360 - 180, north, (x + 1) / size * 360 - 180)


def _lat(share: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * share))))
