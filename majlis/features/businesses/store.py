"""Rows of businesses, and the SQL of which businesses a viewer may see."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.businesses.model import BusinessCategory, BusinessHours
from majlis.features.graph.service import BLOCKED
from majlis.kit.db import Query
from majlis.kit.geo import Point

# Which businesses `b` of owners `o` the viewer $1 may see.
_MET = f"""b.deleted_at IS NULL AND o.deleted_at IS NULL AND NOT o.suspended
  AND NOT b.user_id = ANY ({BLOCKED})"""
LISTED = f"b.status AND {_MET}"
# The owner also sees what is switched off.
SHOWN = f"(b.status OR b.user_id = $1) AND {_MET}"
FROM = "FROM business_profiles b JOIN profiles o ON o.id = b.user_id"

# Whether the viewer $1 follows a business `b`.
FOLLOWS = """coalesce((SELECT true FROM business_profile_followers f
    WHERE f.business_id = b.id AND f.follower_id = $1), false)"""
# The columns of a business beside a post, in the order of BusinessMini.
MINI = "b.id, b.name, b.avatar, b.province, b.district, b.neighborhood"


class Known(msgspec.Struct):
    """A business that the viewer may see: whose it is, and whether it is on."""

    user_id: UUID
    status: bool


KNOWN = Query(Known, f"SELECT b.user_id, b.status {FROM} WHERE b.id = $2 AND {SHOWN}")


# ---- changing


class Stored(msgspec.Struct):
    """A business as its owner changes it."""

    id: UUID
    user_id: UUID
    created_at: datetime
    avatar: msgspec.Raw | None
    cover: msgspec.Raw | None
    name: str
    license_no: str | None
    description: str | None
    address: str | None
    phone_number: str | None
    email: str | None
    website: str | None
    status: bool
    additional_info: str | None
    address_location: Point | None
    country: str | None
    province: str | None
    district: str | None
    neighborhood: str | None
    show_location: bool
    time_zone: str
    updated_at: datetime


SAID = ("name", "description", "additional_info", "address", "website")  # what filters look at
USUAL_ZONE = "Asia/Kabul"  # where nothing is known of a place


def blank(business_id: UUID, user_id: UUID, now: datetime) -> Stored:
    """A business without anything in it."""
    empty: dict[str, Any] = dict.fromkeys(Stored.__struct_fields__)
    empty |= {
        "id": business_id, "user_id": user_id, "status": True, "show_location": True, "time_zone": USUAL_ZONE,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    return Stored(**empty)


_STORED = Stored.__struct_fields__
CHANGING = [name for name in _STORED if name not in {"id", "user_id", "created_at", "avatar", "cover"}]


def _mark(name: str, number: int) -> str:
    return f"known_time_zone(${number})" if name == "time_zone" else f"${number}"


LOCK = Query(
    Stored,
    f"SELECT {', '.join(_STORED)} FROM business_profiles WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
)
INSERT = f"""INSERT INTO business_profiles ({", ".join(_STORED)})
VALUES ({", ".join(_mark(name, n) for n, name in enumerate(_STORED, 1))})"""
UPDATE = f"""UPDATE business_profiles
SET {", ".join(f"{name} = {_mark(name, n)}" for n, name in enumerate(CHANGING, 2))} WHERE id = $1"""
DELETE = "UPDATE business_profiles SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL"
# Hidden by moderators is deleted with a mark, so that no switch of its owner brings it back.
HIDE = """
UPDATE business_profiles SET deleted_at = $2, hidden_as = 'HIDDEN', hidden_reason = $3, updated_at = $2
WHERE id = $1 AND deleted_at IS NULL
"""
RESTORE = """
UPDATE business_profiles SET deleted_at = NULL, hidden_as = NULL, hidden_reason = NULL, updated_at = $2
WHERE id = $1 AND hidden_as IS NOT NULL
"""
SET_PICTURE = {
    "avatar": "UPDATE business_profiles SET avatar = $2, updated_at = $3 WHERE id = $1",
    "cover": "UPDATE business_profiles SET cover = $2, updated_at = $3 WHERE id = $1",
}


# ---- categories

_CATEGORY = "c.id, c.name, c.is_active, c.created_at"
# $1: also the inactive ones; $2: what the name holds.
CATEGORIES = Query(
    BusinessCategory,
    f"""SELECT {_CATEGORY} FROM business_categories c
    WHERE (c.is_active OR $1) AND ($2::text IS NULL OR strpos(lower(search_text(c.name)), lower(search_text($2))) > 0)
    ORDER BY lower(c.name), c.id""",
)
ACTIVE = Query(
    UUID, "SELECT id FROM business_categories WHERE id = ANY($1::uuid[]) AND is_active FOR KEY SHARE"
)
CHOSEN = f"""SELECT pc.business_profile_id, {_CATEGORY}
FROM business_profile_categories pc JOIN business_categories c ON c.id = pc.business_category_id AND c.is_active
WHERE pc.business_profile_id = ANY($1::uuid[]) ORDER BY lower(c.name), c.id"""
UNCHOOSE = """DELETE FROM business_profile_categories
WHERE business_profile_id = $1 AND NOT business_category_id = ANY($2::uuid[])"""
CHOOSE = """INSERT INTO business_profile_categories (business_profile_id, business_category_id, created_at)
SELECT $1, category, $3 FROM unnest($2::uuid[]) AS category ON CONFLICT DO NOTHING"""
# Whoever changes the list does so alone, so that two names cannot become the same; reading goes on.
LOCK_CATEGORIES = "LOCK TABLE business_categories IN SHARE ROW EXCLUSIVE MODE"
ADD_CATEGORY = "INSERT INTO business_categories (id, name, is_active, created_at) VALUES ($1, $2, $3, $4)"
CATEGORY = Query(BusinessCategory, f"SELECT {_CATEGORY} FROM business_categories c WHERE c.id = $1")
NAMESAKE = Query(bool, "SELECT true FROM business_categories WHERE lower(name) = lower($2) AND id <> $1")
SET_CATEGORY = "UPDATE business_categories SET name = $2, is_active = $3 WHERE id = $1"


# ---- hours

HOURS = Query(
    BusinessHours,
    """SELECT id, business_profile_id, day, open_time, close_time, is_closed, created_at, updated_at
    FROM business_hours WHERE business_profile_id = ANY($1::uuid[])
    ORDER BY array_position(
      ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'], day)""",
)
SET_HOURS = """INSERT INTO business_hours
  (id, business_profile_id, day, open_time, close_time, is_closed, created_at, updated_at)
SELECT one.id, $1, one.day, one.opens::time, one.closes::time, one.closed, $7, $7
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[]) AS one (id, day, opens, closes, closed)
ON CONFLICT (business_profile_id, day) DO UPDATE SET open_time = excluded.open_time,
  close_time = excluded.close_time, is_closed = excluded.is_closed, updated_at = excluded.updated_at"""


