"""Rows of payments, refunds and the ledger."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.payments.model import Payment, Refund, RefundStatus, Status
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """A payment whole."""

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    purpose: str
    reference: str
    amount: int
    currency: str
    fee: int
    status: Status
    refunded: int
    fee_refunded: int
    stripe_id: str | None
    failure: str | None
    payable_from: datetime | None
    created_at: datetime
    updated_at: datetime

    def shown(self, client_secret: str | None = None) -> Payment:
        """The same as its payer and payee see it."""
        return Payment(
            id=self.id,
            payer_id=self.payer_id,
            payee_id=self.payee_id,
            purpose=self.purpose,
            reference=self.reference,
            amount=self.amount,
            currency=self.currency,
            status=self.status,
            refunded=self.refunded,
            failure=self.failure,
            created_at=self.created_at,
            updated_at=self.updated_at,
            client_secret=client_secret,
        )


_ROW = """id, payer_id, payee_id, purpose, reference, amount, currency, fee, status, refunded, fee_refunded,
  stripe_id, failure, payable_from, created_at, updated_at"""
_OPEN = "status IN ('created', 'open', 'processing', 'failed')"
# Nothing when the payer has one under way for the same thing.
ADD = Query(
    Row,
    f"""INSERT INTO payments (id, payer_id, payee_id, purpose, reference, amount, currency, fee, status, payable_from,
      created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'created', $9, $10, $10)
    ON CONFLICT (payer_id, purpose, reference) WHERE {_OPEN} DO NOTHING RETURNING {_ROW}""",
)
UNDER_WAY = Query(
    Row,
    f"SELECT {_ROW} FROM payments WHERE payer_id = $1 AND purpose = $2 AND reference = $3 AND {_OPEN}",
)
# What Stripe charged by itself, for a subscription; nothing when it is there.
RECORD = Query(
    Row,
    f"""INSERT INTO payments (id, payer_id, payee_id, purpose, reference, amount, currency, fee, status, stripe_id,
      created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'succeeded', $9, $10, $10)
    ON CONFLICT (stripe_id) DO NOTHING RETURNING {_ROW}""",
)
GET = Query(Row, f"SELECT {_ROW} FROM payments WHERE id = $1")
HOLD = Query(Row, f"SELECT {_ROW} FROM payments WHERE id = $1 FOR NO KEY UPDATE")
HOLD_INTENT = Query(
    Row,
    f"""SELECT {_ROW} FROM payments WHERE stripe_id = $1 OR id = $2
    ORDER BY stripe_id IS NOT DISTINCT FROM $1 DESC LIMIT 1 FOR NO KEY UPDATE""",
)
BY_REFERENCE = Query(
    Row,
    f"""SELECT {_ROW} FROM payments WHERE purpose = $1 AND reference = $2
    ORDER BY created_at DESC, id DESC LIMIT 100""",
)
MOVE = Query(
    Row,
    f"""UPDATE payments SET status = $2, stripe_id = coalesce(stripe_id, $3), failure = $4, updated_at = $5
    WHERE id = $1 RETURNING {_ROW}""",
)
_MINE = f"SELECT {_ROW} FROM payments WHERE payer_id = $1"
_LATEST = "ORDER BY created_at DESC, id DESC"
MINE = Query(Row, f"{_MINE} AND (created_at, id) < ($2, $3) {_LATEST} LIMIT $4")
MINE_FIRST = Query(Row, f"{_MINE} {_LATEST} OFFSET $2 LIMIT $3")
MINE_TOTAL = Query(int, "SELECT count(*) FROM payments WHERE payer_id = $1")


class Stuck(msgspec.Struct):
    """A payment that may have changed without our having heard of it."""

    id: UUID
    stripe_id: str | None
    created_at: datetime


# $1 has not heard anything since then; $2 was looked at before. At most a hundred at a time.
STUCK = Query(
    Stuck,
    f"""UPDATE payments SET checked_at = $3 WHERE id IN (
      SELECT id FROM payments WHERE {_OPEN} AND updated_at < $1 AND (checked_at IS NULL OR checked_at < $2)
      ORDER BY checked_at NULLS FIRST LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING id, stripe_id, created_at""",
)


class StuckRefund(msgspec.Struct):
    """A refund that was not sent, or of which nothing was heard."""

    id: UUID
    sent: bool
    stripe_id: str  # of the payment


STUCK_REFUNDS = Query(
    StuckRefund,
    """SELECT r.id, r.status = 'pending' AS sent, p.stripe_id
    FROM payment_refunds r JOIN payments p ON p.id = r.payment_id
    WHERE r.status IN ('requested', 'pending') AND r.updated_at < $1 AND p.stripe_id IS NOT NULL
    ORDER BY r.updated_at DESC LIMIT 100""",
)

# ---- refunds


class RefundRow(msgspec.Struct):
    """A refund whole."""

    id: UUID
    payment_id: UUID
    key: str
    amount: int
    fee: int
    status: RefundStatus
    stripe_id: str | None
    failure: str | None
    created_at: datetime

    def shown(self) -> Refund:
        """The same as people see it."""
        return Refund(self.id, self.payment_id, self.amount, self.status, self.failure, self.created_at)


_REFUND = "id, payment_id, key, amount, fee, status, stripe_id, failure, created_at"
# Nothing when so much is not left.
RESERVE = Query(
    int,
    """UPDATE payments SET refunded = refunded + $2, fee_refunded = fee_refunded + $3, updated_at = $4
    WHERE id = $1 AND status = 'succeeded' AND refunded + $2 <= amount RETURNING 1""",
)
RELEASE = """
UPDATE payments SET refunded = refunded - $2, fee_refunded = fee_refunded - $3, updated_at = $4 WHERE id = $1
"""
ADD_REFUND = Query(
    RefundRow,
    f"""INSERT INTO payment_refunds (id, payment_id, key, amount, fee, status, stripe_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, 'requested', $6, $7, $7) RETURNING {_REFUND}""",
)
REFUND = Query(RefundRow, f"SELECT {_REFUND} FROM payment_refunds WHERE id = $1")


class Unsent(msgspec.Struct):
    """A refund that Stripe does not know of, as far as we know."""

    payment_id: UUID
    amount: int
    currency: str
    stripe_id: str  # of the payment


UNSENT = Query(
    Unsent,
    """SELECT r.payment_id, r.amount, p.currency, p.stripe_id
    FROM payment_refunds r JOIN payments p ON p.id = r.payment_id
    WHERE r.id = $1 AND r.status = 'requested' AND p.stripe_id IS NOT NULL""",
)
REFUND_BY_KEY = Query(RefundRow, f"SELECT {_REFUND} FROM payment_refunds WHERE payment_id = $1 AND key = $2")
REFUNDS = Query(
    RefundRow,
    f"SELECT {_REFUND} FROM payment_refunds WHERE payment_id = $1 ORDER BY created_at, id LIMIT 1000",
)
GIVEN_BACK = Query(
    int,
    """SELECT coalesce(sum(amount), 0)::bigint FROM payment_refunds
    WHERE payment_id = $1 AND status = 'succeeded'""",
)
MOVE_REFUND = """
UPDATE payment_refunds SET status = $2, stripe_id = coalesce(stripe_id, $3), failure = $4, updated_at = $5 WHERE id = $1
"""

# ---- events

SEEN = Query(
    str, "INSERT INTO stripe_events (id, received_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id"
)
SWEEP = "DELETE FROM stripe_events WHERE received_at < $1"

# ---- what payees get


class Waiting(msgspec.Struct):
    """What of a currency is not paid out yet."""

    currency: str
    amount: int


# Nobody is paid out at once by saying that what they sell is over already.
RESCHEDULE = """
UPDATE payments SET payable_from = CASE WHEN $3 < payable_from THEN least(payable_from, greatest($3, $4)) ELSE $3 END
WHERE purpose = $1 AND reference = ANY($2::text[]) AND status = 'succeeded' AND payable_from IS DISTINCT FROM $3
"""
WAITING = Query(
    Waiting,
    """SELECT currency, sum(amount - fee - refunded + fee_refunded)::bigint AS amount FROM payments
    WHERE payee_id = $1 AND status = 'succeeded' AND payable_from > $2 GROUP BY currency""",
)
