"""Codes for when the factor is lost."""

import asyncio
from collections import Counter
from datetime import datetime

import pytest

from majlis.features.mfa.service import _hash
from tests.features.identity.accounts import code
from tests.features.mfa.factors import CODES, Time, answer, answer_backup, first_step, guarded, low, take
from tests.features.queries import counted
from tests.features.sessions.test_tokens import claims_of
from tests.world import World


@pytest.mark.rule("hamsaya:33", "hamsaya:51", "hamsaya:52")
def test_a_backup_code_answers_a_challenge_once(world: World, time: Time) -> None:
    one = guarded(world)
    found = answer_backup(world, first_step(world, one.person.email), one.codes[0])
    assert found.status_code == 200
    assert found.json().keys() == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert claims_of(found.json()["access_token"])["aal"] == 2
    again = answer_backup(world, first_step(world, one.person.email), one.codes[0])
    assert (again.status_code, code(again)) == (401, "wrong_code")
    assert answer_backup(world, first_step(world, one.person.email), one.codes[1]).status_code == 200
    world.drain()
    letters = [letter for letter in world.mails() if "backup code" in letter.subject]
    assert [letter.to for letter in letters] == [one.person.email] * 2


@pytest.mark.rule("hamsaya:51")
def test_of_one_code_for_many_challenges_at_once_one_counts(clone: World, time: Time) -> None:
    one = guarded(clone)
    challenges = [first_step(clone, one.person.email) for _ in range(6)]

    async def at_once() -> Counter[int]:
        bodies = [{"challenge_id": challenge, "code": one.codes[3]} for challenge in challenges]
        answers = await asyncio.gather(*(clone.http.post(f"{CODES}/verify", json=body) for body in bodies))
        return Counter(found.status_code for found in answers)

    assert clone.go(at_once())[200] == 1
    assert clone.sql("SELECT count(*) FROM mfa_backup_codes WHERE used") == [{"count": 1}]
    assert len(clone.sql("SELECT 1 FROM user_sessions")) == 2


@pytest.mark.rule("hamsaya:51")
def test_a_code_may_be_typed_as_people_type(world: World, time: Time) -> None:
    one = guarded(world)
    for typed in (one.codes[0].lower(), one.codes[1].replace("-", ""), f" {one.codes[2].replace('-', ' ')} "):
        assert answer_backup(world, first_step(world, one.person.email), typed).status_code == 200


@pytest.mark.rule("hamsaya:51", "hamsaya:52")
def test_the_list_tells_how_many_are_left_and_no_code(world: World, time: Time) -> None:
    one = guarded(world)
    assert answer_backup(world, first_step(world, one.person.email), one.codes[0]).status_code == 200
    answered = world.get(CODES, one.person)
    found = answered.json()
    assert (answered.status_code, found["total"], found["remaining"]) == (200, 10, 9)
    assert all(one.keys() == {"used", "used_at", "created_at"} for one in found["codes"])
    (spent,) = [one for one in found["codes"] if one["used"]]
    assert datetime.fromisoformat(spent["used_at"]) == time.at
    assert {one["used_at"] for one in found["codes"] if not one["used"]} == {None}
    assert not any(each in answered.text for each in one.codes)
    with counted(world) as statements:
        world.get(CODES, one.person)
    assert len(statements) == 2


@pytest.mark.rule("hamsaya:52")
def test_a_new_set_voids_the_old_one(world: World, time: Time) -> None:
    one = guarded(world)
    made = world.post(CODES, one.person)
    assert made.status_code == 201
    fresh = made.json()["backup_codes"]
    assert (made.json().keys(), len(set(fresh)), set(fresh) & set(one.codes)) == ({"backup_codes"}, 10, set())
    assert world.get(CODES, one.person).json()["total"] == 10
    assert answer_backup(world, first_step(world, one.person.email), one.codes[0]).status_code == 401
    assert answer_backup(world, first_step(world, one.person.email), fresh[0]).status_code == 200


@pytest.mark.rule("hamsaya:33", "hamsaya:34")
def test_codes_are_for_level_two(world: World, time: Time) -> None:
    one = guarded(world)
    person = low(world, one)
    for found in (world.get(CODES, person), world.post(CODES, person)):
        assert (found.status_code, code(found)) == (403, "aal2_required")
    assert [world.get(CODES).status_code, world.post(CODES).status_code] == [401, 401]


@pytest.mark.rule("hamsaya:51")
def test_without_a_factor_there_are_none(world: World) -> None:
    amina = world.person("Amina")
    for found in (world.get(CODES, amina), world.post(CODES, amina)):
        assert (found.status_code, code(found)) == (409, "mfa_not_enabled")


def test_new_codes_are_not_kept_with_an_idempotency_key(world: World, time: Time) -> None:
    """The second request makes others: the answer to the first would be stored with the codes in it."""
    one = guarded(world)
    headers = {"Idempotency-Key": "twice"}
    first, second = (world.post(CODES, one.person, headers=headers).json() for _ in range(2))
    assert first != second


@pytest.mark.rule("hamsaya:52")
def test_a_backup_code_raises_a_session_too(world: World, time: Time) -> None:
    one = guarded(world)
    person = low(world, one)
    challenge = world.post("/api/v1/auth/mfa/challenge", person, json={}).json()["challenge_id"]
    take(world, person, answer_backup(world, challenge, one.codes[0], person).json())
    assert world.get(CODES, person).json()["remaining"] == 9


def test_a_code_of_the_factor_is_no_backup_code_nor_the_other_way(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    challenge = first_step(world, one.person.email)
    assert answer_backup(world, challenge, one.code()).status_code == 401
    assert answer(world, challenge, one.codes[0]).status_code == 401
    assert answer(world, challenge, one.code()).status_code == 200


@pytest.mark.rule("hamsaya:51")
def test_two_accounts_may_have_the_same_code(world: World, time: Time) -> None:
    """What is kept differs: a code tells nothing about other accounts."""
    amina, karim = guarded(world), guarded(world, world.person("Karim"))
    assert _hash(amina.secret, amina.codes[0]) != _hash(karim.secret, amina.codes[0])
    kept = {row["code"] for row in world.sql("SELECT code FROM mfa_backup_codes")}
    assert _hash(amina.secret, amina.codes[0]) in kept and len(kept) == 20
