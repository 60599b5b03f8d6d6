"""Rows that say what another company says of a thing."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from majlis.kit.db import Database, Tx

Row = TypeVar("Row")
Found = TypeVar("Found")
TRIES = 5  # of asking for a thing that others write at the same time


async def settle(
    db: Database,
    known: Callable[[Tx, Found | None], Awaitable[Row | None]],
    ask: Callable[[], Awaitable[Found]],
    write: Callable[[Tx, Row, Found], Awaitable[bool]],
) -> None:
    """Ask for a thing and write what is said of it, always after everything that was written before.

    `known` finds our row, before there is an answer, and by it where the one that would have told us the company's id
    is still on its way; nothing is written without a row. `write` refuses a row that has moved since it was read.
    """
    for _ in range(TRIES):
        async with db.tx() as tx:
            row = await known(tx, None)
        found = await ask()
        async with db.tx() as tx:
            row = row or await known(tx, found)
            if row is None or await write(tx, row, found):
                return
    raise RuntimeError("something at another company changes without end")
