"""Verbs of the map: what there is around, markers, and the keeping of their counts."""

from typing import Any

import msgspec

from majlis.app import App
from majlis.features.browsing import service as browsing
from majlis.features.directory import service as directory
from majlis.features.directory.model import Business
from majlis.features.directory.model import Filter as BusinessFilter
from majlis.features.discovery import store
from majlis.features.discovery.model import (
    CLUSTERED,
    DEEPEST,
    Area,
    Discovered,
    DiscoverQuery,
    MapCluster,
    MapMarker,
    MapMarkers,
    MarkersQuery,
    Window,
    area_of,
    circle,
    square,
    window_of,
)
from majlis.features.filters import service as filters
from majlis.features.posts.model import Filter, Post
from majlis.features.profiles import service as profiles
from majlis.kit import page
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.geo import EARTH_KM, Box, Point
from majlis.kit.me import Me

EVERYWHERE_KM = 4 * EARTH_KM  # more than any two places lie apart
SQUARES = 4  # looked at for each that may be answered: most are empty
BATCH = 5_000
EDGE = 1e-9  # degrees that a box is wider than its squares: their sides are not exact to the last digit


# ---- lists


async def discover(app: App, tx: Reader, me: Me, query: DiscoverQuery) -> Discovered:
    """Posts and businesses of a part of the world, each nearest to its middle first. Raises Invalid, Malformed."""
    area = await _area(tx, me, query)
    start = page.decode("discover", query.cursor, tuple[str | None, str | None]) if query.cursor else None
    radius, within = (area.radius_km, None) if area.radius_km else (EVERYWHERE_KM, area.boxes)
    found = Discovered([], [], None)
    cursors: list[str | None] = [None, None]
    if query.posts and (start is None or start[0] is not None):
        wanted = Filter(
            type=query.type,
            category_id=query.category_id,
            near=area.center,
            radius_km=radius,
            within=within,
            unmuted=me.id is not None,
            muted_words=await filters.muted(app, me),
        )
        some = await browsing.listing(tx, me, wanted, "nearby", _paging(query, start and start[0]))
        found.posts, cursors[0] = some.items, some.next
    if query.businesses and (start is None or start[1] is not None):
        sought = BusinessFilter(
            category_id=query.category_id, near=area.center, radius_km=radius, within=within
        )
        others = await directory.listing(tx, me, sought, "nearby", _paging(query, start and start[1]))
        found.businesses, cursors[1] = others.items, others.next
    if within is not None:
        things: list[Post | Business] = [*found.posts, *found.businesses]
        for thing in things:
            thing.distance_km = None  # nobody asked how far it is from the middle of a box
    if any(cursors):
        found.next_cursor = page.encode("discover", *cursors)
    return found


def _paging(query: DiscoverQuery, cursor: str | None) -> page.Paging:
    return page.Paging(query.limit, cursor, None if query.cursor else query.offset)


async def _area(tx: Reader, me: Me, query: DiscoverQuery) -> Area:
    """What is asked for, else the surroundings of the caller's profile (rule 108). Raises Invalid."""
    area = area_of(query)
    if area is None and me.id is not None:
        place = await profiles.location(tx, me)
        area = circle(place, query.radius_km) if place is not None else None
    if area is None:
        raise _nowhere()
    return area


def _nowhere() -> Invalid:
    words = "Give lat and lng, or the four sides of a box."
    return Invalid(words, fields=[FieldFault("lat", "required", words), FieldFault("lng", "required", words)])


# ---- markers


async def markers(app: App, tx: Reader, me: Me, query: MarkersQuery) -> MapMarkers:
    """What a map shows of a part of the world; with a zoom, what lies close as clusters. Raises Invalid."""
    area = area_of(query)
    if area is None:
        raise _nowhere()
    muted = await filters.muted(app, me) if query.posts else None
    if query.zoom is None or query.zoom > CLUSTERED:
        return await _nearest(tx, me, query, area, muted)
    return await _clustered(tx, me, query, area, query.zoom, muted)


async def _nearest(tx: Reader, me: Me, query: MarkersQuery, area: Area, muted: str | None) -> MapMarkers:
    """Each thing by itself, those in the middle first."""
    found: list[MapMarker] = []
    for box in area.boxes:
        # Where the map goes on behind the antimeridian, the middle lies as much farther round.
        lng = area.center.lng + 360 * (
            (area.center.lng < box.west - 180) - (area.center.lng > box.east + 180)
        )
        args = (me.id, *_sides(box), lng, area.center, area.radius_km, query.category_id, query.limit + 1)
        if query.posts:
            found += await tx.all(store.NEAREST_POSTS, *args, query.type, muted)
        if query.businesses:
            found += await tx.all(store.NEAREST_BUSINESSES, *args)
    found.sort(key=lambda marker: (marker.distance_km or 0.0, marker.id))
    return _shown(found, [], area, query.limit)


def _sides(box: Box) -> tuple[float, float, float, float]:
    return box.west, box.south, box.east, box.north


def _shown(
    markers: list[MapMarker], clusters: list[MapCluster], area: Area, limit: int, more: bool = False
) -> MapMarkers:
    kept = markers[: max(0, limit - len(clusters))]
    for marker in kept:
        known = area.radius_km is not None and marker.distance_km is not None
        marker.distance_km = round(marker.distance_km or 0.0, 1) if known else None
    return MapMarkers(kept, clusters, more or len(kept) < len(markers))


class Square(msgspec.Struct):
    """How many posts and businesses a square holds, and the sums of their places in degrees."""

    posts: int = 0
    businesses: int = 0
    lng_sum: float = 0.0
    lat_sum: float = 0.0

    @property
    def count(self) -> int:
        """Things of both kinds."""
        return self.posts + self.businesses

    def add(self, posts: int, businesses: int, lng_sum: float, lat_sum: float) -> None:
        """Put these in too."""
        self.posts += posts
        self.businesses += businesses
        self.lng_sum += lng_sum
        self.lat_sum += lat_sum


