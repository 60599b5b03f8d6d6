"""Reactions to accounts that end, and clearing away."""

from majlis.app import App
from majlis.features.businesses import service
from majlis.features.graph.facts import UserBlocked
from majlis.features.identity.facts import AccountDeleted
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(AccountDeleted)
async def forget_deleted(app: App, fact: AccountDeleted) -> None:
    """A deleted account follows no business any more, in the counters too. Its own are hidden with it."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.forget(tx, Me.system, fact.user_id)


@facts.on(UserBlocked)
async def part_blocked(tx: Tx, fact: UserBlocked) -> None:
    """A block ends what either follows of the other's businesses; it does not come back with an unblock."""
    await service.part(tx, Me.system, fact.blocker_id, fact.blocked_id)


@facts.every("17 3 * * *")
async def forget_views(app: App) -> None:
    """Drop who looked at what on days that are over."""
    await service.forget_views(app, Me.system)
