"""Nouns of sign-in."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Malformed, Unauthenticated

Password = Annotated[str, Meta(max_length=1000, examples=["Kabul-2026!"])]
Email = Annotated[str, Meta(max_length=320, examples=["amina@example.org"])]
DeviceInfo = Annotated[
    dict[str, Any],
    Meta(description="what the app says of the device: up to 4 KiB of JSON, up to 5 levels deep"),
]


class TokenPair(msgspec.Struct):
    """What a client holds. `expires_in` counts the seconds of the access token."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class Session(msgspec.Struct):
    """A sign-in, as its owner sees it."""

    id: UUID
    device_info: dict[str, Any] | None
    ip_address: str | None
    user_agent: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    is_current: bool


class RefreshBody(msgspec.Struct):
    """The refresh token to exchange."""

    refresh_token: Annotated[str, Meta(max_length=200)]


class LogoutBody(msgspec.Struct):
    """Which session to end; without a token the current one."""

    refresh_token: Annotated[str, Meta(max_length=200)] | None = None


class ForgotBody(msgspec.Struct):
    """Whose password is to be reset."""

    email: Email


class ResetBody(msgspec.Struct):
    """The token from the mail, and the new password."""

    token: Annotated[str, Meta(max_length=200)]
    new_password: Password


class VerifyBody(msgspec.Struct):
    """The token from the mail."""

    token: Annotated[str, Meta(max_length=200)]


class ResendBody(msgspec.Struct):
    """The address to confirm; without it the caller's."""

    email: Email | None = None


class ChangePasswordBody(msgspec.Struct):
    """Old and new password. Other sessions end unless told otherwise."""

    current_password: Password
    new_password: Password
    revoke_other_sessions: bool = True


class Message(msgspec.Struct):
    """Words for a person."""

    message: str


class Verified(msgspec.Struct):
    """The address that is confirmed now."""

    email: str
    email_verified: bool


class Revoked(msgspec.Struct):
    """How many sessions ended."""

    revoked: int


class BadRefresh(Unauthenticated):
    """A refresh token that is unknown, expired, revoked or was used before."""

    code, detail = "bad_refresh_token", "The refresh token is not good any more. Sign in again."


class BadAccess(Unauthenticated):
    """An access token that is malformed, expired or revoked."""

    code, detail = "bad_token", "The access token is not good any more."


class ForgedAccess(BadAccess):
    """An access token that this server never gave out."""


class NoAddress(Malformed):
    """Neither an address nor a signed-in caller."""

    code, status, detail = "no_email", 422, "Give an e-mail address, or sign in."


class KeepQuery(msgspec.Struct):
    """Whether the current session stays."""

    keep_current: bool = False
