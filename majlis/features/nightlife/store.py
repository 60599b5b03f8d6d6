"""Rows of people and events of nights out."""

from uuid import UUID

from majlis.features.graph.service import BLOCKED, admits
from majlis.features.nightlife.model import Attendee, Details, Personal
from majlis.features.posts.service import LISTED
from majlis.kit.db import Query, in_turn

ADD_PERSON = """
INSERT INTO nightlife_people (user_id, role, created_at, updated_at) VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING
"""
PEOPLE = Query(
    Personal, "SELECT user_id, role, location FROM nightlife_people WHERE user_id = ANY($1::uuid[])"
)
SET_LOCATION = """
INSERT INTO nightlife_people (user_id, location, created_at, updated_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (user_id) DO UPDATE SET location = excluded.location, updated_at = excluded.updated_at
"""

ADD = """
INSERT INTO nightlife_events (post_id, location, tags, image_name, featured, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
"""
# What is null stays as it is, and so does whether the event stands before others: who says that is not its host.
CHANGE = """
INSERT INTO nightlife_events AS n (post_id, location, tags, created_at, updated_at)
VALUES ($1, $2, coalesce($3::text[], '{}'), $4, $4)
ON CONFLICT (post_id) DO UPDATE SET location = coalesce($2, n.location), tags = coalesce($3, n.tags),
  updated_at = excluded.updated_at
"""
DETAILS = Query(
    Details,
    "SELECT post_id, location, tags, image_name, featured FROM nightlife_events WHERE post_id = ANY($1::uuid[])",
)
FEATURE = """
INSERT INTO nightlife_events (post_id, featured, created_at, updated_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (post_id) DO UPDATE SET featured = excluded.featured, updated_at = excluded.updated_at
"""

# Events that begin at $2 or later and, if given, before $3, on the clocks of events; whose place and words hold $4 and
# $5, patterns of LIKE.
_STARTS = "event_starts(p.start_date, p.start_time)"
_FOUND = f"""FROM posts p JOIN profiles a ON a.id = p.user_id LEFT JOIN nightlife_events n ON n.post_id = p.id
  WHERE p.type = 'EVENT' AND p.start_date IS NOT NULL AND {_STARTS} >= $2::timestamp
    AND ($3::timestamp IS NULL OR {_STARTS} < $3::timestamp)
    AND ($4::text IS NULL
         OR concat_ws(', ', n.location, p.neighborhood, p.district, p.province, p.country) ILIKE $4::text)
    AND ($5::text IS NULL
         OR concat_ws(' ', p.title, p.description, array_to_string(n.tags, ' ')) ILIKE $5::text)
    AND {LISTED}"""
LIST = Query(
    UUID,
    f"SELECT p.id {_FOUND} ORDER BY coalesce(n.featured, false) DESC, {_STARTS}, p.id LIMIT $6 OFFSET $7",
)
COUNT = Query(int, f"SELECT count(*) FROM (SELECT 1 {_FOUND} LIMIT $6) AS found")

# Those of these stances $3 on an event $2 whom the viewer $1 meets, and who show themselves to them. The host $4 knows
# who comes.
_ATTEND = f"""FROM event_interests e
  JOIN profiles a ON a.id = e.user_id AND a.deleted_at IS NULL AND NOT a.suspended AND NOT a.id = ANY ({BLOCKED})
  WHERE e.post_id = $2 AND e.event_state = ANY($3::text[]) AND ($1 = $4 OR {admits("a")})"""
ATTENDEES = Query(
    Attendee,
    f"""SELECT e.user_id, e.event_state, e.created_at {_ATTEND}
    ORDER BY e.created_at DESC, e.id DESC LIMIT $5 OFFSET $6""",
)
ATTENDING = Query(int, f"SELECT count(*) FROM (SELECT 1 {_ATTEND} LIMIT $5) AS found")

# One thing after the other of a person about an event: who comes twice takes one place, and who comes and does not gives
# it back.
IN_TURN = in_turn(20261123)
HOLDS = Query(
    bool,
    """SELECT EXISTS (SELECT FROM tickets
      WHERE holder_id = $1 AND post_id = $2 AND status IN ('reserved', 'paid', 'used'))""",
)
