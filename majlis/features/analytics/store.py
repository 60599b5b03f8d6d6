"""Counts of days, and what is so now. Every statement reads a bounded part of tables, by their indexes."""

from datetime import date

from majlis.features.analytics.model import Day, Decisions, Jobs, Queue, Revenue
from majlis.kit.db import Query


def _count(table: str, condition: str = "") -> str:
    """How many rows of a table were made on the day `d`."""
    return f"""(SELECT count(*) FROM {table} WHERE created_at >= d.day::timestamp AT TIME ZONE 'UTC'
      AND created_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC' {condition})::int"""


# The days of $1. Posts by the index of those that stand.
_DAYS = f"""SELECT d.day, {_count("users")} AS registered,
  (SELECT count(DISTINCT a.user_id) FROM analytics_active a WHERE a.day = d.day)::int AS active,
  {_count("posts", "AND deleted_at IS NULL AND status")} AS posts, {_count("post_comments")} AS comments,
  {_count("messages")} AS messages
FROM unnest($1::date[]) AS d (day)"""
# The same in money. A payment takes from what Stripe holds for the platform: negative there is paid here.
_MONEY = """SELECT d.day, g.currency, coalesce(-sum(e.amount) FILTER (WHERE e.account = 'stripe'), 0)::bigint AS turnover,
  coalesce(sum(e.amount) FILTER (WHERE e.account = 'platform'), 0)::bigint AS platform
FROM unnest($1::date[]) AS d (day)
JOIN ledger_postings g ON g.created_at >= d.day::timestamp AT TIME ZONE 'UTC'
  AND g.created_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC' AND g.cause IN ('payment', 'refund', 'refund_failed')
JOIN ledger_entries e ON e.posting_id = g.id AND e.account IN ('stripe', 'platform') GROUP BY d.day, g.currency"""

LAST = Query(date, "SELECT max(day) FROM analytics_days HAVING max(day) IS NOT NULL")
# The first day of which there is anybody to count.
FIRST = Query(date, "SELECT (created_at AT TIME ZONE 'UTC')::date FROM users ORDER BY created_at LIMIT 1")
# Of two that count a day at once the second finds it counted.
COUNT = f"""
INSERT INTO analytics_days (day, registered, active, posts, comments, messages) {_DAYS} ON CONFLICT DO NOTHING
"""
COUNT_MONEY = f"INSERT INTO analytics_revenue (day, currency, turnover, platform) {_MONEY}"
FORGET = "DELETE FROM analytics_active WHERE day <= $1"
ERASE = "DELETE FROM analytics_active WHERE user_id = $1"

DAYS = Query(
    Day,
    f"""SELECT day, registered, active, posts, comments, messages FROM analytics_days WHERE day >= $2
    UNION ALL {_DAYS} WHERE NOT EXISTS (SELECT FROM analytics_days k WHERE k.day = d.day) ORDER BY day""",
)
REVENUE = Query(
    Revenue,
    f"""SELECT date_trunc('month', day)::date AS month, currency, sum(turnover)::bigint AS turnover,
      sum(platform)::bigint AS platform
    FROM (SELECT day, currency, turnover, platform FROM analytics_revenue WHERE day >= $2
      UNION ALL SELECT m.day, m.currency, m.turnover, m.platform FROM ({_MONEY}) AS m
      WHERE NOT EXISTS (SELECT FROM analytics_days k WHERE k.day = m.day)) AS r
    GROUP BY 1, 2 ORDER BY 1, 2""",
)
QUEUE = Query(
    Queue,
    """SELECT count(*) AS cases, coalesce(sum(total_reports), 0)::int AS reports,
      count(*) FILTER (WHERE claimed_by IS NOT NULL AND claimed_at > $1) AS claimed,
      count(*) FILTER (WHERE escalated) AS escalated, min(opened_at) AS oldest
    FROM (SELECT total_reports, claimed_by, claimed_at, escalated, opened_at FROM moderation_cases
      WHERE state IN ('PENDING', 'REVIEWED') LIMIT 10000) AS c""",
)
DECISIONS = Query(
    Decisions,
    """SELECT count(*) AS decided, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_s,
      percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS slow_s
    FROM (SELECT extract(epoch FROM decided_at - opened_at)::float8 AS seconds FROM moderation_cases
      WHERE decided_at >= $1 ORDER BY decided_at DESC LIMIT 5000) AS c""",
)
JOBS = Query(
    Jobs,
    """SELECT (SELECT count(*) FROM (SELECT FROM pgqueuer WHERE status = 'queued' LIMIT 10000) AS w)::int AS waiting,
      (SELECT count(*) FROM (SELECT FROM pgqueuer WHERE status = 'failed' LIMIT 10000) AS h)::int AS held""",
)
CONNECTED = Query(int, "SELECT count(DISTINCT user_id) FROM socket_presence WHERE expires_at > $1")
