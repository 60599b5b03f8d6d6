"""The second step of a sign-in, and raising a session."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from majlis.features.identity import service as identity
from majlis.features.mfa import service, store
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.identity.accounts import AUTH, code, fields, login, refresh, reset_token, status
from tests.features.mfa.factors import (
    CODES,
    MFA,
    Guarded,
    Time,
    answer,
    answer_backup,
    first_step,
    guarded,
    low,
    take,
    wrong,
)
from tests.features.sessions.test_tokens import claims_of
from tests.world import PASSWORD, Person, World

DEVICE = {"model": "Pixel 9"}
NEW = "Herat-2026!"


def elsewhere(world: World, challenge_id: str, digits: str) -> int:
    """The status of a code that comes from another address."""

    async def ask() -> int:
        transport = httpx.ASGITransport(app=world.server, client=("198.51.100.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://majlis.test") as client:
            body = {"challenge_id": challenge_id, "code": digits}
            return (await client.post(f"{MFA}/verify-challenge", json=body)).status_code

    return world.go(ask())


@pytest.mark.rule("hamsaya:48")
def test_the_right_password_gives_a_challenge_and_nothing_else(world: World, time: Time) -> None:
    one = guarded(world)
    sessions_before = world.sql("SELECT count(*) FROM user_sessions")
    found = login(world, one.person.email).json()
    assert found.keys() == {"requires_mfa", "challenge_id", "factors"}
    assert found["requires_mfa"] is True
    (factor,) = found["factors"]
    assert factor.keys() == {"id", "factor_type", "status", "created_at"}
    assert (factor["id"], factor["factor_type"], factor["status"]) == (str(one.factor_id), "TOTP", "verified")
    assert world.sql("SELECT count(*) FROM user_sessions") == sessions_before
    assert login(world, one.person.email, "Wrong-2026!").status_code == 401


@pytest.mark.rule("hamsaya:21", "hamsaya:26", "hamsaya:33", "hamsaya:35", "hamsaya:48")
def test_a_code_answers_it_with_tokens_of_level_two(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    challenge = first_step(world, one.person.email)
    last = world.sql("SELECT last_login_at FROM users")
    found = answer(world, challenge, one.code(), device_info=DEVICE)
    assert found.status_code == 200
    tokens = found.json()
    assert tokens.keys() == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    claims = claims_of(tokens["access_token"])
    assert (claims["aal"], claims["user_id"], claims["iss"]) == (2, str(one.person.id), "hamsaya")
    assert (tokens["user"]["id"], tokens["user"]["mfa_enabled"]) == (str(one.person.id), True)
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert status(world, tokens["access_token"]) == 200
    assert claims_of(refresh(world, tokens["refresh_token"]).json()["access_token"])["aal"] == 2
    (row,) = world.sql("SELECT aal, device_info FROM user_sessions ORDER BY id DESC LIMIT 1")
    assert row == {"aal": 2, "device_info": DEVICE}
    assert world.sql("SELECT last_login_at FROM users") != last


def test_the_device_of_the_sign_in_is_remembered(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    assert (
        answer(world, first_step(world, one.person.email, device_info=DEVICE), one.code()).status_code == 200
    )
    (row,) = world.sql("SELECT device_info FROM user_sessions ORDER BY id DESC LIMIT 1")
    assert row["device_info"] == DEVICE


@pytest.mark.rule("hamsaya:49")
def test_a_challenge_can_be_answered_once(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    challenge = first_step(world, one.person.email)
    assert answer(world, challenge, one.code()).status_code == 200
    time.passes()
    again = answer(world, challenge, one.code())
    assert (again.status_code, code(again)) == (410, "challenge_gone")


@pytest.mark.rule("hamsaya:49")
def test_of_right_codes_at_once_one_opens_a_session(clone: World, time: Time) -> None:
    one = guarded(clone)
    time.passes()
    challenges = [first_step(clone, one.person.email) for _ in range(3)]
    before = len(clone.sql("SELECT 1 FROM user_sessions"))

    async def at_once() -> list[int]:
        bodies = [
            {"challenge_id": challenge, "code": one.code()} for challenge in challenges for _ in range(3)
        ]
        answers = await asyncio.gather(
            *(clone.http.post(f"{MFA}/verify-challenge", json=body) for body in bodies)
        )
        return [found.status_code for found in answers]

    assert Counter(clone.go(at_once()))[200] == 1, "one code and one challenge, once"
    assert len(clone.sql("SELECT 1 FROM user_sessions")) == before + 1


@pytest.mark.rule("hamsaya:49")
def test_of_the_same_code_at_once_one_counts(
    clone: World, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is taken by compare-and-set; without the comparison all of them would count."""
    one = guarded(clone)

    async def at_once() -> int:
        async def take_code() -> bool:
            async with clone.app.db.tx() as tx:
                return await service.right_code(clone.app, tx, Me.system, one.person.id, one.code())

        return sum(await asyncio.gather(*(take_code() for _ in range(6))))

    time.passes()
    assert clone.go(at_once()) == 1
    time.passes()
    unguarded = store.TAKE_STEP.sql.replace(" AND last_step < $2", "")
    assert unguarded != store.TAKE_STEP.sql
    monkeypatch.setattr(store, "TAKE_STEP", Query(int, unguarded))
    assert clone.go(at_once()) == 6


