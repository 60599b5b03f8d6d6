"""Second factors and passkeys over HTTP: all that needs a session or ends in one.

None of these takes an Idempotency-Key: what would be kept are tokens, secrets and digests of passwords, and a
wrong code must count whatever becomes of the request.
"""

from typing import Any

from majlis.app import App
from majlis.features.mfa.model import Asked, Enrolled
from majlis.features.passkeys.model import Ceremony, Passkey
from majlis.features.signin import service
from majlis.features.signin.model import (
    AnswerBody,
    BackupAnswerBody,
    ChallengeBody,
    ConfirmBody,
    Confirmed,
    DisableBody,
    EnrollBody,
    LetIn,
    PasskeyAnswerBody,
    PasskeyBody,
    PasskeyChallengeBody,
    RegisterPasskeyBody,
    RegistrationBody,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me, Origin

api = http.Api("authentication")
MFA, PASSKEYS = "/api/v1/auth/mfa", "/api/v1/auth/passkeys"
ONCE: dict[str, Any] = {"idempotent": False}
ANSWER: dict[str, Any] = {"idempotent": False, "errors": (401, 403, 410, 423)}
SMALL = 64 * 1024  # bytes: a credential has a few hundred


@api.post(MFA + "/enroll", policy=access.user, status=201, errors=(401, 409), **ONCE)
async def enroll(app: App, me: Me, body: EnrollBody) -> Enrolled:
    """Get a new second factor. It counts once `mfa/verify` has seen a code of it."""
    return await service.enroll(app, me, body.password)


@api.post(MFA + "/verify", policy=access.user, errors=(401, 404, 409), **ONCE)
async def confirm(app: App, me: Me, body: ConfirmBody) -> Confirmed:
    """Turn the second factor on by its first code. This session rises to level 2, all others end."""
    return await service.confirm(app, me, body.factor_id, body.code)


@api.post(MFA + "/disable", policy=access.strong, status=204, errors=(401, 403, 409), **ONCE)
async def disable(app: App, me: Me, body: DisableBody) -> None:
    """Turn the second factor off, by a code of it or a backup code."""
    await service.disable(app, me, body.code, body.password)


@api.post(MFA + "/challenge", policy=access.optional, status=201, errors=(401, 404, 409), **ONCE)
async def challenge(app: App, me: Me, body: ChallengeBody) -> Asked:
    """Open a challenge that raises the caller's session, or that takes the place of an open one."""
    return await service.step_up(app, me, body.challenge_id, body.factor_id)


@api.post(MFA + "/verify-challenge", policy=access.optional, **ANSWER)
async def answer(app: App, me: Me, body: AnswerBody, origin: Origin) -> LetIn:
    """Answer a challenge by a code of the factor. Five wrong answers end it."""
    return await service.answer(app, me, body, origin)


@api.post(MFA + "/backup-codes/verify", policy=access.optional, **ANSWER)
async def answer_by_backup_code(app: App, me: Me, body: BackupAnswerBody, origin: Origin) -> LetIn:
    """Answer a challenge by a backup code, which is spent. A mail tells the owner."""
    return await service.answer_by_backup_code(app, me, body, origin)


@api.post(PASSKEYS + "/register/begin", policy=access.strong, errors=(401, 403, 409), **ONCE)
async def begin_registration(app: App, me: Me, body: RegistrationBody) -> Ceremony:
    """Begin to register a passkey. Accounts with a password give it, unless a second factor was shown."""
    return await service.begin_registration(app, me, body.password)


@api.post(
    PASSKEYS + "/register/complete",
    policy=access.strong,
    status=201,
    errors=(403, 409, 410),
    max_body=SMALL,
    **ONCE,
)
async def register(app: App, me: Me, body: RegisterPasskeyBody) -> Passkey:
    """Keep the passkey that the device made. A mail tells the owner."""
    return await service.register(app, me, body)


@api.post(PASSKEYS + "/sign-in/begin", policy=access.none, **ONCE)
async def begin_sign_in(app: App, me: Me) -> Ceremony:
    """Begin to sign in by a passkey, of whomever."""
    return await service.begin_sign_in(app, me)


@api.post(PASSKEYS + "/sign-in/complete", policy=access.none, errors=(401, 403), max_body=SMALL, **ONCE)
async def sign_in(app: App, me: Me, body: PasskeyBody, origin: Origin) -> LetIn:
    """Sign in by what the device signed: at level 2, for a passkey shows two factors."""
    return await service.sign_in_by_passkey(app, me, body, origin)


@api.post(PASSKEYS + "/challenge/begin", policy=access.optional, errors=(409, 410), **ONCE)
async def begin_answer(app: App, me: Me, body: PasskeyChallengeBody) -> Ceremony:
    """Begin to answer an open challenge by a passkey of the account."""
    return await service.begin_answer(app, me, body.challenge_id)


@api.post(PASSKEYS + "/challenge/complete", policy=access.optional, max_body=SMALL, **ANSWER)
async def answer_by_passkey(app: App, me: Me, body: PasskeyAnswerBody, origin: Origin) -> LetIn:
    """Answer an open challenge by what the device signed."""
    return await service.answer_by_passkey(app, me, body, origin)
