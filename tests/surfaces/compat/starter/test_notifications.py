"""Preferences at the starter door, and what they hold back."""

from typing import Any

import pytest

from majlis.features.preferences import service as preferences
from majlis.features.preferences.model import CATEGORIES, Letter
from majlis.kit import hints
from majlis.kit.me import Me
from majlis.vendors.push import Push
from tests.features.queries import counted
from tests.surfaces.compat.starter.callers import ask, data, refused, somebody
from tests.surfaces.compat.starter.writing import heard
from tests.world import Person, World

PATH = "/notifications/preferences"
EVERYTHING = {"posts": True, "messages": True, "tasks": True, "documents": True, "rooms": True}
DEFAULTS = {"emailEnabled": True, "pushEnabled": True, "webSocketEnabled": True, "categories": EVERYTHING}


def wants(world: World, who: Person, **changes: Any) -> Any:
    return data(ask(world, "PUT", PATH, who, changes))


@pytest.mark.rule("starter:R37", "starter:D13")
def test_everything_is_on_until_it_is_said_otherwise(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    assert data(ask(world, "GET", PATH, amina)) == DEFAULTS
    assert wants(world, amina) == DEFAULTS, "nothing has to be given"
    assert wants(world, amina, emailEnabled=False) == {**DEFAULTS, "emailEnabled": False}
    changed = wants(world, amina, categories={"posts": False})
    assert changed == {**DEFAULTS, "emailEnabled": False, "categories": {**EVERYTHING, "posts": False}}
    both = wants(world, amina, emailEnabled=True, categories={"rooms": False})
    assert both == {**DEFAULTS, "categories": {**EVERYTHING, "posts": False, "rooms": False}}
    assert data(ask(world, "GET", PATH, amina)) == both
    assert data(ask(world, "GET", PATH, karim)) == DEFAULTS


@pytest.mark.rule("starter:D13")
def test_there_are_no_other_categories(world: World) -> None:
    amina = somebody(world, "Amina")
    assert set(CATEGORIES) == set(EVERYTHING)
    wrong = {"categories": {"posts": False, "weather": True}}
    refused(ask(world, "PUT", PATH, amina, wrong), 400, "bad_request", "categories.weather")
    refused(ask(world, "PUT", PATH, amina, {"pushEnabled": "yes"}), 400, "bad_request", "pushEnabled")
    refused(ask(world, "PUT", PATH, amina, {"pushEnabled": None}), 400, "bad_request", "pushEnabled")
    assert data(ask(world, "GET", PATH, amina)) == DEFAULTS
    refused(ask(world, "GET", PATH), 401, "unauthorized")


@pytest.mark.rule("starter:R37")
def test_who_is_told_is_found_by_one_query(world: World) -> None:
    people = [somebody(world) for _ in range(4)]
    wants(world, people[0], categories={"posts": False})
    wants(world, people[1], webSocketEnabled=False)
    wants(world, people[2], categories={"tasks": False})

    async def told(category: Any, channel: Any) -> set[int]:
        async with world.app.db.read() as tx:
            ids = [one.id for one in people]
            found = await preferences.allowed(tx, Me.system, ids, category, channel)
        return {ids.index(one) for one in found}

    with counted(world) as seen:
        assert world.go(told("posts", "web_socket")) == {2, 3}
    assert len([query for query in seen if "notification_preferences" in query]) == 1
    assert world.go(told("posts", "push")) == {1, 2, 3}
    assert world.go(told("tasks", "email")) == {0, 1, 3}


def ended(world: World, who: Person) -> tuple[int, int]:
    """How many hints and mails the end of a task brings."""
    told, before = heard(world, f"{hints.LIVE}{who.id}"), len(world.mails())
    data(ask(world, "POST", "/tasks", who, {"type": "large_task"}), 202)
    world.drain()
    return len(told), len(world.mails()) - before


@pytest.mark.rule("starter:R37")
def test_a_category_that_is_off_sends_nothing_and_each_channel_is_asked_by_itself(world: World) -> None:
    amina = somebody(world, "Amina")
    assert ended(world, amina) == (1, 1)
    assert world.mails()[0].to == amina.email
    wants(world, amina, emailEnabled=False)
    assert ended(world, amina) == (1, 0)
    wants(world, amina, emailEnabled=True, webSocketEnabled=False)
    assert ended(world, amina) == (0, 1)
    wants(world, amina, webSocketEnabled=True, categories={"tasks": False})
    assert ended(world, amina) == (0, 0)
    wants(world, amina, categories={"tasks": True, "posts": False})
    assert ended(world, amina) == (1, 1)


@pytest.mark.rule("starter:R37")
def test_devices_are_asked_for_only_where_pushes_are_wanted(world: World) -> None:
    amina = somebody(world, "Amina")

    async def push() -> bool:
        note = Push("a", "b", "c")
        return await preferences.send_push(world.app, Me.system, amina.id, "messages", note)

    assert world.go(push())
    wants(world, amina, pushEnabled=False)
    with counted(world) as seen:
        assert not world.go(push())
    assert not [query for query in seen if "FROM devices" in query]


def test_no_mail_goes_to_an_address_that_nobody_confirmed(world: World) -> None:
    unsure = somebody(world, "Amina", verified=False)

    async def mail() -> bool:
        return await preferences.send_mail(world.app, Me.system, unsure.id, "posts", Letter("a", "b"))

    assert not world.go(mail()) and world.mails() == []
