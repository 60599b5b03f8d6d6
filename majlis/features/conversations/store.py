"""Rows of conversations, their members and logs. In all statements with a viewer, that is $1."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.conversations.model import RECEIPTS, Place
from majlis.features.graph.service import BLOCKED
from majlis.kit.db import Query

# ---- who may see a conversation

MEMBER = "me.conversation_id = c.id AND me.user_id = $1 AND me.left_seq IS NULL"
OTHER = """LEFT JOIN conversation_members o ON c.kind = 'dm' AND o.conversation_id = c.id AND o.user_id <> $1
  LEFT JOIN profiles p ON p.id = o.user_id"""
_ALIVE = "p.deleted_at IS NULL AND NOT coalesce(p.suspended, false)"
# The other one of a dm is there and does not block the viewer. Whoever blocks somebody still reads what there is.
MET = f"""(c.kind <> 'dm' OR ({_ALIVE} AND NOT coalesce(
    (SELECT true FROM user_blocks b WHERE b.blocker_id = o.user_id AND b.blocked_id = $1), false)))"""
LISTED = f"(c.kind <> 'dm' OR ({_ALIVE} AND NOT o.user_id = ANY ({BLOCKED})))"


_PLACE = f"""c.id, c.kind, c.archived_at IS NOT NULL AS archived, {MET} AS met, o.user_id AS other_id,
  c.last_seq, me.joined_seq, me.last_read_seq"""
PLACE = Query(
    Place,
    f"SELECT {_PLACE} FROM conversations c JOIN conversation_members me ON {MEMBER} {OTHER} WHERE c.id = $2",
)
# Held until the transaction ends: whatever is written to a log comes after what was written before.
LOCK = Query(Place, f"{PLACE.sql} FOR NO KEY UPDATE OF c FOR SHARE OF me")


# ---- making conversations, and who is in them

PAIR = Query(
    UUID,
    "SELECT conversation_id FROM dm_pairs WHERE low = least($1::uuid, $2::uuid) AND high = greatest($1::uuid, $2::uuid)",
)
OPEN_DM = Query(
    UUID,
    """WITH pair AS (
      INSERT INTO dm_pairs (low, high, conversation_id) VALUES (least($1::uuid, $2::uuid), greatest($1::uuid, $2::uuid), $3)
      ON CONFLICT DO NOTHING RETURNING conversation_id
    ), made AS (
      INSERT INTO conversations (id, kind, created_at) SELECT conversation_id, 'dm', $4 FROM pair
    ), joined AS (
      INSERT INTO conversation_members (conversation_id, user_id, joined_at)
      SELECT conversation_id, user_id, $4 FROM pair, unnest(ARRAY[$1, $2]) AS user_id
    )
    SELECT conversation_id FROM pair""",
)
OPEN = "INSERT INTO conversations (id, kind, name, created_at) VALUES ($1, $2, $3, $4)"
# Who comes back sees what comes from now on, like who comes for the first time.
JOIN = """
INSERT INTO conversation_members (conversation_id, user_id, joined_seq, last_read_seq, delivered_seq, joined_at)
VALUES ($1, $2, $3, $3, $3, $4)
ON CONFLICT (conversation_id, user_id) DO UPDATE SET left_seq = NULL, joined_at = excluded.joined_at,
  joined_seq = excluded.joined_seq, last_read_seq = greatest(conversation_members.last_read_seq, excluded.joined_seq)
