"""What is done for passkeys in the background."""

from majlis.app import App
from majlis.features.passkeys import store
from majlis.kit import clock, facts


@facts.every("43 * * * *")
async def purge(app: App) -> None:
    """Forget ceremonies that took too long."""
    async with app.db.tx() as tx:
        await tx.run(store.PURGE, clock.now())
