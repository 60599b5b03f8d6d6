"""Rows of digests."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.graph.service import BLOCKED, MUTED
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


class Unread(msgspec.Struct):
    """How many messages somebody has not read, and in how many conversations."""

    messages: int
    conversations: int


UNREAD = Query(
    Unread,
    f"""SELECT count(*) AS messages, count(DISTINCT m.conversation_id) AS conversations
    FROM conversation_members me JOIN conversations c ON c.id = me.conversation_id AND c.kind <> 'channel'
    JOIN messages m ON m.conversation_id = me.conversation_id
    JOIN profiles p ON p.id = m.sender_id AND p.deleted_at IS NULL AND NOT p.suspended
    WHERE me.user_id = $1 AND me.left_seq IS NULL AND m.deleted_at IS NULL AND m.sender_id <> $1
      AND m.seq > greatest(me.last_read_seq, me.joined_seq) AND m.created_at >= $2
      AND NOT m.sender_id = ANY ({BLOCKED}) AND NOT m.sender_id = ANY ({MUTED})""",
)
ADD_TOKEN = "INSERT INTO notification_unsubscribes (token, user_id, created_at) VALUES ($1, $2, $3)"
OWNER = Query(UUID, "SELECT user_id FROM notification_unsubscribes WHERE token = $1")
PURGE = "DELETE FROM notification_unsubscribes WHERE created_at < $1"
