"""Socket.IO at /socket.io: the objects of majlis.v1 as events, for apps that speak it already.

Another door's Socket.IO is a subclass of `Talk` and an `Endpoint` whose `api` stands among the routes of that door:

    class Sioree(Talk):
        async def enter(self, auth):                    # the `auth` of the handshake, as JSON
            self.me = ...                               # or raise Rejected("Authentication error")
            self.joined = True

        async def follow(self):                         # before the client is told that it is in
            await self.hub.recheck(self)                # which calls `refreshed`: see hamsaya.Session

        async def said(self, event, data):              # one event of the client, whose JSON is `data`
            if event == "send_message": ...
            self.acknowledge(encode({...}))             # to the client's callback, if it gave one

        def event(self, shared):                        # an entry of a log: a message was stored, perhaps
            self.emit("new_message", encode({...}))

    endpoint = Endpoint("/socket.io", Sioree)

What a client sends is handled in its order; what `said` raises is answered by `failed`. Everything else is the same
for all: the hub with its rooms, sessions that end, limits, slow clients, the end of the server.
"""

import asyncio
import contextlib
import importlib
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from majlis.app import App
from majlis.kit import http, log
from majlis.kit.errors import NotFound, Refused
from majlis.kit.http import Request, Socket, access
from majlis.kit.http.sockets import Closed, check_origin
from majlis.settings import listed
from majlis.surfaces.realtime import frames, hub, packets
from majlis.surfaces.realtime.connection import EXPIRED, INTERNAL, RESTART, Connection
from majlis.surfaces.realtime.frames import Shared, encode
from majlis.surfaces.realtime.session import MALFORMED, UNAUTHENTICATED, Session, TurnedAway

if TYPE_CHECKING:
    from majlis.surfaces.realtime.engine import Engine
    from majlis.surfaces.realtime.link import Link

logger = log.get("majlis.sockets")
ENGINE = "majlis.surfaces.realtime.engine"
FINAL = (4401, 4403, 4409)  # behind these codes a client is not to come back by itself
_FRAME = msgspec.json.Decoder(frames.Frame)


class Rejected(Exception):
    """Somebody may not come in: `connect_error` at the client, with this message and data."""

    def __init__(
        self, message: str, data: Any = None, *, close: int = UNAUTHENTICATED, reason: str = ""
    ) -> None:
        self.message, self.data, self.close, self.reason = message, data, close, reason
        super().__init__(message)


class Talk(Connection):
    """Somebody connected over Socket.IO. A door overrides `enter` and `said`, and what the hub tells."""

    def __init__(self, here: hub.Hub, link: "Link") -> None:
        super().__init__(link)
        self.hub, self.app = here, here.app
        self.attach(link)

    def attach(self, link: "Link") -> None:
        """Begin to talk over this link."""
        self.link = link
        self._in = False
        self._begun = False
        self._awaited = ""
        self._turn = asyncio.Lock()
        self._writing = asyncio.create_task(self._write())
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(frames.AUTH_S, self.end, UNAUTHENTICATED, "auth_timeout")
        link.on_drain(lambda: self.end(RESTART))

    # ---- for a door

    async def enter(self, auth: msgspec.Raw) -> None:
        """Find out from the `auth` of the handshake who it is, and set `me` and `kind`. Raises Rejected."""
        raise NotImplementedError

    async def follow(self) -> None:
        """Follow what it hears of in any case. It is known to the hub, and not told yet that it is in."""

    def entered(self) -> None:
        """It is told that it is in."""

    async def said(self, event: str, data: msgspec.Raw) -> None:
        """Handle an event of the client. Raises what `failed` answers."""
        raise NotImplementedError

    def failed(self, code: str, words: str) -> None:
        """Tell the client that its event was refused."""
        self.emit("error", encode({"code": code, "message": words}))

    async def over(self) -> None:
        """It has ended."""
        self.hub.remove(self)

    def emit(self, event: str, data: bytes, key: str = "") -> None:
        """Send an event with this JSON. `key` is the outbox's."""
        self.outbox.put(packets.event(event, data), key)

    def acknowledge(self, data: bytes) -> bool:
        """Answer the event that is being handled. Returns False where the client does not wait for that, or no more."""
        ack, self._awaited = self._awaited, ""
        if ack:
            self.outbox.put(packets.ack(ack, data))
        return bool(ack)

    # ---- the same for all

    async def take(self, text: str) -> None:
        """Handle a packet."""
        async with self._turn:
            try:
                await self._take(packets.decode(text))
            except Closed:
                pass
            except packets.Bad:
                self.malformed()
            except Exception:
                logger.exception("socket_failed", user=str(self.me.id))
                self.end(INTERNAL)

    async def _take(self, packet: packets.Packet) -> None:
        await self.outbox.eased()  # who does not read answers is not asked for more
        if self.link.closed is not None:
            return
        if packet.namespace != "/":
            if packet.kind == packets.CONNECT:
                self.outbox.put(packets.refused("Invalid namespace", namespace=packet.namespace))
        elif packet.kind == packets.CONNECT:
            if self._begun:
                raise packets.Bad("It is connected already.")
            self._begun = True
            await self._begin(packet.data)
        elif not self._in:
            raise packets.Bad("It has to connect first.")
        elif packet.kind == packets.LEAVE:
            self.link.lost()
        elif packet.kind == packets.EVENT:
            name, data = packets.called(packet)
            self._awaited = packet.ack
            try:
                await self._handle(name, data)
            finally:
                self.acknowledge(b"")  # where it was not answered

    async def _handle(self, name: str, data: msgspec.Raw) -> None:
        try:
            await self.said(name, data)
        except Refused as refused:
            self.failed(refused.code, refused.detail)
        except frames.UNREADABLE as error:
            self.failed("bad_frame", str(error))

    async def _begin(self, auth: str) -> None:
        self._patience.cancel()
        epoch = self.app.gate.seen.epoch
        try:
            await self.enter(msgspec.Raw(auth or "{}"))
        except Rejected as rejected:
            self.outbox.put(packets.refused(rejected.message, rejected.data))
            self.end(rejected.close, rejected.reason)
            return
        if self.link.closed is not None:
            return
        self.hub.add(self)
        if self.app.gate.seen.epoch != epoch:  # a session ended while nobody here knew of this connection
            await self.hub.recheck(self)
        await self.follow()
        self._in = True
        self.outbox.put(packets.connected(str(self.id)))
        self.entered()

    def malformed(self) -> None:
        """The client does not keep to the protocol."""
        self.end(MALFORMED)

    def ended(self) -> None:
        """The link is closed."""
        self._patience.cancel()
        self._writing.cancel()
        self.link.engine.spawn(self.over())

    async def _write(self) -> None:
        with contextlib.suppress(Closed):
            await self.outbox.run()

    def farewell(self, code: int, reason: str, wait_ms: int) -> list[bytes]:
        """What keeps a client from coming back by itself, where it is not to: with a fresh token it may."""
        return [packets.DISCONNECT] if self._in and code in FINAL and reason != EXPIRED else []


