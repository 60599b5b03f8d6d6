"""Rows of follows, requests, blocks and mutes, and the SQL of who may see what of whom."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from majlis.features.graph.model import NamedRow, Thing, UserMini, UserPublic
from majlis.kit import page
from majlis.kit.db import Query
from majlis.kit.text import tsquery

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


# A name as lists of people go by it; the index profiles_named knows it.
_NAME = "lower(btrim(coalesce(p.first_name, '') || ' ' || coalesce(p.last_name, '')))"
_MATCHES = f"p.search @@ {tsquery('$2')}"
PLACES = ("country", "province", "district", "neighborhood")
# How many names are looked through in their order for words that nearly everybody has; how many people the index of
# words may bring, which knows no order; and how many names are looked through for words that more than those have.
EARLY, FEW, LATER = 100, 300, 3000


class Finding:
    """Whom words find that begin a name which the viewer may see, by name; before them the owner of an address.

    How that owner is called stays out of the order, and so out of cursors, which hold its keys.
    """

    def __init__(
        self, viewer: UUID | None, words: str, owner: UUID | None, places: Mapping[str, str | None]
    ) -> None:
        self.args: list[Any] = [viewer, words]
        shown = f"NOT p.id = ANY ({BLOCKED}) AND {sees(Thing.FOUND, 'p')}"
        for name, place in places.items():
            if place is not None:
                shown += f" AND lower(p.{name}) = lower({self._arg(place)})"
        self._shown, self._owner = f"{sees(Thing.NAME, 'p')} AND {shown}", ""
        if owner is not None:
            this = f"p.id = {self._arg(owner)}"
            self._shown += f" AND NOT {this}"
            columns = "p.id, 0 AS rank, '' AS name"
            self._owner = f"SELECT {columns} FROM profiles p WHERE {this} AND {_LIVE} AND {shown} UNION ALL "

    def _arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def count(self) -> Query[int]:
        """How many there are, up to a ceiling; to be asked before `page_sql` adds arguments."""
        named = f"SELECT p.id, 1, '' FROM profiles p WHERE {_LIVE} AND {_MATCHES} AND {self._shown}"
        return Query(int, f"SELECT count(*) FROM ({self._owner}{named} LIMIT {page.MAX_OFFSET}) AS found")

    def page_sql(self, limit: int, offset: int, start: Sequence[Any], counted: int) -> str:
        """One card more than a page behind `start`, then rank, name, and the total where that is below `counted`."""
        usual, reach = limit in page.USUAL and not offset, max(offset + limit + 1, counted)
        size = f"LIMIT {limit + 1}" if usual else f"LIMIT {self._arg(limit + 1)} OFFSET {self._arg(offset)}"
        behind = "true"
        if start:
            behind = f"({_NAME}, p.id) > ({self._arg(start[1])}, {self._arg(start[2])})"
        steps, named = self._named(behind, str(reach) if usual or counted else self._arg(reach))
        everyone = f"{'' if start else self._owner}SELECT id, 1 AS rank, name FROM ({named}) AS named"
        rows = f"SELECT *, count(*) OVER () AS total FROM ({everyone}) AS everyone ORDER BY rank, name, id {size}"
        return f"""WITH {steps}, found AS MATERIALIZED ({rows})
          SELECT {_MINI}, found.rank, found.name, found.total FROM found JOIN profiles p USING (id)
          ORDER BY found.rank, found.name, found.id"""

    def _named(self, behind: str, reach: str) -> tuple[str, str]:
        """The first that have names with the words, up to `reach`, as tables and a SELECT of them.

        The first three tables are people of whom it is then asked whether the viewer may find them: of twice as many as
        needed, or of all that there are. Where that was too few they are all looked for. OFFSET 0 has PostgreSQL use
        the index of words, instead of looking through all names.
        """
        columns = f"p.id, p.hides, {', '.join(f'p.{place}' for place in PLACES)}"
        people = f"SELECT {columns}, p.search, {_NAME} AS name FROM profiles p WHERE {_LIVE} AND {behind}"
        first = f"{people} ORDER BY {_NAME}, p.id LIMIT"
        matching = f"({people} AND {_MATCHES} OFFSET 0) AS p"
        early, few, shown = (f"(SELECT count(*) FROM {step})" for step in ("early", "few", "shown"))
        lacking, many = f"{early} < 2 * {reach}", f"{few} = {FEW}"
        by_name = "ORDER BY name, id LIMIT"
        found = f"""SELECT * FROM early WHERE NOT {lacking} UNION ALL SELECT * FROM few WHERE NOT {many}
          UNION ALL SELECT * FROM later"""
        steps = {
            "early": f"SELECT {columns}, name FROM ({first} {EARLY}) AS p WHERE {_MATCHES}",
            "few": f"SELECT {columns}, name FROM {matching} WHERE {lacking} LIMIT {FEW}",
            "later": f"SELECT {columns}, name FROM ({first} {LATER}) AS p WHERE {_MATCHES} AND {many} {by_name} 2 * {reach}",
            "shown": f"SELECT id, name FROM ({found}) AS p WHERE {self._shown} {by_name} {reach}",
        }
        every = f"SELECT id, name FROM {matching} WHERE {self._shown} AND {shown} < {reach} AND (NOT {lacking} OR {many})"
        chosen = f"SELECT * FROM shown WHERE {shown} = {reach} OR {lacking} AND NOT {many}"
        chosen += f" UNION ALL (SELECT * FROM ({every}) AS p {by_name} {reach})"
        return ", ".join(f"{name} AS MATERIALIZED ({sql})" for name, sql in steps.items()), chosen


_BY = """FROM users u LEFT JOIN privacy_settings s ON s.profile_id = u.id
  WHERE u.deleted_at IS NULL AND"""
BY_EMAIL = Query(
    UUID, f"SELECT u.id {_BY} lower(u.email) = lower($1) AND coalesce(s.discover_by_email, true)"
)
BY_PHONE = Query(UUID, f"SELECT u.id {_BY} u.phone = $1 AND coalesce(s.discover_by_phone, true)")


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    shapes = [(continued, usual) for continued in (False, True) for usual in (False, True)]
    found = [people(which, continued=c, usual=u) for which in _LISTS for c, u in shapes]
    found += [people_count(which).sql for which in _LISTS]
    for start in ((), (1, "a", UUID(int=0))):
        for limit, offset, counted in ((page.DEFAULT, 0, 0), (7, 40, 0), (7, 0, 40)):
            finding = Finding(None, "'a':*", UUID(int=0), dict.fromkeys(PLACES, "a"))
            found += [finding.count().sql, finding.page_sql(limit, offset, start, counted)]
    return found
