"""Rows of receipts."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.conversations.model import RECEIPTS
from majlis.kit.db import Query


class Receipt(msgspec.Struct):
    """Somebody who was there when a message was sent, and is there still."""

    user_id: UUID
    delivered: bool
    read_at: datetime | None


# What was read is known from the places up to which people read, each with its time.
OF = Query(
    Receipt,
    """SELECT o.user_id, o.delivered_seq >= m.seq AS delivered,
      CASE WHEN coalesce(s.read_receipts, true) THEN (SELECT r.read_at FROM conversation_reads r
        WHERE r.conversation_id = o.conversation_id AND r.user_id = o.user_id AND r.seq >= m.seq
        ORDER BY r.seq LIMIT 1) END AS read_at
    FROM messages m JOIN conversation_members o ON o.conversation_id = m.conversation_id
      AND o.user_id <> m.sender_id AND o.left_seq IS NULL AND o.joined_at <= m.created_at
    LEFT JOIN privacy_settings s ON s.profile_id = o.user_id
    WHERE m.id = $1 ORDER BY o.user_id""",
)
SIZE = Query(
    int,
    f"""SELECT count(*) FROM (SELECT 1 FROM conversation_members WHERE conversation_id = $1 AND left_seq IS NULL
      LIMIT {RECEIPTS + 1}) AS there""",
)
