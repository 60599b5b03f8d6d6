"""Every way to lose access silences the socket: by the hint, or by the next look where a hint was lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from majlis.features.graph import service as graph
from majlis.features.identity import service as identity
from majlis.features.messages import service as messages
from majlis.features.sessions import service as sessions
from majlis.kit import hints
from majlis.kit.me import Me
from majlis.surfaces.realtime import hub
from tests.surfaces.realtime.talking import dm, group, remove, say, write
from tests.surfaces.realtime.wires import signed_in, wire
from tests.world import PASSWORD, Person, World

Ending = Callable[[World, Person], Awaitable[Any]]


async def log_out(world: World, who: Person) -> None:
    await world.http.post("/api/v1/auth/logout", headers=who.auth, json={})


async def end_session(world: World, who: Person) -> None:
    await world.http.delete(f"/api/v1/auth/sessions/{who.me.session}", headers=who.auth)


async def end_all(world: World, who: Person) -> None:
    await world.http.delete("/api/v1/auth/sessions", headers=who.auth)


async def reset_password(world: World, who: Person) -> None:
    async with world.app.db.tx() as tx:
        token = await identity.start_reset(tx, Me.system, who.id)
    body = {"token": token, "new_password": "Herat-2027!"}
    answer = await world.http.post("/api/v1/auth/reset-password", json=body)
    assert answer.status_code == 204, answer.text


async def show_a_spent_refresh_token(world: World, who: Person) -> None:
    for _ in range(2):
        await world.http.post("/api/v1/auth/refresh", json={"refresh_token": who.refresh_token})


async def suspend(world: World, who: Person) -> None:
    async with world.app.db.tx() as tx:
        await sessions.suspend(world.app, tx, Me.system, who.email, True)


async def delete_account(world: World, who: Person) -> None:
    answer = await world.http.request(
        "DELETE", "/api/v1/users/me/account", headers=who.auth, json={"reason": "other", "password": PASSWORD}
    )
    assert answer.is_success, answer.text


WAYS = {
    "logout": (log_out, 4401),
    "session ended": (end_session, 4401),
    "all sessions ended": (end_all, 4401),
    "password reset": (reset_password, 4401),
    "refresh token shown twice": (show_a_spent_refresh_token, 4401),
    "suspended": (suspend, 4403),
    "account deleted": (delete_account, 4403),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_ends_closes_its_sockets(world: World, way: str) -> None:
    end, code = WAYS[way]
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with (
            signed_in(world, amina) as one,
            wire(world, "/ws", headers=amina.auth, protocols=()) as two,
            signed_in(world, bilal) as other,
        ):
            await one.ask("subscribe", streams={stream: {}})
            await end(world, amina)
            assert await one.ended() == code
            assert await two.ended() == code
            assert (await other.ask("ping"))["t"] == "pong"
            assert not hub.of(world.app).rooms.names() or stream not in hub.of(world.app).rooms.names()

    world.go(main())


def test_other_sessions_stay_where_one_ends(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        answer = await world.http.post(
            "/api/v1/auth/login", json={"email": amina.email, "password": PASSWORD}
        )
        second = answer.json()
        token = (second.get("tokens") or second)["access_token"]
        async with signed_in(world, amina) as one, wire(world) as two:
            await two.get()
            assert (await two.ask("auth", token=token))["t"] == "ready"
            await log_out(world, amina)
            assert await one.ended() == 4401
            assert (await two.ask("ping"))["t"] == "pong"

    world.go(main())


def test_without_the_hint_the_next_look_closes_it(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")

    async def main() -> None:
        async with signed_in(world, amina) as one, signed_in(world, bilal) as two:
            here = hub.of(world.app)
            here._forget()  # as if the hint had never come
            await log_out(world, amina)
            assert (await one.ask("ping"))["t"] == "pong"  # the control
            await here.sweep()
            assert await one.ended() == 4401
            assert (await two.ask("ping"))["t"] == "pong"

    world.go(main())


def test_a_session_that_ends_while_its_socket_signs_in_is_closed(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with wire(world) as one:
            await one.get()
            pool: Any = world.app.db.pool
            held = await pool.acquire()
            one.put({"t": "auth", "id": "1", "token": amina.token})
            # Until the token was found good, and it waits for the database.
            while not pool._lock._waiters:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await held.execute("UPDATE user_sessions SET revoked = true WHERE id = $1", amina.me.session)
            world.app.gate.changed(amina.id)  # and nobody here knows of the connection yet
            await pool.release(held)
            assert await one.ended() == 4401

    world.go(main())


def test_a_block_parts_the_blocked_from_what_the_two_had(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    stream, shared = dm(world, amina, bilal), group(world, amina, bilal, dara)

    async def blocks(who: Person, other: Person) -> None:
        async with world.app.db.tx() as tx:
            await graph.block(tx, who.me, other.id)

    async def main() -> None:
        async with signed_in(world, amina) as a, signed_in(world, bilal) as b:
            for one in (a, b):
                await one.ask("subscribe", streams={stream: {}, shared: {}})
            sent = await say(a, stream, "before")
            await blocks(amina, bilal)
            closed = await b.until(lambda frame: frame["t"] == "stream_closed")
            assert (closed["stream"], closed["reason"]) == (stream, "removed")
            b.waiting.clear()
            b.put({"t": "typing", "stream": stream})
            a.put({"t": "typing", "stream": stream})
            await a.ask("ping")
            async with world.app.db.tx() as tx:  # what the blocker does is nothing to the blocked
                await messages.delete(tx, amina.me, UUID(sent["message_id"]))
            await a.event("message.deleted")
            await b.quiet()
            await b.quiet("eph")
            await a.quiet("eph")
            for one in (a, b):
                refused = await say(one, stream, "after")
                assert refused["t"] == "error" and refused["code"] in ("blocked_by_user", "not_a_member"), (
                    refused
                )
            answer = await b.ask("subscribe", streams={stream: {"after_seq": 0}})
            assert answer["denied"] == {stream: "not_a_member"}
            await write(world, dara.me, shared, "the group goes on")
            for one in (a, b):
                await one.event("message.created", shared)

    world.go(main())


def test_a_lost_hint_of_a_block_or_a_removal_is_made_good(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream, shared = dm(world, amina, bilal), group(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, bilal) as b:
            await b.ask("subscribe", streams={stream: {}, shared: {}})
            hints.disconnect(world.app.bus)
            async with world.app.db.tx() as tx:
                await graph.block(tx, amina.me, bilal.id)
            await remove(world, amina, shared, bilal)
            await b.quiet("stream_closed")  # the control
            await hub.of(world.app).sweep()
            closed = [await b.until(lambda frame: frame["t"] == "stream_closed") for _ in range(2)]
            assert {one["stream"] for one in closed} == {stream, shared}

    world.go(main())
