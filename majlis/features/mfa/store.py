"""Rows of second factors."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.mfa.model import Factor, Pending, SpentCode
from majlis.kit import sealed
from majlis.kit.db import Query

SEALED = sealed.column("mfa_factors", "secret_key", "id")


class Secret(msgspec.Struct):
    """What codes of a factor are computed from, sealed."""

    id: UUID
    secret_key: str
    status: str


VERIFIED = Query(
    Factor,
    """SELECT id, factor_type, status, created_at FROM mfa_factors
    WHERE user_id = $1 AND status = 'verified' AND deleted_at IS NULL ORDER BY created_at, id""",
)
SECRET = Query(
    Secret,
    "SELECT id, secret_key, status FROM mfa_factors WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
)
TOTP = Query(
    Secret,
    """SELECT id, secret_key, status FROM mfa_factors
    WHERE user_id = $1 AND factor_type = 'TOTP' AND status = 'verified' AND deleted_at IS NULL""",
)
ADD_FACTOR = """
INSERT INTO mfa_factors (id, user_id, factor_type, secret_key, created_at, updated_at)
VALUES ($1, $2, 'TOTP', $3, $4, $4)
"""
# What was deleted keeps its row, not its secret.
DROP_FACTORS = Query(
    UUID,
    """UPDATE mfa_factors SET deleted_at = $3, updated_at = $3, secret_key = ''
    WHERE user_id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR status = $2) RETURNING id""",
)
CONFIRM = "UPDATE mfa_factors SET status = 'verified', updated_at = $2 WHERE id = $1"
# Of several who come at once with the same code one passes.
TAKE_STEP = Query(
    int, "UPDATE mfa_factors SET last_step = $2 WHERE id = $1 AND last_step < $2 RETURNING last_step"
)

OPEN = """
INSERT INTO mfa_challenges (id, user_id, factor_id, session_id, device_info, attempts, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_PENDING = "c.id, c.user_id, c.session_id, c.device_info"
_ALIVE = "NOT c.used AND c.attempts < $3 AND c.expires_at > $2"
PENDING = Query(
    Pending,
    f"""SELECT {_PENDING} FROM mfa_challenges c JOIN users u ON u.id = c.user_id AND u.deleted_at IS NULL
    WHERE c.id = $1 AND {_ALIVE}""",
)
# Counted before the code is looked at, in the row itself: at once or one by one, five are heard.
ATTEMPT = Query(
    Pending,
    f"""UPDATE mfa_challenges AS c SET attempts = c.attempts + 1 WHERE c.id = $1 AND {_ALIVE}
    RETURNING {_PENDING}""",
)
FINISH = "UPDATE mfa_challenges SET used = true WHERE id = $1"


class Closed(msgspec.Struct):
    """What the challenge that takes the place of another inherits."""

    user_id: UUID
    session_id: UUID | None
    device_info: msgspec.Raw | None
    attempts: int
    expires_at: datetime


CLOSE = Query(
    Closed,
    f"""UPDATE mfa_challenges AS c SET used = true
    WHERE c.id = $1 AND {_ALIVE} AND ($4::uuid IS NULL OR c.user_id = $4)
    RETURNING c.user_id, c.session_id, c.device_info, c.attempts, c.expires_at""",
)
VOID = "UPDATE mfa_challenges SET used = true WHERE user_id = $1 AND NOT used"

ADD_CODE = """
INSERT INTO mfa_backup_codes (id, user_id, factor_id, code, created_at) VALUES ($1, $2, $3, $4, $5)
"""
USE_CODE = Query(
    UUID,
    """UPDATE mfa_backup_codes SET used = true, used_at = $4
    WHERE user_id = $1 AND factor_id = $2 AND code = $3 AND NOT used RETURNING id""",
)
DROP_CODES = "DELETE FROM mfa_backup_codes WHERE factor_id = ANY($1::uuid[])"
CODES = Query(
    SpentCode,
    "SELECT used, used_at, created_at FROM mfa_backup_codes WHERE factor_id = $1 ORDER BY created_at, id",
)
PURGE_CHALLENGES = "DELETE FROM mfa_challenges WHERE expires_at < $1"
