"""Facts, jobs and schedules: stored with the work, run at least once, tried again, held when hopeless."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.kit import facts, ids, jobs
from majlis.kit.db import Tx
from majlis.kit.facts import Fact, Registry
from tests import world as worlds
from tests.world import World

DONE = "CREATE TABLE IF NOT EXISTS done (what text, thing uuid)"
CEILING_S = 60.0
QUEUED = (
    "SELECT entrypoint, attempts, status::text, execute_after - updated AS wait FROM pgqueuer ORDER BY id"
)


class ThingMade(Fact, frozen=True):
    """Something was made."""

    thing: UUID


class ThingLost(Fact, frozen=True):
    """Nobody cares for this one."""

    thing: UUID


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry of a test's own; the product's handlers stay out of it."""
    worlds.doors()  # first the product's own, which register where this module is imported for the first time
    own = Registry()
    monkeypatch.setattr(facts, "registry", own)
    monkeypatch.setattr(facts.wake, "hooks", [])
    return own


async def note(tx: Tx, what: str, thing: UUID) -> None:
    await tx.run("INSERT INTO done (what, thing) VALUES ($1, $2)", what, thing)


def handlers() -> None:
    """Two handlers of one fact and a job."""

    @facts.on(ThingMade)
    async def first(tx: Tx, fact: ThingMade) -> None:
        await note(tx, "first", fact.thing)

    @facts.on(ThingMade, ThingLost)
    async def second(app: Any, fact: ThingMade | ThingLost) -> None:
        async with app.db.tx() as tx:
            await note(tx, type(fact).__name__, fact.thing)


def emit(world: World, *emitted: Fact) -> None:
    async def run() -> None:
        async with world.app.db.tx() as tx:
            await facts.emit(tx, *emitted)

    world.go(run())


def drain(world: World, ahead: timedelta = timedelta(0)) -> int:
    return world.go(jobs.drain(world.app, world.app.db, facts.registry, ahead=ahead))


def done(world: World) -> list[tuple[str, UUID]]:
    return [
        (row["what"], row["thing"]) for row in world.sql("SELECT what, thing FROM done ORDER BY what, thing")
    ]


def queued(world: World) -> list[str]:
    return [row["entrypoint"].rpartition(".")[2] for row in world.sql(QUEUED)]


# ---- storing


def test_each_handler_runs_once_for_each_fact(world: World) -> None:
    handlers()
    world.sql(DONE)
    one, two, lost = ids.new(), ids.new(), ids.new()
    emit(world, ThingMade(one), ThingMade(two))
    emit(world, ThingLost(lost))
    assert sorted(queued(world)) == ["first:ThingMade"] * 2 + ["second:ThingLost"] + ["second:ThingMade"] * 2
    assert drain(world) == 5
    wanted = [("ThingLost", lost), ("ThingMade", one), ("ThingMade", two), ("first", one), ("first", two)]
    assert done(world) == wanted
    assert drain(world) == 0


def test_a_fact_of_work_that_is_undone_never_was(world: World) -> None:
    handlers()
    woken: list[int] = []
    facts.wake.hooks.append(lambda: woken.append(1))

    async def run(fail: bool) -> None:
        async with world.app.db.tx() as tx:
            await facts.emit(tx, ThingMade(ids.new()))
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        world.go(run(fail=True))
    assert (queued(world), woken) == ([], [])
    world.go(run(fail=False))
    assert len(queued(world)) == 2
    assert woken, "workers are told of it"


def test_a_fact_that_nobody_handles_stores_nothing(world: World) -> None:
    emit(world, ThingMade(ids.new()))
    assert queued(world) == []


def test_a_statement_stores_its_own_jobs(world: World) -> None:
    handlers()
    world.sql(DONE)
    thing = ids.new()

    async def run(wanted: bool) -> None:
        names, payload = facts.packed(ThingMade(thing))
        async with world.app.db.tx() as tx:
            await tx.run("SELECT emit_facts($1, ARRAY[$2::bytea]) WHERE $3", names, payload, wanted)
            facts.announce(tx)

    world.go(run(False))
    assert queued(world) == []
    world.go(run(True))
    assert drain(world) == 2
    assert done(world) == [("ThingMade", thing), ("first", thing)]


