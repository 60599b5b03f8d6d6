"""What ends a session in one process ends it in every other, by a hint: the clock stands still meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta

import asyncpg
import httpx
import pytest

from majlis import main
from majlis.app import App
from majlis.features.identity import service as identity
from majlis.features.sessions import service as sessions
from majlis.kit import clock, facts, jobs
from majlis.kit.bus import Bus, MemoryBus, PostgresBus
from majlis.kit.me import Me
from majlis.kit.tokens import Gate
from tests import world as worlds
from tests.features.identity.accounts import AUTH
from tests.world import PASSWORD, SECRET, Person, World


@pytest.fixture(autouse=True)
def still() -> Iterator[None]:
    """No memory of a caller ends by itself, however long a test takes."""
    with clock.frozen(clock.now()):
        yield


class Process:
    """A server with memory and connections of its own, over the database of a world."""

    def __init__(self, app: App) -> None:
        self.app = app
        transport = httpx.ASGITransport(app=worlds.server_of(app), client=("127.0.0.1", 4711))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://majlis.test")

    async def status(self, who: Person) -> int:
        return (await self.http.get("/api/v1/users/me", headers=who.auth)).status_code

    async def remembers(self, who: Person) -> bool:
        """Whether the next request of this caller would ask the database nothing."""
        assert await self.status(who) == 200
        return self.app.gate.seen.get(who.token, clock.now().timestamp()) is not None

    async def refuses(self, who: Person) -> bool:
        """Once this caller is refused, however long the hint takes; a lost one ends in TimeoutError."""
        async with asyncio.timeout(60):
            while await self.status(who) != 401:  # noqa: ASYNC110  the hint comes from outside
                await asyncio.sleep(0.01)
        return True


@contextlib.asynccontextmanager
async def process(world: World, bus: Bus | None = None) -> AsyncIterator[Process]:
    db = await worlds.real_database(world.url, 3)
    app = worlds.app_over(db, world.app.settings, world.app.images)
    app.bus = bus or PostgresBus(world.url)
    app.gate = Gate([SECRET], main.ISSUER, app.bus)
    await app.bus.start()
    found = Process(app)
    try:
        yield found
    finally:
        await found.http.aclose()
        await app.bus.close()
        await db.close()


async def sign_out(at: Process, who: Person) -> None:
    answer = await at.http.post(f"{AUTH}/logout", headers=who.auth)
    assert answer.status_code == 204


async def end_all(at: Process, who: Person) -> None:
    answer = await at.http.delete(f"{AUTH}/sessions", headers=who.auth)
    assert answer.json() == {"revoked": 1}


async def reuse(at: Process, who: Person) -> None:
    body = {"refresh_token": who.refresh_token}
    answers = [await at.http.post(f"{AUTH}/refresh", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]


async def suspend(at: Process, who: Person) -> None:
    async with at.app.db.tx() as tx:
        await sessions.suspend(at.app, tx, Me.system, who.email, True)


async def leave(at: Process, who: Person) -> None:
    answer = await at.http.request(
        "DELETE", "/api/v1/users/me/account", json={"reason": "bye"}, headers=who.auth
    )
    assert answer.status_code == 204


@pytest.mark.rule("hamsaya:5", "hamsaya:31", "hamsaya:30", "hamsaya:37")
@pytest.mark.parametrize("end", [sign_out, end_all, reuse, suspend, leave])
def test_an_ended_session_is_refused_everywhere(
    clone: World, end: Callable[[Process, Person], Awaitable[None]]
) -> None:
    amina = clone.person("Amina")

    async def run() -> tuple[int, bool]:
        async with process(clone) as here, process(clone) as there:
            assert await here.remembers(amina)
            assert await there.remembers(amina)
            await end(here, amina)
            return await here.status(amina), await there.refuses(amina)

    assert clone.go(run()) == (401, True)


@pytest.mark.rule("hamsaya:31")
def test_a_process_that_hears_no_hints_trusts_no_memory(clone: World) -> None:
    amina = clone.person("Amina")

    async def run() -> tuple[int, int]:
        async with process(clone) as here, process(clone) as deaf:
            assert await deaf.remembers(amina)
            await deaf.app.bus.close()
            assert not deaf.app.bus.healthy
            before = await deaf.status(amina)
            await sign_out(here, amina)
            return before, await deaf.status(amina)

    assert clone.go(run()) == (200, 401)


def test_without_hints_a_trusted_memory_would_let_in_for_a_minute(clone: World) -> None:
    """The control: this is what the hints, and distrust without them, are for."""
    amina = clone.person("Amina")

    async def run() -> tuple[int, int]:
        async with (
            process(clone) as here,
            process(clone) as there,
            process(clone, MemoryBus()) as careless,
        ):
            assert await careless.remembers(amina)
            assert await there.remembers(amina)
            await sign_out(here, amina)
            assert await there.refuses(amina)
            still = await careless.status(amina)
            with clock.shifted(timedelta(seconds=61)):
                return still, await careless.status(amina)

    assert clone.go(run()) == (200, 401)


@pytest.mark.rule("hamsaya:31")
def test_a_cut_connection_between_processes_keeps_nobody_in(clone: World) -> None:
    amina = clone.person("Amina")

    async def cut() -> None:
        connection = await asyncpg.connect(clone.url)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'majlis bus' AND datname = current_database()"
            )
        finally:
            await connection.close()

    async def run() -> bool:
        async with process(clone) as here, process(clone) as there:
            assert await there.remembers(amina)
            await cut()
            await sign_out(here, amina)
            return await there.refuses(amina)

    assert clone.go(run())


@pytest.mark.rule("hamsaya:31")
def test_a_process_that_dies_before_its_hint_has_told_the_others_nevertheless(clone: World) -> None:
    """The revocation's own job, stored together with it, says it once more."""
    amina = clone.person("Amina")

    async def run() -> tuple[int, bool]:
        async with process(clone, MemoryBus()) as mute, process(clone) as there, process(clone) as worker:
            assert await there.remembers(amina)
            await sign_out(mute, amina)
            unheard = await there.status(amina)
            await jobs.drain(worker.app, worker.app.db, facts.registry)
            return unheard, await there.refuses(amina)

    assert clone.go(run()) == (200, True)


@pytest.mark.rule("hamsaya:31")
def test_an_operators_suspension_takes_effect_everywhere(clone: World) -> None:
    """Also when only the account's row was changed: the fact ends its sessions."""
    amina = clone.person("Amina")

    async def run() -> bool:
        async with process(clone) as there, process(clone) as worker:
            assert await there.remembers(amina)
            async with worker.app.db.tx() as tx:
                await identity.suspend(tx, Me.system, amina.email, True)
            await jobs.drain(worker.app, worker.app.db, facts.registry)
            return await there.refuses(amina)

    assert clone.go(run())
    assert clone.sql("SELECT revoked FROM user_sessions") == [{"revoked": True}]
    answer = clone.post(f"{AUTH}/login", json={"email": amina.email, "password": PASSWORD})
    assert answer.status_code == 403
