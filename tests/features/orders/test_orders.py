"""Ordering, paying, looking: what is kept, what expires, what comes too late."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from majlis.features.orders import handlers
from majlis.kit import clock
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS, counts, invite
from tests.features.orders.selling import (
    FREE,
    ORDERS,
    PRICE,
    add_type,
    begin,
    bought,
    items,
    lapse,
    office,
    ok,
    order,
    pay,
    refused,
    seen,
    show,
    statuses,
)
from tests.features.payments.paying import balanced, books, hear
from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.world import Person, World


def place(world: World, who: Person | None, event: dict[str, Any], body: dict[str, Any]) -> Any:
    return world.post(f"{EVENTS}/{event['id']}/orders", who, body)


def invoices(world: World, who: Person, made: dict[str, Any]) -> list[tuple[int, str, int]]:
    found = ok(world.get(f"{ORDERS}/{made['id']}/invoices", who))["data"]
    return [(one["number"], one["kind"], one["total"]) for one in found]


# ---- ordering


@pytest.mark.rule("sioree:D15")
def test_free_tickets_are_paid_at_once_and_the_buyer_goes(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host, 5, FREE)
    made = order(world, amina, event, kind, 2)
    assert (made["status"], made["total"], made["expires_at"]) == ("paid", 0, None)
    assert (made["invoice_number"], invoices(world, amina, made)) == (None, [])
    assert statuses(made) == ["paid", "paid"]
    assert office(world, event) == (0, 2)
    assert counts(world, event) == (0, 1)
    assert ok(world.get(f"{EVENTS}/{event['id']}", amina))["my_event_state"] == "going"


@pytest.mark.rule("sioree:D15")
def test_paid_tickets_are_kept_for_15_minutes_until_they_are_paid(town: World, stripe: Fake) -> None:
    host, amina = town.person(), town.person()
    event, kind = show(town, host, 5)
    with clock.frozen(clock.now()):
        made = order(town, amina, event, kind, 2)
        kept = datetime.fromisoformat(made["expires_at"]) - clock.now()
    assert abs(kept - timedelta(minutes=15)) < timedelta(milliseconds=1)
    assert (made["status"], made["total"], made["currency"]) == ("reserved", 2 * PRICE, "EUR")
    assert statuses(made) == ["reserved"] * 2
    assert office(town, event) == (2, 0)
    assert counts(town, event) == (0, 1)
    paid = pay(town, stripe, amina, made)
    assert (paid["status"], paid["expires_at"], paid["invoice_number"]) == ("paid", None, 1)
    assert statuses(paid) == ["paid"] * 2
    assert office(town, event) == (0, 2)
    assert books(town) == {(f"user:{host.id}", "EUR"): 2 * PRICE, ("stripe", "EUR"): -2 * PRICE}
    assert balanced(town, stripe)


@pytest.mark.settings(ticket_fee_percent=7)
def test_the_platform_keeps_its_part_and_the_host_waits_for_the_event(town: World, stripe: Fake) -> None:
    host, amina = town.person(), town.person()
    event, kind = show(town, host, None)
    bought(town, stripe, amina, event, kind, 3)
    fee = 3 * PRICE * 7 // 100
    assert books(town) == {
        (f"user:{host.id}", "EUR"): 3 * PRICE - fee,
        ("platform", "EUR"): fee,
        ("stripe", "EUR"): -3 * PRICE,
    }
    (row,) = town.sql("SELECT payable_from, payee_id FROM payments")
    assert row["payee_id"] == host.id
    assert row["payable_from"] > clock.now() + timedelta(hours=49)
    (there,) = ok(town.get("/api/v1/payments/balance", host))["data"]
    assert (there["balance"], there["available"]) == (3 * PRICE - fee, 0)


def test_donations_are_what_one_gives(town: World, stripe: Fake) -> None:
    host, amina = town.person(), town.person()
    event, kind = show(town, host, None, {"name": "Gift", "kind": "donation", "price": 300})
    body = {"items": [{"type_id": kind, "quantity": 2, "amount": 500}]}
    assert ok(place(town, amina, event, body))["total"] == 1000
    assert order(town, amina, event, kind)["total"] == 300
    body["items"][0]["amount"] = 299
    assert faults(place(town, amina, event, body)) == {"items[0].amount"}


def test_several_kinds_are_one_order(town: World, stripe: Fake) -> None:
    host, amina = town.person(), town.person()
    event, first = show(town, host, 10)
    second = add_type(town, host, event, name="Late", price=2000)
    third = add_type(town, host, event, **{**FREE, "name": "Child"})
    wanted = [{"type_id": one, "quantity": many} for one, many in ((first, 2), (second, 1), (third, 3))]
    made = ok(place(town, amina, event, {"items": wanted}))
    assert [(line["name"], line["quantity"], line["paid"]) for line in made["lines"]] == [
        ("Entry", 2, 2 * PRICE),
        ("Late", 1, 2000),
        ("Child", 3, 0),
    ]
    assert (made["total"], office(town, event)) == (2 * PRICE + 2000, (6, 0))
    assert statuses(pay(town, stripe, amina, made)) == ["paid"] * 6


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": [{"type_id": "x"}]}, "items[0].type_id"),
        ({"items": [{"type_id": str(uuid4()), "quantity": 0}]}, "items[0].quantity"),
        ({"items": [{"type_id": str(uuid4()), "quantity": 11}]}, "items[0].quantity"),
        ({"items": [{"type_id": str(uuid4())}], "total": 1}, "total"),
    ],
)
def test_bad_orders_are_named(world: World, body: dict[str, Any], field: str) -> None:
    event, _ = show(world, world.person())
    assert faults(place(world, world.person(), event, body)) == {field}


def test_what_cannot_be_ordered(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host, 2)
    other, foreign = show(world, host, 2)
    assert refused(place(world, amina, event, items(foreign))) == (404, "not_found")
    assert refused(place(world, amina, event, items(str(uuid4())))) == (404, "not_found")
    assert refused(place(world, amina, event, items(kind, 3))) == (409, "sold_out")
    assert refused(place(world, host, event, items(kind))) == (409, "paying_oneself")
    twice = {"items": [{"type_id": kind}, {"type_id": kind}]}
    assert faults(place(world, amina, event, twice)) == {"items"}
    priced = {"items": [{"type_id": kind, "amount": 1}]}
    assert faults(place(world, amina, event, priced)) == {"items[0].amount"}
    over, gone = show(world, host, 2, starts=-5, ends=-1)
    assert refused(place(world, amina, over, items(gone))) == (409, "event_over")
    bare = invite(world, host)
    assert refused(place(world, amina, bare, items(kind))) == (404, "no_tickets")
    block(world, host, amina)
    assert refused(place(world, amina, event, items(kind))) == (404, "not_found")
    assert (office(world, event), office(world, other)) == ((0, 0), (0, 0))
    assert world.sql("SELECT 1 FROM orders") == []


def test_the_same_key_orders_once(world: World) -> None:
    event, kind = show(world, world.person(), 5, FREE)
    amina = world.person()
    path, key = f"{EVENTS}/{event['id']}/orders", {"Idempotency-Key": str(uuid4())}
    first, second = (world.post(path, amina, items(kind), headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert office(world, event) == (0, 1)


def test_nobody_buys_more_than_one_person_may(world: World) -> None:
    event, kind = show(world, world.person(), None, FREE | {"per_buyer": 3})
    amina, bilal = world.person(), world.person()
    first = order(world, amina, event, kind, 2)
    assert refused(place(world, amina, event, items(kind, 2))) == (409, "limit_reached")
    assert office(world, event) == (0, 2)
    order(world, amina, event, kind)
    assert refused(place(world, amina, event, items(kind))) == (409, "limit_reached")
    order(world, bilal, event, kind, 3)
    ok(world.delete(f"/api/v1/tickets/{first['tickets'][0]['id']}", amina))
    order(world, amina, event, kind)


# ---- what is kept


def test_what_somebody_keeps_without_paying_has_a_limit(town: World, stripe: Fake) -> None:
    host, amina, bilal = town.person(), town.person(), town.person()
    event, kind = show(town, host, None)
    made = [order(town, amina, event, kind, 10) for _ in range(2)]
    path = f"{EVENTS}/{event['id']}/orders"
    assert refused(town.post(path, amina, items(kind))) == (409, "limit_reached")
    order(town, bilal, event, kind, 10)
    other, another = show(town, host, None)
    order(town, amina, other, another, 10)
    free = add_type(town, host, event, **FREE)
    order(town, amina, event, free, 10)
    pay(town, stripe, amina, made[0])
    made.append(order(town, amina, event, kind, 10))
    assert refused(town.post(path, amina, items(kind))) == (409, "limit_reached")
    ok(town.delete(f"{ORDERS}/{made[1]['id']}", amina))
    order(town, amina, event, kind, 10)
    lapse(town)
    order(town, amina, event, kind, 10)


def test_what_is_not_paid_in_time_can_be_had_again(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    event, kind = show(town, host, 1)
    made = order(town, amina, event, kind)
    begin(town, amina, made)
    assert refused(place(town, bilal, event, items(kind))) == (409, "sold_out")
    lapse(town)
    found = seen(town, amina, made)
    assert (found["status"], statuses(found)) == ("expired", ["cancelled"])
    assert (office(town, event), counts(town, event)) == ((0, 0), (1, 0))
    assert [one["status"] for one in stripe.books.of("payment_intent")] == ["canceled"]
    assert order(town, bilal, event, kind)["status"] == "reserved"
    assert refused(town.post(f"{ORDERS}/{made['id']}/payment", amina)) == (409, "order_over")


def test_who_gives_up_frees_the_place_at_once(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    event, kind = show(town, host, 1)
    made = order(town, amina, event, kind)
    intent = begin(town, amina, made)
    assert refused(town.delete(f"{ORDERS}/{made['id']}", bilal)) == (404, "not_found")
    assert refused(town.delete(f"{ORDERS}/{made['id']}", host)) == (404, "not_found")
    assert ok(town.delete(f"{ORDERS}/{made['id']}", amina))["status"] == "cancelled"
    assert refused(town.delete(f"{ORDERS}/{made['id']}", amina)) == (409, "order_over")
    assert office(town, event) == (0, 0)
    town.drain()
    assert [(one["id"], one["status"]) for one in stripe.books.of("payment_intent")] == [(intent, "canceled")]
    assert order(town, bilal, event, kind)["status"] == "reserved"


def test_a_reserved_ticket_that_is_given_up_takes_its_order_along(town: World, stripe: Fake) -> None:
    amina = town.person()
    event, kind = show(town, town.person(), 3)
    made = order(town, amina, event, kind, 2)
    assert town.delete(f"/api/v1/tickets/{made['tickets'][0]['id']}", amina).status_code == 204
    assert seen(town, amina, made)["status"] == "cancelled"
    assert office(town, event) == (0, 0)


# ---- too late


def test_a_late_payment_takes_places_again(town: World, stripe: Fake) -> None:
    event, _, amina, made = paid_late(town, stripe)
    found = seen(town, amina, made)
    assert (found["status"], statuses(found), found["invoice_number"]) == ("paid", ["paid"] * 2, 1)
    assert (office(town, event), counts(town, event)) == ((0, 2), (0, 1))
    assert balanced(town, stripe)


def test_a_late_payment_goes_back_when_the_places_are_gone(town: World, stripe: Fake) -> None:
    event, _, amina, made = paid_late(town, stripe, to_somebody_else=1)
    found = seen(town, amina, made)
    assert (found["status"], statuses(found), found["invoice_number"]) == ("expired", ["cancelled"] * 2, None)
    assert office(town, event) == (1, 0)
    (payment,) = town.sql("SELECT status, refunded, amount FROM payments WHERE payer_id = $1", amina.id)
    assert (payment["status"], payment["refunded"]) == ("succeeded", payment["amount"])
    assert (books(town), balanced(town, stripe)) == ({}, True)
    assert (amina.email, "Your payment goes back") in {(one.to, one.subject) for one in town.mails()}


def test_a_late_payment_goes_back_when_the_event_is_cancelled(town: World, stripe: Fake) -> None:
    host, amina = town.person(), town.person()
    event, kind = show(town, host, 2)
    made = order(town, amina, event, kind)
    stripe.do("pay", begin(town, amina, made))
    ok(town.delete(f"{EVENTS}/{event['id']}/box-office", host))
    town.drain()
    assert seen(town, amina, made)["status"] in ("cancelled", "paid", "refunded")
    hear(town, stripe)
    town.drain()
    hear(town, stripe)
    assert (office(town, event), books(town), balanced(town, stripe)) == ((0, 0), {}, True)


def paid_late(
    town: World, stripe: Fake, to_somebody_else: int = 0
) -> tuple[dict[str, Any], str, Person, dict[str, Any]]:
    """An order for both places of an event that expired before it was heard that it is paid."""
    amina = town.person()
    event, kind = show(town, town.person(), 2)
    made = order(town, amina, event, kind, 2)
    intent = begin(town, amina, made)
    stripe.fault = "down"  # so that nobody can be told to stop
    town.sql("UPDATE orders SET expires_at = now() - interval '1 second' RETURNING 1")
    expired(town)
    stripe.fault = None
    stripe.do("pay", intent)
    if to_somebody_else:
        order(town, town.person(), event, kind, to_somebody_else)
    hear(town, stripe)
    town.drain()
    hear(town, stripe)
    return event, kind, amina, made


def expired(town: World) -> None:
    """Orders expire; what follows from it waits."""
    town.go(handlers.expire(town.app))
    town.sql("DELETE FROM pgqueuer WHERE entrypoint LIKE 'orders.handlers.stop_payment%' RETURNING 1")


def test_who_pays_twice_gets_one_back(town: World, stripe: Fake) -> None:
    """On other terms a second payment begins; here both are paid."""
    amina = town.person()
    event, kind = show(town, town.person(), 2)
    made = order(town, amina, event, kind)
    first = begin(town, amina, made)
    town.sql("UPDATE payments SET status = 'canceled' RETURNING 1")
    second = begin(town, amina, made)
    assert first != second
    town.sql("UPDATE payments SET status = 'open' WHERE stripe_id = $1 RETURNING 1", second)
    stripe.do("pay", second)
    hear(town, stripe)
    town.drain()
    assert seen(town, amina, made)["status"] == "paid"
    town.sql("UPDATE payments SET status = 'open' WHERE stripe_id = $1 RETURNING 1", first)
    stripe.do("pay", first)
    hear(town, stripe)
    town.drain()
    hear(town, stripe)
    assert stripe.books.balance["eur"] == PRICE
    assert (office(town, event), balanced(town, stripe)) == ((0, 1), True)


# ---- looking


def test_orders_are_for_their_buyer_and_the_host(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    event, kind = show(town, host, 5)
    made = order(town, amina, event, kind)
    one = f"{ORDERS}/{made['id']}"
    for path in (one, f"{one}/invoices"):
        assert [town.get(path, who).status_code for who in (amina, host, bilal, None)] == [200, 200, 404, 401]
    assert refused(town.post(f"{one}/payment", host)) == (404, "not_found")
    assert refused(town.post(f"{one}/payment", bilal)) == (404, "not_found")
    assert [found["id"] for found in ok(town.get(ORDERS, amina))["data"]] == [made["id"]]
    assert ok(town.get(ORDERS, host))["data"] == []
    theirs = f"{EVENTS}/{event['id']}/orders"
    assert [found["id"] for found in ok(town.get(theirs, host))["data"]] == [made["id"]]
    assert refused(town.get(theirs, amina)) == (403, "not_host")


def test_lists_go_page_by_page_with_the_same_number_of_queries(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host, None, FREE)
    made = [order(world, amina, event, kind)["id"] for _ in range(5)][::-1]
    for path, who in ((ORDERS, amina), (f"{EVENTS}/{event['id']}/orders", host)):
        first = ok(world.get(f"{path}?limit=2", who))
        second = ok(world.get(f"{path}?limit=2&cursor={first['next_cursor']}", who))
        third = ok(world.get(f"{path}?limit=2&offset=4", who))
        found = [one["id"] for part in (first, second, third) for one in part["data"]]
        assert (found, third["total"], third["next_cursor"]) == (made, 5, None)
        with counted(world) as few:
            world.get(f"{path}?limit=1", who)
        with counted(world) as many:
            world.get(f"{path}?limit=5", who)
        assert len(few) == len(many)


def test_paying_begins_once_and_free_orders_are_not_paid(town: World, stripe: Fake) -> None:
    amina = town.person()
    event, kind = show(town, town.person(), 5)
    made = order(town, amina, event, kind)
    assert begin(town, amina, made) == begin(town, amina, made)
    other, gratis = show(town, town.person(), 5, FREE)
    nothing = order(town, amina, other, gratis)
    assert refused(town.post(f"{ORDERS}/{nothing['id']}/payment", amina)) == (409, "nothing_to_pay")
