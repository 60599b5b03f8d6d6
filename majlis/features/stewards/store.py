"""Rows of stewards."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.events.service import ends
from majlis.features.stewards.model import Duty
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """A steward as it is stored."""

    user_id: UUID
    created_at: datetime


LIST = Query(
    Row, "SELECT user_id, created_at FROM stewards WHERE post_id = $1 ORDER BY created_at, user_id LIMIT 100"
)
# Nothing when the same person was named before.
ADD = Query(
    UUID,
    """INSERT INTO stewards (post_id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
    RETURNING user_id""",
)
REMOVE = Query(UUID, "DELETE FROM stewards WHERE post_id = $1 AND user_id = $2 RETURNING user_id")
IS_ONE = Query(bool, "SELECT true FROM stewards WHERE post_id = $1 AND user_id = $2")
DUTIES = Query(
    Duty,
    f"""SELECT s.post_id, coalesce(p.title, '') AS title, s.created_at AS added_at
    FROM stewards s JOIN posts p ON p.id = s.post_id
    WHERE s.user_id = $1 AND p.deleted_at IS NULL AND {ends("p")} > $2 ORDER BY p.start_date, s.post_id LIMIT 200""",
)
