"""Waiting for tickets that are sold out: who is offered what, for how long, and that nobody passes by."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.boxoffice import store as boxes
from majlis.features.boxoffice.model import SoldOut
from majlis.features.orders import handlers as orders
from majlis.features.waitlist import handlers, service, store
from majlis.features.waitlist.model import AcceptBody
from majlis.kit.db import Query
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS
from tests.features.orders.selling import (
    FREE,
    ORDERS,
    TICKETS,
    add_type,
    at_the_office,
    bought,
    buying,
    items,
    office,
    ok,
    order,
    outcomes,
    passing_by,
    pay,
    refused,
    show,
    together,
)
from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.world import PASSWORD, Person, World

WAITLIST = "/api/v1/waitlist"


def wait(world: World, who: Person | None, event: dict[str, Any], kind: str, quantity: int = 1) -> Any:
    body = {"type_id": kind, "quantity": quantity}
    return world.post(f"{EVENTS}/{event['id']}/waitlist", who, body)


def accept(world: World, who: Person, entry: dict[str, Any], **body: Any) -> Any:
    return world.post(f"{WAITLIST}/{entry['id']}/order", who, body)


def line(world: World, who: Person) -> list[tuple[str, int]]:
    """(status, how many are ahead) of what somebody waits for."""
    return [(one["status"], one["ahead"]) for one in ok(world.get(WAITLIST, who))["data"]]


def give_up(world: World, who: Person, made: dict[str, Any], many: int = 1) -> None:
    for ticket in made["tickets"][:many]:
        ok(world.delete(f"{TICKETS}/{ticket['id']}", who))
    world.drain()


def full(world: World, places: int = 2) -> tuple[Person, dict[str, Any], str, Person, dict[str, Any]]:
    """An event whose places all are somebody's: host, event, type, who has them, the order."""
    host, amina = world.person(), world.person()
    event, kind = show(world, host, places, FREE)
    return host, event, kind, amina, order(world, amina, event, kind, places)


def left(world: World, event: dict[str, Any]) -> int:
    return int(ok(world.get(f"{EVENTS}/{event['id']}/ticket-types"))["left"])


def test_who_came_first_is_offered_what_is_given_back(world: World) -> None:
    _, event, kind, amina, made = full(world)
    bilal, karim = world.person(), world.person()
    first, second = ok(wait(world, bilal, event, kind)), ok(wait(world, karim, event, kind))
    assert (first["status"], first["ahead"], second["ahead"]) == ("waiting", 0, 1)
    give_up(world, amina, made)
    assert (line(world, bilal), line(world, karim)) == ([("offered", 0)], [("waiting", 0)])
    assert (office(world, event), left(world, event)) == ((1, 1), 0)
    assert refused(accept(world, karim, first)) == (404, "not_found")
    assert refused(accept(world, karim, second)) == (409, "offer_over")
    taken = ok(accept(world, bilal, first))
    assert (taken["status"], taken["buyer_id"]) == ("paid", str(bilal.id))
    assert office(world, event) == (0, 2)
    assert refused(accept(world, bilal, first)) == (409, "offer_over")


