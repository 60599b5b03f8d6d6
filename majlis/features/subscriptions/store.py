"""Rows of prices, customers and subscriptions."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.subscriptions.model import Price, Status, Subscription
from majlis.kit.db import Query

_PRICE = "id, payee_id, purpose, amount, currency"
PRICE = Query(
    Price, f"SELECT {_PRICE} FROM subscription_prices WHERE payee_id = $1 AND purpose = $2 AND active"
)
RETIRE_PRICE = "UPDATE subscription_prices SET active = false WHERE payee_id = $1 AND purpose = $2 AND active"
ADD_PRICE = Query(
    Price,
    f"""INSERT INTO subscription_prices (id, payee_id, purpose, amount, currency, created_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (payee_id, purpose) WHERE active DO NOTHING RETURNING {_PRICE}""",
)
PRICE_AT_STRIPE = Query(
    str, "SELECT stripe_id FROM subscription_prices WHERE id = $1 AND stripe_id IS NOT NULL"
)
KEEP_PRICE = "UPDATE subscription_prices SET stripe_id = $2 WHERE id = $1"
CUSTOMER = Query(str, "SELECT stripe_id FROM subscription_customers WHERE user_id = $1")
KEEP_CUSTOMER = """
INSERT INTO subscription_customers (user_id, stripe_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""


class Row(msgspec.Struct):
    """A subscription whole, with its price."""

    id: UUID
    subscriber_id: UUID
    payee_id: UUID
    purpose: str
    price_id: UUID
    amount: int
    currency: str
    fee_percent: int
    status: Status
    ends: bool
    period_end: datetime | None
    stripe_id: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    def shown(self, client_secret: str | None = None) -> Subscription:
        """The same as its subscriber sees it."""
        return Subscription(
            id=self.id,
            subscriber_id=self.subscriber_id,
            payee_id=self.payee_id,
            purpose=self.purpose,
            amount=self.amount,
            currency=self.currency,
            status=self.status,
            ends=self.ends,
            period_end=self.period_end,
            created_at=self.created_at,
            updated_at=self.updated_at,
            client_secret=client_secret,
        )


ADD = """
INSERT INTO subscriptions (id, subscriber_id, payee_id, purpose, price_id, fee_percent, status, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 'created', $7, $7)
ON CONFLICT (subscriber_id, payee_id, purpose) WHERE status <> 'ended' DO NOTHING
"""
_ROW = """SELECT s.id, s.subscriber_id, s.payee_id, s.purpose, s.price_id, p.amount, p.currency, s.fee_percent, s.status,
  s.ends, s.period_end, s.stripe_id, s.version, s.created_at, s.updated_at
  FROM subscriptions s JOIN subscription_prices p ON p.id = s.price_id"""
OPEN = Query(
    Row, f"{_ROW} WHERE s.subscriber_id = $1 AND s.payee_id = $2 AND s.purpose = $3 AND s.status <> 'ended'"
)
GET = Query(Row, f"{_ROW} WHERE s.id = $1")
BY_STRIPE = Query(Row, f"{_ROW} WHERE s.stripe_id = $1 OR s.id = $2 LIMIT 1")
# Nothing when another answer of Stripe's was written since this version was read.
MOVE = Query(
    int,
    """UPDATE subscriptions SET status = $3, ends = $4, period_end = $5, stripe_id = coalesce(stripe_id, $6),
      version = version + 1, updated_at = $7
    WHERE id = $1 AND version = $2 RETURNING 1""",
)
MINE = Query(Row, f"{_ROW} WHERE s.subscriber_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3")
MINE_FIRST = Query(Row, f"{_ROW} WHERE s.subscriber_id = $1 ORDER BY s.id DESC OFFSET $2 LIMIT $3")
MINE_TOTAL = Query(int, "SELECT count(*) FROM subscriptions WHERE subscriber_id = $1")
# Those whose period is over, or that were begun and not paid, and of which nothing was heard since.
STUCK = Query(
    str,
    """UPDATE subscriptions SET checked_at = $1 WHERE id IN (
      SELECT id FROM subscriptions WHERE status <> 'ended' AND stripe_id IS NOT NULL AND updated_at < $2
        AND (status <> 'active' OR period_end < $1) AND (checked_at IS NULL OR checked_at < $3)
      ORDER BY checked_at NULLS FIRST LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING stripe_id""",
)
