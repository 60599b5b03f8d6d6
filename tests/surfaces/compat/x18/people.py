"""People at the x18 door."""

from typing import Any, Protocol

import httpx

from tests.world import PASSWORD, Person, World

X18 = "/x18"


class Signed(Protocol):
    """Whoever has a token of this door."""

    @property
    def auth(self) -> dict[str, str]:
        """The header that holds it."""


class Caller:
    """Somebody with tokens of this door; `None` in its place is nobody."""

    def __init__(self, world: World, answer: Any) -> None:
        self.world = world
        self.user = answer["user"]
        self.id = self.user["id"]
        self.access, self.refresh = answer["access_token"], answer["refresh_token"]

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


def ask(
    world: World, method: str, path: str, who: Signed | None = None, json: Any = None, **options: Any
) -> httpx.Response:
    """One request at the door."""
    if json is not None:
        options["json"] = json
    headers = {**(who.auth if who else {}), **options.pop("headers", {})}
    return world.request(method, X18 + path, headers=headers, **options)


def registered(world: World, username: str, **fields: Any) -> Caller:
    """A new account."""
    body = {"username": username, "email": f"{username}@example.org", "password": "password1", **fields}
    answer = ask(world, "POST", "/api/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    return Caller(world, answer.json())


def login(world: World, password: str = "password1", **fields: Any) -> httpx.Response:
    """Try to sign in."""
    return ask(world, "POST", "/api/auth/login", json={"password": password, **fields})


def entered(world: World, person: Person) -> Caller:
    """Somebody with a native account, signed in here."""
    answer = login(world, PASSWORD, email=person.email)
    assert answer.status_code == 200, answer.text
    return Caller(world, answer.json())


def refused(answer: httpx.Response, status: int, code: str, *fields: str) -> dict[str, Any]:
    """The body of a refusal, which has exactly the contract's shape and names these fields."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {"error", "code", "fields"}
    assert body["code"] == code and body["error"]
    assert set(body["fields"] or {}) == set(fields)
    return body
