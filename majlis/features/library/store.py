"""Rows of the library."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.graph.service import BLOCKED, admits
from majlis.features.library.model import Item
from majlis.features.media.model import Photo
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """An item as it is stored."""

    id: UUID
    user_id: UUID
    object: str
    photo: msgspec.Raw
    alt_text: str | None
    created_at: datetime

    def shown(self) -> Item:
        """The same as a noun."""
        photo = msgspec.json.decode(self.photo, type=Photo)
        return Item(self.id, self.user_id, self.object, photo, self.alt_text, self.created_at)


# Whether everybody may have something that is shown to them. What nothing shows is as open as its owner's account,
# unless it was closed before.
_OPEN = """(SELECT u.public_refs > 0 OR u.private_refs = 0 AND NOT u.closed AND NOT o.is_private
  FROM uploads u JOIN profiles o ON o.id = i.user_id WHERE u.object = i.object)"""
_COLUMNS = f"""i.id, i.user_id, i.object,
  CASE WHEN {_OPEN} THEN i.photo ELSE media_hidden(i.photo::text)::jsonb END AS photo, i.alt_text, i.created_at"""
ADD = """
INSERT INTO library_items (id, user_id, object, photo, alt_text, created_at) VALUES ($1, $2, $3, $4, $5, $6)
"""
# What the viewer $1 may see: of people who are there, show themselves to them, and no block stands between. What only
# things show that are not for everybody is found there.
_SEEN = f"""FROM library_items i
  JOIN profiles p ON p.id = i.user_id AND p.deleted_at IS NULL AND NOT p.suspended
    AND NOT p.id = ANY ({BLOCKED}) AND {admits("p")} AND (i.user_id = $1 OR NOT media_closed(i.object))"""
GET = Query(Row, f"SELECT {_COLUMNS} {_SEEN} WHERE i.id = $2")
OF = Query(
    Row,
    f"SELECT {_COLUMNS} {_SEEN} WHERE i.user_id = $2 ORDER BY i.created_at DESC, i.id DESC LIMIT $3 OFFSET $4",
)
# Whoever has the address of a file that is open may fetch it, as with every public picture.
FILE = Query(
    Row,
    f"""SELECT {_COLUMNS} FROM library_items i JOIN users u ON u.id = i.user_id
    AND u.deleted_at IS NULL AND u.suspended_at IS NULL WHERE i.id = $1 AND {_OPEN}""",
)
MINE = Query(Row, f"SELECT {_COLUMNS} FROM library_items i WHERE i.user_id = $1 AND i.id = ANY($2::uuid[])")
BY_OBJECT = Query(Row, f"SELECT {_COLUMNS} FROM library_items i WHERE i.object = ANY($1::text[])")
# The same of the upload with one of these names. What is referred to, and neither publicly nor privately, is kept only.
STANDING = Query(
    str,
    """SELECT CASE WHEN u.public_refs > 0 THEN 'public'
      WHEN u.private_refs > 0 OR u.closed OR u.user_id IS NULL THEN 'private'
      WHEN u.attached > 0 AND o.is_private THEN 'private' ELSE 'loose' END
    FROM uploads u LEFT JOIN profiles o ON o.id = u.user_id WHERE u.object = ANY($1::text[])""",
)
LOCK = Query(Row, f"SELECT {_COLUMNS} FROM library_items i WHERE i.id = $1 FOR UPDATE")
# How many refer to it beside this library. Held, as whoever shows something holds it too.
SHOWN = Query(int, "SELECT attached - 1 FROM uploads WHERE object = $1 FOR UPDATE")
DELETE = "DELETE FROM library_items WHERE id = $1"
