"""The SQL of who sees whom in a workspace. In all statements with a viewer, that is $1."""

from typing import Literal
from uuid import UUID

import msgspec

from majlis.features.channels.service import MENTIONED, UNREAD
from majlis.features.graph.service import BLOCKED
from majlis.features.membership.model import Person
from majlis.features.workspaces.service import JOINED
from majlis.kit.db import Query
from majlis.kit.text import tsquery

# How somebody `m` (a row of workspace_members) with the profile `p` is shown. Who hides the name from some is shown
# by its initial, and who hides pictures without one.
_PERSON = """m.user_id, m.username,
  coalesce(m.display_name, CASE WHEN p.hides & 3 = 0 OR p.id = $1
    THEN nullif(concat_ws(' ', p.first_name, p.last_name), '') ELSE left(p.first_name, 1) END, m.username) AS display_name,
  CASE WHEN p.hides >> 2 & 3 = 0 OR p.id = $1 THEN p.avatar ->> 'url' END AS avatar_url, m.role, m.title,
  false AS is_bot, m.joined_at,
  CASE WHEN p.suspended OR p.deleted_at IS NOT NULL THEN coalesce(p.deleted_at, p.updated_at) END AS deactivated_at"""
# Guests see themselves and whom they share a channel with.
_MET = """(me.role <> 'guest' OR m.user_id = $1 OR m.user_id = ANY (ARRAY(
  SELECT o.user_id FROM channels ch JOIN conversation_members cm
    ON cm.conversation_id = ch.id AND cm.user_id = $1 AND cm.left_seq IS NULL
  JOIN conversation_members o ON o.conversation_id = ch.id AND o.left_seq IS NULL WHERE ch.workspace_id = $2)))"""
_SEEN = f"""FROM workspaces w JOIN workspace_members me ON {JOINED}
  JOIN workspace_members m ON m.workspace_id = w.id JOIN profiles p ON p.id = m.user_id
  WHERE w.id = $2 AND {_MET}"""
ONE = Query(Person, f"SELECT {_PERSON} {_SEEN} AND m.user_id = $3")
_NAMED = f"""($3::text IS NULL OR starts_with(m.username, lower($3)) OR starts_with(lower(m.display_name), lower($3))
  OR (p.hides & 3 = 0 AND p.search @@ {tsquery("$4")})) AND ($5::text IS NULL OR m.role = $5)"""
LIST = Query(
    Person,
    f"""SELECT {_PERSON} {_SEEN} AND {_NAMED} AND ($6::text IS NULL OR m.username > $6)
    ORDER BY m.username LIMIT $7 OFFSET $8""",
)
COUNT = Query(int, f"SELECT count(*) {_SEEN} AND {_NAMED}")


class ChannelPerson(Person):
    """Somebody in a channel."""

    channel_role: Literal["moderator", "member"]


IN_CHANNEL = Query(
    ChannelPerson,
    f"""SELECT {_PERSON}, CASE WHEN ch.direct IS NULL AND (m.role IN ('owner', 'admin') OR m.user_id = ch.created_by)
        THEN 'moderator' ELSE 'member' END AS channel_role
    FROM channels ch JOIN conversation_members o ON o.conversation_id = ch.id AND o.left_seq IS NULL
    JOIN workspace_members m ON m.workspace_id = ch.workspace_id AND m.user_id = o.user_id
    JOIN profiles p ON p.id = m.user_id
    WHERE ch.id = $2 AND ($3::text IS NULL OR m.username > $3) ORDER BY m.username LIMIT $4 OFFSET $5""",
)
IN_CHANNEL_COUNT = Query(
    int, "SELECT count(*) FROM conversation_members WHERE conversation_id = $1 AND left_seq IS NULL"
)


# Those of these people with whom the viewer shares a channel, and neither blocks the other.
SHARED = Query(
    UUID,
    f"""SELECT DISTINCT o.user_id FROM channels ch
    JOIN conversation_members cm ON cm.conversation_id = ch.id AND cm.user_id = $1 AND cm.left_seq IS NULL
    JOIN conversation_members o ON o.conversation_id = ch.id AND o.user_id = ANY($3::uuid[]) AND o.left_seq IS NULL
    JOIN profiles p ON p.id = o.user_id AND p.deleted_at IS NULL AND NOT p.suspended
    WHERE ch.workspace_id = $2 AND NOT o.user_id = ANY ({BLOCKED}) ORDER BY o.user_id""",
)


class Described(msgspec.Struct):
    """How somebody is shown in a workspace, if not as elsewhere."""

    title: str | None
    display_name: str | None


OWN = Query(
    Described, "SELECT title, display_name FROM workspace_members WHERE workspace_id = $2 AND user_id = $1"
)


class Total(msgspec.Struct):
    """What is new in a workspace."""

    workspace_id: UUID
    unread_count: int
    mention_count: int


TOTALS = Query(
    Total,
    f"""SELECT ch.workspace_id, sum({UNREAD})::bigint AS unread_count, sum({MENTIONED})::bigint AS mention_count
    FROM channels ch JOIN conversations c ON c.id = ch.id AND c.archived_at IS NULL
    JOIN conversation_members cm ON cm.conversation_id = ch.id AND cm.user_id = $1 AND cm.left_seq IS NULL
    WHERE ch.workspace_id = ANY($2::uuid[]) GROUP BY ch.workspace_id""",
)
