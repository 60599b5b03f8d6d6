"""Rows of tickets and of their transfers."""

from uuid import UUID

import msgspec

from majlis.features.tickets.model import Listed, Moved, Row, Transfer
from majlis.kit.db import Query

_ROW = """t.id, t.post_id, t.type_id, y.name AS type_name, t.order_id, t.holder_id, t.code, t.price, t.paid, t.currency,
  t.status, t.created_at AS purchased_at, t.used_at, t.serial, p.user_id AS host_id"""
_FROM = "tickets t JOIN ticket_types y ON y.id = t.type_id JOIN posts p ON p.id = t.post_id"
_SELECT = f"SELECT {_ROW} FROM {_FROM}"

# All tickets of an order in one statement.
ISSUE = """
INSERT INTO tickets (id, post_id, type_id, order_id, buyer_id, holder_id, code, price, paid, currency, status,
  created_at, updated_at)
SELECT id, $1, type_id, $2, $3, $3, code, price, paid, $4, $5, $6, $6
FROM unnest($7::uuid[], $8::uuid[], $9::text[], $10::bigint[], $11::bigint[]) AS new (id, type_id, code, price, paid)
"""
GET = Query(Row, f"{_SELECT} WHERE t.id = $1")
SOME = Query(Row, f"{_SELECT} WHERE t.id = ANY($1::uuid[])")
HOLD = Query(Row, f"{_SELECT} WHERE t.id = $1 FOR NO KEY UPDATE OF t")
OF_ORDER = Query(Row, f"{_SELECT} WHERE t.order_id = $1 ORDER BY t.id")
OF_ORDERS = Query(Row, f"{_SELECT} WHERE t.order_id = ANY($1::uuid[]) ORDER BY t.id")
BY_CODE = Query(Row, f"{_SELECT} WHERE t.post_id = $1 AND t.code = ANY($2::text[])")
# Held in the order of their ids, so that two batches do not wait for each other.
HOLD_SOME = Query(
    Row, f"{_SELECT} WHERE t.post_id = $1 AND t.id = ANY($2::uuid[]) ORDER BY t.id FOR NO KEY UPDATE OF t"
)


class Count(msgspec.Struct):
    """How many of a type."""

    type_id: UUID
    count: int


BOUGHT = Query(
    Count,
    """SELECT type_id, count(*) FROM tickets
    WHERE buyer_id = $1 AND type_id = ANY($2::uuid[]) AND status IN ('reserved', 'paid', 'used') GROUP BY type_id""",
)
RESERVED = Query(
    int, "SELECT count(*) FROM tickets WHERE buyer_id = $1 AND post_id = $2 AND status = 'reserved'"
)
LIVE = Query(
    bool,
    """SELECT EXISTS (SELECT FROM tickets
      WHERE holder_id = $1 AND post_id = $2 AND status IN ('reserved', 'paid', 'used'))""",
)


_MOVED = "RETURNING t.id, t.type_id, t.holder_id, t.paid"
# Rows are held in the order of their ids here too.
MOVE_ORDER = Query(
    Moved,
    f"""WITH found AS (SELECT id FROM tickets WHERE order_id = $1 AND status = $2 ORDER BY id FOR NO KEY UPDATE)
    UPDATE tickets t SET status = $3, updated_at = $4 FROM found WHERE t.id = found.id {_MOVED}""",
)
# Those that are still good: what was used or given back stays as it is.
VOID = Query(
    Moved,
    f"""WITH found AS (
      SELECT id FROM tickets WHERE order_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2)) AND status = 'paid'
      ORDER BY id FOR NO KEY UPDATE)
    UPDATE tickets t SET status = CASE WHEN t.paid > 0 THEN 'refunded' ELSE 'cancelled' END, updated_at = $3
    FROM found WHERE t.id = found.id {_MOVED}""",
)
USE = """
UPDATE tickets t SET status = 'used', used_at = seen.at, updated_at = $3
FROM unnest($1::uuid[], $2::timestamptz[]) AS seen (id, at)
WHERE t.id = seen.id AND t.status IN ('paid', 'used')
"""

_MINE = f"{_SELECT} WHERE t.holder_id = $1"
MINE = Query(Row, f"{_MINE} AND t.id < $2 ORDER BY t.id DESC LIMIT $3")
MINE_FIRST = Query(Row, f"{_MINE} ORDER BY t.id DESC OFFSET $2 LIMIT $3")
MINE_TOTAL = Query(int, "SELECT count(*) FROM tickets WHERE holder_id = $1")
_EVENT = f"{_SELECT} WHERE t.post_id = $1"
OF_EVENT = Query(Row, f"{_EVENT} AND t.id < $2 ORDER BY t.id DESC LIMIT $3")
OF_EVENT_FIRST = Query(Row, f"{_EVENT} ORDER BY t.id DESC OFFSET $2 LIMIT $3")
OF_EVENT_TOTAL = Query(int, "SELECT count(*) FROM tickets WHERE post_id = $1")


LISTED = Query(
    Listed,
    """SELECT id, serial, status FROM tickets WHERE post_id = $1 AND id > $2 AND status IN ('paid', 'used')
    ORDER BY id LIMIT $3""",
)

# ---- changing hands

_TRANSFER = "f.id, f.ticket_id, t.post_id, f.from_id, f.to_id, f.status, f.created_at"
_TRANSFERS = f"SELECT {_TRANSFER} FROM ticket_transfers f JOIN tickets t ON t.id = f.ticket_id"
ADD_TRANSFER = Query(
    UUID,
    """INSERT INTO ticket_transfers (id, ticket_id, from_id, to_id, status, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 'open', $5, $5)
    ON CONFLICT (ticket_id) WHERE status = 'open' DO NOTHING RETURNING id""",
)
TRANSFER = Query(Transfer, f"{_TRANSFERS} WHERE f.id = $1")
END_TRANSFER = Query(
    UUID,
    "UPDATE ticket_transfers SET status = $2, updated_at = $3 WHERE id = $1 AND status = 'open' RETURNING id",
)
WITHDRAW = """
UPDATE ticket_transfers SET status = 'withdrawn', updated_at = $2 WHERE status = 'open' AND ticket_id = ANY($1::uuid[])
"""
HAND_ON = Query(
    UUID,
    """UPDATE tickets SET holder_id = $3, code = $4, serial = serial + 1, updated_at = $5
    WHERE id = $1 AND holder_id = $2 AND status = 'paid' RETURNING id""",
)
_THEIRS = f"{_TRANSFERS} WHERE f.status = 'open' AND (f.from_id = $1 OR f.to_id = $1)"
OPEN = Query(Transfer, f"{_THEIRS} AND f.id < $2 ORDER BY f.id DESC LIMIT $3")
OPEN_FIRST = Query(Transfer, f"{_THEIRS} ORDER BY f.id DESC OFFSET $2 LIMIT $3")
OPEN_TOTAL = Query(
    int, "SELECT count(*) FROM ticket_transfers WHERE status = 'open' AND (from_id = $1 OR to_id = $1)"
)
