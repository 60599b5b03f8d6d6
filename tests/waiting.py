"""Waiting for another connection to stand still, without a clock."""

import asyncio
from typing import Any

from tests.world import World

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def until_waiting(world: World, many: int, *work: "asyncio.Future[Any]") -> None:
    """Until so many connections of this database wait for a lock, however long it takes.

    Raises AssertionError when a piece of work has ended instead of waiting.
    """
    while True:
        async with world.app.db.read() as tx:
            if (await tx.records(WAITING))[0][0] >= many:
                return
        ended = [one for one in work if one.done()]
        assert not ended, f"it waits for nobody: {[one.exception() or one.result() for one in ended]}"
        await asyncio.sleep(0.01)  # the other one needs the processor too