WHERE conversation_members.left_seq IS NOT NULL
"""
LEAVE = """
UPDATE conversation_members SET left_seq = $3
WHERE conversation_id = $1 AND user_id = $2 AND left_seq IS NULL
"""
MEMBERS = Query(
    UUID,
    "SELECT user_id FROM conversation_members WHERE conversation_id = $1 AND left_seq IS NULL ORDER BY user_id",
)
STILL = Query(
    UUID,
    """SELECT user_id FROM conversation_members
    WHERE conversation_id = $1 AND user_id = ANY($2::uuid[]) AND left_seq IS NULL""",
)
# Who of these people the viewer may bring in.
REACHED = Query(
    UUID,
    f"SELECT p.id FROM profiles p WHERE p.id = ANY($2::uuid[]) AND {_ALIVE} AND NOT p.id = ANY ({BLOCKED})",
)

# ---- reading


class Pointer(msgspec.Struct):
    """Up to where somebody has read, before and now."""

    was: int
    now: int


class Passed(Pointer):
    """The same, and whether others may know."""

    shown: bool


READ = Query(
    Passed,
    """WITH before AS (
      SELECT me.last_read_seq AS was, least($3, c.last_seq) AS wanted, coalesce(
        (SELECT s.read_receipts FROM privacy_settings s WHERE s.profile_id = $1), true) AS shown
      FROM conversation_members me JOIN conversations c ON c.id = me.conversation_id
      WHERE me.conversation_id = $2 AND me.user_id = $1 AND me.left_seq IS NULL FOR NO KEY UPDATE OF me)
    UPDATE conversation_members me SET last_read_seq = greatest(before.was, before.wanted),
      delivered_seq = greatest(me.delivered_seq, before.wanted)
    FROM before WHERE me.conversation_id = $2 AND me.user_id = $1
    RETURNING before.was, me.last_read_seq AS now, before.shown""",
)
UNREAD = Query(
    Pointer,
    """WITH before AS (
      SELECT last_read_seq AS was FROM conversation_members
      WHERE conversation_id = $2 AND user_id = $1 AND left_seq IS NULL FOR NO KEY UPDATE)
    UPDATE conversation_members me SET last_read_seq = least(before.was, greatest($3::bigint - 1, 0))
    FROM before WHERE me.conversation_id = $2 AND me.user_id = $1
    RETURNING before.was, me.last_read_seq AS now""",
)
# The first time counts: nothing is noted of what was read before, nor where there are many people.
NOTE_READ = f"""
INSERT INTO conversation_reads (conversation_id, user_id, seq, read_at)
SELECT $2, $1, $3, $4 WHERE coalesce(
  (SELECT max(seq) FROM conversation_reads WHERE conversation_id = $2 AND user_id = $1), 0) < $3
  AND (SELECT count(*) FROM (SELECT 1 FROM conversation_members WHERE conversation_id = $2 AND left_seq IS NULL
    LIMIT {RECEIPTS + 1}) AS there) <= {RECEIPTS}
"""
# Places in the order of ids: two devices of one person do not wait in a circle.
ACKNOWLEDGE = """
WITH held AS (
  SELECT me.conversation_id AS id, least(got.seq, c.last_seq) AS seq
  FROM unnest($2::uuid[], $3::bigint[]) AS got (id, seq) JOIN conversations c ON c.id = got.id
  JOIN conversation_members me ON me.conversation_id = got.id AND me.user_id = $1 AND me.left_seq IS NULL
  WHERE me.delivered_seq < got.seq ORDER BY me.conversation_id FOR NO KEY UPDATE OF me
)
UPDATE conversation_members me SET delivered_seq = greatest(me.delivered_seq, held.seq)
FROM held WHERE me.conversation_id = held.id AND me.user_id = $1
"""


# ---- logs


class Entry(msgspec.Struct):
    """An entry of a log."""

    seq: int
    type: str
    created_at: datetime
    payload: msgspec.Raw


class UserEntry(msgspec.Struct):
    """Where an entry of a person's log stands."""

    user_id: UUID
    seq: int


APPEND = Query(
    int,
    """WITH c AS (UPDATE conversations SET last_seq = last_seq + 1 WHERE id = $1 RETURNING last_seq)
    INSERT INTO conversation_events (conversation_id, seq, type, message_id, payload, created_at)
    SELECT $1, c.last_seq, $2, $3, $4, $5 FROM c RETURNING seq""",
)
# A log that is new gets its row; those that are there are held and stay as they are.
HOLD_USERS = """
INSERT INTO user_streams (user_id, last_seq) SELECT id, 0 FROM unnest($1::uuid[]) AS id ORDER BY id
ON CONFLICT (user_id) DO UPDATE SET last_seq = user_streams.last_seq WHERE false
"""
# People in the order of their ids: two who write to the logs of the same people do not wait in a circle.
APPEND_USERS = Query(
    UserEntry,
    """WITH s AS (
      INSERT INTO user_streams (user_id, last_seq) SELECT id, 1 FROM unnest($1::uuid[]) AS id ORDER BY id
      ON CONFLICT (user_id) DO UPDATE SET last_seq = user_streams.last_seq + 1 RETURNING user_id, last_seq)
    INSERT INTO user_events (user_id, seq, type, payload, created_at)
    SELECT s.user_id, s.last_seq, $2, $3, $4 FROM s RETURNING user_id, seq""",
)


