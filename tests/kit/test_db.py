"""Transactions: begun late, ended always, and reads that may go elsewhere."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from majlis.kit.db import Database, Hold, Query, Sealed, Tx, open_pool, retrying
from majlis.kit.errors import Unavailable
from majlis.kit.geo import Point
from tests.waiting import until_waiting
from tests.world import World

TABLE = "CREATE TABLE things (id int PRIMARY KEY, note text UNIQUE)"
ADD = Query(int, "INSERT INTO things (id) VALUES ($1) RETURNING id")
COUNT = Query(int, "SELECT count(*)::int FROM things")
IDS = Query(int, "SELECT id FROM things")


class Pair(msgspec.Struct):
    """A row."""

    a: int
    b: str | None


PAIRS = Query(Pair, "SELECT a, nullif(a::text, '2') AS b FROM generate_series(1, $1::int) AS a")


class Watched:
    """A pool that notes what is said on its connections, and how many are out."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.said: list[str] = []
        self.out = 0
        self.begin, self.commit, self.rollback = pool.begin, pool.commit, pool.rollback
        self.may_autocommit, self.nested = pool.may_autocommit, pool.nested

    def _note(self, record: Any) -> None:
        self.said.append(record.query)

    async def acquire(self) -> Any:
        connection = await self._pool.acquire()
        connection.add_query_logger(self._note)
        self.out += 1
        return connection

    async def release(self, connection: Any) -> None:
        self.out -= 1
        with contextlib.suppress(asyncpg.InterfaceError):  # a connection that was cut off
            connection.remove_query_logger(self._note)
        await self._pool.release(connection)


@pytest.fixture
def pool(clone: World) -> Watched:
    clone.sql(TABLE)
    return Watched(clone.app.db.pool)


@pytest.fixture
def db(pool: Watched) -> Iterator[Database]:
    yield Database(pool)  # type: ignore[arg-type]
    assert pool.out == 0, "a connection was not given back"


def count(clone: World) -> int:
    return int(clone.sql("SELECT count(*) FROM things")[0]["count"])


def test_nothing_is_said_before_the_first_statement(clone: World, db: Database, pool: Watched) -> None:
    async def work() -> None:
        async with db.tx():
            assert pool.out == 0
        async with db.tx() as tx:
            await tx.one(ADD, 1)
            assert pool.out == 1

    clone.go(work())
    assert pool.said == ["BEGIN", ADD.sql, "COMMIT"]
    assert count(clone) == 1


def test_a_single_last_statement_needs_no_begin(clone: World, db: Database, pool: Watched) -> None:
    async def work() -> None:
        async with db.tx() as tx:
            assert await tx.last(ADD, 1) == 1

    clone.go(work())
    assert pool.said == [ADD.sql]
    assert count(clone) == 1


def test_nothing_may_follow_the_last_statement(clone: World, db: Database) -> None:
    async def alone() -> None:
        async with db.tx() as tx:
            await tx.last(ADD, 1)
            await tx.one(COUNT)

    async def after_others() -> None:
        async with db.tx() as tx:
            await tx.one(ADD, 2)
            await tx.last(ADD, 3)
            await tx.run("SELECT 1")

    for work in (alone, after_others):
        with pytest.raises(Sealed):
            clone.go(work())
    assert [row["id"] for row in clone.sql("SELECT id FROM things")] == [1], "the second one was rolled back"


def test_last_after_other_statements_commits_with_them(clone: World, db: Database, pool: Watched) -> None:
    async def work() -> None:
        async with db.tx() as tx:
            await tx.one(ADD, 1)
            await tx.last(ADD, 2)

    clone.go(work())
    assert pool.said == ["BEGIN", ADD.sql, ADD.sql, "COMMIT"]


def test_what_follows_a_commit_waits_for_it(clone: World, db: Database) -> None:
    seen: list[int] = []

    async def work(fail: bool) -> None:
        async with db.tx() as tx:
            tx.after_commit(lambda: seen.append(1))
            await tx.one(ADD, 1)
            assert seen == []
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        clone.go(work(fail=True))
    assert (seen, count(clone)) == ([], 0)
    clone.go(work(fail=False))
    assert (seen, count(clone)) == ([1], 1)


def test_what_follows_a_commit_that_fails_does_not_happen(clone: World, db: Database) -> None:
    clone.sql("CREATE TABLE parents (id int PRIMARY KEY)")
    clone.sql("ALTER TABLE things ADD FOREIGN KEY (id) REFERENCES parents DEFERRABLE INITIALLY DEFERRED")
    seen: list[int] = []

    async def work() -> None:
        async with db.tx() as tx:
            tx.after_commit(lambda: seen.append(1))
            await tx.one(ADD, 1)

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        clone.go(work())
    assert (seen, count(clone)) == ([], 0)


