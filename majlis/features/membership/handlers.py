"""What becomes of workspaces when accounts go, and of deleted ones when their time is over."""

from majlis.app import App
from majlis.features.identity.facts import AccountDeleted
from majlis.features.membership import service
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(AccountDeleted)
async def forget(tx: Tx, fact: AccountDeleted) -> None:
    """Take who left for good out of all workspaces."""
    await service.forget(tx, Me.system, fact.user_id)


@facts.every("23 3 * * *")
async def purge(app: App) -> None:
    """Drop deleted workspaces whose time is over."""
    await service.purge(app, Me.system)
