"""Tokens are renewed before they end, and revoked when nobody needs them."""

from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.connections import service, store
from majlis.features.connections.facts import TokenRetired
from majlis.features.identity.facts import AccountDeleted
from majlis.kit import facts, sealed
from majlis.kit.me import Me


class Renewal(msgspec.Struct):
    """A connection whose tokens are to be renewed."""

    connection_id: UUID


@facts.job  # too, for one that was lost or given up
@facts.on(TokenRetired)
async def revoke(app: App, fact: TokenRetired) -> None:
    """Take it back at the network. Doing it twice changes nothing."""
    with sealed.or_dropped("a token"):
        await service.revoke(app, Me.system, fact.revocation_id)


@facts.on(AccountDeleted)
async def forget(app: App, fact: AccountDeleted) -> None:
    """The account is gone, and with it what it allowed. Doing it twice changes nothing."""
    async with app.db.tx() as tx:
        await service.forget(app, tx, Me.system, fact.user_id)


@facts.job
async def renew(app: App, renewal: Renewal) -> None:
    """Renew the tokens of a connection."""
    with sealed.or_dropped("a token"):
        await service.refresh(app, Me.system, renewal.connection_id)


@facts.every("*/5 * * * *")
async def find_due(app: App) -> None:
    """Have each connection renewed that needs it, by a job of its own: a slow network holds up nobody else."""
    async with app.db.tx() as tx:
        for connection_id in await service.due(tx, Me.system):
            await facts.enqueue(tx, renew, Renewal(connection_id), key=f"connection:{connection_id}")


@facts.every("33 * * * *")
async def tidy(app: App) -> None:
    """Forget attempts that are over, and try revocations anew that did not succeed."""
    async with app.db.tx() as tx:
        for revocation_id in await service.tidy(tx, Me.system):
            await facts.enqueue(tx, revoke, TokenRetired(revocation_id), key=f"revoke:{revocation_id}")


@facts.every("57 3 * * *")
async def reseal(app: App) -> None:
    """Seal tokens under the newest key, so that older ones can be dropped from the settings."""
    for column in (store.VERIFIER, store.ACCESS, store.REFRESH, store.REVOCATION):
        await sealed.reseal(app.db, app.sealer, column)
