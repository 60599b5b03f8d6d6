"""Events as files for calendars."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest

from majlis.kit import clock
from tests.features.events.inviting import EVENTS
from tests.features.posts.writing import POSTS, write
from tests.world import Person, World


def file_of(world: World, event: dict[str, Any], who: Person | None = None) -> bytes:
    answer = world.get(f"{EVENTS}/{event['id']}/calendar.ics", who)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="event.ics"'
    return answer.content


def entry_of(world: World, event: dict[str, Any], who: Person | None = None) -> Any:
    (entry,) = icalendar.Calendar.from_ical(file_of(world, event, who)).walk("VEVENT")
    return entry


def test_an_event_is_a_file_that_calendars_read(world: World) -> None:
    amina = world.person()
    event = write(
        world, amina, "EVENT", title="Kites, kites; and kites", description="First line\nSecond, with \\ in it",
        start_date="2031-03-21", start_time="18:30", end_date="2031-03-22", end_time="01:00",
        province="Kabul", country="Afghanistan", is_location=True, address_location={"lat": 34.5, "lng": 69.25},
    )  # fmt: skip
    text = file_of(world, event).decode()
    lines = text.split("\r\n")
    assert "\n" not in text.replace("\r\n", ""), "lines end with CR LF"
    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR", "")
    assert {"VERSION:2.0", "METHOD:PUBLISH", f"UID:{event['id']}", "DTSTART:20310321T140000Z"} <= set(lines)
    assert "DTEND:20310321T203000Z" in lines
    assert r"SUMMARY:Kites\, kites\; and kites" in lines
    entry = entry_of(world, event)
    assert entry["summary"] == event["title"]
    assert entry["description"] == event["description"]
    assert entry["location"] == "Kabul, Afghanistan"
    assert entry["geo"].to_ical() == "34.5;69.25"
    assert entry.start == datetime(2031, 3, 21, 14, tzinfo=UTC)
    assert entry.end == datetime(2031, 3, 21, 20, 30, tzinfo=UTC)
    assert entry["dtstamp"].dt == datetime.fromisoformat(event["updated_at"]).replace(microsecond=0)


@pytest.mark.parametrize(
    "dates, start, end",
    [
        ({"start_date": "2031-03-21"}, date(2031, 3, 21), date(2031, 3, 22)),
        ({"start_date": "2031-03-21", "end_date": "2031-03-23"}, date(2031, 3, 21), date(2031, 3, 24)),
        ({"start_date": "2031-03-21", "start_time": "09:00"}, datetime(2031, 3, 21, 4, 30, tzinfo=UTC), None),
        (
            {"start_date": "2031-03-21", "start_time": "09:00", "end_date": "2031-03-21"},
            datetime(2031, 3, 21, 4, 30, tzinfo=UTC),
            datetime(2031, 3, 21, 19, 30, tzinfo=UTC),
        ),
        (
            {"start_date": "2031-03-21", "end_time": "12:00:30"},
            datetime(2031, 3, 20, 19, 30, tzinfo=UTC),
            datetime(2031, 3, 21, 7, 30, 30, tzinfo=UTC),
        ),
    ],
)
def test_days_and_hours(world: World, dates: dict[str, str], start: Any, end: Any) -> None:
    entry = entry_of(world, write(world, world.person(), "EVENT", **dates))
    assert entry["dtstart"].dt == start
    assert (entry["dtend"].dt if "dtend" in entry else None) == end


def test_a_later_file_replaces_an_earlier_one(world: World) -> None:
    amina = world.person()
    event = write(world, amina, "EVENT")
    before = entry_of(world, event)
    assert before["sequence"] == 0
    with clock.shifted(timedelta(minutes=5)):
        changed = world.put(f"{POSTS}/{event['id']}", amina, {"start_date": "2031-03-25"})
    assert changed.status_code == 200
    after = entry_of(world, event)
    assert after["uid"] == before["uid"] == event["id"]
    assert after["sequence"] > before["sequence"]
    assert (before["dtstart"].dt, after["dtstart"].dt) == (date(2031, 3, 21), date(2031, 3, 25))


def test_long_lines_in_other_scripts_are_folded(world: World) -> None:
    words = "جشن بادبادک‌ها در تپه نادرخان با همسایه‌ها " * 6
    event = write(world, world.person(), "EVENT", title="نوروز", description=words)
    raw = file_of(world, event)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert entry_of(world, event)["description"] == words


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_a_title_adds_no_lines_of_its_own(world: World, end: str) -> None:
    event = write(world, world.person(), "EVENT", title=f"Kites{end}ATTENDEE:mailto:all@example.org")
    assert "attendee" not in entry_of(world, event)
    assert b"SUMMARY:Kites\\nATTENDEE" in file_of(world, event)


def test_an_exact_place_is_for_those_who_may_see_it(world: World) -> None:
    amina = world.person()
    event = write(world, amina, "EVENT", address_location={"lat": 34.5, "lng": 69.2})
    assert "geo" not in entry_of(world, event)
    assert "geo" in entry_of(world, event, amina)
