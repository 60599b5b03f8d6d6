"""Assurance levels: what a sign-in by password is, and what asks for a second factor."""

from typing import Any

import pytest

from majlis.kit import clock
from majlis.kit.http import access
from tests.features.identity.accounts import AUTH, code, login, refresh
from tests.features.sessions.test_tokens import claims_of
from tests.world import PASSWORD, Person, World

ENOUGH = "UPDATE users SET mfa_enabled = true WHERE id = $1"
RAISE = "UPDATE user_sessions SET aal = 2 WHERE id = $1"
# Each sensitive operation, and what it answers to those who may.
SENSITIVE: dict[str, tuple[str, str, dict[str, Any] | None, int]] = {
    "change password": (
        "POST",
        f"{AUTH}/change-password",
        {"current_password": PASSWORD, "new_password": "Herat-2026!"},
        204,
    ),
    "end all sessions": ("DELETE", f"{AUTH}/sessions", None, 200),
    "delete the account": ("DELETE", "/api/v1/users/me/account", {"reason": "Moving away"}, 204),
}


def ask(world: World, who: Person, operation: str) -> Any:
    method, path, body, _ = SENSITIVE[operation]
    return world.request(method, path, who, **({"json": body} if body else {}))


@pytest.mark.rule("hamsaya:32")
def test_a_password_gives_level_one(world: World) -> None:
    amina = world.person("Amina")
    answer = login(world, amina.email).json()
    assert answer["requires_mfa"] is False
    assert claims_of(answer["access_token"])["aal"] == 1
    assert {row["aal"] for row in world.sql("SELECT aal FROM user_sessions")} == {1}


@pytest.mark.rule("hamsaya:33", "hamsaya:34")
@pytest.mark.parametrize("operation", SENSITIVE)
def test_a_sensitive_operation_asks_for_level_two_of_those_who_can_reach_it(
    world: World, operation: str
) -> None:
    amina = world.person("Amina")
    world.sql(ENOUGH, amina.id)
    world.app.gate.seen.clear()
    answer = ask(world, amina, operation)
    assert (answer.status_code, code(answer)) == (403, "aal2_required")
    assert world.get("/api/v1/users/me", amina).status_code == 200
    world.sql(RAISE, amina.me.session)
    world.app.gate.seen.clear()
    answer = ask(world, amina, operation)
    assert (answer.status_code, code(answer)) == (403, "aal2_required"), (
        "a token keeps the level it was given"
    )
    amina.token = refresh(world, amina.refresh_token).json()["access_token"]
    assert ask(world, amina, operation).status_code == SENSITIVE[operation][3]


@pytest.mark.rule("hamsaya:34")
@pytest.mark.parametrize("operation", SENSITIVE)
def test_without_a_second_factor_level_one_is_enough(world: World, operation: str) -> None:
    assert ask(world, world.person("Amina"), operation).status_code == SENSITIVE[operation][3]


@pytest.mark.rule("hamsaya:34")
@pytest.mark.parametrize("operation", SENSITIVE)
def test_nobody_in_particular_is_asked_to_sign_in(world: World, operation: str) -> None:
    method, path, body, _ = SENSITIVE[operation]
    assert world.request(method, path, **({"json": body} if body else {})).status_code == 401


@pytest.mark.rule("hamsaya:34")
def test_the_routes_of_sensitive_operations_say_so(world: World) -> None:
    strong = {(route.method, route.path) for route in world.server.routes if route.policy is access.strong}
    assert {(method, path) for method, path, _, _ in SENSITIVE.values()} <= strong


@pytest.mark.rule("hamsaya:33")
def test_a_refresh_keeps_the_level(world: World) -> None:
    amina = world.person("Amina")
    world.sql(RAISE, amina.me.session)
    pair = refresh(world, amina.refresh_token).json()
    assert claims_of(pair["access_token"])["aal"] == 2
    assert world.sql("SELECT aal FROM user_sessions") == [{"aal": 2}]
    assert claims_of(pair["access_token"])["exp"] > clock.now().timestamp()
