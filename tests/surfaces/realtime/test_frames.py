"""Frames of /api/v1/ws: signing in, every refusal and its code, every way a connection is closed."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import NATIVE
from majlis.kit import clock
from majlis.kit.me import Me, Origin
from majlis.surfaces.realtime import frames, hub, session
from majlis.surfaces.realtime.connection import Connection
from majlis.surfaces.realtime.session import BURST
from tests.features.posts.writing import write as post
from tests.surfaces.realtime.talking import dm, giving_way, group, say, write
from tests.surfaces.realtime.wires import Denied, Wire, signed_in, wire
from tests.world import Person, World


def test_the_first_frames_say_who_is_there_and_until_when(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with wire(world) as one:
            hello = await one.get()
            fixed = {"t": "hello", "protocol": 1, "auth_timeout_s": 5, "ping_interval_s": 25}
            assert fixed.items() <= hello.items()
            assert hello["max_frame_bytes"] == 65536 and hello["server_time"].endswith("Z")
            ready = await one.ask("auth", token=amina.token, device_id="d_7f", client="ios/2.1.0")
            assert ready["user_id"] == str(amina.id) and ready["connection_id"].startswith("k_")
            assert ready["user_stream"] == {"stream": f"u_{amina.id}", "seq": 0, "min_seq": 1}
            assert ready["session_expires_at"] > hello["server_time"]
            pong = await one.ask("ping")
            assert pong["t"] == "pong" and pong["server_time"] >= hello["server_time"]

    world.go(main())


def test_whoever_does_not_offer_the_protocol_is_not_let_in(world: World) -> None:
    async def main() -> tuple[int, Any]:
        one = Wire(world, "/api/v1/ws", protocols=("graphql-ws",))
        with pytest.raises(Denied) as denied:
            await one.opened()
        await one.close()
        return denied.value.status, json.loads(denied.value.body)

    status, body = world.go(main())
    assert (status, body["error"]["code"]) == (400, "subprotocol_needed")


def test_the_protocol_is_echoed(world: World) -> None:
    async def main() -> str | None:
        one = Wire(world, "/api/v1/ws", protocols=("other", "majlis.v1"))
        try:
            return await one.opened()
        finally:
            await one.close()

    assert world.go(main()) == "majlis.v1"


@pytest.mark.parametrize(
    "origin, status",
    [
        ("https://evil.example", 403), ("null", 403), ("majlis.test", 403),
        ("http://majlis.test", 101), ("https://app.example", 101), (None, 101),
    ],
)  # fmt: skip
def test_pages_of_other_origins_may_not_connect(world: World, origin: str | None, status: int) -> None:
    world.server._origins = ["https://app.example"]

    async def main() -> int:
        one = Wire(world, "/api/v1/ws", headers={"origin": origin} if origin else {})
        try:
            await one.opened()
            return 101
        except Denied as denied:
            return denied.status
        finally:
            await one.close()

    assert world.go(main()) == status


@pytest.mark.parametrize(
    "first, error, code",
    [
        ({"t": "auth", "token": "made up"}, "unauthenticated", 4401),
        ({"t": "ping"}, "unauthenticated", 4401),
        ({"t": "subscribe", "streams": {}}, "unauthenticated", 4401),
        ({"t": "auth"}, "bad_frame", 4400),
        ({"t": "auth", "token": 7}, "bad_frame", 4400),
        ("{", "bad_frame", 4400),
        ("[]", "bad_frame", 4400),
        ("{}", "bad_frame", 4400),
        ('{"t":"ping","x":' + "[" * 30_000, "bad_frame", 4400),
    ],
)
@pytest.mark.rule("afrochat:D9")
def test_whoever_does_not_begin_with_a_good_token_is_closed(
    world: World, first: Any, error: str, code: int
) -> None:
    async def main() -> tuple[Any, Any, int]:
        async with wire(world) as one:
            await one.get()
            one.put(first)
            refused, closing = await one.get(), await one.get()
            return refused, closing, await one.ended()

    refused, closing, closed = world.go(main())
    assert (refused["t"], refused["code"], refused["fatal"]) == ("error", error, True)
    assert closing["t"] == "closing" and closing["code"] == closed == code
    assert closing["resume"] is (code != 4401)


def test_whoever_says_nothing_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "AUTH_S", 0.02)

    async def main() -> tuple[Any, int]:
        async with wire(world) as one:
            await one.get()
            return await one.get(), await one.ended()

    closing, code = world.go(main())
    assert (closing["reason"], code) == ("auth_timeout", 4401)


async def _refused(world: World, token: str) -> tuple[str, str, int]:
    async with wire(world) as one:
        await one.get()
        error = await one.ask("auth", token=token)
        closing = await one.get()
        return error["code"], closing["reason"], await one.ended()


def test_a_token_that_is_over_says_so(world: World) -> None:
    amina = world.person("Amina")
    with clock.shifted(NATIVE.access_life + timedelta(seconds=1)):
        assert world.go(_refused(world, amina.token)) == ("token_expired", "token_expired", 4401)


def test_a_token_of_an_ended_session_and_of_a_suspended_account(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")

    async def end() -> None:
        async with world.app.db.tx() as tx:
            await sessions.revoke(world.app, tx, Me.system, amina.id, reason="test")
            await sessions.suspend(world.app, tx, Me.system, bilal.email, True)

    world.go(end())
    assert world.go(_refused(world, amina.token)) == ("unauthenticated", "session_ended", 4401)
    assert world.go(_refused(world, bilal.token)) == ("unauthenticated", "suspended", 4403)


@pytest.mark.settings(rate_limits="on", limits="burst=3/60")
def test_guessing_tokens_counts_against_the_address(world: World) -> None:
    codes = [world.go(_code_of(world, f"guess {n}")) for n in range(5)]
    assert codes == [4401, 4401, 4401, 4429, 4429]


async def _code_of(world: World, token: str) -> int:
    async with wire(world) as one:
        await one.get()
        one.put({"t": "auth", "token": token})
        return await one.ended()


def test_a_connection_ends_with_its_token_unless_a_fresh_one_comes(world: World) -> None:
    amina, other = world.person("Amina"), world.person("Other")

    async def fresh() -> str:
        with clock.shifted(timedelta(minutes=10)):
            async with world.app.db.tx() as tx:
                pair = await sessions.open_session(
                    world.app, tx, Me.system, amina.id, Origin("127.0.0.1"), None
                )
            return pair.access_token

    def ends(connection: Connection) -> float:
        timer = connection._expiry
        assert timer is not None
        return float(timer.when() - asyncio.get_running_loop().time())

    async def main() -> None:
        async with signed_in(world, amina) as one, signed_in(world, amina) as two:
            first, second = hub.of(world.app).people[amina.id]
            life = NATIVE.access_life.total_seconds()
            assert life - 100 < ends(first) <= life and life - 100 < ends(second) <= life
            assert (await two.ask("reauth", token="made up"))["code"] == "unauthenticated"
            assert (await two.ask("reauth", token=other.token))["code"] == "forbidden"
            assert ends(second) <= life
            answer = await two.ask("reauth", token=await fresh())
            assert answer["t"] == "ok" and answer["session_expires_at"]
            assert ends(second) > life
            first.end_at(clock.now())
            closing = await one.until(lambda frame: frame["t"] == "closing")
            assert (closing["reason"], await one.ended()) == ("token_expired", 4401)
            assert (await two.ask("ping"))["t"] == "pong"

    world.go(main())


@pytest.mark.parametrize(
    "frame, code",
    [
        ({"t": "dance"}, "unknown_type"),
        ({"t": "auth", "token": "x"}, "bad_frame"),
        ({"t": "subscribe", "streams": {"c_1": {"after_seq": -5}}}, "bad_frame"),
        ({"t": "subscribe", "streams": []}, "bad_frame"),
        ({"t": "mark_read", "stream": "c_1"}, "bad_frame"),
        ({"t": "mark_read", "stream": "c_1", "seq": 1}, "not_a_member"),
        ({"t": "mark_unread", "stream": f"c_{uuid.uuid4()}", "seq": 1}, "not_a_member"),
        ({"t": "mark_read", "stream": f"u_{uuid.uuid4()}", "seq": 1}, "not_a_member"),
        ({"t": "presence", "state": "dancing"}, "bad_frame"),
        ({"t": "watch_presence", "user_ids": [str(uuid.uuid4()) for _ in range(201)]}, "bad_frame"),
        ({"t": "send", "stream": "c_1"}, "bad_frame"),
        (
            {"t": "send", "stream": f"c_{uuid.uuid4()}", "client_msg_id": "a", "message": {"text": "hi"}},
            "not_a_member",
        ),
    ],
)
def test_what_is_wrong_is_said_and_the_connection_stays(
    world: World, frame: dict[str, Any], code: str
) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with signed_in(world, amina) as one:
            fields = {name: value for name, value in frame.items() if name != "t"}
            error = await one.ask(frame["t"], **fields)
            assert (error["t"], error["code"], error["fatal"]) == ("error", code, False), error
            assert (await one.ask("ping"))["t"] == "pong"

    world.go(main())


@pytest.mark.parametrize(
    "message, code",
    [
        ({"text": ""}, "empty_message"),
        ({"text": "   "}, "empty_message"),
        ({"text": "a" * 40_001}, "message_too_long"),
        ({"text": "hi", "file_ids": [f"f_{n}" for n in range(11)]}, "too_many_files"),
        ({"text": 7}, "bad_frame"),
        ({"text": "hi", "thread_root_id": str(uuid.uuid4())}, "bad_frame"),
    ],
)
def test_messages_that_are_none(world: World, message: dict[str, Any], code: str) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            error = await one.ask("send", stream=stream, client_msg_id="m", message=message)
            assert (error["t"], error["code"]) == ("error", code), error

    world.go(main())


def test_sending_again_gives_the_first_message(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            first = await say(one, stream, "hi", client_msg_id="k1")
            again = await say(one, stream, "hi", client_msg_id="k1")
            assert (again["seq"], again["message_id"], again["duplicate"]) == (1, first["message_id"], True)
            assert (await say(one, stream, "other", client_msg_id="k1"))["code"] == "client_msg_id_reused"
            none = await one.ask("send", stream=stream, message={"text": "hi"})
            assert none["code"] == "client_msg_id_required"
            assert (await one.event("message.created"))["seq"] == 1
            await one.quiet()

    world.go(main())


def test_a_message_keeps_what_its_type_adds(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)
    event = post(world, bilal, "EVENT", title="Kites")

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            invite = {"type": "event_invite", "event_id": event["id"], "text": "Come"}
            sent = await one.ask("send", stream=stream, client_msg_id="m", message=invite)
            assert sent["t"] == "sent", sent
            message = (await one.event("message.created"))["data"]["message"]
            assert (message["type"], message["text"]) == ("event_invite", "Come")
            assert message["data"]["event_id"] == event["id"]

    world.go(main())


def test_who_gave_way_to_others_may_send_it_again_in_a_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)
    told: list[str] = []
    monkeypatch.setattr(session.logger, "warning", lambda event, **_: told.append(event))

    async def main() -> None:
        async with signed_in(world, amina) as one:
            with monkeypatch.context() as patch:
                giving_way(patch, session)
                error = await say(one, stream, "hi", client_msg_id="k1")
            assert (error["t"], error["code"], error["fatal"]) == ("error", "internal", False)
            assert error["retry_after_ms"] == 1000
            again = await say(one, stream, "hi", client_msg_id="k1")
            assert (again["t"], again["duplicate"]) == ("sent", False)

    world.go(main())
    assert told == ["frame_gave_way"]


@pytest.mark.settings(rate_limits="on", limits="api=12/3600")
@pytest.mark.rule("hamsaya:61")
def test_messages_count_against_the_limit_of_requests(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            answers = [await say(one, stream, f"{n}") for n in range(13)]
            assert [a["t"] for a in answers] == ["sent"] * 12 + ["error"]
            assert answers[-1]["code"] == "rate_limited" and answers[-1]["retry_after_ms"] > 0

    world.go(main())


@pytest.mark.settings(require_verified_email=True)
def test_whoever_has_not_confirmed_an_address_hears_but_does_not_write(world: World) -> None:
    amina, bilal = world.person("Amina", verified=False), world.person("Bilal")
    stream = dm(world, bilal, amina)

    async def main() -> None:
        async with signed_in(world, amina) as one, signed_in(world, bilal) as two:
            await one.ask("subscribe", streams={stream: {}})
            assert (await say(one, stream, "hi"))["code"] == "forbidden"
            await say(two, stream, "hi")
            assert await one.event("message.created")

    world.go(main())


def test_binary_frames_end_it(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> int:
        async with signed_in(world, amina) as one:
            one.put(b"\x00")
            return await one.ended()

    assert world.go(main()) == 4400


def test_a_flood_ends_it(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> tuple[Any, int]:
        async with signed_in(world, amina) as one:
            for _ in range(BURST + 60):
                one.put({"t": "ping"})
            closing = await one.until(lambda frame: frame["t"] == "closing")
            return closing, await one.ended()

    closing, code = world.go(main())
    assert code == closing["code"] == 4429 and closing["retry_after_ms"] > 0


@pytest.mark.rule("afrochat:R18", "afrochat:D9")
def test_the_oldest_of_too_many_goes(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with signed_in(world, amina, "web/1") as other:
            opened = [signed_in(world, amina, "ios/2.1.0") for _ in range(hub.MOST_OF_A_KIND + 1)]
            wires = [await one.__aenter__() for one in opened]
            assert await wires[0].ended() == 4409
            for one in (*wires[1:], other):
                assert (await one.ask("ping"))["t"] == "pong"
            for context in opened:
                await context.__aexit__(None, None, None)

    world.go(main())


@pytest.mark.settings(max_sockets=1)
def test_more_than_there_is_room_for_are_turned_away(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> int:
        async with signed_in(world, amina), wire(world) as two:
            return await two.ended()

    assert world.go(main()) == 1013


def test_whoever_is_not_heard_of_is_closed(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with signed_in(world, amina) as one, signed_in(world, amina) as two:
            here = hub.of(world.app)
            here.end_quiet()
            quiet, _ = here.people[amina.id]
            quiet.socket._heard -= 2 * frames.PING_S + 1
            here.end_quiet()
            assert await one.ended() == 4408
            assert (await two.ask("ping"))["t"] == "pong"

    world.go(main())


def test_typing_reaches_the_others_who_follow_and_nobody_else(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    stream = group(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as a, signed_in(world, bilal) as b, signed_in(world, dara) as d:
            await a.ask("subscribe", streams={stream: {}})
            await b.ask("subscribe", streams={stream: {}})
            denied = await d.ask("subscribe", streams={stream: {}})
            assert denied["streams"] == {} and denied["denied"] == {stream: "not_a_member"}
            d.put({"t": "typing", "stream": stream})
            await d.ask("ping")
            a.put({"t": "typing", "stream": stream})
            typing = await b.until(lambda frame: frame["t"] == "eph")
            expected = {"user_id": str(amina.id), "thread_root_id": None, "expires_in_ms": 6000}
            assert (typing["type"], typing["stream"], typing["data"]) == ("typing", stream, expected)
            for one in (a, d):
                await one.quiet("eph")

    world.go(main())


def test_read_pointers_reach_ones_own_devices(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        await write(world, bilal.me, stream, "one")
        await write(world, bilal.me, stream, "two")
        own = f"u_{amina.id}"
        async with signed_in(world, amina) as one, signed_in(world, amina) as two:
            await two.ask("subscribe", streams={own: {}})
            assert (await one.ask("mark_read", stream=stream, seq=2))["t"] == "ok"
            assert (await two.event("read.updated", own))["data"]["last_read_seq"] == 2
            assert (await one.ask("mark_unread", stream=stream, seq=2))["t"] == "ok"
            assert (await two.event("read.updated", own))["data"]["last_read_seq"] == 1

    world.go(main())


def test_what_arrived_is_noted(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    def delivered(who: Person) -> Any:
        (row,) = world.sql(
            "SELECT delivered_seq FROM conversation_members WHERE conversation_id = $1 AND user_id = $2",
            uuid.UUID(stream[2:]), who.id,
        )  # fmt: skip
        return row["delivered_seq"]

    async def main() -> None:
        for n in range(3):
            await write(world, bilal.me, stream, f"{n}")
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            one.put({"t": "ack", "streams": {stream: 2, f"u_{bilal.id}": 9}})
            one.put({"t": "ack", "streams": {stream: 1}})
            await one.ask("ping")

    world.go(main())
    assert (delivered(amina), delivered(bilal)) == (2, 0)


def test_who_goes_breaks_off_no_note_of_what_arrived(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being noted is noted once, and what came meanwhile after it."""
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)
    noted: list[dict[str, int]] = []

    async def main() -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(tx: Any, me: Me, acks: dict[str, int]) -> None:
            begun.set()
            await go_on.wait()
            noted.append(dict(acks))

        monkeypatch.setattr(session.conversations, "acknowledge", slow)
        for n in range(3):
            await write(world, bilal.me, stream, f"{n}")
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            one.put({"t": "ack", "streams": {stream: 1}})
            await begun.wait()
            one.put({"t": "ack", "streams": {stream: 3}})
            await one.ask("ping")
            asyncio.get_running_loop().call_later(0.05, go_on.set)

    world.go(main())
    assert noted == [{stream: 1}, {stream: 3}]


def test_heads_tell_of_streams_that_moved(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    still, moving = dm(world, amina, bilal), group(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={still: {}, moving: {}})
            here = hub.of(world.app)
            here.tell_heads()
            await one.quiet("heads")
            await write(world, bilal.me, moving, "hi")
            await one.event("message.created")
            here.tell_heads()
            assert (await one.until(lambda frame: frame["t"] == "heads"))["streams"] == {moving: 1}
            here.tell_heads()
            await one.quiet("heads")

    world.go(main())


def test_a_plain_request_is_told_to_upgrade(world: World) -> None:
    for path in ("/ws", "/api/v1/ws"):
        answer = world.get(path)
        assert answer.status_code == 426 and answer.headers["upgrade"] == "websocket"
        assert world.request("WEBSOCKET", path).status_code == 426
