"""Days are counted when they are over, without those who are erased before."""

from majlis.app import App
from majlis.features.analytics import service
from majlis.features.identity.facts import AccountErased
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.every("23 * * * *")
async def count(app: App) -> None:
    """Every hour: count the days that are over, one after the other, so that none is left out."""
    async with app.db.fresh() as reading:
        days = await service.due(reading, Me.system)
    for day in days:
        async with app.db.tx() as tx:
            await service.count(tx, Me.system, day)


@facts.on(AccountErased)
async def forget(tx: Tx, fact: AccountErased) -> None:
    """Of who is gone for good nothing is kept."""
    await service.erase(tx, Me.system, fact.user_id)
