"""People at the starter door, with accounts of their own making; and its sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from majlis.surfaces.compat.starter.audience import AUDIENCE
from tests.access_x18 import through
from tests.surfaces.realtime.wires import Frame, Wire, wire
from tests.world import Person, World

STARTER = "/starter"
API = STARTER + "/api/v1"


def somebody(world: World, name: str | None = None, **options: Any) -> Person:
    """A person with tokens of this door."""
    return through(world, world.person(name, **options), AUDIENCE)


def ask(world: World, method: str, path: str, who: Person | None = None, json: Any = None) -> httpx.Response:
    """One request below /starter/api/v1."""
    options = {} if json is None else {"json": json}
    return world.request(method, API + path, who, **options)


def data(answer: httpx.Response, status: int = 200) -> Any:
    """What the envelope of a success holds."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["success"] is True and isinstance(body["message"], str)
    return body["data"]


def refused(answer: httpx.Response, status: int, code: str, *fields: str) -> None:
    """A refusal in the contract's shape, that names these fields."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["success"], set(body)) == (False, {"success", "message", "error"})
    assert body["error"]["code"] == code
    assert set(body["error"]["details"] or {}) == set(fields)


def ws(world: World, who: Person) -> AbstractAsyncContextManager[Wire]:
    """A socket of somebody."""
    return wire(world, f"{STARTER}/ws?token={who.token}", protocols=())


async def of_type(one: Wire, type: str) -> Any:
    """The data of the next frame of a type."""
    frame = await one.until(lambda frame: frame["type"] == type)
    assert set(frame) == {"type", "data"}
    return frame["data"]


async def quiet(one: Wire) -> list[Frame]:
    """What has come until a ping is answered, and was waited for by nobody."""
    one.put({"type": "ping"})
    await of_type(one, "pong")
    found, one.waiting = one.waiting, []
    return found


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until this holds, however long it takes."""
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - it looks at rows, which wake nobody
            await asyncio.sleep(0.01)
