"""Rows of messages. In all statements with a viewer, that is $1."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from majlis.features.attachments.model import NotThere
from majlis.features.conversations.model import Kind
from majlis.features.conversations.service import LISTED, MEMBER, MET, OTHER
from majlis.features.messages.model import MOST_WAITING, Message, MessageFile, Reaction, Summary, Waiting
from majlis.kit import page
from majlis.kit.db import Query, Tx


class Held(msgspec.Struct):
    """A message under the lock of its conversation, and what its place is to the viewer."""

    conversation_id: UUID
    sender_id: UUID
    seq: int
    text: str
    files: msgspec.Raw
    created_at: datetime
    kind: Kind
    archived: bool
    met: bool
    other_id: UUID | None
    last_seq: int


LOCK_MESSAGE = Query(
    Held,
    f"""SELECT m.conversation_id, m.sender_id, m.seq, m.text, m.files, m.created_at, c.kind,
      c.archived_at IS NOT NULL AS archived, {MET} AS met, o.user_id AS other_id, c.last_seq
    FROM messages m JOIN conversations c ON c.id = m.conversation_id
    JOIN conversation_members me ON {MEMBER} AND me.joined_seq < m.seq {OTHER}
    WHERE m.id = $2 AND m.deleted_at IS NULL FOR NO KEY UPDATE OF c, m FOR SHARE OF me""",
)

# ---- messages

_MESSAGE = """m.id, m.conversation_id, m.sender_id, m.seq, m.ts_us, m.client_msg_id, m.type, m.text, m.files, m.data,
  m.thread_root_id, m.created_at, m.edited_at,
  coalesce((SELECT true FROM message_pins i WHERE i.message_id = m.id), false) AS pinned,
  coalesce((SELECT jsonb_agg(jsonb_build_object('emoji', r.emoji, 'user_ids', r.people) ORDER BY r.first)
    FROM (SELECT emoji, min(seq) AS first, jsonb_agg(user_id ORDER BY seq) AS people
      FROM message_reactions WHERE message_id = m.id GROUP BY emoji) r), '[]') AS reactions"""


class Row(msgspec.Struct):
    """A message as stored."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    seq: int
    ts_us: int
    client_msg_id: str
    type: str
    text: str
    files: msgspec.Raw
    data: msgspec.Raw | None
    thread_root_id: UUID | None
    created_at: datetime
    edited_at: datetime | None
    pinned: bool
    reactions: msgspec.Raw


_FILES = msgspec.json.Decoder(list[MessageFile])
_REACTIONS = msgspec.json.Decoder(list[Reaction])


def message_of(row: Row) -> Message:
    """A stored message as it is shown."""
    values = msgspec.structs.asdict(row)
    files, reactions = _FILES.decode(row.files), _REACTIONS.decode(row.reactions)
    return Message(**{**values, "files": files, "reactions": reactions})


BY_IDS = Query(Row, f"SELECT {_MESSAGE} FROM messages m WHERE m.id = ANY($1::uuid[])")
ONE = Query(
    Row,
    f"""SELECT {_MESSAGE} FROM messages m JOIN conversations c ON c.id = m.conversation_id
    JOIN conversation_members me ON {MEMBER} AND me.joined_seq < m.seq {OTHER}
    WHERE m.id = $2 AND m.deleted_at IS NULL AND {MET} AND c.kind = ANY($3::text[])""",
)


class Known(msgspec.Struct):
    """A message that was sent under a key, and the hash of what it was."""

    id: UUID
    body_hash: bytes


KNOWN = Query(
    Known,
    "SELECT id, body_hash FROM messages WHERE conversation_id = $2 AND sender_id = $1 AND client_msg_id = $3",
)
ROOT = Query(
    bool,
    """SELECT true FROM messages WHERE id = $1 AND conversation_id = $2 AND seq > $3 AND thread_root_id IS NULL
    AND deleted_at IS NULL""",
)


class Stamped(msgspec.Struct):
    """Where a message stands."""

    seq: int
    ts_us: int
    created_at: datetime


