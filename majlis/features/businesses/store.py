"""Rows of businesses."""

from uuid import UUID

from majlis.features.businesses.model import BusinessMini
from majlis.kit.db import Query

MINIS = Query(
    BusinessMini,
    """SELECT id, name, avatar, province, district, neighborhood, false AS is_following
    FROM business_profiles WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL""",
)
OWNER = Query(UUID, "SELECT user_id FROM business_profiles WHERE id = $1 AND deleted_at IS NULL AND status")
