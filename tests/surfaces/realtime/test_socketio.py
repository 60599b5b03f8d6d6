"""Socket.IO, packet by packet: the same objects as on /api/v1/ws, over WebSockets and over long polls."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest

from majlis.kit import clock, hints
from majlis.kit.http import Route
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.link import Pipe
from majlis.surfaces.realtime.outbox import FRAMES
from majlis.surfaces.realtime.session import BURST
from tests.surfaces.realtime.engines import PATH, Packets, Polls, Socket, entered, opened, polling, seqs
from tests.surfaces.realtime.talking import dm, group, remove, write
from tests.surfaces.realtime.test_losing_access import WAYS, log_out
from tests.surfaces.realtime.wires import Denied, signed_in
from tests.world import Person, World


def over(world: World, who: Person, transport: str) -> AbstractAsyncContextManager[Packets]:
    """Somebody's session over a transport."""
    return entered(world, who) if transport == "websocket" else polling(world, who)


both = pytest.mark.parametrize("transport", ["websocket", "polling"])


async def say(one: Packets, stream: str, text: str, key: str) -> dict[str, Any]:
    message = {"type": "text", "text": text}
    return await one.ask("send", stream=stream, client_msg_id=key, message=message)


@both
def test_a_message_reaches_both_sides_and_waits_for_who_is_away(world: World, transport: str) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with over(world, amina, transport) as a:
            async with over(world, bilal, transport) as b, signed_in(world, bilal) as plain:
                for one in (a, b, plain):
                    answer = await one.ask("subscribe", streams={stream: {}})
                    assert answer["streams"] == {stream: {"status": "live", "seq": 0}}
                sent = await say(a, stream, "salaam", "k1")
                assert sent["t"] == "sent" and sent["seq"] == 1 and not sent["duplicate"]
                assert (await say(a, stream, "salaam", "k1"))["duplicate"]
                same = await plain.event("message.created")
                for one in (a, b):
                    assert await one.event("event") == same
                    assert (await one.ask("mark_read", stream=stream, seq=1))["t"] == "ok"
                await b.quiet()
            assert (await say(a, stream, "are you there?", "k2"))["seq"] == 2
            async with over(world, bilal, transport) as b:
                answer = await b.ask("subscribe", streams={stream: {"after_seq": 1}})
                assert answer["streams"] == {stream: {"status": "resumed", "seq": 2, "replay": 1}}
                assert (await b.event("event"))["seq"] == 2

    world.go(main())


def test_the_answer_stands_before_the_entries_that_it_announces(world: World) -> None:
    amina, bilal = world.person(), world.person()
    stream = dm(world, amina, bilal)

    async def main() -> None:
        for n in range(5):
            await write(world, amina.me, stream, str(n))
        async with entered(world, bilal) as b:
            await b.send(
                "427" + json.dumps(["subscribe", {"id": "mine", "streams": {stream: {"after_seq": 2}}}])
            )
            answer = json.loads((await b.receive())[3:])[0]
            assert (answer["t"], answer["id"]) == ("subscribed", "mine")
            assert [(await b.event("event"))["seq"] for _ in range(3)] == [3, 4, 5]

    world.go(main())


