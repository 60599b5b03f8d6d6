"""Work in the background."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.tasks import service as tasks
from majlis.features.tasks.model import Task as Stored
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.starter.actions import spend
from majlis.surfaces.compat.starter.shapes import Shape, Task, says

api = http.Api("tasks")


class TaskBody(Shape):
    """What is to be done: `large_task` counts the words of all one's articles."""

    type: Annotated[str, Meta(max_length=100, examples=["large_task"])]
    data: Annotated[dict[str, Any], Meta(description="at most 64 KiB")] = msgspec.field(default_factory=dict)


def _task(task: Stored) -> Task:
    result = None if task.result is None else msgspec.json.decode(task.result)
    return Task(task.id, task.kind, task.status, result, task.error, task.created_at, task.updated_at)


@api.post("/api/v1/tasks", policy=access.user, status=202)
@says("Task queued successfully")
async def create(app: App, me: Me, body: TaskBody) -> Task:
    """Have something done in the background. It is tried three times; the end is told over the socket."""
    await spend(app, me, "create_task")
    async with app.db.tx() as tx:
        return _task(await tasks.create(tx, me, body.type, body.data))


@api.get("/api/v1/tasks/{task_id}", policy=access.owner)
@says("Task retrieved successfully")
async def get(app: App, me: Me, task_id: UUID) -> Task:
    """A task of one's own. It is kept for an hour after its end."""
    async with app.db.fresh() as tx:
        return _task(await tasks.get(tx, me, task_id))
