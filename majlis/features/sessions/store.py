"""Rows of sessions."""

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.sessions.model import Session, network
from majlis.kit.db import Joint, Query
from majlis.kit.joint import asked, of_caller


class Caller(msgspec.Struct):
    """What a token stands for at this moment."""

    user_id: UUID
    role: str
    aal: int
    mfa_enabled: bool
    email_verified: bool


# The latest use is noted on the way: every five minutes and on every new day (UTC, by which the active are counted), and
# never behind somebody who holds the row. What is noted is a write to the disk, which most look-ups go without.
_CALLER_TYPES = ["uuid", "timestamptz"]  # session, now
_NOTED = """NOT s.revoked AND (s.last_used_at <= $2::timestamptz - interval '5 minutes'
  OR (s.last_used_at AT TIME ZONE 'UTC')::date < ($2::timestamptz AT TIME ZONE 'UTC')::date)"""
_CALLER = "s.user_id, u.role, s.aal, u.mfa_enabled, u.email_verified"
_CALLS = "NOT s.revoked AND s.expires_at > $2 AND u.deleted_at IS NULL AND u.suspended_at IS NULL"
CALLER = Joint(
    Caller,
    f"""WITH used AS (
      UPDATE user_sessions SET last_used_at = $2 WHERE id = (
        SELECT id FROM user_sessions s WHERE id = $1 AND {_NOTED} FOR NO KEY UPDATE SKIP LOCKED))
    SELECT {_CALLER} FROM user_sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 AND {_CALLS}""",
    _CALLER_TYPES,
    many=f"""WITH used AS (
      UPDATE user_sessions t SET last_used_at = due.now FROM (
        SELECT s.id, asked.a2 AS now FROM {asked(_CALLER_TYPES)} JOIN user_sessions s ON s.id = asked.a1
        WHERE {of_caller(_NOTED, _CALLER_TYPES)} FOR NO KEY UPDATE OF s SKIP LOCKED
      ) due WHERE t.id = due.id
    )
    SELECT {_CALLER}, asked.n FROM {asked(_CALLER_TYPES)} JOIN user_sessions s ON s.id = asked.a1
    JOIN users u ON u.id = s.user_id WHERE {of_caller(_CALLS, _CALLER_TYPES)}""",
    most=16,
)
OPEN = """
INSERT INTO user_sessions (id, user_id, refresh_token, access_token_hash, access_expires_at, aal, device_info,
  ip_address, user_agent, expires_at, created_at, updated_at, last_used_at, door)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11, $12)
"""


class Refreshing(msgspec.Struct):
    """A session whose refresh token was shown."""

    id: UUID
    user_id: UUID
    email: str
    aal: int
    expires_at: datetime
    revoked: bool
    suspended: bool
    refresh_token: bytes
    door: str


_REFRESHING = """
SELECT s.id, s.user_id, u.email, s.aal, s.expires_at, s.revoked, u.suspended_at IS NOT NULL AS suspended,
  s.refresh_token, s.door
FROM user_sessions s JOIN users u ON u.id = s.user_id AND u.deleted_at IS NULL
"""
BY_REFRESH = Query(
    Refreshing,
    f"{_REFRESHING} WHERE s.refresh_token = $1 AND s.expires_at > $2 AND s.door = $3 FOR UPDATE OF s",
)
LIVE = Query(
    Refreshing,
    f"""{_REFRESHING}
    WHERE s.id = $1 AND s.user_id = $2 AND NOT s.revoked AND s.expires_at > $3 FOR UPDATE OF s""",
)
ROTATE = """
UPDATE user_sessions SET refresh_token = $2, access_token_hash = $3, access_expires_at = $4, expires_at = $5,
  aal = $6, updated_at = $7, last_used_at = $7 WHERE id = $1
"""
BLACKLIST = """
INSERT INTO token_blacklist (id, token_hash, session_id, expires_at, reason) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (token_hash) DO NOTHING
"""
ROTATED = Query(
    UUID, "SELECT session_id FROM token_blacklist WHERE token_hash = $1 AND session_id IS NOT NULL"
)


class Ended(msgspec.Struct):
    """A session that was just revoked."""

    id: UUID
    access_token_hash: bytes
    access_expires_at: datetime
    refresh_token: bytes
    expires_at: datetime


REVOKE = Query(
    Ended,
    """UPDATE user_sessions SET revoked = true, revoked_at = $4, updated_at = $4
    WHERE NOT revoked AND expires_at > $4 AND user_id = $1
      AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id <> $3) AND ($5::text IS NULL OR door = $5)
    RETURNING id, access_token_hash, access_expires_at, refresh_token, expires_at""",
)
OWNER = Query(UUID, "SELECT user_id FROM user_sessions WHERE id = $1")
ID_BY_REFRESH = Query(
    UUID, "SELECT id FROM user_sessions WHERE refresh_token = $1 AND user_id = $2 AND NOT revoked"
)


class Row(msgspec.Struct):
    """A live session."""

    id: UUID
    device_info: msgspec.Raw | None
    ip_address: IPv4Address | IPv6Address | Any
    user_agent: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime

    def shown(self, current: UUID | None) -> Session:
        """The session as its owner sees it."""
        return Session(
            self.id,
            msgspec.json.decode(self.device_info) if self.device_info else None,
            network(self.ip_address),
            self.user_agent,
            self.expires_at,
            self.created_at,
            self.updated_at,
            self.last_used_at,
            self.id == current,
        )


LIST = Query(
    Row,
    """SELECT id, device_info, ip_address, user_agent, expires_at, created_at, updated_at, last_used_at
    FROM user_sessions WHERE user_id = $1 AND NOT revoked AND expires_at > $2
      AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
    ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6""",
)
COUNT = Query(
    int, "SELECT count(*) FROM user_sessions WHERE user_id = $1 AND NOT revoked AND expires_at > $2"
)
PURGE_BLACKLIST = "DELETE FROM token_blacklist WHERE expires_at < $1"
PURGE_SESSIONS = "DELETE FROM user_sessions WHERE expires_at < $1"
