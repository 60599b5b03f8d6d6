"""Rows of the history of posts, which the posts themselves write."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.graph.service import follows
from majlis.kit import page
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """An edit as this viewer sees it."""

    id: int
    user_id: UUID
    edited_at: datetime
    fields: list[str]
    before: msgspec.Raw


# Of the edits of a post that the viewer $1 sees now, those that changed what the viewer could have seen then: what was
# written in private stays so when the post becomes public.
_SEEN = f"""FROM post_edits e WHERE e.post_id = $2 AND (e.user_id = $1 OR (e.status AND CASE e.visibility
  WHEN 'PUBLIC' THEN true
  WHEN 'FRIENDS' THEN {follows("$1", "e.user_id")} AND {follows("e.user_id", "$1")}
  ELSE false END))"""
LISTED = Query(
    Row,
    f"""SELECT e.id, e.user_id, e.edited_at,
      ARRAY(SELECT jsonb_object_keys(e.before) AS name ORDER BY name) AS fields,
      CASE WHEN e.user_id = $1 THEN e.before ELSE e.before - ARRAY['country_code', 'contact_no'] END AS before
    {_SEEN} AND e.id < $3 ORDER BY e.id DESC LIMIT $4 OFFSET $5""",
)
COUNT = Query(int, f"SELECT count(*) FROM (SELECT 1 {_SEEN} LIMIT {page.MAX_OFFSET}) AS found")
