"""Rows of follows, requests, blocks and mutes, and the SQL of who may see what of whom."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from majlis.features.graph.model import Named, Thing, UserMini, UserPublic, hidden, initial
from majlis.features.media.model import Photo
from majlis.kit import page
from majlis.kit.db import Query

# Everybody whom the viewer $1 blocks or is blocked by. An uncorrelated array: PostgreSQL makes it once per
# statement, however many rows are then held against it.
BLOCKED = """ARRAY(
  SELECT blocked_id FROM user_blocks WHERE blocker_id = $1
  UNION ALL SELECT blocker_id FROM user_blocks WHERE blocked_id = $1)"""
# Everybody whose posts and notifications the viewer $1 does not want to meet.
MUTED = "ARRAY(SELECT muted_id FROM user_mutes WHERE muter_id = $1)"


def follows(follower: str, following: str) -> str:
    """SQL: whether one follows the other. A scalar subquery: EXISTS would scan all follows of the viewer."""
    return (
        "coalesce((SELECT true FROM user_follows f"
        f" WHERE f.follower_id = {follower} AND f.following_id = {following}), false)"
    )


def _blocks(blocker: str, blocked: str) -> str:
    return (
        "coalesce((SELECT true FROM user_blocks b"
        f" WHERE b.blocker_id = {blocker} AND b.blocked_id = {blocked}), false)"
    )


def hides(person: str) -> str:
    """SQL: what the row of a person hides, as `service.shown` takes it; nothing from the viewer $1 themselves."""
    return f"CASE WHEN {person}.id = $1 THEN 0 ELSE {person}.hides END"


def sees(thing: Thing, person: str) -> str:
    """SQL: whether the viewer $1 may see a thing of the row of a person. The same rule as `service.shown`."""
    return f"""CASE {person}.hides >> {thing.value} & 3 WHEN 0 THEN true
      WHEN 1 THEN {person}.id = $1 OR {follows(f"{person}.id", "$1")} ELSE {person}.id = $1 END"""


def admits(person: str) -> str:
    """SQL: whether the row of a person shows the viewer $1 what it publishes: private accounts do to followers."""
    return f"(NOT {person}.is_private OR {person}.id = $1 OR {follows('$1', f'{person}.id')})"


def _takes(choice: str) -> str:
    """SQL: whether the person `p` lets the viewer $1 do what a setting is about."""
    return f"""CASE (SELECT s.{choice} FROM privacy_settings s WHERE s.profile_id = p.id)
      WHEN 'People I follow' THEN {follows("p.id", "$1")}
      WHEN 'Only me' THEN false WHEN 'No one' THEN false ELSE true END"""


_LIVE = "p.deleted_at IS NULL AND NOT p.suspended"
_LISTED = f"{_LIVE} AND NOT p.id = ANY ({BLOCKED})"  # whom the viewer $1 meets in lists
_MINI = f"""p.id, p.first_name, p.last_name, p.avatar, p.province, p.district, p.neighborhood,
  {follows("$1", "p.id")} AS is_following, {follows("p.id", "$1")} AS follows_me, {hides("p")} AS hides"""


class Card(UserMini):
    """A person as stored, and what of them is hidden: to be passed through `service.shown`."""

    hides: int


class NamedRow(msgspec.Struct):
    """A person by username as stored, and what of them is hidden from a viewer whom they follow, or do not."""

    id: UUID
    username: str
    first_name: str | None
    last_name: str | None
    about: str | None
    avatar: msgspec.Raw | None
    followers_count: int
    following_count: int
    posts_count: int
    is_following: bool
    created_at: datetime
    hides: int
    follows_me: bool

    def shown(self) -> Named:
        """The person as the viewer may see them, under the same settings as cards and pages."""
        name: str | None = " ".join(part for part in (self.first_name, self.last_name) if part) or None
        about, avatar = self.about, self.avatar
        if hidden(Thing.NAME, self.hides, self.follows_me):
            name = initial(self.first_name)
        if hidden(Thing.ABOUT, self.hides, self.follows_me):
            about = None
        if hidden(Thing.PICTURES, self.hides, self.follows_me):
            avatar = None
        return Named(
            self.id,
            self.username,
            name,
            about,
            None if avatar is None else msgspec.json.decode(avatar, type=Photo),
            self.followers_count,
            self.following_count,
            self.posts_count,
            self.is_following,
            self.created_at,
        )


_NAMED = f"""SELECT p.id, p.username, p.first_name, p.last_name, p.about, p.avatar, p.followers_count,
  p.following_count, p.posts_count, {follows("$1", "p.id")} AS is_following, p.created_at, {hides("p")} AS hides,
  {follows("p.id", "$1")} AS follows_me FROM profiles p"""
NAMED = Query(NamedRow, f"{_NAMED} WHERE p.id = ANY($2::uuid[]) AND {_LISTED}")
# One person, whom those who block them still see.
NAMED_ONE = Query(NamedRow, f"{_NAMED} WHERE p.id = $2 AND {_LIVE} AND NOT {_blocks('p.id', '$1')}")
ID_OF = Query(UUID, f"SELECT p.id FROM profiles p WHERE lower(p.username) = lower($1) AND {_LIVE}")
MINIS = Query(Card, f"SELECT {_MINI} FROM profiles p WHERE p.id = ANY($2::uuid[]) AND {_LISTED}")
VISIBLE = Query(
    bool, f"SELECT true FROM profiles p WHERE p.id = $2 AND {_LIVE} AND NOT {_blocks('p.id', '$1')}"
)
# Whether somebody whom the viewer sees also shows them whom they know.
OPEN = Query(
    bool,
    f"""SELECT coalesce({admits("p")}, false) FROM profiles p
    WHERE p.id = $2 AND {_LIVE} AND NOT {_blocks("p.id", "$1")}""",
)
_REACHED = f"""FROM profiles p WHERE p.id = $2 AND p.id <> $1 AND {_LIVE}
  AND NOT {_blocks("p.id", "$1")} AND NOT {_blocks("$1", "p.id")}"""
MAY_MESSAGE = Query(bool, f"SELECT {_takes('direct_message_visibility')} {_REACHED}")
MAY_MENTION = Query(bool, f"SELECT {_takes('mention_visibility')} {_REACHED}")


class Seen(UserPublic):
    """A person's page as stored, and what of it is hidden."""

    hides: int


