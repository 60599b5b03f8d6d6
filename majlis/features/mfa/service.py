"""Verbs of second factors: enrol, ask for one, check what is answered. Sessions are not known here.

Whoever changes an account's factors or answers a challenge holds the account first, so that what is done
to one account at once is done one after the other.
"""

import asyncio
import base64
import hmac
import re
import secrets
import unicodedata
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pyotp
import segno

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.mfa import store
from majlis.features.mfa.facts import BackupCodeUsed, MfaDisabled, MfaEnabled
from majlis.features.mfa.model import (
    Asked,
    BackupCodes,
    Challenge,
    ChallengeGone,
    Enrolled,
    MfaOff,
    MfaOn,
    NoChallenge,
    Pending,
    WrongCode,
)
from majlis.kit import clock, crypto, facts, ids
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound, Unavailable
from majlis.kit.me import Me

CHALLENGE_LIFE = timedelta(minutes=5)  # rule 50, as the next three
ATTEMPTS = 5
STEP_S = 30
DRIFT = 1  # steps
CODES = 10  # rule 52
# Ten characters of base32 are 50 bits; 0, 1, 8 and 9 are not among them, which are taken for letters.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SIX_DIGITS = re.compile(r"\d{6}")


async def ask(tx: Tx, me: Me, user_id: UUID, device: dict[str, Any] | None) -> Challenge:
    """A challenge for somebody whose first factor was right: their sign-in waits for the second."""
    now = clock.now()
    challenge = Challenge(uuid4(), await tx.all(store.VERIFIED, user_id))
    expires = now + CHALLENGE_LIFE
    await tx.run(store.OPEN, challenge.challenge_id, user_id, None, None, device, 0, expires, now)
    return challenge


async def confirm_password(app: App, me: Me, password: str) -> None:
    """Raises WrongPassword or NoPassword unless this is the caller's, and RateLimited for who guesses."""
    await app.limiter.attempt("password", str(me.user()))
    await identity.confirm_password(app.db, me, password)


async def show_more(app: App, me: Me, password: str | None) -> None:
    """Whoever adds a way to sign in shows more than an access token, which may be stolen.

    That is the password, where the account has one and no second factor was shown. Raises Invalid without it, and
    what `confirm_password` does.
    """
    if password is not None:
        await confirm_password(app, me, password)
        return
    async with app.db.tx() as tx:
        account = await identity.get(tx, me, me.user())
    if account.has_password and me.aal < 2:
        raise Invalid.field("password", "Give your password.", "required")


async def step_up(tx: Tx, me: Me, challenge_id: UUID | None, factor_id: UUID | None) -> Asked:
    """A challenge that raises the caller's session, or takes the place of an open one, to change the factor.

    What takes the place of another has its time and its wrong answers behind it. Raises NoChallenge, MfaOff,
    NotFound for an unknown factor.
    """
    now, closed = clock.now(), None
    if challenge_id is not None:
        closed = await tx.one(store.CLOSE, challenge_id, now, ATTEMPTS, me.id)
    if me.id is None and closed is None:
        raise NoChallenge()
    user_id = me.id or (closed.user_id if closed else me.user())
    factors = await tx.all(store.VERIFIED, user_id)
    if not factors:
        raise MfaOff()
    chosen = next((factor for factor in factors if factor_id in (None, factor.id)), None)
    if chosen is None:
        raise NotFound("There is no such factor.")
    asked = Asked(uuid4(), chosen.id, closed.expires_at if closed else now + CHALLENGE_LIFE)
    session = me.session if me.id is not None or closed is None else closed.session_id
    device, attempts = (closed.device_info, closed.attempts) if closed else (None, 0)
    await tx.run(
        store.OPEN, asked.challenge_id, user_id, chosen.id, session, device, attempts, asked.expires_at, now
    )
    return asked


async def pending(tx: Reader, me: Me, challenge_id: UUID) -> Pending:
    """A challenge that the caller may answer. Raises ChallengeGone, also for that of another session."""
    found = await tx.one(store.PENDING, challenge_id, clock.now(), ATTEMPTS)
    if found is None or (found.session_id is not None and found.session_id != me.session):
        raise ChallengeGone()
    return found


async def attempt(tx: Tx, me: Me, challenge_id: UUID) -> Pending:
    """Count an answer to a challenge; the transaction must commit though it be wrong. Raises ChallengeGone."""
    found = await tx.one(store.ATTEMPT, challenge_id, clock.now(), ATTEMPTS)
    if found is None:
        raise ChallengeGone()
    return found


async def finish(tx: Tx, me: Me, challenge_id: UUID) -> None:
    """The challenge was answered rightly, and cannot be answered again."""
    await tx.run(store.FINISH, challenge_id)


async def void_challenges(tx: Tx, me: Me, user_id: UUID) -> None:
    """Close what is open of an account, as after a change of its password."""
    await tx.run(store.VOID, user_id)


async def enroll(app: App, tx: Tx, me: Me) -> Enrolled:
    """A new factor, which counts once `confirm` has seen a code of it. Raises MfaOn."""
    account = await identity.hold(tx, me, me.user())
    if account.mfa_enabled:
        raise MfaOn()
    now, factor_id, secret = clock.now(), ids.new(), pyotp.random_base32()
    await tx.run(store.DROP_CODES, await tx.all(store.DROP_FACTORS, account.id, "unverified", now))
    await tx.run(store.ADD_FACTOR, factor_id, account.id, _seal(app, factor_id, secret), now)
    codes = await _make_codes(tx, account.id, factor_id, secret)
    url = pyotp.TOTP(secret).provisioning_uri(name=account.email, issuer_name=app.settings.app_name)
    return Enrolled(factor_id, await asyncio.to_thread(_picture, url), secret, codes, url)


