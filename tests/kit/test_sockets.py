"""WebSockets of the server: silent peers, peers that do not read, the end of the process, frames that are too large."""

import asyncio
import base64
import contextlib
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import websockets

from majlis.kit.http import Api, Dialect, Request, Server, Socket, access, protocol
from majlis.kit.http.protocol import Protocol, SocketProtocol
from majlis.kit.http.sockets import Binary, Closed
from majlis.kit.me import Me
from tests.kit.test_protocol import _nothing

CEILING_S = 60.0
Talk = Callable[[Socket], Awaitable[None]]


class Door(Dialect):
    """A surface with one socket."""

    name = title = mount = ""

    def __init__(self, talk: Talk) -> None:
        api = Api("toy")

        async def connect(app: Any, socket: Socket) -> None:
            await talk(socket)

        api.socket("/talk", policy=access.none)(connect)
        self.apis: Sequence[Api] = [api]

    async def authenticate(self, app: Any, request: Request) -> Me:
        return Me.anonymous

    async def authenticate_socket(self, app: Any, request: Request) -> Me:
        return Me.anonymous

    async def throttle(self, app: Any, request: Request) -> dict[str, str]:
        return {}

    def render(self, refused: Any, request: Request) -> Any:
        return {"code": refused.code}


@asynccontextmanager
async def serving(talk: Talk, **options: Any) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    """A server of which every socket talks like this; its port."""

    async def nothing() -> None:
        return None

    app = Server(
        [Door(talk)], client_ip=lambda request: request.peer, timeout_s=30, max_body=1000, on_start=nothing, on_stop=nothing
    )  # fmt: skip
    config = uvicorn.Config(
        app, port=0, http=Protocol, ws=SocketProtocol, lifespan="off", log_config=None, access_log=False,
        ws_per_message_deflate=False, **options,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.capture_signals = _nothing  # type: ignore[method-assign,assignment]
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], server
    finally:
        server.should_exit = True
        await running


class Raw:
    """A peer that answers nothing by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def frame(self) -> tuple[int, bytes]:
        """(opcode, payload) of the next frame."""
        async with asyncio.timeout(CEILING_S):
            first, length = await self.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 15, await self.reader.readexactly(length)

    async def closed(self) -> int:
        """Read up to the close frame; its code."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 8:
                return int(struct.unpack("!H", payload[:2])[0])


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    """A connection that was upgraded by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /talk HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    yield Raw(reader, writer)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def listen(socket: Socket) -> None:
    """Say nothing."""
    await socket.accept()
    while True:
        await socket.text()


def test_a_peer_that_answers_no_ping_is_closed(runner: asyncio.Runner) -> None:
    async def main() -> int:
        async with (
            serving(listen, ws_ping_interval=0.05, ws_ping_timeout=0.05) as (port, _),
            raw(port) as peer,
        ):
            assert (await peer.frame())[0] == 9
            return await peer.closed()

    assert runner.run(main()) == protocol.IDLE == 4408


def test_a_peer_that_answers_pings_stays_and_is_heard(runner: asyncio.Runner) -> None:
    heard: list[float] = []

    async def talk(socket: Socket) -> None:
        await socket.accept()
        first = socket.heard
        while socket.heard == first:  # noqa: ASYNC110  nothing else tells
            await asyncio.sleep(0.01)
        heard.append(socket.heard - first)
        await socket.say(b"heard")

    async def main() -> str | bytes:
        async with (
            serving(talk, ws_ping_interval=0.05, ws_ping_timeout=60) as (port, _),
            websockets.connect(f"ws://127.0.0.1:{port}/talk") as peer,
            asyncio.timeout(CEILING_S),
        ):
            return await peer.recv()

    assert runner.run(main()) == "heard" and heard[0] > 0


def test_a_peer_that_does_not_read_can_be_ended(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last words are there when it reads again; if it never does, nothing is left of it."""
    ended = asyncio.Event()

    async def talk(socket: Socket) -> None:
        await socket.accept()
        while socket.say_now(b"a" * 60_000):
            pass
        waiting = asyncio.create_task(socket.say(b"nobody takes this"))
        await asyncio.sleep(0)
        assert not waiting.done()
        socket.cut(4440, "slow", [b"last words"])
        with contextlib.suppress(Closed):
            await waiting
        with contextlib.suppress(Closed):
            await socket.text()
        ended.set()

    async def main() -> None:
        async with serving(talk) as (port, server):
            async with raw(port) as peer:
                last = b""
                while True:
                    opcode, payload = await peer.frame()
                    if opcode == 8:
                        break
                    last = payload
                assert last == b"last words" and struct.unpack("!H", payload[:2])[0] == 4440
            ended.clear()
            monkeypatch.setattr(protocol, "LAST_S", 0.1)
            async with raw(port):
                async with asyncio.timeout(CEILING_S):
                    await ended.wait()
                    while server.server_state.connections:  # noqa: ASYNC110  uvicorn offers nothing to wait for
                        await asyncio.sleep(0.01)

    runner.run(main())


