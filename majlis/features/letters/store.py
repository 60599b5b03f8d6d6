"""Rows of direct messages. In all statements with a viewer, that is $1."""

from uuid import UUID

import msgspec

from majlis.features.conversations.service import LISTED, MEMBER, MET, OTHER
from majlis.features.letters.model import Letter
from majlis.kit.db import Query

# r is who receives it. What was read up to a place is noted by conversations, what was read out of turn here.
_READ_AT = """coalesce(
    (SELECT l.read_at FROM letter_reads l WHERE l.message_id = m.id AND (l.shown OR r.user_id = $1)),
    (SELECT n.read_at FROM conversation_reads n WHERE n.conversation_id = m.conversation_id
      AND n.user_id = r.user_id AND n.seq >= m.seq ORDER BY n.seq LIMIT 1))"""
_LETTERS = f"""SELECT x.id, x.conversation_id, x.seq, x.sender_id, x.receiver_id, x.text, x.type, x.created_at,
    CASE WHEN x.read_at IS NOT NULL OR x.passed THEN 'read' WHEN x.delivered THEN 'delivered' ELSE 'sent' END AS state,
    x.read_at
  FROM (SELECT m.id, m.conversation_id, m.seq, m.sender_id, r.user_id AS receiver_id, m.text, m.type, m.created_at,
      {_READ_AT} AS read_at, r.user_id = $1 AND r.last_read_seq >= m.seq AS passed, r.delivered_seq >= m.seq AS delivered
    FROM messages m JOIN conversations c ON c.id = m.conversation_id AND c.kind = 'dm'
    JOIN conversation_members me ON {MEMBER} AND me.joined_seq < m.seq
    JOIN conversation_members r ON r.conversation_id = c.id AND r.user_id <> m.sender_id
    WHERE m.id = ANY($2::uuid[]) AND m.deleted_at IS NULL) x"""
BY_IDS = Query(Letter, _LETTERS)

_UNREAD = """m.deleted_at IS NULL AND m.sender_id <> $1 AND m.seq > greatest(me.last_read_seq, me.joined_seq)
  AND NOT coalesce((SELECT true FROM letter_reads l WHERE l.message_id = m.id), false)"""


class Unread(msgspec.Struct):
    """How many messages of a conversation the viewer has not read."""

    conversation_id: UUID
    count: int


UNREAD = Query(
    Unread,
    f"""SELECT m.conversation_id, count(*) AS count FROM messages m
    JOIN conversation_members me ON me.conversation_id = m.conversation_id AND me.user_id = $1 AND me.left_seq IS NULL
    WHERE m.conversation_id = ANY($2::uuid[]) AND {_UNREAD} GROUP BY m.conversation_id""",
)
UNREAD_IN_ALL = Query(
    int,
    f"""SELECT count(*) FROM conversation_members me JOIN conversations c ON {MEMBER} AND c.kind = 'dm' {OTHER}
    JOIN messages m ON m.conversation_id = c.id WHERE me.user_id = $1 AND {LISTED} AND {_UNREAD}""",
)


class Marked(msgspec.Struct):
    """A message that is read now, and whether its sender may know."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    shown: bool


# The reader's places are held first, in one order: of two who mark the same messages, one changes them.
HOLD = Query(
    UUID,
    """SELECT conversation_id FROM conversation_members WHERE user_id = $1 AND left_seq IS NULL AND conversation_id IN (
      SELECT conversation_id FROM messages WHERE id = ANY($2::uuid[])) ORDER BY conversation_id FOR NO KEY UPDATE""",
)
MARK = Query(
    Marked,
    f"""WITH found AS (
      SELECT m.id, m.conversation_id, m.sender_id, m.seq, coalesce(
        (SELECT s.read_receipts FROM privacy_settings s WHERE s.profile_id = $1), true) AS shown
      FROM messages m JOIN conversations c ON c.id = m.conversation_id AND c.kind = 'dm'
      JOIN conversation_members me ON {MEMBER} {OTHER}
      WHERE m.id = ANY($2::uuid[]) AND {MET} AND {_UNREAD}
    ), noted AS (
      INSERT INTO letter_reads (message_id, user_id, shown, read_at) SELECT id, $1, shown, $3 FROM found
      ON CONFLICT DO NOTHING RETURNING message_id
    ) SELECT f.id, f.conversation_id, f.sender_id, f.shown FROM found f JOIN noted n ON n.message_id = f.id
    ORDER BY f.conversation_id, f.seq""",
)
# Up to where everything is read.
UP_TO = Query(
    int,
    f"""SELECT coalesce((SELECT min(m.seq) - 1 FROM messages m WHERE m.conversation_id = c.id AND {_UNREAD}), c.last_seq)
    FROM conversations c JOIN conversation_members me ON {MEMBER} WHERE c.id = $2""",
)
# What somebody read with one step of their place, of the viewer's messages, without what was read out of turn.
PASSED = Query(
    UUID,
    """SELECT m.id FROM messages m WHERE m.conversation_id = $2 AND m.sender_id = $1 AND m.deleted_at IS NULL
      AND m.seq <= $4 AND m.seq > coalesce((SELECT max(n.seq) FROM conversation_reads n
        WHERE n.conversation_id = $2 AND n.user_id = $3 AND n.seq < $4), 0)
      AND NOT coalesce((SELECT true FROM letter_reads l WHERE l.message_id = m.id), false)
    ORDER BY m.seq DESC LIMIT 100""",
)
PARTNERS = Query(
    UUID,
    f"""SELECT o.user_id FROM conversations c JOIN conversation_members me ON {MEMBER} {OTHER}
    WHERE c.kind = 'dm' AND {LISTED} ORDER BY c.last_message_at DESC NULLS LAST LIMIT 200""",
)
# The logs of the viewer's direct conversations.
STREAMS = Query(
    UUID,
    f"SELECT c.id FROM conversations c JOIN conversation_members me ON {MEMBER} {OTHER} WHERE c.kind = 'dm' AND {MET}",
)
