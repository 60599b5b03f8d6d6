"""Verbs of sign-in: open, refresh, end sessions, and tell who a token stands for."""

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, cast
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.identity.model import Deactivated
from majlis.features.sessions import store
from majlis.features.sessions.facts import SessionsRevoked
from majlis.features.sessions.model import BadAccess, BadRefresh, NoAddress, Session, TokenPair
from majlis.kit import clock, crypto, facts, ids, limits, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, NotFound
from majlis.kit.me import Me, Origin, Role
from majlis.kit.tokens import BadToken

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=7)


async def authenticate(app: App, token: str) -> Me:
    """Who this access token stands for; no query when it was seen in the last minute. Raises BadAccess."""
    now = clock.now()
    stamp = now.timestamp()
    gate = app.gate
    me = gate.seen.get(token, stamp)
    if me is not None:
        return me
    try:
        claims = gate.signer.verify(token)
        session = UUID(claims["sid"])
    except (BadToken, KeyError, ValueError, TypeError) as error:
        raise BadAccess() from error
    # The primary, not a replica: a session that was just opened or ended must be seen.
    async with app.db.tx() as tx:
        caller = await tx.last(store.CALLER, session, now)
    if caller is None:
        raise BadAccess()
    me = Me(
        id=caller.user_id,
        session=session,
        role=cast(Role, caller.role),
        aal=caller.aal,
        mfa=caller.mfa_enabled,
        verified=caller.email_verified,
    )
    gate.seen.put(token, me, caller.user_id, stamp, float(claims["exp"]))
    return me


def _sign(app: App, user_id: UUID, email: str, session: UUID, aal: int) -> tuple[TokenPair, bytes, Any]:
    now = clock.now()
    expires = now + ACCESS_LIFE
    # The address is in the token for older clients only; nothing is ever decided by it.
    claims = {"user_id": str(user_id), "email": email, "aal": aal, "sid": str(session)}
    access = app.gate.signer.sign(claims, now, expires)
    pair = TokenPair(access, crypto.token(), "Bearer", int(ACCESS_LIFE.total_seconds()))
    return pair, crypto.digest(access), expires


async def open_session(
    app: App, tx: Tx, me: Me, user_id: UUID, origin: Origin, device: dict[str, Any] | None, *, aal: int = 1
) -> TokenPair:
    """Sign this account in; the caller of this has checked that it may. Raises Deactivated."""
    account = await identity.get(tx, Me.system, user_id)
    if account.suspended_at is not None:
        raise Deactivated()
    session, now = ids.new(), clock.now()
    pair, access_hash, access_expires = _sign(app, user_id, account.email, session, aal)
    await tx.run(
        store.OPEN,
        session,
        user_id,
        crypto.digest(pair.refresh_token),
        access_hash,
        access_expires,
        aal,
        device,
        _address(origin.ip),
        origin.user_agent,
        now + REFRESH_LIFE,
        now,
    )
    await identity.signed_in(tx, me, user_id)
    return pair


def _address(ip: str) -> Any:
    try:
        return ip_address(ip)
    except ValueError:
        return None


async def refresh(app: App, me: Me, token: str) -> TokenPair:
    """A new pair for a refresh token, which is spent then; the level of the session stays.

    Raises BadRefresh, and ends the session when the token had been spent before (rule 30); Deactivated.
    """
    digest, now = crypto.digest(token), clock.now()
    async with app.db.tx() as tx:
        session = await tx.one(store.BY_REFRESH, digest, now)
        if session is not None:
            if session.suspended:
                raise Deactivated()
            await spend_attempt(app, "refresh", str(session.user_id))
            pair, access_hash, access_expires = _sign(app, session.user_id, session.email, session.id, session.aal)
            expires = now + REFRESH_LIFE
            await tx.run(store.BLACKLIST, ids.new(), digest, session.id, expires, "rotated")
            await tx.run(
                store.ROTATE, session.id, crypto.digest(pair.refresh_token), access_hash, access_expires, expires, now
            )
            return pair
        spent = await tx.one(store.ROTATED, digest)
        if spent is not None:
            owner = await tx.one(store.OWNER, spent)
            if owner is not None:
                await revoke(app, tx, Me.system, owner, only=spent, reason="refresh token shown twice")
    raise BadRefresh()


