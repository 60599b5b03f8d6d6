"""Which statements a request runs."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from tests.world import World

AROUND = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
# The driver's own, where a connection meets a type for the first time.
DRIVERS = ("current_setting('jit')", "set_config('jit'", "typeinfo_tree")


@contextlib.contextmanager
def heard(world: World, wanted: Callable[[str], bool]) -> Iterator[list[str]]:
    """The wanted ones of the statements that a rolled-back world's connection runs inside."""
    seen: list[str] = []

    def note(record: Any) -> None:
        if wanted(record.query):
            seen.append(record.query)

    async def connection() -> Any:
        found = await world.app.db.pool.acquire()
        await world.app.db.pool.release(found)
        return found

    used = world.go(connection())
    used.add_query_logger(note)
    try:
        yield seen
    finally:
        used.remove_query_logger(note)


@contextlib.contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """The statements that a rolled-back world's connection runs inside, without those around transactions.

    As of a server that has just started: what it made of rows before is forgotten.
    """
    world.app.db.forget()

    def wanted(query: str) -> bool:
        return not query.startswith(AROUND) and not any(words in query for words in DRIVERS)

    with heard(world, wanted) as seen:
        yield seen
