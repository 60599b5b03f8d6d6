"""Rows of posts, and the SQL of which posts a viewer may see."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, TypeAlias, cast
from uuid import UUID

import msgspec

from majlis.features.businesses.model import BusinessMini
from majlis.features.businesses.service import FOLLOWS, MINI
from majlis.features.graph.model import UserMini
from majlis.features.graph.service import BLOCKED, admits, follows, hides, shown
from majlis.features.polls.service import card, card_version, of_card, voted
from majlis.features.posts.model import Post, SellCategory, Stance
from majlis.kit.db import Joint, Query, Reader
from majlis.kit.geo import Point
from majlis.kit.versions import Versions, version

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

# The columns of a card: what is the same of a post for everybody who may see it. Those up to updated_at stand in the order
# of Post's fields; the author's, the business's and the category's in that of their own.
_CARD = f"""p.id, p.user_id, p.business_id, p.original_post_id, p.category_id, p.title, p.description, p.type,
  p.status, p.visibility, p.currency, p.price, p.discount, p.free, p.sold, p.is_promoted, p.country_code,
  p.contact_no, p.is_location, p.start_date, p.start_time, p.end_date, p.end_time, NULL AS event_state,
  p.interested_count, p.going_count, p.expired_at, p.address_location, p.user_location,
  p.country, p.province, p.district, p.neighborhood, p.total_comments, p.total_likes, p.total_shares,
  p.created_at, p.updated_at,
  a.first_name, a.last_name, a.avatar, a.province AS author_province, a.district AS author_district,
  a.neighborhood AS author_neighborhood, p.attachments,
  {MINI}, c.id, c.name, c.icon, c.color, c.status, c.created_at,
  CASE WHEN p.type = 'PULL' THEN {card("p.id")} END"""
_OWN, _AUTHOR, _BUSINESS, _CATEGORY, _WIDTH = 38, 44, 51, 57, 58  # where the columns of each end, and all


def _stands(post: str) -> str:
    """SQL: how the viewer $1 stands to a post that is an event, and what they chose if it is a poll."""
    return f"""CASE WHEN {post}.type = 'EVENT' THEN
      (SELECT e.event_state FROM event_interests e WHERE e.user_id = $1 AND e.post_id = {post}.id) END AS stance,
      CASE WHEN {post}.type = 'PULL' THEN {voted(f"{post}.id")} END AS vote"""


def _flags(*conditions: str) -> str:
    """SQL: conditions as the bits of one number, from the lowest: one column is read faster than five."""
    return " | ".join(f"CASE WHEN {one} THEN {1 << bit} ELSE 0 END" for bit, one in enumerate(conditions))


# The bits of what the viewer has to do with the author, the post and its business.
FOLLOWING, FOLLOWED, LIKED, KEPT_BY_ME, FOLLOWS_BUSINESS = (1 << bit for bit in range(5))
# What of a post is the viewer's own. In the order of the arguments of `_own`.
_VIEWED = f"""{hides("a")} AS hides, {
    _flags(
        follows("$1", "p.user_id"),
        follows("p.user_id", "$1"),
        "(SELECT true FROM post_likes l WHERE l.user_id = $1 AND l.post_id = p.id)",
        "(SELECT true FROM post_bookmarks k WHERE k.user_id = $1 AND k.post_id = p.id)",
        FOLLOWS,
    )
} AS flags, {_stands("p")}"""
_FROM = "FROM posts p JOIN profiles a ON a.id = p.user_id"
_WHOLE = f"""{_FROM}
  LEFT JOIN business_profiles b ON b.id = p.business_id AND b.deleted_at IS NULL AND b.status
  LEFT JOIN sell_categories c ON c.id = p.category_id"""

ONE = Joint(object, f"SELECT {_CARD}, {_VIEWED} {_WHOLE} WHERE p.id = $2 AND {SHOWN}", ["uuid", "uuid"])

# Which rows a card is made of: PostgreSQL never gives two versions of a row the same place and transaction.
_VERSION = "p.xmin AS post_by, p.ctid AS post_at, a.xmin AS author_by, a.ctid AS author_at"


def _parts(post: str) -> str:
    """SQL: the same of the rows beside a post, in one column; null where there can be none."""

    def of(table: str, name: str) -> str:
        return f"(SELECT {version('x')} FROM {table} x WHERE x.id = {post}.{name})"

    return f"""CASE WHEN {post}.business_id IS NOT NULL OR {post}.category_id IS NOT NULL OR {post}.type = 'PULL' THEN
      concat({of("business_profiles", "business_id")}, '/', {of("sell_categories", "category_id")}, '/',
        CASE WHEN {post}.type = 'PULL' THEN {card_version(f"{post}.id")} END) END AS beside"""


# What lists tell of `posts p` and `profiles a`. `hides` is -1 of one's own.
_TOLD = "post_by, post_at, author_by, author_at, id, hides"
_ENTRY = f"""{_VERSION}, p.id, CASE WHEN a.id = $1 THEN -1 ELSE a.hides END AS hides,
  p.user_id, p.type, p.business_id, p.category_id"""
# Where that stands in the rows of `entries`, which begin with what is the viewer's own.
_FLAGS, _OWNS, _VERSIONS, _ID, _HIDES = 0, slice(3), slice(3, 8), 8, 9
CARDS = f"""SELECT {_CARD}, {_parts("p")}, {_VERSION}
{_WHOLE} WHERE p.id = ANY($2::uuid[]) AND {SHOWN}"""
KEPT = 20_000  # cards in memory, at about 2 KiB each, and as much again for those that were written as JSON


def entries(rows: str, also: Mapping[str, str] = {}, before: Sequence[str] = ()) -> str:
    """SQL: a list of posts, from its FROM `posts p` and `profiles a` on, in its order.

    `also` is what it tells of each beside, by names; `before` are common table expressions that it uses.
    What somebody likes or follows is looked up once for a whole page, which costs half of what a look per row does.
    """

    def among(one: str, found: str, table: str, mine: str, those: str) -> str:
        return f"""{one} = ANY (ARRAY(SELECT {found} FROM {table}
          WHERE {mine} = $1 AND {found} = ANY ((SELECT {those} FROM asked)::uuid[])))"""

    columns = "".join(f", {column} AS {name}" for name, column in also.items())
    tables = ", ".join([*before, f"entry AS MATERIALIZED (SELECT {_ENTRY}{columns} {rows})"])
    return f"""WITH {tables},
      asked AS MATERIALIZED (
        SELECT array_agg(id) AS posts, array_agg(user_id) AS people, array_agg(business_id) AS businesses FROM entry)
      SELECT {
        _flags(
            among("user_id", "following_id", "user_follows", "follower_id", "people"),
            among("user_id", "follower_id", "user_follows", "following_id", "people"),
            among("id", "post_id", "post_likes", "user_id", "posts"),
            among("id", "post_id", "post_bookmarks", "user_id", "posts"),
            among("business_id", "business_id", "business_profile_followers", "follower_id", "businesses"),
        )
    },
        {", ".join([_stands("entry"), _parts("entry"), _TOLD, *also])}
      FROM entry"""


SOME = entries(f"{_FROM} WHERE p.id = ANY($2::uuid[]) AND {LISTED}")


def _card(row: Any) -> Post:
    own: tuple[Any, ...] = row[:_OWN]
    author: tuple[Any, ...] = (row[1], *row[_OWN:_AUTHOR], False, False)
    business: tuple[Any, ...] = (*row[_AUTHOR + 1 : _BUSINESS], False)
    category: tuple[Any, ...] = row[_BUSINESS:_CATEGORY]
    rest: tuple[Any, ...] = (
        UserMini(*author),
        None if business[0] is None else BusinessMini(*business),
        None if category[0] is None else SellCategory(*category),
        row[_AUTHOR],
        None,
        of_card(row[_CATEGORY]),
        False,
        False,
        None,
        False,
    )
    return Post(*own, *rest)


def _own(
    card: Any, viewer: UUID | None, hides: int, flags: int, stance: Stance | None, vote: UUID | None
) -> Post:
    """A copy of a card with what is the viewer's own."""
    post = card.__copy__()  # copy.copy takes three times as long to come to this
    post.author = author = post.author.__copy__()
    author.is_following, author.follows_me = flags & FOLLOWING > 0, flags & FOLLOWED > 0
    post.liked_by_me, post.bookmarked_by_me = flags & LIKED > 0, flags & KEPT_BY_ME > 0
    post.my_event_state = stance
    if post.business is not None:
        post.business = post.business.__copy__()
        post.business.is_following = flags & FOLLOWS_BUSINESS > 0
    if post.poll is not None:
        post.poll = post.poll.__copy__()
        post.poll.my_vote = vote
    if hides > 0:
        shown(author, hides)
    if viewer is not None and post.user_id == viewer:
        post.is_mine = True
    else:
        post.user_location = None
        if not post.is_location:
            post.address_location = None
    return cast(Post, post)


