"""Rows of labels."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.labels.model import SHORT, Tagged
from majlis.kit.db import Query

# Whether everybody may see a post `p` of an author `a`.
_OPEN = """p.deleted_at IS NULL AND p.status AND p.visibility = 'PUBLIC'
  AND NOT a.is_private AND NOT a.suspended AND a.deleted_at IS NULL"""


class Current(msgspec.Struct):
    """A short post as it is labelled."""

    text: str
    gone: bool
    open: bool
    created_at: datetime
    metadata: msgspec.Raw | None


# Held until the transaction ends, so that of two who label a post the second sees what the first wrote.
CURRENT = Query(
    Current,
    f"""SELECT concat_ws(' ', p.title, p.description) AS text,
      p.deleted_at IS NOT NULL AND p.hidden_as IS NULL AS gone, {_OPEN} AS open, p.created_at,
      (SELECT l.metadata FROM post_labels l WHERE l.post_id = p.id) AS metadata
    FROM posts p JOIN profiles a ON a.id = p.user_id WHERE p.id = $1 AND p.type IN {SHORT} FOR NO KEY UPDATE OF p""",
)
LABEL = """
INSERT INTO post_labels (post_id, metadata, tags, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (post_id) DO UPDATE SET metadata = excluded.metadata, tags = excluded.tags
WHERE post_labels.metadata <> excluded.metadata OR post_labels.tags <> excluded.tags
"""
UNLABEL = "DELETE FROM post_labels WHERE post_id = $1"
TAG = """
INSERT INTO post_hashtags (post_id, tag, position, counted, created_at)
SELECT $1, tag, position - 1, $3, $4 FROM unnest($2::text[]) WITH ORDINALITY AS t (tag, position)
ON CONFLICT (post_id, tag) DO UPDATE SET position = excluded.position, counted = excluded.counted
WHERE (post_hashtags.position, post_hashtags.counted) <> (excluded.position, excluded.counted)
"""
# First of all it holds every tag whose count is to move, here or by `TAG`, in the order of tags: so two posts with the
# same tags do not deadlock. A tag that is new gets its row; those that are there are held and stay as they are. What is
# deleted is counted when the statement ends, which is behind that.
UNTAG = """
WITH held AS (
  INSERT INTO hashtags (tag, posts, recent)
  SELECT tag, 0, 0 FROM (SELECT tag::text FROM post_hashtags WHERE post_id = $1 AND counted) AS before
  FULL JOIN (SELECT tag FROM unnest($2::text[]) AS tag WHERE $3) AS after USING (tag)
  WHERE before.tag IS NULL OR after.tag IS NULL ORDER BY tag
  ON CONFLICT (tag) DO UPDATE SET posts = hashtags.posts WHERE false
)
DELETE FROM post_hashtags WHERE post_id = $1 AND NOT tag = ANY ($2::text[])
"""
# Posts whose tags count although not everybody sees them any more, or the other way: accounts change, too.
WRONG = Query(
    UUID,
    f"""SELECT DISTINCT h.post_id FROM post_hashtags h
    JOIN posts p ON p.id = h.post_id JOIN profiles a ON a.id = p.user_id
    WHERE h.created_at > $1 AND h.counted <> ({_OPEN}) LIMIT $2""",
)

# Hours before $1 are over, whether or not they were cleared away yet.
TRENDING = Query(
    Tagged,
    """WITH past AS (SELECT tag, sum(posts)::int AS posts FROM hashtag_hours WHERE hour < $1 GROUP BY tag)
    SELECT tag, posts FROM (
      (SELECT tag, recent AS posts FROM hashtags WHERE recent > 0 AND NOT tag IN (SELECT tag FROM past)
       ORDER BY recent DESC, tag LIMIT $2)
      UNION ALL
      SELECT h.tag, h.recent - past.posts FROM past JOIN hashtags h USING (tag) WHERE h.recent > past.posts
    ) AS t ORDER BY posts DESC, tag LIMIT $2""",
)
FOUND = Query(
    Tagged,
    """SELECT tag, posts FROM hashtags WHERE tag ^@ $1 AND posts > 0
    ORDER BY posts DESC, tag LIMIT $2 OFFSET $3""",
)
# Whoever counts holds the row of the tag before that of the hour; so does whoever clears away.
OVER = Query(
    str,
    """SELECT tag FROM hashtags WHERE tag = ANY (ARRAY(
      SELECT DISTINCT tag FROM hashtag_hours WHERE hour < $1 LIMIT $2)) ORDER BY tag FOR UPDATE""",
)
CLEAR = """
WITH gone AS (DELETE FROM hashtag_hours WHERE hour < $1 AND tag = ANY ($2::text[]) RETURNING tag, posts)
UPDATE hashtags h SET recent = h.recent - g.posts
FROM (SELECT tag, sum(posts)::int AS posts FROM gone GROUP BY tag) g WHERE h.tag = g.tag
"""
# Words of people who deleted what they wrote. A tag that somebody is about to count is held by them.
UNUSED = Query(
    str,
    """WITH gone AS (
      DELETE FROM hashtags WHERE tag = ANY (ARRAY(
        SELECT tag FROM hashtags WHERE posts = 0 AND recent = 0 LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING tag
    ), hours AS (
      DELETE FROM hashtag_hours WHERE tag IN (SELECT tag FROM gone)
    )
    SELECT tag FROM gone""",
)
