"""Rows of filters."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.filters.model import MutedWord, Rule
from majlis.kit.db import Query


class Matching(msgspec.Struct):
    """A rule of which a text has the first word, or the host."""

    kind: str
    pattern: str
    folded: str
    action: str


# Indexed by what a text is asked for, so that it costs the same however many rules there are.
MATCHING = Query(
    Matching, "SELECT kind, pattern, folded, action FROM filter_rules WHERE lookup = ANY($1::text[])"
)

_RULE = "id, kind, pattern, action, note, created_by, created_at"
ADD = Query(
    Rule,
    f"""INSERT INTO filter_rules (id, kind, pattern, folded, lookup, action, note, created_by, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING {_RULE}""",
)
REMOVE = Query(Rule, f"DELETE FROM filter_rules WHERE id = $1 RETURNING {_RULE}")
_CHOSEN = "($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR action = $2)"
LIST = Query(
    Rule,
    f"""SELECT {_RULE} FROM filter_rules
    WHERE {_CHOSEN} AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
    ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6""",
)
COUNT = Query(int, f"SELECT count(*) FROM filter_rules WHERE {_CHOSEN}")


class Muted(msgspec.Struct):
    """A word that somebody has muted, and whether only just now."""

    id: UUID
    word: str
    created_at: datetime
    is_new: bool


# Held, so that of two words that come at once each counts the other.
HOLD_USER = "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE"
COUNT_MUTED = Query(int, "SELECT count(*) FROM muted_words WHERE user_id = $1 AND folded <> $2")
MUTE = Query(
    Muted,
    """INSERT INTO muted_words (id, user_id, word, folded, created_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (user_id, folded) DO UPDATE SET word = muted_words.word
    RETURNING id, word, created_at, id = $1 AS is_new""",
)
UNMUTE = "DELETE FROM muted_words WHERE id = $1 AND user_id = $2"
MUTED_WORDS = Query(
    MutedWord,
    "SELECT id, word, created_at FROM muted_words WHERE user_id = $1 ORDER BY created_at DESC, id DESC",
)
FOLDED = Query(str, "SELECT folded FROM muted_words WHERE user_id = $1 ORDER BY folded")
