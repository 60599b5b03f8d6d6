"""Tokens that are mailed: to confirm an address, and to choose a new password."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from majlis.features.identity import handlers, service, store
from majlis.features.identity.facts import ResetRequested
from majlis.features.identity.model import BadToken
from majlis.kit import clock, crypto
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.identity.accounts import (
    AUTH,
    EMAIL,
    bearer,
    code,
    fields,
    login,
    refresh,
    register,
    reset_token,
    status,
    tokens,
)
from tests.features.queries import counted
from tests.waiting import behind
from tests.world import PASSWORD, QUICK_HASH, World

NEW = "Herat-2026!"
NOBODY = "nobody@example.org"


def verify(world: World, token: str) -> int:
    return world.post(f"{AUTH}/verify-email", json={"token": token}).status_code


def reset(world: World, token: str, password: str = NEW) -> int:
    return world.post(f"{AUTH}/reset-password", json={"token": token, "new_password": password}).status_code


@pytest.mark.rule("hamsaya:15", "hamsaya:20")
def test_the_mail_at_registration_confirms_the_address_once(world: World) -> None:
    token = register(world).json()["access_token"]
    (mailed,) = tokens(world, "verify-email")
    answer = world.post(f"{AUTH}/verify-email", json={"token": mailed})
    assert (answer.status_code, answer.json()) == (200, {"email": EMAIL, "email_verified": True})
    assert world.get("/api/v1/users/me", headers=bearer(token)).json()["email_verified"] is True
    again = world.post(f"{AUTH}/verify-email", json={"token": mailed})
    assert (again.status_code, code(again)) == (400, "bad_token")


@pytest.mark.rule("hamsaya:16")
def test_a_confirmation_lives_24_hours(world: World) -> None:
    register(world)
    (mailed,) = tokens(world, "verify-email")
    with clock.shifted(timedelta(hours=24)):
        assert verify(world, mailed) == 400
    with clock.shifted(timedelta(hours=23, minutes=59)):
        assert verify(world, mailed) == 200


@pytest.mark.rule("hamsaya:16")
def test_another_confirmation_voids_the_earlier_ones(world: World) -> None:
    amina = world.person("Amina", verified=False)
    world.drain()
    for sent in ({"json": {"email": amina.email.upper()}}, {"who": amina}):
        assert world.post(f"{AUTH}/resend-verification", **sent).status_code == 202
        world.drain()
    newest, second, first = tokens(world, "verify-email")
    assert [verify(world, token) for token in (first, second, newest)] == [400, 400, 200]


@pytest.mark.rule("hamsaya:15")
def test_a_confirmation_is_of_one_address(world: World) -> None:
    amina = world.person("Amina", verified=False)
    (mailed,) = tokens(world, "verify-email")
    (row,) = world.sql("SELECT user_id, email, token, expires_at > now() AS open FROM email_verifications")
    assert row == {"user_id": amina.id, "email": amina.email, "token": crypto.digest(mailed), "open": True}
    world.sql("UPDATE users SET email = 'other@example.org' WHERE id = $1", amina.id)
    answer = world.post(f"{AUTH}/verify-email", json={"token": mailed})
    assert (answer.status_code, code(answer)) == (409, "address_changed")
    assert world.sql("SELECT email_verified FROM users") == [{"email_verified": False}]


def test_a_confirmed_address_gets_no_further_mail(world: World) -> None:
    amina = world.person("Amina")
    assert world.post(f"{AUTH}/resend-verification", amina).status_code == 202
    assert tokens(world, "verify-email") == []


@pytest.mark.rule("hamsaya:17")
def test_a_reset_token_works_once(world: World) -> None:
    amina = world.person("Amina")
    token = reset_token(world, amina)
    assert reset(world, token) == 204
    assert reset(world, token, "Mazar-2026!") == 400
    assert login(world, amina.email).status_code == 401
    assert login(world, amina.email, NEW).status_code == 200
    world.drain()
    assert any("password was changed" in letter.subject for letter in world.mails())


@pytest.mark.rule("hamsaya:17", "hamsaya:18")
def test_a_reset_token_lives_an_hour(world: World) -> None:
    token = reset_token(world, world.person("Amina"))
    with clock.shifted(timedelta(hours=1)):
        assert reset(world, token) == 400
    with clock.shifted(timedelta(minutes=59, seconds=50)):
        assert reset(world, token) == 204


@pytest.mark.rule("hamsaya:17")
def test_another_reset_token_voids_the_earlier_ones(world: World) -> None:
    amina = world.person("Amina")
    first, second = reset_token(world, amina), reset_token(world, amina)
    assert [reset(world, token) for token in (first, second)] == [400, 204]


@pytest.mark.rule("hamsaya:18", "hamsaya:31")
def test_a_reset_ends_every_session(world: World) -> None:
    amina = world.person("Amina")
    other = login(world, amina.email).json()
    assert [status(world, token) for token in (amina.token, other["access_token"])] == [200, 200]
    assert reset(world, reset_token(world, amina)) == 204
    assert [status(world, token) for token in (amina.token, other["access_token"])] == [401, 401]
    assert refresh(world, amina.refresh_token).status_code == 401
    assert {row["reason"] for row in world.sql("SELECT reason FROM token_blacklist")} == {"password reset"}


@pytest.mark.rule("hamsaya:17", "hamsaya:15")
@pytest.mark.parametrize("token", ["", "x", "x" * 200, "توکن"])
def test_a_made_up_token_is_refused(world: World, token: str) -> None:
    assert verify(world, token) == 400
    assert reset(world, token) == 400


@pytest.mark.parametrize("path", ["verify-email", "reset-password"])
def test_missing_and_overlong_tokens_are_named(world: World, path: str) -> None:
    needed = ["token"] if path == "verify-email" else ["token", "new_password"]
    assert fields(world.post(f"{AUTH}/{path}", json={})) == needed
    long = world.post(f"{AUTH}/{path}", json={"token": "x" * 201, "new_password": NEW})
    assert (long.status_code, fields(long)) == (422, ["token"])


@pytest.mark.rule("hamsaya:17")
def test_of_resets_at_once_with_one_token_one_counts(clone: World) -> None:
    token = reset_token(clone, clone.person("Amina"))
    before = clone.sql("SELECT count(*) AS n FROM password_history")[0]["n"]

    async def at_once() -> list[int]:
        chosen = [f"Herat-{number}-x!" for number in range(4)]
        bodies = [{"token": token, "new_password": password} for password in chosen]
        answers = await asyncio.gather(
            *(clone.http.post(f"{AUTH}/reset-password", json=body) for body in bodies)
        )
        return sorted(answer.status_code for answer in answers)

    assert clone.go(at_once()) == [204, 400, 400, 400]
    assert clone.sql("SELECT count(*) AS n FROM password_history")[0]["n"] == before + 1


@pytest.mark.rule("hamsaya:15")
def test_of_confirmations_at_once_with_one_token_one_counts(clone: World) -> None:
    clone.person("Amina", verified=False)
    (token,) = tokens(clone, "verify-email")

    async def at_once() -> list[int]:
        answers = await asyncio.gather(
            *(clone.http.post(f"{AUTH}/verify-email", json={"token": token}) for _ in range(6))
        )
        return sorted(answer.status_code for answer in answers)

    assert clone.go(at_once()) == [200, 400, 400, 400, 400, 400]


@pytest.mark.rule("hamsaya:19")
@pytest.mark.parametrize("path", ["forgot-password", "resend-verification"])
def test_the_answer_does_not_tell_who_is_registered(world: World, path: str) -> None:
    amina, karim = world.person("Amina", verified=False), world.person("Karim")
    suspended = world.person("Zahra")
    world.sql("UPDATE users SET suspended_at = now() WHERE id = $1", suspended.id)
    answers, statements = [], []
    for email in (amina.email, karim.email, suspended.email, NOBODY):
        with counted(world) as seen:
            answers.append(world.post(f"{AUTH}/{path}", json={"email": email}))
        statements.append(list(seen))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len({str(sorted(answer.headers.keys())) for answer in answers}) == 1
    # The same work for everybody, so that neither does the time tell.
    assert all(each == statements[0] for each in statements)
    assert len(statements[0]) == 1
    world.drain()
    assert NOBODY not in {letter.to for letter in world.mails()}


def test_a_suspended_account_gets_no_reset(world: World) -> None:
    amina = world.person("Amina")
    world.sql("UPDATE users SET suspended_at = now() WHERE id = $1", amina.id)
    assert world.post(f"{AUTH}/forgot-password", json={"email": amina.email}).status_code == 202
    assert tokens(world, "reset-password") == []


@pytest.mark.rule("hamsaya:19")
@pytest.mark.parametrize("path", ["forgot-password", "resend-verification"])
def test_the_work_does_not_tell_who_is_registered(world: World, path: str) -> None:
    """What differs in statements differs in time."""
    amina = world.person("Amina")

    def statements(email: str) -> list[str]:
        with counted(world) as seen:
            assert world.post(f"{AUTH}/{path}", json={"email": email}).status_code == 202
        return list(seen)

    assert statements(amina.email) == statements(NOBODY)


@pytest.mark.parametrize("path", ["forgot-password", "resend-verification"])
@pytest.mark.parametrize("email", ["", "no address", "a b@example.org", 7])
def test_a_malformed_address_is_named(world: World, path: str, email: object) -> None:
    answer = world.post(f"{AUTH}/{path}", json={"email": email})
    assert (answer.status_code, fields(answer)) == (422, ["email"])


@pytest.mark.rule("hamsaya:19")
def test_resending_needs_an_address_or_a_caller(world: World) -> None:
    answer = world.post(f"{AUTH}/resend-verification", json={})
    assert (answer.status_code, code(answer), fields(answer)) == (422, "no_email", ["email"])
    assert world.post(f"{AUTH}/resend-verification", json={"email": None}).status_code == 422
    assert fields(world.post(f"{AUTH}/forgot-password", json={})) == ["email"]


def test_the_mail_goes_to_the_address_as_it_was_registered(world: World) -> None:
    """Not to the spelling that was asked with, which another owner's address may resemble."""
    amina = world.person("Amina")
    assert (
        world.post(f"{AUTH}/forgot-password", json={"email": f" {amina.email.upper()} "}).status_code == 202
    )
    world.drain()
    assert [letter.to for letter in world.mails()] == [amina.email]


