"""The clearing of rooms."""

from majlis.app import App
from majlis.features.rooms import service
from majlis.kit import facts
from majlis.kit.me import Me


@facts.every("* * * * *")
async def sweep(app: App) -> None:
    """Let go of whom nothing was heard."""
    async with app.db.tx() as tx:
        await service.sweep(tx, Me.system)
