"""Giving back a part or the whole, on our side and on Stripe's pages."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from majlis.features.payments import handlers, service
from majlis.features.payments.facts import PaymentRefunded, RefundFailed
from majlis.features.payments.model import NotPaid, TooMuchBack
from majlis.kit import clock, facts
from majlis.kit.errors import Forbidden, Invalid, NotFound
from majlis.kit.me import Me
from majlis.vendors.stripe import StripeUnavailable
from majlis.vendors.stripe_fake import Fake
from tests.features.payments.paying import (
    FEE,
    PRICE,
    balanced,
    books,
    hear,
    intent,
    paid,
    refund,
    row,
    start,
)
from tests.world import World

HEARD: list[facts.Fact] = []


@facts.on(PaymentRefunded)
async def _hear_refund(tx: Any, fact: PaymentRefunded) -> None:
    HEARD.append(fact)


@facts.on(RefundFailed)
async def _hear_failure(tx: Any, fact: RefundFailed) -> None:
    HEARD.append(fact)


@pytest.fixture(autouse=True)
def heard() -> list[facts.Fact]:
    HEARD.clear()
    return HEARD


def statuses(world: World) -> list[str]:
    return [one["status"] for one in world.sql("SELECT status FROM payment_refunds ORDER BY created_at, id")]


def test_the_whole_comes_back(town: World, stripe: Fake, heard: list[facts.Fact]) -> None:
    amina, karim = town.person(), town.person()
    payment = paid(town, stripe, amina, karim)
    asked = refund(town, payment.id, "all")
    assert (asked.amount, asked.status) == (PRICE, "requested")
    assert books(town) == {}  # it is owed to nobody here from now on
    town.drain()
    hear(town, stripe)
    assert statuses(town) == ["succeeded"]
    assert balanced(town, stripe) and stripe.books.balance["eur"] == 0
    about = (payment.id, asked.id, amina.id, "test.order", "order-1")
    assert heard == [PaymentRefunded(*about, True)]


def test_parts_come_back_with_their_part_of_the_fee(
    town: World, stripe: Fake, heard: list[facts.Fact]
) -> None:
    karim = town.person()
    payment = paid(town, stripe, town.person(), karim, amount=999, fee=100)
    left = []
    for number, amount in enumerate((333, 333, 333)):
        refund(town, payment.id, str(number), amount)
        town.drain()
        hear(town, stripe)
        assert balanced(town, stripe)
        left.append(books(town).get((f"user:{karim.id}", "EUR"), 0))
    assert left == [599, 299, 0]
    assert books(town) == {}
    assert [fact.whole for fact in heard if isinstance(fact, PaymentRefunded)] == [False, False, True]


def test_the_same_key_gives_back_once(town: World, stripe: Fake) -> None:
    payment = paid(town, stripe, town.person(), town.person())
    first, second = refund(town, payment.id, "ticket-1", 300), refund(town, payment.id, "ticket-1", 300)
    assert first == second
    town.drain()
    assert stripe.books.balance["eur"] == PRICE - 300


def test_never_more_than_was_paid(town: World, stripe: Fake) -> None:
    payment = paid(town, stripe, town.person(), town.person())
    refund(town, payment.id, "1", 700)
    for amount in (301, PRICE, 10**15):
        with pytest.raises(TooMuchBack):
            refund(town, payment.id, "2", amount)
    assert refund(town, payment.id, "3").amount == 300
    with pytest.raises(TooMuchBack):
        refund(town, payment.id, "4")
    for amount in (0, -1):
        with pytest.raises(Invalid) as refused:
            refund(town, payment.id, "5", amount)
        assert [fault.field for fault in refused.value.fields] == ["amount"]


def test_only_the_payee_gives_back(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    payment = paid(town, stripe, amina, karim)
    with pytest.raises(Forbidden):
        refund(town, payment.id, "1", 100, me=amina.me)
    for who in (town.person().me, town.person(role="moderator").me):
        with pytest.raises(NotFound):
            refund(town, payment.id, "1", 100, me=who)
    with pytest.raises(NotFound):
        refund(town, uuid4(), "1", 100)
    assert refund(town, payment.id, "1", 100, me=karim.me).status == "requested"


def test_what_was_not_paid_is_not_given_back(town: World) -> None:
    with pytest.raises(NotPaid):
        refund(town, start(town, town.person()).id, "1", 100)


def test_a_refund_that_takes_days(town: World, stripe: Fake, heard: list[facts.Fact]) -> None:
    payment = paid(town, stripe, town.person(), town.person())
    stripe.books.slow_refunds = True
    refund(town, payment.id, "1", 400)
    town.drain()
    hear(town, stripe)
    assert (statuses(town), heard) == (["pending"], [])
    stripe.do("settle", stripe.books.of("refund")[0]["id"])
    stripe.take()  # nobody tells
    with clock.shifted(timedelta(hours=1)):
        town.go(handlers.reconcile(town.app))
    assert statuses(town) == ["succeeded"]
    assert balanced(town, stripe)


@pytest.mark.parametrize("slow", [True, False])
def test_one_that_comes_back_is_the_payees_again(
    town: World, stripe: Fake, heard: list[facts.Fact], slow: bool
) -> None:
    karim = town.person()
    payment = paid(town, stripe, town.person(), karim)
    stripe.books.slow_refunds = slow
    asked = refund(town, payment.id, "1")
    town.drain()
    hear(town, stripe)
    stripe.do("bounce", stripe.books.of("refund")[0]["id"])
    hear(town, stripe)
    assert statuses(town) == ["failed"]
    assert isinstance(heard[-1], RefundFailed) and heard[-1].refund_id == asked.id
    assert books(town)[f"user:{karim.id}", "EUR"] == PRICE - FEE
    assert balanced(town, stripe)
    assert refund(town, payment.id, "2").amount == PRICE  # it can be tried again


def test_one_made_on_stripes_pages_is_in_the_books(
    town: World, stripe: Fake, heard: list[facts.Fact]
) -> None:
    payment = paid(town, stripe, town.person(), town.person())
    stripe.do("give_back", intent(payment), amount=250)
    hear(town, stripe)
    assert (row(town, payment.id)["refunded"], statuses(town)) == (250, ["succeeded"])
    assert balanced(town, stripe)
    assert isinstance(heard[0], PaymentRefunded)


def test_ours_gives_way_to_one_made_on_stripes_pages(town: World, stripe: Fake) -> None:
    """The operator gave back 800 while 600 were about to go."""
    payment = paid(town, stripe, town.person(), town.person())
    refund(town, payment.id, "1", 600)
    stripe.do("give_back", intent(payment), amount=800)
    hear(town, stripe)
    assert sorted(statuses(town)) == ["failed", "succeeded"]
    assert row(town, payment.id)["refunded"] == 800
    assert balanced(town, stripe)


def test_when_stripe_is_down_it_is_sent_later(town: World, stripe: Fake) -> None:
    payment = paid(town, stripe, town.person(), town.person())
    refund(town, payment.id, "1", 600)
    stripe.fault = "down"
    with pytest.raises(StripeUnavailable):
        town.drain()
    assert statuses(town) == ["requested"]
    stripe.fault = None
    with clock.shifted(timedelta(hours=1)):
        town.go(handlers.reconcile(town.app))
    assert statuses(town) == ["succeeded"]
    assert balanced(town, stripe)


def test_after_stripe_forgot_the_key_it_is_still_sent_once(town: World, stripe: Fake) -> None:
    payment = paid(town, stripe, town.person(), town.person())
    asked = refund(town, payment.id, "1", 600)
    town.go(
        town.app.stripe.create_refund(f"refund-{asked.id}", intent(payment), 600, "EUR", refund=str(asked.id))
    )
    stripe.keys.clear()
    town.go(service.send_refund(town.app, Me.system, asked.id))
    assert len(stripe.books.of("refund")) == 1
    assert statuses(town) == ["succeeded"]


def test_refunds_carry_keys_of_our_rows(town: World, stripe: Fake) -> None:
    payment = paid(town, stripe, town.person(), town.person())
    asked = refund(town, payment.id, "1", 600)
    town.drain()
    assert list(stripe.keys) == [f"payment-{payment.id}", f"refund-{asked.id}"]


def test_payer_and_payee_see_the_refunds(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    payment = paid(town, stripe, amina, karim)
    asked = refund(town, payment.id, "1", 600)

    async def see(me: Me) -> list[Any]:
        async with town.app.db.read() as tx:
            return await service.refunds(tx, me, payment.id)

    assert town.go(see(amina.me)) == town.go(see(karim.me)) == [asked]
    with pytest.raises(NotFound):
        town.go(see(town.person().me))
