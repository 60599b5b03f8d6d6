"""Rows of exports of workspaces, and what goes into one."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.workspace_exports.model import Line, Room, Scope, Speaker, State
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """An export as it is stored."""

    id: UUID
    workspace_id: UUID | None
    requested_by: UUID | None
    scope: Scope
    since: datetime | None
    before: datetime | None
    include_files: bool
    status: State
    object: str
    size: int | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


_COLUMNS = ", ".join(Row.__struct_fields__)
# None while one is under way: the index that allows one of these is what two requests at once meet.
ADD = Query(
    Row,
    f"""INSERT INTO workspace_exports (id, workspace_id, requested_by, scope, since, before, include_files, object,
      created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}""",
)
ONE = Query(Row, f"SELECT {_COLUMNS} FROM workspace_exports WHERE id = $1")
LIST = Query(
    Row,
    f"""SELECT {_COLUMNS} FROM workspace_exports WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2)
    ORDER BY id DESC LIMIT $3 OFFSET $4""",
)
COUNT = Query(int, "SELECT count(*) FROM workspace_exports WHERE workspace_id = $1")
RUN = Query(
    Row,
    f"""UPDATE workspace_exports SET status = 'running'
    WHERE id = $1 AND status IN ('queued', 'running') AND workspace_id IS NOT NULL RETURNING {_COLUMNS}""",
)
DONE = Query(
    Row,
    f"""UPDATE workspace_exports SET status = 'done', size = $2, finished_at = $3, expires_at = $4
    WHERE id = $1 AND status = 'running' RETURNING {_COLUMNS}""",
)
FAILED = Query(
    Row,
    f"""UPDATE workspace_exports SET status = 'failed', finished_at = $2
    WHERE id = $1 AND status IN ('queued', 'running') RETURNING {_COLUMNS}""",
)
STUCK = Query(
    Row,
    f"""SELECT {_COLUMNS} FROM workspace_exports
    WHERE status IN ('queued', 'running') AND created_at < $1 LIMIT 500""",
)
OVER = Query(
    Row,
    f"""SELECT {_COLUMNS} FROM workspace_exports WHERE expires_at <= $1 OR workspace_id IS NULL
      OR status = 'failed' AND finished_at <= $2 LIMIT 500""",
)
FORGET = "DELETE FROM workspace_exports WHERE id = $1"
MEMBERS = Query(
    UUID,
    "SELECT user_id FROM workspace_members WHERE workspace_id = $1 AND user_id > $2 ORDER BY user_id LIMIT 200",
)

# ---- what goes into a zip: $1 the workspace, $2 whether also what is not public; from behind $3


class Frame(msgspec.Struct):
    """What a zip is of, what speaks there, and for how many days messages are kept."""

    name: str
    owner_id: UUID
    bot_id: UUID | None
    retention_days: int | None


WORKSPACE = Query(
    Frame,
    """SELECT w.name, w.owner_id, b.user_id AS bot_id, w.retention_days FROM workspaces w
    LEFT JOIN workspace_bots b ON b.workspace_id = w.id WHERE w.id = $1 AND w.deleted_at IS NULL""",
)
# Whoever belongs to it or ever came into one of its rooms. Names and pictures that are hidden from some stay so.
SPEAKERS = Query(
    Speaker,
    """SELECT x.user_id AS id, m.username, coalesce(m.display_name, CASE WHEN p.hides & 3 = 0
        THEN nullif(concat_ws(' ', p.first_name, p.last_name), '') ELSE left(p.first_name, 1) END) AS name, m.title,
      m.role, CASE WHEN p.hides >> 2 & 3 = 0 THEN p.avatar ->> 'url' END AS avatar,
      coalesce(p.deleted_at IS NOT NULL OR p.suspended, true) AS gone
    FROM (SELECT user_id FROM workspace_members WHERE workspace_id = $1
      UNION SELECT o.user_id FROM channels ch JOIN conversation_members o ON o.conversation_id = ch.id
      WHERE ch.workspace_id = $1 AND ($2 OR NOT ch.is_private)) x
    LEFT JOIN workspace_members m ON m.workspace_id = $1 AND m.user_id = x.user_id
    LEFT JOIN profiles p ON p.id = x.user_id WHERE x.user_id > $3 ORDER BY x.user_id LIMIT 500""",
)
ROOMS = Query(
    Room,
    """SELECT ch.id, ch.name, ch.direct, ch.is_private, ch.is_default, c.archived_at IS NOT NULL AS archived, ch.topic,
      ch.purpose, ch.created_by, ch.created_at, ARRAY(SELECT o.user_id FROM conversation_members o
        WHERE o.conversation_id = ch.id AND o.left_seq IS NULL ORDER BY o.user_id) AS members
    FROM channels ch JOIN conversations c ON c.id = ch.id
    WHERE ch.workspace_id = $1 AND ($2 OR NOT ch.is_private) AND ch.id > $3 ORDER BY ch.id LIMIT 100""",
)
# Of a room $1, behind a place $2; deleted ones as long as there are replies to them.
LINES = Query(
    Line,
    """SELECT m.id, m.seq, m.ts_us, m.sender_id, m.type, m.text, m.files, m.data, m.client_msg_id, m.edited_at,
      m.created_at, m.deleted_at IS NOT NULL AS deleted, root.ts_us AS root_us, root.sender_id AS root_by,
      r.n AS reply_count, r.latest AS latest_us,
      coalesce((SELECT jsonb_agg(jsonb_build_object('name', e.emoji, 'users', e.people, 'count', e.n) ORDER BY e.first)
        FROM (SELECT emoji, min(seq) AS first, count(*) AS n, jsonb_agg(user_id ORDER BY seq) AS people
          FROM message_reactions WHERE message_id = m.id GROUP BY emoji) e), '[]') AS reactions,
      coalesce((SELECT true FROM message_pins i WHERE i.message_id = m.id), false) AS pinned
    FROM messages m LEFT JOIN messages root ON root.id = m.thread_root_id
    CROSS JOIN LATERAL (SELECT count(*) AS n, max(a.ts_us) AS latest FROM messages a
      WHERE a.thread_root_id = m.id AND a.deleted_at IS NULL) r
    WHERE m.conversation_id = $1 AND m.seq > $2 AND (m.deleted_at IS NULL OR r.n > 0)
      AND ($3::timestamptz IS NULL OR m.created_at >= $3) AND ($4::timestamptz IS NULL OR m.created_at < $4)
    ORDER BY m.seq LIMIT 500""",
)


class Carried(msgspec.Struct):
    """The files of a message."""

    seq: int
    files: msgspec.Raw


# As LINES.
FILES = Query(
    Carried,
    """SELECT m.seq, m.files FROM messages m WHERE m.conversation_id = $1 AND m.seq > $2 AND m.deleted_at IS NULL
      AND m.files <> '[]' AND ($3::timestamptz IS NULL OR m.created_at >= $3)
      AND ($4::timestamptz IS NULL OR m.created_at < $4) ORDER BY m.seq LIMIT 200""",
)
OBJECT = Query(
    str,
    "SELECT object FROM attachments WHERE id = $1 AND removed_at IS NULL AND state IN ('stored', 'ready')",
)
