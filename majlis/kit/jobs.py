"""The worker: runs stored jobs and schedules, tries again what failed, holds what failed for good."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Schedule
from pgqueuer.domain.models import Job as StoredJob
from pgqueuer.qm import QueueManager
from pgqueuer.sm import SchedulerManager

from majlis.kit import clock, log, pool, telemetry
from majlis.kit.db import Database, Query, Tx
from majlis.kit.facts import Job, Registry
from majlis.kit.queue import Queue

logger = log.get("majlis.jobs")
GONE = (
    *pool.AWAY,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
Close = Callable[[], Awaitable[None]]

POLL = timedelta(seconds=2)  # finds jobs whose wake-up hint was lost
BATCH = 20


class Dropped(Exception):
    """Raise in a handler when trying again would never help; the job is held at once."""


class _Executor(DatabaseRetryEntrypointExecutor):
    """Tries again what failed, unless that is hopeless."""

    async def execute(self, job: StoredJob, context: Context) -> None:
        try:
            await super().execute(job, context)
        except RetryRequested as wish:
            if isinstance(wish.__cause__, Dropped):
                raise wish.__cause__ from None
            raise
        except asyncio.CancelledError as end:
            # The process ends in the midst of a job. The library would forget the job; the next worker shall run it.
            raise RetryRequested(delay=timedelta(0), reason="cancelled") from end


class _Gathered:
    """Runs jobs of one kind together that were taken out of the queue together; after a failure each alone."""

    def __init__(self, perform: Callable[[Sequence[bytes]], Awaitable[None]]) -> None:
        self._perform = perform
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, payload: bytes) -> None:
        """Run a job with those that begin in the same turn of the loop. Raises what this one alone comes to."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        self._waiting.append((payload, answer))
        if len(self._waiting) == 1:
            loop.call_soon(self._start)
        await answer

    def _start(self) -> None:
        jobs, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._run(jobs))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, jobs: Sequence[tuple[bytes, "asyncio.Future[None]"]]) -> None:
        try:
            await self._perform([payload for payload, _ in jobs])
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whoever waits for it raises it
            if len(jobs) == 1 or not isinstance(error, Exception):
                for _, answer in jobs:
                    if not answer.done():
                        answer.set_exception(error)
                return
            for one in jobs:
                await self._run([one])
        else:
            for _, answer in jobs:
                if not answer.done():
                    answer.set_result(None)


class Worker:
    """Runs the jobs of a registry until stopped."""

    def __init__(
        self, app: Any, db: Database, connection: Any, registry: Registry, *, attempts: int = 8
    ) -> None:
        """`connection` is an asyncpg connection of the worker's own."""
        self._app = app
        self._db = db
        self._attempts = attempts
        queries = Queue(connection, registry.reopening)
        self._queue = QueueManager(queries)
        self._schedules = SchedulerManager(queries)
        self._tasks: list[asyncio.Task[None]] = []
        for job in registry.jobs.values():
            self._add(job)
        for name, (cron, handler) in registry.schedules.items():
            self._schedule(name, cron, handler)

    def _add(self, job: Job) -> None:
        async def perform_all(payloads: Sequence[bytes]) -> None:
            await perform(self._app, self._db, job, *payloads)

        gathered = _Gathered(perform_all) if job.together else None

        async def run(stored: StoredJob) -> None:
            payload = stored.payload or b"null"
            with _observed(job.name), telemetry.traces.span(f"job {job.name}"):
                await (gathered.run(payload) if gathered else perform(self._app, self._db, job, payload))

        parameters = EntrypointExecutorParameters(
            func=run, concurrency_limit=0, accepts_context=False, on_failure="hold"
        )
        executor = _Executor(
            parameters,
            max_attempts=self._attempts - 1,
            initial_delay=timedelta(seconds=1),
            max_delay=timedelta(minutes=15),
            backoff_multiplier=3.0,
        )
        self._queue.register_executor(job.name, executor)

    def _schedule(self, name: str, cron: str, handler: Callable[[Any], Any]) -> None:
        @self._schedules.schedule(name, cron)
        async def run(schedule: Schedule) -> None:
            with _observed(name):
                await handler(self._app)

    async def run(self) -> None:
        """Work until `stop`. Raises what broke the queue itself."""
        queue = self._queue.run(
            dequeue_timeout=POLL,
            batch_size=BATCH,
            max_concurrent_tasks=2 * BATCH,
            log_aggregation_interval=timedelta(0),  # nobody reads those statistics; there are metrics
        )
        self._tasks = [asyncio.create_task(queue)]
        if self._schedules.registry:
            self._tasks.append(asyncio.create_task(self._schedules.run()))
        try:
            await asyncio.gather(*self._tasks)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Let running jobs finish, then return."""
        self._queue.shutdown.set()
        self._schedules.shutdown.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Keeper:
    """Keeps a worker at work: one that breaks, as when the database goes away, is followed by another."""

    def __init__(self, start: Callable[[], Awaitable[tuple[Worker, Close]]]) -> None:
        """`start` makes a worker, and what closes the connections that it owns."""
        self._start = start
        self._worker: Worker | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; needs a running loop."""
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pause = RESTART_S
        while not self._stopping.is_set():
            began = loop.time()
            try:
                self._worker, close = await self._start()
                try:
                    if not self._stopping.is_set():
                        await self._work(self._worker, again=pause > RESTART_S)
                finally:
                    await close()
            except Exception as error:
                pause = RESTART_S if loop.time() - began > MOST_RESTART_S else pause
                # Without the database there is nothing to see in where it was noticed.
                told = False if isinstance(error, GONE) else error
                logger.error("worker_broke", error=repr(error), exc_info=told, again_in_s=pause)
                telemetry.jobs.labels("worker", "broken").inc()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(2 * pause, MOST_RESTART_S)

    async def _work(self, worker: Worker, *, again: bool) -> None:
        if again:
            logger.info("worker_back")
        await worker.run()

    async def stop(self) -> None:
        """Let running jobs finish, then return."""
        self._stopping.set()
        if self._worker is not None:
            await self._worker.stop()
        if self._task is not None:
            await self._task