Squares = dict[tuple[int, int], Square]


async def _clustered(
    tx: Reader, me: Me, query: MarkersQuery, area: Area, zoom: int, muted: str | None
) -> MapMarkers:
    """Clusters of whole squares, and the things that stand alone in theirs."""
    window = window_of(area, zoom, SQUARES * query.limit)
    squares = await _squares(tx, me, query, window, muted)
    level = window.level
    while len(squares) > query.limit and level > 2:
        level -= 2
        squares = _coarser(squares)
    alone = [place for place, held in squares.items() if held.count == 1]
    many = [(place, held) for place, held in squares.items() if held.count > 1]
    many.sort(key=lambda item: (-item[1].count, item[0]))
    clusters = [_cluster(level, *place, held) for place, held in many[: query.limit]]
    lone = {place: squares[place] for place in alone}
    found = await _standing(tx, me, query, level, lone, muted)
    inside = [marker for marker in found if any(_holds(box, marker.location) for box in area.boxes)]
    return _shown(inside, clusters, area, query.limit, len(many) > query.limit)


async def _squares(tx: Reader, me: Me, query: MarkersQuery, window: Window, muted: str | None) -> Squares:
    found: Squares = {}
    sql, of_posts = store.SQUARES[query.posts, query.businesses], (query.type, muted)
    rows = list(range(window.north >> window.shift, (window.south >> window.shift) + 1))
    spans = [
        (me.id, window.shift, *span, window.north, window.south, query.category_id, *_reach(window, *span))
        for span in zip(window.wests, window.easts, strict=True)
    ]
    for span in spans:
        args = (*span, *of_posts, window.level, rows) if query.posts else span
        for row in await tx.all(sql, *args):
            held = found.setdefault((row.x, row.y), Square())
            if row.is_posts:
                held.add(row.count, 0, row.lng_sum, row.lat_sum)
            else:
                held.add(0, row.count, row.lng_sum, row.lat_sum)
    if muted is not None and found:
        await _leave_out(tx, found, [(*span, *of_posts) for span in spans])
    return found


async def _leave_out(tx: Reader, squares: Squares, spans: list[tuple[Any, ...]]) -> None:
    """Take the posts away that hold words which the viewer mutes.

    Where many posts stand they are found by their words, else by their places. Of words that stand in more posts than
    are looked at, as many are left out.
    """
    few = sum(square.posts for square in squares.values()) <= store.MOST_UNREAD
    sql, most = (store.UNREAD_NEAR, ()) if few else (store.UNREAD, (store.MOST_UNREAD,))
    for span in spans:
        for row in await tx.all(sql, *span, *most):
            if (held := squares.get((row.x, row.y))) is not None and held.posts >= row.count:
                held.add(-row.count, 0, -row.lng_sum, -row.lat_sum)
    for place in [place for place, held in squares.items() if held.count == 0]:
        del squares[place]


def _reach(window: Window, west: int, east: int) -> tuple[float, float, float, float]:
    """West, south, east and north of a box that holds the squares of a span of columns."""
    first = square(window.level, west >> window.shift, window.north >> window.shift)
    last = square(window.level, east >> window.shift, window.south >> window.shift)
    return first.min_lng - EDGE, last.min_lat - EDGE, last.max_lng + EDGE, first.max_lat + EDGE


def _coarser(squares: Squares) -> Squares:
    """The same with a quarter of the columns and rows."""
    found: Squares = {}
    for (x, y), held in squares.items():
        into = found.setdefault((x >> 2, y >> 2), Square())
        into.add(held.posts, held.businesses, held.lng_sum, held.lat_sum)
    return found


def _cluster(level: int, x: int, y: int, held: Square) -> MapCluster:
    bounds = square(level, x, y)
    # Sums of many degrees are not exact to the last digit.
    lat = min(90.0, max(-90.0, held.lat_sum / held.count))
    lng = min(180.0, max(-180.0, held.lng_sum / held.count))
    return MapCluster(Point(lat, lng), held.count, held.posts, held.businesses, bounds)


async def _standing(
    tx: Reader, me: Me, query: MarkersQuery, level: int, alone: Squares, muted: str | None
) -> list[MapMarker]:
    """The things that have these squares for themselves."""
    found: list[MapMarker] = []
    shift = DEEPEST - level
    kinds: list[tuple[bool, Query[MapMarker], tuple[Any, ...]]] = [
        (True, store.POST_IN, (query.category_id, query.type, muted)),
        (False, store.BUSINESS_IN, (query.category_id,)),
    ]
    for is_post, sql, wanted in kinds:
        places = [place for place, held in alone.items() if bool(held.posts) is is_post]
        if places:
            boxes = [square(level, *place) for place in places]
            sides = ((box.min_lng, box.min_lat, box.max_lng, box.max_lat) for box in boxes)
            columns = [list(column) for column in (*zip(*places, strict=True), *zip(*sides, strict=True))]
            found += await tx.all(sql, me.id, shift, *columns, *wanted)
    return found


def _holds(box: Box, place: Point) -> bool:
    return box.south <= place.lat <= box.north and box.west <= place.lng <= box.east


# ---- keeping count


async def fold(tx: Tx, me: Me) -> int:
    """Bring some of the changes into the squares. Returns how many, none when there are no more."""
    return await tx.one(store.FOLD, BATCH) or 0


async def mend(tx: Tx, me: Me) -> int:
    """Count all posts as they are, whatever was missed. Returns how many were wrong."""
    return await tx.one(store.MEND) or 0
