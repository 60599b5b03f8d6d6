"""Rows of accounts at Stripe and of payouts."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.payouts.model import Payout, PayoutAccount, Status
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """An account at Stripe whole."""

    id: UUID
    user_id: UUID
    country: str
    status: Status
    stripe_id: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    def shown(self) -> PayoutAccount:
        """The same as its owner sees it."""
        return PayoutAccount(self.status, self.country, self.created_at, self.updated_at)


_ROW = "id, user_id, country, status, stripe_id, version, created_at, updated_at"
ADD = """
INSERT INTO payout_accounts (id, user_id, country, status, created_at, updated_at)
VALUES ($1, $2, $3, 'created', $4, $4) ON CONFLICT (user_id) DO NOTHING
"""
MINE = Query(Row, f"SELECT {_ROW} FROM payout_accounts WHERE user_id = $1")
BY_STRIPE = Query(Row, f"SELECT {_ROW} FROM payout_accounts WHERE stripe_id = $1 OR id = $2 LIMIT 1")
# Nothing when another answer of Stripe's was written since this version was read.
MOVE = Query(
    int,
    """UPDATE payout_accounts SET status = $3, stripe_id = coalesce(stripe_id, $4), version = version + 1,
      updated_at = $5
    WHERE id = $1 AND version = $2 RETURNING 1""",
)
NEXT_LINK = Query(int, "UPDATE payout_accounts SET links = links + 1 WHERE id = $1 RETURNING links")


class Going(msgspec.Struct):
    """A payout that is to be sent, and to whom."""

    id: UUID
    user_id: UUID
    amount: int
    currency: str
    account: str | None


_PAYOUT = "id, amount, currency, status, failure, created_at"
ADD_PAYOUT = Query(
    Payout,
    f"""INSERT INTO payouts (id, user_id, amount, currency, status, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 'requested', $5, $5) RETURNING {_PAYOUT}""",
)
GOING = Query(
    Going,
    """SELECT p.id, p.user_id, p.amount, p.currency, a.stripe_id AS account
    FROM payouts p LEFT JOIN payout_accounts a ON a.user_id = p.user_id
    WHERE p.id = $1 AND p.status = 'requested'""",
)
MOVE_PAYOUT = Query(
    int,
    """UPDATE payouts SET status = $2, stripe_id = $3, failure = $4, updated_at = $5
    WHERE id = $1 AND status = 'requested' RETURNING 1""",
)
STUCK = Query(
    UUID,
    "SELECT id FROM payouts WHERE status = 'requested' AND updated_at < $1 ORDER BY updated_at LIMIT 100",
)
_MINE = f"SELECT {_PAYOUT} FROM payouts WHERE user_id = $1"
PAYOUTS = Query(Payout, f"{_MINE} AND id < $2 ORDER BY id DESC LIMIT $3")
PAYOUTS_FIRST = Query(Payout, f"{_MINE} ORDER BY id DESC OFFSET $2 LIMIT $3")
PAYOUTS_TOTAL = Query(int, "SELECT count(*) FROM payouts WHERE user_id = $1")
