"""GET /ws: the contract's own messages, by a bearer header or a ticket."""

import asyncio
import json
import uuid
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest

from majlis import serving
from majlis.features.chat import service as chats
from majlis.features.graph import service as graph
from majlis.features.sockets import service as sockets
from majlis.kit import clock, facts, jobs
from majlis.surfaces.realtime import hamsaya, hub
from tests.surfaces.realtime.talking import dm, giving_way, group, write
from tests.surfaces.realtime.wires import CEILING_S, Denied, Frame, Wire, signed_in, wire
from tests.world import Person, World


def ws(world: World, who: Person) -> AbstractAsyncContextManager[Wire]:
    return wire(world, "/ws", headers=who.auth, protocols=())


async def of_type(one: Wire, type: str) -> Frame:
    return await one.until(lambda frame: frame["type"] == type)


async def silent(one: Wire) -> None:
    """Nothing waits, nor comes before a message that cannot be read is answered."""
    one.put({"type": "nothing", "content": {}})
    assert (await of_type(one, "error"))["content"]["code"] == "unknown_type"
    assert one.waiting == []


def chat(text: str, to: Person | None = None, **content: Any) -> Frame:
    return {"type": "chat", "to": str(to.id) if to else None, "content": {"content": text, **content}}


@pytest.mark.rule("hamsaya:164")
@pytest.mark.rule("hamsaya:167")
@pytest.mark.rule("hamsaya:168")
def test_a_message_is_stored_and_reaches_every_connection_of_both(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with (
            ws(world, amina) as a, ws(world, amina) as a2, ws(world, bilal) as b, ws(world, bilal) as b2,
            ws(world, dara) as d, signed_in(world, bilal) as modern,
        ):  # fmt: skip
            await modern.ask("subscribe", streams={stream: {}})
            a.put(chat("salaam", bilal, conversation_id=stream[2:], client_id="c1"))
            content: Frame = {}
            for one in (a, a2, b, b2):
                got = await of_type(one, "chat")
                assert set(got) == {"type", "from", "to", "content"}
                assert (got["from"], got["to"]) == (str(amina.id), str(bilal.id))
                content = got["content"]
                assert set(content) == {
                    "conversation_id", "message_id", "content", "message_type", "client_id", "created_at",
                }  # fmt: skip
                fixed = {"content": "salaam", "message_type": "TEXT", "client_id": "c1"}
                assert fixed.items() <= content.items()
            assert (await modern.event("message.created"))["data"]["message"]["id"] == content["message_id"]
            await silent(d)

    world.go(main())
    listed = world.get(f"/api/v1/chat/conversations/{stream[2:]}/messages", bilal).json()["data"]
    assert [message["content"] for message in listed] == ["salaam"]


@pytest.mark.rule("hamsaya:165")
def test_nobody_writes_as_somebody_else(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            a.put({**chat("it is me", bilal), "from": str(dara.id)})
            assert (await of_type(b, "chat"))["from"] == str(amina.id)
            typing = {"conversation_id": stream[2:], "typing": True}
            a.put({"type": "typing", "from": str(dara.id), "to": str(bilal.id), "content": typing})
            assert (await of_type(b, "typing"))["from"] == str(amina.id)

    world.go(main())


@pytest.mark.rule("hamsaya:164")
def test_typing_reaches_the_other_one_only(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b, ws(world, dara) as d:
            content: Frame = {}
            for typing in (True, False):
                content = {"conversation_id": stream[2:], "typing": typing}
                a.put({"type": "typing", "to": str(bilal.id), "content": content})
                got = await of_type(b, "typing")
                assert got == {
                    "type": "typing",
                    "from": str(amina.id),
                    "to": str(bilal.id),
                    "content": content,
                }
            d.put({"type": "typing", "to": str(bilal.id), "content": content})
            for one in (a, b, d):
                await silent(one)

    world.go(main())


def test_a_first_message_to_somebody_opens_a_conversation(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            a.put(chat("do we know one another?", bilal, client_id="c1"))
            first = await of_type(b, "chat")
            assert (first["from"], first["to"]) == (str(amina.id), str(bilal.id))
            assert (await of_type(a, "chat"))["content"] == first["content"]
            b.put(chat("now we do", amina))
            again = await of_type(a, "chat")
            assert again["content"]["conversation_id"] == first["content"]["conversation_id"]

    world.go(main())


def test_a_message_that_comes_twice_is_stored_once(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    dm(world, amina, bilal)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            a.put(chat("once", bilal, client_id="c1"))
            first = await of_type(a, "chat")
            a.put(chat("once", bilal, client_id="c1"))
            assert await of_type(a, "chat") == first  # the answer to who asks again
            a.put(chat("other", bilal, client_id="c1"))
            error = (await of_type(a, "error"))["content"]
            assert (error["code"], error["client_id"]) == ("client_msg_id_reused", "c1")
            assert (await of_type(b, "chat"))["content"] == first["content"]
            await silent(b)

    world.go(main())


def test_who_gave_way_to_others_may_send_it_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    dm(world, amina, bilal)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            with monkeypatch.context() as patch:
                giving_way(patch, chats)
                a.put(chat("once", bilal, client_id="c1"))
                error = (await of_type(a, "error"))["content"]
            assert (error["code"], error["client_id"]) == ("unavailable", "c1")
            a.put(chat("once", bilal, client_id="c1"))
            assert (await of_type(b, "chat"))["content"]["content"] == "once"

    world.go(main())


@pytest.mark.rule("hamsaya:168")
@pytest.mark.parametrize(
    "message, code",
    [
        ({"type": "notification", "content": {}}, "forbidden"),
        ({"type": "error", "content": {}}, "unknown_type"),
        ({"type": "dance", "content": {}}, "unknown_type"),
        ({"content": {}}, "bad_frame"),
        ({"type": "chat", "content": {"content": 7}}, "bad_frame"),
        ({"type": "chat", "content": {"content": "hi"}}, "invalid"),
        ({"type": "chat", "to": "somebody", "content": {"content": "hi"}}, "bad_frame"),
        ({"type": "chat", "to": str(uuid.uuid4()), "content": {"content": "hi"}}, "not_found"),
        (
            {"type": "chat", "content": {"content": "hi", "conversation_id": str(uuid.uuid4())}},
            "not_a_member",
        ),
        ({"type": "chat", "to": str(uuid.uuid4()), "content": {"content": " "}}, "invalid"),
        ({"type": "typing", "content": {"typing": True}}, "bad_frame"),
        ("{", "bad_frame"),
        ("[]", "bad_frame"),
    ],
)
def test_what_clients_may_not_send_is_refused(world: World, message: Any, code: str) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with ws(world, amina) as a:
            a.put(message)
            error = await a.get()
            assert set(error) == {"type", "from", "to", "content"} and error["type"] == "error"
            assert (error["content"]["code"], error["to"]) == (code, str(amina.id)), error

    world.go(main())


@pytest.mark.rule("hamsaya:168")
def test_blocks_hold_here_too(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            async with world.app.db.tx() as tx:
                await graph.block(tx, amina.me, bilal.id)
            (theirs,) = hub.of(world.app).people[bilal.id]
            async with asyncio.timeout(CEILING_S):
                while stream in theirs.streams:  # noqa: ASYNC110  nothing else tells
                    await asyncio.sleep(0.01)
            for one, other in ((a, bilal), (b, amina)):
                one.put(chat("hello?", other, conversation_id=stream[2:], client_id="c9"))
                error = (await of_type(one, "error"))["content"]
                assert error["code"] in ("blocked_by_user", "not_a_member") and error["client_id"] == "c9"
                typing = {"conversation_id": stream[2:], "typing": True}
                one.put({"type": "typing", "to": str(other.id), "content": typing})
            for one in (a, b):
                await silent(one)

    world.go(main())
    assert world.sql("SELECT id FROM messages") == []


def test_groups_are_not_of_this_protocol(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    several, two = group(world, amina, bilal, dara), dm(world, amina, bilal)

    async def main() -> None:
        async with ws(world, bilal) as b:
            await write(world, amina.me, several, "to several")
            await write(world, amina.me, two, "to you")
            assert (await of_type(b, "chat"))["content"]["content"] == "to you"
            await silent(b)

    world.go(main())


@pytest.mark.rule("hamsaya:164")
def test_notifications_come_with_how_many_are_unread(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")

    async def main() -> None:
        async with ws(world, amina) as a, signed_in(world, amina) as modern, ws(world, bilal) as b:
            answer = await world.http.post(f"/api/v1/users/{amina.id}/follow", headers=bilal.auth)
            assert answer.is_success
            await jobs.drain(world.app, world.app.db, facts.registry)
            got = await of_type(a, "notification")
            assert (got["from"], got["to"], got["content"]["unread_count"]) == (None, str(amina.id), 1)
            note = got["content"]["notification"]
            assert note["type"] == "USER_FOLLOW" and note["actor"]["id"] == str(bilal.id)
            eph = await modern.until(lambda frame: frame["t"] == "eph")
            assert (eph["type"], eph["data"]) == ("notification", got["content"])
            await silent(b)
        listed = await world.http.get("/api/v1/notifications", headers=amina.auth)
        assert listed.json()["data"][0]["id"] == note["id"]

    world.go(main())


# ---- who may open it


async def opens(world: World, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    one = Wire(world, path, headers=headers, protocols=())
    try:
        await one.opened()
        return 101, ""
    except Denied as denied:
        return denied.status, json.loads(denied.body)["error"]["code"]
    finally:
        await one.close()


@pytest.mark.rule("hamsaya:168")
def test_it_opens_by_a_bearer_header_or_once_by_a_ticket(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        made = await world.http.post("/api/v1/auth/ws-ticket", headers=amina.auth)
        assert made.status_code == 201 and made.json()["expires_in"] == 30
        path = f"/ws?ticket={made.json()['ticket']}"
        assert await opens(world, "/ws") == (401, "unauthenticated")
        assert await opens(world, "/ws", {"authorization": "Bearer made.up.token"}) == (401, "bad_token")
        assert await opens(world, "/ws?ticket=made-up") == (401, "bad_token")
        async with wire(world, path, protocols=()) as one, ws(world, amina) as two:
            for each in (one, two):
                await silent(each)
                assert len(hub.of(world.app).people[amina.id]) == 2
        assert await opens(world, path) == (401, "bad_token")

    world.go(main())


def test_a_ticket_is_short_lived_and_ends_with_its_session(world: World) -> None:
    amina = world.person("Amina")

    async def ticket() -> str:
        async with world.app.db.tx() as tx:
            return (await sockets.ticket(tx, amina.me)).ticket

    async def main() -> None:
        with clock.shifted(-sockets.TICKET_LIFE - timedelta(seconds=1)):
            old = await ticket()
        assert (await opens(world, f"/ws?ticket={old}"))[0] == 401
        good = await ticket()
        assert (await opens(world, f"/ws?ticket={good}"))[0] == 101
        last = await ticket()
        await world.http.post("/api/v1/auth/logout", headers=amina.auth, json={})
        assert (await opens(world, f"/ws?ticket={last}"))[0] == 401

    world.go(main())


def test_of_two_who_use_a_ticket_at_once_one_comes_in(clone: World) -> None:
    amina = clone.person("Amina")

    async def main() -> list[int]:
        async with clone.app.db.tx() as tx:
            path = f"/ws?ticket={(await sockets.ticket(tx, amina.me)).ticket}"
        found = await asyncio.gather(*(opens(clone, path) for _ in range(8)))
        return sorted(status for status, _ in found)

    assert clone.go(main()) == [101] + [401] * 7


def test_the_ticket_is_stored_as_its_digest(world: World) -> None:
    amina = world.person("Amina")
    ticket = world.post("/api/v1/auth/ws-ticket", amina).json()["ticket"]
    (row,) = world.sql("SELECT token_hash FROM socket_tickets")
    assert ticket.encode() not in bytes(row["token_hash"]) and len(row["token_hash"]) == 32


@pytest.mark.rule("hamsaya:5")
def test_pages_of_other_origins_may_not_open_it(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        foreign = {**amina.auth, "origin": "https://evil.example"}
        assert await opens(world, "/ws", foreign) == (403, "origin_not_allowed")
        assert (await opens(world, "/ws", {**amina.auth, "origin": "http://majlis.test"}))[0] == 101

    world.go(main())


# ---- limits


@pytest.mark.rule("hamsaya:166")
def test_each_connection_has_an_id_and_a_queue_of_its_own(world: World) -> None:
    """Who does not read is closed and forgotten; the other connection of the same person goes on."""
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with ws(world, amina) as stuck, ws(world, amina) as reading:
            first, second = hub.of(world.app).people[amina.id]
            assert first.id != second.id
            stuck.reading.clear()
            for n in range(300):
                await write(world, bilal.me, stream, f"{n}")
                got = await of_type(reading, "chat")
                assert got["content"]["content"] == f"{n}"
                assert len(first.outbox) <= 256
            assert first.socket.closed == 4440 and len(first.outbox) == 0
            stuck.reading.set()
            assert await stuck.ended() == 4440
            await silent(reading)

    world.go(main())


@pytest.mark.rule("hamsaya:167")
def test_a_connection_that_breaks_is_forgotten(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with ws(world, amina):
            assert list(hub.of(world.app).people) == [amina.id]
        assert not hub.of(world.app).people and not hub.of(world.app).rooms.names()

    world.go(main())


@pytest.mark.rule("hamsaya:168")
def test_whoever_is_not_heard_of_for_a_minute_is_closed(world: World) -> None:
    amina = world.person("Amina")
    assert (serving.PING_S, serving.MAX_FRAME, hamsaya.Session.quiet_s) == (30, 64 * 1024, 60)

    async def main() -> int:
        async with ws(world, amina) as one:
            (connection,) = hub.of(world.app).people[amina.id]
            connection.socket._heard -= 61
            hub.of(world.app).end_quiet()
            return await one.ended()

    assert world.go(main()) == 4408


def test_binary_frames_end_it(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> int:
        async with ws(world, amina) as one:
            one.put(b"\x00")
            return await one.ended()

    assert world.go(main()) == 1003
