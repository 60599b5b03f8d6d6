"""Rows of polls."""

from uuid import UUID

import msgspec

from majlis.kit.db import Query
from majlis.kit.versions import version

ADD = "INSERT INTO polls (id, post_id, created_at, updated_at) VALUES ($1, $2, $3, $3)"
ADD_OPTION = """
INSERT INTO poll_options (id, poll_id, option, position, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
"""


def card(post: str) -> str:
    """SQL: the poll of a post, by an expression for its id, as JSON without votes; null if there is none."""
    return f"""(SELECT json_build_object('id', q.id, 'post_id', q.post_id, 'total_votes', 0, 'my_vote', NULL,
        'created_at', q.created_at, 'updated_at', q.updated_at, 'options', json_agg(json_build_object(
          'id', o.id, 'poll_id', o.poll_id, 'option', o.option, 'vote_count', o.vote_count, 'percent', 0,
          'created_at', o.created_at, 'updated_at', o.updated_at) ORDER BY o.position))
      FROM polls q JOIN poll_options o ON o.poll_id = q.id
      WHERE q.post_id = {post} AND q.deleted_at IS NULL GROUP BY q.id)"""


def card_version(post: str) -> str:
    """SQL: which rows `card` is made of. Each vote makes it another, as options count them."""
    return f"""(SELECT {version("q")} || array_to_string(ARRAY(
        SELECT {version("o")} FROM poll_options o WHERE o.poll_id = q.id ORDER BY o.position), '')
      FROM polls q WHERE q.post_id = {post} AND q.deleted_at IS NULL)"""


def voted(post: str) -> str:
    """SQL: which option of the poll of a post the viewer $1 chose, if any."""
    return f"""(SELECT (SELECT v.poll_option_id FROM user_polls v WHERE v.user_id = $1 AND v.poll_id = q.id)
      FROM polls q WHERE q.post_id = {post} AND q.deleted_at IS NULL)"""


class Row(msgspec.Struct):
    """A poll, and the viewer's vote."""

    card: msgspec.Raw | None
    my_vote: UUID | None


OF_POST = Query(Row, f"SELECT {card('$2')} AS card, {voted('$2')} AS my_vote")
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
