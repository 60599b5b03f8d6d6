"""Who is there: told to those who watch and may know, written rarely, and known to background work."""

import uuid
from datetime import timedelta
from uuid import UUID

import pytest

from majlis.features.graph import service as graph
from majlis.features.sockets import service as sockets
from majlis.kit import clock, facts, jobs
from majlis.kit.me import Me
from majlis.surfaces.realtime import hub, presence
from tests.features.queries import counted
from tests.surfaces.realtime.talking import dm, write
from tests.surfaces.realtime.wires import Frame, Wire, signed_in
from tests.world import Person, World


async def connected(world: World, who: Person) -> bool:
    async with world.app.db.tx() as tx:
        return who.id in await sockets.connected(tx, Me.system, [who.id])


async def written(world: World) -> None:
    await hub.of(world.app).board.write()


def later(world: World, seconds: float) -> None:
    """As if what was written had been written so much earlier."""
    board = hub.of(world.app).board
    board._written = {user: at - seconds for user, at in board._written.items()}


async def told(one: Wire) -> Frame:
    return await one.until(lambda frame: frame["t"] == "eph" and frame["type"] == "presence")


def test_background_work_knows_who_looks(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        assert not await connected(world, amina)
        async with signed_in(world, amina) as one:
            await written(world)
            assert await connected(world, amina)
            one.put({"t": "presence", "state": "idle"})
            await one.ask("ping")
            await written(world)
            assert await connected(world, amina)  # at most one write in 30 seconds
            later(world, presence.PAUSE_S)
            await written(world)
            assert not await connected(world, amina)
            async with signed_in(world, amina):  # another device
                later(world, presence.PAUSE_S)
                await written(world)
                assert await connected(world, amina)
        later(world, presence.PAUSE_S)
        await written(world)
        assert not await connected(world, amina)

    world.go(main())


def test_a_process_that_dies_is_not_believed_for_long(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with signed_in(world, amina):
            await written(world)
            with clock.shifted(presence.LIFE / 2):
                assert await connected(world, amina)
            with clock.shifted(presence.LIFE + timedelta(seconds=1)):
                assert not await connected(world, amina)
                later(world, presence.AGAIN_S)
                await written(world)
                assert await connected(world, amina)

    world.go(main())


def test_a_process_that_stops_says_so(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await written(world)
            await hub.close(world.app)
            assert await one.ended() == 1012
        assert not await connected(world, amina)

    world.go(main())


def test_those_who_watch_hear_of_it_and_nobody_else(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")

    async def main() -> None:
        async with signed_in(world, amina) as a, signed_in(world, dara) as d:
            assert (await a.ask("watch_presence", user_ids=[str(bilal.id)]))["t"] == "ok"
            first = await told(a)
            assert first["data"] == {"user_id": str(bilal.id), "presence": "offline", "last_active_at": None}
            async with signed_in(world, bilal) as b:
                assert (await told(a))["data"]["presence"] == "online"
                b.put({"t": "presence", "state": "idle"})
                assert (await told(a))["data"]["presence"] == "away"
                async with signed_in(world, bilal):
                    assert (await told(a))["data"]["presence"] == "online"
                assert (await told(a))["data"]["presence"] == "away"
            gone = await told(a)
            assert gone["data"]["presence"] == "offline" and gone["data"]["last_active_at"]
            await d.quiet("eph")
            assert (await a.ask("watch_presence", user_ids=[]))["t"] == "ok"
            async with signed_in(world, bilal):
                await a.quiet("eph")

    world.go(main())


def test_nobody_watches_across_a_block(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")

    async def block(who: Person, other: Person) -> None:
        async with world.app.db.tx() as tx:
            await graph.block(tx, who.me, other.id)

    async def main() -> None:
        await block(amina, dara)
        async with signed_in(world, bilal) as b, signed_in(world, dara) as d, signed_in(world, amina):
            for one in (b, d):
                answer = await one.ask("watch_presence", user_ids=[str(amina.id), str(uuid.uuid4())])
                assert answer["t"] == "ok"
            assert (await told(b))["data"]["presence"] == "online"
            await d.quiet("eph")
            await block(amina, bilal)  # its hint makes the hub look again
            (connection,) = hub.of(world.app).people[bilal.id]
            await hub.of(world.app).recheck(connection)
            assert not hub.of(world.app).board._watched

    world.go(main())


def test_a_process_that_died_is_seen_to_have(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    now = clock.now()
    world.sql(
        """INSERT INTO socket_presence (user_id, node, state, last_active_at, expires_at)
        VALUES ($1, $2, 'active', $3, $3::timestamptz + interval '50 seconds') RETURNING node""",
        bilal.id, uuid.uuid4(), now,
    )  # fmt: skip

    async def main() -> None:
        async with signed_in(world, amina) as a:
            await a.ask("watch_presence", user_ids=[str(bilal.id)])
            assert (await told(a))["data"]["presence"] == "online"
            with clock.shifted(timedelta(seconds=60)):
                await hub.of(world.app).board.look()
            assert (await told(a))["data"]["presence"] == "offline"

    world.go(main())


def test_a_message_that_is_being_read_is_told_of_later(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def told_of(text: str) -> int:
        await write(world, bilal.me, stream, text)
        await jobs.drain(world.app, world.app.db, facts.registry)
        listed = await world.http.get("/api/v1/notifications", headers=amina.auth)
        return len(listed.json()["data"])

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await written(world)
            assert await told_of("you see this at once") == 0
            one.put({"t": "presence", "state": "idle"})
            await one.ask("ping")
            later(world, presence.PAUSE_S)
            await written(world)
            assert await told_of("you are away") == 1

    world.go(main())


@pytest.mark.parametrize("people", [1, 20])
def test_watching_many_takes_as_many_queries_as_watching_one(world: World, people: int) -> None:
    amina = world.person("Amina")
    ids: list[UUID] = [world.person().id for _ in range(people)]

    with counted(world) as queries:

        async def main() -> list[str]:
            async with signed_in(world, amina):
                await written(world)
                (connection,) = hub.of(world.app).people[amina.id]
                await hub.of(world.app).board.watch(connection, ids)  # asyncpg learns types at the first time
                queries.clear()
                await hub.of(world.app).board.watch(connection, ids)
                return list(queries)

        found = world.go(main())
    assert len(found) == 3, found
