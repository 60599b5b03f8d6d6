"""Rows of preferences."""

from uuid import UUID

import msgspec

from majlis.kit.db import Query


class Row(msgspec.Struct):
    """Preferences as they are stored."""

    user_id: UUID
    email_enabled: bool
    push_enabled: bool
    web_socket_enabled: bool
    categories: msgspec.Raw


_COLUMNS = "user_id, email_enabled, push_enabled, web_socket_enabled, categories"
SOME = Query(Row, f"SELECT {_COLUMNS} FROM notification_preferences WHERE user_id = ANY($1::uuid[])")
# Null where a value stays as it is; given categories are laid over those there are.
SET = Query(
    Row,
    f"""INSERT INTO notification_preferences AS n
      (user_id, email_enabled, push_enabled, web_socket_enabled, categories, updated_at)
    VALUES ($1, coalesce($2::boolean, true), coalesce($3::boolean, true), coalesce($4::boolean, true), $5::jsonb, $6)
    ON CONFLICT (user_id) DO UPDATE SET email_enabled = coalesce($2, n.email_enabled),
      push_enabled = coalesce($3, n.push_enabled), web_socket_enabled = coalesce($4, n.web_socket_enabled),
      categories = n.categories || $5, updated_at = $6
    RETURNING {_COLUMNS}""",
)
