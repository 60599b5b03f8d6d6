"""Verbs of subscriptions: set a price, subscribe, end it, and follow what Stripe says.

Stripe charges by itself; each paid invoice becomes a payment, in the books like any other.
"""

from datetime import timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.payments import service as payments
from majlis.features.subscriptions import store
from majlis.features.subscriptions.facts import SubscriptionChanged
from majlis.features.subscriptions.model import (
    NoPrice,
    Price,
    StillBeginning,
    Subscribed,
    Subscription,
)
from majlis.features.subscriptions.store import Row
from majlis.kit import clock, facts, ids, mirror, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me
from majlis.vendors.stripe import Recurring

SILENT = timedelta(minutes=15)
LOOK_AGAIN = timedelta(hours=6)


async def set_price(tx: Tx, me: Me, purpose: str, amount: int | None, currency: str) -> Price | None:
    """What a month of the caller costs from now on; None sells no more. Those who subscribe keep their price.

    Raises Invalid naming the field.
    """
    if amount is not None:
        payments.check_terms(me, amount, currency, None, 0)
    before = await tx.one(store.PRICE, me.user(), purpose)
    if before is not None and (before.amount, before.currency) == (amount, currency):
        return before
    await tx.run(store.RETIRE_PRICE, me.user(), purpose)
    if amount is None:
        return None
    made = await tx.one(store.ADD_PRICE, ids.new(), me.user(), purpose, amount, currency, clock.now())
    if made is None:  # the same person at the same moment, elsewhere
        raise StillBeginning()
    return made


async def price(tx: Reader, me: Me, payee: UUID, purpose: str) -> Price | None:
    """What a month of somebody costs, or None."""
    return await tx.one(store.PRICE, payee, purpose)


async def subscribe(app: App, me: Me, payee: UUID, purpose: str, fee_percent: int) -> Subscription:
    """A subscription of the caller's, with the secret that pays the first month.

    The same again until that is paid. Raises NoPrice, PayingOneself, Subscribed, StillBeginning, PaymentsDisabled,
    StripeRefused, StripeUnavailable.
    """
    payments.ready(app, me)
    if not 0 <= fee_percent <= 100:
        raise Invalid.field("fee_percent", "A fee is a part of the amount.")
    async with app.db.tx() as tx:
        row = await tx.one(store.OPEN, me.user(), payee, purpose)
        if row is None:
            found = await price(tx, me, payee, purpose)
            if found is None:
                raise NoPrice()
            payments.check_terms(me, found.amount, found.currency, payee, 0)
            await tx.run(store.ADD, ids.new(), me.user(), payee, purpose, found.id, fee_percent, clock.now())
            row = await tx.one(store.OPEN, me.user(), payee, purpose)
    if row is None:
        raise StillBeginning()
    if row.status in ("active", "past_due"):
        raise Subscribed()
    known = await _recurring(app, row)
    async with app.db.tx() as tx:
        await _write(tx, row, known)
        now = await tx.one(store.GET, row.id)
    if now is None or now.status == "ended":
        raise StillBeginning()
    if now.status != "incomplete":
        raise Subscribed()
    return now.shown(known.client_secret)


async def _recurring(app: App, row: Row) -> Recurring:
    """The subscription at Stripe, made if need be, with customer and price."""
    if row.stripe_id is not None:
        return await app.stripe.subscription(row.stripe_id)
    async with app.db.tx() as tx:
        customer = await tx.one(store.CUSTOMER, row.subscriber_id)
        its_price = await tx.one(store.PRICE_AT_STRIPE, row.price_id)
    if customer is None:
        customer = await app.stripe.create_customer(
            f"customer-{row.subscriber_id}", user=str(row.subscriber_id)
        )
    if its_price is None:
        its_price = await app.stripe.create_price(
            f"price-{row.price_id}", row.amount, row.currency, "month", row.purpose
        )
    async with app.db.tx() as tx:
        await tx.run(store.KEEP_CUSTOMER, row.subscriber_id, customer, clock.now())
        await tx.run(store.KEEP_PRICE, row.price_id, its_price)
    return await app.stripe.create_subscription(
        f"subscription-{row.id}", customer=customer, price=its_price, subscription=str(row.id)
    )


async def _write(tx: Tx, row: Row, found: Recurring) -> bool:
    """Write what Stripe says, unless something else was written since the row was read."""
    period_end = found.period_end or row.period_end
    moved = await tx.one(
        store.MOVE, row.id, row.version, found.status, found.ends, period_end, found.id, clock.now()
    )
    if moved is None:
        return False
    for invoice in found.paid:
        if invoice.intent is None or invoice.amount == 0:  # nothing was charged
            continue
        fee = invoice.amount * row.fee_percent // 100
        await payments.record(
            tx, Me.system, invoice.intent, row.subscriber_id, row.payee_id, row.purpose, str(row.id),
            invoice.amount, invoice.currency, fee,
        )  # fmt: skip
    if (found.status, found.ends, period_end) != (row.status, row.ends, row.period_end):
        began = (row.status, found.status) == ("incomplete", "active")
        changed = SubscriptionChanged(
            row.id, row.subscriber_id, row.payee_id, row.purpose, found.status, began
        )
        await facts.emit(tx, changed)
    return True


async def sync(app: App, me: Me, stripe_id: str) -> None:
    """Ask Stripe for a subscription and its invoices, and write what it says; for the system."""
    me.require_role("admin")
    payments.ready(app, me)

    async def known(tx: Tx, found: Recurring | None) -> Row | None:
        ours = ids.parse(found.subscription or "") if found else None
        row = await tx.one(store.BY_STRIPE, stripe_id, ours)
        return row if row is not None and row.stripe_id in (None, stripe_id) else None

    await mirror.settle(app.db, known, lambda: app.stripe.subscription(stripe_id), _write)


async def end(app: App, me: Me, subscription_id: UUID, *, ends: bool) -> Subscription:
    """Let the caller's subscription end with its period, or go on after all. Raises NotFound, StripeUnavailable."""
    payments.ready(app, me)
    async with app.db.tx() as tx:
        row = await _mine(tx, me, subscription_id)
    if row.stripe_id is None or row.status == "ended":
        raise NotFound()
    # Each change of mind is another change to Stripe.
    await app.stripe.end_subscription(f"subscription-{row.id}-{row.version}-{ends}", row.stripe_id, ends=ends)
    await sync(app, Me.system, row.stripe_id)
    async with app.db.tx() as tx:
        return await get(tx, me, subscription_id)


async def _mine(tx: Reader, me: Me, subscription_id: UUID) -> Row:
    row = await tx.one(store.GET, subscription_id)
    if row is None or not (me.is_system or row.subscriber_id == me.user()):
        raise NotFound()
    return row


async def get(tx: Reader, me: Me, subscription_id: UUID) -> Subscription:
    """A subscription of the caller's. Raises NotFound."""
    return (await _mine(tx, me, subscription_id)).shown()


async def subscriptions(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Subscription]:
    """What the caller subscribes or subscribed to, the newest first."""
    lists = (store.MINE, store.MINE_FIRST, store.MINE_TOTAL)
    found = await paged.rows(tx, "subscriptions", lists, me.user(), paging)
    return page.Page([row.shown() for row in found.items], found.next, found.total)


async def silent(tx: Tx, me: Me) -> list[str]:
    """Stripe's ids of those of which more should have been heard, at most a hundred; for the system."""
    me.require_role("admin")
    now = clock.now()
    return await tx.all(store.STUCK, now, now - SILENT, now - LOOK_AGAIN)
