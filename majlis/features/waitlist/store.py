"""Rows of waiting lists."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.events.service import ends
from majlis.features.waitlist.model import Status, WaitlistEntry
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """An entry as it is stored."""

    id: UUID
    post_id: UUID
    type_id: UUID
    user_id: UUID
    quantity: int
    status: Status
    offer_expires_at: datetime | None


_ROW = "id, post_id, type_id, user_id, quantity, status, offer_expires_at"
ADD = Query(
    UUID,
    """INSERT INTO waitlist_entries (id, post_id, type_id, user_id, quantity, status, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6)
    ON CONFLICT (type_id, user_id) WHERE status IN ('waiting', 'offered') DO NOTHING RETURNING id""",
)
HOLD = Query(Row, f"SELECT {_ROW} FROM waitlist_entries WHERE id = $1 FOR NO KEY UPDATE")
MOVE = """
UPDATE waitlist_entries SET status = $2, offer_expires_at = NULL, updated_at = $3 WHERE id = $1
"""
# For who waits still; the event bounds how long it is kept.
OFFER = Query(
    UUID,
    f"""UPDATE waitlist_entries SET status = 'offered', updated_at = $3,
      offer_expires_at = least($2, (SELECT {ends("p")} FROM posts p WHERE p.id = post_id))
    WHERE id = $1 AND status = 'waiting' RETURNING user_id""",
)
# First come, first served, behind the id $3. Who leaves at this moment is passed over.
LINE = Query(
    Row,
    f"""SELECT {_ROW} FROM waitlist_entries
    WHERE post_id = $1 AND status = 'waiting' AND id > $3
      AND (SELECT {ends("p")} > $2 FROM posts p WHERE p.id = $1)
    ORDER BY id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED""",
)
OVERDUE = Query(
    Row,
    f"""SELECT {_ROW} FROM waitlist_entries WHERE status = 'offered' AND offer_expires_at <= $1
    ORDER BY post_id, id LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED""",
)
LINES = Query(
    UUID,
    f"""SELECT p.id FROM posts p WHERE {ends("p")} > $1 AND p.id IN
      (SELECT DISTINCT post_id FROM waitlist_entries WHERE status = 'waiting' AND post_id > $2)
    ORDER BY p.id LIMIT $3""",
)
_LIVE = "status IN ('waiting', 'offered')"
OF_EVENT = Query(
    Row,
    f"""SELECT {_ROW} FROM waitlist_entries WHERE post_id = $1 AND {_LIVE} ORDER BY id LIMIT 200
    FOR NO KEY UPDATE""",
)
OF_PERSON = Query(
    Row,
    f"""SELECT {_ROW} FROM waitlist_entries WHERE user_id = $1 AND {_LIVE} ORDER BY post_id, id LIMIT 200
    FOR NO KEY UPDATE""",
)

_ENTRY = """SELECT w.id, w.post_id, w.type_id, w.quantity, w.status,
  CASE WHEN w.status = 'waiting' THEN (SELECT count(*) FROM waitlist_entries b
    WHERE b.post_id = w.post_id AND b.type_id = w.type_id AND b.status = 'waiting' AND b.id < w.id) ELSE 0 END AS ahead,
  w.offer_expires_at, w.created_at
  FROM waitlist_entries w"""
GET = Query(WaitlistEntry, f"{_ENTRY} WHERE w.id = $1 AND w.user_id = $2")
MINE = Query(WaitlistEntry, f"{_ENTRY} WHERE w.user_id = $1 AND w.id < $2 ORDER BY w.id DESC LIMIT $3")
MINE_FIRST = Query(WaitlistEntry, f"{_ENTRY} WHERE w.user_id = $1 ORDER BY w.id DESC OFFSET $2 LIMIT $3")
MINE_TOTAL = Query(int, "SELECT count(*) FROM waitlist_entries WHERE user_id = $1")
