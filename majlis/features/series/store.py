"""Rows of series and of their events."""

from uuid import UUID

import msgspec

from majlis.kit.db import Query


class Row(msgspec.Struct):
    """The series of an event, and which of its events it is."""

    id: UUID
    rrule: str
    position: int


ADD = "INSERT INTO event_series (id, host_id, rrule, created_at) VALUES ($1, $2, $3, $4)"
# Nothing when it is a part of a series already.
ADD_FIRST = Query(
    UUID,
    """INSERT INTO series_events (post_id, series_id, position) VALUES ($1, $2, 0)
    ON CONFLICT (post_id) DO NOTHING RETURNING post_id""",
)
ADD_EVENTS = """
INSERT INTO series_events (post_id, series_id, position)
SELECT post_id, $1, position FROM unnest($2::uuid[], $3::int[]) AS later (post_id, position)
"""
OF_EVENT = Query(
    Row,
    """SELECT s.id, s.rrule, e.position FROM series_events e JOIN event_series s ON s.id = e.series_id
    WHERE e.post_id = $1""",
)
EVENTS = Query(
    UUID, "SELECT post_id FROM series_events WHERE series_id = $1 AND position > $2 ORDER BY position"
)
