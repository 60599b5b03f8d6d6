"""Who was thanked is told; what an ended account leaves behind goes."""

from majlis.features.identity.facts import AccountDeleted
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me
from majlis_thanks.thanks import service
from majlis_thanks.thanks.facts import Thanked


@facts.on(Thanked)
async def tell(tx: Tx, fact: Thanked) -> None:
    """Somebody was thanked. Doing it twice changes nothing."""
    await service.tell(tx, Me.system, fact.thanks_id)


@facts.on(AccountDeleted)
async def forget(tx: Tx, fact: AccountDeleted) -> None:
    """Remove the thanks of a deleted account. Doing it twice changes nothing."""
    await service.forget(tx, Me.system, fact.user_id)
