"""Lists of posts: the SQL of every filter and order."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.graph.service import MUTED
from majlis.features.posts.model import ZONE, EventState, Filter, Sort
from majlis.features.posts.service import ENTRY, LISTED, PLACE, SHOWN, entries
from majlis.kit import geo
from majlis.kit.db import Reader
from majlis.kit.geo import Point
from majlis.kit.text import prefix_query

# Authors are looked up one by one: a plan made for any words or people would rather read all of them.
_FROM = """FROM posts p
  JOIN LATERAL (SELECT *, xmin, ctid FROM profiles WHERE profiles.id = p.user_id OFFSET 0) a ON true"""
TRENDING_DAYS = 7  # rule 104
_SCORE = """(2 * p.total_likes + 3 * p.total_comments + 5 * p.total_shares)
  / power(greatest(date_part('epoch', {now}::timestamptz - p.created_at) / 3600, 1), 1.5)"""  # rules 103, 105
_STARTS = "event_starts(p.start_date, p.start_time)"  # on the clocks of the place, as the next one
_ENDS = "event_ends(p.start_date, p.end_date, p.end_time)"
_PRICE = "coalesce(p.price, 0)"  # free goods cost nothing
DEFAULT_LIMIT, LOOKED_THROUGH = 20, 1000
RANKED = 3  # pages of the highest scores, before it is known who may see them
LATEST, ENOUGH = 4000, 40  # by relevance: posts that are looked through, and how many of them have to match
WEIGHED = 400  # of the posts that match, where fewer of the latest do

# For each order, the columns that a row's place in it consists of, and their types; trending begins with as of when.
KEYS: dict[Sort, tuple[tuple[str, ...], Any]] = {
    "recent": (("created_at", "id"), tuple[datetime, UUID]),
    "bookmarked": (("bookmarked_at", "id"), tuple[datetime, UUID]),
    "nearby": (("distance", "id"), tuple[float, UUID]),
    "trending": (("score", "created_at", "id"), tuple[datetime, float, datetime, UUID]),
    "relevance": (("score", "created_at", "id"), tuple[float, datetime, UUID]),
    "upcoming": (("starts", "id"), tuple[datetime, UUID]),
    "price_asc": (("amount", "id"), tuple[Decimal, UUID]),
    "price_desc": (("amount", "id"), tuple[Decimal, UUID]),
}


class Listing:
    """A list of posts put together from a filter, an order and a place in it."""

    def __init__(self, viewer: UUID | None, wanted: Filter, sort: Sort, now: datetime) -> None:
        self.args: list[Any] = [viewer]
        self.sort = sort
        self._from = _FROM
        self._where = [SHOWN if wanted.hidden_too or wanted.status is not None else LISTED]
        self._extra = self._behind = ""
        self._filter(wanted)
        self._unread(wanted)
        self._events(wanted, now)
        self.count_args = list(self.args)  # those of `count_sql`, which knows no order
        self._order(wanted, sort, now)

    def arg(self, value: Any) -> str:
        """Add an argument; its mark."""
        self.args.append(value)
        return f"${len(self.args)}"

    def _filter(self, wanted: Filter) -> None:
        where = self._where
        if wanted.type is not None:
            where.append(f"p.type = ANY({self.arg(wanted.type)}::text[])")
        for name in ("category_id", "user_id", "business_id", "free", "sold", "status", "visibility"):
            value = getattr(wanted, name)
            if value is not None:
                where.append(f"p.{name} = {self.arg(value)}")
        for name in ("country", "province", "district", "neighborhood", "currency"):
            value = getattr(wanted, name)
            if value is not None:
                where.append(f"lower(p.{name}) = lower({self.arg(value)})")
        for name, sign in (("min_price", ">="), ("max_price", "<=")):
            if (value := getattr(wanted, name)) is not None:
                bound = self.arg(value)  # said once more in the words of an index, which holds goods alone
                where.append(f"p.price {sign} {bound} AND p.type = 'SELL' AND {_PRICE} {sign} {bound}")
        if wanted.date_from is not None:
            where.append(f"coalesce(p.start_date, p.created_at::date) >= {self.arg(wanted.date_from)}")
        if wanted.date_to is not None:
            where.append(f"coalesce(p.start_date, p.created_at::date) <= {self.arg(wanted.date_to)}")
        if wanted.q is not None:
            self._query = f"to_tsquery('simple', {self.arg(prefix_query(wanted.q))})"
            where.append(f"p.search @@ {self._query}")
        if wanted.unmuted:
            where.append(f"NOT p.user_id = ANY ({MUTED})")
        if wanted.within is not None:
            self._inside(wanted.within)
        if wanted.near is not None:
            self._near(wanted.near, wanted.radius_km)
        if wanted.bookmarked:
            self._from += " JOIN post_bookmarks k ON k.user_id = $1 AND k.post_id = p.id"

    def _unread(self, wanted: Filter) -> None:
        if wanted.muted_words is not None:
            words = f"to_tsquery('simple', {self.arg(wanted.muted_words)})"
            self._where.append(f"(p.user_id = $1 OR NOT p.search @@ {words})")

    def _events(self, wanted: Filter, now: datetime) -> None:
        if wanted.my_event_state is not None:
            states = self.arg(wanted.my_event_state)
            self._from += " JOIN event_interests e ON e.user_id = $1 AND e.post_id = p.id"
            self._where.append(f"e.event_state = ANY({states}::text[])")
        if wanted.event_state is not None:
            moment = self.arg(now.astimezone(ZONE).replace(tzinfo=None))
            spans: dict[EventState, str] = {
                "upcoming": f"{_STARTS} > {moment}",
                "ongoing": f"{_STARTS} <= {moment} AND {_ENDS} > {moment}",
                "ended": f"{_ENDS} <= {moment}",
                "cancelled": "false",  # nothing cancels an event but its deletion
            }
            chosen = " OR ".join(spans[state] for state in dict.fromkeys(wanted.event_state))
            self._where += ["p.start_date IS NOT NULL", f"({chosen})"]
            if "ended" not in wanted.event_state:
                self._where.append(f"{_ENDS} > {moment}")  # what an index knows

    def _near(self, center: Point, radius_km: float) -> None:
        self._inside(geo.boxes(center, radius_km))
        self._center = self.arg(center)
        self._distance = f"distance_km({PLACE}, {self._center})"
        self._where.append(f"{self._distance} <= {self.arg(radius_km)}")
        self._extra += f", {self._distance} AS distance"

    def _inside(self, boxes: list[geo.Box]) -> None:
        parts = [
            f"{PLACE} <@ box(point({self.arg(b.west)}, {self.arg(b.south)}), point({self.arg(b.east)}, {self.arg(b.north)}))"
            for b in boxes
        ]
        self._where.append(f"({' OR '.join(parts)})")

    def _order(self, wanted: Filter, sort: Sort, now: datetime) -> None:
        if sort == "recent":
            self._keys, self._directions = ["p.created_at", "p.id"], "DESC"
        elif sort == "nearby":
            self._keys, self._directions = [self._distance, "p.id"], "ASC"
        elif sort == "bookmarked":
            self._keys, self._directions = ["k.created_at", "p.id"], "DESC"
            self._extra += ", k.created_at AS bookmarked_at"
        elif sort == "upcoming":
            self._keys, self._directions = [_STARTS, "p.id"], "ASC"
            self._where.append("p.start_date IS NOT NULL")
            self._extra += f", {_STARTS} AS starts"
        elif sort in ("price_asc", "price_desc"):
            self._keys, self._directions = [_PRICE, "p.id"], sort.removeprefix("price_").upper()
            self._where.append("p.type = 'SELL'")
            self._extra += f", {_PRICE} AS amount"
        else:
            if sort == "trending":
                self._where.append(f"p.created_at > {self.arg(now - timedelta(days=TRENDING_DAYS))}")
                self.count_args = list(self.args)
                key = _SCORE.format(now=self.arg(now))
            else:
                key = f"ts_rank(p.search, {self._query})::float8"
            self._keys, self._directions = [key, "p.created_at", "p.id"], "DESC"
            self._extra += f", {key} AS score"

    def after(self, *values: Any) -> None:
        """Begin behind the row with these sort keys."""
        sign = "<" if self._directions == "DESC" else ">"
        marks = ", ".join(self.arg(value) for value in values)
        self._behind = f" AND ({', '.join(self._keys)}) {sign} ({marks})"

    def reach_sql(self, count: int, start: float) -> str:
        """A distance that holds this many posts, of a list of the nearest from `start` km on; no row if unknown.

        The index brings posts in the order of degrees, not of kilometres. The farthest of the first is far enough
        for as many of the nearest, and a list that ends there need not look at all the posts of a town. Only the
        first of all posts are looked through: PostgreSQL takes any box for so small that it would sort what it holds.
        """
        most = LOOKED_THROUGH if count < LOOKED_THROUGH / 4 else self.arg(LOOKED_THROUGH + 2 * count)
        first = f"""FROM (SELECT p.*, {PLACE} <-> {self._center} AS degrees FROM posts p
            WHERE p.deleted_at IS NULL AND {self._distance} >= {self.arg(start)}
            ORDER BY degrees LIMIT {most}) p"""
        rows = self._from.replace("FROM posts p", first)
        few = f"SELECT {self._distance} AS distance {rows} WHERE {' AND '.join(self._where)}{self._behind}"
        few += f" ORDER BY p.degrees LIMIT {self.arg(count)}"
        return f"SELECT max(distance) FROM ({few}) AS few HAVING count(*) = {self.arg(count)}"

    def page_sql(self, limit: int, offset: int) -> str:
        """One row more than a page. The usual size is a literal: it lets PostgreSQL keep a generic plan."""
        order = ", ".join(f"{key} {self._directions}" for key in self._keys)
        usual = limit == DEFAULT_LIMIT and not offset
        size = str(DEFAULT_LIMIT + 1) if limit == DEFAULT_LIMIT else self.arg(limit + 1)
        skip = f" OFFSET {self.arg(offset)}" if offset else ""
        before: list[str] = []
        where, extra = " AND ".join(self._where), self._extra
        if self.sort == "relevance":
            before, where = self._weighed(where)
            extra += ", count(*) OVER () AS total"
        elif self.sort == "trending" and usual and self._plain:
            before, where = self._ranked(where, order)
        rows = f"{self._from} WHERE {where}{self._behind} ORDER BY {order} LIMIT {size}{skip}"
        return entries(f"SELECT {ENTRY}, p.created_at{extra} {rows}", before)

    def _ranked(self, where: str, order: str) -> tuple[list[str], str]:
        """The highest scores that the viewer may see, as tables and what is in them; everything, if they are too few.

        Who may see a post is asked of some pages of the highest, instead of all posts of a week.
        """
        size = DEFAULT_LIMIT + 1
        rows = self._first(f"{self._behind} ORDER BY {order} LIMIT {RANKED * size}")
        few = f"SELECT p.id {rows} WHERE {LISTED} ORDER BY {order} LIMIT {size}"
        return self._chosen([few], size, f"SELECT p.id {self._from} WHERE {where}{self._behind}")

    def _weighed(self, where: str) -> tuple[list[str], str]:
        """The posts that are weighed, as tables and what is in them: a word that stands everywhere says little.

        They are those of the latest posts that match, if these are enough; else the newest that match at all. The index
        of words knows no time: it would bring everything that matches to be sorted.
        """
        latest = f"""FROM (SELECT * FROM posts p WHERE p.deleted_at IS NULL AND p.status
            ORDER BY p.created_at DESC, p.id DESC LIMIT {LATEST}) p"""
        newest = f"ORDER BY p.created_at DESC, p.id DESC LIMIT {WEIGHED}"
        steps = [f"SELECT p.id {self._from.replace('FROM posts p', latest)} WHERE {where} {newest}"]
        if self._plain:
            steps.append(f"SELECT p.id {self._first(newest)} WHERE {LISTED}")
        return self._chosen(steps, ENOUGH, f"SELECT p.id {self._from} WHERE {where} {newest}")

    @property
    def _plain(self) -> bool:
        """Whether all conditions but the first, of who may see a post, are about the post alone."""
        return self._from == _FROM and self._where[0] == LISTED

    def _first(self, order: str) -> str:
        """The first posts in an order, before it is known who may see them, in place of `posts p`."""
        own = " AND ".join(["p.deleted_at IS NULL AND p.status", *self._where[1:]])
        first = f"FROM (SELECT p.id FROM posts p WHERE {own} {order}) AS first JOIN posts p USING (id)"
        return self._from.replace("FROM posts p", first)

    def _chosen(self, steps: list[str], enough: int, every: str) -> tuple[list[str], str]:
        """Which posts a list is of: those of the first step that finds enough of them, else those of the last SELECT."""
        before, parts, lacking = [], [], "true"
        for number, step in enumerate(steps):
            found = f"(SELECT count(*) FROM step{number})"
            before.append(f"step{number} AS MATERIALIZED (SELECT id FROM ({step}) AS found WHERE {lacking})")
            parts.append(f"SELECT id FROM step{number} WHERE {found} >= {enough}")
            lacking = f"{lacking} AND {found} < {enough}"
        parts.append(f"SELECT id FROM ({every}) AS every_one WHERE {lacking}")
        return before, f"p.id = ANY (ARRAY({' UNION ALL '.join(parts)}))"

    def count_sql(self, most: int) -> str:
        """How many there are, counted up to a ceiling."""
        tables, where = "", " AND ".join(self._where)
        if self.sort == "relevance":
            before, where = self._weighed(where)
            tables = f"WITH {', '.join(before)} "
        return f"{tables}SELECT count(*) FROM (SELECT 1 {self._from} WHERE {where} LIMIT {most}) AS found"


async def closer(
    tx: Reader, viewer: UUID | None, wanted: Filter, start: tuple[Any, ...], now: datetime, count: int
) -> Filter:
    """The same filter with a radius that just holds this many posts behind the start, where that is smaller."""
    built = Listing(viewer, wanted, "nearby", now)
    if start:
        built.after(*start)
    sql = built.reach_sql(count, start[0] if start else 0.0)
    rows = await tx.records(sql, *built.args)
    return msgspec.structs.replace(wanted, radius_km=rows[0][0]) if rows else wanted


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    full = Filter(
        type=["FEED"], category_id=UUID(int=0), user_id=UUID(int=0), business_id=UUID(int=0), country="a", province="a",
        district="a", neighborhood="a", min_price=Decimal(0), max_price=Decimal(1), currency="AFN", free=True, sold=True,
        visibility="PUBLIC", status=True, q="a", near=Point(0, 0), within=[geo.Box(0, 0, 1, 1)], bookmarked=True, unmuted=True,
        muted_words="'a'",
        event_state=["upcoming"], my_event_state=["going"],
    )  # fmt: skip
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for sort, (columns, _) in KEYS.items():
        listing = Listing(None, full, sort, now)
        found.append(listing.count_sql(100))
        listing.after(*[None] * len(columns))
        found += [listing.page_sql(20, 0), listing.page_sql(7, 40)]
    found.append(Listing(None, full, "nearby", now).reach_sql(21, 0.0))
    return found
