"""One write for each answer, and none held back for long."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvicorn
import websockets

from majlis.kit.http.handover import RESPOND
from majlis.kit.http.protocol import Joined, Protocol

CEILING_S = 60.0


class Sent:
    """A transport that notes what it is given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True


later = asyncio.Event()  # when the rest of an answer in parts may be sent


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers by path: nothing, something, something in two parts with a pause, or a socket that echoes."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"] * 2})
        await send({"type": "websocket.close"})
        return
    if scope["path"].startswith("/once"):
        if scope["path"] == "/once/read":
            await receive()
        await at_once(scope, send)
        return
    length = {"/empty": None, "/whole": b"5", "/parts": b"5", "/chunks": None}[scope["path"]]
    headers = [] if length is None else [(b"content-length", length)]
    status = 204 if scope["path"] == "/empty" else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if scope["path"] in ("/parts", "/chunks"):
        await later.wait()
        await send({"type": "http.response.body", "body": b"he", "more_body": True})
    body = {"/empty": b"", "/whole": b"hello"}.get(scope["path"], b"llo")
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def at_once(scope: Any, send: Any) -> None:
    """Answers in one piece with the header that the query names, or in two where that is refused."""
    if scope["path"] == "/once/late":
        await later.wait()
    name, _, value = scope["query_string"].partition(b"=")
    headers = [(b"content-length", b"5"), *([(name, value.replace(b"+", b"\r\n"))] if name else [])]
    body = b"" if scope["method"] == "HEAD" else b"hello"
    taken.append(scope[RESPOND](scope, 200, headers, body))
    if not taken[-1]:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


taken: list[bool] = []  # what `respond` said


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """The port of a server over `app`."""
    config = uvicorn.Config(
        app, port=0, http=Protocol, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    server.capture_signals = _nothing  # type: ignore[method-assign,assignment]
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


class _nothing:  # noqa: N801  stands in for a function
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def asked(port: int, *lines: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n" for line in lines).encode())
    return reader, writer


def test_head_and_body_are_one_write(runner: asyncio.Runner) -> None:
    async def work() -> list[bytes]:
        bare = Sent()
        joined = Joined(bare, asyncio.get_running_loop())  # type: ignore[arg-type]
        joined.write(b"HTTP/1.1 200 OK\r\n\r\n")
        assert bare.writes == []
        joined.write(b"hello")
        joined.write(b"more")
        await asyncio.sleep(0)
        return bare.writes

    assert runner.run(work()) == [b"HTTP/1.1 200 OK\r\n\r\nhello", b"more"]


def test_a_head_alone_is_not_kept(runner: asyncio.Runner) -> None:
    async def work() -> None:
        for close in (False, True):
            bare = Sent()
            joined = Joined(bare, asyncio.get_running_loop())  # type: ignore[arg-type]
            joined.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")
            if close:
                joined.close()
                assert bare.closed
            else:
                await asyncio.sleep(0)
            assert bare.writes == [b"HTTP/1.1 304 Not Modified\r\n\r\n"]

    runner.run(work())


def test_answers_come_whole_and_in_order(runner: asyncio.Runner) -> None:
    async def work() -> bytes:
        async with serving() as port:
            later.set()
            reader, writer = await asked(
                port, "GET /whole", "HEAD /whole", "GET /empty", "GET /chunks", "GET /parts"
            )
            found = await asyncio.wait_for(reader.readuntil(b"\r\n\r\nhello"), CEILING_S)
            found += await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), CEILING_S)
            found += await asyncio.wait_for(reader.readuntil(b"\r\n\r\nhello"), CEILING_S)
            writer.close()
            await writer.wait_closed()
        return found

    found = runner.run(work())
    assert re.findall(rb"HTTP/1\.1 (\d+)", found) == [b"200", b"200", b"204", b"200", b"200"]
    assert found.count(b"hello") == 2 and b"2\r\nhe\r\n3\r\nllo\r\n0\r\n" in found


