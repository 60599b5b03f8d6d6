"""Subscribing to authors: prices, months that are paid or not, and the end."""

import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from majlis.features.payments.facts import PaymentSucceeded
from majlis.features.payments.model import PayingOneself
from majlis.features.subscriptions import handlers, service
from majlis.features.subscriptions.facts import SubscriptionChanged
from majlis.features.subscriptions.model import NoPrice, Price, Subscribed, Subscription
from majlis.kit import clock, facts
from majlis.kit.errors import Invalid
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import Fake
from tests.features.payments.paying import PAYMENTS, balanced, books, hear, intent, refund
from tests.features.queries import counted
from tests.world import Person, World

SUBSCRIPTIONS = f"{PAYMENTS}/subscriptions"
HEARD: list[facts.Fact] = []


@facts.on(SubscriptionChanged)
async def _hear_change(tx: Any, fact: SubscriptionChanged) -> None:
    HEARD.append(fact)


@facts.on(PaymentSucceeded)
async def _hear_payment(tx: Any, fact: PaymentSucceeded) -> None:
    HEARD.append(fact)


@pytest.fixture(autouse=True)
def heard() -> list[facts.Fact]:
    HEARD.clear()
    return HEARD


def priced(world: World, who: Person, amount: int | None = 500, currency: str = "EUR") -> Price | None:
    async def ask() -> Price | None:
        async with world.app.db.tx() as tx:
            return await service.set_price(tx, who.me, "test.author", amount, currency)

    return world.go(ask())


def subscribe(world: World, who: Person, author: Person, fee_percent: int = 10) -> Subscription:
    return world.go(service.subscribe(world.app, who.me, author.id, "test.author", fee_percent))


def subscribed(world: World, stripe: Fake, who: Person, author: Person) -> tuple[Subscription, str]:
    """A subscription that was paid, and its id at Stripe."""
    begun = subscribe(world, who, author)
    stripe.do("pay", intent(begun))  # type: ignore[arg-type]
    hear(world, stripe)
    (*_, found) = stripe.books.of("subscription")
    return begun, found["id"]


def row(world: World) -> dict[str, Any]:
    return world.sql("SELECT status, ends, period_end FROM subscriptions")[0]


def test_subscribing_begins_with_a_secret_and_lasts_once_it_is_paid(
    town: World, stripe: Fake, heard: list[facts.Fact]
) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    begun = subscribe(town, amina, karim)
    assert (begun.status, begun.amount, begun.currency) == ("incomplete", 500, "EUR")
    stripe.do("pay", intent(begun))  # type: ignore[arg-type]
    hear(town, stripe)
    assert row(town)["status"] == "active"
    assert books(town) == {
        (f"user:{karim.id}", "EUR"): 450,
        ("platform", "EUR"): 50,
        ("stripe", "EUR"): -500,
    }
    assert balanced(town, stripe)
    changes = [fact.status for fact in heard if isinstance(fact, SubscriptionChanged)]
    assert changes == ["incomplete", "active"]
    (success,) = [fact for fact in heard if isinstance(fact, PaymentSucceeded)]
    assert (success.purpose, success.reference) == ("test.author", str(begun.id))


