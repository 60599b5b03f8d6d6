"""Tasks at the starter door."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.tasks import handlers
from majlis.features.tasks import service as tasks
from majlis.features.tasks.model import BACK_OFF, Work
from majlis.kit import clock, facts, hints, jobs
from majlis.kit.errors import Invalid
from tests.surfaces.compat.starter.callers import ask, data, refused, somebody
from tests.surfaces.compat.starter.writing import CONTENT, heard, write
from tests.world import Person, World

TASK = {"taskId", "type", "status", "result", "error", "createdAt", "updatedAt"}


class Tries:
    """A kind of task that does as it is told, and what it saw."""

    def __init__(self) -> None:
        self.outcomes: list[Any] = []
        self.seen: list[tuple[UUID | None, Any]] = []

    async def __call__(self, app: Any, me: Any, work: Work) -> Any:
        self.seen.append((me.id, work.data))
        await work.progress(0.5)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def tries() -> Iterator[Tries]:
    doing = Tries()
    tasks.kind("made_up")(doing)
    yield doing
    del tasks.kinds["made_up"]


def begin(world: World, who: Person, kind: str = "made_up", **fields: Any) -> str:
    """The id of a new task."""
    return str(data(ask(world, "POST", "/tasks", who, {"type": kind, **fields}), 202)["taskId"])


def state(world: World, who: Person, task_id: str) -> Any:
    return data(ask(world, "GET", f"/tasks/{task_id}", who))


def ahead(world: World) -> int:
    """Do what is due within a minute, retries included."""
    return world.go(jobs.drain(world.app, world.app.db, facts.registry, ahead=timedelta(minutes=1)))


@pytest.mark.rule("starter:R29")
def test_a_task_is_done_in_the_background_and_its_owner_told(world: World) -> None:
    amina = somebody(world, "Amina")
    for number in range(3):
        write(world, amina, f"Number {number}", status="draft")
    told = heard(world, f"{hints.LIVE}{amina.id}")
    answer = ask(world, "POST", "/tasks", amina, {"type": "large_task"})
    begun = data(answer, 202)
    assert set(begun) == TASK and UUID(begun["taskId"])
    assert (begun["type"], begun["status"], begun["result"]) == ("large_task", "pending", None)
    world.drain()
    done = state(world, amina, begun["taskId"])
    words = 3 * len(CONTENT.split())
    assert done["status"] == "completed" and done["error"] is None
    assert done["result"] == {"articles": 3, "words": words, "characters": 3 * len(CONTENT)}
    assert told == [{"type": "task_completed", "task_id": begun["taskId"], "status": "completed"}]


def test_what_is_no_task_is_refused(world: World) -> None:
    amina = somebody(world, "Amina")
    refused(ask(world, "POST", "/tasks", amina, {"type": "nothing"}), 400, "unknown_task_type")
    refused(ask(world, "POST", "/tasks", amina, {}), 400, "bad_request", "type")
    huge = {"type": "large_task", "data": {"a": "x" * 70_000}}
    refused(ask(world, "POST", "/tasks", amina, huge), 400, "bad_request", "data")
    assert world.sql("SELECT 1 FROM tasks") == []


@pytest.mark.rule("starter:D9", "starter:R29")
def test_what_fails_is_tried_three_times_with_more_and_more_time_between(world: World, tries: Tries) -> None:
    amina = somebody(world, "Amina")
    told = heard(world, f"{hints.LIVE}{amina.id}")
    tries.outcomes = [RuntimeError("a secret"), Invalid("The list is empty."), RuntimeError("a secret")]
    task_id = begin(world, amina, data={"a": 1})
    world.drain()
    assert state(world, amina, task_id)["status"] == "pending", "the next try is not due yet"
    assert len(tries.seen) == 1 and BACK_OFF[0] < BACK_OFF[1]
    waits = world.sql("SELECT execute_after - now() > interval '2 s' AS later FROM pgqueuer")
    assert [row["later"] for row in waits] == [True]
    ahead(world)
    failed = state(world, amina, task_id)
    assert (failed["status"], failed["result"]) == ("failed", None)
    assert failed["error"] and "secret" not in failed["error"]
    assert tries.seen == [(amina.id, {"a": 1})] * 3
    assert told == [{"type": "task_completed", "task_id": task_id, "status": "failed"}]
    assert ahead(world) == 0


@pytest.mark.rule("starter:D9")
def test_a_later_try_may_do_it(world: World, tries: Tries) -> None:
    amina = somebody(world, "Amina")
    tries.outcomes = [Invalid("The list is empty."), {"found": 1}]
    task_id = begin(world, amina)
    world.drain()
    assert state(world, amina, task_id)["error"] == "The list is empty."
    ahead(world)
    done = state(world, amina, task_id)
    assert (done["status"], done["result"], done["error"]) == ("completed", {"found": 1}, None)
    (row,) = world.sql("SELECT attempts, progress FROM tasks")
    assert (row["attempts"], row["progress"]) == (2, 1)


@pytest.mark.rule("starter:D9")
def test_a_task_outlives_its_process_but_not_three_of_them(world: World, tries: Tries) -> None:
    amina = somebody(world, "Amina")
    task_id = begin(world, amina)
    for _ in range(3):  # each begins, and ends in the midst of it
        world.sql("UPDATE tasks SET status = 'processing', attempts = attempts + 1 RETURNING 1")
    world.drain()
    assert state(world, amina, task_id)["status"] == "failed" and tries.seen == []


@pytest.mark.rule("starter:D9")
def test_a_task_is_its_owners_and_gone_an_hour_after_its_end(world: World, tries: Tries) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    tries.outcomes = [1]
    task_id = begin(world, amina)
    with clock.shifted(timedelta(hours=3)):
        # Not by the access token, which would be over by then.
        (row,) = world.sql("SELECT ended_at FROM tasks")
        assert row["ended_at"] is None
        world.go(handlers.forget(world.app))
        assert len(world.sql("SELECT 1 FROM tasks")) == 1, "what has not ended stays"
    world.drain()
    refused(ask(world, "GET", f"/tasks/{task_id}", karim), 404, "not_found")
    refused(ask(world, "GET", f"/tasks/{uuid4()}", amina), 404, "not_found")
    refused(ask(world, "GET", f"/tasks/{task_id}"), 401, "unauthorized")
    world.sql("UPDATE tasks SET ended_at = ended_at - interval '59 minutes' RETURNING 1")
    assert state(world, amina, task_id)["result"] == 1
    world.go(handlers.forget(world.app))
    assert state(world, amina, task_id)["result"] == 1
    world.sql("UPDATE tasks SET ended_at = ended_at - interval '1 minute' RETURNING 1")
    refused(ask(world, "GET", f"/tasks/{task_id}", amina), 404, "not_found")
    world.go(handlers.forget(world.app))
    assert world.sql("SELECT 1 FROM tasks") == []


@pytest.mark.rule("starter:R30")
@pytest.mark.settings(rate_limits="on")
def test_ten_tasks_a_minute(world: World) -> None:
    amina = somebody(world, "Amina")
    for _ in range(10):
        begin(world, amina, "large_task")
    refused(ask(world, "POST", "/tasks", amina, {"type": "large_task"}), 429, "too_many_requests")
