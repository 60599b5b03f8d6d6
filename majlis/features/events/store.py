"""Rows of stances on events and of reminders."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.events.model import Standing
from majlis.features.graph.service import BLOCKED
from majlis.features.posts.model import Stance
from majlis.kit import page
from majlis.kit.db import Query

# No row where the stance was this one already.
STAND = Query(
    bool,
    """INSERT INTO event_interests AS e (id, post_id, user_id, event_state, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT ON CONSTRAINT one_stance DO UPDATE
    SET event_state = excluded.event_state, updated_at = excluded.updated_at
    WHERE e.event_state <> excluded.event_state
    RETURNING true""",
)
# After STAND, as a statement of its own: it sees what the trigger made of the counters.
STANDING = Query(
    Standing,
    """SELECT e.event_state AS my_event_state, p.interested_count, p.going_count
    FROM event_interests e JOIN posts p ON p.id = e.post_id WHERE e.user_id = $1 AND e.post_id = $2""",
)


class Interest(msgspec.Struct):
    """Somebody's stance on an event."""

    id: UUID
    post_id: UUID
    user_id: UUID
    event_state: Stance
    created_at: datetime
    updated_at: datetime


# Those of a stance $3 on an event $2 whom the viewer $1 meets.
_PEOPLE = f"""event_interests e
  JOIN profiles a ON a.id = e.user_id AND a.deleted_at IS NULL AND NOT a.suspended AND NOT a.id = ANY ({BLOCKED})
  WHERE e.post_id = $2 AND e.event_state = $3"""
COUNT = Query(int, f"SELECT count(*) FROM (SELECT 1 FROM {_PEOPLE} LIMIT {page.MAX_OFFSET}) AS found")


def people(*, continued: bool, usual: bool) -> Query[Interest]:
    """The latest stances, one more than a page; continued: behind ($4 time, $5 id).

    The usual size is a literal, which lets PostgreSQL keep a generic plan; else limit and offset follow.
    """
    behind, used = (" AND (e.updated_at, e.id) < ($4, $5)", 5) if continued else ("", 3)
    size = f"LIMIT {page.DEFAULT + 1}" if usual else f"LIMIT ${used + 1} OFFSET ${used + 2}"
    return Query(
        Interest,
        f"""SELECT e.id, e.post_id, e.user_id, e.event_state, e.created_at, e.updated_at
        FROM {_PEOPLE}{behind} ORDER BY e.updated_at DESC, e.id DESC {size}""",
    )


# Of a person who left, the events whose counters move; held in order, so that two who leave do not deadlock.
STOOD = Query(
    UUID,
    """SELECT p.id FROM posts p WHERE p.id IN (SELECT post_id FROM event_interests WHERE user_id = $1 LIMIT 500)
    ORDER BY p.id FOR NO KEY UPDATE""",
)
FORGET = "DELETE FROM event_interests WHERE user_id = $1 AND post_id = ANY($2::uuid[])"


class Due(msgspec.Struct):
    """A reminder that nobody has sent."""

    post_id: UUID
    user_id: UUID
    starts_at: datetime


_STARTS = "event_starts(p.start_date, p.start_time)"
# Those of events that begin after $2 and not after $3, on the clocks of zone $4: $1 hours before. Only who stood so by
# then is reminded: who joins later knows. What has no hour is not told an hour before.
DUE = Query(
    Due,
    f"""SELECT p.id AS post_id, e.user_id, {_STARTS} AT TIME ZONE $4 AS starts_at
    FROM posts p JOIN event_interests e ON e.post_id = p.id AND e.event_state IN ('interested', 'going')
    WHERE p.deleted_at IS NULL AND p.status AND p.start_date IS NOT NULL AND {_STARTS} > $2 AND {_STARTS} <= $3
      AND (p.start_time IS NOT NULL OR $1::int > 1)
      AND e.updated_at <= {_STARTS} AT TIME ZONE $4 - make_interval(hours => $1)
      AND NOT EXISTS (
        SELECT FROM event_reminders r WHERE r.post_id = p.id AND r.user_id = e.user_id AND r.hours = $1
          AND r.starts_at = {_STARTS} AT TIME ZONE $4)
    LIMIT $5""",
)
# Another process may have been faster: only what is returned is told.
REMIND = Query(
    Due,
    """INSERT INTO event_reminders (post_id, user_id, hours, starts_at)
    SELECT post_id, user_id, $1, starts_at FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[])
      AS due (post_id, user_id, starts_at)
    ON CONFLICT DO NOTHING RETURNING post_id, user_id, starts_at""",
)
SWEEP = "DELETE FROM event_reminders WHERE starts_at < $1"


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    shapes = [(continued, usual) for continued in (False, True) for usual in (False, True)]
    return [people(continued=continued, usual=usual).sql for continued, usual in shapes]