def test_a_head_does_not_wait_for_a_late_body(runner: asyncio.Runner) -> None:
    async def work() -> None:
        async with serving() as port:
            for path in ("/parts", "/chunks"):
                later.clear()
                reader, writer = await asked(port, f"GET {path}")
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), CEILING_S)
                assert head.startswith(b"HTTP/1.1 200 OK")
                later.set()
                writer.close()
                await writer.wait_closed()

    runner.run(work())


async def told(port: int, *lines: str) -> bytes:
    """All that comes back until the connection ends, which the last of the lines asks for."""
    reader, writer = await asked(port, *lines[:-1])
    writer.write(f"{lines[-1]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    found = await asyncio.wait_for(reader.read(), CEILING_S)
    writer.close()
    await writer.wait_closed()
    return found


async def one(port: int, line: str, end: bytes) -> bytes:
    """What comes back up to an end, on a connection that stays."""
    reader, writer = await asked(port, line)
    found = await asyncio.wait_for(reader.readuntil(end), CEILING_S)
    writer.close()
    await writer.wait_closed()
    return re.sub(rb"date: [^\r]*\r\n", b"", found)


def test_an_answer_at_once_is_what_it_is_in_parts(runner: asyncio.Runner) -> None:
    async def work() -> None:
        async with serving() as port:
            taken.clear()
            whole = await one(port, "GET /once?x-a=1", b"hello")
            assert whole.count(b"x-a: 1\r\n") == 1
            assert whole.replace(b"x-a: 1\r\n", b"") == await one(port, "GET /whole", b"hello")
            assert await one(port, "HEAD /once", b"\r\n\r\n") == await one(port, "HEAD /whole", b"\r\n\r\n")
            assert taken == [True, True]

    runner.run(work())


def test_requests_that_came_together_are_answered_in_order(runner: asyncio.Runner) -> None:
    async def work() -> bytes:
        async with serving() as port:
            taken.clear()
            later.clear()
            telling = asyncio.create_task(
                told(port, "GET /once/late?x-n=1", "GET /once?x-n=2", "GET /once?x-n=3")
            )
            await asyncio.sleep(0.05)
            assert taken == []  # the second waits for the first
            later.set()
            return await telling

    found = runner.run(work())
    assert re.findall(rb"x-n: (\d)", found) == [b"1", b"2", b"3"] and found.count(b"hello") == 3


def test_what_cannot_be_sent_at_once_is_left_to_uvicorn(runner: asyncio.Runner) -> None:
    async def work() -> tuple[bytes, bytes]:
        async with serving() as port:
            taken.clear()
            ended = await told(port, "GET /once?connection=close", "GET /once")
            split = await told(port, "GET /once?x-a=1+Set-Cookie:b")
        return ended, split

    ended, split = runner.run(work())
    assert taken == [False, False]  # no other request is read behind the end
    assert ended.count(b"HTTP/1.1 200") == 1 and b"connection: close\r\n" in ended
    assert split == b""  # uvicorn sends nothing of it, and says why in the log


@asynccontextmanager
async def rested() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, Protocol]]:
    """A connection that was answered at once, and the server's end of it."""
    async with serving() as port:
        reader, writer = await asked(port, "GET /once")
        await asyncio.wait_for(reader.readuntil(b"hello"), CEILING_S)
        (here,) = (one for one in gc.get_objects() if type(one) is Protocol and one in one.connections)
        yield reader, writer, here
        writer.close()
        await writer.wait_closed()


def expire(here: Protocol) -> None:
    """The time for which a connection may rest is over."""
    here._rests -= here.timeout_keep_alive
    here._rested()


