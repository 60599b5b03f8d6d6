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

# Two unique indexes keep one row of each; ON CONFLICT would wait at one it names and fail at the other, so it names none.
CREATE = """
INSERT INTO privacy_settings (id, profile_id, created_at, updated_at)
SELECT $1, id, $3, $3 FROM users WHERE id = $2 AND deleted_at IS NULL ON CONFLICT DO NOTHING
"""
# Where there is no row, the id is that of the profile; a row that is stored later gets the same.
GET = Query(
    PrivacySettings,
    f"""SELECT coalesce(s.id, u.id) AS id, u.id AS profile_id,
      {", ".join(f"coalesce(s.{name}, {value}) AS {name}" for name, value in DEFAULTS.items())},
      coalesce(s.created_at, u.created_at) AS created_at, coalesce(s.updated_at, u.created_at) AS updated_at
    FROM users u LEFT JOIN privacy_settings s ON s.profile_id = u.id WHERE u.id = $1 AND u.deleted_at IS NULL""",
)


# Null leaves a choice as it is.
UPDATE = Query(
    PrivacySettings,
    f"""UPDATE privacy_settings s
    SET {", ".join(f"{name} = coalesce(${n}, s.{name})" for n, name in enumerate(CHOICES, 3))}, updated_at = $2
    FROM users u WHERE s.profile_id = $1 AND u.id = $1 AND u.deleted_at IS NULL
    RETURNING s.id, s.profile_id, {", ".join(f"s.{name}" for name in CHOICES)}, s.created_at, s.updated_at""",
)
