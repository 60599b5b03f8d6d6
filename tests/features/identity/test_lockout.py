"""Failed sign-ins: the lock, what lifts it, and that it tells nothing of who is registered."""

import asyncio
from datetime import timedelta

import pytest

from majlis.features.identity import handlers
from majlis.features.identity import service as identity
from majlis.features.identity.model import AccountLocked, BadCredentials
from majlis.kit import clock, passwords
from majlis.kit.me import Me
from tests.features.identity.accounts import AUTH, EMAIL, code, login, register, reset_token
from tests.world import PASSWORD, World

WRONG = "Wrong-2026!"
ELSEWHERE = "203.0.113.9"


def fail(world: World, email: str, times: int) -> list[int]:
    return [login(world, email, WRONG).status_code for _ in range(times)]


@pytest.mark.rule("hamsaya:58", "hamsaya:59")
def test_five_failures_lock_for_15_minutes_even_for_the_right_password(world: World) -> None:
    amina = world.person("Amina")
    assert world.sql("SELECT 1 FROM login_failures") == []
    assert fail(world, amina.email, 5) == [401] * 5
    locked = login(world, amina.email)
    assert (locked.status_code, code(locked)) == (423, "account_locked")
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    with clock.shifted(timedelta(minutes=14, seconds=50)):
        answer = login(world, amina.email)
        assert answer.status_code == 423
        assert 0 < int(answer.headers["Retry-After"]) <= 10
    with clock.shifted(timedelta(minutes=15)):
        assert login(world, amina.email).status_code == 200


@pytest.mark.rule("hamsaya:58")
def test_after_a_lock_the_count_begins_anew(world: World) -> None:
    amina = world.person("Amina")
    fail(world, amina.email, 5)
    with clock.shifted(timedelta(minutes=15)):
        assert fail(world, amina.email, 4) == [401] * 4
        assert login(world, amina.email).status_code == 200


@pytest.mark.rule("hamsaya:58")
def test_a_refusal_while_locked_does_not_prolong_the_lock(world: World) -> None:
    amina = world.person("Amina")
    fail(world, amina.email, 5)
    with clock.shifted(timedelta(minutes=10)):
        assert fail(world, amina.email, 6) == [423] * 6
    with clock.shifted(timedelta(minutes=15)):
        assert login(world, amina.email).status_code == 200


@pytest.mark.rule("hamsaya:59")
def test_a_sign_in_clears_the_count(world: World) -> None:
    amina = world.person("Amina")
    fail(world, amina.email, 4)
    assert login(world, amina.email).status_code == 200
    assert fail(world, amina.email, 4) == [401] * 4
    assert login(world, amina.email).status_code == 200


@pytest.mark.rule("hamsaya:59", "hamsaya:18")
@pytest.mark.settings(rate_limits="on")
def test_a_reset_by_mail_lifts_lock_and_limit(world: World) -> None:
    amina = world.person("Amina")
    assert fail(world, amina.email, 6) == [401] * 5 + [429]
    body = {"token": reset_token(world, amina), "new_password": "Herat-2026!"}
    assert world.post(f"{AUTH}/reset-password", json=body).status_code == 204
    assert world.sql("SELECT 1 FROM login_failures") == []
    assert login(world, amina.email, "Herat-2026!").status_code == 200


@pytest.mark.rule("hamsaya:58")
@pytest.mark.settings(trusted_proxies="127.0.0.1")
def test_the_lock_is_of_an_account_as_tried_from_one_address(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")

    def at(ip: str, email: str, password: str = PASSWORD) -> int:
        headers = {"X-Forwarded-For": ip}
        return world.post(
            f"{AUTH}/login", json={"email": email, "password": password}, headers=headers
        ).status_code

    assert [at("2001:db8::1", amina.email, WRONG) for _ in range(5)] == [401] * 5
    assert at("2001:db8::1", amina.email) == 423
    assert at("2001:db8::ffff", amina.email) == 423  # the same subscriber
    assert at("2001:db8:0:1::1", amina.email) == 200
    assert at(ELSEWHERE, amina.email) == 200
    assert at("2001:db8::1", karim.email) == 200
    # That the owner signs in elsewhere does not let the one who guessed go on.
    assert at("2001:db8::1", amina.email) == 423


@pytest.mark.rule("hamsaya:58")
@pytest.mark.parametrize("email", ["nobody@example.org", "no address at all", "x" * 300])
def test_an_unknown_address_answers_and_locks_like_a_known_one(world: World, email: str) -> None:
    amina = world.person("Amina")
    known = [login(world, amina.email, WRONG) for _ in range(6)]
    unknown = [login(world, email, WRONG) for _ in range(6)]
    assert [answer.status_code for answer in unknown] == [401] * 5 + [423]
    for one, other in zip(known, unknown, strict=True):
        bodies = [{**answer.json()["error"], "request_id": ""} for answer in (one, other)]
        assert bodies[0] == bodies[1]
        assert one.headers.keys() == other.headers.keys()


@pytest.mark.settings(bcrypt_cost=11)
def test_an_unknown_address_takes_as_long_as_a_known_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the time is bcrypt: as often, and at the same cost."""
    register(world)
    costs: list[str] = []
    hasher = passwords._Current.hasher
    verify = hasher.verify

    def watched(password: str | bytes, hashed: str | bytes) -> bool:
        costs.append(str(hashed)[:7])
        return verify(password, hashed)

    monkeypatch.setattr(hasher, "verify", watched)
    for email in (EMAIL, "nobody@example.org"):
        assert login(world, email, WRONG).status_code == 401
    assert costs == ["$2b$11$"] * 2


@pytest.mark.rule("hamsaya:59")
def test_a_right_guess_among_many_at_once_comes_after_the_lock(clone: World) -> None:
    """Guesses that all began while the account was open are stopped by the failures of the first ones."""
    amina = clone.person("Amina")
    db = clone.app.db

    async def guess(password: str) -> str:
        try:
            await identity.check_login(db, Me.anonymous, amina.email, password, "127.0.0.1")
        except (BadCredentials, AccountLocked) as refused:
            return refused.code
        return "in"

    async def at_once() -> list[str]:
        return list(await asyncio.gather(*(guess(WRONG) for _ in range(20)), guess(PASSWORD)))

    answers = clone.go(at_once())
    assert answers[-1] == "account_locked"
    assert answers.count("bad_credentials") == 5
    (row,) = clone.sql("SELECT failed_login_attempts, locked_until > now() AS locked FROM login_failures")
    assert row == {"failed_login_attempts": 5, "locked": True}


def test_a_suspended_account_says_so_to_its_owner_only(world: World) -> None:
    amina = world.person("Amina")
    world.sql("UPDATE users SET suspended_at = now() WHERE id = $1", amina.id)
    assert login(world, amina.email, WRONG).status_code == 401
    answer = login(world, amina.email)
    assert (answer.status_code, code(answer)) == (403, "account_deactivated")
    assert len(world.sql("SELECT 1 FROM user_sessions")) == 1


def test_failures_are_forgotten_after_a_day(world: World) -> None:
    amina = world.person("Amina")
    fail(world, amina.email, 1)
    world.go(handlers.purge(world.app))
    assert len(world.sql("SELECT 1 FROM login_failures")) == 1
    with clock.shifted(timedelta(days=1, minutes=1)):
        world.go(handlers.purge(world.app))
    assert world.sql("SELECT 1 FROM login_failures") == []
