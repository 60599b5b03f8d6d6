"""Nouns of passkeys, and what is refused of them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict, Refused, Unauthenticated

PasskeyName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Amina's phone"])]
Credential = Annotated[
    dict[str, Any],
    Meta(description="what navigator.credentials gave, as PublicKeyCredential.toJSON() writes it"),
]


class Passkey(msgspec.Struct):
    """A passkey, as its owner sees it."""

    id: UUID
    name: str
    backed_up: Annotated[bool, Meta(description="whether the device keeps it in a cloud")]
    created_at: datetime
    last_used_at: datetime | None


class Ceremony(msgspec.Struct):
    """What the client hands to its device, as `publicKey` of navigator.credentials, within five minutes."""

    ceremony_id: UUID
    public_key: dict[str, Any]
    expires_at: datetime


class Rename(msgspec.Struct):
    """Another name for a passkey."""

    name: PasskeyName


class BadPasskey(Unauthenticated):
    """A passkey that is unknown, or whose answer does not hold."""

    code, detail = "bad_passkey", "This passkey was not accepted."


class BadRegistration(Refused):
    """A new passkey that cannot be taken."""

    code, status, detail = "bad_passkey", 422, "This passkey cannot be taken."


class CeremonyGone(Refused):
    """A ceremony that is unknown, over, or was finished before."""

    code, status, detail = "ceremony_gone", 410, "This took too long, or was done already. Begin again."


class PasskeyKnown(Conflict):
    """A passkey that some account has already."""

    code, detail = "passkey_exists", "This passkey is registered already."


class TooManyPasskeys(Conflict):
    """More than anybody needs."""

    code, detail = "too_many_passkeys", "An account has at most 20 passkeys. Remove one first."


class NoPasskey(Conflict):
    """The account has no passkey."""

    code, detail = "no_passkey", "There is no passkey on this account."
