"""Passkeys of whoever did not show that the account is theirs, and of sessions that ended."""

import asyncio

import httpx
import pytest

from majlis.features.identity import service as identity
from majlis.features.sessions import service as sessions
from majlis.kit.me import Me
from tests.features.identity.accounts import AUTH, code, login, reset_token, status
from tests.features.passkeys.device import Device
from tests.features.passkeys.owners import PASSKEYS, begin, complete, register, sign_in
from tests.waiting import until_waiting
from tests.world import Person, World

NEW = "Owner-2026!"


def reset(world: World, who: Person) -> None:
    """Set another password by the mail that goes to the address."""
    body = {"token": reset_token(world, who), "new_password": NEW}
    assert world.post(f"{AUTH}/reset-password", json=body).status_code == 204


@pytest.mark.rule("hamsaya:17", "hamsaya:18", "hamsaya:42")
def test_who_claimed_anothers_address_is_out_with_their_passkeys_once_its_owner_resets(world: World) -> None:
    """The address was never confirmed: whoever reads its mail is the owner, and the one before may be anybody."""
    claimed = world.person("Amina", verified=False)
    device = register(world, claimed)
    assert sign_in(world, device).status_code == 200
    reset(world, claimed)
    answer = sign_in(world, device)
    assert (answer.status_code, code(answer)) == (401, "bad_passkey")
    assert world.sql("SELECT 1 FROM passkeys") == []
    assert world.sql("SELECT 1 FROM user_sessions WHERE NOT revoked") == []


@pytest.mark.rule("hamsaya:20")
def test_a_reset_shows_that_the_address_is_ones_own(world: World) -> None:
    """So the passkeys of its owner outlive the next one."""
    amina = world.person("Amina", verified=False)
    reset(world, amina)
    found = login(world, amina.email, NEW).json()
    assert found["user"]["email_verified"] is True
    device = Device()
    amina.token = found["access_token"]
    ceremony = begin(world, "register", amina, password=NEW)
    made = complete(world, "register", ceremony, device.make(ceremony["public_key"]), amina)
    assert made.status_code == 201
    body = {"token": reset_token(world, amina), "new_password": "Herat-2026!"}
    assert world.post(f"{AUTH}/reset-password", json=body).status_code == 204
    assert sign_in(world, device).status_code == 200


def test_the_passkeys_of_a_confirmed_owner_outlive_a_reset(world: World) -> None:
    amina = world.person("Amina")
    device = register(world, amina)
    reset(world, amina)
    assert sign_in(world, device).status_code == 200


def remembered(world: World, who: Person) -> Person:
    """Somebody whose session ended while this process still remembers their token."""
    assert status(world, who.token) == 200
    world.sql("UPDATE user_sessions SET revoked = true WHERE user_id = $1", who.id)
    assert status(world, who.token) == 200, "as for the two seconds until a hint has come"
    return who


@pytest.mark.rule("hamsaya:31")
def test_a_session_that_ended_leaves_no_passkey_behind(world: World) -> None:
    amina = world.person("Amina")
    device = Device()
    ceremony = begin(world, "register", amina, password="Kabul-2026!")
    remembered(world, amina)
    answer = complete(world, "register", ceremony, device.make(ceremony["public_key"]), amina)
    assert (answer.status_code, code(answer)) == (401, "bad_token")
    assert world.sql("SELECT 1 FROM passkeys") == []


def register_during_reset(clone: World) -> tuple[httpx.Response, int]:
    """The answer to a registration that comes while the owner's reset is not yet committed."""
    amina = clone.person("Amina")
    device = Device()
    ceremony = begin(clone, "register", amina, password="Kabul-2026!")
    body = {"ceremony_id": ceremony["ceremony_id"], "credential": device.make(ceremony["public_key"])}
    path = f"{PASSKEYS}/register/complete"

    async def race() -> httpx.Response:
        hashed = await identity.hash_password(NEW)
        async with clone.app.db.tx() as tx:
            await identity.set_password(tx, Me.system, amina.id, hashed)
            await sessions.revoke(clone.app, tx, Me.system, amina.id, reason="password reset")
            asking = asyncio.ensure_future(clone.http.post(path, json=body, headers=amina.auth))
            await until_waiting(clone, 1, asking)
        return await asking

    return clone.go(race()), len(clone.sql("SELECT 1 FROM passkeys"))


@pytest.mark.rule("hamsaya:18")
def test_what_is_registered_during_a_reset_comes_too_late(clone: World) -> None:
    answer, passkeys = register_during_reset(clone)
    assert (answer.status_code, passkeys) == (401, 0)


def test_a_sign_in_by_passkey_during_the_owners_reset_ends_with_it(clone: World) -> None:
    """It holds the passkey that the reset removes, so the reset comes behind it and ends its session too."""
    claimed = clone.person("Amina", verified=False)
    device = register(clone, claimed)
    token = reset_token(clone, claimed)
    ceremony = begin(clone, "sign-in")
    body = {"ceremony_id": ceremony["ceremony_id"], "credential": device.sign(ceremony["public_key"])}

    async def race() -> tuple[httpx.Response, httpx.Response]:
        async with clone.app.db.tx() as holder:
            await holder.run("LOCK TABLE user_sessions IN SHARE MODE")
            entering = asyncio.ensure_future(clone.http.post(f"{PASSKEYS}/sign-in/complete", json=body))
            await until_waiting(clone, 1, entering)
            new = {"token": token, "new_password": NEW}
            resetting = asyncio.ensure_future(clone.http.post(f"{AUTH}/reset-password", json=new))
            await until_waiting(clone, 2, entering, resetting)
        return await entering, await resetting

    entered, done = clone.go(race())
    assert (entered.status_code, done.status_code) == (200, 204)
    assert clone.sql("SELECT 1 FROM user_sessions WHERE NOT revoked") == []
    assert sign_in(clone, device).status_code == 401
