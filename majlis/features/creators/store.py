"""What the ledger says of an author, and rows of who subscribes."""

from uuid import UUID

import msgspec

from majlis.features.creators.model import Day, TopPost
from majlis.features.paywall.model import AUTHOR, POST
from majlis.kit.db import Query

# Every entry `e` of the author's account $1 (of user $2) since $3 that comes of a payment `p`, whichever way.
_FROM = """FROM ledger_postings g JOIN ledger_entries e ON e.posting_id = g.id AND e.account = $1
  LEFT JOIN payment_refunds r ON g.cause IN ('refund', 'refund_failed') AND r.id = g.source
  JOIN payments p ON p.id = coalesce(r.payment_id, g.source) AND p.payee_id = $2"""
_WHERE = "WHERE g.cause IN ('payment', 'refund', 'refund_failed') AND g.created_at >= $3"
EARNINGS = Query(
    Day,
    f"""SELECT (g.created_at AT TIME ZONE 'UTC')::date AS day, g.currency,
      coalesce(sum(e.amount) FILTER (WHERE p.purpose = '{POST}'), 0)::bigint AS posts,
      coalesce(sum(e.amount) FILTER (WHERE p.purpose = '{AUTHOR}'), 0)::bigint AS subscriptions
    {_FROM} AND p.purpose IN ('{POST}', '{AUTHOR}') {_WHERE} GROUP BY 1, 2 ORDER BY 1, 2""",
)
TOP = Query(
    TopPost,
    f"""SELECT b.post_id, (SELECT t.description FROM posts t WHERE t.id = b.post_id AND t.deleted_at IS NULL) AS teaser,
      g.currency, sum(e.amount)::bigint AS amount, count(*) FILTER (WHERE g.cause = 'payment') AS sales
    {_FROM} JOIN purchases b ON b.id = CASE WHEN p.purpose = '{POST}' THEN p.reference::uuid END
    {_WHERE} GROUP BY b.post_id, g.currency ORDER BY amount DESC, b.post_id DESC LIMIT $4""",
)


class Counts(msgspec.Struct):
    """Who subscribes to an author, and who did."""

    active: int
    new: int
    ended: int
    before: int  # at the beginning of the time
    lost: int  # of those


SUBSCRIBERS = Query(
    Counts,
    """SELECT count(*) FILTER (WHERE ended_at IS NULL) AS active, count(*) FILTER (WHERE began_at >= $2) AS new,
      count(*) FILTER (WHERE ended_at >= $2) AS ended,
      count(*) FILTER (WHERE began_at < $2 AND (ended_at IS NULL OR ended_at >= $2)) AS before,
      count(*) FILTER (WHERE began_at < $2 AND ended_at >= $2) AS lost
    FROM author_subscribers WHERE author_id = $1""",
)
BEGAN = """
INSERT INTO author_subscribers (subscription_id, author_id, began_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
ENDED = "UPDATE author_subscribers SET ended_at = coalesce(ended_at, $2) WHERE subscription_id = $1"
# Of somebody who subscribes to an author.
OPEN_ONE = Query(
    UUID,
    f"""SELECT id FROM subscriptions WHERE subscriber_id = $1 AND payee_id = $2 AND purpose = '{AUTHOR}'
    AND status <> 'ended'""",
)
