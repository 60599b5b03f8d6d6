"""Letters that are read at the same moment."""

from typing import Any

import asyncpg
import pytest

from majlis.features.conversations import service as conversations
from majlis.features.letters import service
from majlis.features.letters.model import Letter
from tests.waiting import behind
from tests.world import Person, World


async def write(world: World, sender: Person, receiver: Person) -> Letter:
    async with world.app.db.tx() as tx:
        return await service.send(tx, sender.me, receiver.id, "Salaam")


def _read_crosswise(world: World) -> list[int]:
    """Two people read what the same two wrote to them, and meet at the log of one of these; how many each read.

    Conversations are read in the order in which they were begun, which is another for the second reader.
    """
    amina, bilal, karim, dara = (world.person() for _ in range(4))
    begun = ((karim, amina), (dara, amina), (dara, bilal), (karim, bilal))
    letters = [(receiver, world.go(write(world, sender, receiver)).id) for sender, receiver in begun]

    async def read(who: Person) -> int:
        async with world.app.db.tx() as tx:
            return len(await service.read(tx, who.me, [id for receiver, id in letters if receiver is who]))

    holding = "SELECT 1 FROM user_streams WHERE user_id = $1 FOR UPDATE"
    read_by: list[int] = world.go(behind(world, holding, read(amina), read(bilal), args=(karim.id,)))
    return read_by


def test_letters_of_the_same_two_people_are_read_at_once(clone: World) -> None:
    assert _read_crosswise(clone) == [2, 2]


def test_control_where_logs_are_not_held_first_they_deadlock(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*given: Any) -> None:
        return None

    monkeypatch.setattr(conversations, "hold_logs", nothing)
    with pytest.raises(asyncpg.DeadlockDetectedError):
        _read_crosswise(clone)


@pytest.mark.parametrize("sent", [False, True])
def test_a_log_that_is_held_stays_as_it_is(world: World, sent: bool) -> None:
    amina, karim = world.person(), world.person()
    if sent:
        world.go(write(world, karim, amina))
    ends = "SELECT coalesce(max(last_seq), 0) AS seq FROM user_streams WHERE user_id = $1"
    before = world.sql(ends, amina.id)

    async def hold() -> None:
        async with world.app.db.tx() as tx:
            await conversations.hold_logs(tx, amina.me, [amina.id, amina.id])

    world.go(hold())
    assert world.sql(ends, amina.id) == before
    world.go(write(world, world.person(), amina))
    assert world.sql(ends, amina.id)[0]["seq"] == before[0]["seq"] + 1
    numbers = "SELECT seq FROM user_events WHERE user_id = $1 ORDER BY seq"
    assert [row["seq"] for row in world.sql(numbers, amina.id)] == [*range(1, before[0]["seq"] + 2)]
