"""Verbs of the second step: confirm or drop a factor, answer a challenge, sign in by a passkey."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from majlis.app import App
from majlis.features.audit import service as audit
from majlis.features.audit.model import Decision
from majlis.features.identity import service as identity
from majlis.features.mfa import service as mfa
from majlis.features.mfa.model import Asked, Enrolled, MfaOff, Pending, WrongCode
from majlis.features.passkeys import service as passkeys
from majlis.features.passkeys.model import BadPasskey, Ceremony, Passkey
from majlis.features.profiles import service as profiles
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import TokenPair, check_device
from majlis.features.signin.model import (
    AnswerBody,
    BackupAnswerBody,
    Confirmed,
    LetIn,
    PasskeyAnswerBody,
    PasskeyBody,
    RegisterPasskeyBody,
)
from majlis.kit import limits
from majlis.kit.db import Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me, Origin

Check = Callable[[Tx, Pending], Awaitable[bool]]
GUESSES = "second factor"  # what the limit of rule 60 counts, per account


async def enroll(app: App, me: Me, password: str | None) -> Enrolled:
    """A new factor for the caller. Raises MfaOn; WrongPassword, NoPassword or RateLimited if one is given."""
    if password is not None:
        await mfa.confirm_password(app, me, password)
    async with app.db.tx() as tx:
        return await mfa.enroll(app, tx, me)


async def confirm(app: App, me: Me, factor_id: UUID, code: str) -> Confirmed:
    """Make a factor count: this session rises to level 2, all others end (rule 47).

    Raises NotFound, MfaOn, WrongCode, RateLimited.
    """
    user_id = me.user()
    await sessions.spend_attempt(app, GUESSES, str(user_id))
    async with app.db.tx() as tx:
        await mfa.confirm(app, tx, me, factor_id, code)
        pair = await sessions.raise_level(app, tx, me, user_id, me.session)
        await sessions.revoke(app, tx, me, user_id, keep=me.session, reason="second factor set up")
    await _forgive(app, user_id)
    return Confirmed(factor_id, "verified", True, pair.access_token, pair.refresh_token, pair.expires_in)


async def disable(app: App, me: Me, code: str, password: str | None) -> None:
    """Drop the caller's second factor (rule 53). Raises MfaOff, WrongCode, WrongPassword, RateLimited."""
    user_id = me.user()
    if password is not None:
        await mfa.confirm_password(app, me, password)
    await sessions.spend_attempt(app, GUESSES, str(user_id))
    async with app.db.tx() as tx:
        if not (await identity.hold(tx, me, user_id)).mfa_enabled:
            raise MfaOff()
        if not await mfa.right_answer(app, tx, me, user_id, code):
            raise WrongCode()
        await mfa.disable(tx, me, user_id)
        sessions.forget(app, tx, user_id)
    await _forgive(app, user_id)


async def step_up(app: App, me: Me, challenge_id: UUID | None, factor_id: UUID | None) -> Asked:
    """A challenge for the caller's session, or in the place of an open one. Raises what `mfa.step_up` does."""
    await sessions.spend_attempt(app, "challenge", str(me.id or challenge_id))
    async with app.db.tx() as tx:
        return await mfa.step_up(tx, me, challenge_id, factor_id)


async def answer(app: App, me: Me, body: AnswerBody, origin: Origin) -> LetIn:
    """Answer a challenge by a code. Raises WrongCode, ChallengeGone, AccountLocked, RateLimited, Deactivated."""

    async def right(tx: Tx, challenge: Pending) -> bool:
        return await mfa.right_code(app, tx, me, challenge.user_id, body.code)

    return await _let_in(app, me, body.challenge_id, body.device_info, origin, right, WrongCode)


async def answer_by_backup_code(app: App, me: Me, body: BackupAnswerBody, origin: Origin) -> LetIn:
    """Answer a challenge by a backup code, which is spent. Raises what `answer` does."""

    async def right(tx: Tx, challenge: Pending) -> bool:
        return await mfa.right_backup_code(app, tx, me, challenge.user_id, body.code)

    return await _let_in(app, me, body.challenge_id, body.device_info, origin, right, WrongCode)


async def answer_by_passkey(app: App, me: Me, body: PasskeyAnswerBody, origin: Origin) -> LetIn:
    """Answer a challenge by a passkey of the account. Raises BadPasskey, else what `answer` does."""

    async def right(tx: Tx, challenge: Pending) -> bool:
        shown = await passkeys.owner(
            app, tx, me, "second_factor", challenge.user_id, body.ceremony_id, body.credential
        )
        return shown == challenge.user_id

    return await _let_in(app, me, body.challenge_id, body.device_info, origin, right, BadPasskey)


