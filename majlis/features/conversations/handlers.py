"""What keeps logs short."""

from datetime import timedelta

from majlis.app import App
from majlis.features.conversations import service
from majlis.kit import clock, facts
from majlis.kit.me import Me


@facts.every("51 3 * * *")
async def purge(app: App) -> None:
    """Drop entries of logs that are older than MAJLIS_LOG_DAYS. Whoever was away for longer fetches anew."""
    before = clock.now() - timedelta(days=app.settings.log_days)
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.purge(tx, Me.system, before)
