"""Rows of drafts and scheduled messages."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.composing.model import STATUS, Planned, Scheduled, State, UnsentMessage
from majlis.features.conversations.model import Kind
from majlis.features.messages.model import MessageSend
from majlis.kit.db import Query

SAVE = """
INSERT INTO message_drafts (user_id, place, conversation_id, text, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (user_id, place) DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at
"""
DISCARD = "DELETE FROM message_drafts WHERE user_id = $1 AND place = $2"
# Only those of conversations that the writer is still in.
DRAFTS = Query(
    UnsentMessage,
    """SELECT d.conversation_id, nullif(d.place, d.conversation_id) AS thread_root_id, d.text, d.updated_at
    FROM message_drafts d JOIN conversation_members me
      ON me.conversation_id = d.conversation_id AND me.user_id = d.user_id AND me.left_seq IS NULL
    WHERE d.user_id = $1 AND ($2::timestamptz IS NULL OR (d.updated_at, d.place) < ($2, $3))
    ORDER BY d.updated_at DESC, d.place DESC LIMIT $4 OFFSET $5""",
)
COUNT_DRAFTS = Query(
    int,
    """SELECT count(*) FROM message_drafts d JOIN conversation_members me
      ON me.conversation_id = d.conversation_id AND me.user_id = d.user_id AND me.left_seq IS NULL
    WHERE d.user_id = $1""",
)


class Row(msgspec.Struct):
    """A scheduled message as stored."""

    id: UUID
    conversation_id: UUID
    message: msgspec.Raw
    send_at: datetime
    state: State
    failure: str | None
    message_id: UUID | None
    created_at: datetime


class Held(Row):
    """The same under its lock, whose it is, and where it will be said."""

    user_id: UUID
    kind: Kind


_MESSAGE = msgspec.json.Decoder(MessageSend)


def scheduled_of(row: Row) -> Scheduled:
    """A stored row as its writer sees it."""
    return Scheduled(
        row.id, row.conversation_id, _MESSAGE.decode(row.message), row.send_at, row.state, row.failure,
        row.message_id, row.created_at,
    )  # fmt: skip


def planned_of(row: Row) -> Planned:
    """The same of a row that waits for a channel."""
    message = _MESSAGE.decode(row.message)
    return Planned(
        row.id, row.conversation_id, message.text, message.thread_root_id, message.file_ids, row.send_at,
        STATUS[row.state], row.failure, row.message_id, row.created_at,
    )  # fmt: skip


_COLUMNS = "s.id, s.conversation_id, s.message, s.send_at, s.state, s.failure, s.message_id, s.created_at"
# What goes to people, and what goes to a channel.
_PERSONAL = "s.conversation_id IN (SELECT c.id FROM conversations c WHERE c.kind <> 'channel')"
ADD = """
INSERT INTO scheduled_messages (id, user_id, conversation_id, message, send_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
WAITING = Query(int, "SELECT count(*) FROM scheduled_messages WHERE user_id = $1 AND state = 'WAITING'")
ONE = Query(Row, f"SELECT {_COLUMNS} FROM scheduled_messages s WHERE s.user_id = $1 AND s.id = $2")
HOLD = Query(
    Held,
    f"""SELECT {_COLUMNS}, s.user_id, c.kind FROM scheduled_messages s JOIN conversations c ON c.id = s.conversation_id
    WHERE s.id = $1 FOR UPDATE OF s""",
)
CHANGE = "UPDATE scheduled_messages SET send_at = $2, message = $3 WHERE id = $1"
DROP = "DELETE FROM scheduled_messages WHERE id = $1"
SENT = "UPDATE scheduled_messages SET state = 'SENT', message_id = $2 WHERE id = $1"
FAILED = "UPDATE scheduled_messages SET state = 'FAILED', failure = $2 WHERE id = $1"
LIST = Query(
    Row,
    f"""SELECT {_COLUMNS} FROM scheduled_messages s WHERE s.user_id = $1 AND s.state = $2 AND {_PERSONAL}
      AND ($3::timestamptz IS NULL OR (s.send_at, s.id) > ($3, $4))
    ORDER BY s.send_at, s.id LIMIT $5 OFFSET $6""",
)
COUNT = Query(
    int, f"SELECT count(*) FROM scheduled_messages s WHERE s.user_id = $1 AND s.state = $2 AND {_PERSONAL}"
)
# What waits for channels of a workspace, or was refused there.
_PLANNED = """scheduled_messages s JOIN channels ch ON ch.id = s.conversation_id
  WHERE s.user_id = $1 AND ch.workspace_id = $2 AND s.state <> 'SENT'"""
PLANNED = Query(
    Row,
    f"""SELECT {_COLUMNS} FROM {_PLANNED} AND ($3::timestamptz IS NULL OR (s.send_at, s.id) > ($3, $4))
    ORDER BY s.send_at, s.id LIMIT $5 OFFSET $6""",
)
COUNT_PLANNED = Query(int, f"SELECT count(*) FROM {_PLANNED}")
