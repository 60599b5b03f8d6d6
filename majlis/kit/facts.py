"""What happened, and who wants to know: facts, jobs and schedules are one durable mechanism.

A fact is a job for each of its handlers; a schedule is a job with a time. All are rows that are
stored in the transaction of the work itself, so a crash loses neither or both.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar, get_type_hints

import msgspec

from majlis.kit.db import Query, Tx

Handler = Callable[..., Awaitable[None]]
F = TypeVar("F", bound=Handler)


class Fact(msgspec.Struct, frozen=True):
    """Something that happened, named in the past tense. Fields are ids, not copies."""


class Job:
    """A named handler of one payload type. Its first parameter is `tx` or `app`, the second the payload.

    Where it is run `together` the second is a list of payloads.
    """

    def __init__(self, name: str, handler: Handler, payload: Any, *, together: bool = False) -> None:
        parameters = list(inspect.signature(handler).parameters)
        if len(parameters) != 2 or parameters[0] not in ("tx", "app"):
            raise TypeError(f"{name}: a handler takes (tx, payload) or (app, payload)")
        self.name = name
        self.handler = handler
        self.owns_transactions = parameters[0] == "app"
        self.payload = payload
        self.together = together

    def decode(self, payload: bytes) -> Any:
        """The payload as its type."""
        return msgspec.json.decode(payload, type=self.payload)


def name_of(handler: Handler) -> str:
    """The name under which a handler's jobs are stored: its dotted path without the package."""
    return f"{handler.__module__.removeprefix('majlis.features.')}.{handler.__name__}"


class Registry:
    """Every handler of this program, filled when its modules are imported."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.by_fact: dict[type[Fact], list[str]] = {}
        self.schedules: dict[str, tuple[str, Handler]] = {}
        self.reopening: set[str] = set()  # jobs whose key is free again once they begin

    def add(self, name: str, handler: Handler, payload: Any, *, together: bool = False) -> None:
        """Register a handler under a name. Raises ValueError when the name is taken."""
        if name in self.jobs:
            raise ValueError(f"{name} is registered twice")
        self.jobs[name] = Job(name, handler, payload, together=together)


registry = Registry()


def on(*facts: type[Fact], together: bool = False) -> Callable[[F], F]:
    """Run this handler for each of these facts, in a transaction of its own, at least once.

    With `together` it takes a list: of what happened at about the same time, all of one kind.
    """

    def register(handler: F) -> F:
        for fact in facts:
            name = f"{name_of(handler)}:{fact.__name__}"
            registry.add(name, handler, fact, together=together)
            registry.by_fact.setdefault(fact, []).append(name)
        return handler

    return register


def job(handler: F) -> F:
    """Make this handler callable later by `enqueue`."""
    payload = list(inspect.signature(handler).parameters)[1]
    registry.add(name_of(handler), handler, get_type_hints(handler)[payload])
    return handler


def reopening(handler: F) -> F:
    """Like `job`, for one that looks at everything there is: what comes once it has begun makes another of its key."""
    registry.reopening.add(name_of(handler))
    return job(handler)


def every(cron: str) -> Callable[[F], F]:
    """Run this `async (app) -> None` at these times (five cron fields, UTC), in one process only."""

    def register(handler: F) -> F:
        registry.schedules[name_of(handler)] = (cron, handler)
        return handler

    return register


ENQUEUE = """
INSERT INTO pgqueuer (priority, status, entrypoint, payload, execute_after, dedupe_key)
SELECT 0, 'queued', name, $2, now() + $3::interval, $4 FROM unnest($1::text[]) AS name
ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL DO NOTHING
"""
# In one order, so that two who store jobs of the same keys do not wait for one another in a circle.
ENQUEUE_ALL = """
INSERT INTO pgqueuer (priority, status, entrypoint, payload, execute_after, dedupe_key)
SELECT 0, 'queued', $1, payload, now() + $3::interval, key
FROM unnest($2::bytea[], $4::text[]) AS given (payload, key) ORDER BY key
ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL DO NOTHING
"""


class Wake:
    """Tells this process's worker, and by a hint the others, that jobs are there."""

    def __init__(self) -> None:
        self.hooks: list[Callable[[], None]] = []

    def __call__(self) -> None:
        for hook in self.hooks:
            hook()


wake = Wake()


def packed(fact: Fact) -> tuple[tuple[str, ...], bytes]:
    """(handler names, payload) for a statement that stores its own jobs with `emit_facts($n, ARRAY[$m])`.

    Call `announce(tx)` beside it.
    """
    return tuple(registry.by_fact.get(type(fact), ())), msgspec.json.encode(fact)


def announce(tx: Tx) -> None:
    """Wake workers once this transaction is committed."""
    tx.after_commit(wake)


async def emit(tx: Tx, *facts: Fact) -> None:
    """Store a job for every handler of these facts, in this transaction."""
    for fact in facts:
        names, payload = packed(fact)
        if names:
            await tx.run(ENQUEUE, names, payload, timedelta(0), None)
            announce(tx)


async def enqueue(
    tx: Tx, handler: Handler, payload: Any, *, after: timedelta = timedelta(0), key: str | None = None
) -> None:
    """Store a job for a handler made by `@job`. While one with the same key waits or runs, no second is stored."""
    await tx.run(ENQUEUE, [_known(handler)], msgspec.json.encode(payload), after, key)
    announce(tx)


async def enqueue_all(
    tx: Tx, handler: Handler, payloads: Mapping[str, Any], *, after: timedelta = timedelta(0)
) -> None:
    """Store jobs for a handler made by `@job`, by their keys; as `enqueue` does."""
    if payloads:
        encoded = [msgspec.json.encode(payload) for payload in payloads.values()]
        await tx.run(ENQUEUE_ALL, _known(handler), encoded, after, list(payloads))
        announce(tx)


def _known(handler: Handler) -> str:
    name = name_of(handler)
    if name not in registry.jobs:
        raise LookupError(f"{name} is not a job")
    return name


# What the queue holds, for metrics and the command line.
WAITING = Query(int, "SELECT count(*) FROM pgqueuer WHERE status = 'queued'")
