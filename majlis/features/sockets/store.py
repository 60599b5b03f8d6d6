"""Rows of those who are connected, and of tickets."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.sockets.model import Presence
from majlis.kit.db import Query

MAKE = """
INSERT INTO socket_tickets (token_hash, session_id, user_id, aal, expires_at) VALUES ($1, $2, $3, $4, $5)
"""


class Used(msgspec.Struct):
    """Whom a ticket lets in."""

    session_id: UUID
    user_id: UUID
    aal: int
    door: str  # of the session
    until: datetime  # its access token


USE = Query(
    Used,
    """DELETE FROM socket_tickets t USING user_sessions s
    WHERE t.token_hash = $1 AND t.expires_at > $2 AND s.id = t.session_id
    RETURNING t.session_id, t.user_id, t.aal, s.door, s.access_expires_at AS until""",
)
PURGE_TICKETS = "DELETE FROM socket_tickets WHERE expires_at < $1"

# In the order of ids, so that two processes do not wait for one another in a circle. Who was erased is left out.
NOTE = """
INSERT INTO socket_presence AS p (user_id, node, state, last_active_at, expires_at)
SELECT u.id, $1, n.state, n.active, n.expires
FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS n (id, state, active, expires)
JOIN users u ON u.id = n.id ORDER BY u.id
ON CONFLICT (user_id, node) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at,
  last_active_at = greatest(p.last_active_at, excluded.last_active_at)
"""
LEAVE = "UPDATE socket_presence SET expires_at = $2 WHERE node = $1 AND expires_at > $2"
OF = Query(
    Presence,
    """SELECT user_id, node, state, last_active_at, expires_at FROM socket_presence
    WHERE user_id = ANY($1::uuid[])""",
)
CONNECTED = Query(
    UUID,
    """SELECT DISTINCT user_id FROM socket_presence
    WHERE user_id = ANY($1::uuid[]) AND state = 'active' AND expires_at > $2""",
)
PURGE = "DELETE FROM socket_presence WHERE expires_at < $1"
