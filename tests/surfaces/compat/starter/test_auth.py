"""Registering, signing in and out, and tokens at the starter door."""

from datetime import timedelta

import jwt
import pytest

from majlis.kit import clock
from tests.surfaces.compat.starter.callers import ask, data, refused, somebody
from tests.world import PASSWORD, World

NEW = {"name": "Amina Karimi", "email": "amina@example.org", "password": "password1"}
USER = {"id", "name", "email", "avatarUrl", "createdAt"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def profile(world: World, token: str) -> int:
    return world.get("/starter/api/v1/auth/profile", headers=bearer(token)).status_code


@pytest.mark.rule("starter:R40")
def test_an_account_is_opened_and_signed_in_and_counts_at_every_door(world: World) -> None:
    answer = ask(world, "POST", "/auth/register", json=NEW)
    made = data(answer, 201)
    assert answer.json()["message"] == "User registered successfully"
    assert set(made) == {"user", "accessToken", "refreshToken", "expiresIn"}
    assert set(made["user"]) == USER
    assert (made["user"]["name"], made["user"]["email"]) == ("Amina Karimi", "amina@example.org")
    assert made["expiresIn"] == 900
    claims = jwt.decode(made["accessToken"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900 and claims["iss"]
    own = data(world.get("/starter/api/v1/auth/profile", headers=bearer(made["accessToken"])))
    assert own == made["user"]
    native = world.post("/api/v1/auth/login", json={"email": NEW["email"], "password": "password1"})
    assert native.status_code == 200
    assert world.get("/api/v1/users/me", headers=bearer(made["accessToken"])).status_code == 401


def test_what_is_wrong_with_a_new_account_is_told(world: World) -> None:
    data(ask(world, "POST", "/auth/register", json=NEW), 201)
    refused(ask(world, "POST", "/auth/register", json=NEW), 409, "email_taken")
    refused(ask(world, "POST", "/auth/register", json={}), 400, "bad_request", "name", "email", "password")
    refused(ask(world, "POST", "/auth/register", json={**NEW, "name": "  "}), 400, "bad_request", "name")
    wrong = {**NEW, "email": "nowhere", "password": "1"}
    refused(ask(world, "POST", "/auth/register", json=wrong), 400, "bad_request", "email", "password")


@pytest.mark.rule("starter:R40")
def test_signing_in_new_tokens_and_signing_out(world: World) -> None:
    person = world.person("Amina")
    bad = {"email": person.email, "password": "wrong"}
    refused(ask(world, "POST", "/auth/login", json=bad), 401, "invalid_credentials")
    first = data(ask(world, "POST", "/auth/login", json={"email": person.email, "password": PASSWORD}))
    second = data(ask(world, "POST", "/auth/refresh", json={"refreshToken": first["refreshToken"]}))
    assert set(second) == {"accessToken", "refreshToken", "expiresIn"}
    answer = ask(world, "POST", "/auth/refresh", json={"refreshToken": "made-up"})
    refused(answer, 401, "invalid_refresh_token")
    out = world.post(
        "/starter/api/v1/auth/logout",
        headers=bearer(second["accessToken"]),
        json={"refreshToken": second["refreshToken"]},
    )
    assert (out.status_code, out.json()) == (
        200,
        {"success": True, "message": "Logout successful", "data": None},
    )
    assert profile(world, second["accessToken"]) == 401
    gone = ask(world, "POST", "/auth/refresh", json={"refreshToken": second["refreshToken"]})
    refused(gone, 401, "invalid_refresh_token")


@pytest.mark.rule("starter:R40")
def test_a_refresh_token_shown_twice_ends_the_session_and_all_end_in_time(world: World) -> None:
    person = world.person("Amina")
    enter = {"email": person.email, "password": PASSWORD}
    first = data(ask(world, "POST", "/auth/login", json=enter))
    second = data(ask(world, "POST", "/auth/refresh", json={"refreshToken": first["refreshToken"]}))
    refused(
        ask(world, "POST", "/auth/refresh", json={"refreshToken": first["refreshToken"]}),
        401,
        "invalid_refresh_token",
    )
    assert profile(world, second["accessToken"]) == 401
    late = data(ask(world, "POST", "/auth/login", json=enter))
    with clock.shifted(timedelta(minutes=16)):
        assert profile(world, late["accessToken"]) == 401
    with clock.shifted(timedelta(days=8)):
        answer = ask(world, "POST", "/auth/refresh", json={"refreshToken": late["refreshToken"]})
        refused(answer, 401, "invalid_refresh_token")


def test_signing_out_without_a_refresh_token_ends_the_current_session_only(world: World) -> None:
    here = somebody(world, "Amina")
    data(ask(world, "POST", "/auth/logout", here))
    refused(ask(world, "GET", "/auth/profile", here), 401, "unauthorized")
    assert world.get("/api/v1/users/me", headers={}).status_code == 401
