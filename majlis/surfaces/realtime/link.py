"""A session of engine.io as the transport of a connection, and its queue, which is bounded."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from engineio.packet import MESSAGE, Packet

from majlis.kit.http import Request, Socket
from majlis.kit.http.sockets import EXTENSION, GONE, Closed, Peer

LAST_S = 10.0  # how long a poll may take to fetch the last packets


class Pipe(asyncio.Queue[Any]):
    """engine.io's queue of a session. What waits beyond it waits in an outbox."""

    PACKETS, BYTES = 64, 64 * 1024
    TOGETHER = 16  # are handed out at once: clients in Python take no more from one poll

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.bytes = self._handed = 0
        self.room = asyncio.Event()
        self.room.set()

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._changed(_size(item))

    def _get(self) -> Any:
        item = super()._get()
        self._changed(-_size(item))
        return item

    async def get(self) -> Any:
        """The first of the next that are handed out together."""
        self._handed = 0
        return await super().get()

    def get_nowait(self) -> Any:
        """The next of them. Raises QueueEmpty."""
        if self._handed >= self.TOGETHER:
            raise asyncio.QueueEmpty
        self._handed += 1
        return super().get_nowait()

    def taken(self) -> list[Any]:
        """All that waits, which waits no more."""
        return [super(Pipe, self).get_nowait() for _ in range(self.qsize())]

    def _changed(self, size: int) -> None:
        self.bytes += size
        if self.qsize() < self.PACKETS and self.bytes < self.BYTES:
            self.room.set()
        else:
            self.room.clear()


def _size(packet: Any) -> int:
    return len(packet.data) if packet is not None and isinstance(packet.data, str) else 0


class Receiver(Protocol):
    """Who talks over a link."""

    async def take(self, text: str) -> None:
        """Handle a packet of the client, before the next one comes."""
        ...

    def malformed(self) -> None:
        """The client does not keep to the protocol."""
        ...

    def ended(self) -> None:
        """The link is closed, by whichever side."""
        ...


class Keeper(Protocol):
    """Who keeps the links: see engine.Engine."""

    server: Any

    def forget(self, link: "Link") -> None: ...
    def spawn(self, work: Coroutine[Any, Any, Any]) -> None: ...


class Link:
    """A client's session of engine.io: the transport of a connection. It is over as soon as `closed` is set."""

    def __init__(self, engine: Keeper, sid: str, request: Request) -> None:
        self.sid, self.request = sid, request
        self.closed: int | None = None
        self.receiver: Receiver
        self.polls = False  # whether a request of the client waits for packets
        self.upgrade: Socket | None = None  # a WebSocket that is to take the place of polls
        self.peer: Peer | None = request.scope.get("extensions", {}).get(EXTENSION)
        self.engine = engine
        self._socket = engine.server.sockets[sid]
        self.pipe: Pipe = self._socket.queue
        self._heard = asyncio.get_running_loop().time()
        self._drain: Callable[[], None] = lambda: None

    @property
    def upgraded(self) -> bool:
        """Whether it goes over a WebSocket."""
        return bool(self._socket.upgraded)

    @property
    def heard(self) -> float:
        """When anything came from the client, in the time of the event loop."""
        return self._heard if self.peer is None else max(self._heard, self.peer.heard)

    def hear(self) -> None:
        """Something came."""
        self._heard = asyncio.get_running_loop().time()

    def say_now(self, text: bytes, /) -> bool:
        """Send a packet if there is room for it. Returns whether there was."""
        if self.closed is not None or not self.pipe.room.is_set():
            return False
        self.pipe.put_nowait(Packet(MESSAGE, text.decode()))
        return True

    async def say(self, text: bytes, /) -> None:
        """Send a packet as soon as there is room for it. Raises Closed."""
        while not self.say_now(text):
            if self.closed is not None:
                raise Closed(self.closed)
            await self.pipe.room.wait()

    def unsent(self) -> list[bytes]:
        """Packets that nobody has fetched yet, taken from it."""
        waiting = self.pipe.taken()
        ours = [packet for packet in waiting if packet is not None and packet.packet_type == MESSAGE]
        for packet in waiting:
            if packet not in ours:
                self.pipe.put_nowait(packet)
        return [packet.data.encode() for packet in ours]

    def cut(self, code: int, reason: str = "", last: Sequence[bytes] = ()) -> None:
        """Send the last packets and close, without waiting for a client that does not read."""
        if self.closed is not None:
            return
        if self.peer is not None and self.upgraded:
            self.peer.cut(code, reason, [b"4" + text for text in last])
        else:
            for text in last:
                self.pipe.put_nowait(Packet(MESSAGE, text.decode()))
            # Which ends whoever reads from it. A packet that closes would overtake the others in clients of JavaScript,
            # and keep those in Python from coming back; the next poll finds no session, and that is enough.
            self.pipe.put_nowait(None)
            asyncio.get_running_loop().call_later(LAST_S, self.engine.forget, self)
        self._end(code)

    def lost(self) -> None:
        """The client has left, or engine.io has given it up."""
        self.pipe.put_nowait(None)
        self._end(GONE)
        self.engine.forget(self)

    def _end(self, code: int) -> None:
        if self.closed is None:
            self.closed = code
            self.pipe.room.set()  # who waits for room learns that there will be none
            self.receiver.ended()

    def on_drain(self, act: Any) -> None:
        """Have this called when the server is about to stop."""
        self._drain = act
        if self.peer is not None:
            self.peer.on_drain = act

    def drain(self) -> None:
        """The server is about to stop."""
        self._drain()

    def carried(self, peer: Peer | None) -> None:
        """From now on this carries it."""
        self.peer = peer
        self.on_drain(self._drain)

    def settled(self, before: Peer | None) -> None:
        """The WebSocket that was to take over is gone: if it had, all is over."""
        self.upgrade = None
        if self.upgraded:
            self.lost()
        else:
            self._socket.upgrading = (
                False  # which the library leaves where a probe breaks off: no poll would get anything
            )
            self.carried(before)
