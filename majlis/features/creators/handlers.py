"""What follows from subscriptions."""

from majlis.features.creators import service
from majlis.features.paywall.model import AUTHOR
from majlis.features.subscriptions.facts import SubscriptionChanged
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(SubscriptionChanged)
async def follow(tx: Tx, fact: SubscriptionChanged) -> None:
    """Somebody subscribes to an author, or no longer."""
    if fact.purpose == AUTHOR:
        await service.follow(tx, Me.system, fact.subscription_id)