PUBLIC = Query(
    Seen,
    f"""SELECT p.id, p.first_name, p.last_name, p.avatar, p.cover, p.about, p.gender, p.website,
      p.country, p.province, p.district, p.neighborhood, p.is_complete, p.created_at,
      p.followers_count, p.following_count, p.posts_count,
      {follows("$1", "p.id")} AS is_following, {follows("p.id", "$1")} AS follows_me,
      {_blocks("$1", "p.id")} AS is_blocked,
      coalesce(p.id <> $1 AND NOT {_blocks("$1", "p.id")} AND {_takes("direct_message_visibility")}, false)
        AS can_message,
      coalesce(p.id = $1, false) AS is_me, p.is_private,
      coalesce((SELECT true FROM follow_requests q WHERE q.follower_id = $1 AND q.following_id = p.id), false)
        AS follow_requested,
      coalesce((SELECT true FROM user_mutes m WHERE m.muter_id = $1 AND m.muted_id = p.id), false) AS is_muted,
      {hides("p")} AS hides
    FROM profiles p WHERE p.id = $2 AND {_LIVE} AND NOT {_blocks("p.id", "$1")}""",
)


class Locked(msgspec.Struct):
    """One of the two whose relation changes."""

    id: UUID
    followers_count: int
    is_private: bool


# Whatever changes between two people holds both their rows, in the order of their ids: changes of a pair
# come one after the other, and circles of people who follow one another do not deadlock over the counters.
LOCK_PAIR = Query(
    Locked,
    f"""SELECT p.id, p.followers_count, p.is_private FROM profiles p WHERE p.id IN ($1, $2) AND {_LIVE}
    ORDER BY p.id FOR NO KEY UPDATE""",
)


