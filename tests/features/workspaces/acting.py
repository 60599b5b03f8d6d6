"""Requests of people of a workspace, as tests of races begin them one behind the other."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from tests.waiting import WAITING
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


def one_by_one(world: World, row: str, args: list[Any], *steps: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What becomes of pieces of work, each of which begins when those before it stand still or are done.

    All the while somebody else holds the row that this statement locks.
    """

    async def settled(work: "list[asyncio.Future[Any]]") -> None:
        while True:
            done = sum(one.done() for one in work)
            async with world.app.db.read() as tx:
                if (await tx.records(WAITING))[0][0] + done >= len(work):
                    return
            await asyncio.sleep(0.01)

    async def run() -> list[Any]:
        work: list[asyncio.Future[Any]] = []
        async with world.app.db.tx() as tx:
            await tx.records(row, *args)
            for step in steps:
                work.append(asyncio.ensure_future(step()))
                await settled(work)
        return await asyncio.gather(*work, return_exceptions=True)

    return world.go(run())
