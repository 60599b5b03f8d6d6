"""Events that take place again: by which rules, what each has of the first, and how a series ends."""

import asyncio
import contextlib
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from majlis.features.series.model import MOST, moments
from majlis.kit.errors import Invalid
from tests.features.events.inviting import EVENTS
from tests.features.orders.selling import FREE, add_type, ok, open_office, order, refused
from tests.features.posts.writing import POSTS, block, faults, write
from tests.features.queries import counted
from tests.world import Person, World

FIRST = datetime.fromisoformat("2031-03-21T18:30:00")  # a Friday


def event(world: World, host: Person, **fields: Any) -> dict[str, Any]:
    times = {"start_date": "2031-03-21", "start_time": "18:30", "end_date": "2031-03-22", "end_time": "02:00"}
    return write(world, host, "EVENT", **{**times, **fields})


def repeat(world: World, host: Person | None, first: dict[str, Any], rule: str, **fields: Any) -> Any:
    return world.post(f"{EVENTS}/{first['id']}/series", host, {"rrule": rule, **fields})


@pytest.mark.parametrize(
    "rule, days",
    [
        ("FREQ=WEEKLY;COUNT=3", ["2031-03-28", "2031-04-04"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=FR,SA;COUNT=4", ["2031-03-22", "2031-03-28", "2031-03-29"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", ["2031-03-28", "2031-04-25"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20310601", ["2031-03-31", "2031-05-31"]),
        ("FREQ=DAILY;INTERVAL=2;UNTIL=20310325", ["2031-03-23", "2031-03-25"]),
        ("FREQ=DAILY;UNTIL=20310323T183000Z", ["2031-03-22", "2031-03-23"]),
        ("FREQ=YEARLY", ["2032-03-21", "2033-03-21"]),
    ],
)
def test_rules_of_repetition(rule: str, days: list[str]) -> None:
    found = moments(rule, FIRST, set())
    assert [f"{at:%Y-%m-%d}" for at in found] == days
    assert {(at.hour, at.minute) for at in found} == {(18, 30)}


def test_a_rule_without_an_end_ends(world: World) -> None:
    assert len(moments("FREQ=DAILY", FIRST, set())) == MOST - 1
    assert moments("FREQ=WEEKLY;COUNT=3", FIRST, {date(2031, 3, 28)}) == [FIRST + timedelta(days=14)]


BAD = [
    "x", "FREQ=HOURLY", "FREQ=SECONDLY;COUNT=3", "FREQ=DAILY;BYHOUR=1,2,3", "FREQ=DAILY;FREQ=WEEKLY", "COUNT=3",
    "FREQ=DAILY;COUNT=1", "FREQ=DAILY;COUNT=53", "FREQ=DAILY;COUNT=99999999999", "FREQ=DAILY;COUNT=-3",
    "FREQ=DAILY;UNTIL=2031", "FREQ=DAILY;UNTIL=20310320", "FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;INTERVAL=0",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY\nRDATE:20310401T000000",
    "FREQ=DAILY;INTERVAL=99999999999999999999", "FREQ=MONTHLY;BYDAY=99SU", "FREQ=YEARLY;BYDAY=-999MO",
]  # fmt: skip


@pytest.mark.parametrize("rule", BAD)
def test_what_is_no_rule_is_named(world: World, rule: str) -> None:
    host = world.person()
    assert faults(repeat(world, host, event(world, host), rule)) == {"rrule"}
    assert world.sql("SELECT 1 FROM event_series") == []


@given(rule=st.text(alphabet="FREQDAILYWKCOUNTBM=;,-0123456789", max_size=60))
def test_any_text_is_a_rule_or_refused(rule: str) -> None:
    with contextlib.suppress(Invalid):
        found = moments(rule, FIRST, set())
        assert found
        assert all(at > FIRST for at in found)


def test_each_time_is_an_event_of_its_own_with_the_same_tickets(world: World) -> None:
    host, amina = world.person(), world.person()
    first = event(
        world,
        host,
        title="Poetry",
        description="aloud",
        address_location={"lat": 34.5, "lng": 69.2},
        is_location=True,
    )
    open_office(world, host, first, capacity=20, refundable=False)
    kind = add_type(world, host, first, **FREE, per_buyer=2, sale_ends="2031-03-21T00:00:00Z")
    order(world, amina, first, kind)
    made = ok(repeat(world, host, first, "FREQ=WEEKLY;COUNT=3"))
    found = made["events"]
    assert [one["start_date"] for one in found] == ["2031-03-21", "2031-03-28", "2031-04-04"]
    assert [(one["start_time"], one["end_date"][-2:], one["end_time"]) for one in found] == [
        ("18:30:00", day, "02:00:00") for day in ("22", "29", "05")
    ]
    for name in ("title", "description", "address_location", "is_location", "visibility", "user_id"):
        assert len({str(one[name]) for one in found}) == 1, name
    last = ok(world.get(f"{EVENTS}/{found[2]['id']}/ticket-types", host))
    (copied,) = last["ticket_types"]
    assert (last["capacity"], last["refundable"], last["sold"], last["left"]) == (20, False, 0, 20)
    assert (copied["name"], copied["per_buyer"], copied["sale_ends"]) == ("Entry", 2, "2031-04-04T00:00:00Z")
    assert copied["id"] != kind
    assert refused(repeat(world, host, found[1], "FREQ=DAILY;COUNT=2")) == (409, "already_repeated")
    uids = {world.get(f"{EVENTS}/{one['id']}/calendar.ics").text.partition("UID:")[2][:36] for one in found}
    assert uids == {one["id"] for one in found}
    ok(world.put(f"{POSTS}/{found[1]['id']}", host, {"title": "Prose"}))
    assert [one["title"] for one in ok(world.get(f"{EVENTS}/{first['id']}/series"))["events"]] == [
        "Poetry", "Prose", "Poetry",
    ]  # fmt: skip


def test_who_may_repeat_and_see(world: World) -> None:
    host, amina, blocked = (world.person() for _ in range(3))
    first = event(world, host)
    block(world, host, blocked)
    rule = "FREQ=DAILY;COUNT=2"
    assert refused(repeat(world, amina, first, rule)) == (403, "not_host")
    assert refused(repeat(world, blocked, first, rule)) == (404, "not_found")
    assert refused(repeat(world, None, first, rule)) == (401, "unauthenticated")
    path = f"{EVENTS}/{first['id']}/series"
    assert refused(world.get(path, host)) == (404, "not_found")
    assert refused(world.delete(path, host)) == (404, "not_found")
    second = ok(repeat(world, host, first, rule))["events"][1]
    assert refused(world.get(path, blocked)) == (404, "not_found")
    assert refused(world.delete(path, amina)) == (403, "not_host")
    ok(world.put(f"{POSTS}/{second['id']}", host, {"visibility": "PRIVATE"}))
    assert [one["id"] for one in ok(world.get(path, amina))["events"]] == [first["id"]]
    assert len(ok(world.get(path, host))["events"]) == 2


def test_a_series_ends_behind_an_event(world: World) -> None:
    host, amina = world.person(), world.person()
    first = event(world, host)
    open_office(world, host, first)
    add_type(world, host, first, **FREE)
    events = ok(repeat(world, host, first, "FREQ=DAILY;COUNT=4"))["events"]
    kinds = [ok(world.get(f"{EVENTS}/{one['id']}/ticket-types"))["ticket_types"][0]["id"] for one in events]
    made = [order(world, amina, one, kind) for one, kind in zip(events, kinds, strict=True)]
    assert world.delete(f"{EVENTS}/{events[1]['id']}/series", host).status_code == 204
    world.drain()
    left = ok(world.get(f"{EVENTS}/{first['id']}/series"))["events"]
    assert [one["id"] for one in left] == [one["id"] for one in events[:2]]
    states = [ok(world.get(f"/api/v1/orders/{one['id']}", amina))["status"] for one in made]
    assert states == ["paid", "paid", "cancelled", "cancelled"]


def test_a_long_series_takes_as_many_queries_to_see(world: World) -> None:
    host = world.person()
    short, long = event(world, host), event(world, host)
    ok(repeat(world, host, short, "FREQ=DAILY;COUNT=2"))
    ok(repeat(world, host, long, "FREQ=DAILY;COUNT=20"))
    with counted(world) as few:
        world.get(f"{EVENTS}/{short['id']}/series", host)
    with counted(world) as many:
        assert len(ok(world.get(f"{EVENTS}/{long['id']}/series", host))["events"]) == 20
    assert len(few) == len(many)


def test_two_at_once_make_one_series(clone: World) -> None:
    host = clone.person()
    first = event(clone, host)

    async def both() -> list[int]:
        path, body = f"{EVENTS}/{first['id']}/series", {"rrule": "FREQ=DAILY;COUNT=3"}
        sent = (clone.http.post(path, headers=host.auth, json=body) for _ in range(3))
        return sorted(answer.status_code for answer in await asyncio.gather(*sent))

    assert clone.go(both()) == [201, 409, 409]
    assert len(clone.sql("SELECT 1 FROM series_events")) == 3
    assert clone.sql("SELECT count(*) AS n FROM posts WHERE user_id = $1", host.id) == [{"n": 3}]