# One statement, so that the lock of the conversation is held for as short as can be. The lock gives the newest
# version of its row, and that of the member's: no row comes for who left meanwhile, nor for a key that was used
# meanwhile, and nothing is counted then. The event holds the message ($12) with what was found out here.
def _send(joined: str, kept: str) -> Query[Stamped]:
    return Query(
        Stamped,
        f"""WITH held AS (
      SELECT c.id, c.last_seq + 1 AS seq, greatest(c.last_ts_us + 1, $13) AS ts_us
      FROM conversations c {joined}
      WHERE c.id = $2 AND c.archived_at IS NULL FOR NO KEY UPDATE OF c {kept}
    ), sent AS (
      INSERT INTO messages (id, conversation_id, sender_id, seq, ts_us, client_msg_id, body_hash, type, text, files,
        data, thread_root_id, created_at)
      SELECT $3, $2, $1, held.seq, held.ts_us, $4, $5, $6, $7, $8, $9, $10,
        timestamptz 'epoch' + held.ts_us * interval '1 microsecond' FROM held
      ON CONFLICT (conversation_id, sender_id, client_msg_id) DO NOTHING RETURNING seq, ts_us, created_at
    ), said AS (
      SELECT conversation_said($2, seq, ts_us, created_at, $3, jsonb_build_object('message',
        $12::jsonb || jsonb_build_object('seq', seq, 'ts_us', ts_us, 'created_at',
          to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))), $11) FROM sent
    ), told AS (
      SELECT emit_facts($14, ARRAY[$15::bytea]) FROM sent
    )
    SELECT seq, ts_us, created_at FROM sent
    WHERE (SELECT count(*) FROM said) = 1 AND (SELECT count(*) FROM told) = 1""",
    )


_SENDER = """JOIN conversation_members me
        ON me.conversation_id = c.id AND me.user_id = $1 AND me.left_seq IS NULL"""
SEND = _send(_SENDER, "FOR SHARE OF me")
# What speaks without being a member.
POST = _send("", "")
# One that is going cannot be carried any more: the trigger says so.
CARRY = """INSERT INTO message_files (message_id, file_id)
SELECT $1, one FROM unnest($2::uuid[]) AS one ORDER BY one ON CONFLICT DO NOTHING"""
CARRYING = Query(
    UUID,
    """SELECT m.id FROM message_files f JOIN messages m ON m.id = f.message_id WHERE f.file_id = $1
    ORDER BY m.seq FOR NO KEY UPDATE OF m""",
)
STRIKE = """WITH gone AS (DELETE FROM message_files WHERE file_id = $1)
UPDATE messages AS m SET files = (SELECT jsonb_agg(CASE WHEN f ->> 'id' = $1::uuid::text THEN $3::jsonb ELSE f END ORDER BY at)
  FROM jsonb_array_elements(m.files) WITH ORDINALITY AS x (f, at)) WHERE m.id = ANY($2::uuid[])"""


async def carry(tx: Tx, message: Message) -> None:
    """Note which files of its conversation a message carries. Raises NotThere."""
    file_ids = [file.id for file in message.files if isinstance(file.id, UUID)]
    try:
        if file_ids:
            await tx.run(CARRY, message.id, file_ids)
    except asyncpg.ForeignKeyViolationError as error:  # one was deleted meanwhile
        raise NotThere(["file_ids"]) from error


