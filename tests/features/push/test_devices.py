"""Registering devices, whose they are, and when they end."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from majlis.features.push import service, store
from majlis.features.push.model import DeviceInput
from majlis.kit import clock
from majlis.kit.me import Me
from majlis.vendors.push import Push
from tests.features.push.phones import (
    BROWSER,
    DEVICES,
    PUBLIC,
    SECRET,
    forget,
    pushed,
    register,
    registered,
)
from tests.features.queries import counted
from tests.world import PASSWORD, Person, World

PUSH = Push("n", "Title", "Words", {})
KEYS = {"p256dh": PUBLIC, "auth": SECRET}


def again(world: World, who: Person) -> Person:
    """The same person, signed in on another device."""
    answer = world.post("/api/v1/auth/login", None, {"email": who.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return Person(who.id, who.email, body["access_token"], body["refresh_token"], who.me)


def sent_to(world: World, who: Person) -> list[str]:
    """The tokens that a push to somebody reaches."""
    before = len(pushed(world))
    world.go(service.send(world.app, Me.system, who.id, PUSH))
    return sorted(told["to"]["token"] for told in pushed(world)[before:])


# ---- registering


def test_a_device_is_registered_and_listed_without_its_token(world: World) -> None:
    amina = world.person()
    device = register(world, amina, "token-1", name="Amina's phone")
    assert set(device) == {"id", "kind", "name", "current", "created_at", "updated_at"}
    assert (device["kind"], device["name"], device["current"]) == ("fcm", "Amina's phone", True)
    assert world.get(DEVICES, amina).json() == {"data": [device]}


def test_one_that_is_registered_again_stays_the_same(world: World) -> None:
    amina = world.person()
    first = register(world, amina, "token-1", name="old")
    with clock.shifted(timedelta(seconds=5)):
        second = register(world, amina, "token-1", name="new")
    assert (second["id"], second["created_at"], second["name"]) == (first["id"], first["created_at"], "new")
    assert second["updated_at"] > first["updated_at"]
    assert registered(world, amina) == [first["id"]]


def test_several_devices_of_one_person_all_get_a_push(world: World) -> None:
    amina = world.person()
    register(world, amina, "token-1")
    register(world, amina, "installation-1", "fid")
    register(world, amina, BROWSER, "webpush", keys=KEYS)
    assert sent_to(world, amina) == sorted(["token-1", "installation-1", BROWSER])
    told = next(one for one in pushed(world) if one["to"]["kind"] == "webpush")
    assert told["to"] == {"kind": "webpush", "token": BROWSER, "p256dh": PUBLIC, "auth": SECRET}


def test_a_token_of_one_kind_is_another_of_another_kind(world: World) -> None:
    amina = world.person()
    one, other = register(world, amina, "same", "fcm"), register(world, amina, "same", "fid")
    assert set(registered(world, amina)) == {one["id"], other["id"]}


def test_a_token_moves_to_whoever_registered_it_last(world: World) -> None:
    amina, karim = world.person(), world.person()
    hers = register(world, amina, "token-1")
    his = register(world, karim, "token-1")
    assert hers["id"] != his["id"], "neither learns that it is the same device"
    assert (registered(world, amina), registered(world, karim)) == ([], [his["id"]])
    assert (sent_to(world, amina), sent_to(world, karim)) == ([], ["token-1"])
    assert world.delete(f"{DEVICES}/{his['id']}", amina).status_code == 404
    assert forget(world, amina, "token-1").status_code == 404
    assert sent_to(world, karim) == ["token-1"]


def test_the_oldest_of_too_many_goes(world: World) -> None:
    amina, karim = world.person(), world.person()
    register(world, karim, "his")
    for number in range(store.MOST + 2):
        with clock.shifted(timedelta(seconds=number)):
            register(world, amina, f"token-{number:02}")
    assert len(registered(world, amina)) == store.MOST
    assert sent_to(world, amina) == [f"token-{number:02}" for number in range(2, store.MOST + 2)]
    assert sent_to(world, karim) == ["his"]


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, {"token"}),
        ({"token": ""}, {"token"}),
        ({"token": None}, {"token"}),
        ({"token": "x" * 2001}, {"token"}),
        ({"token": "two words"}, {"token"}),
        ({"token": "توکن"}, {"token"}),
        ({"token": "t", "kind": "pigeon"}, {"kind"}),
        ({"token": "t", "name": "x" * 101}, {"name"}),
        ({"token": "t", "user_id": str(uuid4())}, {"user_id"}),
        ({"token": BROWSER, "kind": "webpush"}, {"keys"}),
        ({"token": BROWSER, "kind": "webpush", "keys": {"auth": SECRET}}, {"keys.p256dh"}),
        ({"token": BROWSER, "kind": "webpush", "keys": {**KEYS, "p256dh": "BNcR"}}, {"keys.p256dh"}),
        ({"token": BROWSER, "kind": "webpush", "keys": {**KEYS, "auth": "short"}}, {"keys.auth"}),
        ({"token": "https://evil.example/", "kind": "webpush", "keys": KEYS}, {"token"}),
        ({"token": "http://169.254.169.254/latest", "kind": "webpush", "keys": KEYS}, {"token"}),
    ],
)
def test_what_is_wrong_with_a_device_is_named(world: World, body: dict[str, Any], fields: set[str]) -> None:
    amina = world.person()
    answer = world.put(DEVICES, amina, body)
    assert answer.status_code == 422, answer.text
    assert {detail["field"] for detail in answer.json()["error"]["details"]} == fields
    assert registered(world, amina) == []


def test_only_the_signed_in_have_devices(world: World) -> None:
    for method, path in (
        ("PUT", ""),
        ("GET", ""),
        ("DELETE", ""),
        ("DELETE", f"/{uuid4()}"),
        ("GET", "/webpush-key"),
    ):
        assert world.request(method, DEVICES + path).status_code == 401


def test_a_list_of_devices_costs_one_query(world: World) -> None:
    amina = world.person()
    for number in range(5):
        register(world, amina, f"token-{number}")
        with counted(world) as seen:
            assert len(registered(world, amina)) == number + 1
        assert len(seen) == 1


def test_browsers_are_told_the_key_to_subscribe_with(world: World) -> None:
    assert world.get(DEVICES + "/webpush-key", world.person()).json() == {"public_key": None}


# ---- the end


def test_a_device_is_removed_by_its_token_or_its_id(world: World) -> None:
    amina = world.person()
    register(world, amina, "token-1")
    other = register(world, amina, "token-2")
    assert forget(world, amina, "token-1").status_code == 204
    assert forget(world, amina, "token-1").status_code == 404
    assert forget(world, amina, "token-2", "fid").status_code == 404
    assert sent_to(world, amina) == ["token-2"]
    assert world.delete(f"{DEVICES}/{other['id']}", amina).status_code == 204
    assert world.delete(f"{DEVICES}/{other['id']}", amina).status_code == 404
    assert registered(world, amina) == []


@pytest.mark.parametrize("body, field", [({}, "token"), ({"token": "t", "kind": "x"}, "kind")])
def test_what_is_wrong_with_a_removal_is_named(world: World, body: dict[str, Any], field: str) -> None:
    answer = world.request("DELETE", DEVICES, world.person(), json=body)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_signing_out_silences_the_device_at_once_and_then_removes_it(world: World) -> None:
    amina = world.person()
    other = again(world, amina)
    register(world, amina, "token-1")
    register(world, other, "token-2")
    assert world.post("/api/v1/auth/logout", amina).status_code == 204
    assert sent_to(world, amina) == ["token-2"], "before the job that removes it has run"
    assert len(registered(world, other)) == 1
    world.drain()
    assert [row["token"] for row in world.sql("SELECT token FROM devices")] == ["token-2"]


def test_a_device_that_signs_in_again_is_back(world: World) -> None:
    amina = world.person()
    register(world, amina, "token-1")
    world.post("/api/v1/auth/logout", amina)
    register(world, again(world, amina), "token-1")
    world.drain()
    assert sent_to(world, amina) == ["token-1"]


def test_a_session_that_expired_gets_nothing(world: World) -> None:
    amina = world.person()
    register(world, amina, "token-1")
    with clock.shifted(timedelta(days=400)):
        assert sent_to(world, amina) == []


def test_a_deleted_account_has_no_devices(world: World) -> None:
    amina = world.person()
    register(world, amina, "token-1")
    assert world.delete("/api/v1/users/me/account?reason=bye", amina).status_code == 204
    assert sent_to(world, amina) == []
    world.drain()
    assert world.sql("SELECT 1 FROM devices") == []


def test_a_suspended_account_gets_nothing(world: World) -> None:
    amina = world.person()
    register(world, amina, "token-1")
    world.sql("UPDATE users SET suspended_at = now() WHERE id = $1 RETURNING 1", amina.id)
    assert sent_to(world, amina) == []


def test_background_work_has_no_devices(world: World) -> None:
    async def run() -> None:
        async with world.app.db.tx() as tx:
            await service.register(world.app, tx, Me.system, DeviceInput(token="t"))

    with pytest.raises(Exception, match="Sign in first"):
        world.go(run())


# ---- many at once


def _register_at_once(world: World) -> list[dict[str, Any]]:
    """Eight people register the same token at the same moment; the rows that are there then."""
    people = [world.person() for _ in range(8)]

    async def put(who: Person) -> int:
        body = {"token": "shared", "name": str(who.id)}
        return (await world.http.put(DEVICES, headers=who.auth, json=body)).status_code

    async def run() -> list[int]:
        return await asyncio.gather(*(put(who) for who in people))

    assert world.go(run()) == [200] * 8
    return world.sql("SELECT user_id, name FROM devices")


def test_a_token_that_many_register_at_once_is_one_persons(clone: World) -> None:
    (row,) = _register_at_once(clone)
    assert str(row["user_id"]) == row["name"], "owner and name came together"


def test_control_without_the_unique_key_it_is_everybodys(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.sql("ALTER TABLE devices DROP CONSTRAINT devices_token_hash_key")
    sql = store.REGISTER.sql
    start, end = sql.index("ON CONFLICT"), sql.index("RETURNING")
    monkeypatch.setattr(store.REGISTER, "sql", sql[:start] + sql[end:])
    assert len(_register_at_once(clone)) == 8


def _move_crosswise(world: World, rule: str) -> None:
    """Two people with too many devices each register one that is the other's oldest, while both are held."""
    amina, karim = world.person(), world.person()
    for who in (amina, karim):
        for number in range(store.MOST + 1):
            at = clock.now() + timedelta(seconds=number)
            world.sql(
                """INSERT INTO devices (id, user_id, session_id, kind, token, token_hash, updated_at)
                VALUES (gen_random_uuid(), $1, $2, 'fcm', $3, sha256(convert_to('fcm:' || $3, 'UTF8')), $4) RETURNING 1""",
                who.id, who.me.session, f"{who.id}-{number}", at,
            )  # fmt: skip
    forget_oldest = store.FORGET_OLDEST.replace("FOR UPDATE SKIP LOCKED", rule)
    both = asyncio.Event()
    held = 0

    async def move(who: Person, other: Person) -> None:
        nonlocal held
        async with world.app.db.tx() as tx:
            await tx.run("UPDATE devices SET user_id = $1, updated_at = now() + interval '1 h' WHERE token = $2",
                         who.id, f"{other.id}-1")  # fmt: skip
            held += 1
            if held == 2:
                both.set()
            await both.wait()
            await tx.run(forget_oldest, who.id)

    async def run() -> None:
        await asyncio.gather(move(amina, karim), move(karim, amina))

    world.go(run())


def test_people_who_take_over_each_others_devices_do_not_wait_for_each_other(clone: World) -> None:
    _move_crosswise(clone, "FOR UPDATE SKIP LOCKED")


def test_control_with_locks_that_wait_they_deadlock(clone: World) -> None:
    with pytest.raises(asyncpg.DeadlockDetectedError):
        _move_crosswise(clone, "FOR UPDATE")


def test_a_dead_device_that_registered_again_meanwhile_stays(clone: World) -> None:
    """What a push service said of a device holds for the registration that the push went to."""
    amina = clone.person()
    register(clone, amina, "token-1")
    (row,) = clone.sql("SELECT id, updated_at FROM devices")
    with clock.shifted(timedelta(seconds=1)):
        register(clone, amina, "token-1")

    async def drop(at: Any) -> int:
        async with clone.app.db.tx() as tx:
            return await tx.run(store.DROP, UUID(str(row["id"])), at)

    assert clone.go(drop(row["updated_at"])) == 0
    (fresh,) = clone.sql("SELECT updated_at FROM devices")
    assert clone.go(drop(fresh["updated_at"])) == 1
