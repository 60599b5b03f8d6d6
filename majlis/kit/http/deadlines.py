"""Gives up requests that take too long."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any


class Deadlines:
    """Cancels the task of a request after `seconds`.

    All requests have the same time, so the oldest is the first to run out of it, and one timer serves all;
    a timer for each would cost more than the rest of a short request's bookkeeping.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun: dict[asyncio.Task[Any], float] = {}  # oldest first
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: "asyncio.Task[Any]") -> None:
        """From now on the time of this task runs."""
        self._begun[task] = time.monotonic()
        if self._timer is None:
            self._timer = task.get_loop().call_later(self._seconds, self._look)

    def end(self, task: "asyncio.Task[Any]") -> None:
        """The task is done with its request."""
        self._begun.pop(task, None)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The time of the present task does not run in here; behind it, it begins anew."""
        task = asyncio.current_task()
        if task is None or task not in self._begun:
            yield
            return
        self.end(task)
        try:
            yield
        finally:
            self.begin(task)

    def passed(self, task: "asyncio.Task[Any]") -> bool:
        """Whether this task was cancelled by us; then it may go on, as if it had not been."""
        if task not in self._overdue:
            return False
        self._overdue.remove(task)
        task.uncancel()
        return True

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        for task, begun in tuple(self._begun.items()):
            left = begun + self._seconds - now
            if left > 0:
                self._timer = task.get_loop().call_later(left, self._look)
                return
            del self._begun[task]
            self._overdue.add(task)
            task.cancel()
