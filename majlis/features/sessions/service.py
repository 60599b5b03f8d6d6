"""Verbs of sign-in: open, refresh, end sessions, and tell who a token stands for."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.mfa import service as mfa
from majlis.features.mfa.model import Challenge
from majlis.features.passkeys import service as passkeys
from majlis.features.sessions import store
from majlis.features.sessions.facts import SessionsRevoked
from majlis.features.sessions.model import (
    NATIVE,
    Audience,
    BadAccess,
    BadRefresh,
    ForgedAccess,
    NoAddress,
    Session,
    TokenPair,
    check_device,
    ip_or_none,
    issue,
)
from majlis.kit import clock, crypto, facts, ids, limits, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, NotFound
from majlis.kit.me import Me, Origin, Role
from majlis.kit.tokens import BadToken, Expired


async def authenticate(app: App, token: str, audience: Audience = NATIVE) -> Me:
    """Who this access token of a door stands for; no query when it was seen in the last minute. Raises BadAccess."""
    now = clock.now()
    stamp = now.timestamp()
    gate = app.gate
    me = gate.seen.get(token, stamp)
    if me is not None and me.door == audience.door:
        return me
    epoch = gate.seen.epoch
    try:
        claims = gate.signer.verify(token, audience.door)
        session = UUID(claims["sid"])
    except Expired as error:
        raise BadAccess() from error
    except (BadToken, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ForgedAccess() from error
    # The primary, not a replica: a session that was just opened or ended must be seen.
    async with app.db.tx() as tx:
        caller = await tx.last(store.CALLER, session, now)
    if caller is None:
        raise BadAccess()
    until = datetime.fromtimestamp(float(claims["exp"]), UTC)
    me = _me(caller, session, int(claims["aal"]), audience.door, until)
    gate.seen.put(token, me, caller.user_id, stamp, float(claims["exp"]), epoch)
    return me


async def present(app: App, me: Me) -> Me:
    """The caller of a session that goes on, as they are now. Raises BadAccess when it has ended."""
    async with app.db.tx() as tx:
        caller = await tx.last(store.CALLER, me.session, clock.now())
    if caller is None or caller.user_id != me.id:
        raise BadAccess()
    return _me(caller, me.session, me.aal, me.door, me.until)


def _me(caller: store.Caller, session: UUID | None, aal: int, door: str, until: datetime | None) -> Me:
    # A token from before the session was raised stays what it was.
    level, role = min(caller.aal, aal), cast(Role, caller.role)
    return Me(
        caller.user_id,
        session,
        role,
        level,
        caller.mfa_enabled,
        caller.email_verified,
        door=door,
        until=until,
    )


async def sign_in(
    app: App, tx: Tx, me: Me, user_id: UUID, origin: Origin, device: dict[str, Any] | None,
    audience: Audience = NATIVE,
) -> TokenPair | Challenge:  # fmt: skip
    """Sign in somebody whose first factor was right: tokens, or with a second factor set up a challenge for it.

    Every way of signing in by one factor ends here. Raises Deactivated, Invalid or NotFound.
    """
    check_device(device)
    # Held: who turns the second factor on at this moment must end up without a session that did not show it.
    account = await identity.hold(tx, me, user_id)
    if account.suspended_at is not None:
        await identity.refuse_suspended(tx, me, user_id)
    if account.mfa_enabled:
        return await mfa.ask(tx, me, user_id, device)
    return await open_session(app, tx, me, user_id, origin, device, audience=audience)


async def open_session(
    app: App,
    tx: Tx,
    me: Me,
    user_id: UUID,
    origin: Origin,
    device: dict[str, Any] | None,
    *,
    aal: int = 1,
    audience: Audience = NATIVE,
) -> TokenPair:
    """Sign this account in; the caller of this has checked that it may. Raises Deactivated or Invalid."""
    check_device(device)
    account = await identity.get(tx, Me.system, user_id)
    if account.suspended_at is not None:
        await identity.refuse_suspended(tx, me, user_id)
    session, now = ids.new(), clock.now()
    told = await audience.told(tx, user_id)
    pair, access_hash, access_expires = issue(app.gate, audience, user_id, account.email, session, aal, told)
    await tx.run(
        store.OPEN,
        session,
        user_id,
        crypto.digest(pair.refresh_token),
        access_hash,
        access_expires,
        aal,
        device,
        ip_or_none(origin.ip),
        origin.user_agent or None,
        now + audience.refresh_life,
        now,
        audience.door,
    )
    await identity.signed_in(tx, me, user_id)
    return pair


async def refresh(app: App, me: Me, token: str, audience: Audience = NATIVE) -> TokenPair:
    """A new pair for a refresh token of a door, which is spent then; the level of the session stays.

    Raises BadRefresh, and ends the session when the token had been spent before (rule 30); Deactivated;
    RateLimited.
    """
    if audience.signed_refresh:
        try:
            app.gate.refresher.verify(token, audience.door)
        except BadToken as error:
            raise BadRefresh() from error
    digest, now = crypto.digest(token), clock.now()
    async with app.db.tx() as tx:
        session = await tx.one(store.BY_REFRESH, digest, now, audience.door)
        if session is not None:
            if session.suspended:
                await identity.refuse_suspended(tx, me, session.user_id)
            if session.revoked:
                raise BadRefresh()
            # Counted for the session: somebody with many devices must not run out of attempts.
            await spend_attempt(app, "refresh", str(session.id))
            return await _rotate(app, tx, session, audience)
        spent = await tx.one(store.ROTATED, digest)
        if spent is not None:
            owner = await tx.one(store.OWNER, spent)
            if owner is not None:
                await revoke(app, tx, Me.system, owner, only=spent, reason="refresh token shown twice")
    raise BadRefresh()


async def raise_level(app: App, tx: Tx, me: Me, user_id: UUID, session_id: UUID | None) -> TokenPair:
    """New tokens of level 2 for a session whose owner showed a second factor. Raises BadAccess.

    Those from before keep their level, and the refresh token is spent.
    """
    session = await tx.one(store.LIVE, session_id, user_id, clock.now())
    if session is None or session.door:
        raise BadAccess()
    session.aal = 2
    pair = await _rotate(app, tx, session, NATIVE)  # no other door asks for second factors
    forget(app, tx, user_id)
    return pair


async def hold(tx: Tx, me: Me) -> None:
    """Keep the caller's session from ending until the transaction does. Raises BadAccess if it has ended.

    Tokens are remembered for a moment behind that: too long for whoever makes another way in.
    """
    if await tx.one(store.LIVE, me.session, me.user(), clock.now()) is None:
        raise BadAccess()


async def _rotate(app: App, tx: Tx, session: store.Refreshing, audience: Audience) -> TokenPair:
    now = clock.now()
    told = await audience.told(tx, session.user_id)
    pair, access_hash, access_expires = issue(
        app.gate, audience, session.user_id, session.email, session.id, session.aal, told
    )
    await tx.run(store.BLACKLIST, ids.new(), session.refresh_token, session.id, session.expires_at, "rotated")
    await tx.run(
        store.ROTATE,
        session.id,
        crypto.digest(pair.refresh_token),
        access_hash,
        access_expires,
        now + audience.refresh_life,
        session.aal,
        now,
    )
    return pair


async def revoke(
    app: App,
    tx: Tx,
    me: Me,
    user_id: UUID,
    *,
    only: UUID | None = None,
    keep: UUID | None = None,
    door: str | None = None,
    reason: str,
) -> int:
    """End sessions of a user: all, one, all but one, those of a door. Their access tokens stop within two seconds."""
    ended = await tx.all(store.REVOKE, user_id, only, keep, clock.now(), door)
    if ended:
        entries = [entry for session in ended for entry in _blacklisted(session, reason[:100])]
        await tx.many(store.BLACKLIST, entries)
        await facts.emit(tx, SessionsRevoked(user_id, tuple(session.id for session in ended)))
        forget(app, tx, user_id)
    return len(ended)


def _blacklisted(session: store.Ended, reason: str) -> Iterable[tuple[Any, ...]]:
    yield ids.new(), session.access_token_hash, session.id, session.access_expires_at, reason
    yield ids.new(), session.refresh_token, session.id, session.expires_at, reason


async def suspend(
    app: App,
    tx: Tx,
    me: Me,
    email: str,
    suspended: bool,
    *,
    until: datetime | None = None,
    reason: str | None = None,
) -> UUID:
    """Close an account or open it again, and make that count at once. Raises Forbidden or NotFound."""
    user_id = await identity.suspend(tx, me, email, suspended, until=until, reason=reason)
    if suspended:
        await revoke(app, tx, me, user_id, reason="account suspended")
    forget(app, tx, user_id)
    return user_id


async def set_role(app: App, tx: Tx, me: Me, email: str, role: Role) -> UUID:
    """Give an account a role, and make it count at once. Raises Forbidden or NotFound."""
    user_id = await identity.set_role(tx, me, email, role)
    forget(app, tx, user_id)
    return user_id


def forget(app: App, tx: Tx, user_id: UUID) -> None:
    """Once committed, every process looks this user's tokens up anew."""
    tx.after_commit(lambda: app.gate.changed(user_id))


