"""engine.io under Socket.IO: sessions over long polls and WebSockets, none of which may cost more than its share.

The library does handshakes, polls, upgrades and pings. What it leaves open is closed here: its queues have no end, it
waits for ever for whoever never says who they are, and one client may leave as many requests waiting as it likes.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

import engineio
from engineio.payload import Payload

from majlis.kit import log
from majlis.kit.errors import Malformed, MethodNotAllowed, Unavailable
from majlis.kit.http import Request, Socket
from majlis.kit.http.handover import DRAIN, Handover
from majlis.kit.http.sockets import EXTENSION, GONE
from majlis.surfaces.realtime.frames import AUTH_S, MAX_FRAME, PING_S
from majlis.surfaces.realtime.link import Link, Pipe, Receiver

logger = log.get("majlis.sockets")
LINK, REQUEST = "majlis.link", "majlis.request"  # in the scope of a request
BETWEEN = "\x1e"  # packets of one request
Payload.max_decode_packets = 256  # of one request; 64 KiB at most, and counted one by one afterwards


class Unknown(Malformed):
    """A session that has ended, or is that of another process."""

    code, detail = "unknown_session", "There is no such session; connect anew."


class Engine:
    """engine.io's server of one endpoint in one process, and its links by the names of their sessions."""

    def __init__(
        self, welcome: Callable[[Link], Receiver], *, polling: bool, full: Callable[[], bool]
    ) -> None:
        self.server: Any = engineio.AsyncServer(
            async_mode="asgi",
            transports=["polling", "websocket"] if polling else ["websocket"],
            ping_interval=PING_S,
            max_http_buffer_size=MAX_FRAME,
            cors_allowed_origins=[],  # the middleware and `check_origin` see to it
            async_handlers=False,  # one packet after the other
            monitor_clients=False,  # the hub does
            logger=logging.getLogger("engineio.server"),
        )
        self.server.create_queue = Pipe
        for name, act in (("connect", self._met), ("message", self._said), ("disconnect", self._left)):
            self.server.on(name, act)
        self.links: dict[str, Link] = {}
        self._welcome, self._polling, self._full = welcome, polling, full
        self._tasks: set[asyncio.Task[Any]] = set()

    # ---- what the library tells

    async def _met(self, sid: str, environ: dict[str, Any]) -> None:
        scope = environ["asgi.scope"]
        link = self.links[sid] = scope[LINK] = Link(self, sid, scope[REQUEST])
        link.receiver = self._welcome(link)

    async def _said(self, sid: str, text: Any) -> None:
        link = self.links.get(sid)
        if link is not None and link.closed is None:
            await link.receiver.take(text)

    async def _left(self, sid: str, reason: str) -> None:
        link = self.links.get(sid)
        if link is not None:
            link.lost()

    # ---- requests

    async def poll(self, request: Request) -> Handover:
        """Answer a long poll, or a request that brings packets. Raises Refused."""
        query = _query(request)
        if query.get("transport", "polling") != "polling" or not self._polling:
            raise Malformed("This transport is not spoken here.", code="transport_off")
        if request.method not in ("GET", "POST"):
            raise MethodNotAllowed()
        body = await request.body(MAX_FRAME)
        if "sid" not in query:
            self._may_begin()
            if request.method != "GET":
                raise Unknown()
            request.scope[REQUEST] = request
            return Handover(self.server.handle_request, body, lambda: None)
        link = self._link(query["sid"])
        link.hear()
        if request.method == "POST":
            if link.closed is not None:
                raise Unknown()
            if not _good(body) or b"content-length" not in request.headers:  # without which none is read
                link.receiver.malformed()
                raise Malformed()
            return Handover(self.server.handle_request, body, lambda: None)
        if link.polls:
            link.receiver.malformed()
            raise Malformed("Another poll of this session is waiting.", code="two_polls")
        return self._waiting(link, request)

    def _waiting(self, link: Link, request: Request) -> Handover:
        request.scope[DRAIN] = link.drain
        link.polls = True

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            try:
                await self.server.handle_request(scope, receive, send)
            finally:
                link.polls = False
                if link.closed is not None and link.pipe.qsize() <= 1:  # no more than the mark of the end
                    self.forget(link)

        return Handover(answer, b"", link.lost)

    async def serve(self, socket: Socket) -> None:
        """Carry a session over a WebSocket, from its beginning or instead of polls. Raises Refused."""
        query = _query(socket.request)
        if query.get("transport") != "websocket":
            raise Malformed("A WebSocket carries the transport websocket.", code="wrong_transport")
        socket.request.scope[REQUEST] = socket.request
        if "sid" not in query:
            self._may_begin()
            await socket.hand_over(self._checked(socket))
            return
        link = self._link(query["sid"])
        if link.closed is not None or link.upgraded or link.upgrade is not None:
            raise Unknown()
        socket.request.scope[LINK], link.upgrade = link, socket
        patience = asyncio.get_running_loop().call_later(AUTH_S, _give_up, link, socket)
        before, peer = link.peer, socket.request.scope.get("extensions", {}).get(EXTENSION)
        link.carried(peer)
        try:
            await socket.hand_over(self._checked(socket))
        finally:
            patience.cancel()
            link.settled(before)

    def _checked(self, socket: Socket) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            async def checked() -> Any:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                link: Link = scope[LINK]
                text = message.get("text")
                if isinstance(text, str) and _known(text, upgrades=not link.upgraded):
                    link.hear()
                    return message
                link.receiver.malformed()
                if not link.upgraded:
                    socket.cut(4400)
                return {"type": "websocket.disconnect", "code": 4400}

            try:
                await self.server.handle_request(scope, checked, send)
            except OSError:
                pass  # the client left in the middle of an upgrade
            except RuntimeError:
                if socket.closed is None:  # else it wrote to what was closed here
                    raise
            finally:
                link = scope.get(LINK)
                if link is not None and link.upgraded:
                    link.lost()

        return application

    def _may_begin(self) -> None:
        if self._full():
            raise Unavailable("There is no room for more.", code="overloaded", headers={"Retry-After": "30"})

    def _link(self, sid: str) -> Link:
        link = self.links.get(sid)
        if link is None:
            raise Unknown()
        return link

    # ---- the end

    def forget(self, link: Link) -> None:
        """Nothing more comes of this session."""
        if self.links.pop(link.sid, None) is not None:
            if link.upgrade is not None and not link.upgraded:  # it had the time to fetch the last packets
                link.upgrade.cut(link.closed or GONE)
            socket = self.server.sockets.pop(link.sid, None)
            if socket is not None:
                self.spawn(socket.close(wait=False, abort=True))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this beside everything else; `close` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("link_work_failed", exc_info=error)

    async def close(self) -> None:
        """End what is left."""
        for link in tuple(self.links.values()):
            link.drain()
            link.cut(1012)
            self.forget(link)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


def _give_up(link: Link, socket: Socket) -> None:
    """A WebSocket that was to take over has not."""
    if not link.upgraded:
        with contextlib.suppress(OSError):
            socket.cut(4408)


def _query(request: Request) -> dict[str, str]:
    """What a request says of its session. Raises Malformed for other protocols than version 4."""
    found = parse_qs(request.scope["query_string"].decode("latin-1"))
    if "j" in found or ("sid" not in found and found.get("EIO") != ["4"]):
        raise Malformed("Connect with a client of Socket.IO 3 or newer.", code="wrong_protocol")
    return {name: values[0] for name, values in found.items()}


def _good(body: bytes) -> bool:
    """Whether engine.io may see all that one request brings."""
    try:
        texts = body.decode().split(BETWEEN)
    except UnicodeDecodeError:
        return False
    return len(texts) <= Payload.max_decode_packets and all(_known(text, upgrades=False) for text in texts)


def _known(text: str, *, upgrades: bool) -> bool:
    """Whether engine.io may see this packet: what does not look like one of ours would reach its JSON parser."""
    if text[:1] == "4":
        return text[1:2] in ("0", "1", "2", "3")
    return text in ("1", "3") or (upgrades and text in ("2probe", "5"))
