"""Rows of keys and of scans."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.admission.model import Result
from majlis.kit import sealed
from majlis.kit.db import Query

SEALED = sealed.column("admission_keys", "private_key", "id")


class KeyRow(msgspec.Struct):
    """A key as it is stored; the private one sealed."""

    id: str
    private_key: str
    public_key: bytes
    current: bool
    created_at: datetime


_KEY = ", ".join(KeyRow.__struct_fields__)
KEYS = Query(KeyRow, f"SELECT {_KEY} FROM admission_keys ORDER BY created_at DESC, id LIMIT 100")
CURRENT = Query(KeyRow, f"SELECT {_KEY} FROM admission_keys WHERE current")
RETIRE = "UPDATE admission_keys SET current = false WHERE current"
# Nothing when another one became current at the same moment.
ADD_KEY = Query(
    str,
    """INSERT INTO admission_keys (id, private_key, public_key, current, created_at) VALUES ($1, $2, $3, true, $4)
    ON CONFLICT DO NOTHING RETURNING id""",
)


class Row(msgspec.Struct):
    """A scan as it is stored."""

    id: UUID
    ticket_id: UUID
    nonce: str
    result: Result
    device: str | None
    scanned_at: datetime


_ROW = ", ".join(Row.__struct_fields__)
KNOWN = Query(
    Row,
    f"SELECT {_ROW} FROM check_ins WHERE post_id = $1 AND (nonce = ANY($2::text[]) OR ticket_id = ANY($3::uuid[]))",
)
# In the order of nonces, so that two batches do not wait for each other. What another batch wrote at this moment stays.
ADD = """
INSERT INTO check_ins (id, post_id, ticket_id, nonce, result, device, scanned_by, scanned_at, received_at)
SELECT id, $1, ticket_id, nonce, result, $2, $3, scanned_at, $4
FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::timestamptz[])
  AS new (id, ticket_id, nonce, result, scanned_at)
ORDER BY nonce ON CONFLICT (post_id, nonce) DO NOTHING
"""
# Somebody else turned out to be earlier.
SECOND = "UPDATE check_ins SET result = 'already_used' WHERE id = ANY($1::uuid[])"

_CAME = f"SELECT {_ROW} FROM check_ins WHERE post_id = $1 AND result = 'admitted'"
_LATEST = "ORDER BY scanned_at DESC, id DESC"
CAME = Query(Row, f"{_CAME} AND (scanned_at, id) < ($2, $3) {_LATEST} LIMIT $4")
CAME_FIRST = Query(Row, f"{_CAME} {_LATEST} OFFSET $2 LIMIT $3")
CAME_TOTAL = Query(int, "SELECT count(*) FROM check_ins WHERE post_id = $1 AND result = 'admitted'")
