"""GET /api/v1/ws: one JSON object in each text frame, as contracts/realtime.md has it."""

import asyncio
from typing import Any

import msgspec

from majlis.app import App
from majlis.kit import http
from majlis.kit.errors import Malformed
from majlis.kit.http import Socket, access
from majlis.kit.http.sockets import Binary, Closed
from majlis.surfaces.realtime import frames, hub
from majlis.surfaces.realtime.session import FLOOD, MALFORMED, UNAUTHENTICATED, Session, TurnedAway

api = http.Api("realtime")


class Unoffered(Malformed):
    """A client that does not say which protocol it speaks."""

    code, detail = "subprotocol_needed", f"Offer the subprotocol {frames.PROTOCOL}."


@api.socket("/api/v1/ws", policy=access.none)
async def connect(app: App, socket: Socket) -> None:
    """Talk with somebody whose first frame holds an access token."""
    if frames.PROTOCOL not in socket.offered:
        raise Unoffered()
    await socket.accept(frames.PROTOCOL)
    here = hub.of(app)
    connection = Wire(here, socket)
    if here.full:
        connection.end(1013)
        return
    try:
        await connection.serve()
    finally:
        await connection.over()


class Wire(Session):
    """A session whose frames are those of a WebSocket."""

    def __init__(self, here: hub.Hub, socket: Socket) -> None:
        super().__init__(here, socket, socket.request.ip)
        self._frames = socket

    async def talk(self) -> None:
        """Have it say who it is, then handle its frames."""
        self.outbox.put(frames.hello())
        try:
            try:
                async with asyncio.timeout(frames.AUTH_S):
                    text = await self._frames.text()
            except TimeoutError:
                self.end(UNAUTHENTICATED, "auth_timeout")
                return
            if not await self._enter(text):
                return
            while True:
                await self.outbox.eased()  # who does not read answers is not asked for more
                text = await self._frames.text()
                self.count()
                opening = self._opened(text)
                await self.handle(opening.t, opening.id, text)
        except Binary:
            self.end(MALFORMED)

    def _opened(self, text: str) -> frames.Opening:
        """What a frame begins with. Raises Closed."""
        try:
            return frames.OPENING.decode(text)
        except frames.UNREADABLE as error:
            self._fail(TurnedAway("bad_frame", str(error), MALFORMED))
            raise Closed(MALFORMED) from None

    async def _enter(self, text: str) -> bool:
        """Handle the first frame, with which somebody says who they are."""
        epoch = self.app.gate.seen.epoch
        if self._opened(text).t != "auth":
            self._fail(TurnedAway("unauthenticated", "The first frame is auth.", UNAUTHENTICATED))
            return False
        try:
            frame = msgspec.json.decode(text, type=frames.Auth)
        except frames.UNREADABLE as error:
            self._fail(TurnedAway("bad_frame", str(error), MALFORMED))
            return False
        try:
            ready: dict[str, Any] = await self.admit(frame)
        except TurnedAway as away:
            self._fail(away, frame.id)
            return False
        self.reply("ready", frame.id, **ready)
        await self.enter_hub(epoch)
        return True

    def _fail(self, away: TurnedAway, id: str | None = None) -> None:
        if away.close != FLOOD:
            self.outbox.put(away.frame(id))
        self.end(away.close, away.reason, wait_ms=away.wait_ms)