# ---- gallery

GALLERY_COUNT = Query(
    int, "SELECT count(*) FROM business_attachments WHERE business_profile_id = $1 AND deleted_at IS NULL"
)
ADD_PICTURE = """INSERT INTO business_attachments (id, business_profile_id, photo, created_at, updated_at)
VALUES ($1, $2, $3, $4, $4)"""
REMOVE_PICTURE = Query(
    msgspec.Raw,
    """UPDATE business_attachments SET deleted_at = $3, updated_at = $3
    WHERE id = $2 AND business_profile_id = $1 AND deleted_at IS NULL RETURNING photo""",
)
CLEAR_GALLERY = Query(
    msgspec.Raw,
    """UPDATE business_attachments SET deleted_at = $2, updated_at = $2
    WHERE business_profile_id = $1 AND deleted_at IS NULL RETURNING photo""",
)


# ---- followers and viewers

# The lock makes an account that is just being closed wait, so that what it follows is found afterwards.
FOLLOW = """INSERT INTO business_profile_followers (business_id, follower_id, created_at, updated_at)
SELECT $1, p.id, $3, $3 FROM profiles p WHERE p.id = $2 AND p.deleted_at IS NULL FOR SHARE
ON CONFLICT DO NOTHING"""
UNFOLLOW = "DELETE FROM business_profile_followers WHERE business_id = $1 AND follower_id = $2"
TOTAL_FOLLOW = Query(int, "SELECT total_follow FROM business_profiles WHERE id = $1")
# Businesses are held in order before their counters move, so that two who leave do not wait for each other.
FOLLOWED = Query(
    UUID,
    """SELECT b.id FROM business_profiles b WHERE b.id IN (
      SELECT business_id FROM business_profile_followers WHERE follower_id = $1 ORDER BY business_id LIMIT 500)
    ORDER BY b.id FOR NO KEY UPDATE""",
)
PART = """DELETE FROM business_profile_followers f USING business_profiles b
WHERE b.id = f.business_id AND ((f.follower_id = $1 AND b.user_id = $2) OR (f.follower_id = $2 AND b.user_id = $1))"""
FORGET = "DELETE FROM business_profile_followers WHERE follower_id = $1 AND business_id = ANY($2::uuid[])"

# Once per viewer and day of the place (rule 133).
COUNT_VIEW = Query(
    int,
    """WITH first AS (
      INSERT INTO business_views (business_id, viewer_id, day)
      SELECT id, $2, ($3::timestamptz AT TIME ZONE time_zone)::date FROM business_profiles WHERE id = $1
      ON CONFLICT DO NOTHING RETURNING business_id)
    UPDATE business_profiles SET total_views = total_views + 1
    WHERE id IN (SELECT business_id FROM first) RETURNING total_views""",
)
FORGET_VIEWS = """DELETE FROM business_views
WHERE ctid = ANY (ARRAY(SELECT ctid FROM business_views WHERE day < $1 LIMIT 10000))"""
