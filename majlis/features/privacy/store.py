"""Rows of privacy settings."""

from majlis.features.privacy.model import PrivacySettings
from majlis.kit.db import Query

# What counts where nothing is stored (rule 158).
DEFAULTS = {
    "full_name_visibility": "'Anyone on Hamsaya'",
    "profile_photos_visibility": "'Anyone on Hamsaya'",
    "profile_bio_visibility": "'Anyone on Hamsaya'",
    "discoverability_visibility": "'Anyone on Hamsaya'",
    "mention_visibility": "'Anyone can mention me'",
    "direct_message_visibility": "'Anyone on Hamsaya'",
    "sync_contacts": "false",
    "discover_by_email": "true",
    "discover_by_phone": "true",
    "is_private": "false",
    "read_receipts": "true",
}
CHOICES = tuple(DEFAULTS)
_NAMES = ", ".join(CHOICES)

CREATE = """
INSERT INTO privacy_settings (id, profile_id, created_at, updated_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (profile_id) DO NOTHING
"""
# Where there is no row, the id is that of the profile; a row that is stored later gets the same.
GET = Query(
    PrivacySettings,
    f"""SELECT coalesce(s.id, u.id) AS id, u.id AS profile_id,
      {", ".join(f"coalesce(s.{name}, {value}) AS {name}" for name, value in DEFAULTS.items())},
      coalesce(s.created_at, u.created_at) AS created_at, coalesce(s.updated_at, u.created_at) AS updated_at
    FROM users u LEFT JOIN privacy_settings s ON s.profile_id = u.id WHERE u.id = $1 AND u.deleted_at IS NULL""",
)


def _upsert() -> str:
    given = {
        name: f"${n}::{'text' if name.endswith('visibility') else 'boolean'}"
        for n, name in enumerate(CHOICES, 3)
    }
    fresh = ", ".join(f"coalesce({mark}, {DEFAULTS[name]})" for name, mark in given.items())
    kept = ", ".join(f"{name} = coalesce({mark}, s.{name})" for name, mark in given.items())
    return f"""INSERT INTO privacy_settings AS s (id, profile_id, {_NAMES}, created_at, updated_at)
    SELECT u.id, u.id, {fresh}, $2, $2 FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL
    ON CONFLICT (profile_id) DO UPDATE SET {kept}, updated_at = $2
    RETURNING s.id, s.profile_id, {", ".join(f"s.{name}" for name in CHOICES)}, s.created_at, s.updated_at"""


UPSERT = Query(PrivacySettings, _upsert())
