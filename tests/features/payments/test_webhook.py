"""Stripe's webhook: who may speak, what comes again, and in whatever order."""

import random
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from majlis.features.payments import handlers, service
from majlis.kit import clock
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import SECRETS, Fake, signed
from tests.features.payments.paying import (
    WEBHOOK,
    balanced,
    books,
    intent,
    post,
    refund,
    row,
    start,
    told,
)
from tests.world import World

FOLLOW = "payments.handlers.follow:PaymentReported"


def success(world: World, stripe: Fake) -> tuple[Any, dict[str, Any]]:
    """A payment that was paid, and the event that tells of it."""
    begun = start(world, world.person(), world.person())
    stripe.do("pay", intent(begun))
    return begun, next(one for one in stripe.take() if one["type"] == "payment_intent.succeeded")


def test_what_stripe_signed_is_taken_in(town: World, stripe: Fake) -> None:
    begun, event = success(town, stripe)
    answer = post(town, event)
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert told(town, FOLLOW) == [{"intent": intent(begun)}]
    town.drain()
    assert row(town, begun.id)["status"] == "succeeded"


@pytest.mark.parametrize("secret", SECRETS)
def test_while_a_secret_changes_both_count(town: World, stripe: Fake, secret: str) -> None:
    _, event = success(town, stripe)
    assert post(town, event, secret=secret).status_code == 200


@pytest.mark.parametrize("age", [301, 3600, 10**6])
def test_an_old_signature_is_none(town: World, stripe: Fake, age: int) -> None:
    _, event = success(town, stripe)
    answer = post(town, event, at=int(time.time()) - age)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_signature")
    assert told(town, FOLLOW) == []


def test_five_minutes_are_not_old(town: World, stripe: Fake) -> None:
    _, event = success(town, stripe)
    assert post(town, event, at=int(time.time()) - 240).status_code == 200


def test_a_body_that_nobody_signed(town: World, stripe: Fake) -> None:
    _, event = success(town, stripe)
    body, headers = signed(event)
    forged = [
        (body + b" ", headers),
        (body, {}),
        (body, {"Stripe-Signature": ""}),
        (body, {"Stripe-Signature": "t=1"}),
        (body, {"Stripe-Signature": "t=x,v1=y"}),
        (body, {"Stripe-Signature": headers["Stripe-Signature"].replace("v1=", "v0=")}),
        (b"\xff\xfe", headers),
        (body, signed(event, secret="whsec_another")[1]),
    ]
    for data, head in forged:
        answer = town.post(WEBHOOK, content=data, headers=head)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_signature")
    assert town.sql("SELECT 1 FROM stripe_events") == []


@pytest.mark.parametrize("event", [[], {"id": 1}, {"type": "x"}, {"id": "e", "type": "x", "data": 5}])
def test_what_is_signed_and_no_event(town: World, event: Any) -> None:
    answer = post(town, event)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_event")


def test_a_body_is_not_endless(town: World) -> None:
    assert town.post(WEBHOOK, content=b" " * (1024 * 1024 + 1)).status_code == 413


def test_a_delivery_that_comes_again_changes_nothing(town: World, stripe: Fake) -> None:
    _, event = success(town, stripe)
    assert [post(town, event).status_code for _ in range(3)] == [200] * 3
    assert len(told(town, FOLLOW)) == 1
    town.drain()
    assert balanced(town, stripe)


@pytest.mark.settings(rate_limits="on")
def test_stripe_may_tell_as_much_as_it_likes(town: World, stripe: Fake) -> None:
    _, event = success(town, stripe)
    body, headers = signed(event)
    found = {town.post(WEBHOOK, content=body, headers=headers).status_code for _ in range(130)}
    assert found == {200}


def test_the_body_is_a_hint_and_not_believed(town: World, stripe: Fake) -> None:
    begun = start(town, town.person(), town.person())
    event = next(one for one in stripe.take() if one["type"] == "payment_intent.created")
    event["type"] = "payment_intent.succeeded"
    event["data"]["object"]["status"] = "succeeded"
    post(town, event)
    town.drain()
    assert row(town, begun.id)["status"] == "open"
    assert books(town) == {}


def test_old_events_are_forgotten(town: World, stripe: Fake) -> None:
    success_event = success(town, stripe)[1]
    post(town, success_event)
    town.go(handlers.sweep(town.app))
    assert len(town.sql("SELECT 1 FROM stripe_events")) == 1
    with clock.shifted(timedelta(days=61)):
        town.go(handlers.sweep(town.app))
    assert town.sql("SELECT 1 FROM stripe_events") == []