class Stance(msgspec.Struct):
    """Who of the viewer $1 and another person $2 blocks whom."""

    mine: bool
    theirs: bool


STANCE = Query(Stance, f"SELECT {_blocks('$1', '$2')} AS mine, {_blocks('$2', '$1')} AS theirs")
FOLLOWS = Query(bool, f"SELECT {follows('$1', '$2')}")
# Kept from being taken back until the transaction ends: what tells of it is then withdrawn behind it.
STANDS = Query(
    bool, "SELECT true FROM user_follows WHERE follower_id = $1 AND following_id = $2 FOR KEY SHARE"
)
# Whoever follows asks no longer, and neither does who gives up.
_ASKED = "asked AS (DELETE FROM follow_requests WHERE follower_id = $1 AND following_id = $2)"
FOLLOW = f"""
WITH {_ASKED}
INSERT INTO user_follows (follower_id, following_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
UNFOLLOW = f"WITH {_ASKED} DELETE FROM user_follows WHERE follower_id = $1 AND following_id = $2"
ASK = """
INSERT INTO follow_requests (follower_id, following_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
UNASK = "DELETE FROM follow_requests WHERE follower_id = $1 AND following_id = $2"
ASKS = Query(bool, "SELECT true FROM follow_requests WHERE follower_id = $1 AND following_id = $2")
MUTE = """
INSERT INTO user_mutes (muter_id, muted_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
UNMUTE = "DELETE FROM user_mutes WHERE muter_id = $1 AND muted_id = $2"
BLOCK = """
INSERT INTO user_blocks (blocker_id, blocked_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
UNBLOCK = "DELETE FROM user_blocks WHERE blocker_id = $1 AND blocked_id = $2"
PART = """
WITH asked AS (
  DELETE FROM follow_requests
  WHERE (follower_id = $1 AND following_id = $2) OR (follower_id = $2 AND following_id = $1))
DELETE FROM user_follows
WHERE (follower_id = $1 AND following_id = $2) OR (follower_id = $2 AND following_id = $1)
"""

# Some of the people who follow a person or are followed by them; all their rows are held, in order. An array,
# as PostgreSQL would otherwise read every profile for them.
NEIGHBOURS = Query(
    UUID,
    """SELECT p.id FROM profiles p WHERE p.id = ANY(ARRAY(
      SELECT $1::uuid
      UNION ALL (SELECT following_id FROM user_follows WHERE follower_id = $1 LIMIT 250)
      UNION ALL (SELECT follower_id FROM user_follows WHERE following_id = $1 LIMIT 250)))
    ORDER BY p.id FOR NO KEY UPDATE OF p""",
)
FORGET = """
DELETE FROM user_follows
WHERE (follower_id = $1 AND following_id = ANY($2::uuid[]))
   OR (following_id = $1 AND follower_id = ANY($2::uuid[]))
"""
# What else there is between a person and others; nothing counts it.
FORGET_ASKED = "DELETE FROM follow_requests WHERE follower_id = $1 OR following_id = $1"
FORGET_MUTED = "DELETE FROM user_mutes WHERE muter_id = $1 OR muted_id = $1"

List = Literal["followers", "following", "requests", "requested", "blocked", "muted"]
# The column of the people listed, and their rows: $1 is the viewer, $2 whose list it is.
_LISTS: dict[List, tuple[str, str]] = {
    "followers": (
        "r.follower_id",
        f"user_follows r JOIN profiles p ON p.id = r.follower_id AND {_LISTED} WHERE r.following_id = $2",
    ),
    "following": (
        "r.following_id",
        f"user_follows r JOIN profiles p ON p.id = r.following_id AND {_LISTED} WHERE r.follower_id = $2",
    ),
    "requests": (
        "r.follower_id",
        f"follow_requests r JOIN profiles p ON p.id = r.follower_id AND {_LISTED} WHERE r.following_id = $2",
    ),
    "requested": (
        "r.following_id",
        f"follow_requests r JOIN profiles p ON p.id = r.following_id AND {_LISTED} WHERE r.follower_id = $2",
    ),
    "muted": (
        "r.muted_id",
        f"user_mutes r JOIN profiles p ON p.id = r.muted_id AND {_LISTED} WHERE r.muter_id = $2",
    ),
    "blocked": (
        "r.blocked_id",
        f"user_blocks r JOIN profiles p ON p.id = r.blocked_id AND {_LIVE} WHERE r.blocker_id = $2",
    ),
}
MINI_COLUMNS = 9  # what is hidden follows


def people(which: List, *, continued: bool, usual: bool) -> str:
    """The latest people of a list as cards, then since when.

    Continued: behind ($3 time, $4 id). The usual size is a literal, which lets PostgreSQL keep a generic
    plan; otherwise limit and offset are the two arguments that follow.
    """
    person, rows = _LISTS[which]
    behind = f" AND (r.created_at, {person}) < ($3, $4)" if continued else ""
    return f"""SELECT {_MINI}, r.created_at FROM {rows}{behind}
    ORDER BY r.created_at DESC, {person} DESC {_size(4 if continued else 2, usual)}"""


def people_count(which: List) -> Query[int]:
    """How many people there are in a list, up to a ceiling."""
    # $1 is named for the list that does not ask who views it.
    return Query(
        int,
        f"SELECT count(*) FROM (SELECT $1::uuid FROM {_LISTS[which][1]} LIMIT {page.MAX_OFFSET}) AS found",
    )


def _size(used: int, usual: bool) -> str:
    return f"LIMIT {page.DEFAULT + 1}" if usual else f"LIMIT ${used + 1} OFFSET ${used + 2}"


# Who is found: by words that begin a name which the viewer may see ($2 as a tsquery), or by id ($3). How whoever
# was found otherwise is called stays out of the order, and so out of cursors, which hold its keys.
_FOUND = f"""profiles p
  WHERE ((p.search @@ to_tsquery('simple', $2) AND {sees(Thing.NAME, "p")}) OR p.id = $3)
  AND {_LISTED} AND {sees(Thing.FOUND, "p")}
  AND ($4::text IS NULL OR lower(p.country) = lower($4))
  AND ($5::text IS NULL OR lower(p.province) = lower($5))
  AND ($6::text IS NULL OR lower(p.district) = lower($6))
  AND ($7::text IS NULL OR lower(p.neighborhood) = lower($7))"""
_RANK = "(p.id IS DISTINCT FROM $3)::int"  # who was named exactly comes first
_NAME = "CASE WHEN p.id = $3 THEN '' ELSE lower(concat_ws(' ', p.first_name, p.last_name)) END"
FOUND_COUNT = Query(int, f"SELECT count(*) FROM (SELECT 1 FROM {_FOUND} LIMIT {page.MAX_OFFSET}) AS found")


def found(*, continued: bool, usual: bool) -> str:
    """People that were searched for as cards, then rank and name; continued: behind ($8, $9, $10 id)."""
    behind = f" AND ({_RANK}, {_NAME}, p.id) > ($8, $9, $10)" if continued else ""
    return f"""SELECT {_MINI}, {_RANK} AS rank, {_NAME} AS name FROM {_FOUND}{behind}
    ORDER BY rank, name, p.id {_size(10 if continued else 7, usual)}"""


_BY = """FROM users u LEFT JOIN privacy_settings s ON s.profile_id = u.id
  WHERE u.deleted_at IS NULL AND"""
BY_EMAIL = Query(
    UUID, f"SELECT u.id {_BY} lower(u.email) = lower($1) AND coalesce(s.discover_by_email, true)"
)
BY_PHONE = Query(UUID, f"SELECT u.id {_BY} u.phone = $1 AND coalesce(s.discover_by_phone, true)")


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    shapes = [(continued, usual) for continued in (False, True) for usual in (False, True)]
    lists = [people(which, continued=c, usual=u) for which in _LISTS for c, u in shapes]
    return [
        *lists,
        *(people_count(which).sql for which in _LISTS),
        *(found(continued=c, usual=u) for c, u in shapes),
    ]
