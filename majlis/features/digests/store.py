"""Rows of digests."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.graph.service import BLOCKED, MUTED
from majlis.features.messages.model import Waiting
from majlis.features.notifications.service import SEEN
from majlis.kit.db import Query

# Who wants digests and has had none since $1, behind $2.
DUE = Query(
    UUID,
    """SELECT DISTINCT s.profile_id FROM notification_settings s
    JOIN users u ON u.id = s.profile_id AND u.email_verified AND u.deleted_at IS NULL AND u.suspended_at IS NULL
    LEFT JOIN notification_digests d ON d.user_id = s.profile_id
    WHERE s.email_pref AND s.profile_id > $2 AND (d.covered_until IS NULL OR d.covered_until < $1)
    ORDER BY s.profile_id LIMIT 500""",
)
COVERED = Query(datetime, "SELECT covered_until FROM notification_digests WHERE user_id = $1")
COVER = """
INSERT INTO notification_digests (user_id, covered_until) VALUES ($1, $2)
ON CONFLICT (user_id) DO UPDATE SET covered_until = excluded.covered_until
"""


class Line(msgspec.Struct):
    """How many unread notifications there are of a type."""

    type: str
    count: int


SUMMARY = Query(
    Line,
    f"""SELECT n.type, count(*) AS count FROM notifications n
    WHERE NOT n.read AND n.type = ANY ($2::text[]) AND n.created_at > $3 AND n.created_at <= $4 AND {SEEN}
    GROUP BY n.type ORDER BY max(n.created_at) DESC, n.type""",
)
# Who of these people wants mails of messages.
WANT_MESSAGES = Query(
    UUID,
    """SELECT s.profile_id FROM notification_settings s
    WHERE s.profile_id = ANY($1::uuid[]) AND s.category = 'MESSAGES' AND s.email_pref ORDER BY s.profile_id""",
)


# What is said in a channel is mailed of to whom it names, and to those who converse directly; not where they mute it.
_MEANT = """(c.kind <> 'channel' OR ((ch.direct IS NOT NULL OR me.user_id IN (
    SELECT x.user_id FROM channel_mentions x WHERE x.message_id = m.id))
  AND m.type <> 'system' AND coalesce(pr.notify, 'default') <> 'none'
  AND (pr.muted_until IS NULL OR pr.muted_until < m.created_at)))"""
_CHANNEL = """LEFT JOIN channels ch ON ch.id = c.id
    LEFT JOIN channel_preferences pr ON pr.channel_id = c.id AND pr.user_id = me.user_id"""
# Who is to hear of a message in a channel, as `messages.unread_by` says of others.
CALLED = Query(
    Waiting,
    f"""SELECT me.user_id, c.id AS conversation_id, m.id AS message_id, m.sender_id, m.seq, m.created_at FROM messages m
    JOIN conversations c ON c.id = m.conversation_id AND c.kind = 'channel'
    JOIN conversation_members me ON me.conversation_id = c.id AND me.user_id <> m.sender_id AND me.left_seq IS NULL
      AND me.joined_seq < m.seq AND me.last_read_seq < m.seq {_CHANNEL}
    WHERE m.id = ANY($1::uuid[]) AND m.deleted_at IS NULL AND {_MEANT} ORDER BY me.user_id""",
)


class Unread(msgspec.Struct):
    """How many messages somebody has not read, and in how many conversations."""

    messages: int
    conversations: int


UNREAD = Query(
    Unread,
    f"""SELECT count(*) AS messages, count(DISTINCT m.conversation_id) AS conversations
    FROM conversation_members me JOIN conversations c ON c.id = me.conversation_id {_CHANNEL}
    JOIN messages m ON m.conversation_id = me.conversation_id
    JOIN profiles p ON p.id = m.sender_id AND p.deleted_at IS NULL AND NOT p.suspended
    WHERE me.user_id = $1 AND me.left_seq IS NULL AND m.deleted_at IS NULL AND m.sender_id <> $1
      AND m.seq > greatest(me.last_read_seq, me.joined_seq) AND m.created_at >= $2 AND {_MEANT}
      AND NOT m.sender_id = ANY ({BLOCKED}) AND NOT m.sender_id = ANY ({MUTED})""",
)
ADD_TOKEN = "INSERT INTO notification_unsubscribes (token, user_id, created_at) VALUES ($1, $2, $3)"
OWNER = Query(UUID, "SELECT user_id FROM notification_unsubscribes WHERE token = $1")
PURGE = "DELETE FROM notification_unsubscribes WHERE created_at < $1"