async def logout(app: App, tx: Tx, me: Me, refresh_token: str | None) -> None:
    """End the current session, or the one of the caller's with this refresh token."""
    session = me.session
    if refresh_token is not None:
        session = await tx.one(store.ID_BY_REFRESH, crypto.digest(refresh_token), me.user()) or session
    if session is not None:
        await revoke(app, tx, me, me.user(), only=session, reason="signed out")


async def logout_of_door(app: App, tx: Tx, me: Me, refresh_token: str | None) -> None:
    """End the current session and the one of the caller's with this refresh token; without one all of this door.

    A token of another door, of somebody else or of nobody ends nothing but the current session.
    """
    if refresh_token is None:
        await revoke(app, tx, me, me.user(), door=me.door, reason="signed out")
        return
    named = await tx.one(store.ID_BY_REFRESH, crypto.digest(refresh_token), me.user())
    for session in {named, me.session} - {None}:
        await revoke(app, tx, me, me.user(), only=session, door=me.door, reason="signed out")


async def end(app: App, tx: Tx, me: Me, session: UUID) -> None:
    """End one of the caller's sessions. Raises NotFound."""
    if not await revoke(app, tx, me, me.user(), only=session, reason="ended by the owner"):
        raise NotFound()


async def sessions(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Session]:
    """The caller's live sessions, newest first."""
    now, at, last = clock.now(), None, None
    if paging.cursor:
        at, last = page.decode("sessions", paging.cursor, tuple[datetime, UUID])
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.LIST, me.user(), now, at, last, paging.limit + 1, offset)
    items = [row.shown(current=me.session) for row in rows[: paging.limit]]
    more = len(rows) > paging.limit
    following = page.encode("sessions", items[-1].created_at, items[-1].id) if more else None
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, me.user(), now)
    return page.Page(items, following, total)


