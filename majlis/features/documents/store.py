"""Rows of documents. In all statements with a viewer, that is $1."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.documents.model import DocumentLine
from majlis.features.graph.service import BLOCKED
from majlis.kit.db import Query

_MAY = f"""(d.owner_id = $1 OR (NOT d.owner_id = ANY ({BLOCKED}) AND coalesce(
  (SELECT true FROM document_people c WHERE c.document_id = d.id AND c.user_id = $1), false)))"""
_PEOPLE = (
    """ARRAY(SELECT user_id FROM document_people c WHERE c.document_id = d.id ORDER BY added_at, user_id)"""
)


class Row(msgspec.Struct):
    """A document as stored."""

    id: UUID
    title: str
    owner_id: UUID
    collaborators: list[UUID]
    version: int
    created_at: datetime
    updated_at: datetime
    state: bytes
    state_version: int


ONE = Query(
    Row,
    f"""SELECT d.id, d.title, d.owner_id, {_PEOPLE} AS collaborators, d.version, d.created_at, d.updated_at, d.state,
      d.state_version FROM documents d WHERE d.id = $2 AND {_MAY}""",
)
# Held until the transaction ends: one change after the other. What lies beside it is read behind the lock.
HOLD = Query(bool, f"SELECT true FROM documents d WHERE d.id = $2 AND {_MAY} FOR NO KEY UPDATE OF d")
MAY = Query(bool, f"SELECT true FROM documents d WHERE d.id = $2 AND {_MAY}")
UPDATES = Query(
    bytes,
    "SELECT update FROM document_updates WHERE document_id = $1 AND version > $2 AND version <= $3 ORDER BY version",
)
MAKE = """INSERT INTO documents (id, owner_id, title, state, created_at, updated_at) VALUES ($2, $1, $3, $4, $5, $5)"""
SHARE = """INSERT INTO document_people (document_id, user_id, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"""
UNSHARE = "DELETE FROM document_people WHERE document_id = $1 AND user_id = $2"
ADD = """WITH told AS (
  INSERT INTO document_updates (document_id, version, user_id, update, changes, created_at) VALUES ($2, $3, $1, $4, $5, $6))
UPDATE documents SET version = $3, updated_at = $6 WHERE id = $2"""
FOLD = """WITH gone AS (DELETE FROM document_updates WHERE document_id = $1 AND version <= $4)
UPDATE documents SET state = $2, state_version = $3 WHERE id = $1"""
# Those who edit it and may see it: across a block with its owner nobody hears of it.
READERS = Query(
    UUID,
    """SELECT c.user_id FROM document_people c JOIN documents d ON d.id = c.document_id
    WHERE c.document_id = $1 AND NOT coalesce((SELECT true FROM user_blocks b
      WHERE (b.blocker_id = d.owner_id AND b.blocked_id = c.user_id)
        OR (b.blocker_id = c.user_id AND b.blocked_id = d.owner_id) LIMIT 1), false)""",
)
CHANGES = Query(
    msgspec.Raw,
    f"""SELECT u.changes FROM document_updates u JOIN documents d ON d.id = u.document_id
    WHERE u.document_id = $2 AND u.version = $3 AND {_MAY}""",
)
DELETE = "DELETE FROM documents WHERE id = $1"
_LINE = "d.id, d.title, d.owner_id, d.version, d.created_at, d.updated_at"


def listing(*, continued: bool) -> Query[DocumentLine]:
    """Documents of the viewer and those shared with them, the latest first; behind ($3 moment, $4 id)."""
    behind = " AND (d.updated_at, d.id) < ($3, $4)" if continued else ""
    return Query(
        DocumentLine,
        f"""SELECT {_LINE} FROM documents d
        WHERE d.id IN (SELECT id FROM documents WHERE owner_id = $1
          UNION ALL SELECT document_id FROM document_people WHERE user_id = $1) AND {_MAY}{behind}
        ORDER BY d.updated_at DESC, d.id DESC LIMIT $2""",
    )


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    return [listing(continued=continued).sql for continued in (False, True)]
