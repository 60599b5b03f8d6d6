"""Rows of workspaces and their members. In all statements with a viewer, that is $1."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.workspaces.model import Role, Who, Workspace, WorkspaceSettings
from majlis.kit.db import Query

_SETTINGS = """w.who_can_create_channels, w.who_can_invite, w.who_can_mention_all, w.edit_window_s, w.retention_days,
  w.allow_guests"""
# The viewer's own row `me` beside a workspace `w` that is there.
JOINED = "me.workspace_id = w.id AND me.user_id = $1 AND w.deleted_at IS NULL"


class Row(msgspec.Struct):
    """A workspace as stored, beside the viewer's role."""

    id: UUID
    slug: str
    name: str
    description: str | None
    icon: msgspec.Raw | None
    owner_id: UUID
    created_at: datetime
    member_count: int
    my_role: Role
    who_can_create_channels: Who
    who_can_invite: Who
    who_can_mention_all: Who
    edit_window_s: int | None
    retention_days: int | None
    allow_guests: bool

    def settings(self) -> WorkspaceSettings:
        """The settings among the columns."""
        return WorkspaceSettings(*(getattr(self, name) for name in WorkspaceSettings.__struct_fields__))

    def shown(self) -> Workspace:
        """The same as it is shown."""
        icon = None if self.icon is None else msgspec.json.decode(self.icon)["url"]
        return Workspace(
            self.id, self.slug, self.name, self.description, icon, self.owner_id, self.created_at,
            self.member_count, self.my_role, self.settings(),
        )  # fmt: skip


COLUMNS = f"""w.id, w.slug, w.name, w.description, w.icon, w.owner_id, w.created_at, w.member_count,
  me.role AS my_role, {_SETTINGS}"""
_ONE = f"SELECT {COLUMNS} FROM workspaces w JOIN workspace_members me ON {JOINED} WHERE w.id = $2"
ONE = Query(Row, _ONE)
# The workspace stays as it is until the transaction ends; its people are held behind it, by HOLD_MEMBERS.
LOCK = Query(Row, f"{_ONE} FOR NO KEY UPDATE OF w")
MINE = Query(
    Row,
    f"""SELECT {COLUMNS} FROM workspaces w JOIN workspace_members me ON {JOINED}
    WHERE ($2::timestamptz IS NULL OR (me.joined_at, w.id) > ($2, $3)) ORDER BY me.joined_at, w.id LIMIT $4 OFFSET $5""",
)
MINE_COUNT = Query(int, f"SELECT count(*) FROM workspaces w JOIN workspace_members me ON {JOINED}")
JOINED_AT = Query(
    datetime, "SELECT joined_at FROM workspace_members WHERE user_id = $1 AND workspace_id = $2"
)
# What a workspace shows to who is invited.
FACE = Query(
    Row,
    f"""SELECT {COLUMNS} FROM workspaces w JOIN workspace_members me
      ON me.workspace_id = w.id AND me.user_id = w.owner_id AND w.deleted_at IS NULL WHERE w.id = $1""",
)

INSERT = Query(
    UUID,
    """INSERT INTO workspaces (id, slug, name, description, owner_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (slug) DO NOTHING RETURNING id""",
)
CHANGING = ("name", "slug", "description", *WorkspaceSettings.__struct_fields__)
UPDATE = f"""UPDATE workspaces SET updated_at = $2, icon = $3,
  {", ".join(f"{name} = ${at}" for at, name in enumerate(CHANGING, 4))} WHERE id = $1"""
DELETE = "UPDATE workspaces SET deleted_at = $2, purge_after = $3, updated_at = $2 WHERE id = $1"
DUE = Query(
    UUID, "SELECT id FROM workspaces WHERE deleted_at IS NOT NULL AND purge_after < $1 ORDER BY id LIMIT 20"
)
PURGE = Query(str, "DELETE FROM workspaces WHERE id = $1 RETURNING coalesce(icon ->> 'url', '')")
SET_OWNER = "UPDATE workspaces SET owner_id = $2, updated_at = $3 WHERE id = $1"


# ---- members


class Known(msgspec.Struct):
    """Somebody's place in a workspace."""

    user_id: UUID
    role: Role


# They stay, and in their roles. In the order of ids, in which others hold people without their workspace.
HOLD_MEMBERS = Query(
    Known,
    """SELECT user_id, role FROM workspace_members WHERE workspace_id = $1 AND user_id = ANY($2::uuid[])
    ORDER BY user_id FOR NO KEY UPDATE""",
)
MEMBER = Query(
    Known,
    """SELECT m.user_id, m.role FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.workspace_id = $1 AND m.user_id = $2 AND w.deleted_at IS NULL FOR NO KEY UPDATE OF m""",
)
# Those of these people who belong to the workspace and whose account is open.
AMONG = Query(
    Known,
    """SELECT m.user_id, m.role FROM workspace_members m JOIN profiles p ON p.id = m.user_id
    WHERE m.workspace_id = $1 AND m.user_id = ANY($2::uuid[]) AND p.deleted_at IS NULL AND NOT p.suspended""",
)
TAKEN = Query(
    str,
    "SELECT username FROM workspace_members WHERE workspace_id = $1 AND username ~ ('^' || $2 || '[0-9]*$')",
)
# Of whom the name is hidden from some, only the initial is known.
NAME = Query(
    str,
    """SELECT CASE WHEN hides & 3 = 0 THEN concat_ws(' ', first_name, last_name) ELSE left(first_name, 1) END
    FROM profiles WHERE id = $1""",
)
JOIN = Query(
    UUID,
    """INSERT INTO workspace_members (workspace_id, user_id, role, username, joined_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (workspace_id, user_id) DO NOTHING RETURNING user_id""",
)
LEAVE = "DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2"
SET_ROLE = "UPDATE workspace_members SET role = $3 WHERE workspace_id = $1 AND user_id = $2"
DESCRIBE = (
    "UPDATE workspace_members SET title = $3, display_name = $4 WHERE workspace_id = $1 AND user_id = $2"
)


class Owned(msgspec.Struct):
    """Where somebody belongs, and whether it is theirs."""

    workspace_id: UUID
    role: Role


PLACES = Query(
    Owned, "SELECT workspace_id, role FROM workspace_members WHERE user_id = $1 ORDER BY workspace_id"
)
# Who takes a workspace over whose owner leaves for good: the highest role, then who is there for longest; who is
# suspended only where there is nobody else. Nobody there comes, goes or rises while the workspace is held.
HEIR = Query(
    UUID,
    """SELECT m.user_id FROM workspace_members m JOIN profiles p ON p.id = m.user_id
    WHERE m.workspace_id = $1 AND m.role IN ('admin', 'member') AND p.deleted_at IS NULL
    ORDER BY p.suspended, m.role = 'admin' DESC, m.joined_at, m.user_id LIMIT 1""",
)
OTHERS = Query(
    bool, "SELECT EXISTS (SELECT FROM workspace_members WHERE workspace_id = $1 AND user_id <> $2)"
)
BOT = Query(UUID, "SELECT user_id FROM workspace_bots WHERE workspace_id = $1")
OPEN_BOT = Query(Any, "SELECT open_bot($1, $2)")
ADD_BOT = "INSERT INTO workspace_bots (workspace_id, user_id) VALUES ($1, $2)"
HOLD = Query(UUID, "SELECT id FROM workspaces WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE")


def arguments(row: Row) -> list[Any]:
    """The changing columns of a row, as UPDATE takes them."""
    return [getattr(row, name) for name in CHANGING]
