"""What asks for somebody in a workspace. In all statements the viewer is $1."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.channels.service import FROM
from majlis.features.discussions.service import MESSAGE, NEW_REPLIES, Row
from majlis.kit.db import Query

MENTIONS = Query(
    Row,
    f"""SELECT {MESSAGE} FROM messages m JOIN ({FROM}) ON ch.id = m.conversation_id
    WHERE m.id IN (SELECT x.message_id FROM channel_mentions x JOIN channels o ON o.id = x.channel_id
        WHERE o.workspace_id = $2 AND (x.user_id = $1 OR x.user_id IS NULL))
      AND cm.user_id IS NOT NULL AND m.deleted_at IS NULL AND m.sender_id <> $1
      AND (NOT $3 OR m.seq > cm.last_read_seq) AND ($4::timestamptz IS NULL OR (m.created_at, m.id) < ($4, $5))
    ORDER BY m.created_at DESC, m.id DESC LIMIT $6 OFFSET $7""",
)


class Followed(msgspec.Struct):
    """A followed thread, when somebody last answered, and what is new there."""

    root_id: UUID
    last_at: datetime
    unread_count: int
    mention_count: int


_MOST = 1000
THREADS = Query(
    Followed,
    f"""SELECT root_id, last_at, unread_count, mention_count FROM (
      SELECT t.root_id, (SELECT max(r.created_at) FROM messages r
          WHERE r.thread_root_id = t.root_id AND r.deleted_at IS NULL) AS last_at,
        (SELECT count(*) FROM (SELECT 1 FROM messages m WHERE {NEW_REPLIES} LIMIT {_MOST}) u) AS unread_count,
        (SELECT count(*) FROM messages m WHERE {NEW_REPLIES} AND m.id IN (SELECT x.message_id FROM channel_mentions x
          WHERE x.channel_id = ch.id AND x.seq > t.last_read_seq AND (x.user_id = $1 OR x.user_id IS NULL)))
          AS mention_count
      FROM thread_follows t JOIN messages root ON root.id = t.root_id JOIN ({FROM}) ON ch.id = root.conversation_id
      WHERE t.user_id = $1 AND t.following AND ch.workspace_id = $2 AND cm.user_id IS NOT NULL) AS followed
    WHERE last_at IS NOT NULL AND (NOT $3 OR unread_count > 0)
      AND ($4::timestamptz IS NULL OR (last_at, root_id) < ($4, $5))
    ORDER BY last_at DESC, root_id DESC LIMIT $6 OFFSET $7""",
)
BY_IDS = Query(Row, f"SELECT {MESSAGE} FROM messages m WHERE m.id = ANY($2::uuid[])")
LATEST = Query(
    Row,
    f"""SELECT {MESSAGE} FROM unnest($2::uuid[]) AS root CROSS JOIN LATERAL (SELECT r.id FROM messages r
        WHERE r.thread_root_id = root AND r.deleted_at IS NULL ORDER BY r.seq DESC LIMIT 3) AS latest
    JOIN messages m ON m.id = latest.id ORDER BY m.seq""",
)
