"""One statement for what several requests ask at the same moment.

A short statement costs less than asking for it: two system calls, a wake-up and the set-up of a plan on either
side. Requests that come while the server is busy are therefore asked together. A lone request waits for nobody.
"""

import asyncio
import re
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias, TypeVar

import asyncpg

from majlis.kit.pool import Pool
from majlis.kit.query import Query

T = TypeVar("T")
MOST = 8  # callers of one statement, unless it says otherwise: see docs/decisions/0019
Caller: TypeAlias = tuple[Sequence[Any], asyncio.Future[list[Any]]]
LANES = 2  # statements of a kind under way at once; more would only make each of them smaller
PATIENCE = 0.05  # seconds that callers wait to be enough, behind a statement that may itself wait for a lock


class Joint(Query[T]):
    """A Query that can also be asked for many callers at once.

    `types` are the PostgreSQL types of its arguments; None marks one that is the same for all. `many` takes
    arrays in place of those that differ and answers rows with the caller's number (from 1) behind the usual
    columns; without it, it is made of `sql`, which must only read. A row type of `object` means rows as they come,
    maybe with that number behind them. `most` is how many callers share a statement; while one is under way,
    another begins when `least` wait, or somebody has waited PATIENCE seconds.
    """

    __slots__ = ("differing", "least", "many", "most")

    def __init__(
        self,
        row: type[T],
        sql: str,
        types: Sequence[str | None],
        many: str | None = None,
        most: int = MOST,
        least: int = 1,
    ) -> None:
        super().__init__(row, sql)
        self.most = most
        self.least = least
        self.differing = [kind is not None for kind in types]
        self.many = many or _for_each(sql, types)

    def key(self, args: Sequence[Any]) -> Hashable:
        """Callers with the same key may share a statement."""
        return self, *(arg for arg, differs in zip(args, self.differing, strict=True) if not differs)

    def gathered(self, callers: Sequence[Sequence[Any]]) -> list[Any]:
        """The arguments of `many` for the arguments of these callers."""
        columns = zip(*callers, strict=True)
        return [
            list(column) if differs else column[0]
            for column, differs in zip(columns, self.differing, strict=True)
        ]


def asked(types: Sequence[str | None]) -> str:
    """The SQL of a relation with a row for each caller: columns a1, a2 … for the arguments, and n.

    SELECT hides from PostgreSQL how many callers there are: it would take a plan for just as many for a better one, and
    make it anew each time, which costs several times what the statement does.
    """
    numbers = [number for number, kind in enumerate(types, 1) if kind is not None]
    arrays = ", ".join(f"(SELECT ${number}::{types[number - 1]}[])" for number in numbers)
    return f"unnest({arrays}) WITH ORDINALITY AS asked({', '.join(f'a{number}' for number in numbers)}, n)"


def of_caller(sql: str, types: Sequence[str | None]) -> str:
    """A piece of SQL about $1, $2 … as one about the columns of `asked`."""
    return re.sub(
        r"\$(\d+)", lambda mark: mark[0] if types[int(mark[1]) - 1] is None else f"asked.a{mark[1]}", sql
    )


def _for_each(sql: str, types: Sequence[str | None]) -> str:
    return (
        f"SELECT found.*, asked.n FROM {asked(types)} CROSS JOIN LATERAL ({of_caller(sql, types)}) AS found"
    )


class _Group:
    """Callers that may share a statement."""

    def __init__(self, query: Joint[Any]) -> None:
        self.query = query
        self.waiting: list[Caller] = []
        self.called = False
        self.running = 0
        self.timer: asyncio.TimerHandle | None = None

    def ready(self) -> bool:
        """Whether a statement should begin now."""
        if self.running == 0:
            return bool(self.waiting)
        return self.running < LANES and len(self.waiting) >= self.query.least


class Together:
    """Asks joint queries on a pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._groups: dict[Hashable, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, query: Joint[Any], args: Sequence[Any]) -> list[Any]:
        """The caller's own rows. What goes wrong with one caller's arguments is raised there only."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Any]] = loop.create_future()
        key = query.key(args)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(query)
        group.waiting.append((args, answer))
        if not group.called and group.ready():
            group.called = True
            loop.call_soon(self._start, group)  # behind everybody who asks in this turn of the loop
        elif query.least > 1 and group.timer is None:
            self._be_patient(group)
        return await answer

    def _be_patient(self, group: _Group) -> None:
        group.timer = asyncio.get_running_loop().call_later(PATIENCE, self._wait_no_longer, group)

    def _wait_no_longer(self, group: _Group) -> None:
        group.timer = None
        if group.waiting and group.running < LANES and not group.called:
            self._start(group)
        if group.waiting:  # for a lane, or left over
            self._be_patient(group)

    def _start(self, group: _Group) -> None:
        group.called = False
        waiting = [caller for caller in group.waiting if not caller[1].done()]
        most = group.query.most
        callers, group.waiting = waiting[:most], waiting[most:]
        if callers:
            group.running += 1
            task = asyncio.get_running_loop().create_task(self._run(group, callers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if group.ready():
            self._start(group)

    async def _run(self, group: _Group, callers: list[Caller]) -> None:
        try:
            await self._fetch(group.query, callers)
        except BaseException as error:
            for _, answer in callers:
                if not answer.done():
                    answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
        finally:
            group.running -= 1
            if group.ready() and not group.called:
                self._start(group)

    async def _fetch(self, query: Joint[Any], callers: list[Caller]) -> None:
        connection = await self._pool.acquire()
        try:
            if len(callers) > 1:
                try:
                    rows = await connection.fetch(query.many, *query.gathered([args for args, _ in callers]))
                except asyncpg.PostgresError:
                    pass  # nobody has got anything; each alone will show whose fault it was
                else:
                    _hand_out(query, rows, callers)
                    return
            for args, answer in callers:
                await _alone(connection, query, args, answer)
        finally:
            await self._pool.release(connection)


def _hand_out(query: Joint[Any], rows: list[Any], callers: list[Caller]) -> None:
    found: list[list[Any]] = [[] for _ in callers]
    bare = query.row is not object
    for row in rows:
        found[row[-1] - 1].append(row[:-1] if bare else row)
    for (_, answer), own in zip(callers, found, strict=True):
        if not answer.done():
            answer.set_result(own)


async def _alone(
    connection: Any, query: Joint[Any], args: Sequence[Any], answer: asyncio.Future[list[Any]]
) -> None:
    if answer.done():
        return
    try:
        rows = await connection.fetch(query.sql, *args)
    except asyncpg.PostgresError as error:
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(rows)
