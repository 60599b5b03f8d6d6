"""Nouns of sign-in."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit import clock, crypto
from majlis.kit.db import Reader
from majlis.kit.errors import Forbidden, Invalid, Malformed, Unauthenticated
from majlis.kit.tokens import Gate

DEVICE_BYTES, DEVICE_DEPTH = 4096, 5

Password = Annotated[str, Meta(max_length=1000, examples=["Kabul-2026!"])]
Email = Annotated[str, Meta(max_length=320, examples=["amina@example.org"])]
DeviceInfo = Annotated[
    dict[str, Any],
    Meta(description="what the app says of the device: up to 4 KiB of JSON, up to 5 levels deep"),
]


class Audience(msgspec.Struct, frozen=True):
    """A door at which tokens count, and for how long: at no other door are they good for anything."""

    door: str = ""  # the native one has no name
    access_life: timedelta = timedelta(minutes=15)
    refresh_life: timedelta = timedelta(days=7)
    signed_refresh: bool = False  # a JWT under keys of its own, for contracts that say so; else random text
    # What access tokens tell apps besides, for contracts that say so. Nothing is ever decided by it.
    claims: Callable[[Reader, UUID], Awaitable[dict[str, Any]]] | None = None

    async def told(self, tx: Reader, user_id: UUID) -> dict[str, Any]:
        """What an access token of somebody tells besides."""
        return {} if self.claims is None else await self.claims(tx, user_id)


NATIVE = Audience()


class TokenPair(msgspec.Struct):
    """What a client holds. `expires_in` counts the seconds of the access token."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


def issue(
    gate: Gate,
    audience: Audience,
    user_id: UUID,
    email: str,
    session: UUID,
    aal: int,
    told: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[TokenPair, bytes, datetime]:
    """Tokens of a session; the digest of the access token, and when that ends."""
    now = clock.now()
    expires = now + audience.access_life
    claims = {"user_id": str(user_id), "aal": aal, "sid": str(session)}
    # The address is in native tokens for older clients only; nothing is ever decided by it.
    shown = {**told, **claims} if audience.door else {**claims, "email": email}
    access = gate.signer.sign(shown, now, expires, audience.door)
    refresh = crypto.token()
    if audience.signed_refresh:
        refresh = gate.refresher.sign(claims, now, now + audience.refresh_life, audience.door)
    pair = TokenPair(access, refresh, "Bearer", int(audience.access_life.total_seconds()))
    return pair, crypto.digest(access), expires


class Session(msgspec.Struct):
    """A sign-in, as its owner sees it."""

    id: UUID
    device_info: dict[str, Any] | None
    ip_address: (
        Annotated[str, Meta(description="the network: the last part of the address is left out")] | None
    )
    user_agent: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    last_used_at: Annotated[datetime, Meta(description="noted at most every five minutes")]
    is_current: bool


def ip_or_none(ip: str) -> IPv4Address | IPv6Address | None:
    """Where a request came from, or None for what is no address."""
    try:
        return ip_address(ip)
    except ValueError:
        return None


def network(address: Any) -> str | None:
    """Enough of an address to recognise one's own by: the /24 of IPv4, the /48 of IPv6."""
    if address is None:
        return None
    plain = ip_address(str(address).partition("/")[0])
    if plain.version == 4:
        return str(IPv4Network((int(plain), 24), strict=False).network_address)
    return str(IPv6Network((int(plain), 48), strict=False).network_address)


def deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists are nested deeper than this."""
    level = [value]
    for _ in range(levels):
        level = [item for parent in level for item in _children(parent)]
    return any(isinstance(item, dict | list) for item in level)


def check_device(device: dict[str, Any] | None) -> None:
    """Raises Invalid for more than 4 KiB of JSON, or more than five levels of it."""
    if device is None:
        return
    if len(msgspec.json.encode(device)) > DEVICE_BYTES:
        raise Invalid.field("device_info", f"This may have at most {DEVICE_BYTES} bytes.", "too_large")
    if deeper(device, DEVICE_DEPTH):
        raise Invalid.field("device_info", f"This may be nested {DEVICE_DEPTH} levels deep.", "too_deep")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


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


class Unconfirmed(Forbidden):
    """This server wants a confirmed address of whoever writes."""

    code, detail = "email_not_verified", "Confirm your e-mail address first."


class NoAddress(Malformed):
    """Neither an address nor a signed-in caller."""

    code, status, detail = "no_email", 422, "Give an e-mail address, or sign in."


class KeepQuery(msgspec.Struct):
    """Whether the current session stays."""

    keep_current: bool = False
