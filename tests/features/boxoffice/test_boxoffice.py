"""What events sell: kinds of tickets, what is left, hidden ones, times of sale, and what hosts may change."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.boxoffice import service
from majlis.features.boxoffice.model import BoxOffice, CapacityBelowSold, NotHost
from majlis.kit import clock
from tests.features.events.inviting import EVENTS, invite
from tests.features.orders.selling import (
    FREE,
    PAID,
    add_type,
    items,
    office,
    ok,
    open_office,
    order,
    refused,
    show,
)
from tests.features.posts.writing import block, faults, write
from tests.features.queries import counted
from tests.world import Person, World

TYPES = "/api/v1/ticket-types"


def look(world: World, who: Person | None, event: dict[str, Any], code: str | None = None) -> dict[str, Any]:
    query = f"?access_code={code}" if code else ""
    found: dict[str, Any] = ok(world.get(f"{EVENTS}/{event['id']}/ticket-types{query}", who))
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [one["name"] for one in found["ticket_types"]]


def test_what_an_event_sells(world: World) -> None:
    host, amina = world.person(), world.person()
    event = invite(world, host)
    assert refused(world.get(f"{EVENTS}/{event['id']}/ticket-types", amina)) == (404, "no_tickets")
    made = open_office(world, host, event, currency="eur", capacity=10)
    assert (made["currency"], made["capacity"], made["left"], made["ticket_types"]) == ("EUR", 10, 0, [])
    add_type(world, host, event, name="Early", capacity=4, description="first come", per_buyer=2)
    add_type(world, host, event, **{**FREE, "name": "Child"})
    found = look(world, None, event)
    early, child = found["ticket_types"]
    assert (early["price"], early["currency"], early["left"], early["per_buyer"]) == (1500, "EUR", 4, 2)
    assert (child["price"], child["left"], child["on_sale"]) == (0, 10, True)
    assert (found["left"], found["cancelled"], found["refundable"]) == (10, False, True)
    for hidden in ("sold", "held", "access_code"):
        assert early[hidden] is None
    assert (found["sold"], found["held"]) == (None, None)
    order(world, amina, event, child["id"], 7)
    found = look(world, amina, event)
    assert ([one["left"] for one in found["ticket_types"]], found["left"]) == ([3, 3], 3)
    mine = look(world, host, event)
    assert (mine["sold"], mine["ticket_types"][1]["sold"]) == (7, 7)


def test_without_limits_nothing_is_left_or_gone(world: World) -> None:
    event, _ = show(world, world.person())
    found = look(world, None, event)
    assert (found["capacity"], found["left"], found["ticket_types"][0]["left"]) == (None, None, None)


def test_who_knows_the_code_sees_what_is_hidden(world: World) -> None:
    host, amina = world.person(), world.person()
    event, _ = show(world, host)
    secret = add_type(world, host, event, name="Friends", access_code="Oasis")
    assert names(look(world, amina, event)) == names(look(world, None, event, "wrong")) == ["Entry"]
    assert (
        names(look(world, amina, event, "oasis")) == names(look(world, host, event)) == ["Entry", "Friends"]
    )
    shown = look(world, amina, event, "oasis")["ticket_types"][1]
    assert (shown["hidden"], shown["access_code"]) == (True, None)
    assert look(world, host, event)["ticket_types"][1]["access_code"] == "Oasis"
    path = f"{EVENTS}/{event['id']}/orders"
    assert refused(world.post(path, amina, items(secret))) == (404, "not_found")
    assert refused(world.post(path, amina, items(secret, access_code="x"))) == (404, "not_found")
    assert ok(world.post(path, amina, items(secret, access_code=" OASIS ")))["total"] == 1500


def test_sales_have_their_time(world: World) -> None:
    host, amina = world.person(), world.person()
    event, _ = show(world, host)
    now = clock.now()
    times = {
        "later": {"sale_starts": (now + timedelta(hours=1)).isoformat()},
        "over": {"sale_ends": (now - timedelta(hours=1)).isoformat()},
        "now": {
            "sale_starts": (now - timedelta(hours=1)).isoformat(),
            "sale_ends": (now + timedelta(hours=1)).isoformat(),
        },
    }
    kinds = {name: add_type(world, host, event, name=name, **fields) for name, fields in times.items()}
    shown = {one["name"]: one["on_sale"] for one in look(world, None, event)["ticket_types"]}
    assert shown == {"Entry": True, "later": False, "over": False, "now": True}
    path = f"{EVENTS}/{event['id']}/orders"
    for name in ("later", "over"):
        assert refused(world.post(path, amina, items(kinds[name]))) == (409, "not_on_sale")
    ok(world.post(path, amina, items(kinds["now"])))


def test_only_the_host_sells(world: World) -> None:
    host, amina, blocked = (world.person() for _ in range(3))
    event, kind = show(world, host)
    block(world, host, blocked)
    base = f"{EVENTS}/{event['id']}"
    for who, expected in (
        (amina, (403, "not_host")),
        (blocked, (404, "not_found")),
        (None, (401, "unauthenticated")),
    ):
        assert refused(world.put(f"{base}/box-office", who, {"currency": "EUR"})) == expected
        assert refused(world.delete(f"{base}/box-office", who)) == expected
        assert refused(world.post(f"{base}/ticket-types", who, PAID)) == expected
        assert refused(world.put(f"{TYPES}/{kind}", who, {"name": "x"})) == expected
        assert refused(world.delete(f"{TYPES}/{kind}", who)) == expected
    post = write(world, host)
    assert refused(world.put(f"{EVENTS}/{post['id']}/box-office", host, {"currency": "EUR"})) == (
        404,
        "not_found",
    )
    bare = invite(world, host)
    assert refused(world.post(f"{EVENTS}/{bare['id']}/ticket-types", host, PAID)) == (404, "no_tickets")
    assert refused(world.delete(f"{EVENTS}/{bare['id']}/box-office", host)) == (404, "no_tickets")
    assert refused(world.put(f"{TYPES}/{uuid4()}", host, {})) == (404, "not_found")


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "name"),
        ({"name": " ", "kind": "paid", "price": 5}, "name"),
        ({"name": "x", "kind": "barter"}, "kind"),
        ({"name": "x", "kind": "paid"}, "price"),
        ({"name": "x", "kind": "free", "price": 5}, "price"),
        ({"name": "x", "kind": "paid", "price": -5}, "price"),
        ({"name": "x", "kind": "paid", "price": 5, "capacity": -1}, "capacity"),
        ({"name": "x", "kind": "paid", "price": 5, "per_buyer": 0}, "per_buyer"),
        ({"name": "x", "kind": "paid", "price": 5, "sold": 5}, "sold"),
        ({"name": "x", "kind": "free", "access_code": " "}, "access_code"),
        ({"name": "x", "kind": "free", "sale_starts": "2026-01-02T00:00:00"}, "sale_starts"),
        ({"name": "x", "kind": "free", "sale_ends": "2026-01-02T00:00:00"}, "sale_ends"),
        (
            {
                "name": "x", "kind": "free", "sale_starts": "2026-01-02T00:00:00Z", "sale_ends": "2026-01-01T00:00:00Z",
            },
            "sale_ends",
        ),
    ],
)  # fmt: skip
def test_bad_types_are_named(world: World, body: dict[str, Any], field: str) -> None:
    host = world.person()
    event, _ = show(world, host)
    assert field in faults(world.post(f"{EVENTS}/{event['id']}/ticket-types", host, body))


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "currency"),
        ({"currency": "XXL"}, "currency"),
        ({"currency": "EUR", "capacity": -1}, "capacity"),
    ],
)
def test_bad_offices_are_named(world: World, body: dict[str, Any], field: str) -> None:
    host = world.person()
    event = invite(world, host)
    assert faults(world.put(f"{EVENTS}/{event['id']}/box-office", host, body)) == {field}


def test_what_hosts_may_change(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host, 5, FREE | {"capacity": 5})
    order(world, amina, event, kind, 3)
    base = f"{EVENTS}/{event['id']}/box-office"
    assert refused(world.put(base, host, {"currency": "EUR", "capacity": 2})) == (409, "capacity_below_sold")
    assert refused(world.put(base, host, {"currency": "USD", "capacity": 5})) == (409, "currency_fixed")
    assert ok(world.put(base, host, {"currency": "EUR", "capacity": 3}))["left"] == 0
    assert refused(world.put(f"{TYPES}/{kind}", host, {"capacity": 2})) == (409, "capacity_below_sold")
    assert refused(world.delete(f"{TYPES}/{kind}", host)) == (409, "type_sold")
    assert faults(world.put(f"{TYPES}/{kind}", host, {"kind": "paid"})) == {"kind"}
    assert faults(world.put(f"{TYPES}/{kind}", host, {"price": 5})) == {"price"}
    changed = ok(world.put(f"{TYPES}/{kind}", host, {"name": "Gate", "capacity": None, "description": "x"}))
    assert (changed["name"], changed["capacity"], changed["description"]) == ("Gate", None, "x")
    other = add_type(world, host, event, name="Late")
    assert world.delete(f"{TYPES}/{other}", host).status_code == 204
    assert names(look(world, None, event)) == ["Gate"]
    assert office(world, event) == (0, 3)


def test_what_was_ordered_keeps_its_price(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host)
    before = order(world, amina, event, kind)
    ok(world.put(f"{TYPES}/{kind}", host, {"price": 2000}))
    found = ok(world.get(f"/api/v1/orders/{before['id']}", amina))
    assert (found["total"], found["lines"][0]["price"]) == (1500, 1500)
    assert order(world, amina, event, kind)["total"] == 2000


def test_an_event_has_so_many_types(world: World) -> None:
    host = world.person()
    event, _ = show(world, host)
    world.sql(
        """INSERT INTO ticket_types (id, post_id, name, kind, price, created_at, updated_at)
        SELECT gen_random_uuid(), $1, 'x', 'free', 0, now(), now() FROM generate_series(1, 49) RETURNING 1""",
        UUID(event["id"]),
    )
    answer = world.post(f"{EVENTS}/{event['id']}/ticket-types", host, PAID)
    assert refused(answer) == (409, "too_many_types")
    with counted(world) as many:
        assert len(look(world, None, event)["ticket_types"]) == 50
    other, _ = show(world, host)
    with counted(world) as few:
        look(world, None, other)
    assert len(few) == len(many)


def test_what_is_switched_off_is_not_sold(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host)
    ok(world.put(f"/api/v1/posts/{event['id']}", host, {"status": False}))
    assert refused(world.post(f"{EVENTS}/{event['id']}/orders", amina, items(kind))) == (404, "not_found")


# ---- for doors that know one kind of ticket


def single(world: World, who: Person, event: dict[str, Any], price: int, capacity: int | None) -> BoxOffice:
    async def put() -> BoxOffice:
        async with world.app.db.tx() as tx:
            return await service.put_single(tx, who.me, UUID(event["id"]), price, "USD", capacity)

    return world.go(put())


def test_one_kind_of_ticket_is_made_and_changed(world: World) -> None:
    host, amina = world.person(), world.person()
    event = invite(world, host)
    made = single(world, host, event, 2500, 50)
    assert (made.currency, made.capacity, made.left) == ("USD", 50, 50)
    (kind,) = made.ticket_types
    assert (kind.kind, kind.price) == ("paid", 2500)
    order(world, amina, event, str(kind.id), 2)
    (changed,) = single(world, host, event, 0, None).ticket_types
    assert (changed.id, changed.kind, changed.price, changed.left) == (kind.id, "free", 0, None)
    with pytest.raises(CapacityBelowSold):
        single(world, host, event, 0, 1)
    with pytest.raises(NotHost):
        single(world, amina, event, 0, 5)


def test_lists_of_events_learn_what_each_sells_in_two_queries(world: World) -> None:
    host = world.person()
    events = [show(world, host, places)[0] for places in (3, None, 5)]
    bare = invite(world, host)
    wanted = [UUID(one["id"]) for one in (*events, bare)]

    async def found() -> dict[UUID, BoxOffice]:
        async with world.app.db.read() as tx:
            return await service.of_events(tx, host.me, wanted)

    with counted(world) as queries:
        offices = world.go(found())
    assert len(queries) == 2
    assert [offices[one].left for one in wanted[:3]] == [3, None, 5]
    assert wanted[3] not in offices
    assert offices[wanted[0]].sold is None