def test_a_part_can_fail_alone(clone: World, db: Database) -> None:
    seen: list[str] = []

    async def part(tx: Tx) -> None:
        async with tx.savepoint():
            await tx.one(ADD, 2)
            tx.after_commit(lambda: seen.append("part"))
            await tx.one(ADD, 1)

    async def work() -> None:
        async with db.tx() as tx:
            await tx.one(ADD, 1)
            tx.after_commit(lambda: seen.append("whole"))
            with pytest.raises(asyncpg.UniqueViolationError):
                await part(tx)
            async with tx.savepoint():
                await tx.one(ADD, 3)

    clone.go(work())
    assert [row["id"] for row in clone.sql("SELECT id FROM things ORDER BY id")] == [1, 3]
    assert seen == ["whole"]


def test_an_error_in_a_statement_rolls_back(clone: World, db: Database, pool: Watched) -> None:
    async def work() -> None:
        async with db.tx() as tx:
            await tx.one(ADD, 1)
            await tx.one(ADD, 1)

    with pytest.raises(asyncpg.UniqueViolationError):
        clone.go(work())
    assert pool.said[-1] == "ROLLBACK"
    assert count(clone) == 0


@pytest.mark.parametrize("statement", ["SELECT pg_sleep(5)", "asleep"])
def test_a_cancelled_transaction_leaves_a_clean_connection(clone: World, statement: str) -> None:
    """One connection in the pool: whoever comes next gets the one that was in the midst of work."""

    async def work(db: Database) -> None:
        async with db.tx() as tx:
            await tx.one(ADD, 1)
            if statement == "asleep":
                await asyncio.sleep(5)
            await tx.run(statement)

    async def run() -> tuple[int, int]:
        single = await open_pool(clone.url, 1)
        db = Database(single)
        try:
            task = asyncio.create_task(work(db))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with db.tx() as tx:
                found = await tx.one(COUNT)
                (row,) = await tx.records(
                    "SELECT count(*)::int FROM pg_stat_activity WHERE state LIKE 'idle in%'"
                )
                assert found is not None
                return found, row[0]
        finally:
            await db.close()

    clone.sql(TABLE)
    assert clone.go(run()) == (0, 0)


@pytest.mark.parametrize("cut, part", [(True, False), (False, False), (True, True)])
def test_a_rollback_that_fails_hides_nothing(clone: World, cut: bool, part: bool) -> None:
    """Whoever is cut off goes, and who failed hears of that fault, also when the connection is lost meanwhile."""

    async def work(db: Database, begun: asyncio.Event) -> None:
        async with db.tx() as tx:
            await tx.one(ADD, 1)
            async with tx.savepoint() if part else contextlib.nullcontext():
                (row,) = await tx.records("SELECT pg_backend_pid()")
                async with clone.app.db.tx() as other:
                    await other.run("SELECT pg_terminate_backend($1, 5000)", row[0])
                begun.set()
                if cut:
                    await asyncio.Event().wait()
                raise LookupError

    async def run() -> None:
        db = Database(await open_pool(clone.url, 1))
        try:
            begun = asyncio.Event()
            task = asyncio.create_task(work(db, begun))
            await begun.wait()
            if cut:
                task.cancel()
            with pytest.raises(asyncio.CancelledError if cut else LookupError):
                await task
            async with db.tx() as tx:
                assert await tx.one(COUNT) == 0
        finally:
            await db.close()

    clone.sql(TABLE)
    clone.go(run())


def test_a_commit_that_is_not_waited_for_still_has_its_consequences(clone: World, db: Database) -> None:
    """The work is done, so whoever must hear of it does, although the request was given up meanwhile."""
    clone.sql(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END'"
    )
    clone.sql(
        "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION dawdle()"
    )
    seen: list[int] = []

    async def work() -> None:
        async with db.tx() as tx:
            tx.after_commit(lambda: seen.append(1))
            await tx.one(ADD, 1)

    async def run() -> None:
        async with clone.app.db.tx() as holding:
            await holding.run("SELECT pg_advisory_xact_lock(1)")
            task = asyncio.create_task(work())
            await until_waiting(clone, 1, task)
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    clone.go(run())
    assert (count(clone), seen) == (1, [1])


