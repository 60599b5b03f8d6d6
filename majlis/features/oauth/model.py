"""Nouns of signing in by another company's account, and what is refused of them."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.profiles.model import Name
from majlis.features.sessions.model import DeviceInfo, Password
from majlis.kit.errors import Conflict, FieldFault, Invalid

Provider = Literal["google", "apple", "facebook"]
PROVIDERS: tuple[Provider, ...] = ("google", "apple", "facebook")
LABELS: dict[str, str] = {"google": "Google", "apple": "Apple", "facebook": "Facebook"}

IdToken = Annotated[
    str, Meta(min_length=1, max_length=16_384, description="as the provider gave it to the app")
]
AccessToken = Annotated[
    str,
    Meta(min_length=1, max_length=4096, description="as Facebook gave it to the app; also of Limited Login"),
]
Nonce = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        description="as the app made it; Apple and Facebook are given its SHA-256, in lower hexadecimal digits",
    ),
]
Code = Annotated[
    str, Meta(min_length=1, max_length=1024, description="as Apple gave it to the app; counts once")
]
_SERVERS = frozenset(
    {
        "id", "role", "email_verified", "phone_verified", "mfa_enabled", "oauth_provider", "oauth_provider_id",
        "created_at", "updated_at", "deleted_at",
    }
)  # fmt: skip


class GoogleBody(msgspec.Struct):
    """Google's token. The names are for a new account whose token holds none."""

    not_writable: ClassVar[frozenset[str]] = _SERVERS

    id_token: IdToken
    nonce: Nonce | None = None
    device_info: DeviceInfo | None = None
    first_name: Name | None = None
    last_name: Name | None = None


class AppleBody(msgspec.Struct):
    """Apple's token, and what came with it. Apple tells the names to the app only, and once."""

    not_writable: ClassVar[frozenset[str]] = _SERVERS

    id_token: IdToken
    nonce: Nonce
    authorization_code: Code | None = None
    device_info: DeviceInfo | None = None
    first_name: Name | None = None
    last_name: Name | None = None


class FacebookBody(msgspec.Struct):
    """Facebook's token; that of Limited Login comes with the nonce. The names are for a profile that holds none."""

    not_writable: ClassVar[frozenset[str]] = _SERVERS

    access_token: AccessToken
    nonce: Nonce | None = None
    device_info: DeviceInfo | None = None
    first_name: Name | None = None
    last_name: Name | None = None


class LinkBody(msgspec.Struct):
    """The same for linking: `id_token` of Google or Apple, Apple's `nonce`, `access_token` of Facebook.

    Accounts with a password give it, unless the session has shown a second factor.
    """

    id_token: IdToken | None = None
    access_token: AccessToken | None = None
    nonce: Nonce | None = None
    authorization_code: Code | None = None
    password: Password | None = None


class Identity(msgspec.Struct):
    """An account of another company that its owner signs in by."""

    id: UUID
    provider: Provider
    email: str | None
    created_at: datetime
    last_used_at: datetime


class Identities(msgspec.Struct):
    """All of one's own, the first linked first."""

    data: list[Identity]


class NoEmail(Invalid):
    """The provider tells no address, and an account needs one."""

    code = "email_needed"

    def __init__(self, provider: str) -> None:
        message = f"{LABELS[provider]} gave no e-mail address. Allow the app to see it, and try again."
        super().__init__(message, fields=[FieldFault("email", "email_needed", message)])


class LinkRequired(Conflict):
    """The address belongs to an account that must not be entered without its owner's consent."""

    code = "link_required"

    def __init__(self, provider: str) -> None:
        super().__init__(
            "An account with this e-mail address exists. Sign in to it as before, or reset its password; "
            f"then link {LABELS[provider]}.",
            data={"provider": provider},
        )


class IdentityTaken(Conflict):
    """It signs in to another account."""

    code, detail = "identity_taken", "This is linked to another account here. Unlink it there first."


class AddressUnconfirmed(Conflict):
    """Whoever confirms the address later must not find somebody else's way in."""

    code, detail = "email_not_confirmed", "Confirm your e-mail address before you link another account."


class LastSignIn(Conflict):
    """Without it nobody could sign in any more."""

    code, detail = "last_sign_in", "This is the only way to sign in. Set a password by resetting it first."


class StillChanging(Conflict):
    """Others changed the same account several times at once."""

    code, detail = "try_again", "This account is being changed. Try again."
