"""Rows of accounts."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.identity.model import Account
from majlis.kit.db import Query

_ACCOUNT = """id, email, phone, email_verified, phone_verified, mfa_enabled, oauth_provider, last_login_at,
  created_at, updated_at, password_hash IS NOT NULL AS has_password, role, suspended_at"""

BY_ID = Query(Account, f"SELECT {_ACCOUNT} FROM users WHERE id = $1 AND deleted_at IS NULL")
BY_EMAIL = Query(
    Account, f"SELECT {_ACCOUNT} FROM users WHERE lower(email) = lower($1) AND deleted_at IS NULL"
)
INSERT = Query(
    Account,
    f"""INSERT INTO users (id, email, password_hash, email_verified, role, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
    ON CONFLICT (lower(email)) WHERE deleted_at IS NULL DO NOTHING RETURNING {_ACCOUNT}""",
)


class Credentials(msgspec.Struct):
    """What a password is checked against. Without an id there is no such account."""

    id: UUID | None
    password_hash: str | None
    mfa_enabled: bool | None
    locked_until: datetime | None


_TRIED = "sha256(convert_to(lower($1), 'UTF8'))"  # an address that somebody gives, as login_failures names it
CREDENTIALS = Query(
    Credentials,
    f"""SELECT u.id, u.password_hash, u.mfa_enabled, f.locked_until
    FROM (SELECT 1) AS one
    LEFT JOIN users u ON lower(u.email) = lower($1) AND u.deleted_at IS NULL
    LEFT JOIN login_failures f ON f.account = {_TRIED} AND f.ip = $2""",
)
# Makes the row, so that there is one to lock: those who come at once settle their attempts one after the other.
HOLD_FAILURES = Query(
    datetime,
    f"""INSERT INTO login_failures (account, ip, updated_at) VALUES ({_TRIED}, $2, $3)
    ON CONFLICT (account, ip) DO UPDATE SET ip = excluded.ip RETURNING locked_until""",
)
FAILED = f"""
UPDATE login_failures SET
  failed_login_attempts = CASE WHEN updated_at <= $3::timestamptz - $5::interval THEN 1
                               ELSE failed_login_attempts + 1 END,
  locked_until = CASE WHEN updated_at > $3::timestamptz - $5::interval AND failed_login_attempts + 1 >= $4
                      THEN $3::timestamptz + $5::interval END,
  updated_at = $3
WHERE account = {_TRIED} AND ip = $2
"""
CLEAR_FAILURES = f"DELETE FROM login_failures WHERE account = {_TRIED} AND ip = $2"
UNLOCK = """
DELETE FROM login_failures
WHERE account = (SELECT sha256(convert_to(lower(email), 'UTF8')) FROM users WHERE id = $1)
"""
HOLD = Query(Account, f"SELECT {_ACCOUNT} FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE")
SET_MFA = "UPDATE users SET mfa_enabled = $2, updated_at = $3 WHERE id = $1"
SIGNED_IN = "UPDATE users SET last_login_at = $2 WHERE id = $1"

PASSWORD = Query(str, "SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL")
HOLD_PASSWORD = Query(
    str, "SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"
)
# A password at a higher cost, unless another was set; where it is remembered, too.
STRENGTHEN = Query(
    UUID,
    """WITH better AS (UPDATE users SET password_hash = $3
      WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL RETURNING id),
    remembered AS (UPDATE password_history h SET password_hash = $3 FROM better
      WHERE h.user_id = better.id AND h.password_hash = $2)
    SELECT id FROM better""",
)
SET_PASSWORD = "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1"
REMEMBER_PASSWORD = "INSERT INTO password_history (user_id, password_hash, created_at) VALUES ($1, $2, $3)"
PASSWORDS = Query(
    str, "SELECT password_hash FROM password_history WHERE user_id = $1 ORDER BY created_at DESC LIMIT 5"
)
FORGET_PASSWORDS = """
DELETE FROM password_history WHERE user_id = $1 AND created_at < (
  SELECT min(created_at) FROM (
    SELECT created_at FROM password_history WHERE user_id = $1 ORDER BY created_at DESC LIMIT 5) AS latest)
"""

VOID_VERIFICATIONS = "DELETE FROM email_verifications WHERE user_id = $1 AND NOT used"
ADD_VERIFICATION = """
INSERT INTO email_verifications (id, user_id, token, email, expires_at) VALUES ($1, $2, $3, $4, $5)
"""


class Verification(msgspec.Struct):
    """A confirmation that was just used up, and whose it is."""

    user_id: UUID
    email: str


USE_VERIFICATION = Query(
    Verification,
    "UPDATE email_verifications SET used = true WHERE token = $1 AND NOT used AND expires_at > $2"
    " RETURNING user_id, email",
)
SET_VERIFIED = Query(
    int,
    "UPDATE users SET email_verified = true, updated_at = $3"
    " WHERE id = $1 AND lower(email) = lower($2) AND deleted_at IS NULL RETURNING 1",
)
VOID_RESETS = "UPDATE password_reset_tokens SET used = true WHERE user_id = $1 AND NOT used"
ADD_RESET = "INSERT INTO password_reset_tokens (id, user_id, token, expires_at) VALUES ($1, $2, $3, $4)"
# The account is held before the token, as by whoever changes a password; what the token is worth is read behind that.
RESET_OWNER = Query(
    UUID,
    """SELECT id FROM users WHERE deleted_at IS NULL AND id = (
      SELECT user_id FROM password_reset_tokens WHERE token = $1) FOR NO KEY UPDATE""",
)
HOLD_RESET = Query(
    bool,
    "SELECT true FROM password_reset_tokens WHERE token = $1 AND NOT used AND expires_at > $2 FOR UPDATE",
)

SET_PROVIDER = "UPDATE users SET oauth_provider = $2, oauth_provider_id = $3, updated_at = $4 WHERE id = $1"
SET_PHONE = "UPDATE users SET phone = $2, phone_verified = false, updated_at = $3 WHERE id = $1"
SET_ROLE = Query(
    UUID,
    "UPDATE users SET role = $2, updated_at = $3"
    " WHERE lower(email) = lower($1) AND deleted_at IS NULL RETURNING id",
)
SET_SUSPENDED = Query(
    UUID,
    """UPDATE users SET suspended_at = $2, suspended_until = $3, suspended_reason = $4, updated_at = $5
    WHERE lower(email) = lower($1) AND deleted_at IS NULL RETURNING id""",
)
LIFT = Query(
    UUID,
    """UPDATE users SET suspended_at = NULL, suspended_until = NULL, suspended_reason = NULL, updated_at = $1
    WHERE suspended_until <= $1 AND suspended_at IS NOT NULL AND deleted_at IS NULL RETURNING id""",
)


class Suspension(msgspec.Struct):
    """For how long an account is closed, and why."""

    until: datetime | None
    reason: str | None


SUSPENSION = Query(
    Suspension,
    """SELECT suspended_until AS until, suspended_reason AS reason FROM users
    WHERE id = $1 AND suspended_at IS NOT NULL""",
)
DELETE = Query(
    str,
    "UPDATE users SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING email",
)
ERASE = "DELETE FROM users WHERE id = $1 AND deleted_at < $2"
ADD_REASON = "INSERT INTO account_deletion_reasons (id, profile_id, reason, details) VALUES ($1, $2, $3, $4)"

PURGE_VERIFICATIONS = "DELETE FROM email_verifications WHERE expires_at < $1"
PURGE_RESETS = "DELETE FROM password_reset_tokens WHERE expires_at < $1"
PURGE_FAILURES = "DELETE FROM login_failures WHERE updated_at < $1"
