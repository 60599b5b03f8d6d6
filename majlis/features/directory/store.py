"""SQL of businesses as a viewer meets them: with flags, opening hours, in lists."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from majlis.features.businesses.model import BusinessAttachment
from majlis.features.businesses.service import FOLLOWS, FROM, LISTED, SHOWN
from majlis.features.directory.model import Filter, Sort
from majlis.features.graph.service import BLOCKED
from majlis.kit import geo, page
from majlis.kit.db import Query
from majlis.kit.geo import Point
from majlis.kit.text import prefix_query, tsquery

# Whether a business is open at $2, by the clock of its place; null without hours. The hours of yesterday count
# after midnight when they end before they begin.
_CLOCK = "($2::timestamptz AT TIME ZONE b.time_zone)"
OPEN = f"""(SELECT bool_or(NOT h.is_closed AND CASE h.day
      WHEN to_char({_CLOCK}, 'FMDay')
        THEN {_CLOCK}::time >= h.open_time AND ({_CLOCK}::time < h.close_time OR h.close_time <= h.open_time)
      WHEN to_char({_CLOCK} - interval '1 day', 'FMDay')
        THEN h.close_time <= h.open_time AND {_CLOCK}::time < h.close_time
      ELSE false END)
    FROM business_hours h WHERE h.business_profile_id = b.id)"""

# The columns up to updated_at stand in the order of Business's fields.
OWN = 23
FLAGS = 3  # columns behind them: is_following, is_mine, is_open_now
_COLUMNS = f"""b.id, b.user_id, b.name, b.license_no, b.description, b.address, b.phone_number, b.email, b.website,
  b.avatar, b.cover, b.status, b.additional_info,
  CASE WHEN b.show_location OR b.user_id = $1 THEN b.address_location END AS address_location,
  b.country, b.province, b.district, b.neighborhood, b.show_location, b.total_views, b.total_follow,
  b.created_at, b.updated_at,
  {FOLLOWS} AS is_following, coalesce(b.user_id = $1, false) AS is_mine, {OPEN} AS is_open_now"""

ONE = f"SELECT {_COLUMNS} {FROM} WHERE b.id = $3 AND {SHOWN}"


# ---- what hangs on a business

SHOWN_PICTURES = 20  # of a gallery beside its business
_PICTURE = "a.id, a.business_profile_id, a.photo, a.created_at, a.updated_at"
GALLERIES = Query(
    BusinessAttachment,
    f"""SELECT {_PICTURE} FROM unnest($1::uuid[]) AS b (id), LATERAL (
      SELECT * FROM business_attachments WHERE business_profile_id = b.id AND deleted_at IS NULL
      ORDER BY created_at DESC, id DESC LIMIT {SHOWN_PICTURES}) a
    ORDER BY a.created_at DESC, a.id DESC""",
)
PICTURE_COUNT = Query(
    int, "SELECT count(*) FROM business_attachments WHERE business_profile_id = $1 AND deleted_at IS NULL"
)


def gallery(*, continued: bool, usual: bool) -> str:
    """The latest pictures of business $1; continued: behind ($2 time, $3 id)."""
    behind = " AND (a.created_at, a.id) < ($2, $3)" if continued else ""
    return f"""SELECT {_PICTURE} FROM business_attachments a
    WHERE a.business_profile_id = $1 AND a.deleted_at IS NULL{behind}
    ORDER BY a.created_at DESC, a.id DESC {_size(3 if continued else 1, usual)}"""


def _size(used: int, usual: bool) -> str:
    return f"LIMIT {page.DEFAULT + 1}" if usual else f"LIMIT ${used + 1} OFFSET ${used + 2}"


# $1 is the viewer, $2 the business.
_FOLLOWERS = f"""FROM business_profile_followers f JOIN profiles p ON p.id = f.follower_id
WHERE f.business_id = $2 AND p.deleted_at IS NULL AND NOT p.suspended AND NOT p.id = ANY ({BLOCKED})"""
FOLLOWER_COUNT = Query(int, f"SELECT count(*) FROM (SELECT 1 {_FOLLOWERS} LIMIT {page.MAX_OFFSET}) AS found")


def followers(*, continued: bool, usual: bool) -> str:
    """Who follows business $2, latest first; continued: behind ($3 time, $4 id)."""
    behind = " AND (f.created_at, f.follower_id) < ($3, $4)" if continued else ""
    return f"""SELECT f.follower_id, f.created_at {_FOLLOWERS}{behind}
    ORDER BY f.created_at DESC, f.follower_id DESC {_size(4 if continued else 2, usual)}"""


# ---- lists


class Listing:
    """A list of businesses put together from a filter, an order and a place in it."""

    def __init__(self, viewer: UUID | None, wanted: Filter, sort: Sort, now: datetime) -> None:
        self.args: list[Any] = [viewer, now]
        self._where = [SHOWN if wanted.hidden_too else LISTED]
        self._extra = ""
        self._filter(wanted)
        if wanted.near is not None:
            self._near(wanted.near, wanted.radius_km)
        self.count_args = list(self.args)  # those of `count_sql`, which knows no order
        if sort == "nearby":
            self._keys, self._direction = [self._distance, "b.id"], "ASC"
        elif sort == "relevance":
            key = f"ts_rank(b.search, {self._query})::float8"
            self._keys, self._direction = [key, "b.created_at", "b.id"], "DESC"
            # All that match are put in order anyway: then they are counted on the way.
            self._extra += f", {key} AS score, count(*) OVER () AS total"
        else:
            self._keys, self._direction = ["b.created_at", "b.id"], "DESC"

    def arg(self, value: Any) -> str:
        """Add an argument; its mark."""
        self.args.append(value)
        return f"${len(self.args)}"

    def _filter(self, wanted: Filter) -> None:
        where = self._where
        for name in ("user_id", "status"):
            value = getattr(wanted, name)
            if value is not None:
                where.append(f"b.{name} = {self.arg(value)}")
        for name in ("country", "province", "district", "neighborhood"):
            value = getattr(wanted, name)
            if value is not None:
                where.append(f"lower(b.{name}) = lower({self.arg(value)})")
        if wanted.category_id is not None:
            where.append(f"""b.id IN (SELECT business_profile_id FROM business_profile_categories
              WHERE business_category_id = {self.arg(wanted.category_id)})""")
        if wanted.q is not None:
            self._query = tsquery(self.arg(prefix_query(wanted.q)))
            where.append(f"b.search @@ {self._query}")
        if wanted.open_now is not None:
            where.append(f"{OPEN} IS {'TRUE' if wanted.open_now else 'NOT TRUE'}")
        if wanted.within is not None:
            self._inside(wanted.within)

    def _inside(self, boxes: list[geo.Box]) -> None:
        parts = [
            f"b.address_location <@ box(point({self.arg(b.west)}, {self.arg(b.south)}),"
            f" point({self.arg(b.east)}, {self.arg(b.north)}))"
            for b in boxes
        ]
        self._where.append(f"b.show_location AND ({' OR '.join(parts)})")

    def _near(self, center: Point, radius_km: float) -> None:
        self._inside(geo.boxes(center, radius_km))
        self._distance = f"distance_km(b.address_location, {self.arg(center)})"
        self._where.append(f"{self._distance} <= {self.arg(radius_km)}")
        self._extra += f", {self._distance} AS distance"

    def after(self, *values: Any) -> None:
        """Begin behind the row with these sort keys."""
        sign = "<" if self._direction == "DESC" else ">"
        marks = ", ".join(self.arg(value) for value in values)
        self._where.append(f"({', '.join(self._keys)}) {sign} ({marks})")

    def page_sql(self, limit: int, offset: int) -> str:
        """One row more than a page."""
        order = ", ".join(f"{key} {self._direction}" for key in self._keys)
        size = str(limit + 1) if limit in page.USUAL else self.arg(limit + 1)
        skip = f" OFFSET {self.arg(offset)}" if offset else ""
        where = " AND ".join(self._where)
        return f"SELECT {_COLUMNS}{self._extra} {FROM} WHERE {where} ORDER BY {order} LIMIT {size}{skip}"

    def count_sql(self) -> Query[int]:
        """How many there are, up to a ceiling."""
        # $2 is named for filters that do not ask what time it is.
        rows = f"SELECT $2::timestamptz {FROM} WHERE {' AND '.join(self._where)} LIMIT {page.MAX_OFFSET}"
        return Query(int, f"SELECT count(*) FROM ({rows}) AS found")


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, now = UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)
    full = Filter(
        user_id=nobody, status=True, q="a", category_id=nobody, country="a", province="a", district="a",
        neighborhood="a", open_now=True, near=Point(0, 0), within=[geo.Box(0, 0, 1, 1)],
    )  # fmt: skip
    found = [ONE]
    for sort, count in (("recent", 2), ("nearby", 2), ("relevance", 3)):
        listing = Listing(nobody, full, sort, now)  # type: ignore[arg-type]
        found.append(listing.count_sql().sql)
        listing.after(*[None] * count)
        found += [listing.page_sql(20, 0), listing.page_sql(7, 40)]
    shapes = [(continued, usual) for continued in (False, True) for usual in (False, True)]
    found += [gallery(continued=c, usual=u) for c, u in shapes]
    return found + [followers(continued=c, usual=u) for c, u in shapes]
