"""Rows of what people say of themselves. Now is $2 where it counts."""

from uuid import UUID

from majlis.features.availability.model import PresenceChoice, Told, UserStatus
from majlis.kit.db import Query

# Held until the transaction ends: one change after the other, and nothing is written that was so before.
CHOICE = Query(
    PresenceChoice, "SELECT presence, until FROM availability WHERE user_id = $1 FOR NO KEY UPDATE"
)
STATUS = Query(
    UserStatus, "SELECT emoji, text, expires_at FROM availability WHERE user_id = $1 FOR NO KEY UPDATE"
)
CHOOSE = """INSERT INTO availability (user_id, presence, until, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id) DO UPDATE SET presence = excluded.presence, until = excluded.until,
  updated_at = excluded.updated_at"""
SAY = """INSERT INTO availability (user_id, emoji, text, expires_at, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (user_id) DO UPDATE SET emoji = excluded.emoji, text = excluded.text, expires_at = excluded.expires_at,
  updated_at = excluded.updated_at"""
CHOICES = Query(
    Told,
    """SELECT user_id, presence, until FROM availability
    WHERE user_id = ANY($1::uuid[]) AND presence <> 'auto' AND (until IS NULL OR until > $2)""",
)


class Said(UserStatus):
    """Somebody's status, and whose it is."""

    user_id: UUID


STATUSES = Query(
    Said,
    """SELECT emoji, text, expires_at, user_id FROM availability WHERE user_id = ANY($1::uuid[])
    AND (emoji IS NOT NULL OR text IS NOT NULL) AND (expires_at IS NULL OR expires_at > $2)""",
)