def test_links_lead_to_the_set_address_whatever_host_was_asked(world: World) -> None:
    amina = world.person("Amina")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Origin": "https://evil.example"}
    world.post(f"{AUTH}/forgot-password", json={"email": amina.email}, headers=headers)
    world.drain()
    (letter,) = world.mails()
    assert "http://127.0.0.1:8080/reset-password?token=" in letter.text
    assert "evil" not in letter.text


@pytest.mark.rule("hamsaya:60")
@pytest.mark.settings(rate_limits="on", trusted_proxies="127.0.0.1", limits="burst=1000/60,ip=1000/3600")
def test_many_places_together_cannot_flood_one_mailbox(world: World) -> None:
    amina = world.person("Amina")
    for number in range(12):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        body = {"email": amina.email}
        assert world.post(f"{AUTH}/forgot-password", json=body, headers=headers).status_code == 202
    assert len(tokens(world, "reset-password")) == 5
    # The owner has a token that works all the same.
    assert reset(world, tokens(world, "reset-password")[0]) == 204


def test_a_repeated_delivery_leaves_the_newest_token_valid(world: World) -> None:
    """Handlers run at least once: after a crash the same mail may go out again."""
    amina = world.person("Amina")
    for _ in range(2):
        world.go(handlers.send_reset(world.app, ResetRequested(amina.email)))
    newest, earlier = tokens(world, "reset-password")
    assert [reset(world, token) for token in (earlier, newest)] == [400, 204]


