"""Rows of box offices and types of tickets, and the statements that take places in them."""

from uuid import UUID

from majlis.features.boxoffice.model import Office, Type
from majlis.kit.db import Query

_OFFICE = ", ".join(Office.__struct_fields__)
_TYPE = ", ".join(Type.__struct_fields__)

OFFICE = Query(Office, f"SELECT {_OFFICE} FROM box_offices WHERE post_id = $1")
HOLD = Query(Office, f"SELECT {_OFFICE} FROM box_offices WHERE post_id = $1 FOR NO KEY UPDATE")
# Nothing when more is taken than would fit, or when something was taken in another currency.
PUT = Query(
    Office,
    f"""INSERT INTO box_offices AS o (post_id, currency, capacity, refundable, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT (post_id) DO UPDATE SET currency = excluded.currency, capacity = excluded.capacity,
      refundable = excluded.refundable, updated_at = excluded.updated_at
    WHERE (o.currency = excluded.currency OR o.held + o.sold = 0)
      AND (excluded.capacity IS NULL OR o.held + o.sold <= excluded.capacity)
    RETURNING {_OFFICE}""",
)
CANCEL = Query(
    UUID,
    """UPDATE box_offices SET cancelled_at = $2, updated_at = $2 WHERE post_id = $1 AND cancelled_at IS NULL
    RETURNING post_id""",
)
HOSTED = Query(
    UUID,
    """SELECT o.post_id FROM box_offices o JOIN posts p ON p.id = o.post_id
    WHERE p.user_id = $1 AND o.cancelled_at IS NULL ORDER BY o.post_id LIMIT 1000""",
)

OFFICES = Query(Office, f"SELECT {_OFFICE} FROM box_offices WHERE post_id = ANY($1::uuid[])")
ALL_TYPES = Query(Type, f"SELECT {_TYPE} FROM ticket_types WHERE post_id = ANY($1::uuid[]) ORDER BY id")
TYPES = Query(Type, f"SELECT {_TYPE} FROM ticket_types WHERE post_id = $1 ORDER BY id")
TYPE = Query(Type, f"SELECT {_TYPE} FROM ticket_types WHERE id = $1")
HOLD_TYPE = Query(Type, f"SELECT {_TYPE} FROM ticket_types WHERE id = $1 FOR NO KEY UPDATE")
ADD_TYPE = """
INSERT INTO ticket_types (id, post_id, name, description, kind, price, capacity, per_buyer, sale_starts, sale_ends,
  access_code, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
"""
CHANGE_TYPE = """
UPDATE ticket_types SET name = $2, description = $3, kind = $4, price = $5, capacity = $6, per_buyer = $7,
  sale_starts = $8, sale_ends = $9, access_code = $10, updated_at = $11 WHERE id = $1
"""
REMOVE_TYPE = "DELETE FROM ticket_types WHERE id = $1"

# $2 more are reserved and $3 more sold, if they fit. Who does not come from the waiting list ($4) leaves room for those
# on it. UPDATE looks at the row again once it has waited for it, so no two take the same place.
_FITS = """(capacity IS NULL OR held + sold + $2 + $3 + CASE WHEN $4 THEN 0 ELSE waiting END <= capacity)"""
TAKE = Query(
    str,
    f"""UPDATE box_offices SET held = held + $2, sold = sold + $3
    WHERE post_id = $1 AND cancelled_at IS NULL AND {_FITS} RETURNING currency""",
)
TAKE_TYPE = Query(
    int,
    f"""UPDATE ticket_types SET held = held + $2, sold = sold + $3 WHERE id = $1 AND {_FITS} RETURNING waiting""",
)
# $2 fewer are reserved, $3 more sold or fewer. How many wait.
MOVE = Query(
    int,
    """UPDATE box_offices SET held = held - $2, sold = sold + $3 WHERE post_id = $1 RETURNING waiting""",
)
MOVE_TYPE = "UPDATE ticket_types SET held = held - $2, sold = sold + $3 WHERE id = $1"
