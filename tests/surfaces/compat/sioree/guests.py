"""People at the Sioree door, for tests."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from majlis.kit import clock
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from tests.access_x18 import through
from tests.features.media.uploads import jpeg
from tests.features.queries import counted
from tests.world import PASSWORD, Person, World

_numbers = itertools.count(1)


class Guest:
    """Somebody signed in at the door."""

    def __init__(self, world: World, answer: dict[str, Any]) -> None:
        self.world = world
        self.user, self.token, self.fresh = answer["user"], answer["token"], answer["refreshToken"]
        self.id = UUID(self.user["id"])

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """A request of theirs."""
        return ask(self.world, method, path, self, json, **options)

    def get(self, path: str, **params: Any) -> Any:
        return self.ok("GET", path, params=params)

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        return self.ok("POST", path, json, **options)

    def ok(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """The answer to a request that succeeds: always 200."""
        answer = self.ask(method, path, json, **options)
        assert answer.status_code == 200, (method, path, answer.status_code, answer.text)
        return answer.json()

    def refused(self, status: int, error: str, method: str, path: str, json: Any = None, **more: Any) -> None:
        """A request that is refused in these words."""
        refused(self.ask(method, path, json, **more), status, error)


def ask(
    world: World, method: str, path: str, who: Guest | None = None, json: Any = None, **options: Any
) -> httpx.Response:
    headers = {**(who.auth if who else {}), **options.pop("headers", {})}
    if json is not None:
        options["json"] = json
    return world.request(method, "/sioree" + path, None, headers=headers, **options)


def refused(answer: httpx.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text
    assert set(answer.json()) == {"error", "message"}


def sign_up(world: World, name: str = "Amina Karimi", role: str = "partier") -> Guest:
    """A new account of this door."""
    body = {"email": f"guest{next(_numbers)}@example.org", "password": PASSWORD, "name": name, "role": role}
    answer = ask(world, "POST", "/api/auth/signup", json=body)
    assert answer.status_code == 200, answer.text
    return Guest(world, answer.json())


def entered(world: World, person: Person) -> Guest:
    """Somebody of another door."""
    here = through(world, person, AUDIENCE)
    return Guest(
        world,
        {
            "user": {"id": str(here.id), "email": here.email},
            "token": here.token,
            "refreshToken": here.refresh_token,
        },
    )


def queries(world: World, asked: Callable[[], Any]) -> int:
    """How many queries this takes, once everything is prepared."""
    asked()
    with counted(world) as sent:
        asked()
    return len(sent)


def at(**later: float) -> str:
    """A moment so much later, on the hour."""
    moment = clock.now() + timedelta(**later)
    return moment.replace(minute=0, second=0, microsecond=0).isoformat().replace("+00:00", "Z")


def night(host: Guest, **fields: Any) -> dict[str, Any]:
    """A new event."""
    body = {"title": "Rooftop until dawn", "date": at(days=7), "location": "Pier 17, New York", **fields}
    return dict(host.post("/api/events", body))


def picture(who: Guest, name: str = "a.jpg", width: int = 640, height: int = 480) -> dict[str, Any]:
    """An upload."""
    return dict(who.post("/api/media/upload", files={"file": (name, jpeg(width, height))}))
