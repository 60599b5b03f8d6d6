"""Rows of channels, and the SQL of who may read which. In all statements with a viewer, that is $1."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from majlis.features.channels.model import (
    Access,
    Channel,
    ChannelKind,
    Direct,
    Notify,
    OwnPlace,
    OwnPlaceUpdate,
    Policy,
)
from majlis.features.graph.service import BLOCKED
from majlis.features.workspaces.model import Role, Who, WorkspaceSettings
from majlis.features.workspaces.service import JOINED
from majlis.kit import ids
from majlis.kit.db import Query, Tx
from majlis.kit.http.binding import given

# A channel `ch`, its conversation `c`, its workspace `w`, the viewer's role `me` and place `cm` in it. Guests see
# only what they are in, everybody else also what is public.
FROM = f"""channels ch JOIN conversations c ON c.id = ch.id JOIN workspaces w ON w.id = ch.workspace_id
  JOIN workspace_members me ON {JOINED}
  LEFT JOIN conversation_members cm ON cm.conversation_id = ch.id AND cm.user_id = $1 AND cm.left_seq IS NULL"""
READABLE = "(cm.user_id IS NOT NULL OR NOT ch.is_private AND me.role <> 'guest')"


class Place(msgspec.Struct):
    """A channel and what the viewer is there, as stored."""

    id: UUID
    workspace_id: UUID
    direct: Direct | None
    blocked: bool
    name: str | None
    topic: str | None
    purpose: str | None
    posting_policy: Policy
    is_private: bool
    is_default: bool
    archived: bool
    is_member: bool
    is_creator: bool
    role: Role
    last_seq: int
    last_read_seq: int
    who_can_create_channels: Who
    who_can_invite: Who
    who_can_mention_all: Who
    edit_window_s: int | None
    retention_days: int | None
    allow_guests: bool

    def access(self) -> Access:
        """The same as a noun."""
        values = msgspec.structs.asdict(self)
        settings = WorkspaceSettings(*(values.pop(name) for name in WorkspaceSettings.__struct_fields__))
        return Access(**values, settings=settings)


_BLOCKED = f"""ch.direct IS NOT DISTINCT FROM 'dm' AND coalesce((SELECT true FROM conversation_members o
    WHERE o.conversation_id = ch.id AND o.user_id <> $1 AND o.user_id = ANY ({BLOCKED}) LIMIT 1), false)"""
_PLACE = f"""SELECT ch.id, ch.workspace_id, ch.direct, {_BLOCKED} AS blocked, ch.name, ch.topic,
  ch.purpose, ch.posting_policy, ch.is_private, ch.is_default,
  c.archived_at IS NOT NULL AS archived, cm.user_id IS NOT NULL AS is_member,
  coalesce(ch.created_by = $1, false) AS is_creator, me.role, c.last_seq, coalesce(cm.last_read_seq, 0) AS last_read_seq,
  w.who_can_create_channels, w.who_can_invite, w.who_can_mention_all, w.edit_window_s, w.retention_days, w.allow_guests
