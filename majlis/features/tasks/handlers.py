"""Tasks are done, tried again, told of and forgotten."""

from majlis.app import App
from majlis.features.tasks import service
from majlis.features.tasks.facts import TaskAsked, TaskEnded
from majlis.features.tasks.model import Due
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(TaskAsked)
async def begin(app: App, fact: TaskAsked) -> None:
    """The first try."""
    await run(app, Due(fact.task_id))


@facts.job
async def run(app: App, due: Due) -> None:
    """One try; the next one is stored together with what this one came to."""
    outcome = await service.attempt(app, Me.system, due.task_id)
    if outcome is not None:
        async with app.db.tx() as tx:
            wait = await service.settle(tx, Me.system, outcome)
            if wait is not None:
                await facts.enqueue(tx, run, due, after=wait)


@facts.on(TaskEnded)
async def tell(tx: Tx, fact: TaskEnded) -> None:
    """Tell the owner's sockets."""
    await service.tell(tx, Me.system, fact)


@facts.on(TaskEnded)
async def push(app: App, fact: TaskEnded) -> None:
    """Tell the owner's devices."""
    await service.push(app, Me.system, fact)


@facts.on(TaskEnded)
async def mail(app: App, fact: TaskEnded) -> None:
    """Mail the owner."""
    await service.mail(app, Me.system, fact)


@facts.every("*/5 * * * *")
async def forget(app: App) -> None:
    """Delete what ended an hour ago."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.forget(tx, Me.system)