def test_every_change_at_stripe_carries_a_key_of_our_rows(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    price = priced(town, karim)
    assert price is not None
    begun = subscribe(town, amina, karim)
    assert list(stripe.keys) == [f"customer-{amina.id}", f"price-{price.id}", f"subscription-{begun.id}"]


def test_customer_and_price_are_made_once(town: World, stripe: Fake) -> None:
    amina, karim, zohra = town.person(), town.person(), town.person()
    priced(town, karim)
    priced(town, zohra)
    for who, author in ((amina, karim), (amina, zohra), (zohra, karim)):
        subscribe(town, who, author)
    assert (len(stripe.books.of("customer")), len(stripe.books.of("price"))) == (2, 2)


def test_who_presses_twice_subscribes_once(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    first, second = subscribe(town, amina, karim), subscribe(town, amina, karim)
    assert (first.id, first.client_secret) == (second.id, second.client_secret)
    stripe.do("pay", intent(first))  # type: ignore[arg-type]
    with pytest.raises(Subscribed):
        subscribe(town, amina, karim)


def test_each_month_is_in_the_books(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    _, at_stripe = subscribed(town, stripe, amina, karim)
    before = row(town)["period_end"]
    stripe.do("renew", at_stripe)
    hear(town, stripe)
    assert row(town)["period_end"] > before
    assert books(town)[f"user:{karim.id}", "EUR"] == 900
    assert balanced(town, stripe)
    assert len(town.get(PAYMENTS, amina).json()["data"]) == 2


def test_a_month_that_is_not_paid_and_one_that_is_paid_late(
    town: World, stripe: Fake, heard: list[facts.Fact]
) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    _, at_stripe = subscribed(town, stripe, amina, karim)
    stripe.do("lapse", at_stripe)
    hear(town, stripe)
    assert row(town)["status"] == "past_due"
    (*_, late) = stripe.books.of("payment_intent")
    stripe.do("pay", late["id"])
    hear(town, stripe)
    assert row(town)["status"] == "active"
    stripe.do("end", at_stripe)
    hear(town, stripe)
    changes = [fact.status for fact in heard if isinstance(fact, SubscriptionChanged)]
    assert changes == ["incomplete", "active", "past_due", "active", "ended"]
    assert balanced(town, stripe)
    assert subscribe(town, amina, karim).status == "incomplete"  # it can begin anew


def test_it_ends_with_its_period_unless_one_thinks_better_of_it(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    begun, at_stripe = subscribed(town, stripe, amina, karim)
    path = f"{SUBSCRIPTIONS}/{begun.id}"
    for who in (karim, town.person()):
        assert town.delete(path, who).status_code == 404
    for _ in range(2):
        ended = town.delete(path, amina)
        assert (ended.status_code, ended.json()["ends"], ended.json()["status"]) == (200, True, "active")
    assert stripe.books.get(at_stripe)["cancel_at_period_end"] is True
    assert town.post(f"{path}/resume", amina).json()["ends"] is False
    assert town.delete(path, amina).json()["ends"] is True
    assert stripe.books.get(at_stripe)["cancel_at_period_end"] is True
    assert town.delete(f"{SUBSCRIPTIONS}/{uuid4()}", amina).status_code == 404


def test_a_new_price_is_for_those_who_come_then(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    _, at_stripe = subscribed(town, stripe, amina, karim)
    priced(town, karim, 900)
    assert subscribe(town, town.person(), karim).amount == 900
    stripe.do("renew", at_stripe)
    hear(town, stripe)
    assert town.get(SUBSCRIPTIONS, amina).json()["data"][0]["amount"] == 500
    assert books(town)[f"user:{karim.id}", "EUR"] == 900


def test_what_has_no_price_is_not_sold(town: World) -> None:
    amina, karim = town.person(), town.person()
    with pytest.raises(NoPrice):
        subscribe(town, amina, karim)
    priced(town, karim)
    assert priced(town, karim) == priced(town, karim)
    priced(town, karim, None)
    with pytest.raises(NoPrice):
        subscribe(town, amina, karim)
    for amount, currency, field in ((0, "EUR", "amount"), (10**12, "EUR", "amount"), (5, "euro", "currency")):
        with pytest.raises(Invalid) as refused:
            priced(town, karim, amount, currency)
        assert [fault.field for fault in refused.value.fields] == [field]


def test_nobody_subscribes_to_themselves(town: World) -> None:
    karim = town.person()
    priced(town, karim)
    with pytest.raises(PayingOneself):
        subscribe(town, karim, karim)


def test_a_month_can_be_given_back(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    subscribed(town, stripe, amina, karim)
    (payment,) = town.sql("SELECT id FROM payments")
    refund(town, payment["id"], "1")
    town.drain()
    hear(town, stripe)
    assert books(town) == {}
    assert balanced(town, stripe)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_deliveries_ends_alike(town: World, stripe: Fake, seed: int) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    begun = subscribe(town, amina, karim)
    stripe.do("pay", intent(begun))  # type: ignore[arg-type]
    (found,) = stripe.books.of("subscription")
    for deed in ("renew", "lapse"):
        stripe.do(deed, found["id"])
    hear(town, stripe, mixed=random.Random(seed))
    assert row(town)["status"] == "past_due"
    assert books(town)[f"user:{karim.id}", "EUR"] == 900
    assert balanced(town, stripe)


def test_an_older_answer_that_comes_later_undoes_nothing(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    _, at_stripe = subscribed(town, stripe, amina, karim)

    async def late() -> bool:
        async with town.app.db.tx() as tx:
            before = await tx.one(service.store.BY_STRIPE, at_stripe, None)
        assert before is not None
        older = await town.app.stripe.subscription(at_stripe)
        stripe.do("end", at_stripe)
        await service.sync(town.app, Me.system, at_stripe)
        async with town.app.db.tx() as tx:
            return await service._write(tx, before, older)

    assert town.go(late()) is False
    assert row(town)["status"] == "ended"


def test_what_nobody_told_is_asked_for(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    priced(town, karim)
    _, at_stripe = subscribed(town, stripe, amina, karim)
    stripe.do("renew", at_stripe)
    stripe.take()
    with clock.shifted(timedelta(days=31)):
        town.go(handlers.reconcile(town.app))
    assert books(town)[f"user:{karim.id}", "EUR"] == 900


def test_one_lists_ones_own(town: World, stripe: Fake) -> None:
    amina = town.person()
    counts = set()
    for _ in range(3):
        author = town.person()
        priced(town, author)
        subscribe(town, amina, author)
        with counted(town) as seen:
            assert town.get(SUBSCRIPTIONS, amina).status_code == 200
        counts.add(len(seen))
    assert len(counts) == 1
    first = town.get(SUBSCRIPTIONS, amina, params={"limit": 2}).json()
    rest = town.get(SUBSCRIPTIONS, amina, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert len(first["data"]) == 2 and len(rest["data"]) == 1
    assert first["data"][0]["client_secret"] is None
    assert town.get(SUBSCRIPTIONS, town.person()).json()["data"] == []
