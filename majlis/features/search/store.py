"""The SQL of searching people by everything that they are called, and tell of themselves."""

from uuid import UUID

from majlis.features.graph.model import Thing
from majlis.features.graph.service import BLOCKED, sees
from majlis.kit.db import Query
from majlis.kit.text import tsquery

_ABOUT = "to_tsvector('simple', search_text(coalesce(p.about, '')))"
_WORDS = tsquery("$2")
# Whose username begins with $3, and in whose names or words about themselves every word of the query $2 begins a word;
# of each what the viewer $1 may see. Whoever has exactly the username comes first, then who is called so.
PEOPLE = Query(
    UUID,
    f"""SELECT p.id FROM (
      SELECT u.id, min(u.rank) AS rank FROM (
        SELECT p.id, (lower(p.username) <> $3)::int AS rank FROM profiles p
        WHERE p.deleted_at IS NULL AND lower(p.username) ^@ $3 AND $3 <> ''
        UNION ALL SELECT p.id, 2 FROM profiles p
        WHERE p.deleted_at IS NULL AND p.search @@ {_WORDS} AND {sees(Thing.NAME, "p")}
        UNION ALL SELECT p.id, 3 FROM profiles p
        WHERE p.deleted_at IS NULL AND {_ABOUT} @@ {_WORDS} AND {sees(Thing.ABOUT, "p")}) AS u
      GROUP BY u.id) AS f
    JOIN profiles p ON p.id = f.id
    WHERE NOT p.suspended AND NOT p.id = ANY ({BLOCKED}) AND {sees(Thing.FOUND, "p")}
    ORDER BY f.rank, lower(p.username), p.id LIMIT $4 OFFSET $5""",
)