def test_who_wants_no_callback_is_answered_by_an_event(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with entered(world, amina) as a:
            await a.send('42["ping",{"id":"p"}]')
            assert (await a.event("pong"))["id"] == "p"
            await a.send('42["nonsense"]')
            assert (await a.event("error"))["code"] == "unknown_type"
            await a.send('4212["typing",{"stream":"c_1"}]')  # which has no answer
            assert await a.until("4312") == "[]"

    world.go(main())


def test_what_is_wrong_with_a_frame_is_told_to_its_callback(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with entered(world, amina) as a:
            for event, data, code in (
                ("nonsense", {}, "unknown_type"),
                ("auth", {"token": "x"}, "bad_frame"),
                ("mark_read", {"stream": "c_1"}, "bad_frame"),
                ("mark_read", {"stream": "c_1", "seq": 1}, "not_a_member"),
                ("send", {"stream": "c_1", "message": {}}, "not_a_member"),
            ):
                answer = await a.ask(event, **data)
                assert (answer["t"], answer["code"], answer["fatal"]) == ("error", code, False), answer
            await a.send('4299["ping",[]]')
            assert json.loads(await a.until("4399"))[0]["code"] == "bad_frame"
            assert (await a.ask("ping"))["t"] == "pong"

    world.go(main())


BAD = {
    "not a packet": "hello",
    "no such type of packet": "49",
    "a binary attachment": '451-["send",{"_placeholder":true,"num":0}]',
    "no JSON": '42["send",{',
    "no name": "42[]",
    "a number for a name": "42[1,{}]",
    "a long number": "42" + "1" * 20 + '["ping",{}]',
    "a second connect": "40{}",
    "an upgrade when there is none": "5",
    "JSON that is too deep": "3" + "[" * 50_000,
    "an event that is too deep": '42["ping",' + "[" * 30_000,
    "nothing": "",
}


@both
@pytest.mark.parametrize("bad", BAD)
def test_who_breaks_the_protocol_is_closed(world: World, bad: str, transport: str) -> None:
    amina, bilal = world.person(), world.person()

    async def main() -> None:
        async with over(world, amina, transport) as a, entered(world, bilal) as b:
            if isinstance(a, Polls):
                await a.post(BAD[bad])
            else:
                await a.send(BAD[bad])
            closing = await a.ended()
            assert closing is not None and (closing["code"], closing["resume"]) == (4400, True)
            assert len(hub.of(world.app)) == 1
            await b.quiet()

    world.go(main())


def test_binary_frames_and_lone_bytes_are_no_packets(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with entered(world, amina) as a:
            a.wire.put(b"42[]")
            closing = await a.ended()
            assert closing is not None and closing["code"] == 4400
        async with polling(world, amina) as b:
            answer = await world.http.post(f"{PATH}polling&sid={b.sid}", content=b"42\xff")
            assert answer.status_code == 400
            closing = await b.ended()
            assert closing is not None and closing["code"] == 4400

    world.go(main())


def test_who_does_not_come_in_hears_why(world: World) -> None:
    amina, gone = world.person(), world.person()
    with clock.shifted(timedelta(days=-1)):
        old = world.person()

    async def main() -> None:
        await log_out(world, gone)
        for auth, code in (
            ({"token": "made up"}, "unauthenticated"),
            ({"token": old.token}, "token_expired"),
            ({"token": gone.token}, "unauthenticated"),
            ({}, "bad_frame"),
            ({"token": 5}, "bad_frame"),
        ):
            for transport in ("websocket", "polling"):
                one: Packets
                if transport == "polling":
                    one = Polls(world)
                    await one.open()
                else:
                    one = Socket(world)
                    await one.opened()
                await one.send("40" + json.dumps(auth))
                refused = json.loads(await one.until("44"))
                assert refused["message"] == refused["data"]["code"] == code
                assert refused["data"]["fatal"] and refused["data"]["t"] == "error"
                assert await one.ended() is None
                if isinstance(one, Socket):
                    await one.wire.close()
        assert len(hub.of(world.app)) == 0
        async with entered(world, amina) as a:  # the control
            await a.quiet()

    world.go(main())


def test_another_namespace_is_not_there(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with opened(world) as a:
            await a.send("40/admin,{}")
            assert json.loads(await a.until("44/admin,")) == {"message": "Invalid namespace"}
            assert (await a.connect(token=amina.token))["user_id"] == str(amina.id)

    world.go(main())


def test_nothing_is_heard_before_somebody_came_in(world: World) -> None:
    async def main() -> None:
        async with opened(world) as a:
            await a.send('421["ping",{}]')
            assert await a.ended() is None

    world.go(main())


def test_who_never_says_who_they_are_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("majlis.surfaces.realtime.frames.AUTH_S", 0.05)

    async def main() -> None:
        async with opened(world) as a:
            assert await a.ended() is None
        b = Polls(world)
        await b.open()
        assert await b.ended() is None
        (made,) = [part for name, part in world.app.parts.items() if name.startswith("socket.io")]
        assert not made.links and not made.server.sockets

    world.go(main())


@both
@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_ends_is_silenced(world: World, way: str, transport: str) -> None:
    end, code = WAYS[way]
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with over(world, amina, transport) as one, entered(world, bilal) as other:
            await one.ask("subscribe", streams={stream: {}})
            await end(world, amina)
            closing = await one.ended()
            assert closing is not None and (closing["code"], closing["resume"]) == (code, False)
            assert "41" in one.waiting  # it is not to come back by itself
            assert stream not in hub.of(world.app).rooms.names()
            await other.quiet()

    world.go(main())


def test_what_waits_for_a_poll_is_not_given_to_whose_session_ended(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with polling(world, amina) as one, signed_in(world, bilal) as other:
            await one.ask("subscribe", streams={stream: {}})
            await other.ask("subscribe", streams={stream: {}})
            await write(world, bilal.me, stream, "said while nobody polled")
            await other.event("message.created")
            await log_out(world, amina)
            while len(hub.of(world.app)) == 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
            closing = await one.ended()
            assert closing is not None and closing["code"] == 4401
            assert seqs(one, stream) == []

    world.go(main())


@both
def test_a_member_who_is_removed_hears_no_more(world: World, transport: str) -> None:
    amina, bilal, dara = (world.person() for _ in range(3))
    stream = group(world, amina, bilal, dara)

    async def main() -> None:
        async with over(world, amina, transport) as a, over(world, bilal, transport) as b:
            for one in (a, b):
                await one.ask("subscribe", streams={stream: {}})
            await remove(world, amina, stream, bilal)
            closed = await b.event("stream_closed")
            assert (closed["stream"], closed["reason"]) == (stream, "removed")
            await b.event("event")
            assert (await say(a, stream, "among us", "k"))["seq"] == 2
            await b.quiet()
            answer = await b.ask("subscribe", streams={stream: {"after_seq": 0}})
            assert answer["denied"] == {stream: "not_a_member"}

    world.go(main())


def test_without_the_hint_the_next_look_closes_it(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with entered(world, amina) as one:
            here = hub.of(world.app)
            hints.disconnect(world.app.bus)
            here._forget()
            await log_out(world, amina)
            await one.quiet()  # the control
            await here.sweep()
            closing = await one.ended()
            assert closing is not None and closing["code"] == 4401

    world.go(main())


def test_a_fresh_token_keeps_a_session_and_an_expired_one_ends_it(world: World) -> None:
    amina, bilal = world.person(), world.person()

    async def main() -> None:
        answer = await world.http.post("/api/v1/auth/refresh", json={"refresh_token": amina.refresh_token})
        async with entered(world, amina) as a:
            assert (await a.ask("reauth", token=bilal.token))["code"] == "forbidden"
            fresh = await a.ask("reauth", token=answer.json()["access_token"])
            assert fresh["t"] == "ok" and fresh["session_expires_at"]
            (connection,) = hub.of(world.app).everybody()
            connection.end_at(clock.now())
            closing = await a.ended()
            assert closing is not None and (closing["code"], closing["reason"]) == (4401, "token_expired")

    world.go(main())


def test_too_many_frames_end_it(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with entered(world, amina) as a:
            for _ in range(BURST + 100):
                await a.send('42["typing",{"stream":"c_1"}]')
            closing = await a.ended()
            assert closing is not None and closing["code"] == 4429 and closing["retry_after_ms"] > 0

    world.go(main())


@both
def test_whoever_ceases_to_read_is_closed_and_loses_nothing(world: World, transport: str) -> None:
    amina, bilal = world.person(), world.person()
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with over(world, bilal, transport) as b:
            here = hub.of(world.app)
            await b.ask("subscribe", streams={stream: {}})
            (connection,) = here.everybody()
            if isinstance(b, Socket):
                b.wire.reading.clear()
            last = 0
            while len(here) == 1:
                assert last <= FRAMES + 3 * Pipe.PACKETS
                last = await write(world, amina.me, stream, "a" * 100)
                await settled(connection, last)
            assert len(connection.outbox) == 0
            if isinstance(b, Socket):
                b.wire.reading.set()
            closing = await b.ended()
            assert closing is not None and (closing["code"], closing["resume"]) == (4440, True)
            got = seqs(b, stream)
            assert got == list(range(1, len(got) + 1)) and len(got) < last
        async with over(world, bilal, transport) as b:
            answer = await b.ask("subscribe", streams={stream: {"after_seq": len(got)}})
            assert answer["streams"][stream]["status"] == "resumed"
            assert [(await b.event("event"))["seq"] for _ in range(last - len(got))] == list(
                range(len(got) + 1, last + 1)
            )

    world.go(main())


async def settled(connection: Any, seq: int) -> None:
    """Until this entry has passed a connection, or that is over."""
    here = connection.hub
    while connection in here.everybody():
        (stream,) = connection.streams
        if here.rooms.get(stream).seq >= seq:
            break
        await asyncio.sleep(0)
    for _ in range(5):  # engine.io's own tasks get their turns
        await asyncio.sleep(0)


def test_the_eleventh_connection_of_a_kind_takes_the_place_of_the_first(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with entered(world, amina) as first:
            others: list[Socket] = []
            for n in range(10):
                one = Socket(world)
                await one.opened()
                await one.connect(token=amina.token, client="test/2" if n else "test/1")
                others.append(one)
            closing = await first.ended()
            assert closing is not None and closing["code"] == 4409 and "41" in first.waiting
            for one in others:
                await one.quiet()
                await one.wire.close()

    world.go(main())


@pytest.mark.settings(max_sockets=1)
def test_where_there_is_no_room_nobody_comes_in(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with entered(world, amina):
            for how in ("polling", "websocket"):
                status, code = await asked(world, how)
                assert (status, code) == (503, "overloaded")

    world.go(main())


async def asked(world: World, transport: str, sid: str = "", **headers: str) -> tuple[int, str]:
    """Status and code of a handshake or request."""
    query = f"{PATH}{transport}" + (f"&sid={sid}" if sid else "")
    if transport == "websocket":
        one = Socket(world, query, **headers)
        try:
            await one.opened()
        except Denied as denied:
            return denied.status, json.loads(denied.body)["error"]["code"]
        finally:
            await one.wire.close()
        return 101, ""
    answer = await world.http.get(query, headers=headers)
    return answer.status_code, "" if answer.is_success else answer.json()["error"]["code"]


@both
def test_pages_of_other_sites_may_not_connect(world: World, transport: str) -> None:
    async def main() -> None:
        assert (await asked(world, transport, origin="https://evil.example"))[0] == 403
        assert (await asked(world, transport, origin="http://majlis.test"))[0] in (101, 200)

    world.go(main())


@pytest.mark.settings(socketio="websocket")
def test_polls_can_be_switched_off(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        assert await asked(world, "polling") == (400, "transport_off")
        async with entered(world, amina) as a:
            await a.quiet()

    world.go(main())


@pytest.mark.settings(socketio="off")
def test_all_of_it_can_be_switched_off(world: World) -> None:
    async def main() -> None:
        for transport in ("polling", "websocket"):
            assert (await asked(world, transport))[0] == 404

    world.go(main())


def test_requests_that_are_none_of_its_own_are_refused(world: World) -> None:
    async def main() -> None:
        for path, code in (
            ("/socket.io/", "wrong_protocol"),
            ("/socket.io/?EIO=3&transport=polling", "wrong_protocol"),
            ("/socket.io/?EIO=4&transport=polling&j=0", "wrong_protocol"),
            ("/socket.io/?EIO=4&transport=webtransport", "transport_off"),
            (PATH + "polling&sid=unknown", "unknown_session"),
        ):
            answer = await world.http.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), path
        assert (await world.http.head(PATH + "polling")).status_code == 405
        assert (await world.http.post(PATH + "polling", content="40")).status_code == 400
        assert await asked(world, "websocket", sid="unknown") == (400, "unknown_session")

    world.go(main())


def test_a_body_that_is_too_large_is_not_read(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with polling(world, amina) as a:
            assert (await a.post("42" + "a" * 65_536)).status_code == 413
            many = "\x1e".join(['42["typing",{}]'] * 300)
            assert (await a.post(many)).status_code == 400
            assert (await a.ended() or {})["code"] == 4400

    world.go(main())


def test_one_poll_of_a_session_waits_at_a_time(world: World) -> None:
    amina = world.person()

    async def main() -> None:
        async with polling(world, amina) as a:
            waiting = asyncio.create_task(a.poll())
            (made,) = [part for name, part in world.app.parts.items() if name.startswith("socket.io")]
            while not made.links[a.sid].polls:  # noqa: ASYNC110
                await asyncio.sleep(0)
            again = await a.poll()
            assert (again.status_code, again.json()["error"]["code"]) == (400, "two_polls")
            assert '"code":4400' in (await waiting).text

    world.go(main())


def test_polls_give_way_to_a_websocket_without_a_loss(world: World) -> None:
    amina, bilal = world.person(), world.person()
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with polling(world, amina) as a:
            await a.ask("subscribe", streams={stream: {}})
            await write(world, bilal.me, stream, "before")
            socket = Socket(world, f"{PATH}websocket&sid={a.sid}")
            await socket.opened()
            assert await asked(world, "websocket", sid=a.sid) == (400, "unknown_session")  # one at a time
            await socket.send("2probe")
            assert await socket.receive() == "3probe"
            await write(world, bilal.me, stream, "meanwhile")
            await socket.send("5")
            await write(world, bilal.me, stream, "after")
            events = [await socket.event("event") for _ in range(3)]
            assert [event["seq"] for event in events] == [1, 2, 3]
            await socket.quiet()
            assert len(hub.of(world.app)) == 1
            await socket.wire.close()
            assert len(hub.of(world.app)) == 0

    world.go(main())


def test_a_websocket_that_never_takes_over_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("majlis.surfaces.realtime.engine.AUTH_S", 0.05)
    amina = world.person()

    async def main() -> None:
        async with polling(world, amina) as a:
            socket = Socket(world, f"{PATH}websocket&sid={a.sid}")
            await socket.opened()
            assert await socket.ended() is None
            await socket.wire.close()
            await a.quiet()

    world.go(main())


def test_it_stands_in_no_document_and_takes_no_token_in_its_address(world: World) -> None:
    routes: list[Route] = [route for route in world.server.routes if route.path.endswith("/socket.io")]
    assert {route.method for route in routes} == {"GET", "POST", "WEBSOCKET"}
    assert all(route.policy.token == "ignored" and not route.documented for route in routes)
    amina = world.person()

    async def main() -> None:
        one = Socket(world, f"{PATH}websocket&token={amina.token}")
        await one.opened()
        await one.send("40")
        assert json.loads(await one.until("44"))["message"] == "bad_frame"
        await one.wire.close()

    world.go(main())
