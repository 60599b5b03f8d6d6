"""What follows from Stripe's hints of subscriptions."""

from majlis.app import App
from majlis.features.payments.facts import SubscriptionReported
from majlis.features.subscriptions import service
from majlis.kit import facts, log
from majlis.kit.me import Me
from majlis.vendors.stripe import StripeRefused

logger = log.get("majlis.subscriptions")


@facts.on(SubscriptionReported)
async def follow(app: App, fact: SubscriptionReported) -> None:
    """Ask for the subscription that changed. Doing it twice changes nothing."""
    await service.sync(app, Me.system, fact.subscription)


@facts.every("3,33 * * * *")
async def reconcile(app: App) -> None:
    """Hints get lost; what should have changed by now is asked for."""
    if not app.stripe.enabled:
        return
    async with app.db.tx() as tx:
        silent = await service.silent(tx, Me.system)
    for subscription in silent:
        try:
            await service.sync(app, Me.system, subscription)
        except StripeRefused as refused:  # the others are looked at all the same
            logger.error("subscription_stuck", subscription=subscription, code=refused.code)
