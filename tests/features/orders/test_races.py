"""Many who want the same at the same moment. Each guard is also tried without it, where too much is sold."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice import store as boxes
from majlis.features.discounts import store as codes
from majlis.features.invoices import store as papers
from majlis.features.orders import service, store
from majlis.features.orders.model import RefundBody
from majlis.features.payments import service as payments
from majlis.features.tickets import store as rows
from majlis.kit.db import Query, Tx
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS, counts, invite
from tests.features.orders.selling import (
    FREE,
    OFFICE_ROW,
    PRICE,
    TYPE_ROW,
    add_type,
    at_the_office,
    begin,
    bought,
    buying,
    crowd,
    office,
    ok,
    open_office,
    order,
    outcomes,
    overdue,
    passing_by,
    seen,
    show,
    together,
    unguarded,
)
from tests.features.payments.paying import balanced, hear
from tests.waiting import in_turn, until_waiting
from tests.world import Person, World

SOME = 8  # as many as wait at once beside who holds them back


def sold(world: World) -> int:
    return int(world.sql("SELECT count(*) AS n FROM tickets WHERE status <> 'cancelled'")[0]["n"])


# ---- places


async def rush(world: World, event: dict[str, Any], works: list[Any]) -> list[Any]:
    """What becomes of a crowd of which the first stand in line for certain before anybody is served."""
    async with world.app.db.tx() as holder:
        await holder.records(OFFICE_ROW, UUID(event["id"]))
        tasks = [asyncio.ensure_future(work()) for work in works[:SOME]]
        await until_waiting(world, SOME, *tasks)
        tasks += [asyncio.ensure_future(work()) for work in works[SOME:]]
    return list(await asyncio.gather(*tasks, return_exceptions=True))


@pytest.mark.rule("sioree:D15")
def test_500_buyers_for_100_tickets(clone: World) -> None:
    event, kind = show(clone, clone.person(), 100, FREE)
    works = [buying(clone, me, event, kind) for me in crowd(clone, 500)]
    assert outcomes(clone.go(rush(clone, event, works))) == {"Order": 100, "SoldOut": 400}
    assert (office(clone, event), sold(clone), counts(clone, event)) == ((0, 100), 100, (0, 100))


def taking(world: World, event: dict[str, Any], kind: str) -> Any:
    async def take() -> None:
        async with world.app.db.tx() as tx:
            await boxoffice.take(tx, Me.system, UUID(event["id"]), {UUID(kind): 1}, sold=True)

    return take


@pytest.mark.rule("sioree:D15")
def test_500_at_the_box_office_for_100_places_20_times(clone: World) -> None:
    """The part of an order that decides, so that twenty rounds take no longer than a few whole ones."""
    host = clone.person()
    for _ in range(20):
        event, kind = show(clone, host, 100, FREE)
        found = clone.go(rush(clone, event, [taking(clone, event, kind)] * 500))
        assert outcomes(found) == {"NoneType": 100, "SoldOut": 400}
        assert office(clone, event) == (0, 100)


@pytest.mark.rule("sioree:D15")
def test_who_comes_at_once_gets_what_there_is(clone: World) -> None:
    event, kind = show(clone, clone.person(), 3)
    found = at_the_office(clone, event, [buying(clone, me, event, kind) for me in crowd(clone, SOME)])
    assert outcomes(found) == {"Order": 3, "SoldOut": SOME - 3}
    assert (office(clone, event), sold(clone)) == ((3, 0), 3)


def test_control_who_looks_before_he_takes_sells_too_much(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, kind = show(clone, clone.person(), 3)
    unguarded(clone, monkeypatch)
    found = at_the_office(clone, event, [buying(clone, me, event, kind) for me in crowd(clone, SOME)])
    assert outcomes(found) == {"Order": SOME}
    assert (office(clone, event), sold(clone)) == ((SOME, 0), SOME)


@pytest.mark.parametrize("table", ["box_offices", "ticket_types"])
def test_the_rows_refuse_what_the_program_forgets(world: World, table: str) -> None:
    show(world, world.person(), 3, FREE | {"capacity": 3})
    with pytest.raises(asyncpg.CheckViolationError, match=f"{table}_capacity"):
        world.sql(f"UPDATE {table} SET held = 2, sold = 2 RETURNING 1")


def bought_while_renamed(world: World) -> tuple[list[Any], str]:
    """Somebody orders while the host lets the event, of which nothing is sold yet, sell in another currency."""
    event, kind = show(world, world.person(), 5)
    renaming = "UPDATE box_offices SET currency = 'USD' WHERE post_id = $1 RETURNING 1"
    buy = buying(world, world.person().me, event, kind)
    return together(world, renaming, [UUID(event["id"])], [buy]), event["id"]


def test_an_event_sells_in_one_currency(clone: World) -> None:
    found, event = bought_while_renamed(clone)
    assert outcomes(found) == {"NotOnSale": 1}
    assert clone.sql("SELECT held, sold FROM box_offices WHERE post_id = $1", UUID(event)) == [
        {"held": 0, "sold": 0}
    ]


def test_control_who_does_not_hear_the_currency_orders_in_the_old_one(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = Query(str, boxes.TAKE.sql.replace("RETURNING currency", "RETURNING 'EUR'"))
    monkeypatch.setattr(boxes, "TAKE", deaf)
    assert outcomes(bought_while_renamed(clone)[0]) == {"Order": 1}
    assert clone.sql("SELECT currency FROM orders") == [{"currency": "EUR"}]


def two_types(world: World) -> tuple[dict[str, Any], str, str]:
    """An event with three places for two kinds of tickets."""
    host = world.person()
    event = invite(world, host)
    open_office(world, host, event, capacity=3)
    return (
        event,
        add_type(world, host, event, name="Early"),
        add_type(world, host, event, name="Late"),
    )


def both_at_once(world: World) -> tuple[dict[str, Any], list[Any]]:
    event, early, late = two_types(world)
    kinds = [early, late] * (SOME // 2)
    people = crowd(world, SOME)
    works = [buying(world, me, event, kind) for me, kind in zip(people, kinds, strict=True)]
    return event, at_the_office(world, event, works)


def test_two_kinds_of_tickets_share_their_places(clone: World) -> None:
    event, found = both_at_once(clone)
    assert outcomes(found) == {"Order": 3, "SoldOut": SOME - 3}
    assert office(clone, event) == (3, 0)


def test_control_when_each_looks_for_itself_more_is_sold_than_there_is(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded(clone, monkeypatch)
    event, found = both_at_once(clone)
    assert outcomes(found) == {"Order": SOME}
    assert office(clone, event) == (SOME, 0)


def test_one_person_at_once_gets_no_more_than_one_person_may(clone: World) -> None:
    event, kind = show(clone, clone.person(), None, FREE | {"per_buyer": 2})
    (me,) = crowd(clone, 1)
    found = at_the_office(clone, event, [buying(clone, me, event, kind)] * SOME)
    assert outcomes(found) == {"Order": 2, "TooMany": SOME - 2}


def test_control_where_nobody_waits_for_the_type_everybody_is_the_first(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, kind = show(clone, clone.person(), None, FREE | {"per_buyer": 2})
    (me,) = crowd(clone, 1)
    passing_by(monkeypatch)
    works = [buying(clone, me, event, kind)] * SOME
    found = together(clone, "LOCK TABLE orders IN SHARE MODE", [], works)
    assert outcomes(found) == {"Order": SOME}


def keeping(world: World) -> tuple[dict[str, Any], list[Any]]:
    """An event without limits, and somebody who orders ten tickets again and again without paying for any."""
    event, kind = show(world, world.person(), None)
    (me,) = crowd(world, 1)
    return event, [buying(world, me, event, kind, 10)] * SOME


def test_nobody_keeps_more_than_some_without_paying(clone: World) -> None:
    event, works = keeping(clone)
    found = at_the_office(clone, event, works)
    assert outcomes(found) == {"Order": 2, "TooManyKept": SOME - 2}
    assert office(clone, event) == (20, 0)


def test_control_where_nobody_waits_for_the_office_somebody_keeps_everything(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, works = keeping(clone)
    passing_by(monkeypatch)
    # Each has counted what is kept by the time it writes the order.
    assert outcomes(together(clone, "LOCK TABLE orders IN SHARE MODE", [], works)) == {"Order": SOME}


# ---- what is kept


ORDER_ROW = "SELECT 1 FROM orders WHERE id = $1 FOR UPDATE"


def with_an_overdue_one(world: World) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """An event whose only place somebody held too long, that order, and several who want it."""
    event, kind = show(world, world.person(), 1)
    made = order(world, world.person(), event, kind)
    overdue(world)
    return event, made, [buying(world, me, event, kind) for me in crowd(world, SOME)]


def test_a_place_that_was_kept_too_long_goes_to_one(clone: World) -> None:
    event, _, works = with_an_overdue_one(clone)
    found = together(clone, OFFICE_ROW, [UUID(event["id"])], works, waiting=1)
    assert outcomes(found) == {"Order": 1, "SoldOut": SOME - 1}
    assert office(clone, event) == (1, 0)


def test_control_without_holding_the_order_its_place_is_given_back_to_everybody(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = store.OVERDUE_OF.sql.partition("FOR NO KEY UPDATE")[0]
    monkeypatch.setattr(store, "OVERDUE_OF", Query(store.OVERDUE_OF.row, loose))
    _, made, works = with_an_overdue_one(clone)
    found = together(clone, ORDER_ROW, [UUID(made["id"])], works)
    assert outcomes(found) == {"Order": SOME}


def settling(world: World, payment_id: UUID, order_id: str) -> Any:
    async def settle() -> None:
        async with world.app.db.tx() as tx:
            await service.settle(tx, Me.system, payment_id, UUID(order_id))

    return settle


def heard_at_once(city: World, stripe: Fake) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Somebody's order that was paid, which several workers are to hear of."""
    amina = city.person()
    event, kind = show(city, city.person(), 5)
    made = order(city, amina, event, kind, 2)
    stripe.do("pay", begin(city, amina, made))
    city.go(sync(city))
    return amina, event, made


