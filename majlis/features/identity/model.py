"""Nouns of accounts, and what is refused of them."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid, Locked, Malformed, Unauthenticated


class Account(msgspec.Struct):
    """An account as its owner sees it, without any secret."""

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
    has_password: bool
    role: str
    suspended_at: datetime | None


class Proven(msgspec.Struct, frozen=True):
    """An account whose password was given, and the hash that it matched."""

    user_id: UUID
    password_hash: str


class EmailTaken(Conflict):
    """Another account has this address."""

    code, detail = "email_taken", "An account with this e-mail address exists."


class BadCredentials(Unauthenticated):
    """One answer for an unknown address and a wrong password."""

    code, detail = "bad_credentials", "E-mail address or password is wrong."


class WrongPassword(Unauthenticated):
    """The password given to confirm an action is wrong."""

    code, detail = "wrong_password", "The password is wrong."


class AccountLocked(Locked):
    """Too many failed sign-ins from this address."""

    code, detail = "account_locked", "Too many failed sign-ins. Wait, or reset the password by e-mail."


class Deactivated(Forbidden):
    """The account is suspended."""

    code, detail = "account_deactivated", "This account is suspended."

    @classmethod
    def told(cls, until: datetime | None, reason: str | None) -> "Deactivated":
        """The same with what its owner is told: for how long, and why."""
        words = [
            cls.detail if until is None else f"This account is suspended until {until:%Y-%m-%d %H:%M} UTC."
        ]
        return cls(" ".join([*words, reason] if reason else words))


class NoPassword(Conflict):
    """The account signs in elsewhere and has no password yet."""

    code, detail = "no_password", "This account has no password; set one by resetting it."


class BadToken(Malformed):
    """A confirmation or reset token that is unknown, used or expired."""

    code, detail = "bad_token", "The token is unknown, used or expired."


class AddressChanged(Conflict):
    """The token confirms an address that is not the account's any more."""

    code, detail = "address_changed", "This is no longer the address of the account."


class WeakPassword(Invalid):
    """A password that breaks a rule."""

    code = "weak_password"

    def __init__(self, field: str, broken: str) -> None:
        super().__init__("The password is too weak.", fields=[FieldFault(field, "weak_password", broken)])


class UsedPassword(Invalid):
    """One of the last passwords."""

    code = "password_reused"

    def __init__(self, field: str) -> None:
        message = "Choose a password that is not among your last five."
        super().__init__(message, fields=[FieldFault(field, "password_reused", message)])
