"""Nouns of people."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.media.model import Photo
from majlis.features.mfa.model import Factor
from majlis.features.sessions.model import DeviceInfo, Email, Password
from majlis.kit.errors import Conflict
from majlis.kit.geo import Point
from majlis.kit.text import WEBSITE

Name = Annotated[str, Meta(max_length=100, examples=["Amina"])]
Place = Annotated[str, Meta(max_length=100, examples=["Kabul"])]
Text = Annotated[str, Meta(max_length=10_000)]
Username = Annotated[
    str, Meta(max_length=100, examples=["amina_k"], description="3 to 30 letters, digits or _, in any case")
]
Gender = Literal["male", "female", "other"]


class Profile(msgspec.Struct):
    """A person, as they see themselves."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: Photo | None
    cover: Photo | None
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


class User(msgspec.Struct):
    """An account with its profile, as its owner sees it."""

    id: UUID
    email: str
    phone: str | None
    email_verified: bool
    phone_verified: bool
    mfa_enabled: bool
    oauth_provider: str | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime
    profile: Profile
    followers_count: int
    following_count: int
    posts_count: int
    has_password: bool
    username: str


class RegisterBody(msgspec.Struct):
    """E-mail and password are enough."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {
            "id",
            "role",
            "email_verified",
            "phone_verified",
            "mfa_enabled",
            "created_at",
            "updated_at",
            "deleted_at",
        }
    )

    email: Email
    password: Password
    first_name: Name | None = None
    last_name: Name | None = None
    device_info: DeviceInfo | None = None


class Registered(msgspec.Struct):
    """A new account, signed in."""

    user: User
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class LoginBody(msgspec.Struct):
    """Credentials."""

    email: Email
    password: Password
    device_info: DeviceInfo | None = None


class SignedIn(msgspec.Struct, kw_only=True):
    """Tokens; or, with a second factor, a challenge and nothing else."""

    requires_mfa: bool
    user: User | UnsetType = UNSET
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    token_type: str | UnsetType = UNSET
    expires_in: int | UnsetType = UNSET
    challenge_id: UUID | UnsetType = UNSET
    factors: list[Factor] | UnsetType = UNSET


class ProfileUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay, null clears."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {
            "id", "email", "role", "is_complete", "email_verified", "phone_verified", "mfa_enabled", "avatar", "cover",
            "followers_count", "following_count", "posts_count", "created_at", "updated_at", "deleted_at",
        }
    )  # fmt: skip

    username: Username | UnsetType = UNSET
    first_name: Name | None | UnsetType = UNSET
    last_name: Name | None | UnsetType = UNSET
    about: Text | None | UnsetType = UNSET
    gender: Gender | None | UnsetType = UNSET
    dob: date | None | UnsetType = UNSET
    website: (
        Annotated[str, Meta(max_length=255, pattern=WEBSITE, examples=["amina.example"])] | None | UnsetType
    ) = UNSET
    phone: Annotated[str, Meta(max_length=20)] | None | UnsetType = UNSET
    location: Point | None | UnsetType = UNSET
    country: Place | None | UnsetType = UNSET
    province: Place | None | UnsetType = UNSET
    district: Place | None | UnsetType = UNSET
    neighborhood: Place | None | UnsetType = UNSET


class JoinBody(msgspec.Struct, kw_only=True):
    """A new account at a door where people have one name. Without a username it gets one that tells nothing."""

    username: Username | None = None
    email: Email
    password: Password
    name: str | None = None


class Offer(msgspec.Struct):
    """Whether a person takes money for what they publish, and what a month of it costs, in cents."""

    enabled: bool
    price: int | None
    updated_at: datetime


class UsernameTaken(Conflict):
    """Somebody else has this username, in whatever case."""

    code, detail = "username_taken", "Somebody else has this username."


Reason = Annotated[str, Meta(max_length=100, examples=["I do not use it any more"])]


class LeaveBody(msgspec.Struct):
    """Why the account is to be deleted. The password is asked for by some clients, and checked then."""

    reason: Reason | None = None
    details: Text | None = None
    password: Password | None = None


class LeaveQuery(msgspec.Struct):
    """The same for clients that cannot send a body with DELETE."""

    reason: Reason | None = None
    details: Text | None = None


class AvatarSet(msgspec.Struct):
    """The picture of a person that was just set."""

    avatar: Photo


class CoverSet(msgspec.Struct):
    """The cover of a profile that was just set."""

    cover: Photo


def photo(raw: Any) -> Photo | None:
    """A stored picture column as a Photo."""
    return None if raw is None else msgspec.json.decode(raw, type=Photo)