EDIT = """
WITH before AS (
  INSERT INTO message_edits (message_id, seq, text, edited_at)
  SELECT m.id, c.last_seq + 1, m.text, $3 FROM messages m JOIN conversations c ON c.id = m.conversation_id
  WHERE m.id = $1)
UPDATE messages SET text = $2, edited_at = $3 WHERE id = $1
"""
DELETE = """
WITH gone AS (UPDATE messages SET deleted_at = $2 WHERE id = $1),
  loose AS (DELETE FROM message_pins WHERE message_id = $1)
SELECT conversation_latest($3, (SELECT m.created_at FROM messages m
  WHERE m.conversation_id = $3 AND m.deleted_at IS NULL AND m.id <> $1 ORDER BY m.seq DESC LIMIT 1))
"""
_NEXT = "(SELECT last_seq + 1 FROM conversations WHERE id = $2)"
REACT = f"""
INSERT INTO message_reactions (message_id, emoji, user_id, seq) VALUES ($3, $4, $1, {_NEXT}) ON CONFLICT DO NOTHING
"""
UNREACT = "DELETE FROM message_reactions WHERE user_id = $1 AND message_id = $2 AND emoji = $3"
REACTION_KINDS = Query(
    int, "SELECT count(DISTINCT emoji) FROM message_reactions WHERE message_id = $1 AND emoji <> $2"
)
PIN = f"""
INSERT INTO message_pins (message_id, conversation_id, user_id, seq) VALUES ($3, $2, $1, {_NEXT})
ON CONFLICT DO NOTHING
"""
UNPIN = "DELETE FROM message_pins WHERE message_id = $1"


class Asked(msgspec.Struct, frozen=True):
    """Which messages of a conversation: between two moments, of a thread, behind a place in it."""

    conversation_id: UUID
    after_seq: int
    before: datetime | None = None
    after: datetime | None = None
    thread_root_id: UUID | None = None
    behind: int | None = None
    pinned: bool = False

    def _where(self) -> tuple[str, list[Any]]:
        args: list[Any] = [self.conversation_id, self.after_seq]
        parts = ["m.conversation_id = $1", "m.seq > $2", "m.deleted_at IS NULL"]
        filters = {
            "m.created_at < ": self.before,
            "m.created_at > ": self.after,
            "m.thread_root_id = ": self.thread_root_id,
            "m.seq < ": self.behind,
        }
        for test, value in filters.items():
            if value is not None:
                args.append(value)
                parts.append(f"{test}${len(args)}")
        if self.pinned:
            parts.append("m.id IN (SELECT i.message_id FROM message_pins i WHERE i.conversation_id = $1)")
        return " AND ".join(parts), args

    def page(self, limit: int, offset: int) -> tuple[Query[Row], list[Any]]:
        """One more than a page, newest first."""
        where, args = self._where()
        size = (
            f"LIMIT {page.DEFAULT + 1}"
            if limit == page.DEFAULT and not offset
            else _size(args, limit, offset)
        )
        return Query(Row, f"SELECT {_MESSAGE} FROM messages m WHERE {where} ORDER BY m.seq DESC {size}"), args

    def count(self) -> tuple[Query[int], list[Any]]:
        """How many there are, up to a ceiling."""
        where, args = self._where()
        rows = f"SELECT 1 FROM messages m WHERE {where} LIMIT {page.MAX_OFFSET}"
        return Query(int, f"SELECT count(*) FROM ({rows}) AS found"), args


def _size(args: list[Any], limit: int, offset: int) -> str:
    args += [limit + 1, offset]
    return f"LIMIT ${len(args) - 1} OFFSET ${len(args)}"


# ---- lists of conversations

MOST_UNREAD = 1000  # how far unread messages are counted
_LAST = """(SELECT m.id FROM messages m WHERE m.conversation_id = c.id AND m.deleted_at IS NULL
  AND m.seq > me.joined_seq ORDER BY m.seq DESC LIMIT 1)"""
_UNREAD = f"""(SELECT count(*) FROM (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.deleted_at IS NULL
  AND m.seq > greatest(me.last_read_seq, me.joined_seq) AND m.sender_id <> $1 LIMIT {MOST_UNREAD}) u)"""
_SUMMARY = f"""c.id, c.kind, o.user_id AS other_id, c.name, c.last_seq, me.last_read_seq, {_UNREAD} AS unread_count,
  c.created_at, c.last_message_at, {_LAST} AS last_id, coalesce(c.last_message_at, c.created_at) AS moved_at"""


