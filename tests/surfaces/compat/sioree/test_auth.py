"""Signing up, in and out at the Sioree door, and the account."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from majlis.features.sessions import service as sessions
from majlis.kit import clock
from majlis.kit.me import Me
from tests.surfaces.compat.sioree.guests import Guest, ask, entered, picture, refused, sign_up
from tests.world import PASSWORD, World

BODY = {"email": "amina@example.org", "password": PASSWORD, "name": "Amina Karimi", "role": "host"}


def read(token: str) -> dict[str, Any]:
    """What anybody can read in a token."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def login(world: World, email: str, password: str = PASSWORD) -> Any:
    return ask(world, "POST", "/api/auth/login", json={"email": email, "password": password})


@pytest.mark.rule("sioree:R2", "sioree:R3", "sioree:R44")
def test_sign_up_and_login_answer_the_same(world: World) -> None:
    answer = ask(world, "POST", "/api/auth/signup", json=BODY)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"user", "token", "refreshToken"}
    user = body["user"]
    assert set(user) == {"id", "email", "name", "role"}
    assert (user["email"], user["name"], user["role"]) == ("amina@example.org", "Amina Karimi", "host")
    again = login(world, "Amina@example.org")
    assert again.status_code == 200
    assert again.json().keys() == body.keys() and again.json()["user"] == user
    assert Guest(world, again.json()).get("/api/auth/me")["id"] == user["id"]


def test_a_refusal_says_which_fields_are_wrong(world: World) -> None:
    """In its words, as the contract has no place of its own for it."""
    answer = ask(world, "POST", "/api/auth/signup", json={**BODY, "role": "admin"})
    assert set(answer.json()) == {"error", "message"}
    assert " role: " in answer.json()["message"]


@pytest.mark.rule("sioree:D1")
@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody"},
        {"password": "seven77"},
        {"password": "x" * 73},
        {"name": ""},
        {"name": "   "},
        {"name": "a" * 256},
        {"role": "admin"},
        {"role": None},
    ],
)
def test_what_is_no_account_is_refused(world: World, fields: dict[str, Any]) -> None:
    refused(ask(world, "POST", "/api/auth/signup", json={**BODY, **fields}), 400, "validation_failed")
    assert not world.sql("SELECT FROM users WHERE email = 'amina@example.org'")


@pytest.mark.rule("sioree:D1")
def test_an_address_is_unique_in_any_case_and_a_name_may_be_long(world: World) -> None:
    assert ask(world, "POST", "/api/auth/signup", json={**BODY, "name": "a" * 255}).status_code == 200
    refused(
        ask(world, "POST", "/api/auth/signup", json={**BODY, "email": "AMINA@example.org"}),
        409,
        "email_taken",
    )
    for name in ("role", "name", "password", "email"):
        body = {key: value for key, value in BODY.items() if key != name}
        refused(ask(world, "POST", "/api/auth/signup", json=body), 400, "validation_failed")


@pytest.mark.rule("sioree:D1")
def test_a_role_stays_and_who_came_by_another_door_is_a_partier(world: World) -> None:
    host = sign_up(world, role="brand")
    assert host.ok("PATCH", "/api/auth/me", {"name": "Amina", "role": "talent"})["role"] == "brand"
    assert entered(world, world.person("Omid")).get("/api/auth/me")["role"] == "partier"


@pytest.mark.rule("sioree:R6")
def test_a_token_is_needed_and_good_at_this_door_only(world: World) -> None:
    refused(ask(world, "GET", "/api/auth/me"), 401, "No token provided")
    refused(
        ask(world, "GET", "/api/auth/me", headers={"Authorization": "Bearer nonsense"}), 401, "Invalid token"
    )
    omid = world.person("Omid")
    refused(ask(world, "GET", "/api/auth/me", headers=omid.auth), 401, "Invalid token")
    here = sign_up(world)
    assert world.get("/api/v1/users/me", headers=here.auth).status_code == 401