def test_many_cancelled_transactions_lose_no_connection(clone: World) -> None:
    async def work(db: Database, number: int) -> None:
        async with db.tx() as tx:
            await tx.one(ADD, number)
            await tx.run("SELECT pg_sleep(0.01)")
            await tx.one(ADD, 1000 + number)

    async def run() -> tuple[int, int]:
        db = Database(await open_pool(clone.url, 3))
        try:
            tasks = [asyncio.create_task(work(db, number)) for number in range(60)]
            for at, task in enumerate(tasks):
                await asyncio.sleep(0.002)
                if at % 2:
                    task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            done = {number for number, end in enumerate(ended) if end is None}
            async with asyncio.timeout(60):
                async with db.tx() as one, db.tx() as two, db.tx() as three:
                    assert await one.one(COUNT) == await two.one(COUNT)
                    found = set(await three.all(IDS))
            first, last = ({number % 1000 for number in found if number // 1000 == at} for at in (0, 1))
            assert first == last, "half a transaction was committed"
            assert done <= first  # a commit that was not waited for may have come about, too
            return len(done), len(tasks)
        finally:
            await db.close()

    clone.sql(TABLE)
    done, tasks = clone.go(run())
    assert tasks / 2 <= done <= tasks


def test_reads_go_to_the_replica(clone: World) -> None:
    """Told apart by the name that each pool gives its connections."""
    name = Query(str, "SELECT current_setting('application_name')")

    async def run() -> tuple[list[Any], list[Any]]:
        pools = [await open_pool(clone.url, 1, application=which) for which in ("primary", "replica")]
        both, single = Database(*pools), Database(pools[0])
        found: tuple[list[Any], list[Any]] = ([], [])
        for db, names in ((both, found[0]), (single, found[1])):
            async with db.read() as reader:
                names.append(await reader.one(name))
            async with db.tx() as tx:
                names.append(await tx.one(name))
            async with db.tx() as tx:
                names.append(await tx.last(name))
        await both.close()
        return found

    both, single = clone.go(run())
    assert both == ["replica", "primary", "primary"]
    assert single == ["primary"] * 3


def test_a_held_request_reads_what_it_wrote(clone: World, db: Database, pool: Watched) -> None:
    """Inside a hold every transaction and every read is one, which ends with the hold."""
    seen: list[str] = []

    async def work(fail: bool) -> int | None:
        async with Hold(db):
            async with db.tx() as tx:
                await tx.one(ADD, 1)
                tx.after_commit(lambda: seen.append("committed"))
            assert seen == []
            async with db.read() as reader:
                found = await reader.one(COUNT)
            async with db.tx() as tx:
                await tx.last(ADD, 2)
            if fail:
                raise RuntimeError
        return found

    with pytest.raises(RuntimeError):
        clone.go(work(fail=True))
    assert (count(clone), seen) == (0, [])
    assert clone.go(work(fail=False)) == 1
    assert (count(clone), seen) == (2, ["committed"])
    assert pool.said.count("BEGIN") == 2


def test_a_fault_passed_over_in_a_hold_is_not_committed(clone: World, db: Database) -> None:
    async def work() -> None:
        async with Hold(db):
            try:
                async with db.tx() as tx:
                    await tx.one(ADD, 1)
                    raise KeyError
            except KeyError:
                pass

    with pytest.raises(RuntimeError, match="passed over"):
        clone.go(work())
    assert count(clone) == 0


def test_rows_come_as_their_types(clone: World, db: Database) -> None:
    async def work() -> None:
        async with db.read() as reader:
            assert await reader.all(PAIRS, 2) == [Pair(1, "1"), Pair(2, None)]
            assert await reader.one(PAIRS, 0) is None
            assert await reader.all(Query(int, "SELECT generate_series(1, 3)")) == [1, 2, 3]
            point = await reader.one(Query(Point, "SELECT $1::point"), Point(34.5, -179.25))
            assert point == Point(34.5, -179.25)
            for kind in ("json", "jsonb"):
                given = '{"a":["ب",1]}' if kind == "json" else {"a": ["ب", 1]}
                raw = await reader.one(Query(msgspec.Raw, f"SELECT $1::{kind}"), given)
                assert msgspec.json.decode(raw or b"") == {"a": ["ب", 1]}
            assert await reader.one(Query(UUID, "SELECT $1::uuid"), UUID(int=5)) == UUID(int=5)
            assert reader.queries == 7

    clone.go(work())


def test_how_many_rows_changed(clone: World, db: Database) -> None:
    async def work() -> tuple[int, int]:
        async with db.tx() as tx:
            await tx.many("INSERT INTO things (id) VALUES ($1)", [(1,), (2,), (3,)])
            return await tx.run("UPDATE things SET note = id::text WHERE id > $1", 1), await tx.run(
                "DELETE FROM things"
            )

    assert clone.go(work()) == (2, 3)


def test_a_database_that_is_away_is_unavailable(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        db = Database(await open_pool(clone.url, 1))
        try:
            async with db.tx() as tx:
                await tx.one(COUNT)
                monkeypatch.setattr("majlis.kit.pool.ACQUIRE_S", 0.1)
                with pytest.raises(Unavailable):
                    async with db.tx() as second:
                        await second.one(COUNT)
        finally:
            await db.close()

    clone.sql(TABLE)
    clone.go(run())


def test_deadlocks_are_tried_again(clone: World, db: Database) -> None:
    clone.sql("INSERT INTO things VALUES (1), (2)")
    tries: list[int] = []
    held: set[int] = set()

    async def work(first: int, second: int) -> None:
        tries.append(first)
        async with db.tx() as tx:
            await tx.run("UPDATE things SET note = NULL WHERE id = $1", first)
            held.add(first)
            while len(held) < 2:  # noqa: ASYNC110  each holds one before either asks for the other
                await asyncio.sleep(0.01)
            await tx.run("UPDATE things SET note = NULL WHERE id = $1", second)

    async def run() -> None:
        await asyncio.gather(retrying(lambda: work(1, 2)), retrying(lambda: work(2, 1)))

    clone.go(run())
    assert len(tries) > 2, "nothing was tried again"
