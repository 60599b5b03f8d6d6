"""uvicorn's HTTP protocol with one write for each answer, and its WebSockets with peers that can be cut off."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from majlis.kit.http.handover import DRAIN, RESPOND
from majlis.kit.http.sockets import EXTENSION

IDLE = 4408  # the code for a peer that does not answer pings
UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # what no header may hold (RFC 9110, 5.5)
LARGE = 16 * 1024  # bytes of a body from which on it is cheaper to hand over two pieces than to join them
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
            self._loop.call_soon(self.flush)
        else:
            self.bare.write(data)

    def flush(self) -> None:
        """Send a head that is held back."""
        if self._head:
            head, self._head = self._head, b""
            self.bare.write(head)

    def close(self) -> None:
        """Close when everything is sent."""
        self.flush()
        self.bare.close()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self.bare.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


class Protocol(HttpToolsProtocol):
    """See Joined and `respond`. A request that waits for something to happen is told when the server is about to stop."""

    _rests: float = (
        0.0  # when the last answer went out or the last request began to come, by the clock of the loop
    )
    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(cast(asyncio.Transport, Joined(transport, self.loop)))
        self._rest()

    def _rest(self) -> None:
        self._rests = self.loop.time()
        if self._alarm is None:
            self._alarm = self.loop.call_later(self.timeout_keep_alive, self._rested)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._quiet()
        super().connection_lost(exc)

    def _quiet(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._rests = self.loop.time()
        cast(dict[str, Any], self.scope)[RESPOND] = self.respond

    def respond(self, scope: Any, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer, for less than uvicorn needs for its two parts.

        False where it must send them after all: the client reads slowly or has gone, another request of the connection
        has come since, the connection is to end, or something is wrong with the headers, of which uvicorn then tells.
        Names of headers are in small letters, and where there is a body its length is among them.
        """
        cycle = self.cycle
        if (
            cycle.scope is not scope
            or cycle.response_started
            or cycle.disconnected
            or not cycle.keep_alive
            or self.flow.write_paused
        ):
            return False
        head = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers):
            if name == b"connection" or UNSAFE.search(value):
                return False
            head += (name, b": ", value, b"\r\n")
        head.append(b"\r\n")
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        joined = cast(Joined, self.transport)
        joined.flush()  # a "100 Continue" goes before
        transport = joined.bare
        if len(body) < LARGE:
            transport.write(b"".join([*head, body]))
        else:
            transport.writelines([b"".join(head), body])
        cycle.message_event.set()
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._rest()
        return True

    def on_response_complete(self) -> None:
        """An answer was sent in parts."""
        self._rests = self.loop.time()
        super().on_response_complete()

    def _rested(self) -> None:
        """Close where nothing was asked for a while, or a head does not come to its end.

        One timer looks again now and then: one for each answer costs more.
        """
        self._alarm = None
        cycle = cast(Any, self.cycle)  # None before the first request
        if cycle is None or cycle.response_complete:  # else its answer is what comes next
            left = self._rests + self.timeout_keep_alive - self.loop.time()
            if left > 0:
                self._alarm = self.loop.call_later(left, self._rested)
            else:
                self.timeout_keep_alive_handler()

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a socket, which joins its frames itself and may rest as long as it likes.

        Not where the answer to an earlier request is still to come: there would be no place for it.
        """
        self._quiet()
        cycle = cast(Any, self.cycle)
        if cycle is not None and not cycle.response_complete:
            self.transport.close()
            return
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
