"""Rows of follows and blocks, and the SQL of who may see whom."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.graph.model import UserMini, UserPublic
from majlis.kit import page
from majlis.kit.db import Query

# Everybody whom the viewer $1 blocks or is blocked by. An uncorrelated array: PostgreSQL makes it once per
# statement, however many rows are then held against it.
BLOCKED = """ARRAY(
  SELECT blocked_id FROM user_blocks WHERE blocker_id = $1
  UNION ALL SELECT blocker_id FROM user_blocks WHERE blocked_id = $1)"""


def follows(follower: str, following: str) -> str:
    """SQL: whether one follows the other. A scalar subquery: EXISTS would be planned as a scan of all follows."""
    return (
        "coalesce((SELECT true FROM user_follows f"
        f" WHERE f.follower_id = {follower} AND f.following_id = {following}), false)"
    )


def _blocks(blocker: str, blocked: str) -> str:
    return (
        "coalesce((SELECT true FROM user_blocks b"
        f" WHERE b.blocker_id = {blocker} AND b.blocked_id = {blocked}), false)"
    )


_LIVE = "p.deleted_at IS NULL AND NOT p.suspended"
_LISTED = f"{_LIVE} AND NOT p.id = ANY ({BLOCKED})"  # whom the viewer $1 meets in lists
_MINI = f"""p.id, p.first_name, p.last_name, p.avatar, p.province, p.district, p.neighborhood,
  {follows("$1", "p.id")} AS is_following, {follows("p.id", "$1")} AS follows_me"""

MINIS = Query(UserMini, f"SELECT {_MINI} FROM profiles p WHERE p.id = ANY($2::uuid[]) AND {_LISTED}")
VISIBLE = Query(bool, f"SELECT true FROM profiles p WHERE p.id = $2 AND {_LIVE} AND NOT {_blocks('p.id', '$1')}")
PUBLIC = Query(
    UserPublic,
    f"""SELECT p.id, p.first_name, p.last_name, p.avatar, p.cover, p.about, p.gender, p.website, p.country, p.province,
      p.district, p.neighborhood, p.is_complete, p.created_at, p.followers_count, p.following_count, p.posts_count,
      {follows("$1", "p.id")} AS is_following, {follows("p.id", "$1")} AS follows_me,
      {_blocks("$1", "p.id")} AS is_blocked,
      coalesce(p.id <> $1 AND NOT {_blocks("$1", "p.id")}, false) AS can_message,
      coalesce(p.id = $1, false) AS is_me
    FROM profiles p WHERE p.id = $2 AND {_LIVE} AND NOT {_blocks("p.id", "$1")}""",
)


class Locked(msgspec.Struct):
    """One of the two whose relation changes."""

    id: UUID
    followers_count: int


# Whatever changes between two people holds both their rows, in the order of their ids: changes of a pair
# come one after the other, and circles of people who follow one another do not deadlock over the counters.
LOCK_PAIR = Query(
    Locked,
    f"""SELECT p.id, p.followers_count FROM profiles p WHERE p.id IN ($1, $2) AND {_LIVE}
    ORDER BY p.id FOR NO KEY UPDATE""",
)


class Stance(msgspec.Struct):
    """Who of the viewer $1 and another person $2 blocks whom."""

    mine: bool
    theirs: bool


STANCE = Query(Stance, f"SELECT {_blocks('$1', '$2')} AS mine, {_blocks('$2', '$1')} AS theirs")
FOLLOW = """
INSERT INTO user_follows (follower_id, following_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
UNFOLLOW = "DELETE FROM user_follows WHERE follower_id = $1 AND following_id = $2"
BLOCK = """
INSERT INTO user_blocks (blocker_id, blocked_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
UNBLOCK = "DELETE FROM user_blocks WHERE blocker_id = $1 AND blocked_id = $2"
PART = """
DELETE FROM user_follows
WHERE (follower_id = $1 AND following_id = $2) OR (follower_id = $2 AND following_id = $1)
"""

# The rows of up to 500 people who follow a person or are followed by them, locked in order.
NEIGHBOURS = Query(
    UUID,
    """SELECT p.id FROM profiles p WHERE p.id = $1 OR p.id IN (
      SELECT following_id FROM user_follows WHERE follower_id = $1
      UNION SELECT follower_id FROM user_follows WHERE following_id = $1 ORDER BY 1 LIMIT 500)
    ORDER BY p.id FOR NO KEY UPDATE""",
)
FORGET = """
DELETE FROM user_follows
WHERE (follower_id = $1 AND following_id = ANY($2::uuid[])) OR (following_id = $1 AND follower_id = ANY($2::uuid[]))
"""


class Listed(msgspec.Struct):
    """A person in a list that is sorted by time, newest first."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: msgspec.Raw | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_following: bool
    follows_me: bool
    since: datetime


class Found(msgspec.Struct):
    """A person that was searched for, with what the list is sorted by."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: msgspec.Raw | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_following: bool
    follows_me: bool
    rank: int
    name: str


class Counted:
    """A list by its two statements: `page` for some rows and `count`, which stops at a ceiling."""

    def __init__(self, row: type, columns: str, rows: str, keys: str, order: str, arguments: int) -> None:
        """`rows` uses the arguments up to number `arguments`; `keys` the three after them or fewer."""
        self._row, self._columns, self._rows, self._order = row, columns, rows, order
        self._keys, self._used = keys, arguments
        self.count = Query(int, f"SELECT count(*) FROM (SELECT 1 {rows} LIMIT {page.MAX_OFFSET}) AS found")
        # The usual size is a literal, which lets PostgreSQL keep a generic plan.
        self._usual = self._sql(str(page.DEFAULT + 1), "")
        self._other = self._sql("$LIMIT", "$OFFSET")
