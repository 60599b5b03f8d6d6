"""What follows from Stripe's hints and from refunds, and what is looked at again."""

from datetime import timedelta

from majlis.app import App
from majlis.features.payments import service, store
from majlis.features.payments.facts import PaymentReported, RefundRequested
from majlis.kit import clock, facts, log
from majlis.kit.me import Me
from majlis.vendors.stripe import StripeRefused

logger = log.get("majlis.payments")
SILENT = timedelta(minutes=15)  # after which Stripe is asked without a hint
LOOK_AGAIN = timedelta(hours=1)
UNKNOWN_FOR = timedelta(hours=12)  # Stripe keeps idempotency keys for a day
NOBODY_PAYS = timedelta(days=7)
EVENTS_KEPT = timedelta(days=60)  # Stripe repeats deliveries for three days


@facts.on(PaymentReported)
async def follow(app: App, fact: PaymentReported) -> None:
    """Ask for the payment that changed. Doing it twice changes nothing."""
    await service.sync(app, Me.system, fact.intent)


@facts.on(RefundRequested)
async def give_back(app: App, fact: RefundRequested) -> None:
    """Tell Stripe. Doing it twice gives back once: the key is the same."""
    await service.send_refund(app, Me.system, fact.refund_id)


@facts.every("*/10 * * * *")
async def reconcile(app: App) -> None:
    """Hints get lost: ask for what is in the middle and silent, and end what nobody pays or knows of."""
    if not app.stripe.enabled:
        return
    now = clock.now()
    async with app.db.tx() as tx:
        stuck = await tx.all(store.STUCK, now - SILENT, now - LOOK_AGAIN, now)
        refunds = await tx.all(store.STUCK_REFUNDS, now - SILENT)
    for one in stuck:
        old = one.created_at < now - (UNKNOWN_FOR if one.stripe_id is None else NOBODY_PAYS)
        try:
            if old:
                await service.cancel(app, Me.system, one.id)
            elif one.stripe_id is not None:
                await service.sync(app, Me.system, one.stripe_id)
        except StripeRefused as refused:  # the others are looked at all the same
            logger.error("payment_stuck", payment=one.id, code=refused.code)
    for refund in refunds:
        if refund.sent:
            await service.sync(app, Me.system, refund.stripe_id)
        else:
            await service.send_refund(app, Me.system, refund.id)


@facts.every("17 3 * * *")
async def sweep(app: App) -> None:
    """Forget events that Stripe does not repeat any more."""
    async with app.db.tx() as tx:
        await tx.run(store.SWEEP, clock.now() - EVENTS_KEPT)
