"""Rows of notifications."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.graph.service import BLOCKED
from majlis.features.notifications.model import Notification
from majlis.features.posts.service import SHOWN
from majlis.kit import clock, page
from majlis.kit.db import Query

# What the owner $1 is told of people who are still there and whom they meet.
_SEEN = f"""n.user_id = $1 AND (n.actor_id IS NULL OR (NOT n.actor_id = ANY ({BLOCKED})
  AND (SELECT NOT a.suspended AND a.deleted_at IS NULL FROM profiles a WHERE a.id = n.actor_id)))"""
_COLUMNS = "n.id, n.user_id, n.type, n.title, n.message, n.data, n.read, n.created_at"

# Told once of an actor and a target; not by those who are gone, nor across a block, nor of oneself.
TELL = f"""
INSERT INTO notifications (id, user_id, type, title, message, data, actor_id, target_id, created_at)
SELECT $2, r.id, $3, $4,
  coalesce(nullif(concat_ws(' ', a.first_name, a.last_name), ''), 'Somebody') || ' ' || $5::text,
  $6, a.id, $8, $9
FROM profiles r JOIN profiles a ON a.id = $7 AND a.deleted_at IS NULL AND NOT a.suspended
WHERE r.id = $1 AND r.deleted_at IS NULL AND a.id <> r.id AND NOT a.id = ANY ({BLOCKED})
ON CONFLICT ON CONSTRAINT told_once DO NOTHING
"""
READ = Query(
    Notification,
    f"UPDATE notifications n SET read = true WHERE n.id = $2 AND {_SEEN} RETURNING {_COLUMNS}",
)
# Locked in order, so that two devices which do this at once do not deadlock.
READ_ALL = """
UPDATE notifications SET read = true WHERE id IN (
  SELECT id FROM notifications WHERE user_id = $1 AND NOT read ORDER BY id FOR NO KEY UPDATE)
"""
UNREAD = Query(int, f"SELECT count(*) FROM notifications n WHERE NOT n.read AND {_SEEN}")
DELETE = "DELETE FROM notifications n WHERE n.id = $2 AND n.user_id = $1"

AUTHOR = Query(UUID, "SELECT user_id FROM posts WHERE id = $1 AND deleted_at IS NULL")


class Said(msgspec.Struct):
    """A comment that stands, and who may want to hear of it."""

    user_id: UUID
    post_id: UUID
    post_author: UUID
    parent_id: UUID | None
    parent_author: UUID | None


SAID = Query(
    Said,
    """SELECT c.user_id, c.post_id, p.user_id AS post_author, up.id AS parent_id, up.user_id AS parent_author
    FROM post_comments c JOIN posts p ON p.id = c.post_id AND p.deleted_at IS NULL
    LEFT JOIN post_comments up ON up.id = c.parent_comment_id AND up.deleted_at IS NULL
    WHERE c.id = $1 AND c.deleted_at IS NULL""",
)
# Whether $1 may see a post.
SEES = Query(
    bool, f"SELECT true FROM posts p JOIN profiles a ON a.id = p.user_id WHERE p.id = $2 AND {SHOWN}"
)


class Listing:
    """A list of notifications put together from filters and a place in it, newest first."""

    def __init__(self, owner: UUID, read: bool | None, types: Sequence[str] | None) -> None:
        self.args: list[Any] = [owner]
        self._where = [_SEEN]
        if read is not None:
            self._where.append(f"n.read = {self._arg(read)}")
        if types is not None:
            self._where.append(f"n.type = ANY ({self._arg(types)}::text[])")

    def _arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def after(self, created_at: datetime, id: UUID) -> None:
        """Begin behind this one."""
        self._where.append(f"(n.created_at, n.id) < ({self._arg(created_at)}, {self._arg(id)})")

    def count(self) -> Query[int]:
        """How many there are, up to a ceiling."""
        rows = f"SELECT 1 FROM notifications n WHERE {' AND '.join(self._where)} LIMIT {page.MAX_OFFSET}"
        return Query(int, f"SELECT count(*) FROM ({rows}) AS found")

    def page(self, limit: int, offset: int) -> Query[Notification]:
        """One more than a page. The usual size is a literal: it lets PostgreSQL keep a generic plan."""
        size = str(page.DEFAULT + 1) if limit == page.DEFAULT else self._arg(limit + 1)
        skip = f" OFFSET {self._arg(offset)}" if offset else ""
        return Query(
            Notification,
            f"""SELECT {_COLUMNS} FROM notifications n WHERE {" AND ".join(self._where)}
            ORDER BY n.created_at DESC, n.id DESC LIMIT {size}{skip}""",
        )


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, found = UUID(int=0), []
    for read, types in ((None, None), (True, ["SYSTEM"])):
        listing = Listing(nobody, read, types)
        found.append(listing.count().sql)
        listing.after(clock.now(), nobody)
        found += [listing.page(20, 0).sql, listing.page(7, 40).sql]
    return found
