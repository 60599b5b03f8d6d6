"""Waiting for other connections to stand still, without a clock."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from tests.world import World

WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    # A table that grows makes those who add to it wait for a moment, which is none of the locks that are meant.
    " WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event <> 'extend'"
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


async def behind(
    world: World, holding: str, *work: Coroutine[Any, Any, Any], args: tuple[Any, ...] = ()
) -> list[Any]:
    """Begin these while a statement holds what they need, each once those before it stand still; then let all go on.

    Raises the first error, when all have ended.
    """
    begun: list[asyncio.Future[Any]] = []
    async with world.app.db.tx() as tx:
        await tx.records(holding, *args)
        for one in work:
            begun.append(asyncio.ensure_future(one))
            await until_waiting(world, len(begun), *begun)
    ended = await asyncio.gather(*begun, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return ended


HALT = "SELECT pg_advisory_xact_lock(20261122)"
HALTED = """
CREATE FUNCTION halted(id uuid) RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(20261122);
  RETURN id;
END $$
"""


def halt_before(world: World, table: str, constraint: str) -> None:
    """Behind HALT, who adds to a table stops with the row stored, and not yet in the index of this constraint.

    So others who add the same row do not find it there: indexes are filled in the order in which they were made.
    """
    found = "SELECT pg_get_constraintdef(oid) AS said FROM pg_constraint WHERE conname = $1"
    (one,) = world.sql(found, constraint)
    world.sql(HALTED)
    world.sql(f"ALTER TABLE {table} DROP CONSTRAINT {constraint} CASCADE")
    world.sql(f"CREATE INDEX ON {table} (halted(id))")
    world.sql(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {one['said']}")


async def until_still(world: World, work: "Sequence[asyncio.Future[Any]]") -> None:
    """Until each piece of work has ended or waits for a lock, however long it takes."""
    while True:
        async with world.app.db.read() as tx:
            waiting = (await tx.records(WAITING))[0][0]
        if waiting >= len([one for one in work if not one.done()]):
            return
        await asyncio.sleep(0.01)


def in_turn(
    world: World, holding: str, args: Sequence[Any], works: Sequence[Callable[[], Awaitable[Any]]]
) -> list[Any]:
    """What becomes of work beside rows that a statement holds: each is begun when those before have ended or wait."""

    async def run() -> list[Any]:
        tasks: list[asyncio.Future[Any]] = []
        async with world.app.db.tx() as holder:
            await holder.records(holding, *args)
            for work in works:
                tasks.append(asyncio.ensure_future(work()))
                await until_still(world, tasks)
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    return world.go(run())
