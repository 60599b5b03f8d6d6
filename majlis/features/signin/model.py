"""What is sent to answer for a second factor or a passkey, and what comes back."""

from typing import Literal
from uuid import UUID

import msgspec

from majlis.features.mfa.model import BackupCode, Code
from majlis.features.passkeys.model import Credential, PasskeyName
from majlis.features.profiles.model import User
from majlis.features.sessions.model import DeviceInfo, Password


class EnrollBody(msgspec.Struct):
    """The kind of factor. The password is asked for by some clients, and checked then."""

    factor_type: Literal["TOTP"] = "TOTP"
    password: Password | None = None


class ConfirmBody(msgspec.Struct):
    """The first code of a factor."""

    factor_id: UUID
    code: Code


class Confirmed(msgspec.Struct):
    """A factor that counts from now on, and the tokens of the raised session."""

    factor_id: UUID
    status: Literal["verified", "unverified"]
    mfa_enabled: bool
    access_token: str
    refresh_token: str
    expires_in: int


class DisableBody(msgspec.Struct):
    """A code of the factor, or a backup code. The password is checked when it is given."""

    code: Code
    password: Password | None = None


class ChallengeBody(msgspec.Struct):
    """The open challenge whose place the new one takes, and the factor to answer with."""

    challenge_id: UUID | None = None
    factor_id: UUID | None = None


class AnswerBody(msgspec.Struct):
    """A code of the factor. Device information of the sign-in is kept when none is given."""

    challenge_id: UUID
    code: Code
    device_info: DeviceInfo | None = None


class BackupAnswerBody(msgspec.Struct):
    """A backup code instead of one of the factor."""

    challenge_id: UUID
    code: BackupCode
    device_info: DeviceInfo | None = None


class LetIn(msgspec.Struct):
    """The account, and tokens of level 2."""

    user: User
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class RegistrationBody(msgspec.Struct):
    """The password, of accounts that have one and sessions that have not shown a second factor."""

    password: Password | None = None


class RegisterPasskeyBody(msgspec.Struct):
    """What the device made."""

    ceremony_id: UUID
    credential: Credential
    name: PasskeyName = "Passkey"


class PasskeyBody(msgspec.Struct):
    """What the device signed."""

    ceremony_id: UUID
    credential: Credential
    device_info: DeviceInfo | None = None


class PasskeyChallengeBody(msgspec.Struct):
    """The open challenge to be answered by a passkey."""

    challenge_id: UUID


class PasskeyAnswerBody(msgspec.Struct):
    """What the device signed, for an open challenge."""

    challenge_id: UUID
    ceremony_id: UUID
    credential: Credential
    device_info: DeviceInfo | None = None
