"""Rows of emoji."""

from majlis.features.emoji.model import Emoji
from majlis.kit.db import Query

_EMOJI = """SELECT e.name, coalesce(e.photo, o.photo) ->> 'url' AS url, e.alias_of, e.created_by
FROM workspace_emoji e LEFT JOIN workspace_emoji o ON o.workspace_id = e.workspace_id AND o.name = e.alias_of
WHERE e.workspace_id = $1"""
ALL = Query(Emoji, f"{_EMOJI} ORDER BY e.name")
ONE = Query(Emoji, f"{_EMOJI} AND e.name = $2")
COUNT = Query(int, "SELECT count(*) FROM workspace_emoji WHERE workspace_id = $1")
INSERT = """INSERT INTO workspace_emoji (workspace_id, name, photo, alias_of, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6)"""
DELETE = "DELETE FROM workspace_emoji WHERE workspace_id = $1 AND name = $2"
DROP = Query(
    str, "DELETE FROM workspace_emoji WHERE workspace_id = $1 RETURNING coalesce(photo ->> 'url', '')"
)