def test_a_connection_that_rests_is_closed_and_no_other(runner: asyncio.Runner) -> None:
    async def work() -> None:
        for line in ("GET /once", "GET /whole"):
            async with rested() as (reader, writer, here):
                writer.write(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                await asyncio.wait_for(reader.readuntil(b"hello"), CEILING_S)
                here._rested()  # too early: it looks again later
                assert not here.transport.is_closing()
                expire(here)
                assert await asyncio.wait_for(reader.read(), CEILING_S) == b""

    runner.run(work())


def test_a_request_on_its_way_is_not_cut_off(runner: asyncio.Runner) -> None:
    async def work() -> None:
        async with rested() as (reader, writer, here):
            before = here.scope
            writer.write(b"GET /once HTTP/1.1\r\nHost:")
            while here.scope is before:  # noqa: ASYNC110  the beginning is here when a scope is
                await asyncio.sleep(0.01)
            here._rested()  # the time is over for which it may rest since the last answer
            writer.write(b" x\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"hello"), CEILING_S)

    runner.run(work())


@pytest.mark.parametrize("answered", [False, True])
def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(
    runner: asyncio.Runner, answered: bool
) -> None:
    async def work() -> None:
        async with rested() as (reader, writer, here):
            before = here.scope
            if not answered:
                here.cycle = cast(Any, None)  # as before the first request
            writer.write(b"GET /once HTTP/1.1\r\nHost:")
            while here.scope is before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            here._rested()
            assert not here.transport.is_closing() and here._alarm is not None
            expire(here)
            assert await asyncio.wait_for(reader.read(), CEILING_S) == b""

    runner.run(work())


def test_a_connection_that_asks_nothing_is_closed(runner: asyncio.Runner) -> None:
    async def work() -> None:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            found: list[Protocol] = []
            while not found:
                await asyncio.sleep(0.01)
                found = [one for one in gc.get_objects() if type(one) is Protocol and one in one.connections]
            expire(found[0])
            assert await asyncio.wait_for(reader.read(), CEILING_S) == b""
            writer.close()
            await writer.wait_closed()

    runner.run(work())


def test_who_waits_to_send_a_body_is_told_to_before_the_answer(runner: asyncio.Runner) -> None:
    """Also where the body comes without waiting, and the answer in the same turn of the loop."""

    async def work() -> bytes:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = "POST /once/read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            writer.write(head.encode() + b"ab")
            said = await asyncio.wait_for(reader.readuntil(b"hello"), CEILING_S)
            writer.close()
            await writer.wait_closed()
            return said

    first, second, *_ = runner.run(work()).split(b"\r\n\r\n")
    assert first == b"HTTP/1.1 100 Continue" and second.startswith(b"HTTP/1.1 200 ")


def test_a_socket_cannot_begin_before_an_answer(
    runner: asyncio.Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """Who asks for one behind a request that is not answered yet loses the connection, and makes no trouble."""

    async def work() -> bytes:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            writer.write(
                f"GET /once HTTP/1.1\r\nHost: x\r\n\r\nGET /socket HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode()
            )
            said = await asyncio.wait_for(reader.read(), CEILING_S)
            writer.close()
            await writer.wait_closed()
            return said

    assert b"101" not in runner.run(work())
    assert not [one for one in caplog.records if one.exc_info]


def test_a_socket_on_a_connection_that_was_used_may_rest(runner: asyncio.Runner) -> None:
    async def work() -> None:
        async with rested() as (reader, writer, here):
            assert here._alarm is not None
            key = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
            writer.write(f"GET /socket HTTP/1.1\r\nHost: x\r\n{key}dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), CEILING_S)
            assert head.startswith(b"HTTP/1.1 101 ") and here._alarm is None

    runner.run(work())


def test_sockets_get_past(runner: asyncio.Runner) -> None:
    async def work() -> str | bytes:
        async with serving() as port, websockets.connect(f"ws://127.0.0.1:{port}/socket") as socket:
            await socket.send("ab")
            return await asyncio.wait_for(socket.recv(), CEILING_S)

    assert runner.run(work()) == "abab"