def test_jobs_wait_for_their_time_and_are_stored_once_a_key(world: World) -> None:
    @facts.job
    async def remind(tx: Tx, thing: UUID) -> None:
        await note(tx, "remind", thing)

    async def plain(tx: Tx, thing: UUID) -> None: ...

    world.sql(DONE)
    one, two = ids.new(), ids.new()

    async def run() -> None:
        async with world.app.db.tx() as tx:
            await facts.enqueue(tx, remind, one, after=timedelta(hours=1), key="a")
            await facts.enqueue(tx, remind, two, after=timedelta(hours=1), key="a")
            await facts.enqueue(tx, remind, two, after=timedelta(hours=3), key="b")
            with pytest.raises(LookupError):
                await facts.enqueue(tx, plain, one)

    world.go(run())
    assert drain(world) == 0
    assert drain(world, ahead=timedelta(hours=2)) == 1
    assert done(world) == [("remind", one)]
    assert drain(world, ahead=timedelta(hours=4)) == 1


def test_handlers_are_checked_when_they_are_registered(registry: Registry) -> None:
    async def wrong(thing: UUID, tx: Tx) -> None: ...

    async def right(tx: Tx, fact: ThingMade) -> None: ...

    with pytest.raises(TypeError, match="takes"):
        facts.on(ThingMade)(wrong)
    facts.on(ThingMade)(right)
    with pytest.raises(ValueError, match="twice"):
        facts.on(ThingMade)(right)


# ---- the worker


class Work:
    """A worker in a loop on a real database."""

    def __init__(self, world: World) -> None:
        world.sql(DONE)
        self.world = world

    @contextlib.asynccontextmanager
    async def running(self, attempts: int = 3) -> AsyncIterator[jobs.Worker]:
        connection = await asyncpg.connect(self.world.url)
        app = self.world.app
        worker = jobs.Worker(app, app.db, connection, facts.registry, attempts=attempts)
        nudge = jobs.Nudge(app.db)
        nudge.start()
        facts.wake.hooks.append(nudge)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            facts.wake.hooks.remove(nudge)
            await nudge.close()
            await worker.stop()
            await asyncio.gather(running, return_exceptions=True)
            await connection.close()

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.world.app.db.tx() as tx:
            return await tx.records(sql, *args)

    async def emit(self, *emitted: Fact) -> None:
        async with self.world.app.db.tx() as tx:
            await facts.emit(tx, *emitted)

    async def until(
        self, sql: str, wanted: Callable[[list[Any]], bool], seconds: float = CEILING_S
    ) -> list[Any]:
        """The rows once they are as wanted. Fails after this time."""
        async with asyncio.timeout(seconds):
            while not wanted(rows := await self.rows(sql)):  # noqa: ASYNC110  other connections change it
                await asyncio.sleep(0.02)
            return rows


@pytest.fixture
def work(clone: World) -> Work:
    return Work(clone)