@pytest.mark.rule("hamsaya:50")
def test_a_challenge_lives_five_minutes(world: World, time: Time) -> None:
    one = guarded(world)
    first, second = first_step(world, one.person.email), first_step(world, one.person.email)
    time.passes(minutes=4, seconds=59)
    assert answer(world, first, one.code()).status_code == 200
    time.passes(seconds=1)
    assert answer(world, second, one.code(1)).status_code == 410


@pytest.mark.rule("hamsaya:50")
def test_codes_count_for_one_step_more_each_way(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes(minutes=10)
    for step, expected in ((-2, 401), (2, 401), (-1, 200), (0, 200), (1, 200)):
        found = answer(world, first_step(world, one.person.email), one.code(step))
        assert found.status_code == expected, step


@pytest.mark.rule("hamsaya:50")
def test_an_accepted_code_and_those_before_it_are_refused(world: World, time: Time) -> None:
    one = guarded(world)
    used = answer(world, first_step(world, one.person.email), one.code())
    assert (used.status_code, code(used)) == (401, "wrong_code"), "the code that confirmed the factor"
    time.passes(minutes=10)
    assert answer(world, first_step(world, one.person.email), one.code()).status_code == 200
    for step in (0, -1):
        assert answer(world, first_step(world, one.person.email), one.code(step)).status_code == 401
    assert answer(world, first_step(world, one.person.email), one.code(1)).status_code == 200


@pytest.mark.rule("hamsaya:50")
def test_five_wrong_codes_end_a_challenge(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    challenge = first_step(world, one.person.email)
    for _ in range(4):
        assert answer(world, challenge, wrong(one)).status_code == 401
    world.sql("DELETE FROM login_failures")
    assert answer_backup(world, challenge, "AAAAA-AAAAA").status_code == 401
    assert answer(world, challenge, one.code()).status_code == 410
    assert answer_backup(world, challenge, one.codes[0]).status_code == 410
    assert elsewhere(world, challenge, one.code()) == 410
    assert world.sql("SELECT count(*) FROM mfa_backup_codes WHERE used")[0]["count"] == 0
    assert answer(world, first_step(world, one.person.email), one.code()).status_code == 200, "a new one"


def many_guesses(world: World, one: Guarded, challenge: str, count: int = 12) -> Counter[int]:
    async def at_once() -> Counter[int]:
        bodies = [{"challenge_id": challenge, "code": wrong(one)} for _ in range(count)]
        answers = await asyncio.gather(
            *(world.http.post(f"{MFA}/verify-challenge", json=body) for body in bodies)
        )
        return Counter(found.status_code for found in answers)

    return world.go(at_once())


@pytest.mark.rule("hamsaya:50")
def test_of_wrong_codes_sent_at_once_five_are_heard(
    clone: World, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "LOCK_AFTER", 1000)  # the lock of rule 58 stands behind this one
    one = guarded(clone)
    time.passes()
    challenge = first_step(clone, one.person.email)
    assert many_guesses(clone, one, challenge) == Counter({401: 5, 410: 7})
    assert answer(clone, challenge, one.code()).status_code == 410
    assert clone.sql("SELECT attempts FROM mfa_challenges WHERE id = $1::text::uuid", challenge) == [
        {"attempts": 5}
    ]
    # The control: counted without looking at the count, every one of them is heard.
    unguarded = store.ATTEMPT.sql.replace("c.attempts < $3", "$3 > 0")
    assert unguarded != store.ATTEMPT.sql
    monkeypatch.setattr(store, "ATTEMPT", Query(store.ATTEMPT.row, unguarded))
    monkeypatch.setattr(
        store, "PENDING", Query(store.PENDING.row, store.PENDING.sql.replace("c.attempts < $3", "$3 > 0"))
    )
    assert many_guesses(clone, one, first_step(clone, one.person.email)) == Counter({401: 12})


@pytest.mark.rule("hamsaya:58", "hamsaya:59")
def test_wrong_codes_lock_the_account_as_wrong_passwords_do(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    for _ in range(5):  # the right password before each of them forgives nothing
        assert answer(world, first_step(world, one.person.email), wrong(one)).status_code == 401
    assert login(world, one.person.email).status_code == 423
    time.passes(minutes=16)
    challenge = first_step(world, one.person.email)
    assert answer(world, challenge, wrong(one)).status_code == 401
    assert answer(world, challenge, one.code()).status_code == 200
    assert world.sql("SELECT failed_login_attempts FROM login_failures") == [], (
        "a sign-in that worked forgives"
    )


@pytest.mark.rule("hamsaya:58")
def test_a_locked_account_hears_no_right_code(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    challenge = first_step(world, one.person.email)
    for _ in range(5):
        assert login(world, one.person.email, "Wrong-2026!").status_code == 401
    found = answer(world, challenge, one.code())
    assert found.status_code == 423
    assert 0 < int(found.headers["Retry-After"]) <= 900
    assert elsewhere(world, challenge, one.code()) == 200, "the lock is for one address"


@pytest.mark.rule("hamsaya:49")
def test_unknown_challenges_are_gone(world: World, time: Time) -> None:
    for found in (answer(world, str(uuid4()), "123456"), answer_backup(world, str(uuid4()), "AAAAA-AAAAA")):
        assert (found.status_code, code(found)) == (410, "challenge_gone")


@pytest.mark.rule("hamsaya:49")
def test_a_challenge_takes_its_own_accounts_codes_only(world: World, time: Time) -> None:
    amina, karim = guarded(world), guarded(world, world.person("Karim"))
    time.passes()
    challenge = first_step(world, amina.person.email)
    assert answer(world, challenge, karim.code()).status_code == 401
    assert answer_backup(world, challenge, karim.codes[0]).status_code == 401
    assert answer(world, challenge, amina.code()).status_code == 200


def test_what_is_malformed_is_named(world: World) -> None:
    for path in (f"{MFA}/verify-challenge", f"{CODES}/verify"):
        found = world.post(path, json={})
        assert (found.status_code, sorted(fields(found))) == (422, ["challenge_id", "code"])
        found = world.post(path, json={"challenge_id": "x", "code": 1, "device_info": []})
        assert sorted(fields(found)) == ["challenge_id", "code", "device_info"]
    deep = {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}
    body = {"challenge_id": str(uuid4()), "code": "123456", "device_info": deep}
    assert fields(world.post(f"{MFA}/verify-challenge", json=body)) == ["device_info"]
    found = world.post(f"{MFA}/challenge", json={"challenge_id": "x", "factor_id": 1})
    assert sorted(fields(found)) == ["challenge_id", "factor_id"]


# Raising a session


def step_up(world: World, who: Person | None, **body: Any) -> Any:
    return world.post(f"{MFA}/challenge", who, json=body)


@pytest.mark.rule("hamsaya:33", "hamsaya:49")
def test_a_session_rises_by_a_challenge_of_its_own(world: World, time: Time) -> None:
    one = guarded(world)
    person = low(world, one)
    former, spent = person.token, person.refresh_token
    opened = step_up(world, person)
    assert opened.status_code == 201
    found = opened.json()
    assert found.keys() == {"challenge_id", "factor_id", "expires_at"}
    assert found["factor_id"] == str(one.factor_id)
    assert datetime.fromisoformat(found["expires_at"]) == time.at + timedelta(minutes=5)
    assert world.get(CODES, person).status_code == 403
    time.passes()
    before = len(world.sql("SELECT 1 FROM user_sessions"))
    tokens = answer(world, found["challenge_id"], one.code(), person).json()
    take(world, person, tokens)
    assert len(world.sql("SELECT 1 FROM user_sessions")) == before, "no session more"
    assert claims_of(person.token)["sid"] == claims_of(former)["sid"]
    assert (claims_of(person.token)["aal"], world.get(CODES, person).status_code) == (2, 200)
    assert world.get(CODES, headers={"Authorization": f"Bearer {former}"}).status_code == 403
    assert refresh(world, spent).status_code == 401


@pytest.mark.rule("hamsaya:49")
def test_nobody_else_answers_it(world: World, time: Time) -> None:
    one = guarded(world)
    person, other = low(world, one), low(world, one)
    karim = guarded(world, world.person("Karim"))
    challenge = step_up(world, person).json()["challenge_id"]
    time.passes()
    for who in (None, other, karim.person):
        assert answer(world, challenge, one.code(), who).status_code == 410
    assert answer(world, challenge, one.code(), person).status_code == 200


@pytest.mark.rule("hamsaya:49", "hamsaya:50")
def test_a_challenge_in_the_place_of_another_has_its_time_and_its_wrong_answers(
    world: World, time: Time
) -> None:
    one = guarded(world)
    first = first_step(world, one.person.email, device_info=DEVICE)
    for _ in range(3):
        assert answer(world, first, wrong(one)).status_code == 401
    time.passes(minutes=4)
    second = step_up(world, None, challenge_id=first, factor_id=str(one.factor_id)).json()["challenge_id"]
    assert answer(world, first, one.code()).status_code == 410
    assert answer(world, second, wrong(one)).status_code == 401
    third = step_up(world, None, challenge_id=second).json()["challenge_id"]
    assert answer(world, third, wrong(one)).status_code == 401
    gone = step_up(world, None, challenge_id=third)
    assert (gone.status_code, code(gone)) == (401, "no_challenge")
    world.sql("DELETE FROM login_failures")
    fresh = first_step(world, one.person.email, device_info=DEVICE)
    instead = step_up(world, None, challenge_id=fresh).json()["challenge_id"]
    time.passes(minutes=4)
    assert answer(world, instead, one.code()).status_code == 200
    (row,) = world.sql("SELECT device_info FROM user_sessions ORDER BY id DESC LIMIT 1")
    assert row["device_info"] == DEVICE
    late = first_step(world, one.person.email)
    time.passes(minutes=4)
    instead = step_up(world, None, challenge_id=late).json()["challenge_id"]
    time.passes(minutes=2)
    assert answer(world, instead, one.code()).status_code == 410


@pytest.mark.rule("hamsaya:49")
def test_opening_a_challenge_needs_a_session_or_a_challenge(world: World, time: Time) -> None:
    one, karim = guarded(world), world.person("Karim")
    for body in ({}, {"challenge_id": str(uuid4())}):
        found = step_up(world, None, **body)
        assert (found.status_code, code(found)) == (401, "no_challenge")
    found = step_up(world, karim)
    assert (found.status_code, code(found)) == (409, "mfa_not_enabled")
    assert step_up(world, one.person, factor_id=str(uuid4())).status_code == 404
    theirs = guarded(world, karim)
    assert step_up(world, one.person, factor_id=str(theirs.factor_id)).status_code == 404
    # Somebody else's open challenge stays open.
    time.passes()
    challenge = first_step(world, theirs.person.email)
    assert step_up(world, one.person, challenge_id=challenge).status_code == 201
    assert answer(world, challenge, theirs.code()).status_code == 200


# What must not go around the second factor


@pytest.mark.rule("hamsaya:18", "hamsaya:48")
def test_a_reset_password_still_needs_the_code(world: World, time: Time) -> None:
    one = guarded(world)
    open_one = first_step(world, one.person.email)
    token = reset_token(world, one.person)
    found = world.post(f"{AUTH}/reset-password", json={"token": token, "new_password": NEW})
    assert (found.status_code, found.content) == (204, b"")
    assert login(world, one.person.email, NEW).json().keys() == {"requires_mfa", "challenge_id", "factors"}
    time.passes()
    assert answer(world, open_one, one.code()).status_code == 410, "it was opened by the former password"
    assert status(world, one.person.token) == 401
    assert world.sql("SELECT mfa_enabled FROM users") == [{"mfa_enabled": True}]


@pytest.mark.rule("hamsaya:48")
def test_a_changed_password_closes_what_the_former_opened(world: World, time: Time) -> None:
    one = guarded(world)
    open_one = first_step(world, one.person.email)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert world.post(f"{AUTH}/change-password", one.person, json=body).status_code == 204
    time.passes()
    assert answer(world, open_one, one.code()).status_code == 410


def test_a_suspended_or_deleted_account_is_not_let_in(world: World, time: Time) -> None:
    one, other = guarded(world), guarded(world, world.person("Karim"))
    time.passes()
    challenges = [first_step(world, who.person.email) for who in (one, other)]
    world.sql("UPDATE users SET suspended_at = now() WHERE id = $1", one.person.id)
    found = answer(world, challenges[0], one.code())
    assert (found.status_code, code(found)) == (403, "account_deactivated")
    assert login(world, one.person.email).status_code == 403
    assert (
        world.delete("/api/v1/users/me/account", other.person, json={"reason": "moving"}).status_code == 204
    )
    assert answer(world, challenges[1], other.code()).status_code == 410


@pytest.mark.rule("hamsaya:60")
@pytest.mark.settings(rate_limits="on")
def test_codes_are_limited_per_account_whatever_the_address(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    challenge = first_step(world, one.person.email)
    assert answer(world, challenge, wrong(one)).status_code == 401
    assert [elsewhere(world, challenge, wrong(one)) for _ in range(3)] == [401] * 3
    second = first_step(world, one.person.email)
    assert elsewhere(world, second, wrong(one)) == 401
    assert elsewhere(world, second, one.code()) == 429
