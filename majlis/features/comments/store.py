"""Rows of comments and of their likes."""

from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

import msgspec

from majlis.features.comments.model import Comment, LikeState, Sort
from majlis.features.graph.model import UserMini
from majlis.features.graph.service import BLOCKED, follows, hides, shown
from majlis.features.posts.service import SHOWN
from majlis.kit import page
from majlis.kit.db import Query
from majlis.kit.geo import Point

# Comments `c` by writers `w` that stand and that the viewer $1 may see, on a post that the viewer may see.
LIVE = f"""c.deleted_at IS NULL AND w.deleted_at IS NULL AND NOT w.suspended
  AND NOT c.user_id = ANY ({BLOCKED})"""
# With those of which a tombstone is left, whatever became of the account that wrote them.
LISTED = f"""NOT c.gone AND (c.deleted_at IS NOT NULL OR (w.deleted_at IS NULL AND NOT w.suspended))
  AND NOT c.user_id = ANY ({BLOCKED})"""
_FROM = "FROM post_comments c JOIN profiles w ON w.id = c.user_id"
_POST = "JOIN posts p ON p.id = c.post_id JOIN profiles a ON a.id = p.user_id"

# Up to updated_at in the order of Comment's fields, the writer's in that of UserMini.
_COLUMNS = f"""c.id, c.post_id, c.user_id, c.parent_comment_id, c.text, c.location, c.total_likes,
  c.total_replies, c.created_at, c.updated_at,
  w.first_name, w.last_name, w.avatar, w.province, w.district, w.neighborhood,
  {follows("$1", "c.user_id")} AS is_following, {follows("c.user_id", "$1")} AS follows_me, {hides("w")} AS hides,
  c.attachments,
  coalesce((SELECT true FROM post_comment_likes l WHERE l.user_id = $1 AND l.comment_id = c.id), false)
    AS liked_by_me,
  coalesce(c.user_id = $1, false) AS is_mine, c.deleted_at IS NOT NULL AS deleted"""
_OWN, _WRITER = 10, 18  # where the columns of the comment itself and of its writer end


def comment_of(row: Any, *, deleted: bool | None = None) -> Comment:
    """A row of these columns as a Comment, without replies; what is deleted is a tombstone."""
    own: list[Any] = list(row[:_OWN])
    hidden, attachments, liked_by_me, is_mine, gone = row[_WRITER : _WRITER + 5]
    deleted = gone if deleted is None else deleted
    writer = UserMini(row[2], *row[_OWN:_WRITER])
    if hidden:
        shown(writer, hidden)
    rest: tuple[Any, ...] = (writer, attachments, liked_by_me, is_mine, False)
    if deleted:
        own[4] = own[5] = None  # text and location
        rest = (None, [], liked_by_me, is_mine, True)
    return Comment(*own, *rest)


# ---- one

ONE = f"SELECT {_COLUMNS} {_FROM} {_POST} WHERE c.id = $2 AND {LISTED} AND {SHOWN}"
POST_SHOWN = Query(
    bool, f"SELECT true FROM posts p JOIN profiles a ON a.id = p.user_id WHERE p.id = $2 AND {SHOWN}"
)


class Place(msgspec.Struct):
    """Where in a thread a comment stands; at its top when it has no root."""

    id: UUID
    post_id: UUID
    root_comment_id: UUID | None


PLACE = Query(
    Place,
    f"SELECT c.id, c.post_id, c.root_comment_id {_FROM} {_POST} WHERE c.id = $2 AND {LISTED} AND {SHOWN}",
)
_PARENT = f"SELECT c.id, c.post_id, c.root_comment_id {_FROM} {_POST} WHERE c.id = $2 AND {LIVE} AND {SHOWN}"
PARENT = Query(Place, _PARENT)
# Held while a reply is written, so that it is not deleted in between.
LOCK_PARENT = Query(Place, f"{_PARENT} FOR NO KEY UPDATE OF c")


class Stored(msgspec.Struct):
    """A comment under its lock."""

    user_id: UUID
    post_id: UUID
    post_author: UUID
    text: str
    location: Point | None
    attachments: msgspec.Raw


