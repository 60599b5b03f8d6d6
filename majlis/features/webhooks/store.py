"""Rows of incoming webhooks."""

from uuid import UUID

import msgspec

from majlis.features.webhooks.model import Webhook
from majlis.kit.db import Query

_WEBHOOK = "h.id, h.workspace_id, h.channel_id, h.display_name, h.icon_url, h.created_by, h.created_at"
ADD = """INSERT INTO incoming_webhooks (id, workspace_id, channel_id, created_by, display_name, icon_url, secret_hash,
  created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
COUNT = Query(int, "SELECT count(*) FROM incoming_webhooks WHERE workspace_id = $1")
_OF = "FROM incoming_webhooks h WHERE h.workspace_id = $1 AND ($2::uuid IS NULL OR h.created_by = $2)"
LIST = Query(
    Webhook,
    f"SELECT {_WEBHOOK} {_OF} AND ($3::uuid IS NULL OR h.id > $3) ORDER BY h.id LIMIT $4 OFFSET $5",
)
LISTED = Query(int, f"SELECT count(*) {_OF}")
ONE = Query(Webhook, f"SELECT {_WEBHOOK} FROM incoming_webhooks h WHERE h.id = $1")
DELETE = "DELETE FROM incoming_webhooks WHERE id = $1"


class Armed(Webhook):
    """A webhook and the hash of its secret."""

    secret_hash: bytes


# Not those of people whose account is closed.
ARMED = Query(
    Armed,
    f"""SELECT {_WEBHOOK}, h.secret_hash FROM incoming_webhooks h
    JOIN profiles p ON p.id = h.created_by AND p.deleted_at IS NULL AND NOT p.suspended WHERE h.id = $1""",
)


class Root(msgspec.Struct):
    """A message that may begin a thread, and its moment."""

    id: UUID
    ts_us: int


# The latest of this moment or before: from the end of the channel, as what is answered was said lately.
ROOT = Query(
    Root,
    """SELECT id, ts_us FROM messages WHERE conversation_id = $1 AND ts_us <= $2 AND thread_root_id IS NULL
    AND deleted_at IS NULL ORDER BY seq DESC LIMIT 1""",
)
