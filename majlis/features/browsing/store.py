"""Lists of posts: the SQL of every filter and order."""

import functools
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.browsing.model import Rank
from majlis.features.graph.service import MUTED
from majlis.features.posts.model import ZONE, EventState, Filter, Sort
from majlis.features.posts.service import LISTED, PLACE, SHOWN, entries
from majlis.kit import geo, page
from majlis.kit.db import Joint, Query, Reader
from majlis.kit.geo import Point
from majlis.kit.text import prefix_query, tsquery

# Authors are looked up one by one: a plan made for any words or people would rather read all of them.
_FROM = """FROM posts p
  JOIN LATERAL (SELECT *, xmin, ctid FROM profiles WHERE profiles.id = p.user_id OFFSET 0) a ON true"""
# What the order of the nearest and `entries` and LISTED need of a post: all of its columns took a tenth longer to sort.
_PLACED = f"""p.id, p.user_id, p.business_id, p.category_id, p.type, p.status, p.visibility, p.created_at, p.deleted_at,
  p.xmin, p.ctid, {PLACE} AS place"""
TRENDING_DAYS = 7  # rule 104
_SCORE = """(2 * p.total_likes + 3 * p.total_comments + 5 * p.total_shares)
  / power(greatest(date_part('epoch', {now}::timestamptz - p.created_at) / 3600, 1), 1.5)"""  # rules 103, 105
_STARTS = "event_starts(p.start_date, p.start_time)"  # on the clocks of the place, as the next one
_ENDS = "event_ends(p.start_date, p.end_date, p.end_time)"
_PRICE = "coalesce(p.price, 0)"  # free goods cost nothing
LOOKED_THROUGH = 1000
RANKED = 3  # pages of the highest scores, before it is known who may see them
HIGHEST = 400  # posts that are remembered to rank highest
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

# The posts with the highest scores as of a moment $1, for everybody, by falling rank.
RANKING = Query(
    Rank,
    f"""SELECT {_SCORE.format(now="$1")} AS score, p.created_at, p.id FROM posts p
    WHERE p.deleted_at IS NULL AND p.status AND p.created_at > $2
    ORDER BY score DESC, p.created_at DESC, p.id DESC LIMIT $3""",
)


