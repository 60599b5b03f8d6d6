"""Rows of articles and of their slugs."""

from uuid import UUID

import msgspec

from majlis.features.articles.model import Article, Item
from majlis.features.graph.service import BLOCKED, admits
from majlis.kit.db import Query

# Which articles `a` of authors `p` the viewer $1 may see.
_SHOWN = f"""a.deleted_at IS NULL AND p.deleted_at IS NULL AND NOT p.suspended
  AND (a.author_id = $1 OR (a.status = 'published' AND {admits("p")}))
  AND NOT a.author_id = ANY ({BLOCKED})"""
_ITEM = (
    """a.id, a.author_id, a.title, a.slug, a.status, a.view_count, a.version, a.created_at, a.updated_at"""
)
_FROM = "FROM articles a JOIN profiles p ON p.id = a.author_id"

ONE = Query(Item, f"SELECT {_ITEM} {_FROM} WHERE a.id = $2::uuid AND {_SHOWN}")
BY_SLUG = Query(
    Item,
    f"""SELECT {_ITEM} {_FROM} WHERE a.id = (SELECT s.article_id FROM article_slugs s WHERE s.slug = $2)
    AND {_SHOWN}""",
)
WHOLE = Query(Article, f"SELECT {_ITEM}, a.content {_FROM} WHERE a.id = $2::uuid AND {_SHOWN}")
SOME = Query(Article, f"SELECT {_ITEM}, a.content {_FROM} WHERE a.id = ANY($2::uuid[]) AND {_SHOWN}")
APART = Query(UUID, f"SELECT unnest({BLOCKED})")  # who is across a block with $1
CONTENT = Query(str, "SELECT content FROM articles WHERE id = $1 AND version = $2")
# What anybody may see, whoever they are: the list is kept for all.
POPULAR = Query(
    UUID,
    f"""SELECT a.id {_FROM} WHERE a.deleted_at IS NULL AND a.status = 'published' AND p.deleted_at IS NULL
    AND NOT p.suspended AND NOT p.is_private ORDER BY a.view_count DESC, a.id DESC LIMIT 10""",
)

_OWN = _ITEM.replace("a.", "")
LOCK = Query(Article, f"SELECT {_OWN}, content FROM articles WHERE id = $1 AND deleted_at IS NULL FOR UPDATE")
# Nothing where the slug is taken: another article has it, or had it once.
ADD = Query(
    Article,
    f"""WITH taken AS (
      INSERT INTO article_slugs (slug, article_id, created_at) VALUES ($4, $1, $7)
      ON CONFLICT DO NOTHING RETURNING slug)
    INSERT INTO articles (id, author_id, title, slug, content, status, created_at, updated_at)
    SELECT $1, $2, $3, slug, $5, $6, $7, $7 FROM taken RETURNING {_OWN}, content""",
)
# An article may have a slug again that was its own.
CLAIM = Query(
    str,
    """INSERT INTO article_slugs (slug, article_id, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug WHERE article_slugs.article_id = excluded.article_id
    RETURNING slug""",
)
SAVE = Query(
    Article,
    f"""UPDATE articles SET title = $3, slug = $4, content = $5, status = $6, version = version + 1, updated_at = $7
    WHERE id = $1 AND version = $2 AND deleted_at IS NULL RETURNING {_OWN}, content""",
)
DELETE = "UPDATE articles SET deleted_at = $2, updated_at = $2, version = version + 1 WHERE id = $1"
# In the order of their ids, so that two processes that write at once do not wait for each other in a ring.
COUNT_VIEWS = """
WITH held AS (SELECT id FROM articles WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)
UPDATE articles a SET view_count = a.view_count + v.views
FROM unnest($1::uuid[], $2::bigint[]) AS v (id, views) JOIN held ON held.id = v.id WHERE a.id = v.id
"""


class Text(msgspec.Struct):
    """What one article says."""

    id: UUID
    content: str


TEXTS = Query(
    Text,
    """SELECT id, content FROM articles WHERE author_id = $1 AND deleted_at IS NULL
    AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT 100""",
)
MINE = Query(int, "SELECT count(*) FROM articles WHERE author_id = $1 AND deleted_at IS NULL")


def _listed(author: bool, search: bool) -> str:
    """Which articles; nothing has to be escaped in $4, for it is no pattern."""
    words = "strpos(lower(a.title), lower($4::text)) > 0 OR strpos(lower(a.content), lower($4::text)) > 0"
    return f"""{_FROM} WHERE {_SHOWN} AND a.status = $2
      AND {"a.author_id = $3" if author else "$3::uuid IS NULL"} AND {f"({words})" if search else "$4::text IS NULL"}"""


def listing(author: bool, search: bool) -> Query[Item]:
    """A page of articles, the newest first: status $2, author $3, words $4, limit $5, offset $6."""
    return Query(
        Item,
        f"SELECT {_ITEM} {_listed(author, search)} ORDER BY a.created_at DESC, a.id DESC LIMIT $5 OFFSET $6",
    )


def count(author: bool, search: bool) -> Query[int]:
    """How many articles there are in such a list."""
    return Query(int, f"SELECT count(*) {_listed(author, search)}")


LISTS = {(author, search): listing(author, search) for author in (False, True) for search in (False, True)}
COUNTS = {key: count(*key) for key in LISTS}


def samples() -> list[str]:
    """The SQL of every list."""
    return [*(query.sql for query in LISTS.values()), *(query.sql for query in COUNTS.values())]
