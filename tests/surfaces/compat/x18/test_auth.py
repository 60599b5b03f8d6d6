"""Registering, signing in and out, and tokens at the x18 door."""

import asyncio
from datetime import timedelta
from typing import Any

import jwt
import pytest

from majlis.features.identity import service as identity
from majlis.features.sessions import service as sessions
from majlis.kit import clock
from majlis.kit.me import Me
from majlis.kit.tokens import BadToken
from tests.features.sessions.test_processes import process
from tests.surfaces.compat.x18.people import Caller, ask, entered, login, refused, registered
from tests.world import PASSWORD, World

PRIVATE = {
    "id", "username", "display_name", "bio", "avatar_url", "followers_count", "following_count", "posts_count",
    "is_following", "created_at", "email", "monetization_enabled", "subscription_price", "updated_at",
}  # fmt: skip


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def me(world: World, who: Caller) -> int:
    return ask(world, "GET", "/api/users/me", who).status_code


def refresh(world: World, token: str) -> Any:
    return ask(world, "POST", "/api/auth/refresh", json={"refresh_token": token})


@pytest.mark.rule("x18:R6", "x18:R10")
def test_whoever_registers_is_signed_in(world: World) -> None:
    body = {"username": "Amina_K", "email": "amina@example.org", "password": "password1"}
    answer = ask(world, "POST", "/api/auth/register", json={**body, "display_name": "Amina Karimi"})
    assert answer.status_code == 201
    assert set(answer.json()) == {"user", "access_token", "refresh_token"}
    user = answer.json()["user"]
    assert set(user) == PRIVATE
    assert (user["username"], user["email"], user["display_name"]) == (
        "Amina_K",
        body["email"],
        "Amina Karimi",
    )
    assert (user["followers_count"], user["following_count"], user["posts_count"]) == (0, 0, 0)
    assert (user["monetization_enabled"], user["subscription_price"]) == (False, None)
    assert me(world, Caller(world, answer.json())) == 200


@pytest.mark.rule("x18:D1")
def test_usernames_and_addresses_are_unique_in_any_case(world: World) -> None:
    registered(world, "Amina")
    for username in ("amina", "AMINA", "Amina"):
        body = {"username": username, "email": "other@example.org", "password": "password1"}
        refused(ask(world, "POST", "/api/auth/register", json=body), 409, "username_taken")
    body = {"username": "other", "email": "AMINA@example.org", "password": "password1"}
    refused(ask(world, "POST", "/api/auth/register", json=body), 409, "email_taken")


@pytest.mark.rule("x18:D1")
@pytest.mark.parametrize(
    "fields, wrong",
    [
        ({"username": "ab"}, ["username"]),
        ({"username": "a" * 31}, ["username"]),
        ({"username": "a b"}, ["username"]),
        ({"username": "أمينة"}, ["username"]),
        ({"username": "amina\n"}, ["username"]),
        ({"username": "Me"}, ["username"]),
        ({"username": "USERNAME"}, ["username"]),
        ({"email": "nobody"}, ["email"]),
        ({"password": "seven77"}, ["password"]),
        ({"password": "x" * 73}, ["password"]),
        ({"password": "é" * 37}, ["password"]),
        ({"username": "ab", "email": "nobody", "password": "x"}, ["username", "email", "password"]),
        ({"display_name": "x" * 51}, ["display_name"]),
    ],
)
def test_what_cannot_be_registered_is_named(world: World, fields: dict[str, str], wrong: list[str]) -> None:
    body = {"username": "amina", "email": "amina@example.org", "password": "password1", **fields}
    refused(ask(world, "POST", "/api/auth/register", json=body), 400, "validation_failed", *wrong)


@pytest.mark.rule("x18:D1")
@pytest.mark.parametrize("username, password", [("abc", "12345678"), ("_" * 30, "x" * 72), ("A1_", "é" * 36)])
def test_the_bounds_are_taken(world: World, username: str, password: str) -> None:
    body = {"username": username, "email": "amina@example.org", "password": password}
    assert ask(world, "POST", "/api/auth/register", json=body).status_code == 201
    assert login(world, password, username=username.lower()).status_code == 200


def test_missing_fields_are_named(world: World) -> None:
    answer = ask(world, "POST", "/api/auth/register", json={})
    refused(answer, 400, "validation_failed", "username", "email", "password")
    refused(login(world, "x"), 400, "validation_failed", "username", "email")
    refused(ask(world, "POST", "/api/auth/refresh", json={}), 400, "validation_failed", "refresh_token")


@pytest.mark.rule("x18:D1")
def test_two_who_take_a_name_at_once_do_not_both_get_it(clone: World) -> None:
    def one(number: int) -> Any:
        body = {
            "username": ["zahra", "ZAHRA"][number],
            "email": f"z{number}@example.org",
            "password": "password1",
        }
        return clone.http.post("/x18/api/auth/register", json=body)

    async def both() -> list[Any]:
        return list(await asyncio.gather(one(0), one(1)))

    assert sorted(answer.status_code for answer in clone.go(both())) == [201, 409]
    assert len(clone.sql("SELECT 1 FROM users")) == 1, "of the other nothing is left"


