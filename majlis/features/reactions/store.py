"""Rows of likes, bookmarks and shares."""

from majlis.features.posts.service import LISTED
from majlis.features.reactions.model import LikeState
from majlis.kit.db import Query

_TARGET = f"SELECT p.id, p.total_likes FROM posts p JOIN profiles a ON a.id = p.user_id WHERE p.id = $2 AND {LISTED}"

# One round trip: may the viewer see it, like it, tell whoever wants to know. No row when there is nothing to see.
# The trigger moves the counter after this statement's snapshot, so a new like is added to the answer here.
LIKE = Query(
    LikeState,
    f"""WITH target AS ({_TARGET}), liked AS (
      INSERT INTO post_likes (user_id, post_id) SELECT $1, id FROM target ON CONFLICT DO NOTHING RETURNING 1
    ), told AS (
      SELECT emit_fact($3, $4) FROM liked
    )
    SELECT true AS liked_by_me, total_likes + (SELECT count(*) FROM told)::int AS total_likes FROM target""",
)
UNLIKE = Query(
    LikeState,
    f"""WITH target AS ({_TARGET}), gone AS (
      DELETE FROM post_likes WHERE user_id = $1 AND post_id = (SELECT id FROM target) RETURNING 1
    )
    SELECT false AS liked_by_me, greatest(0, total_likes - (SELECT count(*) FROM gone)::int) AS total_likes FROM target""",
)
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
