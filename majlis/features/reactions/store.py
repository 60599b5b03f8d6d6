"""Rows of likes, bookmarks and shares."""

from majlis.features.posts.service import LISTED
from majlis.features.reactions.model import LikeState
from majlis.kit.db import Joint, Query
from majlis.kit.joint import asked, of_caller

_TARGET = f"SELECT p.id, p.total_likes FROM posts p JOIN profiles a ON a.id = p.user_id WHERE p.id = $2 AND {LISTED}"

_LIKE_TYPES = ["uuid", "uuid", None, "bytea"]  # viewer, post, names of handlers, payload
_TARGETS = f"""asked.n, asked.a1 AS user_id, asked.a4 AS payload, p.id AS post_id, p.total_likes
  FROM {asked(_LIKE_TYPES)} JOIN posts p ON p.id = asked.a2 JOIN profiles a ON a.id = p.user_id
  WHERE {of_caller(LISTED, _LIKE_TYPES)}"""

# One round trip: may the viewer see it, like it, tell whoever wants to know. No row when there is nothing to see.
# The trigger moves the counter after this statement's snapshot, so new likes are added to the answer here.
# Rows are stored in the order of posts, so that two of these statements never wait for one another in a circle.
LIKE = Joint(
    LikeState,
    f"""WITH target AS ({_TARGET}), liked AS (
      INSERT INTO post_likes (user_id, post_id) SELECT $1, id FROM target ON CONFLICT DO NOTHING RETURNING 1
    ), told AS (
      SELECT emit_facts($3, ARRAY[$4::bytea]) FROM liked
    )
    SELECT true AS liked_by_me, total_likes + (SELECT count(*) FROM told)::int AS total_likes FROM target""",
    _LIKE_TYPES,
    many=f"""WITH target AS (SELECT {_TARGETS}), liked AS (
      INSERT INTO post_likes (user_id, post_id) SELECT DISTINCT user_id, post_id FROM target ORDER BY post_id, user_id
      ON CONFLICT DO NOTHING RETURNING user_id, post_id
    ), told AS (
      SELECT emit_facts($3, array_agg(payload)) FROM liked JOIN
        (SELECT DISTINCT ON (user_id, post_id) user_id, post_id, payload FROM target) t USING (user_id, post_id)
    ), new AS (
      SELECT post_id, count(*)::int AS likes FROM liked GROUP BY post_id
    )
    SELECT true AS liked_by_me, total_likes + coalesce(new.likes, 0) AS total_likes, n
    FROM target LEFT JOIN new USING (post_id) WHERE (SELECT count(*) FROM told) = 1""",
    most=16,  # so that two of them, each waiting for the disk at its end, share the work of 32 callers
    least=14,  # fewer cost more than they gain: what a statement writes besides rows is for all of them
)
UNLIKE = Query(
    LikeState,
    f"""WITH target AS ({_TARGET}), gone AS (
      DELETE FROM post_likes WHERE user_id = $1 AND post_id = (SELECT id FROM target) RETURNING 1
    ), told AS (
      SELECT emit_facts($3, ARRAY[$4::bytea]) FROM gone
    )
    SELECT false AS liked_by_me, greatest(0, total_likes - (SELECT count(*) FROM told)::int) AS total_likes FROM target""",
)
# Kept from being taken back until the transaction ends: what tells of it is then withdrawn behind it.
STANDS = Query(bool, "SELECT true FROM post_likes WHERE user_id = $1 AND post_id = $2 FOR KEY SHARE")
BOOKMARK = Query(
    bool,
    f"""WITH target AS ({_TARGET}), kept AS (
      INSERT INTO post_bookmarks (user_id, post_id) SELECT $1, id FROM target ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT true FROM target""",
)
UNBOOKMARK = Query(
    bool,
    f"""WITH target AS ({_TARGET}), gone AS (
      DELETE FROM post_bookmarks WHERE user_id = $1 AND post_id = (SELECT id FROM target) RETURNING 1
    )
    SELECT true FROM target""",
)
ADD_SHARE = """
INSERT INTO post_shares (id, user_id, original_post_id, shared_post_id, share_text, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
