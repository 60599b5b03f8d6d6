"""What is said in channels, as readers see it. In all statements with a viewer, that is $1."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from majlis.features.channels.service import COUNTS, FIRST, FROM, MENTIONED, UNREAD
from majlis.features.discussions.model import (
    Bot,
    ChannelMessage,
    EventInvite,
    Mentions,
    Pinned,
    ReactionCount,
    Reactors,
    ReadState,
    ThreadState,
    Unread,
)
from majlis.features.messages.model import MessageFile
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """A message as stored, without what a deleted one said."""

    id: UUID
    channel_id: UUID
    seq: int
    ts_us: int
    sender_id: UUID
    type: str
    text: str
    blocks: msgspec.Raw | None
    bot: msgspec.Raw | None
    event: msgspec.Raw | None
    client_msg_id: str
    thread_root_id: UUID | None
    reply_count: int
    last_reply_seq: int | None
    also_in_channel: bool
    files: msgspec.Raw
    mentions: msgspec.Raw
    reactions: msgspec.Raw
    pinned: bool
    edited_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime


class PinRow(Row):
    """A pinned message."""

    pinned_by: UUID
    pinned_at: datetime | None
    pin_seq: int


_FILES = msgspec.json.Decoder(list[MessageFile])
_REACTIONS = msgspec.json.Decoder(list[ReactionCount])
_MENTIONS = msgspec.json.Decoder(Mentions)
_BOT = msgspec.json.Decoder(Bot)
_EVENT = msgspec.json.Decoder(EventInvite)


def _values(row: Row) -> dict[str, Any]:
    values = msgspec.structs.asdict(row)
    seconds, rest = divmod(values.pop("ts_us"), 1_000_000)
    return values | {
        "ts": f"{seconds}.{rest:06}",
        "files": _FILES.decode(row.files),
        "reactions": _REACTIONS.decode(row.reactions),
        "mentions": _MENTIONS.decode(row.mentions),
        "bot": None if row.bot is None else _BOT.decode(row.bot),
        "event": UNSET if row.event is None else _EVENT.decode(row.event),
    }


def message_of(row: Row) -> ChannelMessage:
    """A stored message as it is shown."""
    return ChannelMessage(**_values(row))


def pinned_of(row: PinRow) -> Pinned:
    """A stored pin as it is shown."""
    values = _values(row)
    del values["pin_seq"]
    return Pinned(**values)


_ALIVE = "m.deleted_at IS NULL"
REACTED = """(SELECT coalesce(jsonb_agg(jsonb_build_object('emoji', r.emoji, 'count', r.n, 'me', r.mine) ORDER BY r.first),
    '[]') FROM (SELECT emoji, min(seq) AS first, count(*) AS n, bool_or(user_id = $1) AS mine
    FROM message_reactions WHERE message_id = m.id GROUP BY emoji) r)"""
MESSAGE = f"""m.id, m.conversation_id AS channel_id, m.seq, m.ts_us, m.sender_id, m.type,
  CASE WHEN {_ALIVE} THEN m.text ELSE '' END AS text, CASE WHEN {_ALIVE} THEN m.data -> 'blocks' END AS blocks,
  CASE WHEN m.data ? 'bot' THEN (SELECT m.data -> 'bot' FROM workspace_bots b WHERE b.user_id = m.sender_id) END AS bot,
  CASE WHEN m.type = 'event_invite' AND m.data ? 'starts_at' AND {_ALIVE} THEN m.data END AS event,
  m.client_msg_id, m.thread_root_id,
  (SELECT count(*) FROM messages r WHERE r.thread_root_id = m.id AND r.deleted_at IS NULL) AS reply_count,
  (SELECT max(r.seq) FROM messages r WHERE r.thread_root_id = m.id AND r.deleted_at IS NULL) AS last_reply_seq,
  coalesce((m.data -> 'also_in_channel')::bool, false) AS also_in_channel,
  CASE WHEN {_ALIVE} THEN m.files ELSE '[]' END AS files,
  (SELECT jsonb_build_object('user_ids', coalesce(jsonb_agg(x.user_id) FILTER (WHERE x.user_id IS NOT NULL), '[]'),
      'channel', coalesce(bool_or(x.kind = 'channel'), false), 'here', coalesce(bool_or(x.kind = 'here'), false))
    FROM channel_mentions x WHERE x.message_id = m.id AND {_ALIVE}) AS mentions,
  CASE WHEN {_ALIVE} THEN {REACTED} ELSE '[]' END AS reactions,
  coalesce((SELECT true FROM message_pins i WHERE i.message_id = m.id), false) AS pinned,
  m.edited_at, m.deleted_at, m.created_at"""
ONE = Query(Row, f"SELECT {MESSAGE} FROM messages m WHERE m.id = $2")


class Known(msgspec.Struct):
    """Where a message stands."""

    channel_id: UUID
    sender_id: UUID
    seq: int
    thread_root_id: UUID | None
    deleted: bool


KNOWN = Query(
    Known,
    """SELECT m.conversation_id AS channel_id, m.sender_id, m.seq, m.thread_root_id, m.deleted_at IS NOT NULL AS deleted
    FROM messages m WHERE m.id = $1""",
)
LATEST = Query(
    int,
    """SELECT coalesce(max(seq), 0) FROM conversation_events
    WHERE message_id = $1 AND type IN ('message.created', 'message.updated')""",
)
# $5: replies too. What is also said in the channel belongs to both.
_ROOTS = """($5 OR m.thread_root_id IS NULL OR m.data @> '{"also_in_channel": true}')"""
_SAID = f"SELECT {MESSAGE} FROM messages m WHERE m.conversation_id = $2"
OLDER = Query(Row, f"{_SAID} AND m.seq < $3 AND {_ROOTS} ORDER BY m.seq DESC LIMIT $4")
NEWER = Query(Row, f"{_SAID} AND m.seq >= $3 AND {_ROOTS} ORDER BY m.seq LIMIT $4")
_REPLY = f"SELECT {MESSAGE} FROM messages m WHERE m.thread_root_id = $2 AND m.deleted_at IS NULL"
OLDER_REPLIES = Query(Row, f"{_REPLY} AND m.seq < $3 ORDER BY m.seq DESC LIMIT $4")
NEWER_REPLIES = Query(Row, f"{_REPLY} AND m.seq >= $3 ORDER BY m.seq LIMIT $4")

# Who is meant by these names in a channel, among those who may read it.
NAMED = Query(
    UUID,
    """SELECT w.user_id FROM channels ch JOIN workspace_members w ON w.workspace_id = ch.workspace_id
    LEFT JOIN conversation_members o ON o.conversation_id = ch.id AND o.user_id = w.user_id AND o.left_seq IS NULL
    WHERE ch.id = $1 AND w.username = ANY($2::text[])
      AND (o.user_id IS NOT NULL OR NOT ch.is_private AND w.role <> 'guest')""",
)

# ---- reactions and pins

REACTORS = Query(
    Reactors,
    """SELECT emoji, count(*) AS count, (array_agg(user_id ORDER BY seq))[:50] AS user_ids
    FROM message_reactions WHERE message_id = $1 GROUP BY emoji ORDER BY min(seq)""",
)
PIN_COUNT = Query(int, "SELECT count(*) FROM message_pins WHERE conversation_id = $1 AND message_id <> $2")
PIN_TOTAL = Query(int, "SELECT count(*) FROM message_pins WHERE conversation_id = $1")
PINS = Query(
    PinRow,
    f"""SELECT {MESSAGE}, pin.user_id AS pinned_by, e.created_at AS pinned_at, pin.seq AS pin_seq
    FROM message_pins pin JOIN messages m ON m.id = pin.message_id AND m.deleted_at IS NULL
    LEFT JOIN conversation_events e ON e.conversation_id = pin.conversation_id AND e.seq = pin.seq
    WHERE pin.conversation_id = $2 AND pin.seq < $3 ORDER BY pin.seq DESC LIMIT $4 OFFSET $5""",
)

# ---- what is new

STATE = Query(
    ReadState,
    f"""SELECT cm.last_read_seq, {UNREAD} AS unread_count, {MENTIONED} AS mention_count
    FROM conversation_members cm WHERE cm.conversation_id = $2 AND cm.user_id = $1 AND cm.left_seq IS NULL""",
)
UNREADS = Query(
    Unread,
    f"""SELECT ch.id AS channel_id, {UNREAD} AS unread_count, {MENTIONED} AS mention_count, cm.last_read_seq,
      c.last_seq AS head_seq, {FIRST} AS first_unread_seq
    FROM {FROM} WHERE ch.workspace_id = $2 AND cm.user_id IS NOT NULL AND c.archived_at IS NULL
    ORDER BY c.last_message_at DESC NULLS LAST, ch.id LIMIT 1000""",
)
FIRST_UNREAD = Query(
    int,
    f"""SELECT m.seq FROM conversation_members cm JOIN messages m ON m.conversation_id = cm.conversation_id
      AND m.seq > cm.last_read_seq AND {COUNTS}
    WHERE cm.conversation_id = $2 AND cm.user_id = $1 AND cm.left_seq IS NULL ORDER BY m.seq LIMIT 1""",
)
NEW_REPLIES = """m.thread_root_id = t.root_id AND m.seq > t.last_read_seq AND m.deleted_at IS NULL AND m.sender_id <> $1"""
THREADS_UNREAD = Query(
    int,
    f"""SELECT count(*) FROM thread_follows t JOIN messages root ON root.id = t.root_id
    JOIN ({FROM}) ON ch.id = root.conversation_id
    WHERE t.user_id = $1 AND t.following AND ch.workspace_id = $2 AND cm.user_id IS NOT NULL
      AND coalesce((SELECT true FROM messages m WHERE {NEW_REPLIES} LIMIT 1), false)""",
)
# ---- threads

FOLLOW = """INSERT INTO thread_follows (root_id, user_id, following, last_read_seq) VALUES ($1, $2, $3, $4)
ON CONFLICT (root_id, user_id) DO UPDATE SET following = excluded.following"""
# By itself, for who did not choose otherwise.
FOLLOW_ALL = """INSERT INTO thread_follows (root_id, user_id, following, last_read_seq)
SELECT $1, person, true, $3 FROM unnest($2::uuid[]) AS person ORDER BY person ON CONFLICT DO NOTHING"""
READ_THREAD = """INSERT INTO thread_follows (root_id, user_id, following, last_read_seq) VALUES ($1, $2, false, $3)
ON CONFLICT (root_id, user_id) DO UPDATE SET last_read_seq = greatest(thread_follows.last_read_seq, excluded.last_read_seq)"""
THREAD_STATE = Query(
    ThreadState,
    f"""SELECT t.last_read_seq, (SELECT count(*) FROM (SELECT 1 FROM messages m WHERE {NEW_REPLIES} LIMIT 1000) u)
      AS unread_count FROM thread_follows t WHERE t.root_id = $2 AND t.user_id = $1""",
)
