"""Nouns of tasks."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from majlis.kit.errors import Malformed

Status = Literal["pending", "processing", "completed", "failed"]
Ending = Literal["completed", "failed"]
MOST_BYTES = 64 * 1024  # of what a task is about
TRIES = 3
BACK_OFF = (timedelta(seconds=5), timedelta(seconds=30))  # before the second and the third
LONGEST_S = 600.0  # a try may take
KEPT = timedelta(hours=1)  # after the end


class Task(msgspec.Struct):
    """A task, as its owner sees it. `progress` is a fraction."""

    id: UUID
    user_id: UUID
    kind: str
    data: msgspec.Raw
    status: Status
    progress: float
    attempts: int
    result: msgspec.Raw | None
    error: str | None
    created_at: datetime
    updated_at: datetime


class Work(msgspec.Struct, frozen=True):
    """What a kind of task gets: what it is about, and whom to tell how far it is."""

    task_id: UUID
    data: dict[str, Any]
    progress: Callable[[float], Awaitable[None]]


class Due(msgspec.Struct, frozen=True):
    """A task whose next try is due."""

    task_id: UUID


class UnknownKind(Malformed):
    """Nothing here does such tasks."""

    code, detail = "unknown_task_type", "There is no such type of task."
