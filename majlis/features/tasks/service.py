"""Verbs of tasks: ask for one, see how far it is, do it, try again, forget it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.preferences import service as preferences
from majlis.features.preferences.model import Letter
from majlis.features.tasks import store
from majlis.features.tasks.facts import TaskAsked, TaskEnded
from majlis.features.tasks.model import (
    BACK_OFF,
    KEPT,
    LONGEST_S,
    MOST_BYTES,
    TRIES,
    Ending,
    Task,
    UnknownKind,
    Work,
)
from majlis.kit import clock, facts, hints, ids, log
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound, Refused
from majlis.kit.me import Me
from majlis.vendors.push import Push

logger = log.get("majlis.tasks")
Doing = Callable[[App, Me, Work], Awaitable[Any]]
D = TypeVar("D", bound=Doing)
kinds: dict[str, Doing] = {}


def kind(name: str) -> Callable[[D], D]:
    """Let this function do tasks of a kind; what it returns is their result, what it raises their error.

    It runs for the owner, at least once, and is tried again.
    """

    def register(doing: D) -> D:
        if name in kinds:
            raise ValueError(f"{name} is registered twice")
        kinds[name] = doing
        return doing

    return register


async def create(tx: Tx, me: Me, kind: str, data: dict[str, Any]) -> Task:
    """Have something done for the caller in the background. Raises UnknownKind, Invalid."""
    if kind not in kinds:
        raise UnknownKind()
    if len(msgspec.json.encode(data)) > MOST_BYTES:
        raise Invalid.field("data", f"This may have at most {MOST_BYTES} bytes.", "too_large")
    made = await tx.one(store.ADD, ids.new(), me.user(), kind, data, clock.now())
    if made is None:
        raise LookupError("an insert has one row")
    await facts.emit(tx, TaskAsked(made.id))
    return made


async def get(tx: Reader, me: Me, task_id: UUID) -> Task:
    """A task of the caller's. Raises NotFound, and so it does an hour after its end."""
    found = await tx.one(store.ONE, task_id, me.user(), clock.now() - KEPT)
    if found is None:
        raise NotFound("There is no such task.")
    return found


class Outcome(msgspec.Struct, frozen=True):
    """What a try came to: a result, or the words of an error."""

    task: Task
    result: Any = None
    error: str | None = None
    hopeless: bool = False


async def attempt(app: App, me: Me, task_id: UUID) -> Outcome | None:
    """Try to do a task. None where there is nothing to do any more."""
    async with app.db.tx() as tx:
        task = await tx.one(store.BEGIN, task_id, clock.now())
    if task is None:
        return None
    doing = kinds.get(task.kind)
    if doing is None or task.attempts > TRIES:  # more where a process ended in the midst of each
        return Outcome(task, error="This task cannot be done.", hopeless=True)

    async def progress(done: float) -> None:
        async with app.db.tx() as tx:
            await tx.run(store.PROGRESS, task_id, min(1.0, max(0.0, done)), clock.now())

    work = Work(task_id, msgspec.json.decode(task.data, type=dict[str, Any]), progress)
    try:
        async with asyncio.timeout(LONGEST_S):
            return Outcome(task, await doing(app, Me(id=task.user_id), work))
    except Refused as refused:
        return Outcome(task, error=refused.detail)
    except Exception:
        logger.exception("task_try_failed", task=str(task_id), kind=task.kind, attempt=task.attempts)
        return Outcome(task, error="Something went wrong here.")


async def settle(tx: Tx, me: Me, outcome: Outcome) -> timedelta | None:
    """Write down what a try came to, and tell the owner of the end. Returns after what time to try again, or None."""
    task, now = outcome.task, clock.now()
    if outcome.error is None:
        ended = await tx.one(store.COMPLETE, task.id, outcome.result, now)
    elif task.attempts < TRIES and not outcome.hopeless:
        waits = await tx.one(store.AGAIN, task.id, outcome.error, now)
        return None if waits is None else BACK_OFF[task.attempts - 1]
    else:
        ended = await tx.one(store.FAIL, task.id, outcome.error, now)
    if ended is not None:
        status: Ending = "completed" if outcome.error is None else "failed"
        await facts.emit(tx, TaskEnded(task.id, task.user_id, task.kind, status))
    return None


async def tell(tx: Tx, me: Me, fact: TaskEnded) -> None:
    """Tell the owner's sockets of the end, if they want that."""
    if await preferences.allowed(tx, me, [fact.user_id], "tasks", "web_socket"):
        told = {"task_id": fact.task_id, "status": fact.status}
        hints.tell(tx, [fact.user_id], "task_completed", told)


async def push(app: App, me: Me, fact: TaskEnded) -> None:
    """The same to the owner's devices."""
    note = Push(f"task:{fact.task_id}", _title(fact), fact.kind, {"task_id": str(fact.task_id)})
    await preferences.send_push(app, me, fact.user_id, "tasks", note)


async def mail(app: App, me: Me, fact: TaskEnded) -> None:
    """The same to the owner's address. Raises MailUnavailable."""
    words = f"{_title(fact)}\n\n{fact.kind}, {fact.task_id}\n"
    await preferences.send_mail(app, me, fact.user_id, "tasks", Letter(_title(fact), words))


def _title(fact: TaskEnded) -> str:
    return "Your task is done" if fact.status == "completed" else "Your task failed"


async def forget(tx: Tx, me: Me) -> bool:
    """Delete tasks an hour after their end, some at a time. Returns whether there may be more."""
    return await tx.run(store.FORGET, clock.now() - KEPT) == 1000
