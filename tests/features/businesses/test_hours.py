"""The hours of a business, and whether it is open now."""

from datetime import UTC, datetime
from typing import Any

import pytest

from majlis.kit import clock
from tests.features.businesses.trading import BUSINESSES, at, day, faults, opened
from tests.world import World

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KABUL = {"lat": 34.5229, "lng": 69.1404}
KARACHI = {"lat": 24.8607, "lng": 67.0011}
LOS_ANGELES = {"lat": 34.0522, "lng": -118.2437}


@pytest.mark.rule("hamsaya:137", "hamsaya:162")
def test_hours_are_set_day_by_day_and_the_others_stay(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)
    path = at(business, "/hours")
    assert world.get(path).json() == {"data": []}
    answer = world.put(
        path, amina, {"hours": [day("Sunday", "09:00", "12:30"), day("Monday", "08:00", "18:00")]}
    )
    assert answer.status_code == 200
    first = answer.json()["data"]
    assert [(one["day"], one["open_time"], one["close_time"], one["is_closed"]) for one in first] == [
        ("Monday", "08:00:00", "18:00:00", False),
        ("Sunday", "09:00:00", "12:30:00", False),
    ]
    body = {"hours": [day("Monday", "10:00", "16:00"), day("Friday", None, None, is_closed=True)]}
    for _ in range(2):
        monday, friday, sunday = world.put(path, amina, body).json()["data"]
    assert (monday["id"], monday["open_time"]) == (first[0]["id"], "10:00:00")
    assert monday["created_at"] == first[0]["created_at"] < monday["updated_at"]
    assert (friday["open_time"], friday["close_time"], friday["is_closed"]) == (None, None, True)
    assert sunday == first[1]
    assert (
        world.get(path).json()["data"] == [monday, friday, sunday] == world.get(at(business)).json()["hours"]
    )
    assert world.put(path, amina, {"hours": []}).json()["data"] == [monday, friday, sunday]
    whole = [day(name, "08:00", "18:00") for name in reversed(WEEK)]
    assert [one["day"] for one in world.put(path, amina, {"hours": whole}).json()["data"]] == list(WEEK)


@pytest.mark.rule("hamsaya:138")
@pytest.mark.parametrize(
    "hours, named",
    [
        ([day("Monday", "08:00", "18:00"), day("Monday", "19:00", "20:00")], {"hours[1].day"}),
        ([{"day": "Monday"}], {"hours[0].open_time", "hours[0].close_time"}),
        ([day("Monday", "08:00", None, is_closed=False)], {"hours[0].close_time"}),
        ([day("monday", "08:00", "18:00")], {"hours[0].day"}),
        ([day("Monday", "8:00", "24:00")], {"hours[0].open_time", "hours[0].close_time"}),
        ([day("Monday", "08:00", "18:00+02:00")], {"hours[0].close_time"}),
        ([{"open_time": "08:00", "close_time": "18:00"}], {"hours[0].day"}),
        (None, {"hours"}),
    ],
)
def test_each_wrong_day_and_time_is_named(world: World, hours: Any, named: set[str]) -> None:
    amina = world.person()
    business = opened(world, amina, hours=[day("Sunday", "09:00", "12:30")])
    assert faults(world.put(at(business, "/hours"), amina, {"hours": hours})) == named
    assert faults(world.post(BUSINESSES, amina, {"name": "Bakery", "hours": hours})) == named
    assert len(world.get(at(business, "/hours")).json()["data"]) == 1


@pytest.mark.rule("hamsaya:138")
def test_the_database_keeps_one_row_a_day_with_its_times(world: World) -> None:
    business = opened(world, world.person(), hours=[day("Sunday", "09:00", "12:30")])
    insert = """INSERT INTO business_hours (id, business_profile_id, day, open_time, close_time)
      VALUES (gen_random_uuid(), $1::text::uuid, $2::text, $3::text::time, '18:00') RETURNING 1"""
    for values, message in (
        (("Sunday", "08:00"), "business_hours_business_profile_id_day_key"),
        (("Monday", None), "times_unless_closed"),
        (("Noday", "08:00"), "business_hours_day_check"),
    ):
        with pytest.raises(Exception, match=message):
            world.sql(insert, business["id"], *values)


def open_at(world: World, business: dict[str, Any], moment: datetime) -> bool | None:
    with clock.frozen(moment):
        found: bool | None = world.get(at(business)).json()["is_open_now"]
    return found


def utc(day_of_month: int, hour: int, minute: int = 0) -> datetime:
    """A moment of June 2026, whose first day is a Monday."""
    return datetime(2026, 6, day_of_month, hour, minute, tzinfo=UTC)


