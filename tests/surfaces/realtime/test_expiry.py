"""A socket ends with the token that opened it, at every door, whoever renewed the session meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from majlis.features.sessions.model import NATIVE
from majlis.kit import clock
from majlis.surfaces.realtime import hub
from tests.surfaces.compat.starter.callers import API, somebody
from tests.surfaces.compat.starter.callers import ws as at_starter
from tests.surfaces.compat.x18.test_ws import somebody as of_x18
from tests.surfaces.compat.x18.test_ws import ws as at_x18
from tests.surfaces.realtime.test_hamsaya import ws as at_hamsaya
from tests.surfaces.realtime.wires import Wire, signed_in, wire
from tests.world import Person, World

LIFE = NATIVE.access_life
Door = Callable[[World, Person], AbstractAsyncContextManager[Wire]]


@asynccontextmanager
async def by_ticket(world: World, who: Person) -> AsyncIterator[Wire]:
    """A socket of Hamsaya's, without a token in its request."""
    made = await world.http.post("/api/v1/auth/ws-ticket", headers=who.auth)
    async with wire(world, f"/ws?ticket={made.json()['ticket']}", protocols=()) as one:
        yield one


@asynccontextmanager
async def by_starter_ticket(world: World, who: Person) -> AsyncIterator[Wire]:
    made = await world.http.post(f"{API}/ws-ticket", headers=who.auth)
    ticket = made.json()["data"]["ticket"]
    async with wire(world, f"/starter/ws?ticket={ticket}", protocols=()) as one:
        yield one


def native(world: World) -> Person:
    return world.person()


DOORS: dict[str, tuple[Callable[[World], Person], Door]] = {
    "majlis.v1": (native, signed_in),
    "hamsaya": (native, at_hamsaya),
    "hamsaya by ticket": (native, by_ticket),
    "starter": (somebody, at_starter),
    "starter by ticket": (somebody, by_starter_ticket),
    "x18": (of_x18, at_x18),
}


def connection_of(world: World) -> Any:
    (connection,) = hub.of(world.app).everybody()
    return connection


@pytest.mark.parametrize("door", DOORS)
def test_it_ends_with_its_token(world: World, door: str) -> None:
    made, opened = DOORS[door]
    who = made(world)

    async def main() -> None:
        async with opened(world, who) as one:
            connection = connection_of(world)
            left = connection._expiry.when() - asyncio.get_running_loop().time()
            assert 0 < left <= LIFE.total_seconds()
            with clock.shifted(LIFE - timedelta(seconds=left / 2)):
                await hub.of(world.app).recheck(connection)
            assert connection.socket.closed is None, "not before"
            connection.end_at(clock.now())  # its moment has come
            assert await one.ended() == 4401

    world.go(main())


@pytest.mark.parametrize("door", DOORS)
def test_it_ends_at_the_next_look_where_the_machine_had_slept(world: World, door: str) -> None:
    made, opened = DOORS[door]
    who = made(world)

    async def main() -> None:
        async with opened(world, who) as one:
            connection = connection_of(world)
            with clock.shifted(LIFE + timedelta(seconds=1)):
                await hub.of(world.app).recheck(connection)
            assert await one.ended() == 4401

    world.go(main())


def test_renewing_the_session_does_not_keep_it(world: World) -> None:
    """Whoever took a token and opened a socket by it has no more of that than of the token."""
    amina = world.person()

    async def main() -> None:
        async with at_hamsaya(world, amina) as one:
            connection = connection_of(world)
            before = connection.me.until
            answer = await world.http.post(
                "/api/v1/auth/refresh", json={"refresh_token": amina.refresh_token}
            )
            assert answer.status_code == 200
            await hub.of(world.app).recheck(connection)
            assert connection.me.until == before
            with clock.shifted(LIFE + timedelta(seconds=1)):
                await hub.of(world.app).recheck(connection)
            assert await one.ended() == 4401

    world.go(main())


def test_what_is_over_leaves_no_alarm_behind(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with at_hamsaya(world, amina):
            connection = connection_of(world)
        assert connection._expiry is None

    world.go(main())
