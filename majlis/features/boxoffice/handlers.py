"""An event that is deleted, or whose host leaves, does not take place."""

from majlis.app import App
from majlis.features.boxoffice import service
from majlis.features.identity.facts import AccountDeleted
from majlis.features.posts.facts import PostDeleted
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(PostDeleted)
async def cancel_deleted(tx: Tx, fact: PostDeleted) -> None:
    """Who bought tickets of a deleted event gets the money back."""
    await service.cancel(tx, Me.system, fact.post_id)


@facts.on(AccountDeleted)
async def cancel_hosts(app: App, fact: AccountDeleted) -> None:
    """Who bought tickets of somebody who left gets the money back."""
    while True:
        async with app.db.tx() as tx:
            sold = await service.open_of(tx, Me.system, fact.user_id)
        for post_id in sold:
            async with app.db.tx() as tx:
                await service.cancel(tx, Me.system, post_id)
        if not sold:
            return
