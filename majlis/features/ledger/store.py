"""Accounts, postings and their entries."""

import msgspec

from majlis.features.ledger.model import Entry, Sum
from majlis.kit.db import Query

# Nothing happens, and 0 comes back, for what was posted before. Accounts are made in the order of their names, so that
# no two wait for each other.
POST = Query(
    int,
    """WITH known AS (
      INSERT INTO ledger_accounts (name) SELECT unnest($6::text[]) ON CONFLICT DO NOTHING
    ), posted AS (
      INSERT INTO ledger_postings (id, cause, source, currency, created_at) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (cause, source) DO NOTHING RETURNING id
    ), entered AS (
      INSERT INTO ledger_entries (posting_id, account, amount)
      SELECT posted.id, line.account, line.amount
      FROM posted, unnest($6::text[], $7::bigint[]) AS line (account, amount) RETURNING 1
    ) SELECT count(*) FROM entered""",
)
HOLD_ACCOUNT = Query(str, "SELECT name FROM ledger_accounts WHERE name = $1 FOR NO KEY UPDATE")
BALANCES = Query(
    Sum,
    """SELECT p.currency, sum(e.amount)::bigint AS amount
    FROM ledger_entries e JOIN ledger_postings p ON p.id = e.posting_id
    WHERE e.account = $1 GROUP BY p.currency ORDER BY p.currency""",
)
_ENTRIES = """SELECT p.id, p.cause, p.source, e.amount, p.currency, p.created_at
  FROM ledger_entries e JOIN ledger_postings p ON p.id = e.posting_id WHERE e.account = $1"""
ENTRIES = Query(Entry, f"{_ENTRIES} AND e.posting_id < $2 ORDER BY e.posting_id DESC LIMIT $3")
ENTRIES_FIRST = Query(Entry, f"{_ENTRIES} ORDER BY e.posting_id DESC OFFSET $2 LIMIT $3")
ENTRIES_TOTAL = Query(int, "SELECT count(*) FROM ledger_entries WHERE account = $1")


class Earner(msgspec.Struct):
    """Somebody to whom something is owed in a currency."""

    account: str
    currency: str


EARNERS = Query(
    Earner,
    """SELECT e.account, p.currency FROM ledger_entries e JOIN ledger_postings p ON p.id = e.posting_id
    WHERE starts_with(e.account, 'user:') AND e.account > $1
    GROUP BY e.account, p.currency HAVING sum(e.amount) > 0 ORDER BY e.account, p.currency LIMIT 500""",
)
