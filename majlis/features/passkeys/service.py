"""Verbs of passkeys: the two ceremonies of WebAuthn, and the owner's list. Sessions are not known here.

User verification (a finger, a face, a PIN) is always required: a passkey shows two factors at once.
"""

import ipaddress
import secrets
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import InvalidRegistrationResponse, WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.passkeys import store
from majlis.features.passkeys.facts import PasskeyAdded, PasskeyRemoved
from majlis.features.passkeys.model import (
    BadRegistration,
    Ceremony,
    CeremonyGone,
    NoPasskey,
    Passkey,
    PasskeyKnown,
    TooManyPasskeys,
)
from majlis.kit import clock, facts, ids, log
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.settings import Settings, listed
from majlis.vendors import mail

CEREMONY_LIFE = timedelta(minutes=5)
MOST = 20
LONGEST_ID = 1023  # bytes, by the standard
ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
SELF_ATTESTED = {AttestationFormat.NONE, AttestationFormat.PACKED}
TRANSPORTS = {transport.value for transport in AuthenticatorTransport}
# What the library raises on hostile input, beside its own errors.
UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
Kind = Literal["sign_in", "second_factor"]
logger = log.get("majlis.passkeys")


def domain(settings: Settings) -> str:
    """The domain that passkeys belong to. A bare address has none: on one's own machine it is localhost."""
    host = settings.passkey_domain or urlsplit(mail.app_url(settings)).hostname or "localhost"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return "localhost"


def origins(settings: Settings) -> list[str]:
    """Where passkeys may be used: as a browser or a phone names the place."""
    named = listed(settings.passkey_origins)
    if named:
        return named
    parts = urlsplit(mail.app_url(settings))
    own = f"{parts.scheme}://{parts.netloc}"
    local = f"{parts.scheme}://{domain(settings)}" + (f":{parts.port}" if parts.port else "")
    return [own] if own == local or domain(settings) != "localhost" else [own, local]


async def _begin(tx: Tx, kind: str, user_id: UUID | None, options: Any) -> Ceremony:
    ceremony = Ceremony(ids.new(), options_to_json_dict(options), clock.now() + CEREMONY_LIFE)
    await tx.run(store.BEGIN, ceremony.ceremony_id, kind, user_id, options.challenge, ceremony.expires_at)
    return ceremony


def _descriptors(known: list[store.Known]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=one.credential_id, transports=[AuthenticatorTransport(name) for name in one.transports]
        )
        for one in known
    ]


async def begin_registration(app: App, tx: Tx, me: Me) -> Ceremony:
    """What the caller's device is to make a passkey from. Raises TooManyPasskeys."""
    account = await identity.get(tx, me, me.user())
    known = await tx.all(store.KNOWN, account.id)
    if len(known) >= MOST:
        raise TooManyPasskeys()
    options = webauthn.generate_registration_options(
        rp_id=domain(app.settings),
        rp_name=app.settings.app_name,
        user_id=account.id.bytes,
        user_name=account.email,
        challenge=secrets.token_bytes(32),
        timeout=int(CEREMONY_LIFE.total_seconds() * 1000),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=ALGORITHMS,
        exclude_credentials=_descriptors(known),
    )
    return await _begin(tx, "register", account.id, options)


async def register(
    app: App, tx: Tx, me: Me, ceremony_id: UUID, credential: dict[str, Any], name: str
) -> Passkey:
    """Keep the passkey that the caller's device made.

    Raises CeremonyGone, BadRegistration, PasskeyKnown, TooManyPasskeys.
    """
    account = await identity.hold(tx, me, me.user())
    challenge = await tx.one(store.END, ceremony_id, "register", account.id, clock.now())
    if challenge is None:
        raise CeremonyGone()
    made = _checked(app.settings, credential, challenge)
    if len(await tx.all(store.KNOWN, account.id)) >= MOST:
        raise TooManyPasskeys()
    told = credential["response"].get("transports")
    transports = sorted(TRANSPORTS.intersection(filter(_is_text, told if isinstance(told, list) else ())))
    passkey = await tx.one(
        store.ADD, ids.new(), account.id, made.credential_id, made.credential_public_key, made.sign_count,
        transports, made.credential_backed_up, name, clock.now(),
    )  # fmt: skip
    if passkey is None:
        raise PasskeyKnown()
    await facts.emit(tx, PasskeyAdded(account.id))
    return passkey


