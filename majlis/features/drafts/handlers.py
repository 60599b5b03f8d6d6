"""Scheduled posts, and what ends with an account."""

from majlis.app import App
from majlis.features.drafts import service
from majlis.features.drafts.model import Due
from majlis.features.identity.facts import AccountDeleted
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.every("* * * * *")
async def find_due(app: App) -> None:
    """Have each scheduled post published whose time has come, each by a job of its own: one may fail alone."""
    async with app.db.tx() as tx:
        for draft_id in await service.due(tx, Me.system):
            await facts.enqueue(tx, publish, Due(draft_id), key=f"draft:{draft_id}")


@facts.job
async def publish(app: App, due: Due) -> None:
    """Publish a scheduled post, unless it was published, changed or deleted meanwhile."""
    await service.publish_due(app, Me.system, due.draft_id)


@facts.on(AccountDeleted)
async def forget_deleted(tx: Tx, fact: AccountDeleted) -> None:
    """Nobody publishes anything in the name of a deleted account."""
    await service.forget(tx, Me.system, fact.user_id)
