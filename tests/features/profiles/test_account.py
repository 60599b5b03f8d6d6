"""Leaving, and being suspended."""

import asyncio

import pytest

from majlis.features.identity import service as identity
from majlis.features.identity.facts import AccountSuspended
from majlis.features.profiles import handlers
from majlis.kit.me import Me
from tests.features.identity.accounts import refresh
from tests.features.posts.writing import write
from tests.world import PASSWORD, Person, World

ACCOUNT = "/api/v1/users/me/account"


def leave(world: World, who: Person) -> int:
    return world.delete(ACCOUNT, who, params={"reason": "bye"}).status_code


@pytest.mark.rule("hamsaya:23", "hamsaya:24", "hamsaya:25")
def test_leaving_hides_user_and_profile_at_once_and_keeps_the_reason(world: World) -> None:
    amina, karim = world.person("Amina"), world.person()
    answer = world.request("DELETE", ACCOUNT, amina, json={"reason": " Moving away ", "details": "To Herat"})
    assert (answer.status_code, answer.content) == (204, b"")
    (row,) = world.sql(
        "SELECT u.deleted_at AS left_at, p.deleted_at AS hidden_at, r.reason, r.details FROM users u"
        " JOIN profiles p USING (id) JOIN account_deletion_reasons r ON r.profile_id = u.id WHERE u.id = $1",
        amina.id,
    )
    assert row["left_at"] is not None
    assert row["hidden_at"] is not None
    assert (row["reason"], row["details"]) == ("Moving away", "To Herat")
    assert world.get(f"/api/v1/users/{amina.id}", karim).status_code == 404


@pytest.mark.rule("hamsaya:24", "hamsaya:31")
def test_leaving_ends_every_session_for_good(world: World) -> None:
    amina = world.person("Amina")
    second = world.post("/api/v1/auth/login", json={"email": amina.email, "password": PASSWORD}).json()
    assert leave(world, amina) == 204
    for token in (amina.token, second["access_token"]):
        assert world.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    for token in (amina.refresh_token, second["refresh_token"]):
        assert world.post("/api/v1/auth/refresh", json={"refresh_token": token}).status_code == 401
    assert (
        world.post("/api/v1/auth/login", json={"email": amina.email, "password": PASSWORD}).status_code == 401
    )
    sessions = world.sql(
        "SELECT revoked, reason, b.expires_at, access_expires_at FROM user_sessions s"
        " JOIN token_blacklist b ON b.token_hash = s.access_token_hash WHERE user_id = $1",
        amina.id,
    )
    assert len(sessions) == 2
    assert all(session["revoked"] and session["reason"] == "account deleted" for session in sessions)
    assert all(session["expires_at"] == session["access_expires_at"] for session in sessions)


@pytest.mark.rule("hamsaya:24")
def test_the_address_is_free_again_and_the_new_account_is_another_one(world: World) -> None:
    amina = world.person("Amina")
    again = {"email": amina.email.upper(), "password": PASSWORD}
    assert world.post("/api/v1/auth/register", json=again).status_code == 409
    assert leave(world, amina) == 204
    answer = world.post("/api/v1/auth/register", json=again)
    assert answer.status_code == 201
    assert answer.json()["user"]["id"] != str(amina.id)
    assert world.get(f"/api/v1/users/{amina.id}").status_code == 404
    world.drain()
    assert any(letter.to == amina.email for letter in world.mails())


@pytest.mark.rule("hamsaya:24")
def test_what_the_leaver_published_leaves_every_list(world: World) -> None:
    amina, karim = world.person("Amina"), world.person()
    post = write(world, amina)

    def seen() -> tuple[int, int, int]:
        return (
            len(world.get("/api/v1/posts", karim).json()["data"]),
            world.get(f"/api/v1/posts/{post['id']}", karim).status_code,
            world.get(f"/api/v1/users/{amina.id}/posts", karim).status_code,
        )

    assert seen() == (1, 200, 200)
    assert leave(world, amina) == 204
    assert seen() == (0, 404, 404)


