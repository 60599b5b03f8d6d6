"""A ticket that is handed on at the moment in which it is given back."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from majlis.features.orders import service
from majlis.features.tickets import service as tickets
from majlis.features.tickets import store as rows
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from tests.features.orders.selling import FREE, office, ok, order, show
from tests.waiting import until_waiting
from tests.world import World


async def given_back_while_handed_on(world: World, ticket: UUID, transfer: UUID, giver: Me, taker: Me) -> Any:
    """What becomes of giving a ticket back, which begins before somebody else has it, and ends behind that."""

    async def give_up() -> None:
        async with world.app.db.tx() as tx:
            await service.give_up(tx, giver, ticket)

    async with world.app.db.tx() as tx:
        await tickets.accept(tx, taker, transfer)
        giving = asyncio.ensure_future(give_up())
        await until_waiting(world, 1, giving)
    return (await asyncio.gather(giving, return_exceptions=True))[0]


@pytest.mark.parametrize("guarded", [True, False])
def test_who_handed_a_ticket_on_cannot_give_it_back(
    clone: World, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The money would go to who sold it, and who has it would stand at the door. Control: nothing holds the ticket."""
    if not guarded:
        monkeypatch.setattr(rows, "HOLD", rows.GET)
    host, amina, bilal = clone.person(), clone.person(), clone.person()
    event, kind = show(clone, host, 3, FREE)
    (ticket,) = order(clone, amina, event, kind)["tickets"]
    offered = ok(clone.post(f"/api/v1/tickets/{ticket['id']}/transfer", amina, {"user_id": str(bilal.id)}))
    ids = UUID(ticket["id"]), UUID(offered["id"])
    came = clone.go(given_back_while_handed_on(clone, *ids, Me(id=amina.id), Me(id=bilal.id)))
    (held,) = clone.get("/api/v1/tickets", bilal).json()["data"]
    if guarded:
        assert isinstance(came, NotFound)
        assert (held["status"], office(clone, event)) == ("paid", (0, 1))
    else:
        assert came is None and held["status"] != "paid"