def test_what_is_offered_is_paid_like_any_order(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    event, kind = show(town, host, 2)
    made = bought(town, stripe, amina, event, kind, 2)
    ok(town.post(f"{EVENTS}/{event['id']}/discount-codes", host, {"code": "x", "amount": 500}))
    entry = ok(wait(town, bilal, event, kind, 2))
    give_up(town, amina, made, 2)
    taken = ok(accept(town, bilal, entry, discount_code="x"))
    assert (taken["status"], taken["total"]) == ("reserved", made["total"] - 500)
    assert office(town, event) == (2, 0)
    assert pay(town, stripe, bilal, taken)["status"] == "paid"
    assert office(town, event) == (0, 2)


def test_nobody_passes_by_those_who_wait(world: World) -> None:
    _, event, kind, amina, made = full(world, 3)
    bilal, passer = world.person(), world.person()
    ok(wait(world, bilal, event, kind))
    ok(world.delete(f"{TICKETS}/{made['tickets'][0]['id']}", amina))  # nobody has offered it yet
    assert left(world, event) == 0
    path = f"{EVENTS}/{event['id']}/orders"
    assert refused(world.post(path, passer, items(kind))) == (409, "sold_out")
    ok(world.delete(f"{TICKETS}/{made['tickets'][1]['id']}", amina))
    assert left(world, event) == 1  # one is left beside the one for Bilal
    order(world, passer, event, kind)
    world.drain()
    assert line(world, bilal) == [("offered", 0)]
    assert refused(world.post(path, passer, items(kind))) == (409, "sold_out")


def test_who_waits_for_more_lets_others_go_ahead(world: World) -> None:
    _, event, kind, amina, made = full(world, 3)
    bilal, karim = world.person(), world.person()
    ok(wait(world, bilal, event, kind, 2))
    ok(wait(world, karim, event, kind))
    give_up(world, amina, made)
    assert (line(world, bilal), line(world, karim)) == ([("waiting", 0)], [("offered", 0)])
    ok(world.delete(f"{WAITLIST}/{ok(world.get(WAITLIST, karim))['data'][0]['id']}", karim))
    give_up(world, amina, {"tickets": made["tickets"][1:]})
    assert (line(world, bilal), line(world, karim)) == ([("offered", 0)], [("left", 0)])


def test_an_offer_that_nobody_takes_goes_to_the_next(world: World) -> None:
    _, event, kind, amina, made = full(world)
    bilal, karim = world.person(), world.person()
    entry = ok(wait(world, bilal, event, kind))
    ok(wait(world, karim, event, kind))
    give_up(world, amina, made)
    world.sql("UPDATE waitlist_entries SET offer_expires_at = now() WHERE status = 'offered' RETURNING 1")
    assert refused(accept(world, bilal, entry)) == (409, "offer_over")
    world.go(handlers.expire(world.app))
    world.drain()
    assert (line(world, bilal), line(world, karim)) == ([("expired", 0)], [("offered", 0)])
    assert office(world, event) == (1, 1)


def test_an_order_from_an_offer_that_nobody_pays_goes_to_the_next(town: World, stripe: Fake) -> None:
    amina, bilal, karim = (town.person() for _ in range(3))
    event, kind = show(town, town.person(), 1)
    made = bought(town, stripe, amina, event, kind)
    entry = ok(wait(town, bilal, event, kind))
    ok(wait(town, karim, event, kind))
    give_up(town, amina, made)
    ok(accept(town, bilal, entry))
    town.sql("UPDATE orders SET expires_at = now() WHERE status = 'reserved' RETURNING 1")
    town.go(orders.expire(town.app))
    town.drain()
    assert line(town, karim) == [("offered", 0)]


def test_more_places_are_offered_too(world: World) -> None:
    host, event, kind, _, _ = full(world)
    bilal = world.person()
    ok(wait(world, bilal, event, kind))
    ok(world.put(f"{EVENTS}/{event['id']}/box-office", host, {"currency": "EUR", "capacity": 3}))
    world.drain()
    assert line(world, bilal) == [("offered", 0)]


def test_what_a_lost_job_missed_is_offered_by_the_clock(world: World) -> None:
    _, event, kind, amina, made = full(world)
    bilal = world.person()
    ok(wait(world, bilal, event, kind))
    world.drain()
    ok(world.delete(f"{TICKETS}/{made['tickets'][0]['id']}", amina))
    world.sql("DELETE FROM pgqueuer RETURNING 1")
    world.go(handlers.offer_all(world.app))
    assert line(world, bilal) == [("offered", 0)]


def test_of_many_lines_none_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LINES", 2)
    waiting = []
    for _ in range(5):
        _, event, kind, amina, made = full(world, 1)
        waiting.append(world.person())
        ok(wait(world, waiting[-1], event, kind))
        world.drain()
        ok(world.delete(f"{TICKETS}/{made['tickets'][0]['id']}", amina))
    world.sql("DELETE FROM pgqueuer RETURNING 1")
    world.go(handlers.offer_all(world.app))
    assert [line(world, who) for who in waiting] == [[("offered", 0)]] * 5


@pytest.mark.parametrize("looked_at", [1, 2, 200])
def test_who_wants_less_is_found_far_down_the_line(
    world: World, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(service, "LINE", looked_at)
    _, event, kind, amina, made = full(world, 3)
    greedy = [world.person() for _ in range(4)]
    for who in greedy:
        ok(wait(world, who, event, kind, 3))
    modest = world.person()
    ok(wait(world, modest, event, kind))
    give_up(world, amina, made)
    assert [line(world, who)[0][0] for who in (*greedy, modest)] == ["waiting"] * 4 + ["offered"]


def test_who_cannot_wait(world: World) -> None:
    host, event, kind, _, _ = full(world)
    bilal, karim = world.person(), world.person()
    other, free = show(world, host, 1, FREE)
    assert refused(wait(world, bilal, other, free)) == (409, "places_left")
    endless, any_number = show(world, host, None, FREE)
    assert refused(wait(world, bilal, endless, any_number)) == (409, "places_left")
    assert refused(wait(world, bilal, event, free)) == (404, "not_found")
    assert refused(wait(world, None, event, kind)) == (401, "unauthenticated")
    assert faults(wait(world, bilal, event, kind, 11)) == {"quantity"}
    entry = ok(wait(world, bilal, event, kind))
    assert refused(wait(world, bilal, event, kind)) == (409, "already_waiting")
    assert refused(world.delete(f"{WAITLIST}/{entry['id']}", karim)) == (404, "not_found")
    assert world.delete(f"{WAITLIST}/{entry['id']}", bilal).status_code == 204
    assert refused(world.delete(f"{WAITLIST}/{entry['id']}", bilal)) == (409, "offer_over")
    assert refused(world.delete(f"{WAITLIST}/{uuid4()}", bilal)) == (404, "not_found")
    block(world, host, karim)
    assert refused(wait(world, karim, event, kind)) == (404, "not_found")
    assert world.sql("SELECT waiting FROM box_offices WHERE post_id = $1", UUID(event["id"])) == [
        {"waiting": 0}
    ]


def test_nobody_waits_for_more_than_one_may_buy(world: World) -> None:
    host, amina, bilal = (world.person() for _ in range(3))
    event, kind = show(world, host, 4, {**FREE, "per_buyer": 2})
    order(world, amina, event, kind, 2)
    order(world, bilal, event, kind, 1)
    assert refused(wait(world, amina, event, kind, 2)) == (409, "limit_reached")
    assert refused(wait(world, bilal, event, kind, 2)) == (409, "limit_reached")
    assert refused(wait(world, world.person(), event, kind, 3)) == (409, "limit_reached")
    ok(wait(world, world.person(), event, kind, 2))


def test_who_leaves_the_place_or_is_erased_waits_for_nothing(world: World) -> None:
    host, event, kind, amina, made = full(world)
    bilal, karim = world.person(), world.person()
    for who in (bilal, karim):
        ok(wait(world, who, event, kind))
    give_up(world, amina, made)
    ok(
        world.request(
            "DELETE", "/api/v1/users/me/account", bilal, json={"reason": "other", "password": PASSWORD}
        )
    )
    world.drain()
    assert line(world, karim) == [("offered", 0)]
    world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", karim.id)
    assert office(world, event) == (0, 1)
    ok(wait(world, world.person(), event, kind, 2))
    assert world.delete(f"{EVENTS}/{event['id']}/box-office", host).status_code == 204
    world.drain()
    assert world.sql("SELECT waiting, held FROM ticket_types") == [{"waiting": 0, "held": 0}]


def test_the_list_goes_page_by_page_with_the_same_number_of_queries(world: World) -> None:
    bilal, made = world.person(), []
    for _ in range(3):
        _, event, kind, _, _ = full(world)
        made.append(ok(wait(world, bilal, event, kind))["id"])
    first = ok(world.get(f"{WAITLIST}?limit=2", bilal))
    second = ok(world.get(f"{WAITLIST}?limit=2&cursor={first['next_cursor']}", bilal))
    third = ok(world.get(f"{WAITLIST}?offset=2", bilal))
    assert [one["id"] for part in (first, second) for one in part["data"]] == made[::-1]
    assert (third["total"], [one["id"] for one in third["data"]]) == (3, made[:1])
    with counted(world) as few:
        world.get(f"{WAITLIST}?limit=1", bilal)
    with counted(world) as many:
        world.get(WAITLIST, bilal)
    assert len(few) == len(many)


# ---- at once


def offering(world: World, event: dict[str, Any]) -> Any:
    async def offer() -> int:
        async with world.app.db.tx() as tx:
            return await service.offer(tx, Me.system, UUID(event["id"]))

    return offer


def two_free_for_four(world: World) -> tuple[dict[str, Any], str, list[Person]]:
    """Two places given back that nobody has offered yet, and four who wait."""
    _, event, kind, amina, made = full(world, 3)
    people = [world.person() for _ in range(4)]
    for who in people:
        ok(wait(world, who, event, kind))
    world.drain()
    for ticket in made["tickets"][:2]:
        ok(world.delete(f"{TICKETS}/{ticket['id']}", amina))
    return event, kind, people


def test_several_workers_at_once_offer_each_place_once(clone: World) -> None:
    event, kind, people = two_free_for_four(clone)
    passers = [buying(clone, clone.person().me, event, kind) for _ in range(2)]
    found = at_the_office(clone, event, [offering(clone, event)] * 4)
    assert sorted(found) == [0, 0, 0, 2]
    assert [line(clone, who)[0][0] for who in people] == ["offered", "offered", "waiting", "waiting"]
    assert office(clone, event) == (2, 1)
    for passer in passers:
        with pytest.raises(SoldOut):
            clone.go(passer())


def test_control_without_holding_the_office_more_is_offered_than_there_is(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, _, _ = two_free_for_four(clone)
    monkeypatch.setattr(boxes, "HOLD", boxes.OFFICE)
    for query, table, key in (("TAKE", "box_offices", "post_id"), ("TAKE_TYPE", "ticket_types", "id")):
        clone.sql(f"ALTER TABLE {table} DROP CONSTRAINT {table}_capacity")
        sql = f"""UPDATE {table} SET held = held + $2, sold = sold + $3 WHERE {key} = $1 AND $4::bool IS NOT NULL
        RETURNING waiting"""
        monkeypatch.setattr(boxes, query, Query(int, sql))
    loose = store.LINE.sql.replace("FOR NO KEY UPDATE SKIP LOCKED", "")
    monkeypatch.setattr(store, "LINE", Query(store.LINE.row, loose))
    unconditional = store.OFFER.sql.replace("AND status = 'waiting'", "")
    monkeypatch.setattr(store, "OFFER", Query(UUID, unconditional))
    found = at_the_office(clone, event, [offering(clone, event)] * 4)
    assert found == [2] * 4
    assert office(clone, event) == (8, 1)


def test_an_offer_is_taken_once(clone: World) -> None:
    _, event, kind, amina, made = full(clone)
    bilal = clone.person()
    entry = ok(wait(clone, bilal, event, kind))
    give_up(clone, amina, made)

    async def take() -> Any:
        async with clone.app.db.tx() as tx:
            return await service.accept(tx, bilal.me, UUID(entry["id"]), AcceptBody())

    found = together(clone, "SELECT 1 FROM waitlist_entries FOR UPDATE", [], [take] * 4)
    assert outcomes(found) == {"Order": 1, "OfferOver": 3}
    assert office(clone, event) == (0, 2)
    assert len(ok(clone.get(ORDERS, bilal))["data"]) == 1


def two_ways(clone: World) -> tuple[dict[str, Any], Person, list[Any]]:
    """Somebody who may buy one ticket takes an offer and orders, both at once and to be paid."""
    host, amina, bilal = (clone.person() for _ in range(3))
    event, free = show(clone, host, 2, FREE)
    kind = add_type(clone, host, event, per_buyer=1)
    made = order(clone, amina, event, free, 2)
    entry = ok(wait(clone, bilal, event, kind))
    give_up(clone, amina, made, 2)

    async def take() -> Any:
        async with clone.app.db.tx() as tx:
            return await service.accept(tx, bilal.me, UUID(entry["id"]), AcceptBody())

    return event, bilal, [take, buying(clone, bilal.me, event, kind)]


def test_an_offer_and_an_order_at_once_do_not_pass_the_limit(clone: World) -> None:
    event, _, works = two_ways(clone)
    assert outcomes(at_the_office(clone, event, works)) == {"Order": 1, "TooMany": 1}
    # One place for the order; where that came first, the offer keeps its own until it is over.
    assert office(clone, event) in ((1, 0), (2, 0))


def test_control_without_standing_in_line_both_are_sold(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bilal, works = two_ways(clone)
    unheld = Query(boxes.HOLD.row, boxes.HOLD.sql.replace("FOR NO KEY UPDATE", ""))
    monkeypatch.setattr(boxes, "HOLD", unheld)
    passing_by(monkeypatch)
    # Both have looked at the limit by the time they write, which needs the row of their account.
    found = together(clone, "SELECT 1 FROM users WHERE id = $1 FOR UPDATE", [bilal.id], works)
    assert outcomes(found) == {"Order": 2}


def test_control_without_holding_the_entry_it_is_taken_often(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, event, kind, amina, made = full(clone)
    bilal = clone.person()
    entry = ok(wait(clone, bilal, event, kind))
    give_up(clone, amina, made)
    for table in ("box_offices", "ticket_types"):
        clone.sql(f"ALTER TABLE {table} DROP CONSTRAINT {table}_held")
        clone.sql(f"ALTER TABLE {table} DROP CONSTRAINT {table}_capacity")
    monkeypatch.setattr(store, "HOLD", Query(store.HOLD.row, store.HOLD.sql.replace("FOR NO KEY UPDATE", "")))

    async def take() -> Any:
        async with clone.app.db.tx() as tx:
            return await service.accept(tx, bilal.me, UUID(entry["id"]), AcceptBody())

    found = together(clone, "SELECT 1 FROM waitlist_entries FOR UPDATE", [], [take] * 4)
    assert outcomes(found) == {"Order": 4}
