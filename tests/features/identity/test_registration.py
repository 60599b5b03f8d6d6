"""Registering, and what an account is at first."""

import asyncio

import pytest

from tests.features.identity.accounts import AUTH, EMAIL, bearer, code, fields, login, register, status
from tests.world import PASSWORD, World


@pytest.mark.rule("hamsaya:12", "hamsaya:13", "hamsaya:14")
def test_email_and_password_are_enough(world: World) -> None:
    answer = register(world, " Amina@Example.org ")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert body["token_type"] == "Bearer"
    assert body["user"]["email"] == "Amina@example.org"
    assert body["user"]["profile"]["id"] == body["user"]["id"]
    assert (body["user"]["profile"]["first_name"], body["user"]["profile"]["last_name"]) == (None, None)
    assert status(world, body["access_token"]) == 200


@pytest.mark.rule("hamsaya:12")
def test_the_names_stand_in_the_profile(world: World) -> None:
    profile = register(world, first_name="آمنه", last_name="Ahmadi").json()["user"]["profile"]
    assert (profile["first_name"], profile["last_name"]) == ("آمنه", "Ahmadi")


@pytest.mark.rule("hamsaya:20", "hamsaya:21", "hamsaya:22")
def test_an_account_begins_without_flags_and_signed_in(world: World) -> None:
    user = register(world).json()["user"]
    assert [user[flag] for flag in ("email_verified", "phone_verified", "mfa_enabled")] == [False] * 3
    assert user["profile"]["is_complete"] is False
    assert user["last_login_at"] is not None
    assert user["has_password"] is True


@pytest.mark.rule("hamsaya:22")
def test_a_profile_is_complete_with_two_names_and_three_places(world: World) -> None:
    made = register(world, first_name="Amina").json()
    needed = {"last_name": "Ahmadi", "province": "Kabul", "district": "6", "neighborhood": "Karte Char"}
    seen = []
    for name, value in needed.items():
        answer = world.put("/api/v1/users/me", json={name: value}, headers=bearer(made["access_token"]))
        seen.append(answer.json()["profile"]["is_complete"])
    assert seen == [False, False, False, True]
    cleared = world.put("/api/v1/users/me", json={"district": None}, headers=bearer(made["access_token"]))
    assert cleared.json()["profile"]["is_complete"] is False


@pytest.mark.rule("hamsaya:14", "hamsaya:12")
@pytest.mark.parametrize(
    "again",
    ["amina@example.org", "AMINA@EXAMPLE.ORG", "  Amina@Example.Org\n"],
)
def test_an_address_is_taken_in_every_spelling(world: World, again: str) -> None:
    taken = world.person("amina")
    world.sql("UPDATE users SET email = $2 WHERE id = $1", taken.id, EMAIL)
    answer = register(world, again)
    assert (answer.status_code, code(answer)) == (409, "email_taken")
    assert len(world.sql("SELECT 1 FROM users")) == 1


@pytest.mark.rule("hamsaya:14")
def test_a_domain_of_another_script_is_one_address_in_both_spellings(world: World) -> None:
    assert register(world, "amina@بازار.example").status_code == 201
    ascii_form = "amina@" + "بازار.example".encode("idna").decode()
    assert register(world, ascii_form).status_code == 409
    assert login(world, ascii_form).status_code == 200


@pytest.mark.rule("hamsaya:12", "hamsaya:14")
@pytest.mark.parametrize(
    "body, named",
    [
        ({}, ["email", "password"]),
        ({"email": "a@example.org"}, ["password"]),
        ({"password": PASSWORD}, ["email"]),
        ({"email": None, "password": 7}, ["email", "password"]),
        ({"email": "no address", "password": "short"}, ["email", "password"]),
        ({"email": "", "password": PASSWORD}, ["email"]),
        ({"email": "a@b@example.org", "password": PASSWORD}, ["email"]),
        ({"email": "a b@example.org", "password": PASSWORD}, ["email"]),
        ({"email": "a@example.org,b@example.org", "password": PASSWORD}, ["email"]),
        ({"email": "Amina <a@example.org>", "password": PASSWORD}, ["email"]),
        ({"email": "a@[127.0.0.1]", "password": PASSWORD}, ["email"]),
        ({"email": "a\u0000@example.org", "password": PASSWORD}, ["email"]),
        ({"email": f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20}.org", "password": PASSWORD}, ["email"]),
        ({"email": "a" * 400 + "@example.org", "password": PASSWORD}, ["email"]),
        ({"email": EMAIL, "password": PASSWORD, "first_name": "x" * 101, "last_name": 1}, ["first_name", "last_name"]),
        ({"email": EMAIL, "password": PASSWORD, "role": "admin", "email_verified": True}, ["role", "email_verified"]),
    ],
)  # fmt: skip
def test_every_wrong_field_is_named_and_nothing_is_stored(
    world: World, body: dict[str, object], named: list[str]
) -> None:
    answer = world.post(f"{AUTH}/register", json=body)
    assert (answer.status_code, sorted(fields(answer))) == (422, sorted(named))
    assert world.sql("SELECT 1 FROM users") == []


@pytest.mark.rule("hamsaya:12")
def test_input_is_checked_before_the_address_is_looked_up(world: World) -> None:
    amina = world.person("Amina")
    assert register(world, amina.email, "weak").status_code == 422
    assert register(world, amina.email).status_code == 409


@pytest.mark.rule("hamsaya:35")
@pytest.mark.parametrize(
    "device, why",
    [
        ({"model": "x" * 4096}, "too_large"),
        ({"names": ["آمنه"] * 500}, "too_large"),
        ({"a": {"b": {"c": {"d": {"e": {}}}}}}, "too_deep"),
        ({"a": [[[[[]]]]]}, "too_deep"),
        ({"a\u0000": 1}, "control_character"),
        ([1], "invalid"),
        ("Pixel", "invalid"),
    ],
)
def test_a_device_is_described_briefly(world: World, device: object, why: str) -> None:
    amina = world.person("Amina")
    for answer in (register(world, device_info=device), login(world, amina.email, device_info=device)):
        assert answer.status_code == 422
        assert [detail["code"] for detail in answer.json()["error"]["details"]] == [why]
    assert len(world.sql("SELECT 1 FROM user_sessions")) == 1


@pytest.mark.rule("hamsaya:12", "hamsaya:14")
def test_of_registrations_at_once_one_comes_through(clone: World) -> None:
    async def at_once() -> list[int]:
        spellings = ["amina@example.org", "Amina@example.org", "AMINA@EXAMPLE.ORG"] * 2
        answers = await asyncio.gather(
            *(
                clone.http.post(f"{AUTH}/register", json={"email": email, "password": PASSWORD})
                for email in spellings
            )
        )
        return sorted(answer.status_code for answer in answers)

    assert clone.go(at_once()) == [201, 409, 409, 409, 409, 409]
    counts = clone.sql(
        "SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM profiles) AS profiles,"
        " (SELECT count(*) FROM user_sessions) AS sessions"
    )
    assert counts == [{"users": 1, "profiles": 1, "sessions": 1}]
