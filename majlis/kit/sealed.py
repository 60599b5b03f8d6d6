"""Which columns hold sealed values, and sealing them anew under the newest key while the server runs.

A feature names its columns in its store; the place of a value, which must be given again to open it, is
`table|column|key|…` with the keys of its row.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec

from majlis.kit import jobs, log
from majlis.kit.crypto import Sealer, Unsealable
from majlis.kit.db import Database, Tx

logger = log.get("majlis.sealed")
BATCH = 200  # rows of one transaction
PASSES = 5  # over a column: writers may leave behind what an older process sealed


class Column(msgspec.Struct, frozen=True):
    """A column of sealed texts; NULL and the empty text hold none."""

    table: str
    column: str
    keys: tuple[str, ...]

    def place(self, *keys: Any) -> str:
        """Where the value of a row stands."""
        return "|".join((self.table, self.column, *map(str, keys)))

    def old(self, *, further: bool) -> str:
        """The first $2 rows not sealed by the key that $1 begins with; or those behind the keys $3 and so on."""
        names = ", ".join(self.keys)
        behind = ", ".join(f"${3 + number}" for number in range(len(self.keys)))
        return (
            f"SELECT {self.column}, {names} FROM {self.table} WHERE {self.column} <> ''"
            f" AND NOT starts_with({self.column}, $1)"
            + (f" AND ({names}) > ({behind})" if further else "")
            + f" ORDER BY {names} LIMIT $2"
        )

    def write(self) -> str:
        """Replace $1 by $2 in the row of the keys $3 and so on, unless somebody else wrote it meanwhile."""
        row = " AND ".join(f"{name} = ${3 + number}" for number, name in enumerate(self.keys))
        return f"UPDATE {self.table} SET {self.column} = $2 WHERE {self.column} = $1 AND {row}"

    def count(self) -> str:
        """How many values each key has sealed."""
        return (
            f"SELECT split_part({self.column}, ':', 2), count(*) FROM {self.table} WHERE {self.column} <> ''"
            f" GROUP BY 1 ORDER BY 1"
        )


class Resealed(msgspec.Struct):
    """What became of a column: values sealed anew, and those that none of the keys opens."""

    column: Column
    done: int = 0
    lost: int = 0


columns: list[Column] = []


def column(table: str, name: str, *keys: str) -> Column:
    """Name a column of sealed values, by the columns that its places end with."""
    made = Column(table, name, keys)
    if made not in columns:
        columns.append(made)
    return made


async def reseal(db: Database, sealer: Sealer, which: Column) -> Resealed:
    """Seal anew what older keys sealed, some hundred rows at a time; stopped in the middle, it goes on where it was."""
    result = Resealed(which)
    for _ in range(PASSES):
        before, result.lost = result.done, 0
        after: tuple[Any, ...] | None = ()
        while after is not None:
            async with db.tx() as tx:
                after = await _batch(tx, sealer, result, after)
        if result.done == before:
            break
    return result


async def _batch(tx: Tx, sealer: Sealer, result: Resealed, after: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Seal the next rows anew; the keys of the last of them, or None at the end."""
    which = result.column
    keys: tuple[Any, ...] | None = None
    for value, *rest in await tx.records(which.old(further=bool(after)), sealer.prefix, BATCH, *after):
        keys = tuple(rest)
        place = which.place(*keys)
        try:
            plain = sealer.open(value, place)
        except Unsealable as error:
            result.lost += 1
            logger.error("sealed_value_lost", place=place, error=str(error))
            continue
        result.done += await tx.run(which.write(), value, sealer.seal(plain, place), *keys)
    return keys


@contextlib.contextmanager
def or_dropped(what: str) -> Iterator[None]:
    """In a job that opens such a value: where no key does, trying again never helps. Raises jobs.Dropped."""
    try:
        yield
    except Unsealable as error:
        raise jobs.Dropped(f"{what} cannot be opened: {error}") from error


async def counts(tx: Tx) -> dict[Column, dict[str, int]]:
    """How many values of each column each key has sealed."""
    return {which: dict(await tx.records(which.count())) for which in columns}


def samples() -> list[str]:
    """The statements of every column, for tests that prepare them."""
    return [
        text
        for one in columns
        for text in (one.old(further=False), one.old(further=True), one.write(), one.count())
    ]