class Nudge:
    """Wakes workers, in whatever process, soon after jobs were stored; many calls become one hint."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        """Ask for a hint; never blocks, never fails."""
        self._wanted.set()

    def start(self) -> None:
        """Begin; needs a running loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                async with self._db.tx() as tx:
                    await tx.last(NOTIFY, _changed())
            except Exception as error:  # noqa: BLE001 - whatever it is, workers poll besides
                logger.warning("no hint sent; workers poll", error=repr(error))
            await asyncio.sleep(HINT_S)


RESTART_S, MOST_RESTART_S = 1.0, 15.0  # before another worker begins: twice as long each time
HINT_S = 0.05  # at most twenty hints a second and process: NOTIFY serialises commits
# It holds a lock over the whole server when it commits, and not until the disk has answered: a hint may be lost.
NOTIFY = Query(
    str, "SELECT pg_notify('ch_pgqueuer', $1)::text FROM set_config('synchronous_commit', 'off', true)"
)


def _changed() -> str:
    event = {
        "channel": "ch_pgqueuer",
        "operation": "insert",
        "sent_at": clock.now(),
        "table": "pgqueuer",
        "type": "table_changed_event",
    }
    return msgspec.json.encode(event).decode()


@contextlib.contextmanager
def _observed(name: str) -> Any:
    started = time.perf_counter()
    try:
        yield
    except Exception as error:
        telemetry.jobs.labels(name, "failed").inc()
        logger.warning("job failed", job=name, error=repr(error))
        raise
    telemetry.jobs.labels(name, "done").inc()
    logger.debug("job done", job=name, ms=round((time.perf_counter() - started) * 1000, 1))


async def perform(app: Any, db: Database, job: Job, *payloads: bytes) -> None:
    """Run a job now, or several of a kind that is run together: in a transaction, or as the owner of its own."""
    values = [job.decode(payload) for payload in payloads]
    value = values if job.together else values[0]
    if job.owns_transactions:
        await job.handler(app, value)
    else:
        async with db.tx() as tx:
            await job.handler(tx, value)


class Waiting(msgspec.Struct):
    """A stored job."""

    id: int
    entrypoint: str
    payload: bytes | None
    status: str
    attempts: int


DUE = Query(
    Waiting,
    "SELECT id, entrypoint, payload, status::text, attempts FROM pgqueuer"
    " WHERE status = 'queued' AND execute_after <= now() + $1::interval ORDER BY id",
)
REMOVE = "DELETE FROM pgqueuer WHERE id = $1"
HELD = Query(
    Waiting,
    "SELECT id, entrypoint, payload, status::text, attempts FROM pgqueuer WHERE status = 'failed' ORDER BY id",
)
RETRY = (
    "UPDATE pgqueuer SET status = 'queued', attempts = 0, execute_after = now(), queue_manager_id = NULL"
    " WHERE status = 'failed' AND ($1::bigint[] IS NULL OR id = ANY($1))"
)
DROP = "DELETE FROM pgqueuer WHERE status = 'failed' AND id = ANY($1::bigint[])"


async def drain(app: Any, db: Database, registry: Registry, *, ahead: timedelta = timedelta(0)) -> int:
    """Run all due jobs here and now, those they store included; for tests. Returns how many ran."""
    count = 0
    while True:
        async with db.read() as tx:
            due = await tx.all(DUE, ahead)
        if not due:
            return count
        for stored in due:
            async with db.tx() as tx:
                await tx.run(REMOVE, stored.id)
            await perform(app, db, registry.jobs[stored.entrypoint], stored.payload or b"null")
            count += 1


async def retry(tx: Tx, only: list[int] | None) -> int:
    """Queue held jobs again. Returns how many."""
    return await tx.run(RETRY, only)