class Line(msgspec.Struct):
    """A conversation in a list."""

    id: UUID
    kind: Kind
    other_id: UUID | None
    name: str | None
    last_seq: int
    last_read_seq: int
    unread_count: int
    created_at: datetime
    last_message_at: datetime | None
    last_id: UUID | None
    moved_at: datetime

    def summary(self, last: Message | None) -> Summary:
        """The same as members see it, with its latest message."""
        values = msgspec.structs.asdict(self)
        del values["last_id"], values["moved_at"]
        return Summary(**values, last_message=last)


SUMMARY = Query(
    Line,
    f"""SELECT {_SUMMARY} FROM conversations c JOIN conversation_members me ON {MEMBER} {OTHER}
    WHERE c.id = $2 AND {MET}""",
)
_MINE = (
    f"conversations c JOIN conversation_members me ON {MEMBER} {OTHER} WHERE {LISTED} AND c.kind = ANY($2)"
)
COUNT = Query(int, f"SELECT count(*) FROM (SELECT 1 FROM {_MINE} LIMIT {page.MAX_OFFSET}) AS found")


def listing(*, continued: bool, usual: bool) -> Query[Line]:
    """Conversations of these kinds, latest first; continued: behind ($3 moment, $4 id)."""
    behind = " AND (coalesce(c.last_message_at, c.created_at), c.id) < ($3, $4)" if continued else ""
    used = 4 if continued else 2
    size = f"LIMIT {page.DEFAULT + 1}" if usual else f"LIMIT ${used + 1} OFFSET ${used + 2}"
    # The page first: what is counted for each line is counted for those of the page only.
    chosen = (
        f"SELECT c.id FROM {_MINE}{behind} ORDER BY coalesce(c.last_message_at, c.created_at) DESC, c.id DESC"
    )
    return Query(
        Line,
        f"""WITH chosen AS ({chosen} {size})
        SELECT {_SUMMARY} FROM chosen JOIN conversations c USING (id) JOIN conversation_members me ON {MEMBER} {OTHER}
        ORDER BY moved_at DESC, c.id DESC""",
    )


# Who is to hear of a message that stands. In channels most messages are nobody's in particular.
_WAITING = """SELECT me.user_id, m.conversation_id, m.id AS message_id, m.sender_id, m.seq, m.created_at
    FROM messages m JOIN conversation_members me ON me.conversation_id = m.conversation_id
    JOIN conversations c ON c.id = m.conversation_id AND c.kind <> 'channel'
    WHERE m.deleted_at IS NULL AND me.user_id <> m.sender_id AND me.left_seq IS NULL
      AND me.joined_seq < m.seq AND me.last_read_seq < m.seq"""
UNREAD_BY = Query(Waiting, f"{_WAITING} AND m.id = ANY($1::uuid[]) ORDER BY me.user_id, m.created_at, m.id")
UNREAD_FROM = Query(
    Waiting,
    f"""{_WAITING} AND m.conversation_id = $1 AND m.seq >= $3 AND me.user_id = $2
    ORDER BY m.seq LIMIT {MOST_WAITING}""",
)


class ReadTime(msgspec.Struct):
    """When a message was read by somebody else than who sent it, for the first time."""

    id: UUID
    read_at: datetime | None


READ_TIMES = Query(
    ReadTime,
    """SELECT m.id, (SELECT min(r.read_at) FROM conversation_members o CROSS JOIN LATERAL (
        SELECT read_at FROM conversation_reads r WHERE r.conversation_id = m.conversation_id
        AND r.user_id = o.user_id AND r.seq >= m.seq ORDER BY r.seq LIMIT 1) r
      WHERE o.conversation_id = m.conversation_id AND o.user_id <> m.sender_id) AS read_at
    FROM messages m WHERE m.id = ANY($1::uuid[])""",
)


def samples() -> Sequence[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, at = UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)
    asked = (Asked(nobody, 0), Asked(nobody, 0, at, at, nobody, 5, True))
    pages = [
        one.page(limit, offset)[0].sql for one in asked for limit, offset in ((page.DEFAULT, 0), (7, 20))
    ]
    counts = [one.count()[0].sql for one in asked]
    lists = [listing(continued=c, usual=u).sql for c in (False, True) for u in (False, True)]
    return [*pages, *counts, *lists]
