"""Rows of reposts."""

from majlis.features.posts.service import LISTED
from majlis.features.reposts.model import RepostState
from majlis.kit.db import Query


class Made(RepostState):
    """The state, and whether the post may be handed on at all."""

    open: bool


_TARGET = f"""SELECT p.id, p.total_reposts, p.visibility = 'PUBLIC' AS open
  FROM posts p JOIN profiles a ON a.id = p.user_id WHERE p.id = $2 AND {LISTED}"""

# One round trip: may the viewer see it, hand it on, tell whoever wants to know. No row when there is nothing to see.
# The trigger moves the counter behind this statement's snapshot, so what is new is added to the answer here.
REPOST = Query(
    Made,
    f"""WITH target AS ({_TARGET}), made AS (
      INSERT INTO post_reposts (user_id, post_id, created_at) SELECT $1, id, $5 FROM target WHERE open
      ON CONFLICT DO NOTHING RETURNING 1
    ), told AS (
      SELECT emit_facts($3, ARRAY[$4::bytea]) FROM made
    )
    SELECT open AS reposted_by_me, total_reposts + (SELECT count(*) FROM told)::int AS total_reposts, open FROM target""",
)
UNREPOST = Query(
    RepostState,
    f"""WITH target AS ({_TARGET}), gone AS (
      DELETE FROM post_reposts WHERE user_id = $1 AND post_id = (SELECT id FROM target) RETURNING 1
    ), told AS (
      SELECT emit_facts($3, ARRAY[$4::bytea]) FROM gone
    )
    SELECT false AS reposted_by_me, greatest(0, total_reposts - (SELECT count(*) FROM told)::int) AS total_reposts
    FROM target""",
)
# Kept from being taken back until the transaction ends: what tells of it is then withdrawn behind it.
STANDS = Query(bool, "SELECT true FROM post_reposts WHERE user_id = $1 AND post_id = $2 FOR KEY SHARE")