async def spend_attempt(app: App, what: str, key: str) -> None:
    """Count an attempt at guessing something. Raises RateLimited after 5 in 15 minutes (rule 60).

    Nobody is signed in yet, so the key is what is guessed at together with the address.
    """
    await app.limiter.attempt(what, key)


async def _may_mail(app: App, what: str, email: str) -> bool:
    """Whether another mail may go to this address, which many places together could flood.

    Nobody is told: whoever owns the address has had several mails by then.
    """
    return (await app.limiter.hit(limits.AUTH, f"mail:{what}:{email.casefold()}")).allowed


async def forgot_password(app: App, me: Me, email: str, origin: Origin) -> None:
    """Mail a reset token if the address is known; the same answer if not (rule 19). Raises Invalid."""
    address = identity.normal_email(email)
    await spend_attempt(app, "forgot", limits.auth_key(address, origin.ip))
    if await _may_mail(app, "reset", address):
        async with app.db.tx() as tx:
            await identity.request_reset(tx, me, address)


async def reset_password(app: App, me: Me, token: str, password: str, origin: Origin) -> None:
    """Set a password by the token from the mail; all sessions end (rule 18). Raises BadToken, Invalid.

    It unlocks the account, and the attempts at it from here count anew. It shows whose the address is: passkeys that
    somebody made before the address was confirmed go, for they may be another's.
    """
    await spend_attempt(app, "reset", limits.auth_key(crypto.digest(token).hex(), origin.ip))
    async with app.db.tx() as tx:
        owner = await identity.reset_owner(tx, me, token)
    hashed = await identity.new_hash(app.db, me, owner, password, "new_password")
    async with app.db.tx() as tx:
        # Looked up again under its lock: hashing took a while, and the token counts once.
        owner = await identity.reset_owner(tx, me, token)
        await identity.set_password(tx, me, owner, hashed)
        account = await identity.get(tx, Me.system, owner)
        if not account.email_verified:
            await passkeys.remove_all(tx, Me.system, owner)
            await identity.confirm_address(tx, me, account)
        await mfa.void_challenges(tx, me, owner)  # they were opened by the former password
        await revoke(app, tx, Me.system, owner, reason="password reset")
    await app.limiter.clear(limits.AUTH, f"login:{limits.auth_key(account.email, origin.ip)}")


async def change_password(app: App, me: Me, current: str, new: str, *, revoke_others: bool) -> None:
    """Change the caller's password. Raises WrongPassword, NoPassword, Invalid or RateLimited."""
    user_id = me.user()
    await spend_attempt(app, "change", str(user_id))
    proven = await identity.confirm_password(app.db, me, current)
    hashed = await identity.new_hash(app.db, me, user_id, new, "new_password")
    async with app.db.tx() as tx:
        await identity.set_password(tx, me, user_id, hashed, instead_of=proven)
        await mfa.void_challenges(tx, me, user_id)
        if revoke_others:
            await revoke(app, tx, me, user_id, keep=me.session, reason="password changed")


async def verify_email(app: App, me: Me, token: str, origin: Origin) -> str:
    """Confirm an address by the token from the mail; returns it. Raises BadToken, AddressChanged."""
    await spend_attempt(app, "verify", limits.auth_key(crypto.digest(token).hex(), origin.ip))
    async with app.db.tx() as tx:
        user_id, address = await identity.verify_email(tx, me, token)
        forget(app, tx, user_id)
    return address


async def resend_verification(app: App, me: Me, email: str | None, origin: Origin) -> None:
    """Mail a fresh confirmation if the address needs one; the same answer if not (rule 19).

    Without an address the caller's is meant. Raises NoAddress or Invalid.
    """
    if email is not None:
        address = identity.normal_email(email)
    elif me.id is not None:
        async with app.db.tx() as tx:  # not from a replica, which may be behind
            address = (await identity.get(tx, me, me.id)).email
    else:
        raise NoAddress(fields=[FieldFault("email", "required", "Give an address, or sign in.")])
    await spend_attempt(app, "resend", limits.auth_key(address, origin.ip))
    if await _may_mail(app, "verify", address):
        async with app.db.tx() as tx:
            await identity.request_verification(tx, me, address)
