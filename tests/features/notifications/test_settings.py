"""Channels per category."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.notifications import service, store
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.notifications.test_list import ALL
from tests.features.posts.writing import write
from tests.features.queries import counted
from tests.waiting import HALT, behind, halt_before
from tests.world import Person, World

SETTINGS = "/api/v1/settings/notifications"
CATEGORIES = ["POSTS", "MESSAGES", "EVENTS", "SALES"]
CONTRACT = {"id", "profile_id", "category", "push_pref", "created_at", "updated_at"}


def of(world: World, who: Person, channel: str = "push_pref") -> dict[str, bool]:
    """Somebody's preference for each category."""
    answer = world.get(SETTINGS, who)
    assert answer.status_code == 200, answer.text
    return {setting["category"]: setting[channel] for setting in answer.json()["data"]}


def put(world: World, who: Person, **body: Any) -> list[dict[str, Any]]:
    answer = world.put(SETTINGS, who, body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def like(world: World, who: Person, post: dict[str, Any]) -> None:
    assert world.post(f"/api/v1/posts/{post['id']}/like", who).status_code == 200
    world.drain()


@pytest.mark.rule("hamsaya:154")
def test_all_four_categories_are_there_with_push_on(world: World) -> None:
    amina = world.person()
    data = world.get(SETTINGS, amina).json()["data"]
    assert [setting["category"] for setting in data] == CATEGORIES
    assert all(set(setting) == {*CONTRACT, "in_app_pref", "email_pref"} for setting in data)
    assert all(setting["profile_id"] == str(amina.id) for setting in data)
    assert len({setting["id"] for setting in data}) == 4
    assert (
        {setting["push_pref"] for setting in data} == {setting["in_app_pref"] for setting in data} == {True}
    )
    assert {setting["email_pref"] for setting in data} == {False}, "mail is for those who ask for it"


@pytest.mark.rule("hamsaya:154", "hamsaya:162")
def test_a_category_is_updated_and_stays_one_row(world: World) -> None:
    amina, karim = world.person(), world.person()
    before = world.get(SETTINGS, amina).json()["data"]
    for wanted in (False, False, True, False):
        with clock.shifted(timedelta(seconds=5)):
            data = put(world, amina, category="EVENTS", push_pref=wanted)
        assert {s["category"]: s["push_pref"] for s in data} == {
            **dict.fromkeys(CATEGORIES, True),
            "EVENTS": wanted,
        }
    assert data == world.get(SETTINGS, amina).json()["data"]
    assert [s["id"] for s in data] == [s["id"] for s in before], "the ids were known before there were rows"
    assert data[2]["updated_at"] > before[2]["updated_at"]
    assert data[0] == before[0]
    rows = world.sql("SELECT profile_id, category FROM notification_settings")
    assert rows == [{"profile_id": amina.id, "category": "EVENTS"}]
    assert set(of(world, karim).values()) == {True}


@pytest.mark.rule("hamsaya:162")
def test_several_categories_are_updated_at_once(world: World) -> None:
    amina = world.person()
    put(world, amina, settings=[{"category": name, "push_pref": name == "SALES"} for name in CATEGORIES])
    assert of(world, amina) == {name: name == "SALES" for name in CATEGORIES}
    put(world, amina, settings=[{"category": "POSTS", "push_pref": True, "email_pref": True}])
    assert of(world, amina) == {"POSTS": True, "MESSAGES": False, "EVENTS": False, "SALES": True}
    assert of(world, amina, "email_pref") == {**dict.fromkeys(CATEGORIES, False), "POSTS": True}


def test_channels_that_are_left_out_stay(world: World) -> None:
    amina = world.person()
    put(world, amina, category="POSTS", in_app_pref=False)
    put(world, amina, category="POSTS", email_pref=True)
    data = put(world, amina, category="POSTS", push_pref=False)
    assert [data[0][name] for name in ("push_pref", "in_app_pref", "email_pref")] == [False, False, True]


@pytest.mark.rule("hamsaya:154")
@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, {"category", "settings"}),
        ({"push_pref": True}, {"category", "settings"}),
        ({"category": "POSTS"}, {"push_pref"}),
        ({"category": "RUMOURS", "push_pref": True}, {"category"}),
        ({"category": "posts", "push_pref": True}, {"category"}),
        ({"category": "POSTS", "push_pref": None}, {"push_pref"}),
        ({"category": "POSTS", "push_pref": "yes"}, {"push_pref"}),
        ({"category": "POSTS", "push_pref": True, "email_pref": 1}, {"email_pref"}),
        ({"settings": []}, {"settings"}),
        ({"settings": {}}, {"settings"}),
        ({"settings": [{"category": "POSTS"}]}, {"settings[0].push_pref"}),
        ({"settings": [{"push_pref": True}]}, {"settings[0].category"}),
        (
            {"settings": [{"category": "POSTS", "push_pref": True}, {"category": "X", "push_pref": True}]},
            {"settings[1].category"},
        ),
        ({"settings": [{"category": "POSTS", "push_pref": True}] * 2}, {"settings[1].category"}),
        ({"settings": [{"category": "POSTS", "push_pref": True}] * 5}, {"settings"}),
        ({"category": "SALES", "settings": [{"category": "POSTS", "push_pref": True}]}, {"settings"}),
        ({"category": "SALES", "push_pref": True, "profile_id": "x"}, {"profile_id"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_changes_nothing(
    world: World, body: dict[str, Any], fields: set[str]
) -> None:
    amina = world.person()
    answer = world.put(SETTINGS, amina, body)
    assert answer.status_code == 422, answer.text
    assert {detail["field"] for detail in answer.json()["error"]["details"]} == fields
    assert world.sql("SELECT 1 FROM notification_settings") == []


def test_only_the_signed_in_have_settings(world: World) -> None:
    assert world.get(SETTINGS).status_code == world.put(SETTINGS, None, {}).status_code == 401


def test_settings_cost_one_query(world: World) -> None:
    amina = world.person()
    for name in CATEGORIES:
        with counted(world) as seen:
            of(world, amina)
        assert len(seen) == 1
        put(world, amina, category=name, push_pref=False)


# ---- what they do


def test_without_the_app_channel_it_is_in_no_list(world: World) -> None:
    amina, karim = world.person(), world.person()
    put(world, amina, category="POSTS", in_app_pref=False)
    like(world, karim, write(world, amina))
    (row,) = world.sql("SELECT id, listed FROM notifications")
    assert row["listed"] is False, "it stands there for the other channels"
    assert world.get(ALL, amina).json() == {"data": [], "next_cursor": None, "unread_count": 0}
    assert world.get(ALL + "?grouped=true&offset=0", amina).json()["total"] == 0
    for query in ("", "?grouped=true"):
        assert world.put(f"{ALL}/{row['id']}/read{query}", amina).status_code == 404
        assert world.delete(f"{ALL}/{row['id']}{query}", amina).status_code == 404
    assert world.put(ALL + "/read-all", amina).json() == {"updated": 0, "unread_count": 0}
    assert world.sql("SELECT read FROM notifications") == [{"read": False}]


def test_with_all_channels_off_nothing_is_stored(world: World) -> None:
    amina, karim = world.person(), world.person()
    put(world, amina, category="POSTS", push_pref=False, in_app_pref=False)
    like(world, karim, write(world, amina))
    assert world.sql("SELECT 1 FROM notifications") == []


def test_what_obeys_no_category_always_comes(world: World) -> None:
    amina = world.person()
    off = {"push_pref": False, "in_app_pref": False}
    put(world, amina, settings=[{"category": name, **off} for name in CATEGORIES])

    async def run() -> None:
        async with world.app.db.tx() as tx:
            for _ in range(2):
                await service.inform(
                    tx,
                    Me.system,
                    "SYSTEM",
                    amina.id,
                    "Hidden",
                    "Your post is hidden.",
                    UUID(int=7),
                    post_id="7",
                )

    world.go(run())
    (note,) = world.get(ALL, amina).json()["data"]
    assert (note["type"], note["title"], note["message"]) == ("SYSTEM", "Hidden", "Your post is hidden.")
    assert (note["data"], note["actor"]) == ({"post_id": "7"}, None)


# ---- many at once


def _set_at_once(world: World, late: str) -> tuple[Counter[int], int]:
    """Many make the first row of a category, which comes late into one index; their answers, and how many rows there are."""
    amina = world.person()
    halt_before(world, "notification_settings", late)

    async def change(number: int) -> int:
        body = {"category": "POSTS", "push_pref": bool(number % 2)}
        return (await world.http.put(SETTINGS, headers=amina.auth, json=body)).status_code

    seen = Counter(world.go(behind(world, HALT, *(change(number) for number in range(8)))))
    return seen, len(world.sql("SELECT 1 FROM notification_settings WHERE category = 'POSTS'"))


KEYS = ["notification_settings_pkey", "notification_settings_profile_id_category_key"]


@pytest.mark.rule("hamsaya:154")
@pytest.mark.parametrize("late", KEYS)
def test_many_who_set_one_category_at_once_make_one_row(clone: World, late: str) -> None:
    assert _set_at_once(clone, late) == ({200: 8}, 1)


@pytest.mark.parametrize("late, named", [*zip(KEYS, ["id", "profile_id, category"], strict=True)])
def test_control_where_one_index_is_named_the_other_fails_them(
    clone: World, monkeypatch: pytest.MonkeyPatch, late: str, named: str
) -> None:
    monkeypatch.setattr(store, "ADD", store.ADD.replace("ON CONFLICT", f"ON CONFLICT ({named})"))
    assert _set_at_once(clone, late) == ({200: 1, 500: 7}, 1)


def _set_crosswise(world: World, order: Any) -> None:
    """Two requests set the same two categories, given in opposite order, while both are half way."""
    amina = world.person()
    for name in ("POSTS", "SALES"):
        put(world, amina, category=name, push_pref=True)
    half = asyncio.Event()
    begun = 0

    async def change(names: list[str]) -> None:
        nonlocal begun
        async with world.app.db.tx() as tx:
            for at, name in enumerate(order(names)):
                if at == 1:
                    begun += 1
                    if begun == 2:
                        half.set()
                    if order is list:
                        await half.wait()
                await tx.run(store.SET, amina.id, name, False, None, None, clock.now())

    async def run() -> None:
        await asyncio.gather(change(["POSTS", "SALES"]), change(["SALES", "POSTS"]))

    world.go(run())


def test_categories_are_set_in_one_order(clone: World) -> None:
    _set_crosswise(clone, sorted)
    assert set(of(clone, clone.person()).values()) == {True}


def test_control_in_the_order_given_they_deadlock(clone: World) -> None:
    with pytest.raises(asyncpg.DeadlockDetectedError):
        _set_crosswise(clone, list)
