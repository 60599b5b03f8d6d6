"""Rows of posts, and the SQL of which posts a viewer may see."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.graph.model import UserMini
from majlis.features.graph.service import BLOCKED, follows
from majlis.features.posts.model import Filter, Post, SellCategory, Sort
from majlis.kit import geo
from majlis.kit.db import Joint, Query
from majlis.kit.geo import Point
from majlis.kit.text import prefix_query

# Which posts `p` of authors `a` the viewer $1 may see. CASE keeps the look at follows for the posts that need it.
VISIBLE = f"""p.deleted_at IS NULL AND a.deleted_at IS NULL AND NOT a.suspended
  AND CASE p.visibility WHEN 'PUBLIC' THEN true
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
  {follows("$1", "p.user_id")} AS is_following, {follows("p.user_id", "$1")} AS follows_me,
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
    attachments, liked, bookmarked = row[_OWN + 8 : _OWN + 11]
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


_STORED = ", ".join(field.name for field in msgspec.structs.fields(Stored))
_MARKS = ", ".join(f"${n}" for n in range(1, len(msgspec.structs.fields(Stored)) + 1))
LOCK = Query(Stored, f"SELECT {_STORED} FROM posts WHERE id = $1 AND deleted_at IS NULL FOR UPDATE")
INSERT = f"INSERT INTO posts ({_STORED}) VALUES ({_MARKS})"
_FIXED = {"id", "user_id", "business_id", "type", "original_post_id", "created_at"}
CHANGING = [field.name for field in msgspec.structs.fields(Stored) if field.name not in _FIXED]
UPDATE = f"UPDATE posts SET {', '.join(f'{name} = ${n}' for n, name in enumerate(CHANGING, 2))} WHERE id = $1"
DELETE = "UPDATE posts SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL"
CATEGORIES = Query(
    SellCategory, "SELECT id, name, icon, color, status, created_at FROM sell_categories ORDER BY name"
)
COUNT_SHARE = Query(
    int, "UPDATE posts SET total_shares = total_shares + 1 WHERE id = $1 RETURNING total_shares"
)

TRENDING_DAYS = 7  # rule 104
_SCORE = """(2 * p.total_likes + 3 * p.total_comments + 5 * p.total_shares)
  / power(greatest(extract(epoch FROM {now}::timestamptz - p.created_at)::float8 / 3600, 1), 1.5)"""  # rules 103, 105
_PLACE = "coalesce(p.address_location, p.user_location)"  # tension 67
DEFAULT_LIMIT = 20


class Listing:
    """A list of posts put together from a filter, an order and a place in it."""

    def __init__(self, viewer: UUID | None, wanted: Filter, sort: Sort, now: datetime) -> None:
        self.args: list[Any] = [viewer]
        self.sort = sort
        self._from = _FROM
        self._where = [SHOWN if wanted.hidden_too or wanted.status is not None else LISTED]
        self._extra = ""
        self._filter(wanted)
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
        if wanted.min_price is not None:
            where.append(f"p.price >= {self.arg(wanted.min_price)}")
        if wanted.max_price is not None:
            where.append(f"p.price <= {self.arg(wanted.max_price)}")
        if wanted.date_from is not None:
            where.append(f"coalesce(p.start_date, p.created_at::date) >= {self.arg(wanted.date_from)}")
        if wanted.date_to is not None:
            where.append(f"coalesce(p.start_date, p.created_at::date) <= {self.arg(wanted.date_to)}")
        if wanted.q is not None:
            self._query = f"to_tsquery('simple', {self.arg(prefix_query(wanted.q))})"
            where.append(f"p.search @@ {self._query}")
        if wanted.near is not None:
            self._near(wanted.near, wanted.radius_km)
        if wanted.bookmarked:
            self._from += " JOIN post_bookmarks k ON k.user_id = $1 AND k.post_id = p.id"

    def _near(self, center: Point, radius_km: float) -> None:
        boxes = [
            f"{_PLACE} <@ box(point({self.arg(b.west)}, {self.arg(b.south)}), point({self.arg(b.east)}, {self.arg(b.north)}))"
            for b in geo.boxes(center, radius_km)
        ]
        self._distance = f"distance_km({_PLACE}, {self.arg(center)})"
        self._where.append(f"({' OR '.join(boxes)})")
        self._where.append(f"{self._distance} <= {self.arg(radius_km)}")
        self._extra += f", {self._distance} AS distance"

    def _order(self, wanted: Filter, sort: Sort, now: datetime) -> None:
        if sort == "recent":
            self._keys, self._directions = ["p.created_at", "p.id"], "DESC"
        elif sort == "nearby":
            self._keys, self._directions = [self._distance, "p.id"], "ASC"
        elif sort == "bookmarked":
            self._keys, self._directions = ["k.created_at", "p.id"], "DESC"
            self._extra += ", k.created_at AS bookmarked_at"
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
        self._where.append(f"({', '.join(self._keys)}) {sign} ({marks})")

    def page_sql(self, limit: int, offset: int) -> str:
        """One row more than a page. The usual size is a literal: it lets PostgreSQL keep a generic plan."""
        order = ", ".join(f"{key} {self._directions}" for key in self._keys)
        size = str(DEFAULT_LIMIT + 1) if limit == DEFAULT_LIMIT else self.arg(limit + 1)
        skip = f" OFFSET {self.arg(offset)}" if offset else ""
        where = " AND ".join(self._where)
        return (
            f"SELECT {_COLUMNS}{self._extra} {self._from} WHERE {where} ORDER BY {order} LIMIT {size}{skip}"
        )

    def count_sql(self, most: int) -> str:
        """How many there are, counted up to a ceiling."""
        where = " AND ".join(self._where)
        return f"SELECT count(*) FROM (SELECT 1 {self._from} WHERE {where} LIMIT {most}) AS found"


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    full = Filter(
        type=["FEED"], category_id=UUID(int=0), user_id=UUID(int=0), business_id=UUID(int=0), country="a", province="a",
        district="a", neighborhood="a", min_price=Decimal(0), max_price=Decimal(1), currency="AFN", free=True, sold=True,
        visibility="PUBLIC", status=True, q="a", near=Point(0, 0), bookmarked=True,
    )  # fmt: skip
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for sort, count in (("recent", 2), ("nearby", 2), ("trending", 3), ("relevance", 3), ("bookmarked", 2)):
        listing = Listing(None, full, sort, now)  # type: ignore[arg-type]
        found.append(listing.count_sql(100))
        listing.after(*[None] * count)
        found += [listing.page_sql(20, 0), listing.page_sql(7, 40)]
    return [*found, SOME]
