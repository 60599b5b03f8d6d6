"""Nouns of second factors, and what is refused of them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict, Refused, Unauthenticated

Code = Annotated[str, Meta(max_length=20, examples=["123456"])]
BackupCode = Annotated[str, Meta(max_length=20, examples=["K7QDM-2XWPA"])]


class Factor(msgspec.Struct):
    """A second factor."""

    id: UUID
    factor_type: Literal["TOTP", "SMS", "EMAIL"]
    status: Literal["verified", "unverified"]
    created_at: datetime


class Challenge(msgspec.Struct):
    """A sign-in that waits for a second factor: one of these, within five minutes."""

    challenge_id: UUID
    factors: list[Factor]


class Enrolled(msgspec.Struct):
    """A factor that waits for its first code. Secret and backup codes are shown this once."""

    factor_id: UUID
    qr_code_url: Annotated[str, Meta(description="the address of otpauth_url as a picture: data:image/png")]
    secret_key: Annotated[str, Meta(description="for typing it in: base32", examples=["JBSWY3DPEHPK3PXP"])]
    backup_codes: list[BackupCode]
    otpauth_url: str


class Asked(msgspec.Struct):
    """A challenge that was opened, and the factor that answers it."""

    challenge_id: UUID
    factor_id: UUID
    expires_at: datetime


class Pending(msgspec.Struct):
    """A challenge that can still be answered; `session_id` is the session that asked for a higher level."""

    id: UUID
    user_id: UUID
    session_id: UUID | None
    device_info: msgspec.Raw | None

    def device(self) -> dict[str, Any] | None:
        """What the sign-in told of the device."""
        return None if self.device_info is None else msgspec.json.decode(self.device_info)


class SpentCode(msgspec.Struct):
    """A backup code without the code."""

    used: bool
    used_at: datetime | None
    created_at: datetime


class BackupCodes(msgspec.Struct):
    """How many backup codes there are, and how many are left."""

    total: int
    remaining: int
    codes: list[SpentCode]


class NewCodes(msgspec.Struct):
    """Fresh backup codes, shown this once. Earlier ones are void."""

    backup_codes: list[BackupCode]


class WrongCode(Unauthenticated):
    """A code that is wrong, too old, or was used before."""

    code, detail = "wrong_code", "The code is wrong, too old, or was used before."


class ChallengeGone(Refused):
    """A challenge that was answered, expired, or met five wrong answers."""

    code, status, detail = "challenge_gone", 410, "This challenge is over. Sign in again."


class NoChallenge(Unauthenticated):
    """Neither a signed-in caller nor an open challenge."""

    code, detail = "no_challenge", "Sign in, or give an open challenge."


class MfaOff(Conflict):
    """There is no second factor."""

    code, detail = "mfa_not_enabled", "There is no second factor on this account."


class MfaOn(Conflict):
    """There is a second factor already."""

    code, detail = "mfa_enabled", "This account has a second factor already."
