"""Events that are put off or brought forward after tickets were sold: the host is paid out after the end there is then."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from majlis.features.orders import service
from majlis.features.orders import store as rows
from majlis.features.payments import service as payments
from majlis.features.posts import service as posts
from majlis.features.posts.model import PostUpdate
from majlis.features.waitlist import service as waitlist
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.kit.me import Me
from majlis.kit.page import Paging
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS, when
from tests.features.orders.selling import (
    FREE,
    PRICE,
    begin,
    bought,
    ok,
    order,
    seen,
    show,
)
from tests.features.payments.paying import hear
from tests.waiting import until_waiting
from tests.world import Person, World

DAY = 24.0  # hours


async def moving(world: World, host: Person, event: dict[str, Any], days: float) -> None:
    """Let an event begin in so many days from now, for two hours."""
    dates = msgspec.convert(when(days * DAY, days * DAY + 2), PostUpdate)
    async with world.app.db.tx() as tx:
        await posts.update(tx, host.me, UUID(event["id"]), dates, None)


def move(world: World, host: Person, event: dict[str, Any], days: float) -> None:
    """The same, and what follows from it."""
    world.go(moving(world, host, event, days))
    world.drain()


def available(world: World, host: Person, days: float = 0) -> int:
    """What the host could get in so many days."""

    async def ask() -> int:
        async with world.app.db.read() as tx:
            (found,) = await payments.balances(tx, Me.system, host.id)
        return found.available

    with clock.shifted(timedelta(days=days)):
        return world.go(ask())


def sold(town: World, stripe: Fake, days: float = 2) -> tuple[Person, dict[str, Any]]:
    """A host and their event in so many days, of which one ticket is paid."""
    host, amina = town.person(), town.person()
    event, kind = show(town, host, None, starts=days * DAY)
    bought(town, stripe, amina, event, kind)
    return host, event


def test_of_an_event_that_is_put_off_nothing_is_paid_out_at_its_first_end(town: World, stripe: Fake) -> None:
    host, event = sold(town, stripe)
    assert (available(town, host, 1.9), available(town, host, 2.2)) == (0, PRICE)
    move(town, host, event, 30)
    assert (available(town, host, 29.9), available(town, host, 30.2)) == (0, PRICE)


def test_an_event_that_is_brought_forward_is_paid_out_sooner(town: World, stripe: Fake) -> None:
    host, event = sold(town, stripe, 30)
    move(town, host, event, 5)
    assert (available(town, host, 4.9), available(town, host, 5.2)) == (0, PRICE)


def test_nobody_is_paid_out_at_once_by_bringing_an_event_forward(town: World, stripe: Fake) -> None:
    host, event = sold(town, stripe, 30)
    move(town, host, event, 0.1)
    assert (available(town, host, 0.9), available(town, host, 1.1)) == (0, PRICE)
    with clock.shifted(timedelta(hours=12)):  # saying it again neither hastens nor delays it
        move(town, host, event, 0.1)
    assert (available(town, host, 0.9), available(town, host, 1.1)) == (0, PRICE)


def test_other_events_stay_as_they_are(town: World, stripe: Fake) -> None:
    host, event = sold(town, stripe)
    amina = town.person()
    other, kind = show(town, host, None, starts=3 * DAY)
    bought(town, stripe, amina, other, kind, 2)
    move(town, host, event, 30)
    assert (available(town, host, 3.2), available(town, host, 30.2)) == (2 * PRICE, 3 * PRICE)


@pytest.mark.parametrize("days, first, then", [(30, 29.9, 30.2), (5, 4.9, 5.2)], ids=["put off", "forward"])
def test_what_is_paid_for_after_the_move_follows_it_too(
    town: World, stripe: Fake, days: float, first: float, then: float
) -> None:
    """Its payment had begun before."""
    host, amina = town.person(), town.person()
    event, kind = show(town, host, None, starts=10 * DAY)
    made = order(town, amina, event, kind)
    intent = begin(town, amina, made)
    move(town, host, event, days)
    stripe.do("pay", intent)
    hear(town, stripe)
    town.drain()
    assert seen(town, amina, made)["status"] == "paid"
    assert (available(town, host, first), available(town, host, then)) == (0, PRICE)


def test_all_orders_of_a_large_event_follow(
    town: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "EARNING", Query(UUID, rows.EARNING.sql.replace("LIMIT 200", "LIMIT 2")))
    host, event = sold(town, stripe)
    kind = ok(town.get(f"{EVENTS}/{event['id']}/ticket-types"))["ticket_types"][0]["id"]
    for _ in range(4):
        bought(town, stripe, town.person(), event, kind)
    move(town, host, event, 30)
    assert (available(town, host, 29.9), available(town, host, 30.2)) == (0, 5 * PRICE)


def test_who_waits_waits_for_the_event_where_it_is_now(world: World) -> None:
    host, amina, bilal = (world.person() for _ in range(3))
    event, kind = show(world, host, 1, FREE)
    made = order(world, amina, event, kind)
    ok(world.post(f"{EVENTS}/{event['id']}/waitlist", bilal, {"type_id": kind}))
    move(world, host, event, 30)

    async def ten_days_later() -> list[tuple[str, bool]]:
        async with world.app.db.tx() as tx:
            await service.give_up(tx, amina.me, UUID(made["tickets"][0]["id"]))
        async with world.app.db.tx() as tx:
            await waitlist.offer(tx, Me.system, UUID(event["id"]))
            found = (await waitlist.mine(tx, bilal.me, Paging())).items
        in_time = clock.now() + timedelta(hours=23)
        return [(one.status, (one.offer_expires_at or clock.now()) > in_time) for one in found]

    with clock.shifted(timedelta(days=10)):
        assert world.go(ten_days_later()) == [("offered", True)]


def moved_while_paid(city: World, stripe: Fake, *, waits: bool) -> int:
    """What is available in 25 days of a ticket that is paid while its event is put off again: who settles the order has
    seen the second end, which is in 20 days, and stands before the payment.
    """
    host, amina = city.person(), city.person()
    event, kind = show(city, host, None)
    made = order(city, amina, event, kind)
    intent_id = begin(city, amina, made)
    move(city, host, event, 20)
    stripe.do("pay", intent_id)
    post_id = UUID(event["id"])

    async def settle(payment: UUID) -> None:
        async with city.app.db.tx() as tx:
            await service.settle(tx, Me.system, payment, UUID(made["id"]))

    async def follow() -> None:
        async with city.app.db.tx() as tx:
            await service.follow_event(tx, Me.system, post_id, UUID(int=0))

    async def run() -> None:
        async with city.app.db.tx() as tx:
            payment, intent = (await tx.records("SELECT id, stripe_id FROM payments"))[0]
        await payments.sync(city.app, Me.system, intent)
        async with city.app.db.tx() as holder:
            await holder.records("SELECT 1 FROM payments FOR UPDATE")
            settling = asyncio.ensure_future(settle(payment))
            await until_waiting(city, 1, settling)
            await moving(city, host, event, 30)
            following = asyncio.ensure_future(follow())
            if waits:
                await until_waiting(city, 2, settling, following)
            else:
                await following
        await asyncio.gather(settling, following)

    city.go(run())
    return available(city, host, 25)


def test_an_event_that_is_put_off_while_a_ticket_is_paid_is_followed(city: World, stripe: Fake) -> None:
    assert moved_while_paid(city, stripe, waits=True) == 0


def test_control_without_holding_the_order_the_first_end_stays(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = rows.EARNING.sql.replace("total > 0", "status = 'paid'").replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(rows, "EARNING", Query(UUID, looked))
    assert moved_while_paid(city, stripe, waits=False) == PRICE