# ---- any order


def evening(world: World, stripe: Fake) -> list[dict[str, Any]]:
    """The events of payments that are paid, refused, given back in parts, bounced and dropped."""
    karim = world.person()
    one, two, three, four = (start(world, world.person(), karim, f"order-{number}") for number in range(4))
    stripe.do("decline", intent(one))
    for begun in (one, two, three):
        stripe.do("pay", intent(begun))
    events = stripe.take()
    for event in events[-3:]:
        post(world, event)
    world.drain()
    for begun in (one, two):
        world.go(_sync(world, begun))
    refund(world, one.id, "a", 333)
    refund(world, one.id, "b", 667)
    refund(world, two.id, "c", 500)
    world.drain()
    stripe.do("give_back", intent(two), amount=123)
    (bounced, *_) = [each for each in stripe.books.of("refund") if each["payment_intent"] == intent(two)]
    stripe.do("bounce", bounced["id"])
    stripe.do("decline", intent(four))
    return events + stripe.take()


async def _sync(world: World, begun: Any) -> None:
    await service.sync(world.app, Me.system, intent(begun))


def ending(world: World) -> tuple[Any, ...]:
    """Where everything is: books by role, and what became of payments and refunds."""
    accounts = sorted(
        (name.partition(":")[0], currency, amount) for (name, currency), amount in books(world).items()
    )
    payments = world.sql("SELECT reference, status, refunded, fee_refunded FROM payments ORDER BY reference")
    refunds = world.sql("SELECT amount, fee, status FROM payment_refunds ORDER BY amount, fee")
    return accounts, payments, refunds


def played(world: World, stripe: Fake, events: list[dict[str, Any]]) -> None:
    for event in events:
        assert post(world, event).status_code == 200
        world.drain()


def about(event: dict[str, Any]) -> str:
    """The PaymentIntent that an event is about."""
    found = event["data"]["object"]
    told_of: str = found.get("payment_intent") or found["id"]
    return told_of


def disordered(events: list[dict[str, Any]], mixed: random.Random) -> list[dict[str, Any]]:
    """Some of the events, some of them twice, in any order; of each payment at least one."""
    kept = {about(event): event["id"] for event in mixed.sample(events, len(events))}
    share = mixed.random()
    some = [event for event in events if mixed.random() < share or event["id"] == kept[about(event)]]
    some += mixed.sample(some, mixed.randint(0, len(some)))
    mixed.shuffle(some)
    return some


def test_any_order_of_any_events_some_twice_ends_in_the_same_books(town: World, stripe: Fake) -> None:
    connection = town.app.db.pool._connection  # type: ignore[attr-defined]

    def ended(mixed: random.Random | None) -> tuple[Any, ...]:
        town.go(connection.execute("SAVEPOINT evening"))
        stripe.books.objects.clear()
        stripe.books.balance.clear()
        events = evening(town, stripe)
        played(town, stripe, events if mixed is None else disordered(events, mixed))
        assert balanced(town, stripe)
        found = ending(town)
        town.go(connection.execute("ROLLBACK TO SAVEPOINT evening"))
        return found

    in_order = ended(None)
    assert len(in_order[0]) == 3 and [one["status"] for one in in_order[1]] == ["succeeded"] * 3 + ["failed"]

    @settings(max_examples=10, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(seed=st.integers(0, 2**32))
    def holds(seed: int) -> None:
        assert ended(random.Random(seed)) == in_order

    holds()


def test_control_events_that_are_believed_end_elsewhere(
    town: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes the status out of the event, and lets payments go back, is led astray by the order."""
    begun = start(town, town.person(), town.person())
    stripe.do("decline", intent(begun))
    failed = stripe.take()[-1]
    stripe.do("pay", intent(begun))
    (*_, paid_event) = stripe.take()

    async def believed(app: Any, me: Me, intent_id: str) -> None:
        status = {"requires_payment_method": "failed"}.get(snapshot["status"], snapshot["status"])
        async with app.db.tx() as tx:
            held = await service._held(tx, begun.id)
            await service._move(tx, held, status, intent_id, None)

    monkeypatch.setattr(service, "sync", believed)
    monkeypatch.setattr(service, "RANK", dict.fromkeys(service.RANK, 0))
    for event in (paid_event, failed):
        snapshot = event["data"]["object"]
        played(town, stripe, [event])
    assert row(town, begun.id)["status"] == "failed"  # although the money is there
