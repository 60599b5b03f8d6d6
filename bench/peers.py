"""Clients of /api/v1/ws that cost little: many of them in one process, for measurements of the server.

    python bench/peers.py < PLAN

The plan and every order is one line of JSON on the standard input, every answer one on the standard output.
"""

import asyncio
import base64
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, cast

PROTOCOL = "majlis.v1"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
PATIENCE_S = 60.0  # for a socket to open
PER_ADDRESS = 5000  # sockets from one source address, which has about 28,000 ports
# What is looked for in an event, without decoding it: its place, and when the text says that it was sent.
EVENT = re.compile(rb'^{"t":"event","stream":"[^"]*","seq":(\d+)')
SENT = re.compile(rb'"text":"at (\d+)')


def now_us() -> int:
    """Microseconds of a clock that all processes of this machine share."""
    return time.monotonic_ns() // 1000


def framed(opcode: int, payload: bytes) -> bytes:
    """A frame of a client. Its mask is zero, which a server cannot tell from any other."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + b"\0\0\0\0" + payload
    return bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big") + b"\0\0\0\0" + payload


class Wire(asyncio.Protocol):
    """One socket."""

    def __init__(self, heard: "Callable[[Wire, bytes], None]") -> None:
        self._heard = heard
        self._rest = b""
        self._open = False
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.closed: int | None = None
        self._asked = 0
        self.last, self.holes, self.streams = 0, 0, 0  # the last event, and what was missing before it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = made = cast(asyncio.Transport, transport)  # uvloop's is of a class of its own
        key = base64.b64encode(os.urandom(16)).decode()
        made.write(
            f"GET /api/v1/ws HTTP/1.1\r\nHost: majlis\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        data = self._rest + data if self._rest else data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(ConnectionError(head.decode(errors="replace")[:200]))
                return
            self._open = True
            self.opened.set_result(None)
        at, end = 0, len(data)
        while end - at >= 2:
            size, begin = data[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, begin = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if end < begin + size:
                break
            self._frame(data[at] & 15, data[begin : begin + size])
            at = begin + size
        self._rest = data[at:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._heard(self, payload)
        elif opcode == PING:
            self._write(framed(PONG, payload))
        elif opcode == CLOSE:
            self.closed = int.from_bytes(payload[:2], "big")
            if self._transport is not None:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Nobody waits for answers any more."""
        self.closed = self.closed or 1006
        self._fail(ConnectionError(f"closed with {self.closed}"))

    def _fail(self, error: Exception) -> None:
        waiting: list[asyncio.Future[Any]] = [self.opened, *self.replies.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # whether or not somebody waits for it

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def ask(self, t: str, **fields: Any) -> dict[str, Any]:
        """Send a frame and wait for what answers it. Raises ConnectionError."""
        self._asked += 1
        id = str(self._asked)
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.replies[id] = reply
        if self.closed is not None:
            raise ConnectionError(f"closed with {self.closed}")
        self._write(framed(TEXT, json.dumps({"t": t, "id": id, **fields}).encode()))
        return await reply

    def answered(self, payload: bytes) -> None:
        """Hand a frame to whoever waits for it."""
        frame = json.loads(payload)
        reply = self.replies.pop(frame.get("id") or "", None)
        if reply is not None and not reply.done():
            reply.set_result(frame)

    def close(self) -> None:
        """Leave without a word."""
        if self._transport is not None:
            self._transport.abort()


def listen(wire: Wire, payload: bytes) -> None:
    """What most sockets do: answers go to whoever waits, nothing else counts."""
    if b'"id":' in payload[:200] and not payload.startswith(b'{"t":"event"'):
        wire.answered(payload)


async def dial(
    port: int,
    token: str,
    number: int = 0,
    heard: Callable[[Wire, bytes], None] = listen,
    client: str = "bench/1",
) -> Wire:
    """A socket that is signed in, from a source address of its number. Raises ConnectionError."""
    loop = asyncio.get_running_loop()
    source = (f"127.0.0.{2 + number // PER_ADDRESS}", 0)
    async with asyncio.timeout(PATIENCE_S):
        _, wire = await loop.create_connection(lambda: Wire(heard), "127.0.0.1", port, local_addr=source)
        await wire.opened
        ready = await wire.ask("auth", token=token, client=client)
    if ready["t"] != "ready":
        raise ConnectionError(str(ready))
    return wire


def many_files() -> None:
    """As many open sockets as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Crowd:
    """The sockets of this process, and when the events came that they follow."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.delays: list[int] = []  # microseconds from sending to hearing
        self.lasts: dict[int, int] = {}  # the longest of them by event
        self.heard_at = time.monotonic()

    def heard(self, wire: Wire, payload: bytes) -> None:
        """An event, or something else."""
        event = EVENT.match(payload)
        if event is None:
            listen(wire, payload)
            return
        seq = int(event[1])
        if seq <= wire.last:
            wire.holes += 1  # a second time, or too late
            return
        wire.holes += seq - wire.last - 1
        wire.last = seq
        sent = SENT.search(payload)
        if sent is not None:
            delay = now_us() - int(sent[1])
            self.delays.append(delay)
            if delay > self.lasts.get(seq, 0):
                self.lasts[seq] = delay
        self.heard_at = time.monotonic()

    async def connect(self, plan: dict[str, Any]) -> int:
        """Open all sockets, some at once. Returns how many could not be opened."""
        gate, failed = asyncio.Semaphore(plan["at_once"]), 0
        ports, stream = plan["ports"], plan["stream"]

        async def one(number: int, token: str) -> None:
            nonlocal failed
            async with gate:
                try:
                    port = ports[number % len(ports)]
                    wire = await dial(port, token, plan["first"] + number, self.heard)
                    wanted = {"streams": {stream: {}}} if stream else {"streams": {}, "joined": True}
                    answer = await wire.ask("subscribe", **wanted)
                    wire.streams = len(answer["streams"])
                    if stream:
                        wire.last = answer["streams"][stream]["seq"]
                    self.wires.append(wire)
                except (OSError, KeyError, TimeoutError) as error:
                    failed += 1
                    print(f"a socket could not be opened: {error!r}", file=sys.stderr)

        await asyncio.gather(*(one(number, token) for number, token in enumerate(plan["tokens"])))
        return failed

    async def settle(self, seq: int, patience_s: float) -> dict[str, Any]:
        """Wait until everybody has this event, or nothing has come for so long; what was heard since the last time."""
        self.heard_at = time.monotonic()
        while any(wire.last < seq and wire.closed is None for wire in self.wires):
            if time.monotonic() - self.heard_at > patience_s:
                break
            await asyncio.sleep(0.02)
        missing = sum(max(0, seq - wire.last) + wire.holes for wire in self.wires)
        found = {"delays": self.delays, "lasts": self.lasts, "missing": missing, "closed": self._closed()}
        self.delays, self.lasts = [], {}
        for wire in self.wires:
            wire.holes, wire.last = 0, max(wire.last, seq)
        return found

    def _closed(self) -> int:
        return sum(wire.closed is not None for wire in self.wires)

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """One order."""
        if order["do"] == "settle":
            return await self.settle(order["seq"], order["patience_s"])
        return {
            "open": len(self.wires) - self._closed(),
            "closed": self._closed(),
            "streams": sum(wire.streams for wire in self.wires),
        }


async def main() -> None:
    """Connect, then obey until the input ends."""
    many_files()
    loop, crowd = asyncio.get_running_loop(), Crowd()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    began = time.monotonic()
    failed = await crowd.connect(json.loads(await reader.readline()))
    seconds = time.monotonic() - began
    print(json.dumps({"connected": len(crowd.wires), "failed": failed, "seconds": seconds}), flush=True)
    while line := await reader.readline():
        print(json.dumps(await crowd.obey(json.loads(line))), flush=True)
    for wire in crowd.wires:
        wire.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
