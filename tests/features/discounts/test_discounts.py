"""Discount codes: what they take off, for whom, and as long as their budgets last."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from majlis.features.discounts import service, store
from majlis.features.discounts.model import CodeUpdate, Priced
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS
from tests.features.orders.selling import (
    FREE,
    PRICE,
    add_type,
    bought,
    items,
    lapse,
    ok,
    order,
    outcomes,
    refused,
    show,
    together,
)
from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.world import Person, World

CODES = "/api/v1/discount-codes"


def add(world: World, host: Person, event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = ok(
        world.post(f"{EVENTS}/{event['id']}/discount-codes", host, {"code": "Spring", **fields})
    )
    return found


def with_code(
    world: World, who: Person, event: dict[str, Any], kind: str, many: int = 1, code: str = "spring"
) -> Any:
    return world.post(f"{EVENTS}/{event['id']}/orders", who, items(kind, many, discount_code=code))


def used(world: World, host: Person, event: dict[str, Any]) -> tuple[int, int]:
    (found,) = ok(world.get(f"{EVENTS}/{event['id']}/discount-codes", host))["data"]
    return found["uses"], found["spent"]


@pytest.mark.parametrize(
    "terms, many, off",
    [
        ({"percent": 20}, 2, 600),
        ({"percent": 33}, 1, 495),
        ({"percent": 100}, 2, 3000),
        ({"amount": 700}, 2, 700),
        ({"amount": 99_999}, 2, 3000),
    ],
)
def test_what_a_code_takes_off(world: World, terms: dict[str, Any], many: int, off: int) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host)
    made = add(world, host, event, **terms)
    assert (made["code"], made["uses"], made["spent"], made["active"]) == ("SPRING", 0, 0, True)
    found = ok(with_code(world, amina, event, kind, many, " sprinG "))
    assert (found["subtotal"], found["discount"], found["total"]) == (many * PRICE, off, many * PRICE - off)
    assert (found["discount_code"], found["status"]) == ("SPRING", "reserved" if found["total"] else "paid")
    assert sum(ticket["paid"] for ticket in found["tickets"]) == found["total"]
    assert used(world, host, event) == (1, off)


@given(prices=st.lists(st.integers(1, 10**9), min_size=1, max_size=20), share=st.floats(0, 1))
def test_what_is_taken_off_is_spread_to_the_last_unit(prices: list[int], share: float) -> None:
    tickets = [Priced(uuid4(), price, price) for price in prices]
    off = int(sum(prices) * share)
    service.spread(tickets, off)
    assert sum(one.price - one.paid for one in tickets) == off
    assert all(0 <= one.paid <= one.price for one in tickets)


def test_a_code_may_be_for_some_kinds_only(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host)
    other = add_type(world, host, event, name="Late", price=1000)
    add(world, host, event, percent=50, type_ids=[other])
    assert with_code(world, amina, event, kind).json()["error"]["code"] == "unknown_discount_code"
    body = {"items": [{"type_id": kind}, {"type_id": other}], "discount_code": "spring"}
    found = ok(world.post(f"{EVENTS}/{event['id']}/orders", amina, body))
    assert [line["paid"] for line in found["lines"]] == [PRICE, 500]


def test_codes_that_are_not_good(world: World) -> None:
    host, amina = world.person(), world.person()
    event, kind = show(world, host)
    free = add_type(world, host, event, **{**FREE, "name": "Child"})
    made = add(world, host, event, percent=50)
    hour, now = timedelta(hours=1), clock.now()

    def answer(one: str = kind, code: str = "spring") -> tuple[int, str]:
        return refused(with_code(world, amina, event, one, code=code))

    unknown = (422, "unknown_discount_code")
    assert answer(code="other") == answer(free) == unknown
    for change in (
        {"active": False},
        {"active": True, "starts_at": (now + hour).isoformat()},
        {"starts_at": None, "ends_at": (now - hour).isoformat()},
    ):
        ok(world.put(f"{CODES}/{made['id']}", host, change))
        assert answer() == unknown
    other, elsewhere = show(world, host)
    ok(world.put(f"{CODES}/{made['id']}", host, {"ends_at": None}))
    assert refused(with_code(world, amina, other, elsewhere)) == unknown
    ok(with_code(world, amina, event, kind))
    assert used(world, host, event) == (1, PRICE // 2)


def test_budgets_last_so_long(world: World) -> None:
    host, amina, bilal = (world.person() for _ in range(3))
    event, kind = show(world, host)
    made = add(world, host, event, amount=500, max_uses=3, budget=1200, per_buyer=1)
    ok(with_code(world, amina, event, kind))
    spent = (409, "discount_used_up")
    assert refused(with_code(world, amina, event, kind)) == spent
    ok(with_code(world, bilal, event, kind))
    assert refused(with_code(world, world.person(), event, kind)) == spent  # 1,000 of 1,200 are spent
    change = f"{CODES}/{made['id']}"
    assert refused(world.put(change, host, {"budget": 999})) == (409, "budget_below_used")
    assert refused(world.put(change, host, {"max_uses": 1})) == (409, "budget_below_used")
    ok(world.put(change, host, {"budget": None}))
    ok(with_code(world, world.person(), event, kind))
    assert refused(with_code(world, world.person(), event, kind)) == spent
    assert used(world, host, event) == (3, 1500)


def test_what_comes_to_nothing_gives_its_use_back(town: World, stripe: Fake) -> None:
    host, amina, bilal = (town.person() for _ in range(3))
    event, kind = show(town, host)
    add(town, host, event, amount=500, max_uses=1, per_buyer=1)
    made = ok(with_code(town, amina, event, kind))
    ok(town.delete(f"/api/v1/orders/{made['id']}", amina))
    assert used(town, host, event) == (0, 0)
    ok(with_code(town, amina, event, kind))
    lapse(town)
    assert used(town, host, event) == (0, 0)
    paid = bought(town, stripe, bilal, event, kind, discount_code="spring")
    ok(town.delete(f"/api/v1/tickets/{paid['tickets'][0]['id']}", bilal))
    assert used(town, host, event) == (1, 500)  # it was used all the same
    assert order(town, amina, event, kind)["discount"] == 0


def test_only_the_host_has_codes(world: World) -> None:
    host, amina, blocked = (world.person() for _ in range(3))
    event, _ = show(world, host)
    made = add(world, host, event, percent=5)
    block(world, host, blocked)
    path = f"{EVENTS}/{event['id']}/discount-codes"
    for who, expected in (
        (amina, (403, "not_host")),
        (blocked, (404, "not_found")),
        (None, (401, "unauthenticated")),
    ):
        assert refused(world.get(path, who)) == expected
        assert refused(world.post(path, who, {"code": "x", "percent": 5})) == expected
        assert refused(world.put(f"{CODES}/{made['id']}", who, {"active": False})) == expected
    assert refused(world.post(path, host, {"code": "sPRING", "percent": 5})) == (409, "discount_code_exists")
    assert refused(world.put(f"{CODES}/{uuid4()}", host, {})) == (404, "not_found")


@pytest.mark.parametrize(
    "body, field",
    [
        ({"percent": 5}, "code"),
        ({"code": "  ", "percent": 5}, "code"),
        ({"code": "x"}, "percent"),
        ({"code": "x", "percent": 5, "amount": 5}, "percent"),
        ({"code": "x", "percent": 101}, "percent"),
        ({"code": "x", "amount": 0}, "amount"),
        ({"code": "x", "amount": 5, "max_uses": 0}, "max_uses"),
        ({"code": "x", "amount": 5, "uses": 0}, "uses"),
        ({"code": "x", "amount": 5, "type_ids": []}, "type_ids"),
        ({"code": "x", "amount": 5, "starts_at": "2026-01-02T00:00:00"}, "starts_at"),
        ({"code": "x", "amount": 5, "ends_at": "2026-01-02T00:00:00"}, "ends_at"),
        (
            {
                "code": "x",
                "amount": 5,
                "starts_at": "2026-01-02T00:00:00Z",
                "ends_at": "2026-01-01T00:00:00Z",
            },
            "ends_at",
        ),
    ],
)
def test_bad_codes_are_named(world: World, body: dict[str, Any], field: str) -> None:
    host = world.person()
    event, _ = show(world, host)
    assert faults(world.post(f"{EVENTS}/{event['id']}/discount-codes", host, body)) == {field}


def test_the_list_goes_page_by_page_with_the_same_number_of_queries(world: World) -> None:
    host = world.person()
    event, _ = show(world, host)
    made = [add(world, host, event, code=f"c{number}", percent=5)["id"] for number in range(5)][::-1]
    path = f"{EVENTS}/{event['id']}/discount-codes"
    first = ok(world.get(f"{path}?limit=3", host))
    second = ok(world.get(f"{path}?limit=3&cursor={first['next_cursor']}", host))
    assert [one["id"] for part in (first, second) for one in part["data"]] == made
    assert ok(world.get(f"{path}?offset=4", host))["total"] == 5
    with counted(world) as few:
        world.get(f"{path}?limit=1", host)
    with counted(world) as many:
        world.get(path, host)
    assert len(few) == len(many)


def changed_at_once(world: World) -> dict[str, Any]:
    """The host switches a code off and bounds its uses, both at once; the code then."""
    host = world.person()
    event, _ = show(world, host, 10)
    made = add(world, host, event, percent=10)

    def changing(body: CodeUpdate) -> Any:
        async def change() -> Any:
            async with world.app.db.tx() as tx:
                return await service.change(tx, host.me, UUID(made["id"]), body)

        return change

    works = [changing(CodeUpdate(active=False)), changing(CodeUpdate(max_uses=5))]
    holding = "SELECT 1 FROM discount_codes WHERE id = $1 FOR UPDATE"
    assert outcomes(together(world, holding, [UUID(made["id"])], works)) == {"DiscountCode": 2}
    (found,) = world.sql("SELECT active, max_uses FROM discount_codes")
    return found


def test_two_changes_at_once_are_both_kept(clone: World) -> None:
    assert changed_at_once(clone) == {"active": False, "max_uses": 5}


def test_control_without_holding_the_code_one_undoes_the_other(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = store.HOLD.sql.replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(store, "HOLD", Query(store.HOLD.row, loose))
    assert changed_at_once(clone) != {"active": False, "max_uses": 5}
