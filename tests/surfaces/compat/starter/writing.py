"""Articles at the starter door."""

from typing import Any

import msgspec

from tests.surfaces.compat.starter.callers import ask, data
from tests.world import Person, World

TITLE, CONTENT = "Bread at six", "The oven is hot from four in the morning."


def write(world: World, who: Person, title: str = TITLE, status: str = "published", **fields: Any) -> Any:
    """An article, as answered."""
    body = {"title": title, "content": CONTENT, "status": status, **fields}
    return data(ask(world, "POST", "/posts", who, body), 201)


def change(world: World, who: Person, post: Any, **fields: Any) -> Any:
    """The article as it is after a change."""
    return data(ask(world, "PUT", f"/posts/{post['id']}", who, fields))


def read(world: World, post: Any, who: Person | None = None) -> Any:
    """The article as somebody reads it."""
    return data(ask(world, "GET", f"/posts/{post['id']}", who))


def titles(world: World, query: str = "", who: Person | None = None) -> list[str]:
    """A page of the list."""
    return [one["title"] for one in data(ask(world, "GET", f"/posts{query}", who))]


def heard(world: World, channel: str) -> list[Any]:
    """What goes over a channel of the bus from now on."""
    found: list[Any] = []
    world.app.bus.subscribe(channel, lambda payload: found.append(msgspec.json.decode(payload)))
    return found
