"""What asks for somebody in a workspace. In all statements with a viewer, that is $1."""

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


# ---- who is to hear of a message


class Called(msgspec.Struct):
    """Somebody whom a message in a channel may concern: whether it names them, or all, or only who is there now.

    `bot` is the name under which a program wrote it.
    """

    user_id: UUID
    channel_id: UUID
    sender_id: UUID
    mentioned: bool
    if_there: bool
    bot: str | None


CALLS = 200
# Who is to hear of message $1 in a channel, behind member $2, or only member $4: whom it mentions, and who hears of
# everything there, as those do who converse directly. Not who has read it, nor who mutes the channel at $3.
CALLED = Query(
    Called,
    f"""SELECT r.user_id, ch.id AS channel_id, m.sender_id,
      x.named OR x.everybody OR x.here AND NOT e.everything AS mentioned,
      x.here AND NOT (x.named OR x.everybody OR e.everything) AS if_there,
      CASE WHEN m.data ? 'bot' THEN (SELECT m.data -> 'bot' ->> 'name' FROM workspace_bots b
        WHERE b.user_id = m.sender_id) END AS bot
    FROM messages m JOIN channels ch ON ch.id = m.conversation_id
    JOIN conversation_members r ON r.conversation_id = ch.id AND r.left_seq IS NULL AND r.user_id <> m.sender_id
      AND r.joined_seq < m.seq AND r.last_read_seq < m.seq
    LEFT JOIN channel_preferences pr ON pr.channel_id = ch.id AND pr.user_id = r.user_id
    CROSS JOIN LATERAL (SELECT coalesce(bool_or(y.user_id = r.user_id), false) AS named,
        coalesce(bool_or(y.kind = 'channel'), false) AS everybody, coalesce(bool_or(y.kind = 'here'), false) AS here
      FROM channel_mentions y WHERE y.message_id = m.id AND (y.user_id = r.user_id OR y.user_id IS NULL)) x
    CROSS JOIN LATERAL (SELECT CASE coalesce(pr.notify, 'default') WHEN 'all' THEN true
        WHEN 'default' THEN ch.direct IS NOT NULL ELSE false END AND (ch.direct IS NOT NULL
          OR m.thread_root_id IS NULL OR coalesce(m.data @> '{{"also_in_channel": true}}', false)) AS everything) e
    WHERE m.id = $1 AND r.user_id > $2 AND ($4::uuid IS NULL OR r.user_id = $4) AND m.deleted_at IS NULL
      AND m.type <> 'system' AND coalesce(pr.notify, 'default') <> 'none'
      AND (pr.muted_until IS NULL OR pr.muted_until <= $3)
      AND (x.named OR x.everybody OR x.here OR e.everything)
    ORDER BY r.user_id LIMIT {CALLS}""",
)
