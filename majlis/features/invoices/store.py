"""Rows of invoices and of their numbers."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.invoices.model import Invoice, Kind, Line
from majlis.kit.db import Query

_lines = msgspec.json.Decoder(list[Line])
# The row of the seller is held until the transaction ends: who comes next gets the next number, and none is left out.
NEXT = Query(
    int,
    """INSERT INTO invoice_numbers AS n (seller_id, last) VALUES ($1, 1)
    ON CONFLICT (seller_id) DO UPDATE SET last = n.last + 1 RETURNING last""",
)
ADD = """
INSERT INTO invoices (seller_id, number, kind, order_id, refund_id, currency, total, lines, issued_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
OF_REFUND = Query(bool, "SELECT EXISTS (SELECT FROM invoices WHERE refund_id = $1)")


class Row(msgspec.Struct):
    """An invoice as it is stored."""

    seller_id: UUID
    number: int
    kind: Kind
    order_id: UUID
    currency: str
    total: int
    lines: msgspec.Raw
    issued_at: datetime

    def shown(self) -> Invoice:
        """The same as people see it."""
        kept = {name: getattr(self, name) for name in Invoice.__struct_fields__ if name != "lines"}
        return Invoice(lines=_lines.decode(self.lines), **kept)


OF_ORDER = Query(
    Row, f"SELECT {', '.join(Row.__struct_fields__)} FROM invoices WHERE order_id = $1 ORDER BY number"
)