@pytest.mark.rule("hamsaya:15", "hamsaya:17")
def test_expired_tokens_are_forgotten_after_a_day(world: World) -> None:
    amina = world.person("Amina", verified=False)
    reset_token(world, amina)
    tables = ("email_verifications", "password_reset_tokens")
    for later, left in ((timedelta(hours=24), 1), (timedelta(hours=49), 0)):
        with clock.shifted(later):
            world.go(handlers.purge(world.app))
        assert len(world.sql(f"SELECT 1 FROM {tables[0]}")) == left
    assert world.sql(f"SELECT 1 FROM {tables[1]}") == []
    assert login(world, amina.email, PASSWORD).status_code == 200


# ---- a reset and a change of the password at the same moment


def _reset_during_change(world: World) -> str:
    """A password is changed and reset at once, both when the account is free; what becomes of the reset."""
    amina = world.person()

    async def start() -> str:
        async with world.app.db.tx() as tx:
            return await service.start_reset(tx, Me.system, amina.id)

    async def change() -> str:
        async with world.app.db.tx() as tx:
            await service.set_password(tx, amina.me, amina.id, QUICK_HASH)
        return "changed"

    async def reset(token: str) -> str:
        try:
            async with world.app.db.tx() as tx:
                owner = await service.reset_owner(tx, Me.system, token)
                await service.set_password(tx, Me.system, owner, QUICK_HASH)
        except BadToken:
            return "void"
        return "reset"

    token = world.go(start())
    holding = "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE"
    changed, found = world.go(behind(world, holding, change(), reset(token), args=(amina.id,)))
    assert changed == "changed"
    return str(found)


def test_a_password_is_changed_and_reset_at_once(clone: World) -> None:
    assert _reset_during_change(clone) == "void"


def test_control_where_the_token_is_held_before_the_account_they_deadlock(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        store, "RESET_OWNER", Query(UUID, store.RESET_OWNER.sql.replace("FOR NO KEY UPDATE", ""))
    )
    with pytest.raises(asyncpg.DeadlockDetectedError):
        _reset_during_change(clone)
