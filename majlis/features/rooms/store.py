"""Rows of rooms. In all statements with a viewer, that is $1; a member was seen after the moment that is given."""

from uuid import UUID

import msgspec

from majlis.features.graph.service import BLOCKED
from majlis.features.rooms.model import MAX_MEMBERS
from majlis.kit.db import Query, in_turn


class Left(msgspec.Struct):
    """Who is in a room no more."""

    room_id: str
    user_id: UUID


# One after the other in a room: so nobody is said to come or go twice.
IN_TURN = in_turn(20261122)
JOIN = Query(
    bool,
    """INSERT INTO room_members AS m (room_id, user_id, joined_at, seen_at) VALUES ($2, $1, $3, $3)
    ON CONFLICT (room_id, user_id) DO UPDATE SET seen_at = excluded.seen_at RETURNING m.xmax = 0""",
)
LEAVE = Query(Left, "DELETE FROM room_members WHERE room_id = $2 AND user_id = $1 RETURNING room_id, user_id")
ROOMS = Query(str, "SELECT room_id FROM room_members WHERE user_id = $1 ORDER BY room_id")
COUNT = Query(int, "SELECT count(*) FROM room_members WHERE room_id = $1")
COUNT_ROOMS = Query(int, "SELECT count(*) FROM room_members WHERE user_id = $1")
DROP = Query(
    Left,
    "DELETE FROM room_members WHERE room_id = $1 AND seen_at <= $2 RETURNING room_id, user_id",
)
STALE = Query(str, "SELECT DISTINCT room_id FROM room_members WHERE seen_at <= $1 ORDER BY room_id LIMIT 500")
BEAT = Query(
    str,
    """UPDATE room_members SET seen_at = greatest(seen_at, $2) WHERE user_id = $1 AND seen_at > $3
    AND ($4::text IS NULL OR room_id = $4) RETURNING room_id""",
)
USERS = Query(
    UUID,
    f"""SELECT user_id FROM room_members WHERE room_id = $2 AND seen_at > $3 AND NOT user_id = ANY ({BLOCKED})
    ORDER BY joined_at, user_id LIMIT {MAX_MEMBERS}""",
)
TOTAL = Query(int, "SELECT count(DISTINCT room_id) FROM room_members WHERE seen_at > $1")
