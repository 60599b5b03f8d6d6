"""WebSockets: who may open one from where, and a peer that may stop reading without keeping anybody."""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from majlis.kit.errors import Forbidden, Refused
from majlis.kit.http.request import Request

EXTENSION = "majlis.socket"
DENIAL = "websocket.http.response"
GONE = 1006  # the code of a connection that ended without a word


class Peer(Protocol):
    """What our own server protocol offers beyond ASGI: see protocol.SocketProtocol."""

    heard: float
    on_drain: Any

    async def ready(self) -> None: ...
    def say(self, text: bytes) -> None: ...
    def cut(self, code: int, reason: str, last: Sequence[bytes]) -> None: ...

    @property
    def may_write(self) -> bool: ...


class Closed(Exception):
    """The connection is over; `code` says why, as far as anybody said."""

    def __init__(self, code: int = GONE) -> None:
        self.code = code
        super().__init__(str(code))


class Binary(Exception):
    """A binary frame came."""


class Socket:
    """A WebSocket of text frames."""

    def __init__(self, request: Request, receive: Any, send: Any) -> None:
        self.request = request
        self.offered: list[str] = list(request.scope.get("subprotocols", ()))
        self._receive, self._send = receive, send
        self._peer: Peer | None = request.scope.get("extensions", {}).get(EXTENSION)
        self._heard = asyncio.get_running_loop().time()
        self._ending: asyncio.Task[None] | None = None
        self.accepted = False
        self.closed: int | None = None  # the code with which this side closed it

    @property
    def heard(self) -> float:
        """When anything came from the peer, in the time of the event loop; answers to pings count."""
        return self._heard if self._peer is None else self._peer.heard

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open it. Raises Closed."""
        message = await self._receive()
        if message["type"] != "websocket.connect":
            raise Closed()
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
        self.accepted = True

    async def text(self) -> str:
        """The next frame. Raises Closed, or Binary."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Closed(self.closed or message.get("code") or GONE)
        self._heard = asyncio.get_running_loop().time()
        if message.get("text") is None:
            raise Binary
        return str(message["text"])

    async def say(self, text: bytes) -> None:
        """Send a frame as soon as the peer takes one. Raises Closed."""
        if self.closed is not None:
            raise Closed(self.closed)
        try:
            if self._peer is None:
                await self._send({"type": "websocket.send", "text": text.decode()})
            else:
                await self._peer.ready()
                self._peer.say(text)
        except OSError as error:
            raise Closed() from error

    def say_now(self, text: bytes) -> bool:
        """Send a frame if that needs no waiting. Returns whether it did."""
        if self._peer is None or not self.accepted or self.closed is not None or not self._peer.may_write:
            return False
        with contextlib.suppress(OSError):  # whoever reads learns that it is closed
            self._peer.say(text)
        return True

    def cut(self, code: int, reason: str = "", last: Sequence[bytes] = ()) -> None:
        """Send the last frames and close, without waiting for a peer that does not read."""
        if self.closed is not None:
            return
        self.closed = code
        if self._peer is not None:
            self._peer.cut(code, reason, last)
        else:
            self._ending = asyncio.ensure_future(self._end(code, reason, last))

    async def _end(self, code: int, reason: str, last: Sequence[bytes]) -> None:
        with contextlib.suppress(OSError):
            for text in last:
                await self._send({"type": "websocket.send", "text": text.decode()})
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def ended(self) -> None:
        """Wait until the last frame is on its way."""
        if self._ending is not None:
            await self._ending

    def unsent(self) -> list[bytes]:
        """Frames that it holds back, to be taken from it: none, each is on its way at once."""
        return []

    async def hand_over(self, application: Any) -> None:
        """Let an ASGI application open it, read and write: it speaks a protocol of its own."""

        async def send(message: Any) -> None:
            self.accepted = self.accepted or message["type"] == "websocket.accept"
            await self._send(message)

        await application(self.request.scope, self._receive, send)

    def on_drain(self, act: Any) -> None:
        """Have this called when the server is about to stop, instead of being closed at once."""
        if self._peer is not None:
            self._peer.on_drain = act

    async def deny(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer the request to open it with a refusal."""
        if DENIAL not in self.request.scope.get("extensions", {}):
            await self._send({"type": "websocket.close", "code": 1008})
            return
        await self._send({"type": f"{DENIAL}.start", "status": status, "headers": headers})
        await self._send({"type": f"{DENIAL}.body", "body": body})


class UpgradeNeeded(Refused):
    """A path that is a socket was asked for by a plain request."""

    code, status, detail = "upgrade_required", 426, "Open this as a WebSocket."


class ForeignOrigin(Forbidden):
    """A page of another site wants to open a socket with its visitor's help."""

    code, detail = "origin_not_allowed", "Pages of this origin may not connect."


def check_origin(request: Request, allowed: Collection[str]) -> None:
    """Raises ForeignOrigin for pages of other sites than this and the allowed ones; only browsers say whose."""
    origin = request.header(b"origin")
    if not origin or "*" in allowed or origin in allowed:
        return
    if urlsplit(origin).netloc.lower() != request.header(b"host").lower() or "://" not in origin:
        raise ForeignOrigin()