def test_frames_and_messages_over_the_limit_end_it(runner: asyncio.Runner) -> None:
    async def send(port: int, message: str | list[str]) -> int | None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/talk") as peer:
            with contextlib.suppress(websockets.ConnectionClosed):
                await peer.send(message)
                async with asyncio.timeout(CEILING_S):
                    await peer.recv()
            return peer.close_code

    async def echo(socket: Socket) -> None:
        await socket.accept()
        await socket.say((await socket.text()).encode())

    async def main() -> list[int | None]:
        async with serving(echo, ws_max_size=1000) as (port, _):
            return [await send(port, one) for one in ("a" * 1000, "a" * 1001, ["a" * 500, "a" * 501])]

    found = runner.run(main())
    assert found[1:] == [1009, 1009] and found[0] != 1009


def test_binary_frames_are_told_apart(runner: asyncio.Runner) -> None:
    async def talk(socket: Socket) -> None:
        await socket.accept()
        try:
            await socket.text()
        except Binary:
            socket.cut(1003)

    async def main() -> int | None:
        async with serving(talk) as (port, _), websockets.connect(f"ws://127.0.0.1:{port}/talk") as peer:
            await peer.send(b"\x00")
            await peer.wait_closed()
            return peer.close_code

    assert runner.run(main()) == 1003


def test_what_fails_ends_it_without_a_word_of_why(runner: asyncio.Runner) -> None:
    async def talk(socket: Socket) -> None:
        await socket.accept()
        raise LookupError("a secret")

    async def main() -> tuple[int | None, str | None]:
        async with serving(talk) as (port, _), websockets.connect(f"ws://127.0.0.1:{port}/talk") as peer:
            await peer.wait_closed()
            return peer.close_code, peer.close_reason

    assert runner.run(main()) == (1011, "internal")


def test_unknown_paths_are_404_before_anything_opens(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with serving(listen) as (port, _):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{port}/other")
            assert refused.value.response.status_code == 404
            assert b"not_found" in refused.value.response.body

    runner.run(main())


def test_at_the_end_of_the_server_sockets_end_as_they_wish(runner: asyncio.Runner) -> None:
    async def talk(socket: Socket) -> None:
        await socket.accept()
        socket.on_drain(lambda: socket.cut(1012, "restart", [b"come back"]))
        await socket.say(b"open")
        with contextlib.suppress(Closed):
            await socket.text()

    async def main() -> tuple[Any, int | None]:
        async with serving(talk) as (port, server), websockets.connect(f"ws://127.0.0.1:{port}/talk") as peer:
            assert await peer.recv() == "open"
            server.should_exit = True
            async with asyncio.timeout(CEILING_S):
                last = await peer.recv()
                await peer.wait_closed()
            return last, peer.close_code

    assert runner.run(main()) == ("come back", 1012)