class LogHead(msgspec.Struct):
    """Where a log ends and where it begins."""

    id: UUID
    seq: int
    min_seq: int
    archived: bool


HEADS = Query(
    LogHead,
    f"""SELECT c.id, c.last_seq AS seq, greatest(c.min_seq, me.joined_seq + 1) AS min_seq,
      c.archived_at IS NOT NULL AS archived
    FROM conversations c JOIN conversation_members me ON {MEMBER} {OTHER} WHERE c.id = ANY($2::uuid[]) AND {MET}""",
)
USER_HEAD = Query(
    LogHead,
    "SELECT user_id AS id, last_seq AS seq, min_seq, false AS archived FROM user_streams WHERE user_id = $1",
)
MINE = Query(
    UUID,
    f"""SELECT c.id FROM conversations c JOIN conversation_members me ON {MEMBER} {OTHER} WHERE {MET}
    ORDER BY coalesce(c.last_message_at, c.created_at) DESC""",
)
LAST = Query(
    LogHead,
    "SELECT id, last_seq AS seq, min_seq, false AS archived FROM conversations WHERE id = ANY($1::uuid[])",
)
LAST_USERS = Query(
    LogHead,
    "SELECT user_id AS id, last_seq AS seq, min_seq, false AS archived FROM user_streams WHERE user_id = ANY($1::uuid[])",
)
EVENTS = Query(
    Entry,
    """SELECT e.seq, e.type, e.created_at, e.payload FROM conversation_events e
    JOIN conversation_members me ON me.conversation_id = e.conversation_id AND me.user_id = $1
    WHERE e.conversation_id = $2 AND e.seq > greatest($3, me.joined_seq)
      AND e.seq <= coalesce(me.left_seq, 9223372036854775807) ORDER BY e.seq LIMIT $4""",
)
ALL_EVENTS = Query(
    Entry,
    """SELECT seq, type, created_at, payload FROM conversation_events
    WHERE conversation_id = $1 AND seq > $2 ORDER BY seq LIMIT $3""",
)
USER_EVENTS = Query(
    Entry,
    """SELECT seq, type, created_at, payload FROM user_events
    WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3""",
)
# Old entries go, and the log says where it begins from then on.
PURGE = Query(
    int,
    """WITH gone AS (
      DELETE FROM conversation_events WHERE (conversation_id, seq) IN (
        SELECT conversation_id, seq FROM conversation_events WHERE created_at < $1 ORDER BY created_at LIMIT 5000)
      RETURNING conversation_id, seq
    ), moved AS (
      UPDATE conversations c SET min_seq = greatest(c.min_seq, g.seq + 1)
      FROM (SELECT conversation_id, max(seq) AS seq FROM gone GROUP BY conversation_id) g
      WHERE c.id = g.conversation_id
    ) SELECT count(*) FROM gone""",
)
PURGE_USERS = Query(
    int,
    """WITH gone AS (
      DELETE FROM user_events WHERE (user_id, seq) IN (
        SELECT user_id, seq FROM user_events WHERE created_at < $1 ORDER BY created_at LIMIT 5000)
      RETURNING user_id, seq
    ), moved AS (
      UPDATE user_streams s SET min_seq = greatest(s.min_seq, g.seq + 1)
      FROM (SELECT user_id, max(seq) AS seq FROM gone GROUP BY user_id) g WHERE s.user_id = g.user_id
    ) SELECT count(*) FROM gone""",
)
