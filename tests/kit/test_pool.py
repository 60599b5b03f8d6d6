"""The pool: whose turn it is, what is not given out again, and its end."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from majlis.kit import pool as pools
from majlis.kit.db import Database, Joint, Query
from majlis.kit.errors import Unavailable
from majlis.kit.pool import Pool, Replica, open_pool
from tests.servers import free_port
from tests.world import World

SIZE = 2
CEILING_S = 60.0


@pytest.fixture
def pool(clone: World) -> Iterator[Pool]:
    made = clone.go(open_pool(clone.url, SIZE))
    yield made
    clone.go(made.close())


async def pid(connection: Any) -> int:
    return int(await connection.fetchval("SELECT pg_backend_pid()"))


@pytest.mark.rule("afrochat:R25")
def test_no_more_are_open_than_allowed(clone: World, pool: Pool) -> None:
    most: list[int] = []

    async def one() -> None:
        connection = await pool.acquire()
        await connection.fetchval("SELECT pg_sleep(0.001)")
        most.append(pool.sizes()[0])
        await pool.release(connection)

    async def work() -> None:
        await asyncio.gather(*(one() for _ in range(40)))

    clone.go(work())
    assert (len(most), max(most)) == (40, SIZE)
    assert pool.sizes() == (SIZE, SIZE)


def test_turns_come_in_order(clone: World, pool: Pool) -> None:
    seen: list[int] = []

    async def one(number: int) -> None:
        connection = await pool.acquire()
        seen.append(number)
        await asyncio.sleep(0)
        await pool.release(connection)

    async def work() -> None:
        held = [await pool.acquire() for _ in range(SIZE)]
        waiting = [asyncio.ensure_future(one(number)) for number in range(10)]
        await asyncio.sleep(0)
        assert seen == []
        for connection in held:
            await pool.release(connection)
        await asyncio.gather(*waiting)

    clone.go(work())
    assert seen == list(range(10))


def test_who_leaves_the_queue_takes_no_connection_along(clone: World, pool: Pool) -> None:
    async def work() -> None:
        held = [await pool.acquire() for _ in range(SIZE)]
        before, at_once, after = (asyncio.ensure_future(pool.acquire()) for _ in range(3))
        await asyncio.sleep(0)
        before.cancel()  # while it waits
        await pool.release(held.pop())  # for the second
        at_once.cancel()  # its turn has come, but it has not run yet
        await asyncio.gather(before, at_once, return_exceptions=True)
        assert before.cancelled() and at_once.cancelled()
        await pool.release(await asyncio.wait_for(after, 60))
        await pool.release(held.pop())

    clone.go(work())
    assert pool.sizes() == (SIZE, SIZE)


def test_an_open_transaction_is_not_passed_on(clone: World, pool: Pool) -> None:
    async def work() -> tuple[int, set[int]]:
        connection = await pool.acquire()
        left = await pid(connection)
        await connection.execute("BEGIN")
        await pool.release(connection)
        others = [await pool.acquire() for _ in range(SIZE)]
        found = {await pid(other) for other in others}
        assert not any(other.is_in_transaction() for other in others)
        for other in others:
            await pool.release(other)
        return left, found

    left, found = clone.go(work())
    assert left not in found and len(found) == SIZE


@pytest.mark.parametrize("resting", [True, False])
def test_a_connection_that_was_cut_is_replaced(clone: World, pool: Pool, resting: bool) -> None:
    async def work() -> None:
        held = [await pool.acquire() for _ in range(SIZE)]
        waiting = asyncio.ensure_future(pool.acquire())
        await asyncio.sleep(0)
        if resting:
            await pool.release(held[0])
            held[0] = await waiting
            for connection in held:
                await pool.release(connection)
        for connection in held:
            connection.terminate()
        if not resting:
            await pool.release(held.pop())
            held.append(await asyncio.wait_for(waiting, 60))
            assert await pid(held[-1])
            for connection in held:
                await pool.release(connection)
        found = await pool.acquire()
        assert await pid(found)
        await pool.release(found)

    clone.go(work())
    assert pool.sizes()[0] <= SIZE


def test_one_that_rested_too_long_is_replaced(
    clone: World, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def taken() -> int:
        connection = await pool.acquire()
        found = await pid(connection)
        await pool.release(connection)
        return found

    assert clone.go(taken()) == clone.go(taken())
    before = clone.go(taken())
    monkeypatch.setattr(pools, "IDLE_S", 0.0)
    assert clone.go(taken()) != before


def test_a_statement_that_was_given_up_leaves_its_connection_usable(clone: World, pool: Pool) -> None:
    async def work() -> None:
        for _ in range(2 * SIZE):
            connection = await pool.acquire()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connection.fetchval("SELECT pg_sleep(30)")
            await pool.release(connection)
        connection = await pool.acquire()
        assert await asyncio.wait_for(connection.fetchval("SELECT 7"), 60) == 7
        await pool.release(connection)

    clone.go(work())


def test_the_end_waits_for_those_in_use(clone: World, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "CLOSE_S", 60.0)
    monkeypatch.setattr(pools, "ACQUIRE_S", 60.0)

    async def work() -> None:
        brief, other = await pool.acquire(), await pool.acquire()
        ending = asyncio.ensure_future(pool.close())
        for connection in (brief, other):
            assert await connection.fetchval("SELECT 1") == 1
            assert not ending.done()
            await pool.release(connection)
        await ending
        assert brief.is_closed() and other.is_closed()

    clone.go(work())
    assert pool.sizes() == (0, 0)


def test_the_end_does_not_wait_forever(clone: World, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "CLOSE_S", 0.1)

    async def work() -> None:
        stuck = await pool.acquire()
        await pool.close()
        assert stuck.is_closed()
        await pool.release(stuck)
        monkeypatch.setattr(pools, "ACQUIRE_S", 0.1)
        with pytest.raises(Unavailable):
            await pool.acquire()

    clone.go(work())
    assert pool.sizes() == (0, 0)


WHERE = Query(str, "SELECT current_setting('application_name')")
TOGETHER = Joint(str, "SELECT current_setting('application_name') WHERE $1", ["bool"])


@pytest.mark.parametrize("guarded", [True, False])
def test_while_a_replica_is_away_the_primary_answers(
    clone: World, pool: Pool, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "REST_S", 0.0)
    away = True

    async def connect() -> Any:
        if away:
            raise ConnectionRefusedError
        return await asyncpg.connect(clone.url, server_settings={"application_name": "replica"})

    replica = Replica(connect, SIZE, pool) if guarded else Pool(connect, SIZE)
    db = Database(pool, replica)

    async def told() -> list[Any]:
        async with db.read() as one, db.read() as other:
            found: list[Any] = [await one.one(WHERE), await other.one(WHERE)]
        async with db.read() as third:
            return [*found, *(await third.joint(TOGETHER, True))[0]]

    if not guarded:  # the control
        with pytest.raises(Unavailable):
            clone.go(told())
        return
    assert clone.go(told()) == ["majlis"] * 3
    away = False
    assert clone.go(told()) == ["replica"] * 3
    away = True
    clone.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'replica'")

    async def cut() -> None:
        while not all(connection.is_closed() for connection in replica._open):  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    clone.go(cut())
    assert clone.go(told()) == ["majlis"] * 3
    assert (pool.sizes()[0], pool.sizes()[1]) == (SIZE, SIZE)  # all came back to where they are from
    away = False
    assert clone.go(told()) == ["replica"] * 3
    clone.go(replica.close())


@pytest.mark.parametrize("replica", [False, True])
def test_what_a_pool_opened_is_closed_where_the_rest_is_refused(
    clone: World, pool: Pool, replica: bool, tmp_path: Path
) -> None:
    """The server lets this role connect once, and a pool begins with two connections."""
    role = f"once_{tmp_path.name.rpartition('_')[2]}_{replica}".lower()
    clone.sql(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")
    here = clone.url.replace("postgres@", f"{role}@", 1)
    left = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = $1"

    async def work() -> Pool | None:
        if replica:
            return await open_pool(here, SIZE, primary=pool)
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await open_pool(here, SIZE)
        return None

    async def gone() -> None:
        async with asyncio.timeout(CEILING_S), Database(pool).read() as tx:
            while await tx.one(Query(int, left), role):  # noqa: ASYNC110  another process ends them
                await asyncio.sleep(0.001)

    opened = clone.go(work())
    assert opened is None or opened.sizes() == (0, 0)
    clone.go(gone())
    clone.sql(f"DROP ROLE {role}")


def test_a_server_starts_while_its_replica_is_away(clone: World, pool: Pool) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/x"

    async def work() -> str | None:
        with pytest.raises(ConnectionRefusedError):
            await open_pool(nowhere, SIZE)
        db = Database(pool, await open_pool(nowhere, SIZE, primary=pool))
        async with db.read() as tx:
            return await tx.one(WHERE)

    assert clone.go(work()) == "majlis"
