"""Rows of notifications."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.graph.service import BLOCKED, MUTED
from majlis.features.notifications.model import About, Follower, Setting, TakenBack
from majlis.features.posts.service import LISTED, SHOWN
from majlis.features.push.service import has_device
from majlis.kit import clock, page
from majlis.kit.db import Query

_THERE = "NOT a.suspended AND a.deleted_at IS NULL"


def _met(n: str, there: str) -> str:
    """Whether nobody did it, or somebody who is `there`, whom the owner $1 meets and does not mute."""
    return f"""({n}.actor_id IS NULL OR (NOT {n}.actor_id = ANY ({BLOCKED})
  AND NOT {n}.actor_id = ANY ({MUTED}) AND {there}))"""


def _seen(n: str) -> str:
    """What the owner $1 is told."""
    there = f"(SELECT {_THERE} FROM profiles a WHERE a.id = {n}.actor_id)"
    return f"{n}.user_id = $1 AND {_met(n, there)}"


SEEN = _seen("n")


def _same(m: str, n: str) -> str:
    """Whether two notifications of the owner $1 are of one group."""
    return f"{m}.user_id = $1 AND {m}.group_key = {n}.group_key"


class Row(msgspec.Struct):
    """A notification as it is stored. `message` is what follows the name of the actor, if there is one."""

    id: UUID
    user_id: UUID
    type: str
    title: str | None
    message: str | None
    data: msgspec.Raw | None
    read: bool
    created_at: datetime
    actor_id: UUID | None


class GroupRow(Row):
    """The latest notification of a group; the rest is null where there is nobody to count."""

    people: int | None
    more: bool | None
    actors: list[UUID] | None


class Told(msgspec.Struct):
    """A notification that was stored, and whether its owner wants a push."""

    id: UUID
    push: bool
    listed: bool


_COLUMNS = "n.id, n.user_id, n.type, n.title, n.message, n.data, n.read, n.created_at, n.actor_id"
_STORED = """id, user_id, type, title, message, data, actor_id, target_id, subject_id, listed, created_at"""
_CHANNELS = f"""coalesce(s.in_app_pref, true) AS listed, coalesce(s.push_pref, true) AND {has_device("r.id")} AS push"""
_ANY_CHANNEL = "(s.id IS NULL OR s.in_app_pref OR s.push_pref OR s.email_pref)"

# Told once of an actor and a target, without another push if it was withdrawn in between. Not by those who are gone
# or muted, nor across a block, nor of oneself.
TELL = Query(
    Told,
    f"""WITH wanted AS (
      SELECT g.*, {_CHANNELS}
      FROM profiles r CROSS JOIN unnest($2::uuid[], $6::jsonb[], $7::uuid[], $8::uuid[]) AS g (id, data, actor, target)
      LEFT JOIN profiles a ON a.id = g.actor
      LEFT JOIN notification_settings s ON s.profile_id = r.id AND s.category = $11
      WHERE r.id = $1 AND r.deleted_at IS NULL AND {_ANY_CHANNEL}
        AND (g.actor IS NULL OR (a.deleted_at IS NULL AND NOT a.suspended AND a.id <> r.id
          AND NOT a.id = ANY ({BLOCKED}) AND NOT a.id = ANY ({MUTED})))
    ), told AS (
      INSERT INTO notifications ({_STORED})
      SELECT w.id, $1, $3, $4, $5, w.data, w.actor, w.target, $9, w.listed, $10 FROM wanted w
      ON CONFLICT DO NOTHING RETURNING id
    ), again AS (
      UPDATE notifications n SET read = false, listed = w.listed, created_at = $10 FROM wanted w
      WHERE n.user_id = $1 AND n.type = $3 AND n.actor_id = w.actor AND n.target_id = w.target AND n.read AND NOT n.listed
      RETURNING n.id, n.listed
    )
    SELECT id, w.push, w.listed FROM told JOIN wanted w USING (id) UNION ALL SELECT id, false, listed FROM again""",
)
READ = Query(
    Row,
    f"""UPDATE notifications n SET read = true WHERE n.id = $2 AND n.listed AND {_seen("n")}
      AND ($3::text[] IS NULL OR n.type = ANY($3)) RETURNING {_COLUMNS}""",
)
# Locked in order, so that two devices which do this at once do not deadlock; so does READ_ALL.
_GROUP = f"""
  SELECT m.id FROM notifications m WHERE m.listed AND m.id = ANY (ARRAY(
    SELECT n.id FROM notifications n WHERE n.id = $2 AND n.user_id = $1 AND n.listed
    UNION ALL SELECT o.id FROM notifications n JOIN notifications o ON {_same("o", "n")}
    WHERE n.id = $2 AND n.user_id = $1 AND n.listed))
  ORDER BY m.id FOR NO KEY UPDATE"""
READ_GROUP = f"UPDATE notifications SET read = true WHERE NOT read AND id IN ({_GROUP})"
READ_ALL = """
UPDATE notifications SET read = true WHERE id IN (
  SELECT id FROM notifications WHERE user_id = $1 AND NOT read AND listed
    AND ($2::text[] IS NULL OR type = ANY($2)) ORDER BY id FOR NO KEY UPDATE)
