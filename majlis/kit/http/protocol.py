"""uvicorn's HTTP protocol with one write for each answer."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


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
    """See Joined."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(cast(asyncio.Transport, Joined(transport, self.loop)))

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a socket, which joins its frames itself."""
        self.transport = cast(Joined, self.transport).bare
        super().handle_websocket_upgrade()