def post_of(row: Any, viewer: UUID | None) -> Post:
    """A row of the columns of `ONE` as a Post, without its original."""
    return _own(_card(row), viewer, *row[_WIDTH : _WIDTH + 4])


# ---- posts as JSON, for lists that are sent as they are
#
# Of most posts only six fields are the viewer's or the list's own. They stand in two places: at the end of the author, and
# at the end of the post. What lies before each is encoded once for everybody.


class _Bond(msgspec.Struct):
    """How the viewer stands to an author: the last fields of a UserMini."""

    is_following: bool
    follows_me: bool


class _Stand(msgspec.Struct):
    """How the viewer and the list stand to somebody else's post: its last fields."""

    liked_by_me: bool
    bookmarked_by_me: bool
    my_event_state: None = None
    is_mine: bool = False
    distance_km: float | None = None
    trending_score: float | None = None


def _end(of: _Bond | _Stand) -> bytes:
    return msgspec.json.encode(of)[1:]


Ends: TypeAlias = tuple[float | None, float | None]  # distance in km and score of a post in a list
_CHOICES = [(bits & 1 > 0, bits & 2 > 0) for bits in range(4)]
_BONDS = [_end(_Bond(*pair)) for pair in _CHOICES]
_STANDS = [_end(_Stand(*pair)) for pair in _CHOICES]
_MARK = b"\0"  # stands in no JSON


