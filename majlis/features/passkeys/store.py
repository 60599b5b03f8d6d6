"""Rows of passkeys."""

from uuid import UUID

import msgspec

from majlis.features.passkeys.model import Passkey
from majlis.kit.db import Query

_PASSKEY = "id, name, backed_up, created_at, last_used_at"


class Known(msgspec.Struct):
    """A credential as devices are asked for it."""

    credential_id: bytes
    transports: list[str]


class Key(msgspec.Struct):
    """What an answer is checked against, and whose it is."""

    id: UUID
    user_id: UUID
    public_key: bytes
    uses: int


KNOWN = Query(
    Known, "SELECT credential_id, transports FROM passkeys WHERE user_id = $1 ORDER BY created_at, id"
)
LIST = Query(Passkey, f"SELECT {_PASSKEY} FROM passkeys WHERE user_id = $1 ORDER BY created_at, id")
ADD = Query(
    Passkey,
    f"""INSERT INTO passkeys (id, user_id, credential_id, public_key, uses, transports, backed_up, name, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (credential_id) DO NOTHING RETURNING {_PASSKEY}""",
)
RENAME = Query(Passkey, f"UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2 RETURNING {_PASSKEY}")
REMOVE = Query(UUID, "DELETE FROM passkeys WHERE id = $1 AND user_id = $2 RETURNING id")
REMOVE_ALL = Query(UUID, "DELETE FROM passkeys WHERE user_id = $1 RETURNING id")
OWNER = Query(UUID, "SELECT user_id FROM passkeys WHERE credential_id = $1")
# Held, so that of two answers with the same count one is refused.
HOLD = Query(
    Key,
    """SELECT p.id, p.user_id, p.public_key, p.uses
    FROM passkeys p JOIN users u ON u.id = p.user_id AND u.deleted_at IS NULL
    WHERE p.credential_id = $1 AND ($2::uuid IS NULL OR p.user_id = $2) FOR NO KEY UPDATE OF p""",
)
USED = "UPDATE passkeys SET uses = $2, backed_up = $3, last_used_at = $4 WHERE id = $1"

BEGIN = """
INSERT INTO passkey_ceremonies (id, kind, user_id, challenge, expires_at) VALUES ($1, $2, $3, $4, $5)
"""
END = Query(
    bytes,
    """DELETE FROM passkey_ceremonies
    WHERE id = $1 AND kind = $2 AND user_id IS NOT DISTINCT FROM $3::uuid AND expires_at > $4 RETURNING challenge""",
)
PURGE = "DELETE FROM passkey_ceremonies WHERE expires_at <= $1"