async def sync(city: World) -> None:
    """Payments know that it was paid; orders do not yet."""
    async with city.app.db.tx() as tx:
        intent = (await tx.records("SELECT stripe_id FROM payments"))[0][0]
    await payments.sync(city.app, Me.system, intent)


def payment(city: World) -> UUID:
    return UUID(str(city.sql("SELECT id FROM payments")[0]["id"]))


def test_a_payment_that_is_told_of_at_once_counts_once(city: World, stripe: Fake) -> None:
    amina, event, made = heard_at_once(city, stripe)
    works = [settling(city, payment(city), made["id"])] * 4
    assert together(city, ORDER_ROW, [UUID(made["id"])], works) == [None] * 4
    assert office(city, event) == (0, 2)
    found = seen(city, amina, made)
    assert (found["status"], found["invoice_number"]) == ("paid", 1)
    assert city.sql("SELECT last FROM invoice_numbers") == [{"last": 1}]


def test_control_without_holding_the_order_it_counts_often(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, event, made = heard_at_once(city, stripe)
    for table in ("box_offices", "ticket_types"):
        city.sql(f"ALTER TABLE {table} DROP CONSTRAINT {table}_held")
        city.sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_capacity")
    city.sql("DROP INDEX invoices_order")
    loose = store.HOLD.sql.replace("FOR NO KEY UPDATE OF o", "")
    monkeypatch.setattr(store, "HOLD", Query(store.HOLD.row, loose))
    works = [settling(city, payment(city), made["id"])] * 4
    assert at_the_office(city, event, works) == [None] * 4
    assert office(city, event) == (-6, 8)


def test_paid_and_expired_at_the_same_moment_is_paid(city: World, stripe: Fake) -> None:
    """What expires a moment before the payment is told of takes its places again."""
    amina, event, made = heard_at_once(city, stripe)
    overdue(city)
    settle = settling(city, payment(city), made["id"])

    async def expire() -> bool:
        async with city.app.db.tx() as tx:
            return await service.expire(tx, Me.system)

    async def run() -> list[Any]:
        async with city.app.db.tx() as holder:
            await holder.records(OFFICE_ROW, UUID(event["id"]))
            first = asyncio.ensure_future(expire())
            await until_waiting(city, 1, first)
            second = asyncio.ensure_future(settle())
            await until_waiting(city, 2, first, second)
        return list(await asyncio.gather(first, second))

    assert city.go(run()) == [False, None]
    city.drain()
    assert seen(city, amina, made)["status"] == "paid"
    assert office(city, event) == (0, 2)
    assert balanced(city, stripe)


# ---- discounts


def with_code(world: World, **terms: Any) -> tuple[dict[str, Any], str]:
    host = world.person()
    event, kind = show(world, host, None)
    ok(world.post(f"{EVENTS}/{event['id']}/discount-codes", host, {"code": "spring", **terms}))
    return event, kind


CODE_ROW = "SELECT 1 FROM discount_codes WHERE post_id = $1 FOR UPDATE"


@pytest.mark.parametrize(
    "terms, many",
    [
        ({"amount": 500, "max_uses": 3}, 3),
        ({"amount": 500, "budget": 1999}, 3),
        ({"percent": 10, "budget": 450}, 3),
    ],
)
def test_a_code_is_used_as_often_as_its_budget_lasts(clone: World, terms: dict[str, Any], many: int) -> None:
    event, kind = with_code(clone, **terms)
    works = [buying(clone, me, event, kind, discount_code="SPRING") for me in crowd(clone, SOME)]
    found = at_the_office(clone, event, works)
    assert outcomes(found) == {"Order": many, "DiscountSpent": SOME - many}
    assert clone.sql("SELECT uses FROM discount_codes") == [{"uses": many}]
    assert office(clone, event) == (many, 0)


@pytest.mark.parametrize(
    "terms, look",
    [
        ({"amount": 500, "max_uses": 3}, "uses < max_uses"),
        ({"amount": 500, "budget": 1999}, "spent + $2 <= budget"),
    ],
)
def test_control_a_code_that_is_looked_at_first_is_used_too_often(
    clone: World, monkeypatch: pytest.MonkeyPatch, terms: dict[str, Any], look: str
) -> None:
    event, kind = with_code(clone, **terms)
    clone.sql("ALTER TABLE discount_codes DROP CONSTRAINT discount_codes_uses")
    clone.sql("ALTER TABLE discount_codes DROP CONSTRAINT discount_codes_spent")
    sql = f"""UPDATE discount_codes SET uses = uses + 1, spent = spent + $2
    WHERE id = $1 AND (SELECT {look} FROM discount_codes looked WHERE looked.id = $1)
    RETURNING coalesce(per_buyer, 2147483647)"""
    monkeypatch.setattr(codes, "TAKE", Query(int, sql))
    passing_by(monkeypatch)
    works = [buying(clone, me, event, kind, discount_code="SPRING") for me in crowd(clone, SOME)]
    found = together(clone, CODE_ROW, [UUID(event["id"])], works)
    assert outcomes(found) == {"Order": SOME}
    assert clone.sql("SELECT uses FROM discount_codes") == [{"uses": SOME}]


def test_one_person_at_once_uses_a_code_as_often_as_one_person_may(clone: World) -> None:
    event, kind = with_code(clone, amount=500, per_buyer=1)
    (me,) = crowd(clone, 1)
    works = [buying(clone, me, event, kind, discount_code="SPRING")] * SOME
    assert outcomes(at_the_office(clone, event, works)) == {"Order": 1, "DiscountSpent": SOME - 1}


def test_control_where_nobody_waits_for_the_code_everybody_is_the_first(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, kind = with_code(clone, amount=500, per_buyer=1)
    (me,) = crowd(clone, 1)
    sql = "SELECT per_buyer FROM discount_codes WHERE id = $1 AND $2::bigint > 0"
    monkeypatch.setattr(codes, "TAKE", Query(int, sql))
    passing_by(monkeypatch)
    works = [buying(clone, me, event, kind, discount_code="SPRING")] * SOME
    # Each has counted its uses by the time it writes the order.
    assert outcomes(together(clone, "LOCK TABLE orders IN SHARE MODE", [], works)) == {"Order": SOME}


# ---- giving back


def giving_back(city: World, stripe: Fake) -> tuple[Person, dict[str, Any], dict[str, Any], list[Any]]:
    """The buyer of two tickets, the event, the order, and its holder and the host who take back one, three times."""
    host, amina = city.person(), city.person()
    event, kind = show(city, host, 5)
    made = bought(city, stripe, amina, event, kind, 2)
    ticket = UUID(made["tickets"][0]["id"])

    async def give_up() -> None:
        async with city.app.db.tx() as tx:
            await service.give_up(tx, amina.me, ticket)

    async def take_back() -> None:
        async with city.app.db.tx() as tx:
            await service.refund(tx, host.me, UUID(made["id"]), RefundBody(ticket_ids=[ticket]))

    return amina, event, made, [give_up, take_back] * 3


def test_a_ticket_is_given_back_once(city: World, stripe: Fake) -> None:
    amina, event, made, works = giving_back(city, stripe)
    found = together(city, ORDER_ROW, [UUID(made["id"])], works)
    assert len([one for one in found if not isinstance(one, Exception)]) == 1
    assert outcomes(found).keys() <= {"NoneType", "TicketNotValid", "TicketUsed"}
    city.drain()
    hear(city, stripe)
    assert seen(city, amina, made)["refunded"] == PRICE
    assert office(city, event) == (0, 1)
    assert balanced(city, stripe)


def test_control_without_holding_order_and_ticket_it_is_given_back_twice(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than twice the other rows refuse: there were two tickets, and so much was paid."""
    amina, event, made, works = giving_back(city, stripe)
    loose = store.HOLD.sql.replace("FOR NO KEY UPDATE OF o", "")
    monkeypatch.setattr(store, "HOLD", Query(store.HOLD.row, loose))
    looked = rows.VOID.sql.replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(rows, "VOID", Query(rows.VOID.row, looked))
    found = together(
        city, "SELECT 1 FROM tickets FOR UPDATE", [], works[1::2] * 2
    )  # the host alone, six times
    assert outcomes(found) == {"NoneType": 2, "CheckViolationError": 4}
    assert office(city, event) == (0, 0)
    assert seen(city, amina, made)["refunded"] == 2 * PRICE


def given_back_while_paid(city: World, stripe: Fake) -> tuple[Any, list[Any]]:
    """The money of an order is with its buyer again while another order of the event is paid; what is sold then."""
    amina, bilal, host = city.person(), city.person(), city.person()
    event, kind = show(city, host, 5)
    made = bought(city, stripe, amina, event, kind)
    first = payment(city)
    other = order(city, bilal, event, kind)
    stripe.do("pay", begin(city, bilal, other))
    intent = city.sql("SELECT id, stripe_id FROM payments WHERE id <> $1", first)[0]
    city.go(payments.sync(city.app, Me.system, intent["stripe_id"]))

    async def give_back() -> None:
        async with city.app.db.tx() as tx:
            returned = await payments.refund(tx, Me.system, first, "a key", None)
            await service.given_back(tx, Me.system, first, returned.id, UUID(made["id"]), whole=True)

    works = [settling(city, intent["id"], other["id"]), give_back]
    found = in_turn(city, TYPE_ROW, [UUID(kind)], works)
    return office(city, event), found


def test_money_goes_back_while_somebody_pays(city: World, stripe: Fake) -> None:
    sold, found = given_back_while_paid(city, stripe)
    assert (sold, found) == ((0, 1), [None, None])
    assert sorted(one["number"] for one in city.sql("SELECT number FROM invoices")) == [1, 2, 3]


def test_control_a_number_that_is_held_before_the_office_is_waited_for_in_a_circle(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    void = service._void

    async def numbered_first(tx: Tx, row: store.Row, *args: Any) -> int:
        await tx.one(papers.NEXT, row.seller_id)
        return await void(tx, row, *args)

    monkeypatch.setattr(service, "_void", numbered_first)
    assert outcomes(given_back_while_paid(city, stripe)[1])["DeadlockDetectedError"] == 1


# ---- invoices


async def numbered(world: World, seller: UUID, *, fail: bool = False) -> int | None:
    async with world.app.db.tx() as tx:
        number = await tx.one(papers.NEXT, seller)
        if fail:
            raise LookupError("it came to nothing")
        return number


SELLER_ROW = "SELECT 1 FROM invoice_numbers WHERE seller_id = $1 FOR UPDATE"


def numbers(clone: World) -> list[int]:
    """What several at once get, of whom every other one comes to nothing."""
    seller = clone.person().id
    clone.go(numbered(clone, seller))
    works = [lambda at=at: numbered(clone, seller, fail=at % 2 == 0) for at in range(SOME)]
    found = together(clone, SELLER_ROW, [seller], works)
    return sorted(one for one in found if isinstance(one, int))


def test_numbers_of_invoices_have_no_gaps(clone: World) -> None:
    assert numbers(clone) == [2, 3, 4, 5]


def test_control_a_sequence_has_gaps(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clone.sql("CREATE SEQUENCE loose START 2")
    sql = """WITH waited AS (UPDATE invoice_numbers SET last = last WHERE seller_id = $1 RETURNING 1)
      SELECT nextval('loose') FROM waited"""
    seller = clone.person().id
    clone.go(numbered(clone, seller))
    monkeypatch.setattr(papers, "NEXT", Query(int, sql))
    works = [lambda at=at: numbered(clone, seller, fail=at % 2 == 0) for at in range(SOME)]
    found = together(clone, SELLER_ROW, [seller], works)
    assert len([one for one in found if isinstance(one, int)]) == SOME // 2
    assert clone.sql("SELECT last_value FROM loose") == [{"last_value": SOME + 1}]
