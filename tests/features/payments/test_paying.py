"""Starting payments, hearing that they succeeded or failed, and looking at them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.payments import handlers, service
from majlis.features.payments.facts import PaymentFailed, PaymentSucceeded
from majlis.features.payments.model import PayingOneself
from majlis.kit import clock, facts
from majlis.kit.db import Hold
from majlis.kit.errors import Forbidden, Invalid, NotFound
from majlis.kit.me import Me
from majlis.vendors.stripe import PaymentsDisabled, StripeRefused, StripeUnavailable
from majlis.vendors.stripe_fake import Fake
from tests.features.payments.paying import (
    FEE,
    PAYMENTS,
    PRICE,
    balanced,
    books,
    hear,
    intent,
    paid,
    post,
    row,
    start,
)
from tests.features.queries import counted
from tests.world import World

HEARD: list[facts.Fact] = []


@facts.on(PaymentSucceeded)
async def _hear_success(tx: Any, fact: PaymentSucceeded) -> None:
    HEARD.append(fact)


@facts.on(PaymentFailed)
async def _hear_failure(tx: Any, fact: PaymentFailed) -> None:
    HEARD.append(fact)


@pytest.fixture(autouse=True)
def heard() -> list[facts.Fact]:
    HEARD.clear()
    return HEARD


# ---- starting


def test_a_payment_begins_with_a_secret_that_only_its_start_tells(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    begun = start(town, amina, karim)
    assert (begun.status, begun.amount, begun.currency) == ("open", PRICE, "EUR")
    (made,) = stripe.books.of("payment_intent")
    assert begun.client_secret == made["client_secret"]
    assert (made["amount"], made["currency"]) == (str(PRICE), "eur") or (
        made["amount"],
        made["currency"],
    ) == (PRICE, "eur")
    assert made["metadata"] == {"payment": str(begun.id)}
    shown = town.get(f"{PAYMENTS}/{begun.id}", amina).json()
    assert (shown["status"], shown["client_secret"]) == ("open", None)
    assert books(town) == {}


def test_every_change_at_stripe_carries_a_key_of_our_rows(town: World, stripe: Fake) -> None:
    begun = start(town, town.person())
    assert list(stripe.keys) == [f"payment-{begun.id}"]


def test_who_presses_twice_pays_once(town: World, stripe: Fake) -> None:
    amina = town.person()
    first, second = start(town, amina), start(town, amina)
    assert (first.id, first.client_secret) == (second.id, second.client_secret)
    assert len(stripe.books.of("payment_intent")) == 1


def test_on_other_terms_the_older_one_can_not_be_paid_any_more(town: World, stripe: Fake) -> None:
    amina = town.person()
    first, second = start(town, amina), start(town, amina, amount=900)
    assert first.id != second.id
    assert [one["status"] for one in stripe.books.of("payment_intent")] == [
        "canceled",
        "requires_payment_method",
    ]
    assert row(town, first.id)["status"] == "canceled"


def test_an_older_one_that_was_paid_stays_paid(town: World, stripe: Fake) -> None:
    amina = town.person()
    first = start(town, amina)
    stripe.do("pay", intent(first))
    second = start(town, amina)  # nothing was heard of it yet
    assert (second.id, second.status, second.client_secret) == (first.id, "succeeded", None)
    third = start(town, amina)  # what is sold twice, its feature decides
    assert third.id != first.id


@pytest.mark.parametrize(
    "terms, field",
    [
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": 10**12}, "amount"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"fee": -1}, "fee"),
        ({"fee": PRICE + 1}, "fee"),
    ],
)
def test_terms_that_cannot_be(town: World, stripe: Fake, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        start(town, town.person(), **terms)
    assert [fault.field for fault in refused.value.fields] == [field]
    assert stripe.asked == []


def test_nobody_pays_themselves(town: World) -> None:
    amina = town.person()
    with pytest.raises(PayingOneself):
        start(town, amina, amina)


def test_without_settings_it_says_so(world: World) -> None:
    with pytest.raises(PaymentsDisabled):
        start(world, world.person())
    answer = world.post(f"{PAYMENTS}/stripe/webhook", content=b"{}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "payments_disabled")


def test_stripe_is_never_asked_inside_a_transaction(town: World, stripe: Fake) -> None:
    amina = town.person()

    async def held() -> None:
        async with Hold(town.app.db):
            await service.start(town.app, amina.me, "test.order", "1", PRICE, "EUR", None, FEE)

    with pytest.raises(RuntimeError, match="outside of transactions"):
        town.go(held())
    assert stripe.asked == []


def test_when_stripe_is_down_the_same_start_goes_on_later(town: World, stripe: Fake) -> None:
    amina = town.person()
    stripe.fault = "down"
    with pytest.raises(StripeUnavailable):
        start(town, amina)
    stripe.fault = None
    begun = start(town, amina)
    assert begun.status == "open"
    assert len(town.sql("SELECT 1 FROM payments")) == 1


def test_an_answer_that_was_lost_makes_no_second_payment(town: World, stripe: Fake) -> None:
    amina = town.person()
    stripe.fault = "lost"
    with pytest.raises(StripeUnavailable):
        start(town, amina)
    stripe.fault = None
    start(town, amina)
    assert len(stripe.books.of("payment_intent")) == 1


def test_what_stripe_refuses_is_over(town: World, stripe: Fake) -> None:
    amina = town.person()
    with pytest.raises(StripeRefused):
        start(town, amina, currency="MGA")
    (only,) = town.sql("SELECT status, failure FROM payments")
    assert only == {"status": "canceled", "failure": "currency_unsupported"}


# ---- hearing of it


def test_a_payment_that_succeeds_is_in_the_books(town: World, stripe: Fake, heard: list[facts.Fact]) -> None:
    amina, karim = town.person(), town.person()
    begun = paid(town, stripe, amina, karim)
    assert row(town, begun.id)["status"] == "succeeded"
    assert books(town) == {
        (f"user:{karim.id}", "EUR"): PRICE - FEE,
        ("platform", "EUR"): FEE,
        ("stripe", "EUR"): -PRICE,
    }
    assert balanced(town, stripe)
    assert heard == [PaymentSucceeded(begun.id, amina.id, "test.order", "order-1")]


def test_what_is_paid_to_nobody_is_the_platforms(town: World, stripe: Fake) -> None:
    paid(town, stripe, town.person())
    assert books(town) == {("platform", "EUR"): PRICE, ("stripe", "EUR"): -PRICE}


def test_a_refusal_by_the_bank_can_be_tried_again(town: World, stripe: Fake, heard: list[facts.Fact]) -> None:
    amina = town.person()
    begun = start(town, amina)
    stripe.do("decline", intent(begun))
    hear(town, stripe)
    assert town.get(f"{PAYMENTS}/{begun.id}", amina).json()["failure"] == "insufficient_funds"
    assert heard == [PaymentFailed(begun.id, amina.id, "test.order", "order-1", False)]
    assert start(town, amina).id == begun.id
    stripe.do("pay", intent(begun))
    hear(town, stripe)
    assert (row(town, begun.id)["status"], row(town, begun.id)["failure"]) == ("succeeded", None)
    assert isinstance(heard[-1], PaymentSucceeded) and len(heard) == 2


def test_a_bank_that_needs_days(town: World, stripe: Fake) -> None:
    begun = start(town, town.person())
    stripe.do("process", intent(begun))
    hear(town, stripe)
    assert row(town, begun.id)["status"] == "processing"
    assert books(town) == {}


def test_canceling_ends_it(town: World, stripe: Fake, heard: list[facts.Fact]) -> None:
    amina = town.person()
    begun = start(town, amina)
    canceled = town.go(service.cancel(town.app, amina.me, begun.id))
    assert canceled.status == "canceled"
    town.drain()
    assert heard == [PaymentFailed(begun.id, amina.id, "test.order", "order-1", True)]


def test_canceling_too_late_tells_that_it_was_paid(town: World, stripe: Fake) -> None:
    amina = town.person()
    begun = start(town, amina)
    stripe.do("pay", intent(begun))
    assert town.go(service.cancel(town.app, amina.me, begun.id)).status == "succeeded"
    assert balanced(town, stripe)


def test_others_cannot_cancel(town: World) -> None:
    amina, karim = town.person(), town.person()
    begun = start(town, amina, karim)
    with pytest.raises(Forbidden):
        town.go(service.cancel(town.app, karim.me, begun.id))
    with pytest.raises(NotFound):
        town.go(service.cancel(town.app, town.person().me, begun.id))


# ---- what was not heard


def test_what_nobody_told_is_asked_for(town: World, stripe: Fake) -> None:
    begun = start(town, town.person())
    stripe.do("pay", intent(begun))
    stripe.take()  # every delivery is lost
    town.go(handlers.reconcile(town.app))
    assert row(town, begun.id)["status"] == "open"  # it is too young
    with clock.shifted(timedelta(minutes=16)):
        town.go(handlers.reconcile(town.app))
    assert row(town, begun.id)["status"] == "succeeded"
    assert balanced(town, stripe)


def test_what_nobody_pays_in_a_week_is_ended(town: World, stripe: Fake) -> None:
    begun = start(town, town.person())
    with clock.shifted(timedelta(days=8)):
        town.go(handlers.reconcile(town.app))
    assert row(town, begun.id)["status"] == "canceled"
    assert stripe.books.get(intent(begun))["status"] == "canceled"


def test_what_stripe_never_heard_of_is_ended(town: World, stripe: Fake) -> None:
    stripe.fault = "down"
    with pytest.raises(StripeUnavailable):
        start(town, town.person())
    with clock.shifted(timedelta(hours=13)):
        town.go(handlers.reconcile(town.app))
    assert [one["status"] for one in town.sql("SELECT status FROM payments")] == ["canceled"]


def test_one_that_stripe_does_not_know_does_not_keep_the_others_waiting(town: World, stripe: Fake) -> None:
    lost, other = start(town, town.person()), start(town, town.person())
    del stripe.books.objects[intent(lost)]
    stripe.do("pay", intent(other))
    stripe.take()
    with clock.shifted(timedelta(days=8)):
        town.go(handlers.reconcile(town.app))
    assert row(town, other.id)["status"] == "succeeded"


def test_a_payment_of_another_amount_is_not_believed(town: World, stripe: Fake) -> None:
    begun = start(town, town.person())
    stripe.books.get(intent(begun))["amount"] = 1
    stripe.do("pay", intent(begun))
    hear(town, stripe)
    assert row(town, begun.id)["status"] == "open"
    assert books(town) == {}


def test_events_of_what_is_not_ours_change_nothing(town: World, stripe: Fake) -> None:
    event = {"id": "evt_x", "object": "event", "type": "payment_intent.succeeded"}
    assert (
        post(town, {**event, "data": {"object": {"id": "pi_x", "object": "payment_intent"}}}).status_code
        == 200
    )
    assert town.drain() == 1
    assert post(
        town, {**event, "id": "evt_y", "data": {"object": {"id": "x", "object": "tax_rate"}}}
    ).is_success
    assert town.drain() == 0


# ---- looking


def test_payer_and_payee_see_a_payment_and_nobody_else(town: World) -> None:
    amina, karim, other = town.person(), town.person(), town.person()
    begun = start(town, amina, karim)
    path = f"{PAYMENTS}/{begun.id}"
    assert [town.get(path, who).status_code for who in (amina, karim, other, None)] == [200, 200, 404, 401]
    assert town.get(f"{PAYMENTS}/{uuid4()}", amina).status_code == 404


def test_one_lists_what_one_paid(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    ids = [str(start(town, amina, karim, f"order-{number}").id) for number in range(5)]
    start(town, town.person(), amina)
    first = town.get(PAYMENTS, amina, params={"limit": 3}).json()
    assert [one["id"] for one in first["data"]] == ids[:1:-1]
    rest = town.get(PAYMENTS, amina, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in rest["data"]] == ids[1::-1]
    assert rest["next_cursor"] is None
    page = town.get(PAYMENTS, amina, params={"offset": 4}).json()
    assert ([one["id"] for one in page["data"]], page["total"]) == ([ids[0]], 5)
    assert town.get(PAYMENTS, amina, params={"cursor": "x"}).status_code == 400
    assert town.get(PAYMENTS, amina, params={"limit": 0}).status_code == 422


def test_balance_and_ledger_are_ones_own(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    begun = paid(town, stripe, amina, karim)
    mine = town.get(f"{PAYMENTS}/balance", karim).json()["data"]
    assert mine == [{"currency": "EUR", "balance": 900, "available": 900}]
    (line,) = town.get(f"{PAYMENTS}/ledger", karim).json()["data"]
    assert (line["cause"], line["source"], line["amount"], line["currency"]) == (
        "payment",
        str(begun.id),
        900,
        "EUR",
    )
    assert town.get(f"{PAYMENTS}/balance", amina).json() == {"data": []}
    assert town.get(f"{PAYMENTS}/ledger", amina).json()["data"] == []


def test_what_is_payable_later_waits(town: World, stripe: Fake) -> None:
    karim = town.person()
    tomorrow = clock.now() + timedelta(days=1)
    paid(town, stripe, town.person(), karim, payable_from=tomorrow)
    path = f"{PAYMENTS}/balance"
    assert town.get(path, karim).json()["data"] == [{"currency": "EUR", "balance": 900, "available": 0}]

    async def then() -> Any:
        async with town.app.db.read() as tx:
            return await service.balances(tx, karim.me, karim.id)

    with clock.shifted(timedelta(days=2)):
        assert town.go(then())[0].available == 900


def test_lists_take_as_many_statements_for_one_as_for_many(town: World, stripe: Fake) -> None:
    amina, karim = town.person(), town.person()
    counts = []
    for number in range(4):
        paid(town, stripe, amina, karim, reference=f"order-{number}")
        for path, who in ((PAYMENTS, amina), (f"{PAYMENTS}/ledger", karim), (f"{PAYMENTS}/balance", karim)):
            with counted(town) as seen:
                assert town.get(path, who).status_code == 200
            counts.append((path, len(seen)))
    assert len(set(counts)) == 3


def test_features_find_their_payments_by_what_they_sold(town: World) -> None:
    amina = town.person()
    begun = start(town, amina)

    async def find(me: Any) -> list[UUID]:
        async with town.app.db.read() as tx:
            return [one.id for one in await service.of_reference(tx, me, "test.order", "order-1")]

    assert town.go(find(Me.system)) == [begun.id]
    with pytest.raises(Forbidden):
        town.go(find(amina.me))
