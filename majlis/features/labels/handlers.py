"""What keeps labels and counts of tags up to date."""

from majlis.app import App
from majlis.features.labels import service
from majlis.features.posts.facts import (
    PostChanged,
    PostDeleted,
    PostHeld,
    PostHidden,
    PostPublished,
    PostRestored,
)
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me

Change = PostPublished | PostChanged | PostDeleted | PostHeld | PostHidden | PostRestored


@facts.on(PostPublished, PostChanged, PostDeleted, PostHeld, PostHidden, PostRestored)
async def follow(tx: Tx, fact: Change) -> None:
    """Label a post as it is now, whichever way it came there."""
    await service.follow(tx, Me.system, fact.post_id)


@facts.every("7 * * * *")
async def sweep(app: App) -> None:
    """Forget the hours that are over, and look after accounts that became private, closed, or open again."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.clear(tx, Me.system)
    async with app.db.fresh() as reading:
        wrong = await service.wrong(reading, Me.system)
    for post_id in wrong:
        async with app.db.tx() as tx:
            await service.follow(tx, Me.system, post_id)