# Kabul is four and a half hours ahead.
@pytest.mark.rule("hamsaya:137")
def test_a_day_has_a_beginning_and_an_end(world: World) -> None:
    business = opened(
        world,
        world.person(),
        hours=[day("Monday", "08:00", "18:00"), day("Tuesday", "08:00", "18:00", is_closed=True)],
    )
    expected = {
        utc(1, 3, 29): False, utc(1, 3, 30): True, utc(1, 13, 29): True, utc(1, 13, 30): False,
        utc(2, 6): False, utc(3, 6): False, utc(8, 6): True,
    }  # fmt: skip
    assert {moment: open_at(world, business, moment) for moment in expected} == expected


@pytest.mark.rule("hamsaya:138")
def test_closing_before_opening_is_past_midnight(world: World) -> None:
    business = opened(
        world, world.person(),
        hours=[day("Sunday", "18:00", "02:00"), day("Monday", "18:00", "02:00"), day("Tuesday", None, None, is_closed=True)],
    )  # fmt: skip
    expected = {
        utc(7, 13, 29): False, utc(7, 13, 30): True, utc(7, 19, 29): True,  # Sunday, up to 23:59
        utc(7, 19, 30): True, utc(7, 21, 29): True, utc(7, 21, 30): False,  # Monday, from 00:00 to 02:00
        utc(8, 13, 30): True, utc(8, 20): True,  # Tuesday is closed, after the night before it
        utc(8, 21, 30): False, utc(9, 14): False, utc(9, 20): False,
    }  # fmt: skip
    assert {moment: open_at(world, business, moment) for moment in expected} == expected


@pytest.mark.rule("hamsaya:138")
@pytest.mark.parametrize("hour", ["00:00", "06:00"])
def test_closing_when_it_opens_is_around_the_clock(world: World, hour: str) -> None:
    business = opened(world, world.person(), hours=[day(name, hour, hour) for name in WEEK])
    assert {open_at(world, business, utc(1, hour, 30)) for hour in range(24)} == {True}


def test_without_hours_nobody_knows(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)
    assert open_at(world, business, utc(1, 6)) is None
    world.put(at(business, "/hours"), amina, {"hours": [day("Sunday", "08:00", "18:00")]})
    assert open_at(world, business, utc(1, 6)) is False


@pytest.mark.rule("hamsaya:137")
def test_hours_are_those_of_the_place(world: World) -> None:
    amina = world.person()
    monday = [day("Monday", "08:00", "18:00")]
    nowhere = opened(world, amina, hours=monday)
    karachi = opened(world, amina, address_location=KARACHI, country="Pakistan", hours=monday)
    angeles = opened(world, amina, address_location=LOS_ANGELES, country="United States", hours=monday)
    named = opened(world, amina, country="Germany", hours=monday)
    expected = {
        utc(1, 3, 15): [False, True, False, False],  # 07:45 in Kabul, 08:15 in Karachi
        utc(1, 3, 45): [True, True, False, False],
        utc(1, 6): [True, True, False, True],  # 08:00 in Berlin
        utc(1, 14): [False, False, False, True],
        utc(1, 15): [False, False, True, True],  # 08:00 in Los Angeles
        utc(2, 0, 30): [False, False, True, False],  # still Monday there
        utc(2, 1): [False, False, False, False],
    }
    found = {
        moment: [open_at(world, one, moment) for one in (nowhere, karachi, angeles, named)]
        for moment in expected
    }
    assert found == expected


def test_a_business_that_moves_takes_the_time_of_its_new_place(world: World) -> None:
    amina = world.person()
    business = opened(world, amina, hours=[day("Monday", "08:00", "18:00")])
    zone = "SELECT time_zone FROM business_profiles WHERE id::text = $1"
    # Typed in another script and far from any border town: the point tells the country.
    for body, expected in (
        ({"address_location": KARACHI, "country": "پاکستان"}, "Asia/Karachi"),
        ({"address_location": {"lat": 34.34, "lng": 62.2}, "country": "Ours"}, "Asia/Kabul"),
        ({"address_location": LOS_ANGELES, "country": None}, "America/Los_Angeles"),
        ({"name": "Bread"}, "America/Los_Angeles"),
        ({"address_location": {"lat": 0, "lng": -140}, "country": "Nowhere"}, "America/Los_Angeles"),
        ({"address_location": None, "country": "Afghanistan"}, "Asia/Kabul"),
    ):
        assert world.put(at(business), amina, body).status_code == 200
        assert world.sql(zone, business["id"])[0]["time_zone"] == expected
    assert open_at(world, business, utc(1, 4)) is True


def test_a_zone_that_the_database_does_not_know_becomes_the_usual_one(world: World) -> None:
    rows = world.sql(
        "SELECT known_time_zone(z) AS z FROM unnest(ARRAY['Mars/Olympus', 'Asia/Tokyo', NULL, '']) AS z"
    )
    assert [row["z"] for row in rows] == ["Asia/Kabul", "Asia/Tokyo", "Asia/Kabul", "Asia/Kabul"]
