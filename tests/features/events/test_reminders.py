"""Reminders of events: to those who want to come, a day and an hour before, once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from majlis.features.events import handlers, service
from majlis.kit import clock, facts
from majlis.kit.me import Me
from tests.features.events.inviting import invite, stand, when
from tests.features.posts.writing import POSTS, block, write
from tests.world import Person, World


def after(world: World, hours: float) -> int:
    """How many are reminded by a run in so many hours."""
    with clock.shifted(timedelta(hours=hours)):
        return world.go(service.remind(world.app, Me.system))


def reminded(world: World, who: Person) -> list[str]:
    """The events that somebody was reminded of, once all jobs have run."""
    world.drain()
    notes = world.get("/api/v1/notifications?type=EVENT_REMINDER", who).json()["data"]
    return [note["data"]["post_id"] for note in notes]


def test_guests_are_reminded_a_day_and_an_hour_before(world: World) -> None:
    amina, bilal, chaman, third = (world.person() for _ in range(4))
    event = invite(world, amina, 30)
    stand(world, bilal, event, "going")
    stand(world, chaman, event, "interested")
    stand(world, third, event, "going")
    stand(world, third, event, "not_interested")
    runs = {5.9: 0, 6.1: 2, 6.2: 0, 28.9: 0, 29.1: 2, 29.9: 0, 30.1: 0}
    assert {hours: after(world, hours) for hours in runs} == runs
    assert reminded(world, bilal) == reminded(world, chaman) == [event["id"]] * 2
    assert reminded(world, third) == reminded(world, amina) == []


def test_who_joins_late_is_not_reminded_of_what_they_just_read(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event = invite(world, amina, 10)
    stand(world, bilal, event, "going")
    runs = {0: 0, 5: 0, 9.2: 1, 9.3: 0}
    assert {hours: after(world, hours) for hours in runs} == runs
    assert reminded(world, bilal) == [event["id"]]


def test_an_event_that_is_moved_is_worth_another_reminder(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event = invite(world, amina, 30)
    stand(world, bilal, event, "going")
    assert after(world, 7) == 1
    world.put(f"{POSTS}/{event['id']}", amina, when(60, 61))
    assert {hours: after(world, hours) for hours in (8, 37)} == {8: 0, 37: 1}
    assert reminded(world, bilal) == [event["id"]] * 2


def test_a_missed_run_is_made_up_for(world: World) -> None:
    """A worker that stood still reminds as soon as it works again, but not of both times at once."""
    amina, bilal = world.person(), world.person()
    stand(world, bilal, invite(world, amina, 30), "going")
    assert after(world, 20) == 1
    assert after(world, 29.5) == 1


def test_a_day_without_hours_is_told_once(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event = write(world, amina, "EVENT", start_date=when(80)["start_date"])
    stand(world, bilal, event, "going")
    assert sum(after(world, hours) for hours in range(20, 90)) == 1
    assert reminded(world, bilal) == [event["id"]]


@pytest.mark.parametrize("end", ["deleted", "hidden", "withdrawn"])
def test_what_is_no_more_is_not_told(world: World, end: str) -> None:
    amina, bilal = world.person(), world.person()
    event = invite(world, amina, 30)
    stand(world, bilal, event, "going")
    ends: dict[str, Any] = {
        "deleted": lambda: world.delete(f"{POSTS}/{event['id']}", amina),
        "hidden": lambda: world.put(f"{POSTS}/{event['id']}", amina, {"status": False}),
        "withdrawn": lambda: stand(world, bilal, event, "not_interested"),
    }
    assert ends[end]().is_success
    assert after(world, 7) == 0


def test_whom_the_host_blocks_is_not_told(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event = invite(world, amina, 30)
    stand(world, bilal, event, "going")
    block(world, amina, bilal)
    after(world, 7)
    assert reminded(world, bilal) == []


def test_what_was_told_is_forgotten_a_week_later(world: World) -> None:
    amina, bilal = world.person(), world.person()
    stand(world, bilal, invite(world, amina, 30), "going")
    left = {}
    for hours in (7, 24 * 7 + 29, 24 * 7 + 31):
        after(world, hours)
        left[hours] = len(world.sql("SELECT 1 FROM event_reminders"))
    assert list(left.values()) == [1, 1, 0]


def test_two_runs_at_once_remind_once(clone: World) -> None:
    amina, people = clone.person(), [clone.person() for _ in range(5)]
    event = invite(clone, amina, 30)
    for who in people:
        stand(clone, who, event, "going")

    async def at_once() -> list[int]:
        runs = (service.remind(clone.app, Me.system) for _ in range(6))
        return list(await asyncio.gather(*runs))

    def told() -> int:
        rows = clone.sql("SELECT count(*) AS n FROM pgqueuer WHERE entrypoint LIKE '%:EventNears'")
        return int(rows[0]["n"])

    with clock.shifted(timedelta(hours=7)):
        assert sum(clone.go(at_once())) == told() == 5
        clone.sql(
            "DELETE FROM event_reminders"
        )  # the control: it is these rows that hold the second one back
        clone.go(at_once())
    assert told() == 10
    assert reminded(clone, people[0]) == [event["id"]], "the notification itself is told once as well"


def test_many_guests_are_reminded_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = world.person()
    event = invite(world, amina, 30)
    for _ in range(5):
        stand(world, world.person(), event, "going")
    monkeypatch.setattr(service, "BATCH", 2)
    assert after(world, 7) == 5


def test_the_clock_runs_it(world: World) -> None:
    cron, handler = facts.registry.schedules["events.handlers.remind"]
    assert (cron, handler) == ("*/5 * * * *", handlers.remind)
    amina, bilal = world.person(), world.person()
    event = invite(world, amina, 30)
    stand(world, bilal, event, "going")
    with clock.shifted(timedelta(hours=7)):
        world.go(handlers.remind(world.app))
    assert reminded(world, bilal) == [event["id"]]
