"""Rows of invitations. In statements with a viewer, that is $1."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.invites.model import InviteKind, InviteRole
from majlis.kit.db import Query


class Row(msgspec.Struct):
    """An invitation as stored, without its token."""

    id: UUID
    workspace_id: UUID
    inviter_id: UUID
    kind: InviteKind
    email: str | None
    role: InviteRole
    channel_ids: list[UUID]
    max_uses: int | None
    uses: int
    expires_at: datetime
    revoked_at: datetime | None
    created_at: datetime


_COLUMNS = ", ".join(f"i.{name}" for name in Row.__struct_fields__)
INSERT = """INSERT INTO workspace_invites
  (id, workspace_id, inviter_id, kind, email, role, channel_ids, max_uses, expires_at, created_at, token_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
# What the status of an invitation is at the moment $3; taken back counts before used up, and that before expired.
_STATUS = """CASE WHEN i.revoked_at IS NOT NULL THEN 'revoked' WHEN i.uses >= i.max_uses THEN 'used'
  WHEN i.expires_at <= $3 THEN 'expired' ELSE 'active' END"""
_LISTED = f"""FROM workspace_invites i WHERE i.workspace_id = $2 AND ($4 OR i.inviter_id = $1)
  AND ($5::text IS NULL OR {_STATUS} = $5)"""
INVITES = Query(
    Row,
    f"""SELECT {_COLUMNS} {_LISTED} AND ($6::timestamptz IS NULL OR (i.created_at, i.id) < ($6, $7))
    ORDER BY i.created_at DESC, i.id DESC LIMIT $8 OFFSET $9""",
)
INVITE_COUNT = Query(int, f"SELECT count(*) {_LISTED}")
INVITE = Query(
    Row,
    f"SELECT {_COLUMNS} FROM workspace_invites i WHERE i.workspace_id = $1 AND i.id = $2 FOR NO KEY UPDATE",
)
BY_ID = Query(Row, f"SELECT {_COLUMNS} FROM workspace_invites i WHERE i.id = $1")
BY_TOKEN = Query(Row, f"SELECT {_COLUMNS} FROM workspace_invites i WHERE i.token_hash = $1")
HOLD = Query(Row, f"{BY_TOKEN.sql} FOR NO KEY UPDATE")
REVOKE = "UPDATE workspace_invites SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
SET_TOKEN = "UPDATE workspace_invites SET token_hash = $2 WHERE id = $1 AND revoked_at IS NULL"
USE = "UPDATE workspace_invites SET uses = uses + 1 WHERE id = $1"
USED = Query(
    UUID,
    """INSERT INTO workspace_invite_uses (invite_id, user_id, used_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING invite_id""",
)
# At most $3 times a day.
RESEND = Query(
    int,
    """UPDATE workspace_invites SET resent_on = $2,
      resent_count = CASE WHEN resent_on = $2 THEN resent_count + 1 ELSE 1 END
    WHERE id = $1 AND (resent_on IS DISTINCT FROM $2 OR resent_count < $3) RETURNING resent_count""",
)
# The name of who invited, while they may: in the workspace ever since, and no guest there.
INVITER = Query(
    str,
    """SELECT coalesce(m.display_name, CASE WHEN p.hides & 3 = 0
        THEN nullif(concat_ws(' ', p.first_name, p.last_name), '') ELSE left(p.first_name, 1) END, m.username)
    FROM workspace_members m JOIN profiles p ON p.id = m.user_id
    WHERE m.workspace_id = $1 AND m.user_id = $2 AND m.joined_at <= $3 AND m.role <> 'guest'""",
)
