"""Rows of drafts."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.kit.db import Query


class Stored(msgspec.Struct):
    """A draft as it is stored."""

    id: UUID
    user_id: UUID
    body: msgspec.Raw
    publish_at: datetime | None
    failure: msgspec.Raw | None
    created_at: datetime
    updated_at: datetime


_COLUMNS = "id, user_id, body, publish_at, failure, created_at, updated_at"
ADD = Query(
    Stored,
    f"""INSERT INTO drafts (id, user_id, body, publish_at, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5) RETURNING {_COLUMNS}""",
)
ONE = Query(Stored, f"SELECT {_COLUMNS} FROM drafts WHERE id = $1")
# Whoever publishes, changes or deletes a draft holds it, so that it becomes one post and no two.
LOCK = Query(Stored, f"SELECT {_COLUMNS} FROM drafts WHERE id = $1 FOR UPDATE")
_LISTED = "FROM drafts WHERE user_id = $1 AND ($2::boolean IS NULL OR (publish_at IS NOT NULL) = $2)"
LIST = Query(
    Stored,
    f"""SELECT {_COLUMNS} {_LISTED} AND ($3::uuid IS NULL OR id < $3)
    ORDER BY id DESC LIMIT $4 OFFSET $5""",
)
COUNT = Query(int, f"SELECT count(*) {_LISTED}")
SET = Query(
    Stored,
    f"""UPDATE drafts SET body = $2, publish_at = $3, failure = NULL, updated_at = $4
    WHERE id = $1 RETURNING {_COLUMNS}""",
)
REMOVE = "DELETE FROM drafts WHERE id = $1"
REMOVE_ALL = Query(msgspec.Raw, "DELETE FROM drafts WHERE user_id = $1 RETURNING body")
REFUSED = "UPDATE drafts SET publish_at = NULL, failure = $2, updated_at = $3 WHERE id = $1"
# Those of somebody, but for this one, whose time lies between these two.
AROUND = Query(
    int,
    """SELECT count(*) FROM drafts
    WHERE user_id = $1 AND id <> $2 AND publish_at > $3 AND publish_at < $4""",
)
DUE = Query(UUID, "SELECT id FROM drafts WHERE publish_at <= $1 ORDER BY publish_at LIMIT $2")
