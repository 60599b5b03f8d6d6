"""Reactions to accounts that end."""

from majlis.app import App
from majlis.features.graph import service
from majlis.features.identity.facts import AccountDeleted
from majlis.kit import facts
from majlis.kit.me import Me


@facts.on(AccountDeleted)
async def forget_deleted(app: App, fact: AccountDeleted) -> None:
    """Nobody follows or is followed by a deleted account any more, in the counters too."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.forget(tx, Me.system, fact.user_id)
