"""Rows of orders and of invoices."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from majlis.features.boxoffice.model import Type
from majlis.features.discounts.model import Priced
from majlis.features.events.service import ends
from majlis.features.invoices.model import Line
from majlis.features.orders.model import Order, Status, lines_of
from majlis.features.posts.model import Post, event_end
from majlis.features.tickets.model import Ticket
from majlis.kit.db import Query
from majlis.kit.me import Me

KEPT_FOR = timedelta(minutes=15)  # for whoever is to pay
_lines = msgspec.json.Decoder(list[Line])


class Row(msgspec.Struct):
    """An order as it is stored, with what was given back of its payment."""

    id: UUID
    post_id: UUID
    seller_id: UUID
    buyer_id: UUID | None
    lines: msgspec.Raw
    currency: str
    subtotal: int
    discount: int
    total: int
    discount_code: str | None
    status: Status
    expires_at: datetime | None
    payment_id: UUID | None
    event_ends: datetime
    paid_at: datetime | None
    created_at: datetime
    refunded: int
    invoice_number: int | None

    def items(self) -> list[Line]:
        """What was ordered."""
        return _lines.decode(self.lines)

    def counts(self) -> dict[UUID, int]:
        """How many tickets of each type."""
        return {line.type_id: line.quantity for line in self.items()}

    def shown(self, me: Me, tickets: Sequence[Ticket]) -> Order:
        """The same as the caller sees it: who handed a ticket on does not see the code of who has it now."""
        if not me.is_system and me.id != self.seller_id:
            tickets = [one for one in tickets if one.holder_id == me.id]
        kept = {
            name: getattr(self, name) for name in Order.__struct_fields__ if name not in ("lines", "tickets")
        }
        return Order(lines=self.items(), tickets=list(tickets), **kept)


# An event that is put off is not over before its new end: who came for the old one still gets the money back.
_ENDS = f"greatest(o.event_ends, (SELECT {ends('e')} FROM posts e WHERE e.id = o.post_id AND e.start_date IS NOT NULL))"
_ROW = f"""o.id, o.post_id, o.seller_id, o.buyer_id, o.lines, o.currency, o.subtotal, o.discount, o.total, o.discount_code,
  o.status, o.expires_at, o.payment_id, {_ENDS} AS event_ends, o.paid_at, o.created_at,
  coalesce((SELECT p.refunded FROM payments p WHERE p.id = o.payment_id), 0) AS refunded,
  (SELECT i.number FROM invoices i WHERE i.order_id = o.id AND i.kind = 'invoice') AS invoice_number"""
_SELECT = f"SELECT {_ROW} FROM orders o"
ADD = """
INSERT INTO orders (id, post_id, seller_id, buyer_id, lines, currency, subtotal, discount, total, discount_code, status,
  expires_at, event_ends, paid_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
"""
GET = Query(Row, f"{_SELECT} WHERE o.id = $1")
TITLE = Query(str, "SELECT title FROM posts WHERE id = $1")
HOLD = Query(Row, f"{_SELECT} WHERE o.id = $1 FOR NO KEY UPDATE OF o")
# What somebody has for an event that cost nothing and was not used; and the orders of it, held one after the other.
FREE = Query(
    UUID,
    "SELECT id FROM tickets WHERE holder_id = $1 AND post_id = $2 AND status = 'paid' AND paid = 0 ORDER BY id",
)
HOLD_FREE = Query(
    UUID,
    """SELECT id FROM orders WHERE id IN
      (SELECT order_id FROM tickets WHERE holder_id = $1 AND post_id = $2 AND status = 'paid' AND paid = 0)
    ORDER BY id FOR NO KEY UPDATE""",
)
PAID = """
UPDATE orders SET status = 'paid', payment_id = $2, expires_at = NULL, paid_at = $3, updated_at = $3 WHERE id = $1
"""
MOVE = "UPDATE orders SET status = $2, expires_at = NULL, updated_at = $3 WHERE id = $1"

# Those whose time is over. Who is being paid or cancelled at this moment is left alone.
_OVERDUE = f"{_SELECT} WHERE o.status = 'reserved' AND o.expires_at <= $1"
OVERDUE = Query(Row, f"{_OVERDUE} ORDER BY o.post_id, o.id LIMIT 50 FOR NO KEY UPDATE OF o SKIP LOCKED")
OVERDUE_OF = Query(
    Row, f"{_OVERDUE} AND o.post_id = $2 ORDER BY o.id LIMIT 50 FOR NO KEY UPDATE OF o SKIP LOCKED"
)
# Of an event that is cancelled before it is over.
TO_CANCEL = Query(
    Row,
    f"""{_SELECT} WHERE o.post_id = $1 AND o.status IN ('reserved', 'paid') AND {_ENDS} > $2 AND o.id > $3
    ORDER BY o.id LIMIT 50 FOR NO KEY UPDATE OF o""",
)

# Orders of an event for which somebody pays, held one after the other; and, behind that, when it is over as it is now.
# Whatever state they are in: one that is being paid at this moment is waited for.
EARNING = Query(
    UUID,
    "SELECT id FROM orders WHERE post_id = $1 AND total > 0 AND id > $2 ORDER BY id LIMIT 200 FOR NO KEY UPDATE",
)
ENDS_NOW = Query(datetime, f"SELECT {ends('p')} FROM posts p WHERE p.id = $1 AND p.start_date IS NOT NULL")

_MINE = f"{_SELECT} WHERE o.buyer_id = $1"
MINE = Query(Row, f"{_MINE} AND o.id < $2 ORDER BY o.id DESC LIMIT $3")
MINE_FIRST = Query(Row, f"{_MINE} ORDER BY o.id DESC OFFSET $2 LIMIT $3")
MINE_TOTAL = Query(int, "SELECT count(*) FROM orders WHERE buyer_id = $1")
_EVENT = f"{_SELECT} WHERE o.post_id = $1"
OF_EVENT = Query(Row, f"{_EVENT} AND o.id < $2 ORDER BY o.id DESC LIMIT $3")
OF_EVENT_FIRST = Query(Row, f"{_EVENT} ORDER BY o.id DESC OFFSET $2 LIMIT $3")
OF_EVENT_TOTAL = Query(int, "SELECT count(*) FROM orders WHERE post_id = $1")


def new(
    order_id: UUID,
    buyer: UUID,
    post: Post,
    wanted: Sequence[Priced],
    types: Mapping[UUID, Type],
    currency: str,
    code: str | None,
    now: datetime,
) -> Row:
    """An order that is to be made: kept for a while where there is something to pay."""
    if post.start_date is None or post.user_id is None:
        raise ValueError("an event has a date and a host")
    subtotal, total = sum(one.price for one in wanted), sum(one.paid for one in wanted)
    return Row(
        id=order_id, post_id=post.id, seller_id=post.user_id, buyer_id=buyer,
        lines=msgspec.Raw(msgspec.json.encode(lines_of(wanted, types))),
        currency=currency, subtotal=subtotal, discount=subtotal - total, total=total,
        discount_code=None if code is None else code.strip().upper(), status="reserved" if total else "paid",
        expires_at=now + KEPT_FOR if total else None, payment_id=None,
        event_ends=event_end(post.start_date, post.start_time, post.end_date, post.end_time),
        paid_at=None if total else now, created_at=now, refunded=0, invoice_number=None,
    )  # fmt: skip
