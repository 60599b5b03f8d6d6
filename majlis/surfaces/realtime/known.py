"""Sockets of whose owner the server knows before it says anything: let in, listened to, shown what comes, let out."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from majlis.kit.http import Socket
from majlis.kit.http.sockets import Binary
from majlis.kit.me import Me
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.connection import Connection

BINARY, OVERLOADED = 1003, 1013
AT_ONCE, MOST_WAITING = 50, 1000  # of what is looked up before it is shown


class Known(Connection):
    """A WebSocket of somebody who hears of everything that reaches them. A door overrides `handle` and what is told."""

    def __init__(self, here: hub.Hub, socket: Socket, me: Me) -> None:
        super().__init__(socket, me)
        self.joined = True
        self.hub, self.app, self.frames = here, here.app, socket
        self._todo: deque[tuple[str, Any]] = deque()
        self._working = False

    async def talk(self) -> None:
        """Handle one frame after the other. Raises Closed."""
        try:
            while True:
                await self.outbox.eased()  # who does not read answers is not asked for more
                await self.handle(await self.frames.text())
        except Binary:
            self.end(BINARY, "text_only")

    async def handle(self, text: str) -> None:
        """Do what a frame of the client asks for."""
        raise NotImplementedError

    async def follow(self, streams: Iterable[str]) -> None:
        """Follow these streams, too, as many as one may."""
        new = [stream for stream in streams if stream not in self.streams]
        new = new[: max(0, hub.MOST_STREAMS - len(self.streams))]
        if new:
            await self.hub.subscribe(self, dict.fromkeys(new), self.came_in)

    async def left(self) -> None:
        """It is over, and the hub knows it no more."""

    # ---- what has to be looked up before it can be shown, one after the other

    def later(self, kind: str, what: Any = None) -> None:
        """Have `show` do this behind all that was given to it before."""
        self._todo.append((kind, what))
        if len(self._todo) > MOST_WAITING:  # more than the database can keep up with
            self._todo.clear()
            self.end(OVERLOADED)
        if not self._working:
            self._working = True
            self.hub.spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._todo:
                await self.show([self._todo.popleft() for _ in range(min(AT_ONCE, len(self._todo)))])
        finally:
            self._working = False

    async def show(self, part: Sequence[tuple[str, Any]]) -> None:
        """Look up what was given to `later` and send it, in its order."""
        raise NotImplementedError


async def converse(connection: Known) -> None:
    """Let somebody in, talk until it ends, and let them out."""
    here, socket = connection.hub, connection.frames
    try:
        if here.full:
            await _open(socket)
            connection.end(OVERLOADED)
            return
        here.add(connection)
        await here.recheck(connection)  # it follows everything before the client can wait for anything
        await _open(socket)
        await connection.serve()
    finally:
        here.remove(connection)
        await connection.left()


async def _open(socket: Socket) -> None:
    """Accept it, unless that was needed to learn who it is. Raises Closed."""
    if not socket.accepted:
        await socket.accept()
