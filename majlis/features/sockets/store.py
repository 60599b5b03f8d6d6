"""Rows of those who are connected, and of tickets."""

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


USE = Query(
    Used,
    "DELETE FROM socket_tickets WHERE token_hash = $1 AND expires_at > $2 RETURNING session_id, user_id, aal",
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
    bool,
    """SELECT true FROM socket_presence WHERE user_id = $1 AND state = 'active' AND expires_at > $2 LIMIT 1""",
)
PURGE = "DELETE FROM socket_presence WHERE expires_at < $1"
