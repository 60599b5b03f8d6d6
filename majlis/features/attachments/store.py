"""Rows of files."""

from uuid import UUID

import msgspec

from majlis.features.attachments.model import File, Stored
from majlis.kit.db import Query

PATH = "/api/v1/files"


COLUMNS = ", ".join(f"a.{name}" for name in Stored.__struct_fields__)


def file_of(row: Stored) -> File:
    """A stored file as it is shown."""
    if row.conversation_id is None or row.sha256 is None:
        raise LookupError("only what is there is shown")
    url = f"{PATH}/{row.id}/content"
    return File(
        id=row.id,
        channel_id=row.conversation_id,
        uploader_id=row.user_id,
        name=row.name,
        mime_type=row.mime_type,
        kind=row.kind,
        size=row.size,
        sha256=row.sha256,
        url=url,
        width=row.width,
        height=row.height,
        thumbnails={str(width): f"{url}?thumbnail={width}" for width in row.previews},
        created_at=row.created_at,
    )


# ---- room

# One statement, so that those who come at once cannot take the same room; none for what does not fit ($3).
TAKE = Query(
    int,
    """INSERT INTO attachment_spaces AS s (id, used) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET used = s.used + excluded.used
      WHERE $3::bigint IS NULL OR s.used + excluded.used <= $3
    RETURNING used""",
)
ADD = """INSERT INTO attachments (id, conversation_id, user_id, space_id, client_file_id, object, name, size,
  sha256, state, kept_until, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""

# ---- one file

_ONE = f"SELECT {COLUMNS} FROM attachments a WHERE a.removed_at IS NULL"
ONE = Query(Stored, f"{_ONE} AND a.id = $1")
LOCK = Query(Stored, f"{_ONE} AND a.id = $1 FOR NO KEY UPDATE")
KNOWN = Query(Stored, f"{_ONE} AND a.conversation_id = $1 AND a.user_id = $2 AND a.client_file_id = $3")
HOLDING = Query(Stored, f"{_ONE} AND a.object = ANY($1::text[])")
PICKED = Query(
    Stored,
    f"{_ONE} AND a.id = ANY($1::uuid[]) AND a.conversation_id = $2 AND a.user_id = $3 AND a.state = 'ready'",
)
# Only one fills it: the bytes that lie there are those that the row tells of.
FILL = Query(
    Stored,
    f"""UPDATE attachments AS a SET state = 'filling' WHERE a.id = $1 AND a.state = 'awaited' AND a.removed_at IS NULL
      AND a.kept_until > $2 RETURNING {COLUMNS}""",
)
UNFILL = "UPDATE attachments SET state = 'awaited' WHERE id = $1 AND state = 'filling'"
FILLED = Query(
    Stored,
    f"""UPDATE attachments AS a SET state = $2, mime_type = $3, kind = $4, sha256 = $5, width = $6, height = $7,
      previews = $8 WHERE a.id = $1 AND a.state = 'filling' AND a.removed_at IS NULL RETURNING {COLUMNS}""",
)
READY = "UPDATE attachments SET state = 'ready', kept_until = $2 WHERE id = $1"
KEEP = """UPDATE attachments SET kept_until = greatest(kept_until, $3) WHERE id = ANY($1::uuid[]) AND user_id = $2
  AND removed_at IS NULL"""

# ---- going

MARK = "UPDATE attachments SET removed_at = coalesce(removed_at, $2), kept_until = $2 WHERE id = $1"


class Gone(msgspec.Struct):
    """A file whose bytes are to go."""

    id: UUID
    object: str


GONE = Query(Gone, "SELECT id, object FROM attachments WHERE id = $1 AND removed_at IS NOT NULL")
# What nothing has carried for long enough, and what was removed but is still there. Looked at again under the lock,
# which a message that takes one up at this moment holds.
LOOSE = Query(
    Gone,
    """WITH loose AS (
      SELECT id FROM attachments WHERE kept_until < $1
        AND (attached = 0 OR removed_at IS NOT NULL)
      ORDER BY kept_until LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE attachments AS a SET removed_at = coalesce(a.removed_at, $1) FROM loose WHERE a.id = loose.id
    RETURNING a.id, a.object""",
)
FORGET = """WITH gone AS (
  DELETE FROM attachments WHERE id = $1 AND removed_at IS NOT NULL AND attached = 0 RETURNING space_id, size)
UPDATE attachment_spaces AS s SET used = s.used - gone.size FROM gone WHERE s.id = gone.space_id"""
