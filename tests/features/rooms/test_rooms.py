"""Rooms: who is there, for how long, and who hears of it."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from majlis.features.rooms import handlers, model
from majlis.features.rooms import service as rooms
from majlis.kit import clock
from tests.features.queries import counted
from tests.world import Person, World

KITCHEN = "/api/v1/rooms/kitchen"


def heard(world: World, who: Person) -> list[Any]:
    """What is told to somebody's sockets from now on: what happened, and to whom."""
    found: list[Any] = []

    def note(payload: bytes) -> None:
        told = msgspec.json.decode(payload)
        assert set(told) == {"type", "room_id", "user_id"} and told["room_id"] == "kitchen"
        found.append((told["type"], told["user_id"]))

    world.app.bus.subscribe(f"live:{who.id}", note)
    return found


def users(world: World, who: Person) -> list[str]:
    return list(world.get(KITCHEN, who).json()["users"])


def later(minutes: float) -> Any:
    return clock.shifted(timedelta(minutes=minutes))


@pytest.mark.rule("starter:R36")
@pytest.mark.rule("starter:D11")
def test_others_hear_once_who_comes_and_goes(world: World) -> None:
    amina, bilal, dara = world.person(), world.person(), world.person()
    world.put(KITCHEN, amina)
    to_amina, to_bilal, to_dara = (heard(world, who) for who in (amina, bilal, dara))
    for _ in range(2):
        assert world.put(KITCHEN, bilal).json() == {
            "room_id": "kitchen",
            "users": [str(amina.id), str(bilal.id)],
        }
    assert to_amina == [("user_joined_room", str(bilal.id))] and to_bilal == [] and to_dara == []
    for _ in range(2):
        assert world.delete(KITCHEN, bilal).status_code == 204
    assert to_amina[1:] == [("user_left_room", str(bilal.id))] and to_bilal == []
    assert users(world, dara) == [str(amina.id)]


@pytest.mark.rule("starter:R36")
@pytest.mark.rule("starter:D11")
def test_who_says_nothing_for_five_minutes_is_there_no_more(world: World) -> None:
    amina, bilal = world.person(), world.person()
    world.put(KITCHEN, amina)
    world.put(KITCHEN, bilal)

    async def stay(room_id: str | None) -> None:
        async with world.app.db.tx() as tx:
            await rooms.stay(tx, amina.me, room_id)

    to_amina = heard(world, amina)
    with later(4):
        world.go(stay(None))
    with later(4.9):
        assert len(users(world, amina)) == 2
    with later(5.1):
        assert users(world, amina) == [str(amina.id)] and to_amina == []
        world.go(handlers.sweep(world.app))
        world.go(handlers.sweep(world.app))
        assert to_amina == [("user_left_room", str(bilal.id))]
        world.put(KITCHEN, bilal)
        assert to_amina[1:] == [("user_joined_room", str(bilal.id))]
    with later(9.5), pytest.raises(model.NotInRoom):
        world.go(stay("kitchen"))


def test_who_left_in_silence_is_told_of_before_they_come_back(world: World) -> None:
    amina, bilal = world.person(), world.person()
    world.put(KITCHEN, bilal)
    with later(4):
        world.put(KITCHEN, amina)
    to_amina = heard(world, amina)
    with later(6):
        world.put(KITCHEN, bilal)
    assert [type for type, _ in to_amina] == ["user_left_room", "user_joined_room"]


def test_across_a_block_nobody_is_seen(world: World) -> None:
    amina, bilal = world.person(), world.person()
    assert world.post(f"/api/v1/users/{bilal.id}/block", amina).is_success
    world.put(KITCHEN, amina)
    to_amina = heard(world, amina)
    assert world.put(KITCHEN, bilal).json()["users"] == [str(bilal.id)]
    assert users(world, amina) == [str(amina.id)] and to_amina == []


def test_names_and_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina, bilal = world.person(), world.person()
    for name in ("a b", "x" * 101, "küche"):
        answer = world.put(f"/api/v1/rooms/{name}", amina)
        assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, "room_id")
    monkeypatch.setattr(rooms, "MAX_MEMBERS", 1)
    world.put(KITCHEN, amina)
    assert world.put(KITCHEN, bilal).json()["error"]["code"] == "room_full"
    assert users(world, amina) == [str(amina.id)]


def test_many_processes_tell_once(clone: World) -> None:
    """Whoever joins from several devices at once has joined once."""
    amina, bilal = clone.person(), clone.person()
    clone.put(KITCHEN, amina)
    to_amina = heard(clone, amina)

    async def together(method: str) -> None:
        work = (clone.http.request(method, KITCHEN, headers=bilal.auth) for _ in range(6))
        assert all(answer.is_success for answer in await asyncio.gather(*work))
        await asyncio.sleep(0)

    clone.go(together("PUT"))
    clone.go(together("DELETE"))
    assert to_amina == [("user_joined_room", str(bilal.id)), ("user_left_room", str(bilal.id))]


def test_a_room_costs_the_same_however_many(world: World) -> None:
    amina = world.person()
    world.put(KITCHEN, amina)
    with counted(world) as one:
        users(world, amina)
    for _ in range(3):
        world.put(KITCHEN, world.person())
    with counted(world) as four:
        assert len(users(world, amina)) == 4
    assert len(one) == len(four)
