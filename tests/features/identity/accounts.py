"""Accounts as tests open them, and what is mailed to their owners."""

import re
from typing import Any

import httpx

from tests.world import PASSWORD, Person, World

AUTH = "/api/v1/auth"
EMAIL = "amina@example.org"
Json = dict[str, Any]


def register(world: World, email: str = EMAIL, password: str = PASSWORD, **fields: Any) -> httpx.Response:
    """The answer to somebody who registers."""
    return world.post(f"{AUTH}/register", json={"email": email, "password": password, **fields})


def login(world: World, email: str, password: str = PASSWORD, **fields: Any) -> httpx.Response:
    """The answer to somebody who signs in."""
    return world.post(f"{AUTH}/login", json={"email": email, "password": password, **fields})


def refresh(world: World, token: str) -> httpx.Response:
    """The answer to a refresh token."""
    return world.post(f"{AUTH}/refresh", json={"refresh_token": token})


def bearer(token: str) -> dict[str, str]:
    """The header of an access token."""
    return {"Authorization": f"Bearer {token}"}


def status(world: World, token: str) -> int:
    """What a route for signed-in callers answers to this access token."""
    return world.get("/api/v1/users/me", headers=bearer(token)).status_code


def tokens(world: World, template: str) -> list[str]:
    """The tokens mailed so far by `verify-email` or `reset-password` links, newest first."""
    world.drain()
    found = (re.search(rf"/{template}\?token=([\w-]+)", letter.text) for letter in world.mails())
    return [match.group(1) for match in found if match]


def reset_token(world: World, who: Person) -> str:
    """A token that resets somebody's password, as mailed."""
    assert world.post(f"{AUTH}/forgot-password", json={"email": who.email}).status_code == 202
    return tokens(world, "reset-password")[0]


def fields(answer: httpx.Response) -> list[str]:
    """The fields that a refusal names."""
    return [detail["field"] for detail in answer.json()["error"]["details"]]


def code(answer: httpx.Response) -> str:
    """The code of a refusal."""
    found: str = answer.json()["error"]["code"]
    return found
