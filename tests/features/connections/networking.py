"""Connecting accounts at the Sioree door and at the native one; the person's browser is played, too."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec

from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.vendors import connections
from majlis.vendors.connections.fake import Fake
from tests.access_x18 import through
from tests.world import Person, World

SOCIAL = "/sioree/api/social"
ACCOUNTS = f"{SOCIAL}/accounts"
NATIVE = "/api/v1/connections"
AT_THE_DOOR = ("instagram", "tiktok", "youtube", "spotify")
ALL = (*AT_THE_DOOR, "twitter", "soundcloud")


def served_by(world: World, networks: Fake, **changes: str) -> World:
    """The same world with the settings that lead to the stand-in."""
    settings = {**networks.settings(), **changes}
    world.app.settings = msgspec.structs.replace(world.app.settings, **settings)
    world.go(world.app.social.aclose())
    world.app.social = connections.from_settings(world.app.settings)
    return world


def somebody(world: World, name: str = "Amina") -> Person:
    """A person with tokens of the Sioree door; `native` gives those of the other one."""
    return through(world, world.person(name), AUDIENCE)


def begun(world: World, who: Person, platform: str) -> dict[str, str]:
    """Where the person is sent to, and the state."""
    answer = world.get(f"{SOCIAL}/{platform}/auth-url", who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def allowed(url: str) -> str:
    """Where the network sends the browser of a person who allows it."""
    answer = httpx.get(url)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def landed(world: World, address: str) -> dict[str, str]:
    """What the app gets by its link, from where the network sent the browser."""
    parts = urlsplit(address)
    answer = world.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def exchange(world: World, who: Person, platform: str, told: dict[str, str]) -> httpx.Response:
    """The answer to an app that hands over what came back."""
    body = {name: told[name] for name in ("code", "state") if name in told}
    return world.post(f"{SOCIAL}/{platform}/exchange", who, body)


def came_back(world: World, who: Person, platform: str) -> dict[str, str]:
    """Code and state of somebody who allowed it."""
    return landed(world, allowed(begun(world, who, platform)["authUrl"]))


def connected(world: World, who: Person, platform: str) -> dict[str, Any]:
    """The account that somebody connects."""
    answer = exchange(world, who, platform, came_back(world, who, platform))
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["account"])


def listed(world: World, who: Person) -> list[dict[str, Any]]:
    """Somebody's accounts."""
    answer = world.get(ACCOUNTS, who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["accounts"])


def rows(world: World) -> dict[str, int]:
    """How many rows there are."""
    tables = ("connection_attempts", "connections", "connection_revocations")
    return {table: world.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}