FROM {FROM} WHERE ch.id = $2 AND {READABLE}"""
PLACE = Query(Place, _PLACE)
# The channel stays as it is until the transaction ends, and its log grows in one order.
LOCK = Query(Place, f"{_PLACE} FOR NO KEY UPDATE OF ch, c")
# Before the channel: whoever takes these people out of the workspace holds them first, and the channels then. So is the
# name of a new channel, for which somebody waits who holds another channel.
_STAY = """JOIN profiles p ON p.id = m.user_id AND p.deleted_at IS NULL AND NOT p.suspended
    WHERE {} = $1 AND m.user_id = ANY($2::uuid[]) ORDER BY m.user_id FOR SHARE OF m"""
STAY = Query(
    UUID,
    f"""SELECT m.user_id FROM channels ch JOIN workspace_members m ON m.workspace_id = ch.workspace_id
    {_STAY.format("ch.id")}""",
)
BELONG = Query(UUID, f"SELECT m.user_id FROM workspace_members m {_STAY.format('m.workspace_id')}")

# ---- what is new

MOST = 1000
# Messages `m` that count as new to the viewer beyond their pointer: roots and what was also said in the
# channel, by others, still there, and no notes of the server.
COUNTS = """m.deleted_at IS NULL AND m.sender_id <> $1 AND m.type <> 'system'
  AND (m.thread_root_id IS NULL OR m.data @> '{"also_in_channel": true}')"""
UNREAD = f"""(SELECT count(*) FROM (SELECT 1 FROM messages m WHERE m.conversation_id = cm.conversation_id
    AND m.seq > cm.last_read_seq AND {COUNTS} LIMIT {MOST}) u)"""
FIRST = f"""(SELECT m.seq FROM messages m WHERE m.conversation_id = cm.conversation_id AND m.seq > cm.last_read_seq
    AND {COUNTS} ORDER BY m.seq LIMIT 1)"""
MENTIONED = f"""(SELECT count(*) FROM (SELECT DISTINCT x.message_id FROM channel_mentions x
    JOIN messages m ON m.id = x.message_id AND m.deleted_at IS NULL AND m.sender_id <> $1
    WHERE x.channel_id = cm.conversation_id AND x.seq > cm.last_read_seq AND (x.user_id = $1 OR x.user_id IS NULL)
    LIMIT {MOST}) u)"""

# ---- channels


class Row(msgspec.Struct):
    """A channel in a list."""

    id: UUID
    workspace_id: UUID
    kind: ChannelKind
    is_private: bool
    name: str | None
    user_ids: list[UUID] | None
    topic: str | None
    purpose: str | None
    created_by: UUID | None
    created_at: datetime
    archived_at: datetime | None
    member_count: int
    posting_policy: Policy
    last_seq: int
    last_message_at: datetime | None
    is_member: bool
    last_read_seq: int
    unread_count: int
    mention_count: int
    notify: Notify
    muted_until: datetime | None
    starred: bool

    def shown(self) -> Channel:
        """The same as it is shown."""
        values = msgspec.structs.asdict(self)
        me = OwnPlace(**{name: values.pop(name) for name in OwnPlace.__struct_fields__})
        if self.user_ids is None:
            del values["user_ids"]
        return Channel(**values, me=me)


KIND = "coalesce(ch.direct, CASE WHEN ch.is_private THEN 'private' ELSE 'public' END)"
CHANNEL = f"""ch.id, ch.workspace_id, {KIND} AS kind, ch.is_private, ch.name,
  CASE WHEN ch.direct IS NOT NULL THEN ARRAY(SELECT o.user_id FROM conversation_members o
    WHERE o.conversation_id = ch.id ORDER BY o.user_id) END AS user_ids,
  ch.topic, ch.purpose, ch.created_by, ch.created_at, c.archived_at,
  (SELECT count(*) FROM conversation_members o WHERE o.conversation_id = ch.id AND o.left_seq IS NULL) AS member_count,
  ch.posting_policy, c.last_seq, c.last_message_at, cm.user_id IS NOT NULL AS is_member,
  coalesce(cm.last_read_seq, 0) AS last_read_seq, {UNREAD} AS unread_count, {MENTIONED} AS mention_count,
  coalesce(pr.notify, 'default') AS notify, pr.muted_until, coalesce(pr.starred, false) AS starred"""
LIKED = "LEFT JOIN channel_preferences pr ON pr.channel_id = ch.id AND pr.user_id = $1"
ONE = Query(Row, f"SELECT {CHANNEL} FROM {FROM} {LIKED} WHERE ch.id = $2 AND {READABLE}")
# By name; those of a few people, who have none, in the order in which they came.
_ORDER = "coalesce(ch.name, ch.id::text)"
_ASKED = f"""ch.workspace_id = $2 AND {READABLE} AND ($3::text IS NULL OR strpos(ch.name, lower($3)) > 0)
  AND CASE WHEN $4::text IS NULL THEN ch.direct IS NULL ELSE {KIND} = $4 END
  AND ($5::bool IS NULL OR (cm.user_id IS NOT NULL) = $5) AND ($6 OR c.archived_at IS NULL)"""
# The page first: what is counted for each channel is counted for those of the page only.
LIST = Query(
    Row,
    f"""WITH chosen AS (
      SELECT ch.id FROM {FROM} WHERE {_ASKED} AND ($7::text IS NULL OR {_ORDER} > $7) ORDER BY {_ORDER}
      LIMIT $8 OFFSET $9)
    SELECT {CHANNEL} FROM {FROM} {LIKED} WHERE ch.id IN (SELECT id FROM chosen) ORDER BY {_ORDER}""",
)
COUNT = Query(int, f"SELECT count(*) FROM {FROM} WHERE {_ASKED}")
OPEN = Query(Any, "SELECT conversation_open_channel($1, $2)")
INSERT = Query(
    UUID,
    """INSERT INTO channels (id, workspace_id, name, topic, purpose, is_private, is_default, created_by, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace_id, name) DO NOTHING RETURNING id""",
)
# The one conversation of some people of a workspace. It is made only while they have none.
FIND = Query(UUID, "SELECT id FROM channels WHERE workspace_id = $1 AND people_key = $2")


def people_key(people: Sequence[UUID]) -> bytes:
    """What the same people, in the order of their ids, always have in common."""
    return hashlib.sha256(b"".join(one.bytes for one in people)).digest()


OPEN_DIRECT = Query(
    UUID,
    """WITH made AS (
      INSERT INTO channels (id, workspace_id, direct, people_key, is_private, created_by, created_at)
      VALUES ($1, $2, $3, $4, true, $5, $6)
      ON CONFLICT (workspace_id, people_key) WHERE people_key IS NOT NULL DO NOTHING RETURNING id
    ), opened AS (SELECT conversation_open_channel(id, $6) FROM made)
    SELECT id FROM made WHERE (SELECT count(*) FROM opened) = 1""",
)
UPDATE = """UPDATE channels SET name = $2, topic = $3, purpose = $4, posting_policy = $5, is_private = $6 WHERE id = $1"""


def arguments(at: Access) -> list[Any]:
    """A channel as it is to be, as UPDATE takes it."""
    return [at.id, at.name, at.topic or None, at.purpose or None, at.posting_policy, at.is_private]


ARCHIVE = Query(Any, "SELECT conversation_archive($1, $2)")
# Null where a value stays as it is; muted_until, which may become null, is given or not by $4.
PREFER = """INSERT INTO channel_preferences AS p (channel_id, user_id, notify, muted_until, starred)
VALUES ($1, $2, coalesce($3::text, 'default'), $5::timestamptz, coalesce($6::boolean, false))
ON CONFLICT (channel_id, user_id) DO UPDATE SET notify = coalesce($3, p.notify),
  muted_until = CASE WHEN $4::boolean THEN $5 ELSE p.muted_until END, starred = coalesce($6, p.starred)"""


def preferred(body: OwnPlaceUpdate) -> list[Any]:
    """What is given of preferences, as PREFER takes it."""
    changes = given(body)
    until = changes.get("muted_until")
    return [changes.get("notify"), "muted_until" in changes, until, changes.get("starred")]


# ---- who is in a channel

JOIN = Query(UUID, "SELECT conversation_join_channel($1, $2::uuid[], $3)")
PART = Query(Any, "SELECT conversation_part($1, $2::uuid[], $3)")
# Whether it is archived; that stays so, and the log grows in one order.
HOLD = Query(bool, "SELECT archived_at IS NOT NULL FROM conversations WHERE id = $1 FOR NO KEY UPDATE")
PRESENT = Query(
    UUID, "SELECT user_id FROM conversation_members WHERE conversation_id = $1 AND left_seq IS NULL"
)
FORGET = "DELETE FROM channel_preferences WHERE channel_id = $1 AND user_id = ANY($2::uuid[])"


class Left(msgspec.Struct):
    """A channel that somebody leaves, and whether it is one of a few people."""

    id: UUID
    direct: bool


# In the order of ids, in which they are locked: two who do the same do not wait for each other in a circle.
OF_PERSON = Query(
    Left,
    """SELECT ch.id, ch.direct IS NOT NULL AS direct
    FROM channels ch JOIN conversation_members m ON m.conversation_id = ch.id
    WHERE ch.workspace_id = ANY($1::uuid[]) AND m.user_id = $2 AND m.left_seq IS NULL ORDER BY ch.id""",
)
ALL = Query(UUID, "SELECT id FROM channels WHERE workspace_id = ANY($1::uuid[]) ORDER BY id")
FILES = Query(
    str,
    """SELECT f ->> 'url' FROM channels ch JOIN messages m ON m.conversation_id = ch.id AND m.deleted_at IS NULL
    CROSS JOIN jsonb_array_elements(m.files) AS f WHERE ch.workspace_id = $1""",
)
DROP = Query(Any, "SELECT conversation_forget($1::uuid[])")
DEFAULT = Query(UUID, "SELECT id FROM channels WHERE workspace_id = $1 AND is_default")
# Those of these channels into which somebody can bring others: the public ones, and rooms that they are in.
BRINGABLE = Query(
    UUID,
    """SELECT ch.id FROM channels ch JOIN conversations c ON c.id = ch.id AND c.archived_at IS NULL
    LEFT JOIN conversation_members cm ON cm.conversation_id = ch.id AND cm.user_id = $2 AND cm.left_seq IS NULL
    WHERE ch.workspace_id = $1 AND ch.id = ANY($3::uuid[]) AND ch.direct IS NULL AND (cm.user_id IS NOT NULL OR NOT ch.is_private)
    ORDER BY ch.id""",
)

# ---- mentions

UNMENTION = "DELETE FROM channel_mentions WHERE message_id = $1"
MENTION = """INSERT INTO channel_mentions (id, message_id, channel_id, seq, kind, user_id)
SELECT one.id, $1, $2, $3, one.kind, one.user_id FROM unnest($4::uuid[], $5::text[], $6::uuid[]) AS one (id, kind, user_id)"""
MentionKind = Literal["user", "channel", "here"]


async def mention(
    tx: Tx,
    channel_id: UUID,
    message_id: UUID,
    seq: int,
    people: Collection[UUID],
    everybody: Collection[MentionKind],
) -> None:
    """Note whom a message mentions, instead of what was noted before."""
    await tx.run(UNMENTION, message_id)
    rows: list[tuple[str, UUID | None]] = [("user", user_id) for user_id in sorted(people)]
    rows += [(kind, None) for kind in everybody]
    if rows:
        kinds, users = [kind for kind, _ in rows], [user_id for _, user_id in rows]
        await tx.run(MENTION, message_id, channel_id, seq, [ids.new() for _ in rows], kinds, users)