class Spoken(Session, Talk):
    """A session of majlis.v1: the name of an event is the `t` of its object."""

    def __init__(self, here: hub.Hub, link: "Link") -> None:
        Session.__init__(self, here, link, link.request.ip)
        self.attach(link)
        self._ready: dict[str, Any] = {}

    async def enter(self, auth: msgspec.Raw) -> None:
        """The auth frame. Raises Rejected, whose message is the code."""
        try:
            self._ready = await self.admit(msgspec.json.decode(auth, type=frames.Auth))
        except frames.UNREADABLE as error:
            raise self._rejected(TurnedAway("bad_frame", str(error), MALFORMED)) from error
        except TurnedAway as away:
            raise self._rejected(away) from away

    def _rejected(self, away: TurnedAway) -> Rejected:
        return Rejected(away.code, msgspec.Raw(away.frame()), close=away.close, reason=away.reason)

    def entered(self) -> None:
        """It may begin."""
        self.tell("ready", encode({"t": "ready", **self._ready}))

    async def said(self, event: str, data: msgspec.Raw) -> None:
        """A frame."""
        self.count()
        try:
            id = _FRAME.decode(data).id
        except frames.UNREADABLE as error:
            self.refuse("bad_frame", str(error))
            return
        await self.handle(event, id, data)

    def tell(self, t: str, frame: bytes, key: str = "") -> None:
        """Send a frame of this kind."""
        self.emit(t, frame, key)

    def answer(self, t: str, frame: bytes) -> None:
        """Answer to the callback, or else by an event."""
        if not self.acknowledge(frame):
            self.emit(t, frame)

    def event(self, shared: Shared) -> None:
        """An entry of a log."""
        self.outbox.put(shared.packet)
        self.follow_new(shared)

    def farewell(self, code: int, reason: str, wait_ms: int) -> list[bytes]:
        """The last frame, and whether to come back."""
        if not self._in:
            return []
        last = packets.event("closing", frames.closing(code, reason, wait_ms))
        return [last, *Talk.farewell(self, code, reason, wait_ms)]


class Endpoint:
    """Where one kind of `Talk` is spoken: routes for its polls and WebSockets."""

    def __init__(self, path: str, kind: type[Talk]) -> None:
        self._kind = kind
        self._part = f"socket.io of {kind.__module__}.{kind.__qualname__}"
        self.api = http.Api("realtime")
        for method in ("GET", "POST"):
            self.api.route(method, path, policy=access.none, documented=False)(self._poll)
        self.api.socket(path, policy=access.none)(self._serve)

    async def _poll(self, app: App, request: Request) -> Response:
        engine = await self._engine(app)
        check_origin(request, listed(app.settings.cors_origins))
        return await engine.poll(request)

    async def _serve(self, app: App, socket: Socket) -> None:
        engine = await self._engine(app)
        await engine.serve(socket)

    async def _engine(self, app: App) -> "Engine":
        """engine.io's server of this process. Raises NotFound where it is switched off."""
        if app.settings.socketio == "off":
            raise NotFound("There is no such path.")
        if self._part not in app.parts:
            # It brings 15 MB that not everybody needs, and takes a third of a second.
            module = await asyncio.to_thread(importlib.import_module, ENGINE)
            if self._part not in app.parts:  # nobody else has made it meanwhile
                self._open(app, module.Engine)
        found: Engine = app.parts[self._part]
        return found

    def _open(self, app: App, kind: "type[Engine]") -> None:
        here = hub.of(app)
        made = app.parts[self._part] = kind(
            lambda link: self._kind(here, link),
            polling=app.settings.socketio == "on",
            full=lambda: here.full,
        )

        async def close() -> None:
            app.parts.pop(self._part, None)
            await made.close()

        here.closing.append(close)


endpoint = Endpoint("/socket.io", Spoken)
api = endpoint.api
