"""Rows of polls."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.kit.db import Query

ADD = "INSERT INTO polls (id, post_id, created_at, updated_at) VALUES ($1, $2, $3, $3)"
ADD_OPTION = """
INSERT INTO poll_options (id, poll_id, option, position, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
"""


class Row(msgspec.Struct):
    """An option with its poll, and the viewer's vote."""

    post_id: UUID
    poll_id: UUID
    poll_created_at: datetime
    poll_updated_at: datetime
    my_vote: UUID | None
    id: UUID
    option: str
    vote_count: int
    created_at: datetime
    updated_at: datetime


OF_POSTS = Query(
    Row,
    """SELECT p.post_id, p.id AS poll_id, p.created_at AS poll_created_at, p.updated_at AS poll_updated_at,
      (SELECT v.poll_option_id FROM user_polls v WHERE v.user_id = $1 AND v.poll_id = p.id) AS my_vote,
      o.id, o.option, o.vote_count, o.created_at, o.updated_at
    FROM polls p JOIN poll_options o ON o.poll_id = p.id
    WHERE p.post_id = ANY($2::uuid[]) AND p.deleted_at IS NULL ORDER BY p.id, o.position""",
)
POST_OF = Query(UUID, "SELECT post_id FROM polls WHERE id = $1 AND deleted_at IS NULL")
LIVE = Query(UUID, "SELECT id FROM polls WHERE post_id = $1 AND deleted_at IS NULL")
# The composite foreign key refuses an option of another poll.
VOTE = Query(
    bool,
    """INSERT INTO user_polls (id, user_id, poll_id, poll_option_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT (user_id, poll_id) DO UPDATE SET poll_option_id = EXCLUDED.poll_option_id, updated_at = $5
    RETURNING (xmax = 0) AS is_new""",
)
HAS_OPTION = Query(bool, "SELECT true FROM poll_options WHERE poll_id = $1 AND id = $2")
UNVOTE = "DELETE FROM user_polls WHERE user_id = $1 AND poll_id = $2"
