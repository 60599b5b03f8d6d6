"""Private keys follow the newest key of this server."""

from majlis.app import App
from majlis.features.admission import store
from majlis.kit import facts, sealed


@facts.every("41 4 * * *")
async def reseal(app: App) -> None:
    """Seal them anew after the server's key was changed."""
    await sealed.reseal(app.db, app.sealer, store.SEALED)