def test_a_worker_is_woken_by_jobs_and_looks_every_two_seconds(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers()
    assert timedelta(seconds=2) >= jobs.POLL
    monkeypatch.setattr(jobs, "POLL", timedelta(hours=1))  # it finds nothing by itself

    async def run() -> None:
        async with work.running():
            await asyncio.sleep(0.5)  # it sleeps by now
            await work.emit(*(ThingMade(ids.new()) for _ in range(20)))
            await work.until("SELECT FROM done", lambda rows: len(rows) == 40)
            await work.until("SELECT FROM pgqueuer", lambda rows: rows == [])

    work.world.go(run())
    assert work.world.sql("SELECT FROM pgqueuer") == []


def test_jobs_stored_while_nobody_worked_are_run_later(work: Work) -> None:
    """A process that dies after its commit, before anything else: the jobs are rows by then."""
    handlers()

    async def crash() -> None:
        connection = await asyncpg.connect(work.world.url)
        names, payload = facts.packed(ThingMade(UUID(int=1)))
        await connection.execute("BEGIN")
        await connection.execute("SELECT emit_facts($1, ARRAY[$2::bytea])", names, payload)
        await connection.execute("COMMIT")
        lost = await asyncpg.connect(work.world.url)
        await lost.execute("BEGIN")
        names, payload = facts.packed(ThingMade(UUID(int=2)))
        await lost.execute("SELECT emit_facts($1, ARRAY[$2::bytea])", names, payload)
        for one in (connection, lost):
            one.terminate()  # no goodbye, as in a crash

    async def later() -> None:
        async with work.running():
            await work.until("SELECT FROM done", lambda rows: len(rows) == 2)

    work.world.go(crash())
    work.world.go(later())
    assert {thing for _, thing in done(work.world)} == {UUID(int=1)}


def test_a_job_that_is_cut_short_is_run_again(work: Work) -> None:
    """What the handler did in its transaction is undone, so that it counts once."""
    started: list[int] = []

    @facts.on(ThingMade)
    async def slow(tx: Tx, fact: ThingMade) -> None:
        started.append(1)
        await note(tx, "slow", fact.thing)
        if len(started) == 1:
            raise asyncio.CancelledError  # as when the loop of a process is closed

    async def run() -> None:
        await work.emit(ThingMade(UUID(int=1)))
        async with work.running():
            await work.until("SELECT FROM done", lambda rows: len(rows) == 1)

    work.world.go(run())
    assert len(started) == 2


def test_a_job_of_a_killed_worker_is_run_again(work: Work) -> None:
    handlers()
    picked = """UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(), updated = now() - $1::interval,
      heartbeat = now() - $1::interval RETURNING id"""

    async def run(silent: timedelta, seconds: float = CEILING_S) -> None:
        await work.emit(ThingLost(UUID(int=1)))
        await work.rows(picked, silent)
        async with work.running():
            await work.until("SELECT FROM done", lambda rows: len(rows) == 1, seconds)

    work.world.go(run(timedelta(minutes=1)))
    work.world.sql("DELETE FROM done")
    with pytest.raises(TimeoutError):  # this one's worker gave a sign of life just now
        work.world.go(run(timedelta(0), 3))


def failing(error: type[Exception] = RuntimeError, times: int = 1000) -> list[int]:
    """A handler that fails so many times; the list grows with each try."""
    tries: list[int] = []

    @facts.on(ThingMade)
    async def fails(tx: Tx, fact: ThingMade) -> None:
        tries.append(1)
        await note(tx, "try", fact.thing)
        if len(tries) <= times:
            raise error("no luck")

    return tries


def test_what_fails_is_tried_again_later_and_later_then_held(work: Work) -> None:
    tries = failing()
    waits: list[float] = []

    def tried(times: int) -> Callable[[list[Any]], bool]:
        """All of it by the row: what the handler has counted may be newer than that."""

        def wanted(rows: list[Any]) -> bool:
            status, attempts = rows[0]["status"], rows[0]["attempts"]
            return status == "failed" or (status == "queued" and attempts == times)

        return wanted

    async def run() -> None:
        await work.emit(ThingMade(ids.new()))
        async with work.running(attempts=3):
            for attempt in itertools.count(1):
                (row,) = await work.until(QUEUED, tried(attempt))
                if row["status"] == "failed":
                    return
                waits.append(row["wait"].total_seconds())
                await work.rows("UPDATE pgqueuer SET execute_after = now() RETURNING 1")

    work.world.go(run())
    assert len(tries) == 3
    assert 0 < waits[0] < 1.2 < 1.5 < waits[1] < 3.2
    assert done(work.world) == [], "a failed try leaves nothing behind"


def test_held_jobs_are_listed_and_can_be_tried_again_or_dropped(work: Work) -> None:
    tries = failing(times=2)

    async def held() -> list[jobs.Waiting]:
        async with work.world.app.db.read() as tx:
            return await tx.all(jobs.HELD)

    async def run() -> None:
        await work.emit(ThingMade(UUID(int=1)), ThingMade(UUID(int=2)))
        async with work.running(attempts=1):
            await work.until(QUEUED, lambda rows: [row["status"] for row in rows] == ["failed"] * 2)
            one, two = await held()
            assert one.entrypoint.endswith("fails:ThingMade")
            assert b"00000000-0000-0000-0000-000000000001" in (one.payload or b"") + (two.payload or b"")
            async with work.world.app.db.tx() as tx:
                assert await jobs.retry(tx, [one.id]) == 1
            await work.until("SELECT FROM done", lambda rows: len(rows) == 1)
            assert [waiting.id for waiting in await held()] == [two.id]
            async with work.world.app.db.tx() as tx:
                assert await tx.run(jobs.DROP, [two.id]) == 1
            assert await held() == []
            async with work.world.app.db.tx() as tx:
                assert await jobs.retry(tx, None) == 0

    work.world.go(run())
    assert len(tries) == 3


def test_what_can_never_work_is_held_at_once(work: Work) -> None:
    tries = failing(error=jobs.Dropped)

    async def run() -> None:
        await work.emit(ThingMade(ids.new()))
        async with work.running(attempts=5):
            await work.until(QUEUED, lambda rows: rows[0]["status"] == "failed")

    work.world.go(run())
    assert len(tries) == 1


def test_a_failing_job_does_not_stop_the_others(work: Work) -> None:
    failing()

    @facts.on(ThingMade)
    async def works(tx: Tx, fact: ThingMade) -> None:
        await note(tx, "works", fact.thing)

    async def run() -> None:
        await work.emit(*(ThingMade(ids.new()) for _ in range(5)))
        async with work.running():
            await work.until("SELECT FROM done", lambda rows: len(rows) == 5)

    work.world.go(run())


def test_what_is_due_at_once_is_run_together(work: Work) -> None:
    seen: list[int] = []

    @facts.on(ThingMade, together=True)
    async def all_of_them(tx: Tx, made: list[ThingMade]) -> None:
        seen.append(len(made))
        for fact in made:
            await note(tx, "together", fact.thing)

    async def run() -> None:
        await work.emit(*(ThingMade(ids.new()) for _ in range(12)))
        async with work.running():
            await work.until("SELECT FROM done", lambda rows: len(rows) == 12)
            await work.until("SELECT FROM pgqueuer", lambda rows: rows == [])

    work.world.go(run())
    assert seen == [12]


def test_of_what_is_run_together_only_what_fails_is_tried_again(work: Work) -> None:
    bad, good = UUID(int=1), [UUID(int=n) for n in range(2, 6)]

    @facts.on(ThingMade, together=True)
    async def choosy(tx: Tx, made: list[ThingMade]) -> None:
        for fact in made:
            await note(tx, "choosy", fact.thing)
        if bad in [fact.thing for fact in made]:
            raise RuntimeError("no luck")

    async def run() -> None:
        await work.emit(*(ThingMade(thing) for thing in (*good, bad)))
        async with work.running():
            await work.until(QUEUED, lambda rows: len(rows) == 1 and rows[0]["attempts"] >= 1)

    work.world.go(run())
    assert sorted(thing for _, thing in done(work.world)) == good, (
        "once each, and nothing of the one that failed"
    )


@pytest.mark.parametrize("kind", [facts.reopening, facts.job])
def test_the_key_of_a_reopening_job_is_free_once_it_begins(work: Work, kind: Any) -> None:
    """What is stored while it runs is run after it; of other jobs nothing is stored then."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def look(tx: Tx, thing: UUID) -> None:
        await note(tx, "look", thing)
        begun.set()
        await go_on.wait()

    kind(look)

    async def enqueue(*things: UUID) -> None:
        async with work.world.app.db.tx() as tx:
            for thing in things:
                await facts.enqueue_all(tx, look, {"the key": thing})

    async def run() -> None:
        await enqueue(UUID(int=1), UUID(int=2))
        async with work.running():
            await begun.wait()
            await enqueue(UUID(int=3))
            go_on.set()
            await work.until("SELECT FROM pgqueuer", lambda rows: rows == [])

    work.world.go(run())
    things = [thing for _, thing in done(work.world)]
    assert things == ([UUID(int=1), UUID(int=3)] if kind is facts.reopening else [UUID(int=1)])


def test_what_is_done_leaves_nothing_behind(work: Work) -> None:
    handlers()

    async def run() -> None:
        async with work.running():
            await work.emit(ThingMade(ids.new()))
            await work.until("SELECT FROM done", lambda rows: len(rows) == 2)
            await work.until("SELECT FROM pgqueuer", lambda rows: rows == [])

    work.world.go(run())
    assert work.world.sql("SELECT FROM pgqueuer_log") == []


def test_two_workers_share_the_jobs(work: Work) -> None:
    handlers()

    async def run() -> None:
        async with work.running(), work.running():
            await work.emit(*(ThingMade(ids.new()) for _ in range(50)))
            await work.until("SELECT FROM done", lambda rows: len(rows) >= 100)
            await work.until("SELECT FROM pgqueuer", lambda rows: rows == [])

    work.world.go(run())
    assert len(done(work.world)) == 100


def test_schedules_are_registered_and_what_was_missed_is_run(work: Work) -> None:
    at = datetime.now(UTC) + timedelta(hours=12)
    expression = f"{at.minute} {at.hour} * * *"

    @facts.every(expression)
    async def tidy(app: Any) -> None:
        async with app.db.tx() as tx:
            await note(tx, "tidy", UUID(int=3))

    registered = "SELECT entrypoint, expression, next_run > now() AS ahead FROM pgqueuer_schedules"

    async def run() -> None:
        async with work.running():
            (row,) = await work.until(registered, bool)
            assert row["entrypoint"].endswith("tidy")
            assert (row["expression"], row["ahead"]) == (expression, True)
        assert await work.rows("SELECT FROM done") == [], "its time has not come"
        await work.rows("UPDATE pgqueuer_schedules SET next_run = now() - interval '1 hour' RETURNING 1")
        async with work.running():
            await work.until("SELECT FROM done", bool)
            await work.until(registered, lambda rows: rows[0]["ahead"] is True)

    work.world.go(run())
    assert done(work.world) == [("tidy", UUID(int=3))]
