"""What happens to tasks."""

from typing import Literal
from uuid import UUID

from majlis.kit.facts import Fact


class TaskAsked(Fact, frozen=True):
    """Somebody wants a task done."""

    task_id: UUID


class TaskEnded(Fact, frozen=True):
    """A task is done, or was tried for the last time."""

    task_id: UUID
    user_id: UUID
    kind: str
    status: Literal["completed", "failed"]
