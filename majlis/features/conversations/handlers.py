"""What keeps logs short, and what devices learn of one another."""

from datetime import timedelta

from majlis.app import App
from majlis.features.conversations import service
from majlis.features.sessions.facts import SessionsRevoked
from majlis.kit import clock, facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(SessionsRevoked)
async def tell_of_revoked(tx: Tx, fact: SessionsRevoked) -> None:
    """Somebody's other devices learn which of their sessions ended."""
    await service.tell(
        tx, Me.system, [fact.user_id], "session.revoked", {"session_ids": sorted(fact.session_ids)}
    )


@facts.every("51 3 * * *")
async def purge(app: App) -> None:
    """Drop entries of logs that are older than MAJLIS_LOG_DAYS. Whoever was away for longer fetches anew."""
    before = clock.now() - timedelta(days=app.settings.log_days)
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.purge(tx, Me.system, before)
