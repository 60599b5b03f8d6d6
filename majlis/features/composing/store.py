"""Rows of drafts and scheduled messages."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.composing.model import Scheduled, State, UnsentMessage
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
    """The same under its lock, and whose it is."""

    user_id: UUID


_MESSAGE = msgspec.json.Decoder(MessageSend)


def scheduled_of(row: Row) -> Scheduled:
    """A stored row as its writer sees it."""
    return Scheduled(
        row.id, row.conversation_id, _MESSAGE.decode(row.message), row.send_at, row.state, row.failure,
        row.message_id, row.created_at,
    )  # fmt: skip


_COLUMNS = "id, conversation_id, message, send_at, state, failure, message_id, created_at"
ADD = """
INSERT INTO scheduled_messages (id, user_id, conversation_id, message, send_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
WAITING = Query(int, "SELECT count(*) FROM scheduled_messages WHERE user_id = $1 AND state = 'WAITING'")
ONE = Query(Row, f"SELECT {_COLUMNS} FROM scheduled_messages WHERE user_id = $1 AND id = $2")
HOLD = Query(Held, f"SELECT {_COLUMNS}, user_id FROM scheduled_messages WHERE id = $1 FOR UPDATE")
CHANGE = "UPDATE scheduled_messages SET send_at = $2, message = $3 WHERE id = $1"
DROP = "DELETE FROM scheduled_messages WHERE id = $1"
SENT = "UPDATE scheduled_messages SET state = 'SENT', message_id = $2 WHERE id = $1"
FAILED = "UPDATE scheduled_messages SET state = 'FAILED', failure = $2 WHERE id = $1"
LIST = Query(
    Row,
    f"""SELECT {_COLUMNS} FROM scheduled_messages WHERE user_id = $1 AND state = $2
      AND ($3::timestamptz IS NULL OR (send_at, id) > ($3, $4))
    ORDER BY send_at, id LIMIT $5 OFFSET $6""",
)
COUNT = Query(int, "SELECT count(*) FROM scheduled_messages WHERE user_id = $1 AND state = $2")
