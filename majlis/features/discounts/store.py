"""Rows of discount codes and of their uses."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.discounts.model import DiscountCode
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """A code as it is stored."""

    id: UUID
    post_id: UUID
    code: str
    percent: int | None
    amount: int | None
    max_uses: int | None
    uses: int
    budget: int | None
    spent: int
    per_buyer: int | None
    type_ids: list[UUID] | None
    starts_at: datetime | None
    ends_at: datetime | None
    active: bool
    created_at: datetime

    def shown(self) -> DiscountCode:
        """The same as its host sees it."""
        return DiscountCode(**{name: getattr(self, name) for name in DiscountCode.__struct_fields__})


_ROW = ", ".join(Row.__struct_fields__)
ADD = Query(
    Row,
    f"""INSERT INTO discount_codes (id, post_id, code, percent, amount, max_uses, budget, per_buyer, type_ids, starts_at,
      ends_at, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
    ON CONFLICT (post_id, code) DO NOTHING RETURNING {_ROW}""",
)
# Held, as all that may be changed is written at once.
HOLD = Query(Row, f"SELECT {_ROW} FROM discount_codes WHERE id = $1 FOR NO KEY UPDATE")
BY_CODE = Query(Row, f"SELECT {_ROW} FROM discount_codes WHERE post_id = $1 AND code = $2")
# Nothing when more was used than would be allowed.
CHANGE = Query(
    Row,
    f"""UPDATE discount_codes SET max_uses = $2, budget = $3, per_buyer = $4, starts_at = $5, ends_at = $6, active = $7,
      updated_at = $8
    WHERE id = $1 AND ($2::int IS NULL OR uses <= $2) AND ($3::bigint IS NULL OR spent <= $3) RETURNING {_ROW}""",
)
_LIST = f"SELECT {_ROW} FROM discount_codes WHERE post_id = $1"
LIST = Query(Row, f"{_LIST} AND id < $2 ORDER BY id DESC LIMIT $3")
LIST_FIRST = Query(Row, f"{_LIST} ORDER BY id DESC OFFSET $2 LIMIT $3")
LIST_TOTAL = Query(int, "SELECT count(*) FROM discount_codes WHERE post_id = $1")

# One more order, if the budgets last. How often one buyer may.
TAKE = Query(
    int,
    """UPDATE discount_codes SET uses = uses + 1, spent = spent + $2
    WHERE id = $1 AND active AND (max_uses IS NULL OR uses + 1 <= max_uses)
      AND (budget IS NULL OR spent + $2 <= budget)
    RETURNING coalesce(per_buyer, 2147483647)""",
)
# After TAKE, which holds the row of the code: so those of one buyer come one after the other.
USED = Query(
    int, "SELECT count(*) FROM discount_uses WHERE code_id = $1 AND buyer_id = $2 AND NOT given_back"
)
NOTE = """
INSERT INTO discount_uses (order_id, code_id, buyer_id, amount, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (order_id) DO UPDATE SET given_back = false
"""


class Use(msgspec.Struct):
    """What an order used of a code."""

    code_id: UUID
    amount: int


USE = Query(Use, "SELECT code_id, amount FROM discount_uses WHERE order_id = $1")
GIVE_BACK = Query(
    Use,
    """UPDATE discount_uses SET given_back = true WHERE order_id = $1 AND NOT given_back RETURNING code_id, amount""",
)
RETURN = "UPDATE discount_codes SET uses = uses - 1, spent = spent - $2 WHERE id = $1"
