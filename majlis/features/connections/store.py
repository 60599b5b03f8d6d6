"""Rows of connected accounts."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.connections.model import Connection, Deleted
from majlis.kit import sealed
from majlis.kit.db import Query

VERIFIER = sealed.column("connection_attempts", "verifier", "id")
ACCESS = sealed.column("connections", "access_token", "id")
REFRESH = sealed.column("connections", "refresh_token", "id")
REVOCATION = sealed.column("connection_revocations", "token", "id")


class Begun(msgspec.Struct):
    """An attempt; its verifier sealed, or empty."""

    id: UUID
    verifier: str
    expires_at: datetime


class Row(msgspec.Struct):
    """A connection with its sealed tokens."""

    id: UUID
    user_id: UUID
    platform: str
    subject: str
    access_token: str
    refresh_token: str
    expires_at: datetime | None
    is_connected: bool


class Revoking(msgspec.Struct):
    """A sealed token that has to be revoked."""

    id: UUID
    platform: str
    token: str


ADD_ATTEMPT = """
INSERT INTO connection_attempts (id, state_hash, user_id, platform, verifier, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
"""
# Of several who come at once one gets it.
TAKE_ATTEMPT = Query(
    Begun,
    """DELETE FROM connection_attempts WHERE state_hash = $1 AND user_id = $2 AND platform = $3
    RETURNING id, verifier, expires_at""",
)
# The newest of somebody's stay; whoever begins again and again leaves no heap.
TRIM_ATTEMPTS = """
DELETE FROM connection_attempts WHERE id IN
  (SELECT id FROM connection_attempts WHERE user_id = $1 ORDER BY expires_at DESC OFFSET 20)
"""
PURGE_ATTEMPTS = "DELETE FROM connection_attempts WHERE expires_at < $1"

_SHOWN = "id, platform, username, profile_url, is_connected, created_at AS connected_at"
ADD = Query(
    Connection,
    f"""INSERT INTO connections (id, user_id, platform, subject, username, profile_url, access_token, refresh_token,
      expires_at, refresh_after, is_connected, created_at, updated_at, app_subject)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true, $11, $11, $12)
    RETURNING {_SHOWN}""",
)
LIST = Query(
    Connection,
    f"SELECT {_SHOWN} FROM connections WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 50",
)
_ROW = ", ".join(Row.__struct_fields__)
TAKE_PLATFORM = Query(Row, f"DELETE FROM connections WHERE user_id = $1 AND platform = $2 RETURNING {_ROW}")
TAKE = Query(Row, f"DELETE FROM connections WHERE id = $1 AND user_id = $2 RETURNING {_ROW}")
TAKE_ALL = Query(Row, f"DELETE FROM connections WHERE user_id = $1 RETURNING {_ROW}")
# Somebody else connected the same account there: what revokes the one would revoke the other.
SHARED = Query(int, "SELECT 1 FROM connections WHERE platform = $1 AND subject = $2 LIMIT 1")

DUE = Query(
    UUID,
    """SELECT id FROM connections WHERE is_connected AND refresh_after <= $1
    AND (claimed_until IS NULL OR claimed_until <= $1) ORDER BY refresh_after LIMIT 1000""",
)
# One at a time, without keeping a transaction open while the network is asked.
CLAIM = Query(
    Row,
    f"""UPDATE connections SET claimed_until = $3 WHERE id = $1 AND is_connected AND refresh_after <= $2
    AND (claimed_until IS NULL OR claimed_until <= $2) RETURNING {_ROW}""",
)
RENEW = Query(
    UUID,
    """UPDATE connections SET access_token = $3, refresh_token = $4, expires_at = $5, refresh_after = $6,
      claimed_until = NULL, updated_at = $7
    WHERE id = $1 AND claimed_until = $2 AND is_connected RETURNING id""",
)
LATER = "UPDATE connections SET refresh_after = $3, claimed_until = NULL WHERE id = $1 AND claimed_until = $2"
OVER = """
UPDATE connections SET is_connected = false, access_token = '', refresh_token = '', expires_at = NULL,
  refresh_after = NULL, claimed_until = NULL, updated_at = $3
WHERE id = $1 AND claimed_until = $2
"""
# Nothing can renew these.
ENDED = """
UPDATE connections SET is_connected = false, access_token = '', refresh_token = '', updated_at = $1
WHERE is_connected AND refresh_after IS NULL AND expires_at <= $1
"""

# Of somebody as a network names them ($2), connected before $3: what was connected since is another permission.
_TOLD = "platform = $1 AND (subject = $2 OR app_subject = $2) AND created_at <= $3"
TAKEN_BACK = f"""
UPDATE connections SET is_connected = false, access_token = '', refresh_token = '', expires_at = NULL,
  refresh_after = NULL, claimed_until = NULL, updated_at = $4
WHERE {_TOLD} AND is_connected
"""
DELETE_TOLD = f"DELETE FROM connections WHERE {_TOLD}"
ADD_DELETION = """
INSERT INTO connection_deletions (code, platform, deleted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
DELETION = Query(Deleted, "SELECT platform, deleted_at FROM connection_deletions WHERE code = $1")
PURGE_DELETIONS = "DELETE FROM connection_deletions WHERE deleted_at < $1"

ADD_REVOCATION = (
    "INSERT INTO connection_revocations (id, platform, token, created_at) VALUES ($1, $2, $3, $4)"
)
GET_REVOCATION = Query(Revoking, "SELECT id, platform, token FROM connection_revocations WHERE id = $1")
DROP_REVOCATION = "DELETE FROM connection_revocations WHERE id = $1"
LEFT = Query(
    UUID, "SELECT id FROM connection_revocations WHERE created_at < $1 ORDER BY created_at LIMIT 500"
)
