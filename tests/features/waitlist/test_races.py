"""Waiting lists while the event, its tickets and the line itself change."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice import store as boxes
from majlis.features.boxoffice.model import NotOnSale, Office
from majlis.features.waitlist import service
from majlis.features.waitlist.model import AcceptBody, WaitBody
from majlis.kit.db import Tx
from majlis.kit.me import Me
from tests.features.orders.selling import (
    FREE,
    OFFICE_ROW,
    TYPE_ROW,
    add_type,
    office,
    ok,
    order,
    outcomes,
    show,
)
from tests.features.waitlist.test_waitlist import full, give_up, line, wait
from tests.waiting import in_turn, until_waiting
from tests.world import Person, World


def waiting(world: World, who: Person, event: dict[str, Any], kind: str) -> Any:
    """Somebody begins to wait."""

    async def begin() -> Any:
        async with world.app.db.tx() as tx:
            return await service.wait(tx, who.me, UUID(event["id"]), WaitBody(type_id=UUID(kind)))

    return begin


# ---- an event that is cancelled


def accepted_while_cancelled(world: World) -> tuple[Any, Person, dict[str, Any]]:
    """Somebody takes an offer while the event is being cancelled; what they get."""
    host, event, kind, amina, made = full(world, 1)
    bilal = world.person()
    entry = ok(wait(world, bilal, event, kind))
    give_up(world, amina, made)

    async def accept() -> Any:
        async with world.app.db.tx() as tx:
            return await service.accept(tx, bilal.me, UUID(entry["id"]), AcceptBody())

    async def run() -> Any:
        async with world.app.db.tx() as tx:
            await boxoffice.cancel(tx, host.me, UUID(event["id"]))
            (task,) = tasks = [world.runner.get_loop().create_task(accept())]
            await until_waiting(world, 1, *tasks)
        try:
            return await task
        except NotOnSale as refused:
            return refused

    return world.go(run()), bilal, event


def test_no_order_is_made_for_an_event_that_is_being_cancelled(clone: World) -> None:
    found, bilal, event = accepted_while_cancelled(clone)
    assert isinstance(found, NotOnSale)
    clone.drain()
    assert (line(clone, bilal), office(clone, event)) == ([("left", 0)], (0, 0))
    assert not clone.sql("SELECT FROM orders WHERE buyer_id = $1", bilal.id)


def test_control_who_does_not_look_behind_the_office_orders_all_the_same(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def looked(tx: Tx, me: Me, post_id: UUID) -> Office | None:
        return await tx.one(boxes.OFFICE, post_id)

    monkeypatch.setattr(boxoffice, "hold", looked)
    found, bilal, _ = accepted_while_cancelled(clone)
    assert not isinstance(found, NotOnSale)
    assert clone.sql("SELECT status FROM orders WHERE buyer_id = $1", bilal.id) == [{"status": "paid"}]


# ---- a kind of ticket that is taken away


def waited_for_while_removed(world: World) -> tuple[list[Any], dict[str, Any]]:
    """The host takes a kind of ticket away while somebody begins to wait for it."""
    host, amina, bilal = (world.person() for _ in range(3))
    event, kind = show(world, host, 1, FREE)
    spare = add_type(world, host, event, **FREE)
    order(world, amina, event, kind)

    async def remove() -> None:
        async with world.app.db.tx() as tx:
            await boxoffice.remove_type(tx, host.me, UUID(spare))

    works = [remove, waiting(world, bilal, event, spare)]
    return in_turn(world, TYPE_ROW, [UUID(spare)], works), event


def test_nobody_begins_to_wait_for_what_is_taken_away(clone: World) -> None:
    found, event = waited_for_while_removed(clone)
    assert outcomes(found) == {"NoneType": 1, "NotFound": 1}
    assert clone.sql("SELECT waiting FROM box_offices WHERE post_id = $1", UUID(event["id"])) == [
        {"waiting": 0}
    ]


def test_control_who_does_not_stand_in_line_at_the_office_fails(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    selling = boxoffice.selling

    async def loose(*args: Any, **options: Any) -> Any:
        return await selling(*args, **{**options, "held": False})

    monkeypatch.setattr(boxoffice, "selling", loose)
    found, _ = waited_for_while_removed(clone)
    failed = (asyncpg.ForeignKeyViolationError, asyncpg.DeadlockDetectedError)
    assert any(isinstance(one, failed) for one in found)


# ---- waiting again, and not any more


def again_while_leaving(world: World) -> list[Any]:
    """Somebody who waits begins to wait, and waits no more, both at once."""
    _, event, kind, _, _ = full(world)
    bilal = world.person()
    entry = ok(wait(world, bilal, event, kind))

    async def leave() -> None:
        async with world.app.db.tx() as tx:
            await service.leave(tx, bilal.me, UUID(entry["id"]))

    works = [waiting(world, bilal, event, kind), leave]
    return in_turn(world, OFFICE_ROW, [UUID(event["id"])], works)


def test_who_waits_and_leaves_at_once_does_not_wait_in_a_circle(clone: World) -> None:
    assert outcomes(again_while_leaving(clone)) == {"AlreadyWaiting": 1, "NoneType": 1}


def test_control_who_leaves_before_holding_the_office_is_waited_for_in_a_circle(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(tx: Tx, me: Me, post_id: UUID) -> None:
        return None

    monkeypatch.setattr(boxoffice, "hold", nothing)
    assert outcomes(again_while_leaving(clone))["DeadlockDetectedError"] == 1
