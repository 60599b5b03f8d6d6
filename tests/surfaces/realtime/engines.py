"""Socket.IO for tests: raw packets to the application in this process, and real clients over loopback."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.surfaces.realtime.wires import CEILING_S, Closed, Denied, Frame, Wire
from tests.world import Person, World

PATH = "/socket.io/?EIO=4&transport="


class Packets:
    """What every raw client does with packets; how they come and go is its own."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self._numbers = itertools.count(1)

    async def send(self, text: str) -> None:
        """Send a packet of engine.io."""
        raise NotImplementedError

    async def receive(self) -> str:
        """The next packet of engine.io, pings excepted. Raises Closed."""
        raise NotImplementedError

    async def until(self, beginning: str) -> str:
        """The rest of the next packet that begins like this; others wait."""
        for at, text in enumerate(self.waiting):
            if text.startswith(beginning):
                return self.waiting.pop(at)[len(beginning) :]
        while not (text := await self.receive()).startswith(beginning):
            self.waiting.append(text)
        return text[len(beginning) :]

    async def connect(self, **auth: Any) -> Frame:
        """Enter the namespace `/`; what `ready` says."""
        await self.send("40" + json.dumps(auth))
        await self.until("40")
        return await self.event("ready")

    async def ask(self, event: str, **data: Any) -> Frame:
        """Emit an event; what its callback gets."""
        number = next(self._numbers)
        await self.send(f"42{number}" + json.dumps([event, data]))
        (answer,) = json.loads(await self.until(f"43{number}"))
        return answer  # type: ignore[no-any-return]

    async def event(self, name: str) -> Frame:
        """What comes with the next event of this name."""
        (found,) = json.loads("[" + await self.until(f'42["{name}",'))
        return found  # type: ignore[no-any-return]

    async def quiet(self, name: str = "event") -> None:
        """No event of this name waits, nor comes before a ping is answered."""
        assert (await self.ask("ping"))["t"] == "pong"
        assert not [text for text in self.waiting if text.startswith(f'42["{name}"')], self.waiting

    async def ended(self) -> Frame | None:
        """Wait for the end; what `closing` said, if it did."""
        with contextlib.suppress(Closed):
            while True:
                self.waiting.append(await self.receive())
        said = [text for text in self.waiting if text.startswith('42["closing"')]
        return json.loads(said[0][2:])[1] if said else None


class Socket(Packets):
    """A WebSocket to the application here."""

    def __init__(self, world: World, path: str = PATH + "websocket", **headers: str) -> None:
        super().__init__()
        self.wire = Wire(
            world, path, {"connection": "upgrade", "upgrade": "websocket", **headers}, protocols=()
        )

    async def opened(self) -> None:
        """Wait until it is open. Raises Denied."""
        message = await self.wire._message()
        if message["type"] == "websocket.http.response.start":
            raise Denied(message["status"], (await self.wire._message())["body"])
        assert message["type"] == "websocket.accept", message

    async def send(self, text: str) -> None:
        self.wire.put(text)

    async def receive(self) -> str:
        while True:
            message = await self.wire._message()
            if message["type"] == "websocket.close":
                raise Closed(message.get("code", 1000))
            if message["text"] != "2":
                return str(message["text"])


class Polls(Packets):
    """Long polls to the application here, one after the other."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.sid = ""
        self._come: list[str] = []
        self._sending: asyncio.Task[httpx.Response] | None = None

    async def open(self, **headers: str) -> httpx.Response:
        """Begin a session."""
        answer = await self._world.http.get(PATH + "polling", headers=headers)
        if answer.is_success:
            self.sid = json.loads(answer.text[1:])["sid"]
        return answer

    async def send(self, text: str) -> None:
        """One request after the other, beside the polls: it is answered when its packets were handled."""
        await self.sent()
        self._sending = asyncio.create_task(self.post(text))

    async def sent(self) -> None:
        """Wait until all was handled."""
        if self._sending is not None:
            answer = await self._sending
            assert answer.status_code == 200, answer.text

    async def post(self, text: str) -> httpx.Response:
        return await self._world.http.post(f"{PATH}polling&sid={self.sid}", content=text)

    async def poll(self) -> httpx.Response:
        async with asyncio.timeout(CEILING_S):
            return await self._world.http.get(f"{PATH}polling&sid={self.sid}")

    async def receive(self) -> str:
        while True:
            while self._come:
                text = self._come.pop(0)
                if text == "1":
                    raise Closed(1000)
                if text not in ("2", "6"):
                    return text
            answer = await self.poll()
            if not answer.is_success:
                raise Closed(answer.status_code)
            self._come = answer.text.split("\x1e")


@contextlib.asynccontextmanager
async def opened(world: World, **headers: str) -> AsyncIterator[Socket]:
    """A WebSocket on which nobody has said anything."""
    made = Socket(world, **headers)
    try:
        await made.opened()
        assert (await made.receive()).startswith("0{")
        yield made
    finally:
        await made.wire.close()


@contextlib.asynccontextmanager
async def entered(world: World, who: Person, client: str = "test/1") -> AsyncIterator[Socket]:
    """A WebSocket of somebody, ready to be used."""
    async with opened(world) as made:
        ready = await made.connect(token=who.token, client=client)
        assert ready["user_id"] == str(who.id)
        yield made


@contextlib.asynccontextmanager
async def polling(world: World, who: Person) -> AsyncIterator[Polls]:
    """Long polls of somebody."""
    made = Polls(world)
    await made.open()
    await made.connect(token=who.token, client="polls/1")
    try:
        yield made
        await made.sent()
    finally:
        await made.post("1")


def seqs(packets: Packets, stream: str) -> list[int]:
    """The entries of a stream among what waits."""
    events = [json.loads(text[2:])[1] for text in packets.waiting if text.startswith('42["event"')]
    return [event["seq"] for event in events if event["stream"] == stream]
