"""What keeps the counts of the map."""

from majlis.app import App
from majlis.features.discovery import service
from majlis.kit import facts, log
from majlis.kit.me import Me

logger = log.get("majlis.map")


@facts.every("* * * * *")
async def fold(app: App) -> None:
    """Bring what changed into the squares of the map."""
    while True:
        async with app.db.tx() as tx:
            if not await service.fold(tx, Me.system):
                return


@facts.every("41 3 * * *")
async def mend(app: App) -> None:
    """Count what was missed, such as posts that were restored from a copy without their triggers."""
    async with app.db.tx() as tx:
        wrong = await service.mend(tx, Me.system)
    if wrong:
        logger.warning("the map was wrong", posts=wrong)