@pytest.mark.rule("hamsaya:23")
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"json": {}},
        {"json": {"reason": None}},
        {"json": {"reason": "  "}},
        {"params": {"reason": " "}},
        {"json": {"reason": "x" * 101}},
        {"params": {"reason": "x" * 101}},
        {"json": {"reason": 7}},
        {"json": {"details": "only"}},
    ],
)
def test_nobody_leaves_without_a_reason(world: World, sent: dict[str, object]) -> None:
    amina = world.person()
    answer = world.request("DELETE", ACCOUNT, amina, **sent)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["reason"]
    assert world.get("/api/v1/users/me", amina).status_code == 200


def test_the_body_wins_over_the_query(world: World) -> None:
    amina = world.person()
    sent = {"params": {"reason": "query", "details": "of the query"}, "json": {"reason": "body"}}
    assert world.request("DELETE", ACCOUNT, amina, **sent).status_code == 204
    (row,) = world.sql("SELECT reason, details FROM account_deletion_reasons WHERE profile_id = $1", amina.id)
    assert row == {"reason": "body", "details": "of the query"}


def test_a_password_that_is_given_must_be_right(world: World) -> None:
    amina = world.person()

    def answer(password: str) -> int:
        body = {"reason": "bye", "password": password}
        return world.request("DELETE", ACCOUNT, amina, json=body).status_code

    assert answer("Kabul-2025!") == 401
    assert world.get("/api/v1/users/me", amina).status_code == 200
    assert answer(PASSWORD) == 204


@pytest.mark.settings(rate_limits="on")
def test_the_password_cannot_be_guessed_here(world: World) -> None:
    amina = world.person()
    body = {"reason": "bye", "password": "Kabul-2025!"}
    statuses = [world.request("DELETE", ACCOUNT, amina, json=body).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


@pytest.mark.rule("hamsaya:33", "hamsaya:34")
def test_leaving_needs_the_second_factor_of_those_who_have_one(world: World) -> None:
    assert world.delete(ACCOUNT, params={"reason": "bye"}).status_code == 401
    amina = world.person()

    async def changed() -> None:
        world.app.gate.changed(amina.id)
        await asyncio.sleep(0)

    world.sql("UPDATE users SET mfa_enabled = true WHERE id = $1 RETURNING 1", amina.id)
    world.go(changed())
    answer = world.delete(ACCOUNT, amina, params={"reason": "bye"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "aal2_required")
    world.sql("UPDATE user_sessions SET aal = 2 WHERE user_id = $1 RETURNING 1", amina.id)
    amina.token = refresh(world, amina.refresh_token).json()["access_token"]
    assert leave(world, amina) == 204


@pytest.mark.rule("hamsaya:25")
def test_a_hard_deletion_takes_all_that_hangs_on_the_user(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, karim)
    world.post(f"/api/v1/posts/{post['id']}/like", amina)
    world.post(f"/api/v1/users/{karim.id}/follow", amina)
    world.post(f"/api/v1/users/{amina.id}/report", karim, {"reason": "Spam"})
    world.drain()
    world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", amina.id)
    for table in ("profiles", "post_likes", "user_follows", "user_reports", "notifications"):
        assert str(amina.id) not in str(world.sql(f"SELECT * FROM {table}"))
    assert world.sql("SELECT 1 FROM user_sessions WHERE user_id = $1", amina.id) == []
    assert world.sql("SELECT followers_count FROM profiles WHERE id = $1", karim.id) == [
        {"followers_count": 0}
    ]


# ---- suspension


def test_a_suspension_hides_and_a_late_or_repeated_fact_does_not_undo_the_latest(world: World) -> None:
    amina = world.person()

    def hidden() -> bool:
        return bool(world.sql("SELECT suspended FROM profiles WHERE id = $1", amina.id)[0]["suspended"])

    async def suspend(suspended: bool) -> None:
        async with world.app.db.tx() as tx:
            await identity.suspend(tx, Me.system, amina.email, suspended)

    async def deliver(suspended: bool) -> None:
        async with world.app.db.tx() as tx:
            await handlers.show_or_hide(tx, AccountSuspended(amina.id, suspended))

    world.go(suspend(True))
    assert not hidden()
    world.drain()
    assert hidden()
    assert world.get(f"/api/v1/users/{amina.id}").status_code == 404
    world.go(deliver(False))
    assert hidden()
    world.go(suspend(False))
    world.drain()
    assert not hidden()
    world.go(deliver(True))
    assert not hidden()
