"""Rows of uploads."""

from uuid import UUID

import msgspec

from majlis.kit.db import Query


class Row(msgspec.Struct):
    """An upload under its lock."""

    object: str
    user_id: UUID | None
    attached: int
    removed: bool
    url: str  # the public one
    photo: msgspec.Raw

    def is_loose(self) -> bool:
        """Whether nothing refers to it, or nobody is left to whom it could belong."""
        return self.attached == 0 or self.user_id is None


ADD = "INSERT INTO uploads (id, object, user_id, kind, photo, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
# In one order for everybody, so that two callers cannot wait for each other. $2: with the private form of addresses.
LOCK = Query(
    Row,
    """SELECT object, user_id, attached, removed_at IS NOT NULL AS removed, photo ->> 'url' AS url,
      CASE WHEN $2 THEN media_hidden(photo::text)::jsonb ELSE photo END AS photo
    FROM uploads WHERE object = ANY($1::text[]) ORDER BY object FOR UPDATE""",
)
# Both take the objects and, beside each, how many references are meant, and how many of them are public and private.
ATTACH = """
UPDATE uploads SET attached = attached + wanted.times, public_refs = public_refs + wanted.shown,
  private_refs = private_refs + wanted.hidden
FROM unnest($1::text[], $2::int[], $3::int[], $4::int[]) AS wanted (object, times, shown, hidden)
WHERE uploads.object = wanted.object
"""
DETACH = """
UPDATE uploads SET attached = greatest(0, attached - given.times),
  public_refs = greatest(0, public_refs - given.shown), private_refs = greatest(0, private_refs - given.hidden)
FROM unnest($1::text[], $2::int[], $3::int[], $4::int[]) AS given (object, times, shown, hidden)
WHERE uploads.object = given.object
"""
# What makes the marks of private addresses.
KEY = Query(bytes, "SELECT key FROM media_keys")
MARK = "UPDATE uploads SET removed_at = coalesce(removed_at, $2) WHERE object = ANY($1::text[])"
FORGET = """
DELETE FROM uploads WHERE id IN (
  SELECT id FROM uploads WHERE object = ANY($1::text[]) AND removed_at IS NOT NULL ORDER BY object FOR UPDATE)
"""
LOOSE = Query(
    str,
    """SELECT object FROM uploads WHERE (attached = 0 OR user_id IS NULL) AND created_at < $1
    ORDER BY created_at LIMIT $2""",
)
