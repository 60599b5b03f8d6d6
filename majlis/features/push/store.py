"""Rows of devices."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.push.model import Device, Kind
from majlis.kit.db import Query

MOST = 20  # devices of a person: a push goes to all of them at once

# Under another owner it is another device: neither learns that it is the same, and what waits for the former
# owner does not reach it.
REGISTER = Query(
    Device,
    """INSERT INTO devices AS d
      (id, user_id, session_id, kind, token, token_hash, p256dh, auth, name, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
    ON CONFLICT (token_hash) DO UPDATE SET
      id = CASE WHEN d.user_id = excluded.user_id THEN d.id ELSE excluded.id END,
      created_at = CASE WHEN d.user_id = excluded.user_id THEN d.created_at ELSE excluded.created_at END,
      user_id = excluded.user_id, session_id = excluded.session_id, p256dh = excluded.p256dh,
      auth = excluded.auth, name = excluded.name, updated_at = excluded.updated_at
    RETURNING id, kind, name, true AS current, created_at, updated_at""",
)
# Rows that somebody holds are left for the next time: so nobody waits for anybody, crosswise least of all.
FORGET_OLDEST = f"""
DELETE FROM devices WHERE id IN (
  SELECT id FROM devices WHERE user_id = $1 ORDER BY updated_at DESC, id DESC OFFSET {MOST}
  FOR UPDATE SKIP LOCKED)
"""
LIST = Query(
    Device,
    f"""SELECT d.id, d.kind, d.name, coalesce(d.session_id = $2, false) AS current, d.created_at, d.updated_at
    FROM devices d JOIN user_sessions s ON s.id = d.session_id AND NOT s.revoked AND s.expires_at > $3
    WHERE d.user_id = $1 ORDER BY d.updated_at DESC, d.id DESC LIMIT {MOST}""",
)
REMOVE = "DELETE FROM devices WHERE id = $2 AND user_id = $1"
REMOVE_TOKEN = "DELETE FROM devices WHERE token_hash = $2 AND user_id = $1"
END_SESSIONS = "DELETE FROM devices WHERE user_id = $1 AND session_id = ANY($2::uuid[])"
END_ALL = "DELETE FROM devices WHERE user_id = $1"


class Reached(msgspec.Struct):
    """A device that a push goes to."""

    id: UUID
    kind: Kind
    token: str
    p256dh: str | None
    auth: str | None
    updated_at: datetime


# A session counts from the moment that it ends, though its devices are removed a little later.
REACHED = Query(
    Reached,
    f"""SELECT d.id, d.kind, d.token, d.p256dh, d.auth, d.updated_at
    FROM devices d
    JOIN user_sessions s ON s.id = d.session_id AND NOT s.revoked AND s.expires_at > $3
    JOIN users u ON u.id = d.user_id AND u.deleted_at IS NULL AND u.suspended_at IS NULL
    WHERE d.user_id = $1 AND ($2::uuid[] IS NULL OR d.id = ANY($2))
    ORDER BY d.updated_at DESC LIMIT {MOST}""",
)
# Unless it was registered again meanwhile.
DROP = "DELETE FROM devices WHERE id = $1 AND updated_at = $2"


def has_device(person: str) -> str:
    """SQL: whether this person has a device at all."""
    return f"coalesce((SELECT true FROM devices d WHERE d.user_id = {person} LIMIT 1), false)"
