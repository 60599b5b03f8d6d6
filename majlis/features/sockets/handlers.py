"""The clearing of old tickets."""

from majlis.app import App
from majlis.features.sockets import service
from majlis.kit import clock, facts
from majlis.kit.me import Me


@facts.every("41 3 * * *")
async def purge(app: App) -> None:
    """Forget what is of no use any more."""
    async with app.db.tx() as tx:
        await service.purge(tx, Me.system, clock.now())
