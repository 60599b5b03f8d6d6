"""Rows of identities, and of what Apple gave us to keep."""

from uuid import UUID

import msgspec

from majlis.features.oauth.model import Identity
from majlis.kit import sealed
from majlis.kit.db import Query

SEALED = sealed.column("oauth_grants", "refresh_token", "client_id", "subject")


class Known(msgspec.Struct):
    """An identity and the account that it signs in to."""

    id: UUID
    user_id: UUID
    vouched: bool
    has_password: bool


BY_SUBJECT = Query(
    Known,
    """SELECT i.id, i.user_id, i.vouched, u.password_hash IS NOT NULL AS has_password
    FROM user_identities i JOIN users u ON u.id = i.user_id AND u.deleted_at IS NULL
    WHERE i.issuer = $1 AND i.subject = $2""",
)
WITH_ISSUER = Query(UUID, "SELECT id FROM user_identities WHERE user_id = $1 AND issuer = $2 LIMIT 1")
_IDENTITY = "id, provider, email, created_at, last_used_at"
# Nothing when somebody was faster, or the identity is another account's.
ADD = Query(
    Identity,
    f"""INSERT INTO user_identities
      (id, user_id, provider, issuer, subject, email, vouched, last_used_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    ON CONFLICT (issuer, subject) DO NOTHING RETURNING {_IDENTITY}""",
)
USED = Query(
    Identity,
    f"""UPDATE user_identities SET email = coalesce($2, email), vouched = vouched OR $3, last_used_at = $4
    WHERE id = $1 RETURNING {_IDENTITY}""",
)
# A deleted account must not keep its former owner from coming back as somebody new.
FREE = """
DELETE FROM user_identities i USING users u
WHERE i.issuer = $1 AND i.subject = $2 AND u.id = i.user_id AND u.deleted_at IS NOT NULL
"""
DROP_DELETED = """
DELETE FROM user_identities i USING users u
WHERE i.user_id = $1 AND u.id = i.user_id AND u.deleted_at IS NOT NULL
"""
LIST = Query(
    Identity, f"SELECT {_IDENTITY} FROM user_identities WHERE user_id = $1 ORDER BY created_at, id LIMIT 100"
)


class Signing(msgspec.Struct):
    """What tells an identity apart, for whom it concerns."""

    id: UUID
    provider: str
    subject: str


OF_USER = Query(
    Signing, "SELECT id, provider, subject FROM user_identities WHERE user_id = $1 ORDER BY created_at, id"
)
REMOVE = "DELETE FROM user_identities WHERE id = $1"


class Grant(msgspec.Struct):
    """A sealed refresh token of Apple's."""

    client_id: str
    subject: str
    refresh_token: str


KEEP_GRANT = """
INSERT INTO oauth_grants (client_id, subject, user_id, refresh_token, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (client_id, subject) DO UPDATE SET user_id = excluded.user_id,
  refresh_token = excluded.refresh_token, retired_at = NULL, updated_at = excluded.updated_at
"""
HAS_GRANT = Query(int, "SELECT 1 FROM oauth_grants WHERE client_id = $1 AND subject = $2")
RETIRE_SUBJECT = """
UPDATE oauth_grants SET retired_at = $3 WHERE user_id = $1 AND subject = $2 AND retired_at IS NULL
"""
RETIRE_DELETED = """
UPDATE oauth_grants g SET retired_at = $2 FROM users u
WHERE g.user_id = $1 AND u.id = g.user_id AND u.deleted_at IS NOT NULL AND g.retired_at IS NULL
"""
RETIRED = Query(
    Grant,
    "SELECT client_id, subject, refresh_token FROM oauth_grants WHERE user_id = $1 AND retired_at IS NOT NULL",
)
# Only what was revoked: whoever came back meanwhile has another token.
DROP_GRANT = "DELETE FROM oauth_grants WHERE client_id = $1 AND subject = $2 AND refresh_token = $3"