"""


def _unread(only: str) -> Query[int]:
    # Each actor is looked at once, however much of theirs is unread.
    return Query(
        int,
        f"""SELECT coalesce(sum(g.number), 0)::int FROM (
          SELECT n.actor_id, count(*) AS number FROM notifications n
          WHERE n.user_id = $1 AND NOT n.read AND n.listed{only} GROUP BY n.actor_id) g
        LEFT JOIN profiles a ON a.id = g.actor_id WHERE {_met("g", _THERE)}""",
    )


UNREAD, UNREAD_OF = (
    _unread(""),
    _unread(" AND n.type = ANY($2::text[])"),
)  # the first reads nothing but its index
DELETE = """
DELETE FROM notifications n WHERE n.id = $2 AND n.user_id = $1 AND n.listed AND ($3::text[] IS NULL OR n.type = ANY($3))
"""
DELETE_GROUP = f"DELETE FROM notifications WHERE id IN ({_GROUP})"
# Ids begin with the time at which they were made; so the primary key finds old rows, without another index.
PURGE = """
DELETE FROM notifications WHERE id IN (
  SELECT id FROM notifications WHERE id < $1 AND created_at < $2 ORDER BY id LIMIT 5000)
"""
# For a push: what somebody still is to hear of.
UNHEARD = Query(
    Row, f"SELECT {_COLUMNS} FROM notifications n WHERE n.id = $2 AND NOT n.read AND {_seen('n')}"
)
# Whether the message of a notification is still to be read.
MISSED = Query(
    bool,
    """SELECT true FROM notifications n JOIN messages m ON m.id = n.target_id AND m.deleted_at IS NULL
    JOIN conversation_members r ON r.conversation_id = m.conversation_id AND r.user_id = n.user_id
    WHERE n.id = $1 AND r.left_seq IS NULL AND r.last_read_seq < m.seq""",
)
# What messages are about, of those that hand their recipient $2 something that they sell themselves.
ASKED_ABOUT = Query(
    About,
    """SELECT m.id AS message_id, p.id AS post_id FROM messages m JOIN posts p ON p.id = CASE
        WHEN trim(m.text) ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN trim(m.text)::uuid END
    WHERE m.id = ANY($1::uuid[]) AND m.type = 'post' AND p.type = 'SELL' AND p.user_id = $2 AND p.deleted_at IS NULL""",
)
# Notifications of messages that were read, up to a place in their conversation.
READ_MESSAGES = """
UPDATE notifications SET read = true WHERE id IN (
  SELECT n.id FROM notifications n JOIN messages m ON m.id = n.target_id AND m.seq <= $3
  WHERE n.id = ANY (ARRAY(
    SELECT id FROM notifications WHERE user_id = $1 AND group_key = ANY (ARRAY[
        md5('MESSAGE' || $2::uuid::text)::uuid, md5('MENTION' || $2::uuid::text)::uuid])
      AND subject_id = $2 AND type IN ('MESSAGE', 'MENTION') AND NOT read
    UNION ALL SELECT id FROM notifications WHERE user_id = $1 AND type = 'SALE_ENQUIRY' AND NOT read))
    AND m.conversation_id = $2 ORDER BY n.id FOR NO KEY UPDATE OF n)
