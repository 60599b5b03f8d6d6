"""Reactions to account changes."""

from majlis.features.identity.facts import AccountSuspended
from majlis.features.profiles import service
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(AccountSuspended)
async def show_or_hide(tx: Tx, fact: AccountSuspended) -> None:
    """Hide a suspended person. Facts may come late and out of order, so the account itself is looked at."""
    await service.show_or_hide(tx, Me.system, fact.user_id)
