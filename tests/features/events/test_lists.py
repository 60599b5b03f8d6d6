"""Lists of events, and of who comes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from majlis.kit import clock
from tests.features.events.inviting import EVENTS, invite, stand, when
from tests.features.graph.test_people import suspend
from tests.features.posts.writing import POSTS, block, faults, write
from tests.features.queries import counted
from tests.world import Person, World


def titles(world: World, query: str = "", who: Person | None = None) -> list[str]:
    answer = world.get(f"{EVENTS}?{query}", who)
    assert answer.status_code == 200, answer.text
    return [post["title"] for post in answer.json()["data"]]


def guests(world: World, event: dict[str, Any], stance: str, who: Person | None = None) -> list[str]:
    answer = world.get(f"{EVENTS}/{event['id']}/{stance}", who)
    assert answer.status_code == 200, answer.text
    return [entry["user_id"] for entry in answer.json()["data"]]


# ---- events


@pytest.mark.rule("hamsaya:146", "hamsaya:85")
def test_what_is_not_over_is_listed_soonest_first(world: World) -> None:
    amina = world.person()
    invite(world, amina, 200, title="next week")
    invite(world, amina, -1, 1, title="now")
    invite(world, amina, -50, -48, title="long over")
    invite(world, amina, 3, title="today")
    invite(world, amina, -3, -0.01, title="just over")
    for kind in ("FEED", "SELL", "PULL"):
        write(world, amina, kind)
    assert titles(world) == titles(world, "sort=upcoming") == ["now", "today", "next week"]
    assert titles(world, "include_past=true") == ["long over", "just over", "now", "today", "next week"]
    assert titles(world, "sort=recent") == ["today", "now", "next week"]
    assert titles(world, "sort=recent&include_past=true")[0] == "just over"
    assert titles(world, "sort=trending") == ["today", "now", "next week"]
    states = {"upcoming": ["today", "next week"], "ongoing": ["now"], "ended": ["long over", "just over"]}
    for state, expected in states.items():
        assert titles(world, f"event_state={state}") == expected
        shown = world.get(f"{EVENTS}?event_state={state}").json()["data"]
        assert {post["event_state"] for post in shown} == {state}
    assert titles(world, "event_state=cancelled") == []
    assert titles(world, "event_state=ongoing&event_state=ended") == ["long over", "just over", "now"]


def test_days_end_at_midnight_of_the_place(world: World) -> None:
    """Without hours an event lasts its whole day; the database and the program agree on when that is."""
    amina = world.person()
    fields = {
        "whole day": {"start_date": "2031-03-21"},
        "two days": {"start_date": "2031-03-21", "end_date": "2031-03-22"},
        "till noon": {"start_date": "2031-03-21", "end_time": "12:00"},
        "from noon": {"start_date": "2031-03-21", "start_time": "12:00"},
    }
    made = {
        write(world, amina, "EVENT", title=title, **dates)["id"]: title for title, dates in fields.items()
    }
    moments = {
        datetime(2031, 3, 20, 19, 29, 59, tzinfo=UTC): ["upcoming"] * 4,
        datetime(2031, 3, 20, 19, 30, tzinfo=UTC): ["ongoing", "ongoing", "ongoing", "upcoming"],
        datetime(2031, 3, 21, 7, 30, tzinfo=UTC): ["ongoing", "ongoing", "ended", "ongoing"],
        datetime(2031, 3, 21, 19, 29, 59, tzinfo=UTC): ["ongoing", "ongoing", "ended", "ongoing"],
        datetime(2031, 3, 21, 19, 30, tzinfo=UTC): ["ended", "ongoing", "ended", "ended"],
        datetime(2031, 3, 22, 19, 30, tzinfo=UTC): ["ended"] * 4,
    }
    for moment, states in moments.items():
        expected = dict(zip(fields, states, strict=True))
        with clock.frozen(moment):
            shown = world.get(f"{EVENTS}?include_past=true").json()["data"]
            assert {post["title"]: post["event_state"] for post in shown} == expected, moment
            for state in ("upcoming", "ongoing", "ended"):
                found = world.get(f"{EVENTS}?event_state={state}").json()["data"]
                assert {made[post["id"]] for post in found} == {t for t in fields if expected[t] == state}, (
                    moment
                )
            default = world.get(EVENTS).json()["data"]
            assert {made[post["id"]] for post in default} == {t for t in fields if expected[t] != "ended"}


@pytest.mark.rule("hamsaya:109")
def test_filters_combine_freely(world: World) -> None:
    amina, bilal = world.person(), world.person()
    with clock.frozen(clock.now()):
        invite(
            world, amina, 5, title="kites", province="Kabul", country="Afghanistan", description="in the wind"
        )
        invite(world, amina, 100, title="chess", province="Herat", district="Injil", neighborhood="Bagh")
        invite(world, bilal, 5, title="music", is_location=True, address_location={"lat": 34.55, "lng": 69.2})
        days = {name: when(hours)["start_date"] for name, hours in (("soon", 5), ("late", 100))}
    expected = {
        "province=kabul&country=afghanistan": {"kites"},
        "district=Injil&neighborhood=Bagh": {"chess"},
        "q=wind": {"kites"},
        "q=che": {"chess"},
        f"user_id={bilal.id}": {"music"},
        f"user_id={bilal.id}&q=wind": set(),
        f"business_id={bilal.id}": set(),
        f"date_from={days['late']}": {"chess"},
        f"date_to={days['soon']}": {"kites", "music"},
        "sort=nearby&lat=34.55&lng=69.2": {"music"},
        "lat=34.55&lng=69.3&radius_km=5": set(),
        "lat=34.55&lng=69.3&radius_km=20": {"music"},
    }
    assert {query: set(titles(world, query)) for query in expected} == expected


def test_ones_own_stance_filters(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = {
        title: invite(world, amina, hours, title=title)
        for title, hours in (("a", 1), ("b", 2), ("c", 3), ("d", 4))
    }
    for title, stance in (("a", "going"), ("b", "interested"), ("c", "not_interested")):
        stand(world, bilal, made[title], stance)
    stand(world, amina, made["d"], "going")
    assert titles(world, "my_event_state=going", bilal) == ["a"]
    assert titles(world, "my_event_state=going&my_event_state=interested", bilal) == ["a", "b"]
    assert titles(world, "my_event_state=not_interested", bilal) == ["c"]
    assert titles(world, "my_event_state=going", amina) == ["d"]
    assert titles(world, "my_event_state=going") == []
    counted_too = world.get(f"{EVENTS}?my_event_state=going&offset=0", bilal).json()
    assert counted_too["total"] == 1
    assert titles(world, "", bilal) == ["a", "b", "c", "d"]


def test_whom_one_mutes_is_not_met(world: World) -> None:
    amina, bilal = world.person(), world.person()
    invite(world, amina, 1, title="a")
    stand(world, bilal, invite(world, amina, 2, title="b"), "going")
    assert world.post(f"/api/v1/users/{amina.id}/mute", bilal).status_code == 200
    assert titles(world, "", bilal) == []
    assert titles(world, "my_event_state=going", bilal) == ["b"], "what one goes to is there all the same"


def test_pages_go_on_where_the_last_ended(world: World) -> None:
    amina = world.person()
    for hours, title in ((3, "c"), (1, "a"), (2, "b1"), (2, "b2"), (4, "d")):
        invite(world, amina, hours, title=title)
    whole = titles(world)
    assert [title[0] for title in whole] == ["a", "b", "b", "c", "d"]
    pages: list[str] = []
    cursor = None
    while True:
        answer = world.get(f"{EVENTS}?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        pages += [post["title"] for post in answer["data"]]
        assert "total" not in answer
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert pages == whole
    older = world.get(f"{EVENTS}?limit=2&offset=3").json()
    assert ([post["title"] for post in older["data"]], older["total"]) == (whole[3:], 5)
    first = world.get(f"{EVENTS}?limit=2").json()["next_cursor"]
    assert world.get(f"{EVENTS}?sort=recent&cursor={first}").status_code == 400


@pytest.mark.parametrize(
    "query, field",
    [
        ("sort=soon", "sort"),
        ("event_state=running", "event_state[0]"),
        ("my_event_state=maybe", "my_event_state[0]"),
        ("include_past=often", "include_past"),
        ("date_to=2026-13-01", "date_to"),
        ("user_id=amina", "user_id"),
        ("q=.", "q"),
        ("sort=nearby", "lat"),
        ("lat=1", "lng"),
        ("lat=1&lng=1&radius_km=0", "radius_km"),
        ("offset=-1", "offset"),
    ],
)
def test_a_bad_filter_is_named(world: World, query: str, field: str) -> None:
    assert field in faults(world.get(f"{EVENTS}?{query}"))


@pytest.mark.rule("hamsaya:89", "hamsaya:149")
def test_lists_hold_what_one_may_see(world: World) -> None:
    amina, bilal = world.person(), world.person()
    invite(world, amina, title="private", visibility="PRIVATE")
    gone = invite(world, amina, title="gone")
    world.delete(f"{POSTS}/{gone['id']}", amina)
    event = invite(world, amina, title="open")
    assert titles(world, "", bilal) == titles(world) == ["open"]
    block(world, bilal, amina)
    assert titles(world, "", bilal) == []
    assert world.get(f"{EVENTS}?offset=0", bilal).json()["total"] == 0
    for part in ("", "/interested", "/going", "/calendar.ics"):
        assert world.get(f"{EVENTS}/{event['id']}{part}", bilal).status_code == 404, part


# ---- who comes


@pytest.mark.rule("hamsaya:145")
def test_who_comes_is_listed_latest_first(world: World) -> None:
    amina, *people = (world.person(f"Guest{n}") for n in range(6))
    event = invite(world, amina)
    for who in people[:4]:
        assert stand(world, who, event, "interested").status_code == 200
    stand(world, people[4], event, "not_interested")
    stand(world, people[0], event, "going")
    assert guests(world, event, "going") == [str(people[0].id)]
    assert guests(world, event, "interested") == [str(who.id) for who in reversed(people[1:4])]
    (entry,) = world.get(f"{EVENTS}/{event['id']}/going", amina).json()["data"]
    assert set(entry) == {"id", "post_id", "user_id", "event_state", "created_at", "updated_at", "user"}
    assert (entry["post_id"], entry["event_state"]) == (event["id"], "going")
    assert (entry["user"]["id"], entry["user"]["first_name"]) == (str(people[0].id), "Guest1")
    path = f"{EVENTS}/{event['id']}/interested?limit=2"
    first = world.get(path).json()
    rest = world.get(f"{path}&cursor={first['next_cursor']}").json()
    assert [one["user_id"] for one in first["data"] + rest["data"]] == guests(world, event, "interested")
    assert rest["next_cursor"] is None and "total" not in rest
    older = world.get(f"{path}&offset=1").json()
    assert ([one["user_id"] for one in older["data"]], older["total"]) == (
        [str(who.id) for who in people[2:0:-1]],
        3,
    )
    assert world.get(f"{EVENTS}/{event['id']}/going?cursor={first['next_cursor']}").status_code == 400
    assert faults(world.get(f"{path[:-1]}0")) == {"limit"}
    assert world.get(f"{EVENTS}/{amina.id}/going").status_code == 404


@pytest.mark.rule("hamsaya:149")
def test_blocks_hide_guests_both_ways(world: World) -> None:
    amina, bilal, foe, other = (world.person() for _ in range(4))
    event = invite(world, amina)
    for who in (bilal, foe, other):
        stand(world, who, event, "going")
    block(world, bilal, foe)
    assert guests(world, event, "going", bilal) == [str(other.id), str(bilal.id)]
    assert guests(world, event, "going", foe) == [str(other.id), str(foe.id)]
    assert guests(world, event, "going") == [str(other.id), str(foe.id), str(bilal.id)]
    assert world.get(f"{EVENTS}/{event['id']}/going?offset=0", foe).json()["total"] == 2
    suspend(world, other)
    assert guests(world, event, "going", amina) == [str(foe.id), str(bilal.id)]
    world.sql("UPDATE profiles SET deleted_at = now() WHERE id = $1 RETURNING 1", UUID(str(foe.id)))
    assert guests(world, event, "going", amina) == [str(bilal.id)]


def test_lists_take_the_same_queries_whatever_their_size(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event = invite(world, amina)
    stand(world, bilal, event, "going")
    paths = [EVENTS, f"{EVENTS}?my_event_state=going", f"{EVENTS}/{event['id']}/going"]

    def queries(path: str) -> int:
        world.get(path, bilal)
        with counted(world) as seen:
            assert world.get(path, bilal).json()["data"]
        return len(seen)

    before = [queries(path) for path in paths]
    for _ in range(4):
        stand(world, bilal, invite(world, amina), "going")
        stand(world, world.person(), event, "going")
    assert [queries(path) for path in paths] == before
    assert max(before) <= 3, before


def test_stances_come_with_the_list(world: World) -> None:
    amina, bilal = world.person(), world.person()
    write(world, amina)

    def page() -> tuple[list[str | None], int]:
        world.get(POSTS, bilal)
        with counted(world) as seen:
            found = world.get(POSTS, bilal).json()["data"]
        return [post["my_event_state"] for post in found], len(seen)

    stances, before = page()
    assert stances == [None]
    event = invite(world, amina)
    assert page() == ([None, None], before)
    stand(world, bilal, event, "going")
    assert page() == (["going", None], before)
    stand(world, bilal, event, "interested")
    assert page() == (["interested", None], before)
