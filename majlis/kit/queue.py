"""The job queue's table as a worker reads it: pgqueuer's, with statements for many kinds of jobs.

The library asks its table once for each kind of job, and reads over all that wait for their time. We have a hundred
kinds, and a job that waits for each conversation in which somebody has not looked yet.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, cast

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.types import JOB_STATUS, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries

# What is due, found by one index; not a word about it goes into the library's log, which keeps what failed.
INDEX = "CREATE INDEX pgqueuer_due ON pgqueuer (execute_after) WHERE status = 'queued'"
HAS_INDEX = "SELECT to_regclass('pgqueuer_due') IS NOT NULL"
# Up to $1 jobs of the kinds $2 for the worker $3, which may have $5 at once: those that are due, and those whose worker
# has given no sign for $4. The key of the kinds $6 is free from here on.
TAKE = """
WITH room AS (
  SELECT greatest(0, least($1, $5 - count(*))) AS n FROM pgqueuer WHERE queue_manager_id = $3
), due AS (
  SELECT id FROM pgqueuer WHERE status = 'queued' AND execute_after <= now() AND entrypoint = ANY($2::text[])
  ORDER BY execute_after LIMIT (SELECT n FROM room) FOR UPDATE SKIP LOCKED
), stale AS (
  SELECT id FROM pgqueuer WHERE status = 'picked' AND heartbeat < now() - $4::interval
    AND entrypoint = ANY($2::text[])
  ORDER BY heartbeat LIMIT (SELECT n FROM room) FOR UPDATE SKIP LOCKED
)
UPDATE pgqueuer SET status = 'picked', updated = now(), heartbeat = now(), queue_manager_id = $3,
  dedupe_key = CASE WHEN entrypoint = ANY($6::text[]) THEN NULL ELSE dedupe_key END
WHERE id = ANY (ARRAY(SELECT id FROM due UNION ALL SELECT id FROM stale)) RETURNING *
"""
DONE = "DELETE FROM pgqueuer WHERE id = ANY($1::bigint[])"
# How long until the next job is due, or since when it is.
NEXT = """
SELECT execute_after - now() AS wait FROM pgqueuer
WHERE status = 'queued' AND entrypoint = ANY($1::text[]) ORDER BY execute_after LIMIT 1
"""
NOW = timedelta(0)


class Queue(Queries):
    """What a worker asks of the table of jobs."""

    def __init__(self, connection: Any, reopening: Collection[str] = ()) -> None:
        """`connection` is asyncpg's. Jobs of the kinds `reopening` free their key when they begin."""
        super().__init__(AsyncpgDriver(connection))
        self._reopening = list(reopening)
        self._kinds: list[str] = []

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        """Take jobs that are due, the longest due first."""
        self._kinds = self._kinds or [str(kind) for kind in entrypoints]
        rows = await self.driver.fetch(
            TAKE, batch_size, self._kinds, queue_manager_id, heartbeat_timeout,
            global_concurrency_limit or batch_size, self._reopening,
        )  # fmt: skip
        return sorted((Job.model_validate(row) for row in rows), key=lambda job: (job.execute_after, job.id))

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        """Take what is done out of the table; of what is not, note why."""
        done = [job.id for job, status, _ in job_status if status == "successful"]
        other = [one for one in job_status if one[1] != "successful"]
        if done:
            await self.driver.execute(DONE, done)
        if other:
            await super().log_jobs(other)

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """1 where a job is due, else 0."""
        wait = await self.next_deferred_eta(entrypoints)
        return int(wait is not None and wait <= NOW)

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:
        """How long until the next job is due; negative where one is, None where there is none."""
        rows = await self.driver.fetch(NEXT, [str(kind) for kind in entrypoints])
        return cast(timedelta, rows[0]["wait"]) if rows else None

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """1 where a job waits, else 0."""
        return int(await self.next_deferred_eta(entrypoints) is not None)