async def _let_in(
    app: App,
    me: Me,
    challenge_id: UUID,
    device: dict[str, Any] | None,
    origin: Origin,
    right: Check,
    wrong: type[WrongCode] | type[BadPasskey],
) -> LetIn:
    """Tokens for whoever answers a challenge rightly; a wrong answer counts before it is refused."""
    check_device(device)
    async with app.db.tx() as tx:
        user_id = (await mfa.pending(tx, me, challenge_id)).user_id
    await sessions.spend_attempt(app, GUESSES, str(user_id))
    async with app.db.tx() as tx:
        account = await identity.hold(tx, me, user_id)
        challenge = await mfa.attempt(tx, me, challenge_id)
        await identity.refuse_locked(tx, me, account.email, origin.ip)
        fits = await right(tx, challenge)
        await identity.note_sign_in(tx, me, account.email, origin.ip, worked=fits)
        let_in = None
        if fits:
            await mfa.finish(tx, me, challenge_id)
            pair = await _open_or_raise(app, tx, me, challenge, device, origin)
            let_in = await _account(tx, me, user_id, pair)
    if let_in is None:
        raise wrong()
    await _forgive(app, user_id)
    return let_in


async def _account(tx: Tx, me: Me, user_id: UUID, pair: TokenPair) -> LetIn:
    user = await profiles.get_user(tx, Me(id=user_id), user_id)
    return LetIn(user, pair.access_token, pair.refresh_token, pair.token_type, pair.expires_in)


async def _open_or_raise(
    app: App, tx: Tx, me: Me, challenge: Pending, device: dict[str, Any] | None, origin: Origin
) -> TokenPair:
    if challenge.session_id is not None:
        return await sessions.raise_level(app, tx, me, challenge.user_id, challenge.session_id)
    if device is None:
        device = challenge.device()
    return await sessions.open_session(app, tx, me, challenge.user_id, origin, device, aal=2)


async def _forgive(app: App, user_id: UUID) -> None:
    """The right answer clears the count of wrong ones."""
    await app.limiter.clear(limits.AUTH, f"{GUESSES}:{user_id}")


async def begin_registration(app: App, me: Me, password: str | None) -> Ceremony:
    """What the caller's device is to make a passkey from.

    A passkey signs in by itself. Raises what `mfa.show_more` does, and TooManyPasskeys.
    """
    await mfa.show_more(app, me, password)
    async with app.db.tx() as tx:
        return await passkeys.begin_registration(app, tx, me)


async def register(app: App, me: Me, body: RegisterPasskeyBody) -> Passkey:
    """Keep the passkey that the caller's device made. Raises BadAccess, and what `passkeys.register` does."""
    async with app.db.tx() as tx:
        await identity.hold(tx, me, me.user())
        await sessions.hold(tx, me)
        return await passkeys.register(app, tx, me, body.ceremony_id, body.credential, body.name)


async def begin_sign_in(app: App, me: Me) -> Ceremony:
    """What any passkey may sign to sign in."""
    async with app.db.tx() as tx:
        return await passkeys.begin(app, tx, me, "sign_in", None)


async def begin_answer(app: App, me: Me, challenge_id: UUID) -> Ceremony:
    """What a passkey is to sign to answer an open challenge. Raises ChallengeGone or NoPasskey."""
    async with app.db.tx() as tx:
        challenge = await mfa.pending(tx, me, challenge_id)
        return await passkeys.begin(app, tx, me, "second_factor", challenge.user_id)


async def sign_in_by_passkey(app: App, me: Me, body: PasskeyBody, origin: Origin) -> LetIn:
    """Sign in by a passkey alone, which shows two factors. Raises BadPasskey, Deactivated, Invalid."""
    check_device(body.device_info)
    async with app.db.tx() as tx:
        user_id = await passkeys.owner(app, tx, me, "sign_in", None, body.ceremony_id, body.credential)
        let_in = None
        if user_id is not None:
            pair = await sessions.open_session(app, tx, me, user_id, origin, body.device_info, aal=2)
            let_in = await _account(tx, me, user_id, pair)
    if let_in is None:
        raise BadPasskey()
    return let_in


async def reset_factors(app: App, tx: Tx, me: Me, email: str, *, passkeys_too: bool) -> list[str]:
    """For operators: drop the second factor of somebody who lost it, and end their sessions.

    Returns what was dropped, in words. Raises Forbidden or NotFound.
    """
    me.require_role("admin")
    account = await identity.find(tx, me, email)
    if account is None:
        raise NotFound(f"There is no account {email}.")
    dropped = []
    if account.mfa_enabled:
        await mfa.disable(tx, me, account.id)
        dropped.append("second factor")
    if passkeys_too and (count := await passkeys.remove_all(tx, me, account.id)):
        dropped.append(f"{count} passkeys")
    await sessions.revoke(app, tx, me, account.id, reason="second factor reset")
    sessions.forget(app, tx, account.id)
    await audit.record(
        tx,
        me,
        Decision(
            action="reset_factors",
            kind="user",
            reason="The owner lost them.",
            target_id=account.id,
            person_id=account.id,
            data={"dropped": dropped},
        ),
    )
    return dropped
