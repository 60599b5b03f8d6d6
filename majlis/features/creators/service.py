"""Verbs of what authors earn, and of subscribing to them. The ledger is the record; since when one subscribes is kept here."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.creators import store
from majlis.features.creators.model import Dashboard, Earned, Subscribers
from majlis.features.graph import service as graph
from majlis.features.ledger.model import of_user
from majlis.features.payments import service as payments
from majlis.features.paywall.model import AUTHOR
from majlis.features.subscriptions import service as subscriptions
from majlis.features.subscriptions.model import Subscription
from majlis.kit import clock
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me

TOP = 10


async def dashboard(tx: Reader, me: Me, days: int) -> Dashboard:
    """What the caller earned in the last days, in UTC, by what, and who subscribes; four queries."""
    user = me.user()
    since = datetime.combine(clock.now().astimezone(UTC).date() - timedelta(days=days - 1), time.min, UTC)
    earnings = await tx.all(store.EARNINGS, of_user(user), user, since)
    top = await tx.all(store.TOP, of_user(user), user, since, TOP)
    counts = await tx.one(store.SUBSCRIBERS, user, since)
    assert counts is not None
    churn = counts.lost / counts.before if counts.before else 0.0
    sums: dict[str, int] = {}
    for day in earnings:
        sums[day.currency] = sums.get(day.currency, 0) + day.posts + day.subscriptions
    return Dashboard(
        days,
        [Earned(currency, amount) for currency, amount in sorted(sums.items())],
        earnings,
        Subscribers(counts.active, counts.new, counts.ended, churn),
        top,
    )


async def follow(tx: Tx, me: Me, subscription_id: UUID) -> None:
    """Note since when and until when a subscription is one, in whatever order that is told; for the system."""
    me.require_role("admin")
    found = await subscriptions.get(tx, me, subscription_id)
    if found.status in ("active", "past_due"):
        await tx.run(store.BEGAN, found.id, found.payee_id, clock.now())
    elif found.status == "ended":
        await tx.run(store.ENDED, found.id, clock.now())


# ---- subscribing


async def subscribe(app: App, me: Me, author_id: UUID) -> Subscription:
    """Begin to subscribe to an author, whom the caller meets. Raises what `subscriptions.subscribe` does."""
    payments.ready(app, me)
    async with app.db.tx() as tx:
        await graph.visible_person(tx, me, author_id)
    return await subscriptions.subscribe(app, me, author_id, AUTHOR, app.settings.creator_fee_percent)


async def unsubscribe(app: App, me: Me, author_id: UUID) -> Subscription:
    """Let the caller's subscription to an author end with its period. Raises NotFound, StripeUnavailable."""
    payments.ready(app, me)
    async with app.db.tx() as tx:
        mine = await tx.one(store.OPEN_ONE, me.user(), author_id)
    if mine is None:
        raise NotFound()
    return await subscriptions.end(app, me, mine, ends=True)
