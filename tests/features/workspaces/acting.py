"""Requests of people of a workspace, as tests of races begin them one behind the other."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from tests.world import Person, World

Work = Callable[[], Awaitable[int]]
_keys = itertools.count(1)


def asks(world: World, method: str, path: str, who: Person, **options: Any) -> Work:
    """A request that is still to be made; it ends with its status."""

    async def ask() -> int:
        return (await world.http.request(method, path, headers=who.auth, **options)).status_code

    return ask


def says(world: World, channel: str, who: Person) -> Work:
    body = {"text": "x", "client_msg_id": str(UUID(int=next(_keys)))}
    return asks(world, "POST", f"/api/v1/channels/{channel}/messages", who, json=body)


def reads(world: World, channel: str, who: Person) -> Work:
    return asks(world, "POST", f"/api/v1/channels/{channel}/mark_read", who, json={"seq": 1000})


def joins(world: World, channel: str, who: Person) -> Work:
    return asks(world, "POST", f"/api/v1/channels/{channel}/join", who)
