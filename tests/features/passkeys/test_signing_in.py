"""Signing in by a passkey, and answering a challenge by one."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from majlis.features.passkeys import handlers, store
from majlis.features.signin import service as signin
from majlis.kit.crypto import b64
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.identity.accounts import bearer, code, fields, status
from tests.features.mfa.factors import CODES, Time, answer, first_step, guarded, low, take
from tests.features.passkeys.device import ORIGIN, PRESENT, Device
from tests.features.passkeys.owners import PASSKEYS, begin, complete, register, sign_in
from tests.features.passkeys.test_registering import hostile
from tests.features.sessions.test_tokens import claims_of
from tests.world import World


@pytest.mark.rule("hamsaya:33")
def test_a_passkey_signs_in_at_level_two(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    device = register(world, amina)
    register(world, karim)
    ceremony = begin(world, "sign-in")
    options = ceremony["public_key"]
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    assert options["allowCredentials"] == [], "the device knows who it is"
    answered = complete(world, "sign-in", ceremony, device.sign(options), device_info={"model": "Pixel"})
    assert answered.status_code == 200
    found = answered.json()
    assert found.keys() == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert (found["user"]["id"], claims_of(found["access_token"])["aal"]) == (str(amina.id), 2)
    assert status(world, found["access_token"]) == 200
    (row,) = world.sql("SELECT aal, device_info FROM user_sessions ORDER BY id DESC LIMIT 1")
    assert row == {"aal": 2, "device_info": {"model": "Pixel"}}
    (shown,) = world.get(PASSKEYS, amina).json()["data"]
    assert shown["last_used_at"] is not None


@pytest.mark.rule("hamsaya:33", "hamsaya:34")
def test_it_is_enough_for_what_is_sensitive_where_a_second_factor_is_set_up(world: World, time: Time) -> None:
    one = guarded(world)
    device = register(world, one.person)
    found = sign_in(world, device).json()
    assert world.get(CODES, headers=bearer(found["access_token"])).status_code == 200
    assert world.get(CODES, low(world, one)).status_code == 403


LIES: dict[str, dict[str, Any]] = {
    "another site": {"origin": "https://evil.example"},
    "a port more": {"origin": ORIGIN + "1"},
    "another domain": {"domain": "evil.example"},
    "another challenge": {"challenge": b64(bytes(32))},
    "another ceremony": {"kind": "webauthn.create"},
    "another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "another owner": {"handle": uuid4().bytes},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_does_not_hold_is_refused(world: World, lie: str) -> None:
    device = register(world, world.person("Amina"))
    ceremony = begin(world, "sign-in")
    before = len(world.sql("SELECT 1 FROM user_sessions"))
    answered = complete(world, "sign-in", ceremony, device.sign(ceremony["public_key"], **LIES[lie]))
    assert (answered.status_code, code(answered)) == (401, "bad_passkey")
    assert len(world.sql("SELECT 1 FROM user_sessions")) == before
    again = complete(world, "sign-in", ceremony, device.sign(ceremony["public_key"]))
    assert again.status_code == 401, "the ceremony is over"
    assert sign_in(world, device).status_code == 200


def test_a_device_that_does_not_verify_its_user_is_refused(world: World) -> None:
    device = register(world, world.person("Amina"))
    device.flags = PRESENT
    assert sign_in(world, device).status_code == 401


def test_an_unknown_passkey_is_refused(world: World) -> None:
    amina = world.person("Amina")
    stranger = Device()
    stranger.handle = amina.id.bytes
    assert sign_in(world, stranger).status_code == 401
    known = register(world, amina)
    stranger.id = known.id
    assert sign_in(world, stranger).status_code == 401


def test_broken_answers_are_refused_without_a_fault(world: World) -> None:
    device = register(world, world.person("Amina"), Device(counts=False))
    for at in range(len(hostile(device.sign(begin(world, "sign-in")["public_key"])))):
        ceremony = begin(world, "sign-in")
        credential = hostile(device.sign(ceremony["public_key"]))[at]
        answered = complete(world, "sign-in", ceremony, credential)
        if answered.status_code == 200:
            # A device may leave out whose passkey it is.
            assert credential["response"]["userHandle"] is None
        else:
            assert (answered.status_code, code(answered)) == (401, "bad_passkey"), credential
    answered = world.post(f"{PASSKEYS}/sign-in/complete", json={})
    assert (answered.status_code, sorted(fields(answered))) == (422, ["ceremony_id", "credential"])
    large = {"ceremony_id": str(uuid4()), "credential": {"x": "x" * 70_000}}
    assert world.post(f"{PASSKEYS}/sign-in/complete", json=large).status_code == 413


def test_a_ceremony_can_be_finished_once_and_within_five_minutes(world: World, time: Time) -> None:
    device = register(world, world.person("Amina"), Device(counts=False))
    ceremony = begin(world, "sign-in")
    credential = device.sign(ceremony["public_key"])
    time.passes(minutes=4, seconds=59)
    assert complete(world, "sign-in", ceremony, credential).status_code == 200
    assert complete(world, "sign-in", ceremony, credential).status_code == 401
    late = begin(world, "sign-in")
    time.passes(minutes=5)
    world.go(handlers.purge(world.app))
    assert world.sql("SELECT 1 FROM passkey_ceremonies") == []
    assert complete(world, "sign-in", late, device.sign(late["public_key"])).status_code == 401


def at_once(world: World, bodies: list[dict[str, Any]]) -> Counter[int]:
    async def run() -> Counter[int]:
        answers = await asyncio.gather(
            *(world.http.post(f"{PASSKEYS}/sign-in/complete", json=body) for body in bodies)
        )
        return Counter(found.status_code for found in answers)

    return world.go(run())


def test_of_one_answer_sent_many_times_at_once_one_counts(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = register(clone, clone.person("Amina"), Device(counts=False))

    def bodies() -> list[dict[str, Any]]:
        ceremony = begin(clone, "sign-in")
        body = {"ceremony_id": ceremony["ceremony_id"], "credential": device.sign(ceremony["public_key"])}
        return [body] * 6

    assert at_once(clone, bodies()) == Counter({200: 1, 401: 5})
    # The control: a challenge that is only looked at counts every time.
    looked = store.END.sql.replace(
        "DELETE FROM passkey_ceremonies", "SELECT challenge FROM passkey_ceremonies"
    )
    looked = looked.replace(" RETURNING challenge", "")
    monkeypatch.setattr(store, "END", Query(bytes, looked))
    assert at_once(clone, bodies()) == Counter({200: 6})


def test_a_count_that_does_not_grow_is_a_copied_passkey(clone: World) -> None:
    device = register(clone, clone.person("Amina"))
    assert sign_in(clone, device).status_code == 200
    assert clone.sql("SELECT uses FROM passkeys") == [{"uses": 1}]
    device.uses = 0
    assert sign_in(clone, device).status_code == 401
    device.uses = 9
    assert sign_in(clone, device).status_code == 200
    assert clone.sql("SELECT uses FROM passkeys") == [{"uses": 10}]
    # Two copies at the same count, at once: the second is refused.
    bodies = []
    for _ in range(2):
        device.uses = 10
        ceremony = begin(clone, "sign-in")
        bodies.append(
            {"ceremony_id": ceremony["ceremony_id"], "credential": device.sign(ceremony["public_key"])}
        )
    assert at_once(clone, bodies) == Counter({200: 1, 401: 1})


def test_a_suspended_or_deleted_account_is_not_let_in(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    devices = register(world, amina), register(world, karim)
    world.sql("UPDATE users SET suspended_at = now() WHERE id = $1", amina.id)
    answered = sign_in(world, devices[0])
    assert (answered.status_code, code(answered)) == (403, "account_deactivated")
    assert world.delete("/api/v1/users/me/account", karim, json={"reason": "moving"}).status_code == 204
    assert sign_in(world, devices[1]).status_code == 401


# In the place of a code


@pytest.mark.rule("hamsaya:33", "hamsaya:48")
def test_a_passkey_answers_the_challenge_of_a_sign_in(world: World, time: Time) -> None:
    one = guarded(world)
    device, second = register(world, one.person), register(world, one.person)
    challenge = first_step(world, one.person.email)
    ceremony = begin(world, "challenge", challenge_id=challenge)
    allowed = [each["id"] for each in ceremony["public_key"]["allowCredentials"]]
    assert allowed == [b64(device.id), b64(second.id)]
    answered = complete(
        world, "challenge", ceremony, second.sign(ceremony["public_key"]), challenge_id=challenge
    )
    assert answered.status_code == 200
    assert claims_of(answered.json()["access_token"])["aal"] == 2
    time.passes()
    assert answer(world, challenge, one.code()).status_code == 410
    answered = world.post(f"{PASSKEYS}/challenge/begin", json={"challenge_id": challenge})
    assert (answered.status_code, code(answered)) == (410, "challenge_gone")


@pytest.mark.rule("hamsaya:33")
def test_a_passkey_raises_a_session(world: World, time: Time) -> None:
    one = guarded(world)
    device, person = register(world, one.person), low(world, one)
    challenge = world.post("/api/v1/auth/mfa/challenge", person, json={}).json()["challenge_id"]
    assert world.post(f"{PASSKEYS}/challenge/begin", json={"challenge_id": challenge}).status_code == 410
    ceremony = begin(world, "challenge", person, challenge_id=challenge)
    credential = device.sign(ceremony["public_key"])
    take(
        world,
        person,
        complete(world, "challenge", ceremony, credential, person, challenge_id=challenge).json(),
    )
    assert world.get(CODES, person).status_code == 200


@pytest.mark.rule("hamsaya:49", "hamsaya:50")
def test_only_passkeys_of_the_account_count_and_wrong_ones_are_counted(world: World, time: Time) -> None:
    one, karim = guarded(world), world.person("Karim")
    register(world, one.person)
    stranger = register(world, karim)
    challenge = first_step(world, one.person.email)
    for _ in range(4):
        ceremony = begin(world, "challenge", challenge_id=challenge)
        credential = stranger.sign(ceremony["public_key"])
        answered = complete(world, "challenge", ceremony, credential, challenge_id=challenge)
        assert (answered.status_code, code(answered)) == (401, "bad_passkey")
    # What was begun to sign in by a passkey alone answers no challenge.
    ceremony = begin(world, "sign-in")
    credential = stranger.sign(ceremony["public_key"])
    assert complete(world, "challenge", ceremony, credential, challenge_id=challenge).status_code == 401
    assert world.post(f"{PASSKEYS}/challenge/begin", json={"challenge_id": challenge}).status_code == 410


def test_without_a_passkey_there_is_nothing_to_begin(world: World, time: Time) -> None:
    one = guarded(world)
    challenge = first_step(world, one.person.email)
    answered = world.post(f"{PASSKEYS}/challenge/begin", json={"challenge_id": challenge})
    assert (answered.status_code, code(answered)) == (409, "no_passkey")
    answered = world.post(f"{PASSKEYS}/challenge/complete", json={})
    assert sorted(fields(answered)) == ["ceremony_id", "challenge_id", "credential"]


def test_an_operator_removes_the_passkeys_of_a_stolen_phone(world: World) -> None:
    amina = world.person("Amina")
    device = register(world, amina)

    async def reset(passkeys: bool) -> list[str]:
        async with world.app.db.tx() as tx:
            return await signin.reset_factors(world.app, tx, Me.system, amina.email, passkeys_too=passkeys)

    assert world.go(reset(False)) == []
    assert sign_in(world, device).status_code == 200
    assert world.go(reset(True)) == ["1 passkeys"]
    assert sign_in(world, device).status_code == 401


def test_challenges_cannot_be_guessed(world: World) -> None:
    seen = {begin(world, "sign-in")["public_key"]["challenge"] for _ in range(20)}
    assert len(seen) == 20
