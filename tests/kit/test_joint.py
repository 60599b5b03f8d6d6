"""Statements that requests share: everybody gets their own rows, faults and cancellations stay where they belong."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from majlis.kit import joint as joints
from majlis.kit.db import Database, Joint
from majlis.kit.pool import open_pool
from tests.world import World

SQUARE = Joint(object, "SELECT $1 AS given, v FROM generate_series(1, $1 % 4) AS v", ["int"], most=64)
INVERSE = Joint(int, "SELECT 100 / $1 AS v", ["int"])
LABELLED = Joint(str, "SELECT $2 || ($1::int)::text AS v", ["int", None])


class Log:
    """The statements that a database was asked."""

    def __init__(self, db: Database, lines: list[str]) -> None:
        self.db = db
        self.lines = lines


@pytest.fixture
def asked(clone: World) -> Iterator[Log]:
    lines: list[str] = []
    pool = clone.go(open_pool(clone.url, 4))

    def note(line: Any) -> None:
        if "typeinfo_tree" not in line.query and "current_setting" not in line.query:  # asyncpg's own
            lines.append(line.query)

    async def listen() -> None:
        connections = [await pool.acquire() for _ in range(4)]
        for connection in connections:
            connection.add_query_logger(note)
            await pool.release(connection)

    clone.go(listen())
    lines.clear()
    yield Log(Database(pool), lines)
    clone.go(pool.close())


async def ask(db: Database, query: Joint[Any], *args: Any) -> list[tuple[Any, ...]]:
    async with db.read() as tx:
        return [tuple(row) for row in await tx.joint(query, *args)]


def test_everybody_gets_their_own_rows(clone: World, asked: Log) -> None:
    async def all_at_once() -> list[list[tuple[Any, ...]]]:
        return await asyncio.gather(*(ask(asked.db, SQUARE, number) for number in range(50)))

    for number, rows in enumerate(clone.go(all_at_once())):
        assert [row[:2] for row in rows] == [(number, v) for v in range(1, number % 4 + 1)]
    assert asked.lines == [SQUARE.many], "and nobody asked alone"


def test_a_lone_caller_asks_the_plain_statement(clone: World, asked: Log) -> None:
    assert clone.go(ask(asked.db, SQUARE, 3)) == [(3, 1), (3, 2), (3, 3)]
    assert asked.lines == [SQUARE.sql]


def test_who_comes_while_it_is_busy_goes_together_next(clone: World, asked: Log) -> None:
    slow = Joint(int, "SELECT $1::int FROM pg_advisory_xact_lock_shared(1)", ["int"])

    async def in_a_row() -> list[list[tuple[Any, ...]]]:
        tasks = []
        async with clone.app.db.tx() as tx:
            await tx.run("SELECT pg_advisory_xact_lock(1)")
            for number in range(12):
                tasks.append(asyncio.create_task(ask(asked.db, slow, number)))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        return await asyncio.gather(*tasks)

    assert clone.go(in_a_row()) == [[(number,)] for number in range(12)]
    assert len(asked.lines) <= joints.LANES + 2


def test_few_wait_for_the_statement_under_way_and_enough_begin_another(
    clone: World, asked: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joints, "PATIENCE", 600)
    slow = Joint(int, "SELECT $1::int FROM pg_advisory_xact_lock_shared(1)", ["int"], least=3)
    begun: list[int] = []

    async def come(tasks: list[Any], number: int) -> None:
        tasks.append(asyncio.create_task(ask(asked.db, slow, number)))
        for _ in range(5):
            await asyncio.sleep(0)
        opened, idle = asked.db.pool.sizes()
        begun.append(opened - idle)  # each statement under way has a connection

    async def one_by_one() -> list[list[tuple[Any, ...]]]:
        tasks: list[Any] = []
        async with clone.app.db.tx() as tx:
            await tx.run("SELECT pg_advisory_xact_lock(1)")
            for number in range(6):
                await come(tasks, number)
        async with asyncio.timeout(60):
            return await asyncio.gather(*tasks)

    assert clone.go(one_by_one()) == [[(number,)] for number in range(6)], "those who wait are not forgotten"
    assert begun == [1, 1, 1, 2, 2, 2]
    assert len(asked.lines) == 3, "one, three, and then the two that were left"


def test_who_waits_for_company_does_not_wait_for_somebody_elses_lock(clone: World, asked: Log) -> None:
    held = Joint(int, "SELECT $1::int FROM pg_advisory_xact_lock_shared($1)", ["int"], least=3)

    async def behind_a_lock() -> list[Any]:
        async with clone.app.db.tx() as tx:
            await tx.run("SELECT pg_advisory_xact_lock(1)")
            waits = asyncio.create_task(ask(asked.db, held, 1))
            for _ in range(5):
                await asyncio.sleep(0)
            assert asked.db.pool.sizes() == (4, 3), "it is under way, alone"
            async with asyncio.timeout(60):
                free = await ask(asked.db, held, 2)
            assert not waits.done()
        return [await waits, free]

    assert clone.go(behind_a_lock()) == [[(1,)], [(2,)]]


def test_who_waited_while_all_lanes_were_full_is_not_forgotten(clone: World, asked: Log) -> None:
    held = Joint(int, "SELECT $1::int FROM pg_advisory_xact_lock_shared($1)", ["int"], least=2)

    async def behind_two_locks() -> list[Any]:
        async with clone.app.db.tx() as first:
            await first.run("SELECT pg_advisory_xact_lock(1)")
            async with clone.app.db.tx() as second:
                await second.run("SELECT pg_advisory_xact_lock(2)")
                tasks = []
                for number in (1, 2, 2, 3):
                    tasks.append(asyncio.create_task(ask(asked.db, held, number)))
                    for _ in range(5):
                        await asyncio.sleep(0)
                assert asked.db.pool.sizes() == (4, 2), "both lanes are full"
                await asyncio.sleep(3 * joints.PATIENCE)
            async with asyncio.timeout(60):
                free = await tasks[3]
            assert not tasks[0].done()
        return [*await asyncio.gather(*tasks[:3]), free]

    assert clone.go(behind_two_locks()) == [[(1,)], [(2,)], [(2,)], [(3,)]]


def test_arguments_that_are_the_same_for_all_keep_callers_apart(clone: World, asked: Log) -> None:
    async def all_at_once() -> list[list[tuple[Any, ...]]]:
        return await asyncio.gather(*(ask(asked.db, LABELLED, n, "ab"[n % 2]) for n in range(10)))

    assert clone.go(all_at_once()) == [[(f"{'ab'[n % 2]}{n}",)] for n in range(10)]
    assert len(asked.lines) == 2


def test_a_fault_reaches_only_whose_it_is(clone: World, asked: Log) -> None:
    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(ask(asked.db, INVERSE, n) for n in (1, 0, 4)), return_exceptions=True)

    first, second, third = clone.go(all_at_once())
    assert (first, third) == ([(100,)], [(25,)])
    assert isinstance(second, asyncpg.DivisionByZeroError)


def test_a_caller_who_leaves_takes_nobody_along(clone: World, asked: Log) -> None:
    async def one_leaves() -> list[Any]:
        tasks = [asyncio.create_task(ask(asked.db, SQUARE, n)) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, gone, third = clone.go(one_leaves())
    assert isinstance(gone, asyncio.CancelledError)
    assert (len(first), len(third)) == (1, 3)
    opened, idle = asked.db.pool.sizes()
    assert opened == idle, "no connection is still out"


def test_who_waits_behind_many_that_left_is_served(clone: World, asked: Log) -> None:
    async def most_leave() -> list[Any]:
        tasks = [asyncio.create_task(ask(asked.db, SQUARE, n)) for n in range(SQUARE.most + 2)]
        await asyncio.sleep(0)
        for task in tasks[: SQUARE.most]:
            task.cancel()
        async with asyncio.timeout(60):
            return await asyncio.gather(*tasks[SQUARE.most :])

    none, (row,) = clone.go(most_leave())
    assert none == [] and row[:2] == (65, 1)


def test_a_crowd_is_served_by_several_statements_in_its_order(clone: World, asked: Log) -> None:
    few = Joint(object, SQUARE.sql, ["int"], most=4)

    async def all_at_once() -> list[list[tuple[Any, ...]]]:
        return await asyncio.gather(*(ask(asked.db, few, number) for number in range(19)))

    for number, rows in enumerate(clone.go(all_at_once())):
        assert [row[:2] for row in rows] == [(number, v) for v in range(1, number % 4 + 1)]
    assert len(asked.lines) == 5


def test_a_crowd_takes_both_lanes_at_once(clone: World, asked: Log) -> None:
    few = Joint(int, "SELECT $1::int FROM pg_advisory_xact_lock_shared(2)", ["int"], most=4)

    async def waiting() -> tuple[int, list[list[tuple[Any, ...]]]]:
        async with clone.app.db.tx() as tx:
            await tx.run("SELECT pg_advisory_xact_lock(2)")
            tasks = [asyncio.create_task(ask(asked.db, few, number)) for number in range(12)]
            async with asyncio.timeout(60):
                while len(asked.db.together[asked.db.pool]._tasks) < joints.LANES:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                for _ in range(20):
                    await asyncio.sleep(0)
            lanes = len(asked.db.together[asked.db.pool]._tasks)
        return lanes, await asyncio.gather(*tasks)

    assert clone.go(waiting()) == (joints.LANES, [[(number,)] for number in range(12)])


def test_a_connection_that_breaks_is_everybodys_error(clone: World, asked: Log) -> None:
    end = Joint(object, "SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1 > 0", ["int"])

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(ask(asked.db, end, n) for n in (1, 2)), return_exceptions=True)

    assert all(isinstance(one, Exception) for one in clone.go(all_at_once()))
    assert clone.go(ask(asked.db, SQUARE, 1)) == [(1, 1)], "the next caller gets another connection"


def test_inside_a_transaction_it_is_part_of_it(clone: World, asked: Log) -> None:
    count = Joint(int, "SELECT count(*)::int + $1 FROM sell_categories", ["int"])

    async def work() -> int:
        async with asked.db.tx() as tx:
            await tx.run("DELETE FROM sell_categories")
            return int((await tx.joint(count, 0))[0][0])

    assert clone.go(work()) == 0
    assert count.sql in asked.lines


def test_a_write_is_done_once_for_each_caller(clone: World, asked: Log) -> None:
    """The last statement of a transaction is shared too, if it is the only one."""
    clone.sql("CREATE TABLE marks (n int UNIQUE)")
    mark = Joint(
        int,
        "INSERT INTO marks VALUES ($1) RETURNING n",
        ["int"],
        many="WITH made AS (INSERT INTO marks SELECT unnest($1::int[]) RETURNING n)"
        " SELECT made.n, asked.n FROM made JOIN unnest($1::int[]) WITH ORDINALITY AS asked(v, n) ON asked.v = made.n",
        most=64,
    )

    async def write(number: int) -> int | None:
        async with asked.db.tx() as tx:
            return await tx.last(mark, number)

    async def all_at_once(*numbers: int) -> list[Any]:
        return await asyncio.gather(*(write(n) for n in numbers), return_exceptions=True)

    assert clone.go(all_at_once(*range(20))) == list(range(20))
    assert asked.lines == [mark.many]
    found = clone.go(all_at_once(20, 5, 21))
    assert (found[0], found[2]) == (20, 21)
    assert isinstance(found[1], asyncio.CancelledError | asyncpg.UniqueViolationError)
    assert clone.sql("SELECT count(*)::int AS n FROM marks") == [{"n": 22}]


@pytest.mark.parametrize("hidden, planned_once", [(True, True), (False, False)])
def test_the_number_of_callers_makes_no_new_plans(clone: World, hidden: bool, planned_once: bool) -> None:
    """With the control: PostgreSQL would make a plan for just so many callers, each time anew."""
    query = Joint(object, "SELECT count(*) FROM generate_series(1, 1000) AS v WHERE v <> $1", ["int"])
    sql = query.many if hidden else query.many.replace("(SELECT $1::int[])", "$1::int[]")
    assert (sql == query.many) is hidden

    async def plans() -> int:
        async with clone.app.db.read() as tx:
            connection = await tx._conn()
            asked = await connection.prepare(sql)
            for number in range(20):
                await asked.fetch([number, 2])
            name = "SELECT generic_plans FROM pg_prepared_statements WHERE name = $1"
            return int(await connection.fetchval(name, asked.get_name()))

    assert (clone.go(plans()) > 0) is planned_once
