"""Rows of posts, and the SQL of which posts a viewer may see."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.graph.model import UserMini
from majlis.features.graph.service import BLOCKED, MUTED, admits, follows, hides, shown
from majlis.features.posts.model import ZONE, EventState, Filter, Post, SellCategory, Sort, Stance
from majlis.kit import geo
from majlis.kit.db import Joint, Query, Reader
from majlis.kit.geo import Point
from majlis.kit.text import prefix_query

# Which posts `p` of authors `a` the viewer $1 may see. CASE keeps the look at follows for the posts that need it: those
# for friends, and those of private accounts.
VISIBLE = f"""p.deleted_at IS NULL AND a.deleted_at IS NULL AND NOT a.suspended
  AND CASE p.visibility WHEN 'PUBLIC' THEN {admits("a")}
      WHEN 'FRIENDS' THEN p.user_id = $1 OR ({follows("$1", "p.user_id")} AND {follows("p.user_id", "$1")})
      ELSE p.user_id = $1 END
  AND NOT p.user_id = ANY ({BLOCKED})
  AND (p.business_id IS NULL
       OR (SELECT b.deleted_at IS NULL AND b.status FROM business_profiles b WHERE b.id = p.business_id))"""
LISTED = f"p.status AND {VISIBLE}"
# The author also sees what is switched off.
SHOWN = f"(p.status OR p.user_id = $1) AND {VISIBLE}"

# The columns up to updated_at stand in the order of Post's fields, the author's in that of UserMini.
_COLUMNS = f"""p.id, p.user_id, p.business_id, p.original_post_id, p.category_id, p.title, p.description, p.type,
  p.status, p.visibility, p.currency, p.price, p.discount, p.free, p.sold, p.is_promoted, p.country_code,
  p.contact_no, p.is_location, p.start_date, p.start_time, p.end_date, p.end_time, NULL AS event_state,
  p.interested_count, p.going_count, p.expired_at,
  CASE WHEN p.is_location OR p.user_id = $1 THEN p.address_location END AS address_location,
  CASE WHEN p.user_id = $1 THEN p.user_location END AS user_location,
  p.country, p.province, p.district, p.neighborhood, p.total_comments, p.total_likes, p.total_shares,
  p.created_at, p.updated_at,
  a.first_name, a.last_name, a.avatar, a.province AS author_province, a.district AS author_district,
  a.neighborhood AS author_neighborhood,
  {follows("$1", "p.user_id")} AS is_following, {follows("p.user_id", "$1")} AS follows_me, {hides("a")} AS hides,
  p.attachments,
  coalesce((SELECT true FROM post_likes l WHERE l.user_id = $1 AND l.post_id = p.id), false) AS liked_by_me,
  coalesce((SELECT true FROM post_bookmarks k WHERE k.user_id = $1 AND k.post_id = p.id), false) AS bookmarked_by_me"""
_OWN = 38  # columns of the post itself
_FROM = "FROM posts p JOIN profiles a ON a.id = p.user_id"

ONE = Joint(object, f"SELECT {_COLUMNS} {_FROM} WHERE p.id = $2 AND {SHOWN}", ["uuid", "uuid"])
SOME = f"SELECT {_COLUMNS} {_FROM} WHERE p.id = ANY($2::uuid[]) AND {LISTED}"


def post_of(row: Any) -> Post:
    """A row of these columns as a Post, without what other queries bring."""
    own: tuple[Any, ...] = row[:_OWN]
    author = UserMini(row[1], *row[_OWN : _OWN + 8])
    hidden, attachments, liked, bookmarked = row[_OWN + 8 : _OWN + 12]
    if hidden:
        shown(author, hidden)
    rest: tuple[Any, ...] = (author, None, None, attachments, None, None, liked, bookmarked, None, False)
    return Post(*own, *rest)


class Stored(msgspec.Struct):
    """A post as its author changes it."""

    id: UUID
    user_id: UUID
    business_id: UUID | None
    type: str
    title: str | None
    description: str | None
    visibility: str
    status: bool
    category_id: UUID | None
    currency: str | None
    price: Decimal | None
    discount: Decimal | None
    free: bool
    country_code: str | None
    contact_no: str | None
    is_location: bool
    start_date: Any
    start_time: Any
    end_date: Any
    end_time: Any
    expired_at: datetime | None
    address_location: Point | None
    user_location: Point | None
    country: str | None
    province: str | None
    district: str | None
    neighborhood: str | None
    original_post_id: UUID | None
    attachments: msgspec.Raw | Any
    created_at: datetime
    updated_at: datetime


def blank(post_id: UUID, user_id: UUID, kind: str, now: datetime) -> Stored:
    """A post without anything in it."""
    empty: dict[str, Any] = dict.fromkeys(Stored.__struct_fields__)
    empty |= {
        "id": post_id, "user_id": user_id, "type": kind, "visibility": "PUBLIC", "status": True, "free": False,
        "is_location": False, "attachments": [], "created_at": now, "updated_at": now,
    }  # fmt: skip
    return Stored(**empty)


def assign(row: Stored, values: dict[str, Any]) -> None:
    """Put the fields that a client may set into a post."""
    kept = set(Stored.__struct_fields__) - {"type", "attachments", "business_id"}
    for name, value in values.items():
        if name in ("start_time", "end_time") and value is not None:
            setattr(row, name, time.fromisoformat(value))
        elif name in kept:
            setattr(row, name, value)


_STORED = ", ".join(field.name for field in msgspec.structs.fields(Stored))
_MARKS = ", ".join(f"${n}" for n in range(1, len(msgspec.structs.fields(Stored)) + 1))
LOCK = Query(Stored, f"SELECT {_STORED} FROM posts WHERE id = $1 AND deleted_at IS NULL FOR UPDATE")
INSERT = f"INSERT INTO posts ({_STORED}) VALUES ({_MARKS})"
_FIXED = {"id", "user_id", "business_id", "type", "original_post_id", "created_at"}
CHANGING = [field.name for field in msgspec.structs.fields(Stored) if field.name not in _FIXED]
UPDATE = f"UPDATE posts SET {', '.join(f'{name} = ${n}' for n, name in enumerate(CHANGING, 2))} WHERE id = $1"
DELETE = "UPDATE posts SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL"
# Hidden by moderators is deleted with a mark: so every list, index and counter leaves it out as it is, and no
# switch of its author brings it back.
HIDE = """
UPDATE posts SET deleted_at = coalesce(deleted_at, $2), hidden_as = $3, hidden_reason = $4, updated_at = $2
WHERE id = $1 AND (deleted_at IS NULL OR hidden_as <> 'HIDDEN')
"""
HIDDEN = f"""SELECT {_COLUMNS}, p.hidden_as, p.hidden_reason, p.deleted_at
{_FROM} WHERE p.id = $2 AND p.user_id = $1 AND p.hidden_as IS NOT NULL"""


class WasHidden(msgspec.Struct):
    """A post that is shown again."""

    user_id: UUID
    hidden_as: str


RESTORE = Query(
    WasHidden,
    """WITH was AS (
      SELECT id, user_id, hidden_as FROM posts WHERE id = $1 AND hidden_as IS NOT NULL FOR NO KEY UPDATE
    )
    UPDATE posts p SET deleted_at = NULL, hidden_as = NULL, hidden_reason = NULL, updated_at = $2
    FROM was WHERE p.id = was.id RETURNING was.user_id, was.hidden_as""",
)
# Its author deletes what is hidden: then nobody can bring it back.
WITHDRAW = Query(
    Stored,
    f"""UPDATE posts SET deleted_at = $3, hidden_as = NULL, hidden_reason = NULL, updated_at = $3
    WHERE id = $1 AND user_id = $2 AND hidden_as IS NOT NULL RETURNING {_STORED}""",
)
CATEGORIES = Query(
    SellCategory, "SELECT id, name, icon, color, status, created_at FROM sell_categories ORDER BY name"
)
SOLD = "UPDATE posts SET sold = $2, updated_at = $3 WHERE id = $1 AND sold <> $2"


class Stands(msgspec.Struct):
    """How the viewer stands towards an event."""

    post_id: UUID
    event_state: Stance


STANCES = Query(
    Stands,
    "SELECT post_id, event_state FROM event_interests WHERE user_id = $1 AND post_id = ANY($2::uuid[])",
)
COUNT_SHARE = Query(
    int, "UPDATE posts SET total_shares = total_shares + 1 WHERE id = $1 RETURNING total_shares"
)

TRENDING_DAYS = 7  # rule 104
_SCORE = """(2 * p.total_likes + 3 * p.total_comments + 5 * p.total_shares)
  / power(greatest(extract(epoch FROM {now}::timestamptz - p.created_at)::float8 / 3600, 1), 1.5)"""  # rules 103, 105
# Where a post is, as exactly as whoever searches may know (tension 67).
PLACE = "post_place(p.is_location, p.address_location, p.user_location)"
_STARTS = "event_starts(p.start_date, p.start_time)"  # on the clocks of the place, as the next one
_ENDS = "event_ends(p.start_date, p.end_date, p.end_time)"
_PRICE = "coalesce(p.price, 0)"  # free goods cost nothing
DEFAULT_LIMIT, LOOKED_THROUGH = 20, 1000
WEIGHED = 1000  # by relevance, of the posts that match

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
        self.count_args = self.args  # those of `count_sql`, which knows no order
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
        size = str(DEFAULT_LIMIT + 1) if limit == DEFAULT_LIMIT else self.arg(limit + 1)
        skip = f" OFFSET {self.arg(offset)}" if offset else ""
        where = " AND ".join(self._where)
        before, where = self._weighed(where) if self.sort == "relevance" else ("", where)
        rows = f"{self._from} WHERE {where}{self._behind} ORDER BY {order} LIMIT {size}{skip}"
        return f"{before}SELECT {_COLUMNS}{self._extra} {rows}"

    def _weighed(self, where: str) -> tuple[str, str]:
        """The latest posts that match, as a table and what is in it: a word that stands everywhere says little.

        PostgreSQL would sort all that hold it. So the latest of all are looked through before the index of words.
        """
        latest = f"""FROM (SELECT * FROM posts p WHERE p.deleted_at IS NULL AND p.status
            ORDER BY p.created_at DESC, p.id DESC LIMIT {4 * WEIGHED}) p"""
        newest = f"{where} ORDER BY p.created_at DESC, p.id DESC LIMIT {WEIGHED}"
        first = f"SELECT p.id {self._from.replace('FROM posts p', latest)} WHERE {newest}"
        enough = f"(SELECT count(*) FROM few) >= {WEIGHED}"
        chosen = f"""p.id = ANY (ARRAY(SELECT id FROM few WHERE {enough}
          UNION ALL (SELECT p.id {self._from} WHERE NOT {enough} AND {newest})))"""
        return f"WITH few AS MATERIALIZED ({first}) ", chosen

    def count_sql(self, most: int) -> str:
        """How many there are, counted up to a ceiling."""
        where = " AND ".join(self._where)
        return f"SELECT count(*) FROM (SELECT 1 {self._from} WHERE {where} LIMIT {most}) AS found"


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
    return [*found, SOME]