class Listing:
    """A list of posts put together from a filter, an order and a place in it."""

    def __init__(
        self, viewer: UUID | None, wanted: Filter, sort: Sort, now: datetime, weighed: int | None = None
    ) -> None:
        """`weighed` is how many posts a search by relevance weighs at most, WEIGHED unless given."""
        self.args: list[Any] = [viewer]
        self.sort = sort
        self._most = WEIGHED if weighed is None else weighed
        self._from = _FROM
        self._where = [SHOWN if wanted.hidden_too or wanted.status is not None else LISTED]
        self._also = {"created_at": "p.created_at"}  # what the list tells of a post, by names
        self._behind = ""
        self._filter(wanted)
        self._unread(wanted)
        self._events(wanted, now)
        if wanted.near is not None:
            self._near(wanted.near, wanted.radius_km)
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
            self._query = tsquery(self.arg(prefix_query(wanted.q)))
            where.append(f"p.search @@ {self._query}")
        if wanted.unmuted:
            where.append(f"NOT p.user_id = ANY ({MUTED})")
        if wanted.within is not None:
            where.append(self._inside(wanted.within))
        if wanted.bookmarked:
            self._from += " JOIN post_bookmarks k ON k.user_id = $1 AND k.post_id = p.id"

    def _unread(self, wanted: Filter) -> None:
        if wanted.muted_words is not None:
            words = tsquery(self.arg(wanted.muted_words))
            self._where.append(f"(p.user_id = $1 OR NOT p.search @@ {words})")

    def _events(self, wanted: Filter, now: datetime) -> None:
        if wanted.my_event_state is not None:
            states = self.arg(wanted.my_event_state)
            stands = f"e.user_id = $1 AND e.post_id = p.id AND e.event_state = ANY({states}::text[])"
            self._from += f" JOIN event_interests e ON {stands}"
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
        self._box = self._inside(geo.boxes(center, radius_km))
        self._center = self.arg(center)
        if self.sort == "nearby":
            self._distance = "p.distance"
            # Of those that are otherwise right it is asked in this order who may see them, until there are enough.
            self._own, self._where = self._where[1:], self._where[:1]
            own = " AND ".join(["p.deleted_at IS NULL", self._box, *self._own])
            here = f"SELECT {_PLACED} FROM posts p WHERE {own} OFFSET 0"
            self._around = self._far(here, "ORDER BY distance, p.id")
            self._from = self._from.replace("FROM posts p", self._around)
        else:
            self._distance = f"distance_km({PLACE}, {self._center})"
            self._where.append(self._box)
        self._where.append(f"{self._distance} <= {self.arg(radius_km)}")
        self._also["distance"] = self._distance

    def _far(self, posts: str, order: str = "") -> str:
        """How far these posts are. Each place is worked out once, and each distance once."""
        distance = f"distance_km(p.place, {self._center}) AS distance"
        return f"FROM (SELECT p.*, {distance} FROM ({posts}) AS p {order} OFFSET 0) AS p"

    def _inside(self, boxes: list[geo.Box]) -> str:
        parts = [
            f"{PLACE} <@ box(point({self.arg(b.west)}, {self.arg(b.south)}), point({self.arg(b.east)}, {self.arg(b.north)}))"
            for b in boxes
        ]
        return f"({' OR '.join(parts)})"

    def _order(self, wanted: Filter, sort: Sort, now: datetime) -> None:
        if sort == "recent":
            self._keys, self._directions = ["p.created_at", "p.id"], "DESC"
        elif sort == "nearby":
            self._keys, self._directions = [self._distance, "p.id"], "ASC"
        elif sort == "bookmarked":
            self._keys, self._directions = ["k.created_at", "p.id"], "DESC"
            self._also["bookmarked_at"] = "k.created_at"
        elif sort == "upcoming":
            self._keys, self._directions = [_STARTS, "p.id"], "ASC"
            self._where.append("p.start_date IS NOT NULL")
            self._also["starts"] = _STARTS
        elif sort in ("price_asc", "price_desc"):
            self._keys, self._directions = [_PRICE, "p.id"], sort.removeprefix("price_").upper()
            self._where.append("p.type = 'SELL'")
            self._also["amount"] = _PRICE
        else:
            if sort == "trending":
                self._where.append(f"p.created_at > {self.arg(now - timedelta(days=TRENDING_DAYS))}")
                self.count_args = list(self.args)
                key = _SCORE.format(now=self.arg(now))
                self._also["score"] = key
                self._keys = [key, "p.created_at", "p.id"]
            else:
                self._keys = ["score", "created_at", "id"]  # columns of what is weighed
            self._directions = "DESC"

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
        Each SELECT around them says the order again: else PostgreSQL forgets it, looks at all of them and sorts. None
        are looked through where the box holds too few.
        """
        size = self.arg(count)
        most = LOOKED_THROUGH if count < LOOKED_THROUGH / 4 else self.arg(LOOKED_THROUGH + 2 * count)
        farther = f" AND distance_km({PLACE}, {self._center}) >= {self.arg(start)}" if start else ""
        held = f"SELECT 1 FROM posts p WHERE p.deleted_at IS NULL AND {self._box} LIMIT {size}"
        first = f"""SELECT p.*, {PLACE} AS place, {PLACE} <-> {self._center} AS degrees FROM posts p
            WHERE p.deleted_at IS NULL{farther} AND (SELECT count(*) = {size} FROM ({held}) AS held)
            ORDER BY degrees LIMIT {most}"""
        rows = self._from.replace(self._around, self._far(first, "ORDER BY p.degrees"))
        where = " AND ".join([*self._where, *self._own, self._box.replace(PLACE, "p.place")])
        few = f"SELECT p.distance {rows} WHERE {where}{self._behind} ORDER BY p.degrees LIMIT {size}"
        return f"SELECT max(distance) FROM ({few}) AS few HAVING count(*) = {size}"

    def page_sql(self, limit: int, offset: int) -> str:
        """One row more than a page."""
        order = ", ".join(f"{key} {self._directions}" for key in self._keys)
        usual = limit == page.DEFAULT and not offset
        size = self._size(limit)
        skip = f" OFFSET {self.arg(offset)}" if offset else ""
        where, last = " AND ".join(self._where), f"ORDER BY {order} LIMIT {size}{skip}"
        if self.sort == "relevance":
            return self._best(self._weighed(where), last)
        before: list[str] = []
        if self.sort == "trending" and usual and self._plain:
            before, where = self._ranked(where, order)
        rows = f"{self._from} WHERE {where}{self._behind} {last}"
        return entries(rows, self._also, before)

    def _size(self, limit: int) -> str:
        return str(limit + 1) if limit in page.USUAL else self.arg(limit + 1)

    def tried_sql(self, ranks: Sequence[Rank], limit: int) -> str:
        """One row more than a page, out of posts that ranked highest; fewer if too few of them may be seen.

        Scores are those of now. What sank below the last of these posts is left out, as others may stand higher. Of one
        post after the other it is asked whether the viewer may see it, until there are enough.
        """
        score, order = self._keys[0], "p.score DESC, p.created_at DESC, p.id DESC"
        those = f"p.id = ANY ({self.arg([one.id for one in ranks])}::uuid[])"
        floor = ", ".join(self.arg(value) for value in msgspec.structs.astuple(ranks[-1]))
        first = f"SELECT p.*, p.xmin, p.ctid, {score} AS score FROM posts p WHERE {those} OFFSET 0"
        first = f"""FROM (SELECT p.* FROM ({first}) AS p
          WHERE (p.score, p.created_at, p.id) >= ({floor}){self._behind} ORDER BY {order}) AS p"""
        rows = f"{self._from.replace('FROM posts p', first)} WHERE {' AND '.join(self._where)}"
        told = {"created_at": "p.created_at", "score": "p.score"}
        return entries(f"{rows} ORDER BY {order} LIMIT {self._size(limit)}", told)

    def _best(self, weighed: tuple[list[str], str], last: str) -> str:
        """The first in an order of posts that were weighed, and how many these are. Only they are looked up again."""
        before, chosen = weighed
        best = f"""SELECT *, count(*) OVER () AS total FROM ({chosen}) AS weighed
          WHERE true{self._behind} {last}"""
        rows = f"""{_FROM.replace("FROM posts p", "FROM best JOIN posts p USING (id)")}
          ORDER BY best.score DESC, best.created_at DESC, best.id DESC"""
        told = {**self._also, "score": "best.score", "total": "best.total"}
        return entries(rows, told, [*before, f"best AS MATERIALIZED ({best})"])

    def _ranked(self, where: str, order: str) -> tuple[list[str], str]:
        """The highest scores that the viewer may see, as tables and what is in them; everything, if they are too few.

        Who may see a post is asked of some pages of the highest, instead of all posts of a week.
        """
        size = page.DEFAULT + 1
        rows = self._first(f"{self._behind} ORDER BY {order} LIMIT {RANKED * size}")
        few = f"SELECT p.id {rows} WHERE {LISTED} ORDER BY {order} LIMIT {size}"
        before, chosen = self._chosen([few], size, f"SELECT p.id {self._from} WHERE {where}{self._behind}")
        return before, f"p.id = ANY (ARRAY({chosen}))"

    def _weighed(self, where: str) -> tuple[list[str], str]:
        """The posts that are weighed, as tables and a SELECT of them: a word that stands everywhere says little.

        They are those of the latest posts that match, if these are enough; else the newest that match at all. The index
        of words knows no time: it would bring everything that matches to be sorted. OFFSET 0 has PostgreSQL use it
        nevertheless, instead of looking through all posts by time for words that hardly any of them holds.
        """
        newest = f"ORDER BY p.created_at DESC, p.id DESC LIMIT {self._most}"
        post = f"SELECT p.id, p.created_at, ts_rank(p.search, {self._query})::float8 AS score"

        def among_latest(size: int) -> str:
            # Of all but those that match no more is read than must be.
            latest = f"""FROM (SELECT p.id, p.created_at, p.search FROM posts p WHERE p.deleted_at IS NULL AND p.status
                ORDER BY p.created_at DESC, p.id DESC LIMIT {size}) AS l JOIN posts p ON p.id = l.id"""
            rows = self._from.replace("FROM posts p", latest)
            return f"{post} {rows} WHERE l.search @@ {self._query} AND {where}"

        latest_first = newest.replace("p.", "l.")
        steps = [
            f"{among_latest(LATEST // 4)} {latest_first}",
            # All of them only where the first give hope.
            f"{among_latest(LATEST)} AND (SELECT count(*) FROM step0) >= {ENOUGH // 5} {latest_first}",
        ]
        every = f"SELECT * FROM ({post} {self._from} WHERE {where} OFFSET 0) AS p {newest}"
        if not self._plain:
            return self._chosen(steps, ENOUGH, every)
        own = " AND ".join(["p.deleted_at IS NULL AND p.status", *self._where[1:]])
        first = f"SELECT * FROM (SELECT p.id, p.created_at FROM posts p WHERE {own} OFFSET 0) AS p {newest}"
        seen = f"{post} {self._from.replace('FROM posts p', 'FROM first JOIN posts p USING (id)')} WHERE {LISTED}"
        before, chosen = self._chosen(
            [*steps, seen], ENOUGH, every, f"(SELECT count(*) FROM first) = {self._most}"
        )
        return [f"first AS MATERIALIZED ({first})", *before], chosen

    @property
    def _plain(self) -> bool:
        """Whether all conditions but the first, of who may see a post, are about the post alone."""
        return self._from == _FROM and self._where[0] == LISTED

    def _first(self, order: str) -> str:
        """The first posts in an order, before it is known who may see them, in place of `posts p`."""
        own = " AND ".join(["p.deleted_at IS NULL AND p.status", *self._where[1:]])
        first = f"FROM (SELECT p.id FROM posts p WHERE {own} {order}) AS first JOIN posts p USING (id)"
        return self._from.replace("FROM posts p", first)

    def _chosen(self, steps: list[str], enough: int, every: str, more: str = "true") -> tuple[list[str], str]:
        """Which posts a list is of: those of the first step that finds enough of them, else those of the last SELECT.

        Unless there are `more` those of the last step are all that there are.
        """
        before, parts, lacking = [], [], "true"
        for number, step in enumerate(steps):
            found = f"(SELECT count(*) FROM step{number})"
            before.append(f"step{number} AS MATERIALIZED (SELECT * FROM ({step}) AS found WHERE {lacking})")
            last = number == len(steps) - 1
            suffices = f"({found} >= {enough} OR NOT {more})" if last else f"{found} >= {enough}"
            parts.append(f"SELECT * FROM step{number} WHERE {lacking} AND {suffices}")
            lacking = f"{lacking} AND NOT {suffices}"
        parts.append(f"SELECT * FROM ({every}) AS every_one WHERE {lacking}")
        return before, " UNION ALL ".join(parts)

    def count_sql(self, most: int) -> str:
        """How many there are, counted up to a ceiling."""
        where = " AND ".join(self._where)
        if self.sort == "relevance":
            before, chosen = self._weighed(where)
            return f"WITH {', '.join(before)} SELECT count(*) FROM ({chosen}) AS found"
        return f"SELECT count(*) FROM (SELECT 1 {self._from} WHERE {where} LIMIT {most}) AS found"


@functools.cache
def latest(unmuted: bool, worded: bool, behind: bool, limit: int) -> Joint[object]:
    """The newest posts of all: one more than a page of a usual size.

    Its arguments are the viewer, the muted words where it is `worded`, and the date and id of the last post that was
    seen where it starts `behind` one.
    """
    wanted = Filter(unmuted=unmuted, muted_words="" if worded else None)
    built, types = Listing(None, wanted, "recent", datetime.now(UTC)), ["uuid", *["text"] * worded]
    if behind:
        built.after(None, None)
        types += ["timestamptz", "uuid"]
    return Joint(object, built.page_sql(limit, 0), types)


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
        muted_words="'a'", event_state=["upcoming"], my_event_state=["going"],
    )  # fmt: skip
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for sort, (columns, _) in KEYS.items():
        listing = Listing(None, full, sort, now)
        found.append(listing.count_sql(100))
        listing.after(*[None] * len(columns))
        found += [listing.page_sql(20, 0), listing.page_sql(7, 40)]
    for start in (0.0, 1.0):
        found.append(Listing(None, full, "nearby", now).reach_sql(21, start))
    for limit in (20, 7):
        listing = Listing(None, Filter(unmuted=True, muted_words="'a'"), "trending", now)
        listing.after(None, None, None)
        found.append(listing.tried_sql([Rank(1.0, now, UUID(int=0))], limit))
    for shared in (latest(*given, page.DEFAULT) for given in itertools.product((False, True), repeat=3)):
        found += [shared.sql, shared.many]
    return found