@pytest.mark.settings(bcrypt_cost=12)
@pytest.mark.rule("x18:R5")
def test_passwords_are_hashed_with_bcrypt_at_cost_12(world: World) -> None:
    registered(world, "amina")
    ((kept),) = world.sql("SELECT password_hash FROM users")
    assert kept["password_hash"].startswith("$2b$12$")


@pytest.mark.rule("x18:D4")
def test_an_unknown_account_and_a_wrong_password_are_told_alike(world: World) -> None:
    registered(world, "amina")
    answers = [
        login(world, "wrong password", username="amina"),
        login(world, "wrong password", email="amina@example.org"),
        login(world, "wrong password", username="nobody"),
        login(world, "wrong password", email="nobody@example.org"),
    ]
    bodies = {answer.content for answer in answers}
    assert len(bodies) == 1
    refused(answers[0], 401, "invalid_credentials")


def test_either_name_signs_in_in_either_field(world: World) -> None:
    registered(world, "amina")
    for fields in ({"username": "AMINA"}, {"email": "Amina@example.org"}, {"username": "amina@example.org"}):
        assert login(world, **fields).json()["user"]["username"] == "amina"


def test_a_guesser_is_locked_out_and_told_when(world: World) -> None:
    registered(world, "amina")
    for _ in range(5):
        refused(login(world, "wrong password", username="amina"), 401, "invalid_credentials")
    answer = login(world, username="amina")
    refused(answer, 429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    refused(login(world, email="amina@example.org"), 429, "rate_limited")


@pytest.mark.rule("x18:R2")
def test_both_tokens_are_signed_under_keys_of_their_own(world: World) -> None:
    amina = registered(world, "amina")
    gate = world.app.gate
    assert gate.signer.verify(amina.access, "x18")["user_id"] == amina.id
    assert gate.refresher.verify(amina.refresh, "x18")["user_id"] == amina.id
    with pytest.raises(BadToken):
        gate.signer.verify(amina.refresh, "x18")
    with pytest.raises(BadToken):
        gate.refresher.verify(amina.access, "x18")
    refused(refresh(world, amina.access), 401, "invalid_refresh_token")
    amina.access = amina.refresh
    refused(ask(world, "GET", "/api/users/me", amina), 401, "unauthorized")


@pytest.mark.rule("x18:R3")
def test_tokens_live_15_minutes_and_30_days(world: World) -> None:
    amina = registered(world, "amina")
    access, fresh = claims(amina.access), claims(amina.refresh)
    assert access["exp"] - access["iat"] == 15 * 60
    assert fresh["exp"] - fresh["iat"] == 30 * 24 * 3600
    with clock.shifted(timedelta(minutes=15, seconds=1)):
        refused(ask(world, "GET", "/api/users/me", amina), 401, "unauthorized")
    with clock.shifted(timedelta(days=30, seconds=1)):
        refused(refresh(world, amina.refresh), 401, "invalid_refresh_token")
    with clock.shifted(timedelta(days=29, hours=23)):
        assert refresh(world, amina.refresh).status_code == 200


@pytest.mark.rule("x18:R4", "x18:D2")
def test_a_refresh_token_is_good_once_and_ends_its_session_the_second_time(world: World) -> None:
    amina = registered(world, "amina")
    answer = refresh(world, amina.refresh)
    assert set(answer.json()) == {"access_token", "refresh_token"}
    newer = answer.json()
    assert newer["refresh_token"] != amina.refresh
    refused(refresh(world, amina.refresh), 401, "invalid_refresh_token")
    refused(refresh(world, newer["refresh_token"]), 401, "invalid_refresh_token")
    amina.access = newer["access_token"]
    refused(ask(world, "GET", "/api/users/me", amina), 401, "unauthorized")


@pytest.mark.rule("x18:R4", "x18:D2")
def test_sessions_are_rows_that_hold_digests_only(world: World) -> None:
    amina = registered(world, "amina")
    (row,) = world.sql("SELECT * FROM user_sessions WHERE door = 'x18'")
    assert str(row["user_id"]) == amina.id
    stored = repr(world.sql("SELECT * FROM user_sessions")) + repr(world.sql("SELECT * FROM token_blacklist"))
    for token in (amina.access, amina.refresh):
        assert token not in stored and token.rpartition(".")[2] not in stored


@pytest.mark.rule("x18:D3", "x18:R4")
def test_logging_out_ends_the_session_of_the_refresh_token(world: World) -> None:
    phone = registered(world, "amina")
    laptop = Caller(world, login(world, username="amina").json())
    answer = ask(world, "POST", "/api/auth/logout", phone, {"refresh_token": phone.refresh})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (me(world, phone), me(world, laptop)) == (401, 200)
    refused(refresh(world, phone.refresh), 401, "invalid_refresh_token")
    assert refresh(world, laptop.refresh).status_code == 200
    refused(ask(world, "POST", "/api/auth/logout", json={}), 401, "unauthorized")


@pytest.mark.rule("x18:D3")
def test_logging_out_without_a_token_ends_every_session_of_the_door(world: World) -> None:
    native = world.person("Amina")
    phone, laptop = entered(world, native), entered(world, native)
    assert ask(world, "POST", "/api/auth/logout", phone).status_code == 204
    assert (me(world, phone), me(world, laptop)) == (401, 401)
    assert world.get("/api/v1/users/me", native).status_code == 200, "what was opened at another door goes on"


@pytest.mark.rule("x18:D3")
def test_nobody_logs_out_others(world: World) -> None:
    amina, karim = registered(world, "amina"), registered(world, "karim")
    assert ask(world, "POST", "/api/auth/logout", karim, {"refresh_token": amina.refresh}).status_code == 204
    assert (me(world, amina), me(world, karim)) == (200, 401)


def test_tokens_count_at_their_door_only(world: World) -> None:
    native = world.person("Amina")
    here = entered(world, native)
    for _ in range(2):  # the second time from memory
        assert me(world, here) == 200
        assert world.get("/api/v1/users/me", native).status_code == 200
        crossed = world.get("/api/v1/users/me", headers=here.auth)
        assert (crossed.status_code, crossed.json()["error"]["code"]) == (401, "bad_token")
        refused(ask(world, "GET", "/api/users/me", headers=native.auth), 401, "unauthorized")
    refused(refresh(world, native.refresh_token), 401, "invalid_refresh_token")
    crossed = world.post("/api/v1/auth/refresh", json={"refresh_token": here.refresh[:200]})
    assert crossed.status_code == 401
    assert refresh(world, here.refresh).status_code == 200


def test_one_account_at_every_door(world: World) -> None:
    native = world.person("Amina")
    assert entered(world, native).id == str(native.id)
    here = registered(world, "karim")
    answer = world.post("/api/v1/auth/login", json={"email": "karim@example.org", "password": "password1"})
    assert answer.json()["user"]["id"] == here.id
    assert answer.json()["user"]["username"] == "karim"


def test_an_account_with_a_second_factor_is_not_let_in_by_its_password_alone(world: World) -> None:
    native = world.person("Amina")

    async def turn_on() -> None:
        async with world.app.db.tx() as tx:
            await identity.set_mfa(tx, Me.system, native.id, True)

    world.go(turn_on())
    refused(login(world, PASSWORD, email=native.email), 403, "mfa_required")
    assert world.sql("SELECT 1 FROM user_sessions WHERE door = 'x18'") == []


def test_a_suspended_account_stays_outside(world: World) -> None:
    amina = registered(world, "amina")

    async def suspend() -> None:
        async with world.app.db.tx() as tx:
            await sessions.suspend(world.app, tx, Me.system, "amina@example.org", True)

    world.go(suspend())
    refused(login(world, username="amina"), 403, "account_deactivated")
    assert me(world, amina) == 401


@pytest.mark.settings(require_verified_email=True)
def test_whoever_has_not_confirmed_an_address_reads_and_writes_nothing(world: World) -> None:
    amina, karim = registered(world, "amina"), registered(world, "karim")
    assert me(world, amina) == 200
    refused(ask(world, "POST", f"/api/users/{karim.id}/follow", amina), 403, "email_not_verified")
    assert ask(world, "PATCH", "/api/users/me", amina, {"bio": "salaam"}).status_code == 200
    assert ask(world, "PATCH", "/api/notifications/read-all", amina).status_code == 200


@pytest.mark.rule("x18:R7")
def test_routes_ask_for_a_token_where_the_contract_says(world: World) -> None:
    amina = registered(world, "amina")
    for path in ("/api/users/me", "/api/notifications", "/api/notifications/unread-count"):
        answer = ask(world, "GET", path)
        refused(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for path in ("/health", "/api", f"/api/users/{amina.id}", f"/api/media/user/{amina.id}"):
        assert ask(world, "GET", path).status_code == 200


@pytest.mark.rule("x18:R35")
def test_a_token_counts_at_every_server_over_the_same_database(clone: World) -> None:
    amina = entered(clone, clone.person("Amina"))

    async def elsewhere() -> list[int]:
        async with process(clone) as other:
            answers = [
                await other.http.get("/x18/api/users/me", headers=amina.auth),
                await other.http.post("/x18/api/auth/logout", headers=amina.auth),
                await other.http.get("/x18/api/users/me", headers=amina.auth),
            ]
            return [answer.status_code for answer in answers]

    assert clone.go(elsewhere()) == [200, 204, 401]
