"""What operators want to know of a database: its version and words, its clock, and the jobs it holds."""

import time
from datetime import datetime
from typing import Any

import msgspec

from majlis.kit import clock
from majlis.kit.db import Query, Reader


class ServerFacts(msgspec.Struct):
    """`folds` is whether letters of every alphabet have a lower case here, as search needs it."""

    number: int
    version: str
    encoding: str
    ctype: str
    folds: bool


SERVER = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
  pg_encoding_to_char(encoding), datctype, lower('ДОБРО') = 'добро'
FROM pg_database WHERE datname = current_database()
"""
TIME = "SELECT clock_timestamp()"
EMPTY = "SELECT NOT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')"


async def server(connection: Any) -> ServerFacts:
    """Version and encoding of what an asyncpg connection leads to."""
    return ServerFacts(*await connection.fetchrow(SERVER))


async def is_empty(connection: Any) -> bool:
    """Whether the database has no tables."""
    return bool(await connection.fetchval(EMPTY))


async def follows(connection: Any) -> bool:
    """Whether the server is a replica that takes up what its primary writes."""
    return bool(await connection.fetchval("SELECT pg_is_in_recovery()"))


async def drift_s(connection: Any) -> float:
    """Seconds by which the database's clock is ahead of ours; negative when it is behind."""
    before, began = clock.now(), time.monotonic()
    theirs: datetime = await connection.fetchval(TIME)
    half = (time.monotonic() - began) / 2
    return (theirs - before).total_seconds() - half


class Count(msgspec.Struct):
    """Stored jobs of one kind in one state: queued, picked (running) or failed (held)."""

    job: str
    status: str
    jobs: int
    oldest: datetime


class Held(msgspec.Struct):
    """A job that failed for good, and what was said at last."""

    id: int
    job: str
    attempts: int
    created: datetime
    payload: bytes | None
    error: str | None


COUNTS = Query(
    Count,
    "SELECT entrypoint, status::text, count(*), min(created) FROM pgqueuer"
    " GROUP BY entrypoint, status ORDER BY status, count(*) DESC, entrypoint",
)
HELD = Query(
    Held,
    """SELECT j.id, j.entrypoint, j.attempts, j.created, j.payload,
      (SELECT concat_ws(': ', l.traceback ->> 'exception_type', l.traceback ->> 'exception_message')
       FROM pgqueuer_log l WHERE l.job_id = j.id AND l.traceback IS NOT NULL ORDER BY l.id DESC LIMIT 1)
    FROM pgqueuer j WHERE j.status = 'failed' ORDER BY j.id LIMIT $1""",
)


async def counts(tx: Reader) -> list[Count]:
    """How many jobs there are, by kind and state."""
    return await tx.all(COUNTS)


async def held(tx: Reader, limit: int) -> list[Held]:
    """The oldest of the jobs that are held."""
    return await tx.all(HELD, limit)
