"""The stance that goes with tickets, when they come and go at the same moment."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from majlis.features.boxoffice import service as boxoffice
from majlis.features.events import service as events
from majlis.features.orders import service as orders
from majlis.features.tickets import service
from majlis.kit.db import Tx
from majlis.kit.me import Me
from tests.features.events.inviting import stand
from tests.features.orders.selling import FREE, buying, outcomes, show
from tests.waiting import in_turn, until_still
from tests.world import Person, World


def going(world: World) -> tuple[Person, dict[str, Any], Any, Any]:
    """Somebody who goes and has no ticket any more, which is followed and bought at once."""
    event, kind = show(world, world.person(), 5, FREE)
    amina = world.person()
    stand(world, amina, event, "going")

    async def follow() -> None:
        async with world.app.db.tx() as tx:
            await service.follow(tx, Me.system, UUID(event["id"]), amina.id)

    return amina, event, follow, buying(world, amina.me, event, kind)


def stance(world: World, who: Person) -> str:
    found = world.sql("SELECT event_state FROM event_interests WHERE user_id = $1", who.id)
    return str(found[0]["event_state"])


STANCE_ROW = "SELECT 1 FROM event_interests WHERE user_id = $1 FOR UPDATE"


def test_who_buys_while_an_older_ticket_is_given_back_goes(clone: World) -> None:
    amina, _, follow, buy = going(clone)
    assert outcomes(in_turn(clone, STANCE_ROW, [amina.id], [follow, buy])) == {"NoneType": 1, "Order": 1}
    assert stance(clone, amina) == "going"


def test_control_who_buys_and_looked_before_goes_no_more(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        """Somebody went already, when the purchase looked."""

    amina, _, follow, buy = going(clone)
    monkeypatch.setattr(orders, "events", SimpleNamespace(take_stance=nothing))
    assert outcomes(in_turn(clone, STANCE_ROW, [amina.id], [follow, buy])) == {"NoneType": 1, "Order": 1}
    assert stance(clone, amina) == "interested"


def bought_while_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """The stance of somebody who buys after it was looked for tickets of theirs and before the stance follows them."""
    amina, _, follow, buy = going(world)

    async def run() -> None:
        looked, bought = asyncio.Event(), asyncio.Event()

        async def slowly(tx: Tx, me: Me, post_id: UUID) -> Any:
            looked.set()
            await bought.wait()
            return await events.get(tx, me, post_id)

        monkeypatch.setattr(service, "events", SimpleNamespace(get=slowly, take_stance=events.take_stance))
        following = asyncio.ensure_future(follow())
        await looked.wait()
        buying = asyncio.ensure_future(buy())
        await until_still(world, [buying])
        bought.set()
        await asyncio.gather(following, buying)

    world.go(run())
    return stance(world, amina)


def test_who_buys_while_it_is_looked_for_tickets_goes(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bought_while_followed(clone, monkeypatch) == "going"


def test_control_where_nobody_holds_the_office_they_do_not(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(tx: Tx, me: Me, post_id: UUID) -> None:
        return None

    monkeypatch.setattr(boxoffice, "hold", nothing)
    assert bought_while_followed(clone, monkeypatch) == "interested"