_STORED = "c.user_id, c.post_id, p.user_id AS post_author, c.text, c.location, c.attachments"
LOCK = Query(
    Stored,
    f"SELECT {_STORED} {_FROM} {_POST} WHERE c.id = $2 AND {LIVE} AND {SHOWN} FOR NO KEY UPDATE OF c",
)
LOCK_ANY = Query(
    Stored,
    f"""SELECT {_STORED} FROM post_comments c JOIN posts p ON p.id = c.post_id
    WHERE c.id = $1 AND c.deleted_at IS NULL FOR NO KEY UPDATE OF c""",
)
INSERT = """
INSERT INTO post_comments (id, post_id, user_id, root_comment_id, parent_comment_id, text, location,
  attachments, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
"""
UPDATE = "UPDATE post_comments SET text = $2, location = $3, attachments = $4, updated_at = $5 WHERE id = $1"
DELETE = """
UPDATE post_comments SET deleted_at = $2, updated_at = $2, attachments = '[]'
WHERE id = $1 AND deleted_at IS NULL
"""

# Hidden by moderators is deleted with a mark: so lists, tombstones and counters take it as they do what is deleted.
HIDE = """
UPDATE post_comments SET deleted_at = coalesce(deleted_at, $2), hidden_as = $3, hidden_reason = $4, updated_at = $2
WHERE id = $1 AND (deleted_at IS NULL OR hidden_as <> 'HIDDEN')
"""
HIDDEN = f"""SELECT {_COLUMNS}, c.hidden_as, c.hidden_reason, c.deleted_at
{_FROM} WHERE c.id = $2 AND c.user_id = $1 AND c.hidden_as IS NOT NULL"""


class WasHidden(msgspec.Struct):
    """A comment that is shown again."""

    user_id: UUID
    post_id: UUID
    parent_comment_id: UUID | None
    hidden_as: str


RESTORE = Query(
    WasHidden,
    """WITH was AS (
      SELECT id, user_id, post_id, parent_comment_id, hidden_as FROM post_comments
      WHERE id = $1 AND hidden_as IS NOT NULL FOR NO KEY UPDATE
    )
    UPDATE post_comments c SET deleted_at = NULL, hidden_as = NULL, hidden_reason = NULL, updated_at = $2
    FROM was WHERE c.id = was.id RETURNING was.user_id, was.post_id, was.parent_comment_id, was.hidden_as""",
)
LOCK_HIDDEN = Query(
    Stored,
    f"""SELECT {_STORED} FROM post_comments c JOIN posts p ON p.id = c.post_id
    WHERE c.id = $1 AND c.user_id = $2 AND c.hidden_as IS NOT NULL FOR NO KEY UPDATE OF c""",
)
# Who wrote it deletes what is hidden: then nobody can bring it back.
WITHDRAW = """
UPDATE post_comments SET hidden_as = NULL, hidden_reason = NULL, attachments = '[]', deleted_at = $2, updated_at = $2
WHERE id = $1
"""

# ---- likes

_TARGET = f"SELECT c.id, c.total_likes {_FROM} {_POST} WHERE c.id = $2 AND {LIVE} AND {SHOWN}"

# One round trip: may the viewer see it, like it, tell whoever wants to know. No row when there is nothing to
# see. The trigger moves the counter after this statement's snapshot, so a new like is added here.
LIKE = Query(
    LikeState,
    f"""WITH target AS ({_TARGET}), liked AS (
      INSERT INTO post_comment_likes (user_id, comment_id) SELECT $1, id FROM target
      ON CONFLICT DO NOTHING RETURNING 1
    ), told AS (
      SELECT emit_facts($3, ARRAY[$4::bytea]) FROM liked
    )
    SELECT true AS liked_by_me, total_likes + (SELECT count(*) FROM told)::int AS total_likes FROM target""",
)
UNLIKE = Query(
    LikeState,
    f"""WITH target AS ({_TARGET}), taken AS (
      DELETE FROM post_comment_likes WHERE user_id = $1 AND comment_id = (SELECT id FROM target) RETURNING 1
    )
    SELECT false AS liked_by_me, greatest(0, total_likes - (SELECT count(*) FROM taken)::int) AS total_likes
    FROM target""",
)

# ---- lists

