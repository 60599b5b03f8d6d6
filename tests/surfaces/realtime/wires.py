"""Sockets for tests: to the application in this process, without a network, or to a server over loopback."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from majlis.surfaces.realtime.frames import PROTOCOL
from tests.world import Person, World

CEILING_S = 60.0  # for what comes at once, or not at all
Frame = dict[str, Any]


class Closed(Exception):
    """The server closed it."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


class Denied(Exception):
    """The server did not open it."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        super().__init__(f"{status} {body!r}")


class Wire:
    """A socket to the application here: what it sends stays in a list until it is asked for."""

    def __init__(
        self,
        world: World,
        path: str,
        headers: dict[str, str] | None = None,
        protocols: tuple[str, ...] = (PROTOCOL,),
    ) -> None:
        path, _, query = path.partition("?")
        named = {"host": "majlis.test", **(headers or {})}
        self._scope = {
            "type": "websocket", "path": path, "query_string": query.encode(), "subprotocols": list(protocols),
            "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
            "client": ("127.0.0.1", 4711), "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        self._in: asyncio.Queue[Frame] = asyncio.Queue()
        self._out: asyncio.Queue[Frame] = asyncio.Queue()
        self.reading = asyncio.Event()  # while it is clear, the peer takes nothing
        self.reading.set()
        self._in.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(world.server(self._scope, self._in.get, self._take))
        self.code: int | None = None
        self.waiting: list[Frame] = []  # what came while something else was waited for
        self._ids = itertools.count(1)

    async def _take(self, message: Frame) -> None:
        if message["type"] == "websocket.send":
            await self.reading.wait()
        if message["type"] == "websocket.close":
            self._in.put_nowait({"type": "websocket.disconnect", "code": message.get("code", 1000)})
        self._out.put_nowait(message)

    async def _message(self) -> Frame:
        async with asyncio.timeout(CEILING_S):
            return await self._out.get()

    async def opened(self) -> str | None:
        """Wait until it is open; the subprotocol. Raises Denied."""
        message = await self._message()
        if message["type"] == "websocket.http.response.start":
            raise Denied(message["status"], (await self._message())["body"])
        assert message["type"] == "websocket.accept", message
        return message["subprotocol"]  # type: ignore[no-any-return]

    async def get(self) -> Frame:
        """The next frame. Raises Closed."""
        return self.waiting.pop(0) if self.waiting else await self._next()

    async def _next(self) -> Frame:
        message = await self._message()
        if message["type"] == "websocket.close":
            self.code = message["code"]
            raise Closed(message["code"])
        return json.loads(message["text"])  # type: ignore[no-any-return]

    def put(self, frame: Frame | str | bytes) -> None:
        """Send a frame."""
        text = json.dumps(frame) if isinstance(frame, dict) else frame
        kind = "bytes" if isinstance(text, bytes) else "text"
        self._in.put_nowait({"type": "websocket.receive", kind: text})

    async def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next frame of this kind; others wait."""
        for at, frame in enumerate(self.waiting):
            if wanted(frame):
                return self.waiting.pop(at)
        while not wanted(frame := await self._next()):
            self.waiting.append(frame)
        return frame

    async def ask(self, t: str, **fields: Any) -> Frame:
        """Send a frame and wait for what answers it."""
        id = str(next(self._ids))
        self.put({"t": t, "id": id, **fields})
        return await self.until(lambda frame: frame.get("id") == id)

    async def event(self, type: str, stream: str | None = None) -> Frame:
        """The next event of this type."""
        return await self.until(
            lambda frame: (
                frame.get("t") == "event" and frame["type"] == type and stream in (None, frame["stream"])
            )
        )

    async def quiet(self, t: str = "event") -> None:
        """Nothing of this kind waits, nor comes before a ping is answered."""
        await self.ask("ping")
        assert not [frame for frame in self.waiting if frame["t"] == t], self.waiting

    async def ended(self) -> int:
        """Wait for the end; the code."""
        try:
            while True:
                await self.get()
        except Closed as closed:
            return closed.code

    async def close(self) -> None:
        """Leave."""
        self.reading.set()
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(CEILING_S):
            await self._task


@contextlib.asynccontextmanager
async def wire(world: World, path: str = "/api/v1/ws", **options: Any) -> AsyncIterator[Wire]:
    """A socket that nobody has said anything on."""
    made = Wire(world, path, **options)
    try:
        await made.opened()
        yield made
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def signed_in(world: World, who: Person, client: str = "test/1") -> AsyncIterator[Wire]:
    """A socket of somebody, ready to be used."""
    async with wire(world) as made:
        hello = await made.get()
        assert hello["t"] == "hello"
        ready = await made.ask("auth", token=who.token, client=client)
        assert ready["t"] == "ready", ready
        yield made


@contextlib.asynccontextmanager
async def dial(port: int, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """The same over loopback."""
    patient = {"open_timeout": CEILING_S, "ping_interval": None, "compression": None}
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/api/v1/ws", subprotocols=[Subprotocol(PROTOCOL)], **(patient | options)
    ) as socket:
        assert json.loads(await socket.recv())["t"] == "hello"
        await socket.send(json.dumps({"t": "auth", "id": "auth", "token": token, "client": "test/1"}))
        ready = json.loads(await socket.recv())
        assert ready["t"] == "ready", ready
        yield socket