async def revoke(
    app: App, tx: Tx, me: Me, user_id: UUID, *, only: UUID | None = None, keep: UUID | None = None, reason: str
) -> int:
    """End sessions of a user: all, one, or all but one. Their access tokens stop within two seconds."""
    ended = await tx.all(store.REVOKE, user_id, only, keep, clock.now())
    for session in ended:
        await tx.run(
            store.BLACKLIST, ids.new(), session.access_token_hash, session.id, session.access_expires_at, reason[:100]
        )
    if ended:
        await facts.emit(tx, SessionsRevoked(user_id, tuple(session.id for session in ended)))
        forget(app, tx, user_id)
    return len(ended)


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
    items = [
        Session(
            row.id,
            msgspec.json.decode(row.device_info) if row.device_info else None,
            str(row.ip_address).partition("/")[0] if row.ip_address else None,
            row.user_agent,
            row.expires_at,
            row.created_at,
            row.updated_at,
            row.id == me.session,
        )
        for row in rows[: paging.limit]
    ]
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
    verdict = await app.limiter.hit(limits.AUTH, f"{what}:{key}")
    if not verdict.allowed:
        raise app.limiter.refuse(verdict)


async def forgot_password(app: App, me: Me, email: str, origin: Origin) -> None:
    """Mail a reset token if the address is known; the same answer if not (rule 19)."""
    address = identity.normal_email(email)
    await spend_attempt(app, "forgot", limits.auth_key(address, origin.ip))
    async with app.db.tx() as tx:
        account = await identity.find(tx, me, address)
        if account is not None:
            await identity.request_reset(tx, me, account.id)


async def reset_password(app: App, me: Me, token: str, password: str, origin: Origin) -> None:
    """Set a password by the token from the mail; all sessions end (rule 18). Raises BadToken, Invalid."""
    await spend_attempt(app, "reset", limits.auth_key(crypto.digest(token).hex(), origin.ip))
    async with app.db.tx() as tx:
        owner = await identity.reset_owner(tx, me, token)
    hashed = await identity.new_hash(app.db, me, owner, password, "new_password")
    async with app.db.tx() as tx:
        # Looked up again under its lock: hashing took a while, and the token counts once.
        owner = await identity.reset_owner(tx, me, token)
        await identity.set_password(tx, me, owner, hashed)
        await revoke(app, tx, Me.system, owner, reason="password reset")


async def change_password(app: App, me: Me, current: str, new: str, *, revoke_others: bool) -> None:
    """Change the caller's password. Raises WrongPassword, NoPassword, Invalid."""
    user_id = me.user()
    await spend_attempt(app, "change", str(user_id))
    await identity.confirm_password(app.db, me, current)
    hashed = await identity.new_hash(app.db, me, user_id, new, "new_password")
    async with app.db.tx() as tx:
        await identity.set_password(tx, me, user_id, hashed)
        if revoke_others:
            await revoke(app, tx, me, user_id, keep=me.session, reason="password changed")


async def verify_email(app: App, me: Me, token: str, origin: Origin) -> str:
    """Confirm an address by the token from the mail. Raises BadToken, AddressChanged."""
    await spend_attempt(app, "verify", limits.auth_key(crypto.digest(token).hex(), origin.ip))
    async with app.db.tx() as tx:
        return await identity.verify_email(tx, me, token)


async def resend_verification(app: App, me: Me, email: str | None, origin: Origin) -> None:
    """Mail a fresh confirmation if the address needs one; the same answer if not. Raises NoAddress."""
    if email is None and me.id is None:
        raise NoAddress(fields=[FieldFault("email", "required", "Give an address, or sign in.")])
    address = None if email is None else identity.normal_email(email)
    await spend_attempt(app, "resend", limits.auth_key(address or str(me.id), origin.ip))
    async with app.db.tx() as tx:
        account = await (identity.find(tx, me, address) if address else identity.get(tx, me, me.user()))
        if account is not None and not account.email_verified:
            await identity.request_verification(tx, me, account.id)