def _checked(settings: Settings, credential: dict[str, Any], challenge: bytes) -> VerifiedRegistration:
    """What a device made, looked through. Raises BadRegistration."""
    try:
        # Where none is asked for, nobody vouches for a device but itself: no certificates are looked into.
        attested = parse_attestation_object(base64url_to_bytes(credential["response"]["attestationObject"]))
        if attested.fmt not in SELF_ATTESTED or attested.att_stmt.x5c:
            raise InvalidRegistrationResponse("attestation was not asked for")
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=domain(settings),
            expected_origin=origins(settings),
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        # A key that cannot be read would only be found out at the first sign-in.
        decoded_public_key_to_cryptography(decode_credential_public_key(made.credential_public_key))
    except UNREADABLE as error:
        logger.info("passkey_refused", reason=type(error).__name__)
        raise BadRegistration() from error
    if len(made.credential_id) > LONGEST_ID:
        raise BadRegistration()
    return made


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


async def begin(app: App, tx: Tx, me: Me, kind: Kind, user_id: UUID | None) -> Ceremony:
    """What a device is to sign: for anybody's passkey, or for one of this account's. Raises NoPasskey."""
    known = [] if user_id is None else await tx.all(store.KNOWN, user_id)
    if user_id is not None and not known:
        raise NoPasskey()
    options = webauthn.generate_authentication_options(
        rp_id=domain(app.settings),
        challenge=secrets.token_bytes(32),
        timeout=int(CEREMONY_LIFE.total_seconds() * 1000),
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return await _begin(tx, kind, user_id, options)


async def owner(
    app: App,
    tx: Tx,
    me: Me,
    kind: Kind,
    user_id: UUID | None,
    ceremony_id: UUID,
    credential: dict[str, Any],
) -> UUID | None:
    """Whose passkey answered this ceremony, or None for a wrong answer. The ceremony is over either way.

    The transaction must commit though the answer be wrong.
    """
    challenge = await tx.one(store.END, ceremony_id, kind, user_id, clock.now())
    if challenge is None:
        return None
    key = await _hold(tx, me, _id(credential), user_id)
    if key is None:
        return None
    try:
        if not _handle_fits(credential, key.user_id):
            return None
        shown = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=domain(app.settings),
            expected_origin=origins(app.settings),
            credential_public_key=key.public_key,
            credential_current_sign_count=key.uses,
            require_user_verification=True,
        )
    except UNREADABLE as error:
        logger.info("passkey_refused", reason=type(error).__name__)
        return None
    await tx.run(store.USED, key.id, shown.new_sign_count, shown.credential_backed_up, clock.now())
    return key.user_id


async def _hold(tx: Tx, me: Me, credential_id: bytes, user_id: UUID | None) -> store.Key | None:
    """A passkey behind its account, which whoever resets it or answers a challenge holds first too."""
    if user_id is None:
        user_id = await tx.one(store.OWNER, credential_id)
        if user_id is None:
            return None
        try:
            await identity.hold(tx, me, user_id)
        except NotFound:
            return None
    return await tx.one(store.HOLD, credential_id, user_id)


def _id(credential: dict[str, Any]) -> bytes:
    try:
        return base64url_to_bytes(credential["id"])
    except UNREADABLE:
        return b""


def _handle_fits(credential: dict[str, Any], user_id: UUID) -> bool:
    """Devices that say whose passkey it is say what they were told when it was made."""
    handle = credential["response"].get("userHandle")
    return handle is None or base64url_to_bytes(handle) == user_id.bytes


async def passkeys(tx: Reader, me: Me) -> list[Passkey]:
    """The caller's passkeys, oldest first."""
    return await tx.all(store.LIST, me.user())


async def rename(tx: Tx, me: Me, passkey_id: UUID, name: str) -> Passkey:
    """Give one of the caller's passkeys another name. Raises NotFound."""
    passkey = await tx.one(store.RENAME, passkey_id, me.user(), name)
    if passkey is None:
        raise NotFound()
    return passkey


async def remove(tx: Tx, me: Me, passkey_id: UUID) -> None:
    """Remove one of the caller's passkeys. Raises NotFound."""
    if await tx.one(store.REMOVE, passkey_id, me.user()) is None:
        raise NotFound()
    await facts.emit(tx, PasskeyRemoved(me.user()))


async def remove_all(tx: Tx, me: Me, user_id: UUID) -> int:
    """Remove every passkey of an account; for operators. Returns how many there were."""
    me.require_role("admin")
    removed = await tx.all(store.REMOVE_ALL, user_id)
    if removed:
        await facts.emit(tx, PasskeyRemoved(user_id))
    return len(removed)