Scope = Literal["post", "thread", "parent"]
# What $2 is: a post, for its top level; the top of a thread, for all below it; a reply, for what answers it.
_SCOPES: dict[Scope, str] = {
    "post": "c.post_id = $2 AND c.root_comment_id IS NULL",
    "thread": "c.root_comment_id = $2",
    "parent": "c.parent_comment_id = $2",
}
_KEYS: dict[Sort, tuple[list[str], str]] = {
    "recent": (["c.created_at", "c.id"], "DESC"),
    "oldest": (["c.created_at", "c.id"], "ASC"),
    "top": (["c.total_likes", "c.created_at", "c.id"], "DESC"),
}


@cache
def page_of(scope: Scope, sort: Sort, *, continued: bool, usual: bool) -> str:
    """A page of comments. Continued: behind the row whose sort keys come from $3 on.

    The usual size is a literal, which lets PostgreSQL keep a generic plan; otherwise limit and offset are the
    two arguments that follow.
    """
    keys, direction = _KEYS[sort]
    used, behind = 2, ""
    if continued:
        marks = ", ".join(f"${used + n}" for n in range(1, len(keys) + 1))
        behind = f" AND ({', '.join(keys)}) {'<' if direction == 'DESC' else '>'} ({marks})"
        used += len(keys)
    order = ", ".join(f"{key} {direction}" for key in keys)
    size = f"LIMIT {page.DEFAULT + 1}" if usual else f"LIMIT ${used + 1} OFFSET ${used + 2}"
    return f"SELECT {_COLUMNS} {_FROM} WHERE {_SCOPES[scope]} AND {LISTED}{behind} ORDER BY {order} {size}"


@cache
def count_of(scope: Scope) -> Query[int]:
    """How many comments a list has, up to a ceiling."""
    rows = f"SELECT 1 {_FROM} WHERE {_SCOPES[scope]} AND {LISTED} LIMIT {page.MAX_OFFSET}"
    return Query(int, f"SELECT count(*) FROM ({rows}) AS found")


@cache
def first_of(scope: Scope, count: int) -> str:
    """The first so many of each of the lists $2."""
    condition = _SCOPES[scope].replace("$2", "of.id")
    return f"""SELECT replies.*, of.id AS of_id FROM unnest($2::uuid[]) AS of (id) CROSS JOIN LATERAL (
      SELECT {_COLUMNS} {_FROM} WHERE {condition} AND {LISTED} ORDER BY c.created_at, c.id LIMIT {count}
    ) AS replies ORDER BY replies.created_at, replies.id"""


# ---- what ends with accounts and posts

OF_USER = Query(UUID, "SELECT id FROM post_comments WHERE user_id = $1 AND deleted_at IS NULL LIMIT $2")


class Pictures(msgspec.Struct):
    """The pictures of a comment under its lock."""

    id: UUID
    attachments: msgspec.Raw


# The latest first: an answer is held before what it answers, as by whoever deletes it.
WITH_PICTURES = Query(
    Pictures,
    """SELECT id, attachments FROM post_comments WHERE post_id = $1 AND attachments::text <> '[]'
    ORDER BY id DESC LIMIT $2 FOR NO KEY UPDATE""",
)
SETTLE = "SELECT comments_settle($1::uuid[])"
PICTURED = Query(
    UUID,
    """SELECT id FROM post_comments WHERE post_id = $1 AND id > $2 AND attachments::text <> '[]'
    ORDER BY id LIMIT $3""",
)
DROP_PICTURES = "UPDATE post_comments SET attachments = '[]', updated_at = $2 WHERE id = ANY($1::uuid[])"


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    found = [
        page_of(scope, sort, continued=continued, usual=usual)
        for scope in _SCOPES
        for sort in _KEYS
        for continued in (False, True)
        for usual in (False, True)
    ]
    found += [count_of(scope).sql for scope in _SCOPES]
    return [*found, first_of("thread", 3), first_of("parent", 3)]


Keys = tuple[datetime, UUID] | tuple[int, datetime, UUID]


def keys_of(comment: Comment, sort: Sort) -> Keys:
    """What a list is sorted by, of its last comment."""
    if sort == "top":
        return comment.total_likes, comment.created_at, comment.id
    return comment.created_at, comment.id
