"""Rows of direct conversations. In all statements with a viewer, that is $1."""

from uuid import UUID

import msgspec

from majlis.features.channels.service import CHANNEL, FROM, LIKED, Row
from majlis.features.graph.service import BLOCKED
from majlis.kit.db import Query


class Partner(msgspec.Struct):
    """Somebody of a workspace: whether a block stands between them and the viewer, and whether they share a channel."""

    user_id: UUID
    blocked: bool
    shares: bool


# Those of these people who are there; they stay in the workspace until the transaction ends.
PARTNERS = Query(
    Partner,
    f"""SELECT m.user_id, m.user_id = ANY ({BLOCKED}) AS blocked, m.user_id = $1 OR coalesce((SELECT true
      FROM channels ch JOIN conversation_members a ON a.conversation_id = ch.id AND a.user_id = $1 AND a.left_seq IS NULL
      JOIN conversation_members b ON b.conversation_id = ch.id AND b.user_id = m.user_id AND b.left_seq IS NULL
      WHERE ch.workspace_id = $2 AND ch.direct IS NULL LIMIT 1), false) AS shares
    FROM workspace_members m JOIN profiles p ON p.id = m.user_id AND p.deleted_at IS NULL AND NOT p.suspended
    WHERE m.workspace_id = $2 AND m.user_id = ANY($3::uuid[]) ORDER BY m.user_id FOR SHARE OF m""",
)
_OWN = "ch.workspace_id = $2 AND ch.direct IS NOT NULL AND cm.user_id IS NOT NULL"
_MOVED = "coalesce(c.last_message_at, ch.created_at)"
# The page first: what is counted for each conversation is counted for those of the page only.
LIST = Query(
    Row,
    f"""WITH chosen AS (
      SELECT ch.id FROM {FROM} WHERE {_OWN} AND ($3::timestamptz IS NULL OR ({_MOVED}, ch.id) < ($3, $4))
      ORDER BY {_MOVED} DESC, ch.id DESC LIMIT $5 OFFSET $6)
    SELECT {CHANNEL} FROM {FROM} {LIKED} WHERE ch.id IN (SELECT id FROM chosen) ORDER BY {_MOVED} DESC, ch.id DESC""",
)
COUNT = Query(int, f"SELECT count(*) FROM {FROM} WHERE {_OWN}")