@pytest.mark.rule("sioree:R4")
def test_an_access_token_lives_15_minutes_and_says_whose_it_is(world: World) -> None:
    amina = sign_up(world, role="talent")
    header, claims = jwt.get_unverified_header(amina.token), read(amina.token)
    assert header["alg"] == "HS256"
    assert (claims["userId"], claims["email"], claims["role"]) == (
        str(amina.id),
        amina.user["email"],
        "talent",
    )
    assert claims["exp"] - claims["iat"] == 15 * 60
    answer = ask(world, "POST", "/api/auth/refresh", json={"refreshToken": amina.fresh}).json()
    assert read(answer["token"])["role"] == "talent"
    amina.token = answer["token"]
    with clock.shifted(timedelta(minutes=14)):
        assert amina.ask("GET", "/api/auth/me").status_code == 200
    with clock.shifted(timedelta(minutes=16)):
        amina.refused(401, "Invalid token", "GET", "/api/auth/me")


@pytest.mark.rule("sioree:R5", "sioree:D2")
def test_refreshing_spends_the_token_and_showing_it_again_ends_the_session(world: World) -> None:
    amina = sign_up(world)
    answer = ask(world, "POST", "/api/auth/refresh", json={"refreshToken": amina.fresh})
    assert answer.status_code == 200 and set(answer.json()) == {"token", "refreshToken"}
    fresh = {**answer.json(), "user": amina.user}
    refused(
        ask(world, "POST", "/api/auth/refresh", json={"refreshToken": amina.fresh}),
        401,
        "invalid_refresh_token",
    )
    later = answer.json()["refreshToken"]
    refused(
        ask(world, "POST", "/api/auth/refresh", json={"refreshToken": later}), 401, "invalid_refresh_token"
    )
    Guest(world, fresh).refused(401, "Invalid token", "GET", "/api/auth/me")
    stored = world.sql("SELECT refresh_token FROM user_sessions WHERE user_id = $1", amina.id)
    assert amina.fresh.encode() not in {bytes(row["refresh_token"]) for row in stored}


@pytest.mark.rule("sioree:D2")
def test_logging_out_ends_every_session_of_this_door(world: World) -> None:
    amina = sign_up(world)
    other = Guest(world, login(world, amina.user["email"]).json())
    assert amina.post("/api/auth/logout") == {"success": True}
    for one in (amina, other):
        one.refused(401, "Invalid token", "GET", "/api/auth/me")
        refused(
            ask(world, "POST", "/api/auth/refresh", json={"refreshToken": one.fresh}),
            401,
            "invalid_refresh_token",
        )


@pytest.mark.settings(bcrypt_cost=12)
@pytest.mark.rule("sioree:R7")
def test_passwords_are_kept_as_bcrypt_of_cost_12(world: World) -> None:
    amina = sign_up(world)
    (row,) = world.sql("SELECT password_hash FROM users WHERE id = $1", amina.id)
    assert row["password_hash"].startswith("$2b$12$")


@pytest.mark.rule("sioree:R3")
def test_a_wrong_password_tells_no_more_than_an_unknown_address(world: World) -> None:
    amina = sign_up(world)
    for email in (amina.user["email"], "nobody@example.org"):
        refused(login(world, email, "Wrong-2026!"), 401, "invalid_credentials")


@pytest.mark.rule("sioree:R3")
def test_the_account_is_changed_and_cleared(world: World) -> None:
    amina = sign_up(world, "Amina Karimi")
    assert amina.get("/api/auth/me") == {
        "id": str(amina.id), "email": amina.user["email"], "name": "Amina Karimi", "role": "partier",
        "avatar": None, "bio": None, "location": None,
    }  # fmt: skip
    url = picture(amina)["url"]
    changes = {"name": "Amina", "avatar": url, "bio": "I dance.", "location": "Kabul"}
    me = amina.ok("PATCH", "/api/auth/me", changes)
    assert {name: me[name] for name in changes} == changes
    assert amina.get("/api/auth/me") == me
    me = amina.ok("PATCH", "/api/auth/me", {"avatar": None, "bio": None, "location": None})
    assert (me["name"], me["avatar"], me["bio"], me["location"]) == ("Amina", None, None, None)
    foreign = picture(sign_up(world))["url"]
    amina.refused(400, "validation_failed", "PATCH", "/api/auth/me", {"avatar": foreign})
    amina.refused(400, "validation_failed", "PATCH", "/api/auth/me", {"name": None})


@pytest.mark.rule("sioree:R4")
def test_a_session_that_ends_elsewhere_ends_here(world: World) -> None:
    amina = sign_up(world)

    async def end() -> None:
        async with world.app.db.tx() as tx:
            await sessions.revoke(world.app, tx, Me.system, amina.id, reason="test")

    world.go(end())
    amina.refused(401, "Invalid token", "GET", "/api/auth/me")
