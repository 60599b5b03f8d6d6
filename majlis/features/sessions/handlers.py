"""Reactions to account changes, and the clearing of old sessions."""

from datetime import timedelta

from majlis.app import App
from majlis.features.identity.facts import AccountSuspended, EmailVerified, RoleChanged
from majlis.features.sessions import service, store
from majlis.features.sessions.facts import SessionsRevoked
from majlis.kit import clock, facts
from majlis.kit.me import Me


@facts.on(SessionsRevoked)
async def forget_revoked(app: App, fact: SessionsRevoked) -> None:
    """Say once more that tokens ended: the process that ended them may have died before it could."""
    app.gate.changed(fact.user_id)


@facts.on(AccountSuspended)
async def close_suspended(app: App, fact: AccountSuspended) -> None:
    """End every session of a suspended account."""
    async with app.db.tx() as tx:
        if fact.suspended:
            await service.revoke(app, tx, Me.system, fact.user_id, reason="account suspended")
        service.forget(app, tx, fact.user_id)


@facts.on(RoleChanged)
async def look_up_role(app: App, fact: RoleChanged) -> None:
    """Make the new role count at once."""
    app.gate.changed(fact.user_id)


@facts.on(EmailVerified)
async def look_up_verified(app: App, fact: EmailVerified) -> None:
    """Make the confirmation count at once."""
    app.gate.changed(fact.user_id)


@facts.every("23 3 * * *")
async def purge(app: App) -> None:
    """Forget tokens that expired, and sessions that ended a month ago."""
    now = clock.now()
    async with app.db.tx() as tx:
        await tx.run(store.PURGE_BLACKLIST, now)
        await tx.run(store.PURGE_SESSIONS, now - timedelta(days=30))