class Card:
    """What of a post is the same for everybody who may see it."""

    __slots__ = ("pieces", "plain", "post")

    def __init__(self, post: Post) -> None:
        self.post = post
        # Whether a stranger's view of it differs in _Bond and _Stand alone, and does not change by itself.
        shared = post.business is not None or post.original_post_id is not None
        self.plain = post.type in ("FEED", "SELL") and not shared
        self.pieces: tuple[bytes, bytes] | None = None  # what `write` made

    def write(self) -> tuple[bytes, bytes]:
        """The JSON of a plain one for strangers: what comes before the _Bond, and between it and the _Stand."""
        post: Any = _own(self.post, None, 0, 0, None, None)
        for of, field in ((post.author, "is_following"), (post.author, "follows_me"), (post, "liked_by_me")):
            setattr(of, field, msgspec.Raw(_MARK))
        head, _, middle, _ = msgspec.json.encode(post).split(_MARK)
        head, middle = head.removesuffix(b'"is_following":'), middle.removeprefix(b"}")
        self.pieces = head, middle.removesuffix(b'"liked_by_me":')
        return self.pieces


async def _cards(tx: Reader, viewer: UUID | None, rows: Sequence[Any]) -> list[Card | None]:
    """The cards of rows of `entries`; None for what is gone since.

    They stay in memory for as long as their rows are what they were; the others take one query.
    """
    kept: Versions[Card] = tx.versions("posts", KEPT)
    cards = kept.each((row[_ID], row[_VERSIONS]) for row in rows)
    missing = [row[_ID] for row, card in zip(rows, cards, strict=True) if card is None]
    if missing:
        fetched = await tx.records(CARDS, viewer, missing)
        made = {row[0]: kept.put(row[0], row[_WIDTH:], Card(_card(row))) for row in fetched}
        cards = [card or made.get(row[_ID]) for row, card in zip(rows, cards, strict=True)]
    return cards


async def posts_of(tx: Reader, viewer: UUID | None, rows: Sequence[Any]) -> list[Post | None]:
    """Rows of `entries` as Posts, without their originals; None for what is gone since."""
    return [
        None if card is None else _own(card.post, viewer, row[_HIDES], *row[_OWNS])
        for row, card in zip(rows, await _cards(tx, viewer, rows), strict=True)
    ]


async def written_of(
    tx: Reader, viewer: UUID | None, rows: Sequence[Any], ends: Callable[[Any], Ends] | None
) -> list[Post | tuple[bytes, ...]]:
    """The same without what is gone, and with plain posts as pieces of JSON; `ends` says what a list knows of a row."""
    found: list[Post | tuple[bytes, ...]] = []
    for row, one in zip(rows, await _cards(tx, viewer, rows), strict=True):
        if one is None:
            continue
        flags = row[_FLAGS]
        if row[_HIDES] or not one.plain:
            post = _own(one.post, viewer, row[_HIDES], *row[_OWNS])
            if ends is not None:
                post.distance_km, post.trending_score = ends(row)
            found.append(post)
        else:
            head, middle = one.pieces or one.write()
            stand = _STANDS[flags >> 2 & 3]
            if ends is not None:
                stand = _end(_Stand(flags & LIKED > 0, flags & KEPT_BY_ME > 0, None, False, *ends(row)))
            found.append((head, _BONDS[flags & 3], middle, stand))
    return found


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
HIDDEN = f"""SELECT {_CARD}, {_VIEWED}, p.hidden_as, p.hidden_reason, p.deleted_at
{_WHOLE} WHERE p.id = $2 AND p.user_id = $1 AND p.hidden_as IS NOT NULL"""


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
SETTLE = Query(UUID, "SELECT posts_settle($1::uuid[])")
OF_USER = Query(UUID, "SELECT id FROM posts WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT 100")
CATEGORIES = Query(
    SellCategory, "SELECT id, name, icon, color, status, created_at FROM sell_categories ORDER BY name"
)
SOLD = "UPDATE posts SET sold = $2, updated_at = $3 WHERE id = $1 AND sold <> $2"


_SHARED = "UPDATE posts SET total_shares = total_shares + 1 WHERE id = $1 RETURNING total_shares"
COUNT_SHARE = Query(int, _SHARED)
# Where a post is, as exactly as whoever searches may know (tension 67).
PLACE = "post_place(p.is_location, p.address_location, p.user_location)"