def _picture(url: str) -> str:
    return segno.make_qr(url, error="m").png_data_uri(scale=6)


async def confirm(app: App, tx: Tx, me: Me, factor_id: UUID, code: str) -> None:
    """Make a factor count by its first code. Raises NotFound, MfaOn, WrongCode."""
    account = await identity.hold(tx, me, me.user())
    factor = await tx.one(store.SECRET, factor_id, account.id)
    if factor is None:
        raise NotFound("There is no such factor.")
    if factor.status == "verified" or account.mfa_enabled:
        raise MfaOn()
    if not await _take(app, tx, factor, code):
        raise WrongCode()
    await tx.run(store.CONFIRM, factor.id, clock.now())
    await identity.set_mfa(tx, me, account.id, True)
    await facts.emit(tx, MfaEnabled(account.id))


async def disable(tx: Tx, me: Me, user_id: UUID) -> None:
    """Drop the factors, codes and open challenges (rule 53); the caller has asked for a code. Raises MfaOff."""
    if me.id != user_id:
        me.require_role("admin")
    account = await identity.hold(tx, me, user_id)
    if not account.mfa_enabled:
        raise MfaOff()
    await tx.run(store.DROP_CODES, await tx.all(store.DROP_FACTORS, user_id, None, clock.now()))
    await tx.run(store.VOID, user_id)
    await identity.set_mfa(tx, me, user_id, False)
    await facts.emit(tx, MfaDisabled(user_id))


async def right_code(app: App, tx: Tx, me: Me, user_id: UUID, code: str) -> bool:
    """Whether this is a code of the account's factor, now; each counts once, as do those before it."""
    factor = await tx.one(store.TOTP, user_id)
    return factor is not None and await _take(app, tx, factor, code)


async def right_backup_code(app: App, tx: Tx, me: Me, user_id: UUID, code: str) -> bool:
    """Whether this is an unused backup code of the account; it is spent then."""
    factor = await tx.one(store.TOTP, user_id)
    if factor is None:
        return False
    hashed = _hash(_open(app, factor), code)
    if await tx.one(store.USE_CODE, user_id, factor.id, hashed, clock.now()) is None:
        return False
    await facts.emit(tx, BackupCodeUsed(user_id))
    return True


async def right_answer(app: App, tx: Tx, me: Me, user_id: UUID, code: str) -> bool:
    """Whether this is a code of either kind."""
    if _SIX_DIGITS.fullmatch(_digits(code)):
        return await right_code(app, tx, me, user_id, code)
    return await right_backup_code(app, tx, me, user_id, code)


async def backup_codes(tx: Reader, me: Me) -> BackupCodes:
    """How many of the caller's backup codes are left, without the codes. Raises MfaOff."""
    factor = await tx.one(store.TOTP, me.user())
    if factor is None:
        raise MfaOff()
    codes = await tx.all(store.CODES, factor.id)
    return BackupCodes(len(codes), sum(not code.used for code in codes), codes)


async def new_backup_codes(app: App, tx: Tx, me: Me) -> list[str]:
    """A new set for the caller, which voids the old one. Raises MfaOff."""
    await identity.hold(tx, me, me.user())
    factor = await tx.one(store.TOTP, me.user())
    if factor is None:
        raise MfaOff()
    await tx.run(store.DROP_CODES, [factor.id])
    return await _make_codes(tx, me.user(), factor.id, _open(app, factor))


async def _make_codes(tx: Tx, user_id: UUID, factor_id: UUID, secret: str) -> list[str]:
    """Ten codes. What is kept of them is keyed with the secret of the factor that they stand in for."""
    now, codes = clock.now(), set[str]()
    while len(codes) < CODES:
        codes.add("".join(secrets.choice(ALPHABET) for _ in range(10)))
    rows = [(ids.new(), user_id, factor_id, _hash(secret, code), now) for code in codes]
    await tx.many(store.ADD_CODE, rows)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _hash(secret: str, code: str) -> bytes:
    plain = "".join(letter for letter in code.upper() if letter in ALPHABET)
    return hmac.digest(crypto.derive(secret, "backup-codes"), plain.encode(), "sha256")


async def _take(app: App, tx: Tx, factor: store.Secret, code: str) -> bool:
    """Whether this is the factor's code of about now, and a later one than any that was accepted."""
    given = _digits(code)
    totp = pyotp.TOTP(_open(app, factor))
    now = int(clock.now().timestamp()) // STEP_S
    # All are compared, and a code of two steps counts as the later one.
    steps = range(now - DRIFT, now + DRIFT + 1)
    fits = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given.encode())]
    return bool(fits) and await tx.one(store.TAKE_STEP, factor.id, fits[-1]) is not None


def _digits(code: str) -> str:
    """The code without spaces, its digits as ASCII: some keyboards write them in Persian."""
    plain = (unicodedata.decimal(letter, None) for letter in code if not letter.isspace())
    return "".join("?" if digit is None else str(digit) for digit in plain)


def _seal(app: App, factor_id: UUID, secret: str) -> str:
    return app.sealer.seal(base64.b32decode(secret), _place(factor_id))


def _open(app: App, factor: store.Secret) -> str:
    try:
        return base64.b32encode(app.sealer.open(factor.secret_key, _place(factor.id))).decode()
    except crypto.Unsealable as error:
        # Only a secret key that was lost leads here; the operator can reset the factor.
        raise Unavailable("The second factor cannot be read. Tell the operator.") from error


def _place(factor_id: UUID) -> str:
    return store.SEALED.place(factor_id)