"""
# Withdrawn: neither in the list nor unread. It stays, so that who does and undoes a thing by turns pushes once.
TAKE_BACK = Query(
    TakenBack,
    """UPDATE notifications SET read = true, listed = false
    WHERE user_id = coalesce($1, (SELECT user_id FROM posts WHERE id = $4))
      AND type = $2 AND actor_id = $3 AND target_id = $4 AND NOT read RETURNING id, user_id""",
)
WITHDRAW = """
DELETE FROM notifications n
USING messages m JOIN conversation_members r ON r.conversation_id = m.conversation_id
WHERE m.id = $1 AND n.user_id = r.user_id AND n.type IN ('MESSAGE', 'MENTION', 'SALE_ENQUIRY')
  AND coalesce(n.actor_id, m.sender_id) = m.sender_id AND n.target_id = m.id
"""
# The same, as far as it stands in the list.
ARRIVED = Query(Row, f"{UNHEARD.sql} AND n.listed")

AUTHOR = Query(UUID, "SELECT user_id FROM posts WHERE id = $1 AND deleted_at IS NULL")


def _of(person: str, fragment: str) -> str:
    """SQL that is about the viewer $1, about this column instead."""
    return fragment.replace("$1", person)


# Who bookmarked something that is sold by now, and still sees it.
KEEPERS = Query(
    UUID,
    f"""SELECT k.user_id FROM post_bookmarks k
    JOIN posts p ON p.id = k.post_id AND p.sold JOIN profiles a ON a.id = p.user_id
    WHERE k.post_id = $1 AND {_of("k.user_id", SHOWN)} ORDER BY k.user_id""",
)


class Said(msgspec.Struct):
    """A comment that stands, and who may want to hear of it."""

    user_id: UUID
    post_id: UUID
    post_author: UUID
    parent_id: UUID | None
    parent_author: UUID | None


SAID = Query(
    Said,
    """SELECT c.user_id, c.post_id, p.user_id AS post_author, up.id AS parent_id, up.user_id AS parent_author
    FROM post_comments c JOIN posts p ON p.id = c.post_id AND p.deleted_at IS NULL
    LEFT JOIN post_comments up ON up.id = c.parent_comment_id AND up.deleted_at IS NULL
    WHERE c.id = $1 AND c.deleted_at IS NULL""",
)
# Whether $1 may see a post.
SEES = Query(
    bool, f"SELECT true FROM posts p JOIN profiles a ON a.id = p.user_id WHERE p.id = $2 AND {SHOWN}"
)


BATCH = 500
# The followers of a post's business, or else of its author, behind $2; $3 are ids for what they are told.
ANNOUNCE = Query(
    Follower,
    f"""WITH r AS (
      SELECT f.follower_id AS id, row_number() OVER (ORDER BY f.follower_id) AS at
      FROM posts p CROSS JOIN LATERAL (
        SELECT follower_id FROM user_follows WHERE following_id = p.user_id AND p.business_id IS NULL
        UNION ALL SELECT follower_id FROM business_profile_followers WHERE business_id = p.business_id) f
      WHERE p.id = $1 AND f.follower_id > $2 ORDER BY f.follower_id LIMIT {BATCH}
    ), wanted AS (
      SELECT r.id, r.at, a.id AS actor, {_CHANNELS}
      FROM r JOIN posts p ON p.id = $1 JOIN profiles a ON a.id = p.user_id
      JOIN profiles h ON h.id = r.id AND h.deleted_at IS NULL
      LEFT JOIN notification_settings s ON s.profile_id = r.id AND s.category = 'POSTS'
      WHERE {_of("r.id", LISTED)} AND {_ANY_CHANNEL} AND r.id <> a.id AND NOT a.id = ANY ({_of("r.id", MUTED)})
    ), told AS (
      INSERT INTO notifications ({_STORED})
      SELECT i.id, w.id, 'POST_PUBLISHED', $4, $5, $6, w.actor, $1, $1, w.listed, $7
      FROM wanted w JOIN unnest($3::uuid[]) WITH ORDINALITY AS i (id, at) ON i.at = w.at
      ON CONFLICT DO NOTHING RETURNING id, user_id
    )
    SELECT r.id, told.id AS told, w.push, w.listed
    FROM r LEFT JOIN told ON told.user_id = r.id LEFT JOIN wanted w ON w.id = r.id ORDER BY r.id""",
)


SETTINGS = Query(
    Setting,
    """SELECT c.category, s.id, coalesce(s.push_pref, true) AS push_pref,
      coalesce(s.in_app_pref, true) AS in_app_pref, coalesce(s.email_pref, false) AS email_pref,
      coalesce(s.created_at, p.created_at) AS created_at, coalesce(s.updated_at, p.created_at) AS updated_at
    FROM profiles p CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS c (category, at)
    LEFT JOIN notification_settings s ON s.profile_id = p.id AND s.category = c.category
    WHERE p.id = $1 AND p.deleted_at IS NULL ORDER BY c.at""",
)
# Two unique indexes keep one row of each; ON CONFLICT would wait at one it names and fail at the other, so it names none.
ADD = """
INSERT INTO notification_settings (id, profile_id, category, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT DO NOTHING
"""
# Null leaves a channel as it is.
SET = """
UPDATE notification_settings SET push_pref = coalesce($3, push_pref), in_app_pref = coalesce($4, in_app_pref),
  email_pref = coalesce($5, email_pref), updated_at = $6 WHERE profile_id = $1 AND category = $2
"""
PUSH_PREF = Query(bool, "SELECT push_pref FROM notification_settings WHERE profile_id = $1 AND category = $2")

END_MAILS = "UPDATE notification_settings SET email_pref = false, updated_at = $2 WHERE profile_id = $1 AND email_pref"

_KEY = "coalesce(n.group_key, n.id)"  # what stands alone is a group of its own
CROWD = 100  # notifications of a group that are looked at, the latest
FACES = 3  # people of a group that are shown

_NEWEST = "(SELECT 'infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)"


class Listing:
    """A list of notifications put together from filters and a place in it, newest first."""

    def __init__(self, owner: UUID, read: bool | None, types: Sequence[str] | None) -> None:
        self.args: list[Any] = [owner]
        self._state = "" if read is None else f" = {self._arg(read)}"
        self._where = self._filters("n")
        if types is not None:
            self._where.append(f"n.type = ANY ({self._arg(types)}::text[])")
        self._behind: tuple[str, str] | None = None

    def _filters(self, n: str) -> list[str]:
        """What every notification here, and every one that is counted in a group, is held against."""
        return [f"{n}.listed", _seen(n), *([f"{n}.read{self._state}"] if self._state else [])]

    def _arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def after(self, created_at: datetime, id: UUID) -> None:
        """Begin behind this one."""
        self._behind = self._arg(created_at), self._arg(id)

    def count(self) -> Query[int]:
        """How many there are, up to a ceiling."""
        rows = f"SELECT 1 FROM notifications n WHERE {' AND '.join(self._where)} LIMIT {page.MAX_OFFSET}"
        return Query(int, f"SELECT count(*) FROM ({rows}) AS found")

    def _size(self, limit: int) -> str:
        """One more than a page. The usual size is a literal: it lets PostgreSQL keep a generic plan."""
        return str(page.DEFAULT + 1) if limit == page.DEFAULT else self._arg(limit + 1)

    def page(self, limit: int, offset: int) -> Query[Row]:
        """A page of notifications."""
        where = list(self._where)
        if self._behind is not None:
            where.append(f"(n.created_at, n.id) < ({', '.join(self._behind)})")
        skip = f" OFFSET {self._arg(offset)}" if offset else ""
        return Query(
            Row,
            f"""SELECT {_COLUMNS} FROM notifications n WHERE {" AND ".join(where)}
            ORDER BY n.created_at DESC, n.id DESC LIMIT {self._size(limit)}{skip}""",
        )


class Groups(Listing):
    """The same, with the latest notification of each group in place of the group."""

    def count(self) -> Query[int]:
        """How many groups there are, up to a ceiling."""
        rows = f"""SELECT DISTINCT {_KEY} FROM notifications n WHERE {" AND ".join(self._where)}
          LIMIT {page.MAX_OFFSET}"""
        return Query(int, f"SELECT count(*) FROM ({rows}) AS found")

    def _walk(self, size: str) -> str:
        """The ids of so many heads of groups, latest first.

        It steps from group to group and passes over what it has met: of a group of thousands it looks at one,
        and compares the others' keys. Behind a cursor it also meets groups whose head came before.
        """
        start, head = _NEWEST, "true"
        if self._behind is not None:
            start = f"(SELECT {self._behind[0]}::timestamptz, {self._behind[1]}::uuid)"
            head = f"""NOT coalesce((SELECT true FROM notifications m WHERE {_same("m", "n")}
              AND (m.created_at, m.id) > (n.created_at, n.id) AND {" AND ".join(self._filters("m"))}
              ORDER BY m.created_at DESC, m.id DESC LIMIT 1), false)"""
        return f"""WITH RECURSIVE walk (created_at, id, met, head, heads) AS (
            SELECT s.*, '{{}}'::uuid[], false, 0 FROM {start} AS s
            UNION ALL
            SELECT x.created_at, x.id, w.met || x.key, x.head, w.heads + x.head::int
            FROM walk w CROSS JOIN LATERAL (
              SELECT n.created_at, n.id, {_KEY} AS key, {head} AS head FROM notifications n
              WHERE {" AND ".join(self._where)} AND (n.created_at, n.id) < (w.created_at, w.id)
                AND NOT {_KEY} = ANY (w.met)
              ORDER BY n.created_at DESC, n.id DESC LIMIT 1) x
            WHERE w.heads < {size})
          SELECT id FROM walk WHERE head"""

    def _skip(self, size: str, offset: int) -> str:
        """The ids of heads behind so many others, for older clients; it looks at everything there is."""
        return f"""SELECT id FROM (
            SELECT DISTINCT ON ({_KEY}) n.created_at, n.id FROM notifications n
            WHERE {" AND ".join(self._where)} ORDER BY {_KEY}, n.created_at DESC, n.id DESC) d
          ORDER BY created_at DESC, id DESC LIMIT {size} OFFSET {self._arg(offset)}"""

    def page(self, limit: int, offset: int) -> Query[Row]:
        """A page of groups, with who is in each."""
        size = self._size(limit)
        heads = self._skip(size, offset) if offset else self._walk(size)
        latest = f"""SELECT m.actor_id, m.created_at, m.read FROM notifications m
          WHERE {_same("m", "n")} AND {" AND ".join(self._filters("m"))}
          ORDER BY m.created_at DESC, m.id DESC LIMIT {CROWD}"""
        row: type[Row] = GroupRow
        return Query(
            row,
            f"""SELECT n.id, n.user_id, n.type, n.title, n.message, n.data, coalesce(g.read, n.read) AS read,
              n.created_at, n.actor_id, g.people, g.more, g.actors
            FROM notifications n CROSS JOIN LATERAL (
              SELECT count(*) AS people, sum(w.times) >= {CROWD} AS more, bool_and(w.read) AS read,
                (array_agg(w.actor_id ORDER BY w.latest DESC, w.actor_id))[1:{FACES}] AS actors
              FROM (SELECT m.actor_id, max(m.created_at) AS latest, count(*) AS times, bool_and(m.read) AS read
                FROM ({latest}) m GROUP BY m.actor_id) w) g
            WHERE n.id = ANY (ARRAY({heads})) ORDER BY n.created_at DESC, n.id DESC""",
        )


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, found = UUID(int=0), []
    for read, types in ((None, None), (True, ["SYSTEM"])):
        for kind in (Listing, Groups):
            listing = kind(nobody, read, types)
            found += [listing.count().sql, listing.page(20, 0).sql, kind(nobody, read, types).page(7, 40).sql]
            listing = kind(nobody, read, types)
            listing.after(clock.now(), nobody)
            found.append(listing.page(7, 0).sql)
    return found
