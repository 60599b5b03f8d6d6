"""What follows from payments and from deleted posts."""

from uuid import UUID

from majlis.app import App
from majlis.features.payments.facts import PaymentRefunded, PaymentSucceeded, RefundFailed
from majlis.features.paywall import service
from majlis.features.paywall.model import AUTHOR, POST
from majlis.features.posts.facts import PostDeleted
from majlis.kit import facts, ids
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(PaymentSucceeded, PaymentRefunded, RefundFailed)
async def settle(tx: Tx, fact: PaymentSucceeded | PaymentRefunded | RefundFailed) -> None:
    """A post was paid or given back, or a month was given back."""
    if fact.purpose == POST:
        await service.settle(tx, Me.system, ids.parse(fact.reference) or UUID(int=0))
    elif fact.purpose == AUTHOR:
        await service.lapse(tx, Me.system, fact.payment_id, fact.reference)


@facts.on(PostDeleted)
async def forget(tx: Tx, fact: PostDeleted) -> None:
    """What was behind the paywall goes with the post."""
    await service.forget(tx, Me.system, fact.post_id)


@facts.every("41 3 * * *")
async def sweep(app: App) -> None:
    """Files of posts that are gone."""
    await service.sweep(app, Me.system)
