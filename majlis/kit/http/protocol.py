"""uvicorn's HTTP protocol with one write for each answer, and its WebSockets with peers that can be cut off."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from majlis.kit.http.handover import DRAIN
from majlis.kit.http.sockets import EXTENSION

IDLE = 4408  # the code for a peer that does not answer pings
LAST_S = 10.0  # how long a peer that was cut off has to take what is on its way


class Joined:
    """A transport that sends the head of an answer together with the beginning of its body.

    uvicorn writes one after the other: two system calls and two packets, a tenth of a short request.
    A head that nothing follows goes out in the same turn of the loop.
    """

    __slots__ = ("_head", "_loop", "bare")

    def __init__(self, bare: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.bare = bare
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send, or hold a head back for what comes next."""
        if self._head:
            head, self._head = self._head, b""
            self.bare.write(head + data)
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self.bare.write(data)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self.bare.write(head)

    def close(self) -> None:
        """Close when everything is sent."""
        self._flush()
        self.bare.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


class Protocol(HttpToolsProtocol):
    """See Joined. A request that waits for something to happen is told when the server is about to stop."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(cast(asyncio.Transport, Joined(transport, self.loop)))

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a socket, which joins its frames itself."""
        self.transport = cast(Joined, self.transport).bare
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """The server is about to stop."""
        super().shutdown()
        cycle = cast(Any, self.cycle)  # None before the first request
        if cycle is not None and not cycle.response_complete:
            cycle.scope.get(DRAIN, _nothing)()


def _nothing() -> None:
    """A request that ends soon by itself."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that can be written to and ended while its peer does not read: see sockets.Peer."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.heard = self.loop.time()
        self.on_drain: Callable[[], None] | None = None

    def handle_connect(self, event: Any) -> None:
        """The request is read; the application starts in a later turn of the loop."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        """Anything at all came."""
        self.heard = self.loop.time()
        super().data_received(data)

    async def ready(self) -> None:
        """Wait until the peer has taken most of what was sent before."""
        await self.writable.wait()

    def say(self, text: bytes) -> None:
        """Send a frame now. Raises ClientDisconnected."""
        if self.disconnected or self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        try:
            self.conn.send_text(text)
        except InvalidState as error:
            raise ClientDisconnected from error
        self.transport.write(b"".join(self.conn.data_to_send()))

    @property
    def may_write(self) -> bool:
        """Whether the peer has taken most of what was sent before."""
        return self.writable.is_set()

    def cut(self, code: int, reason: str, last: Sequence[bytes]) -> None:
        """Send the last frames and a close frame, whether or not the peer reads; soon nothing is left of it."""
        if self.disconnected or self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        try:
            for text in last:
                self.conn.send_text(text)
            self.conn.send_close(code, reason)
        except InvalidState:
            pass  # the peer is about to leave by itself
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # To close would be to wait until the peer has read everything.
        self.close_timer = self.loop.call_later(LAST_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """A ping was not answered in time."""
        self.pong_timer = None
        self.cut(IDLE, "idle", ())

    def shutdown(self) -> None:
        """The server is about to stop."""
        if self.on_drain is None or self.close_sent or not self.handshake_complete:
            super().shutdown()
        else:
            self.on_drain()
