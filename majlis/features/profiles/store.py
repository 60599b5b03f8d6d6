"""Rows of profiles."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from majlis.features.profiles.model import Offer
from majlis.kit.db import Query
from majlis.kit.geo import Point


class Row(msgspec.Struct):
    """A profile as it is stored."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: msgspec.Raw | None
    cover: msgspec.Raw | None
    about: str | None
    gender: str | None
    dob: date | None
    website: str | None
    location: Point | None
    country: str | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_complete: bool
    created_at: datetime
    updated_at: datetime
    followers_count: int
    following_count: int
    posts_count: int
    username: str


_COLUMNS = """id, first_name, last_name, avatar, cover, about, gender, dob, website, location, country, province,
  district, neighborhood, is_complete, created_at, updated_at, followers_count, following_count, posts_count, username"""

GET = Query(Row, f"SELECT {_COLUMNS} FROM profiles WHERE id = $1 AND deleted_at IS NULL")
LOCK = Query(Row, f"SELECT {_COLUMNS} FROM profiles WHERE id = $1 AND deleted_at IS NULL FOR UPDATE")
# Whoever is second meets the id or the username that a trigger makes of it: `IS_THERE` tells that from a name of others.
CREATE = """
INSERT INTO profiles (id, first_name, last_name, created_at, updated_at, username) VALUES ($1, $2, $3, $4, $4, $5)
ON CONFLICT DO NOTHING
"""
IS_THERE = Query(bool, "SELECT true FROM profiles WHERE id = $1")
UPDATE = """
UPDATE profiles SET first_name = $2, last_name = $3, about = $4, gender = $5, dob = $6, website = $7, location = $8,
  country = $9, province = $10, district = $11, neighborhood = $12, is_complete = $13, updated_at = $14 WHERE id = $1
"""
SET_USERNAME = "UPDATE profiles SET username = $2, updated_at = $3 WHERE id = $1"
TAKEN = Query(bool, "SELECT true FROM profiles WHERE lower(username) = lower($1)")
ADDRESS = Query(
    str,
    """SELECT u.email FROM profiles p JOIN users u ON u.id = p.id AND u.deleted_at IS NULL
    WHERE lower(p.username) = lower($1)""",
)
OFFER = Query(
    Offer,
    """SELECT monetization_enabled AS enabled, subscription_price AS price, updated_at
    FROM profiles WHERE id = $1 AND deleted_at IS NULL""",
)
HOLD_OFFER = Query(Offer, f"{OFFER.sql} FOR NO KEY UPDATE")
SET_OFFER = """
UPDATE profiles SET monetization_enabled = $2, subscription_price = $3, updated_at = $4 WHERE id = $1
"""
SET_AVATAR = "UPDATE profiles SET avatar = $2, updated_at = $3 WHERE id = $1"
SET_COVER = "UPDATE profiles SET cover = $2, updated_at = $3 WHERE id = $1"
SET_PICTURE = {"avatar": SET_AVATAR, "cover": SET_COVER}
# The lock makes whoever suspends or reopens the account wait, so that the latest state is copied last.
SUSPENDED = Query(bool, "SELECT suspended_at IS NOT NULL FROM users WHERE id = $1 FOR SHARE")
SET_SUSPENDED = "UPDATE profiles SET suspended = $2 WHERE id = $1"
DELETE = "UPDATE profiles SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL"


class Located(msgspec.Struct):
    """Where a person says they are."""

    location: Point | None


LOCATION = Query(Located, "SELECT location FROM profiles WHERE id = $1 AND deleted_at IS NULL")
