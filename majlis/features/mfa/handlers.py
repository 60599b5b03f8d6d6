"""What is done for second factors at night."""

from datetime import timedelta

from majlis.app import App
from majlis.features.mfa import store
from majlis.kit import clock, facts, sealed


@facts.every("41 * * * *")
async def purge(app: App) -> None:
    """Forget challenges that expired a day ago."""
    async with app.db.tx() as tx:
        await tx.run(store.PURGE_CHALLENGES, clock.now() - timedelta(days=1))


@facts.every("47 3 * * *")
async def reseal(app: App) -> None:
    """Seal secrets under the newest key, so that older ones can be dropped from the settings."""
    await sealed.reseal(app.db, app.sealer, store.SEALED)
