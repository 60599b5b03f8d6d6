"""What waits to be sent to one socket. Nobody who adds to it ever waits for the peer."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from majlis.kit import links

FRAMES, BYTES = 256, 1024 * 1024
STALE_S = 10.0  # how long a peer may take to make room for the next frame
EPHEMERAL = "ephemeral"  # dropped when half of the room is used


class Transport(Protocol):
    """What carries frames to one client. See kit/http/sockets.Socket, which is one; engine.Link is the other."""

    closed: int | None  # the code with which this side closed it

    @property
    def heard(self) -> float:
        """When anything came from the client, in the time of the event loop."""
        ...

    def say_now(self, text: bytes, /) -> bool:
        """Send a frame if that needs no waiting. Returns whether it did."""
        ...

    async def say(self, text: bytes, /) -> None:
        """Send a frame as soon as there is room for it. Raises Closed."""
        ...

    def unsent(self) -> list[bytes]:
        """Frames that it holds back, to be taken from it."""
        ...

    def cut(self, code: int, reason: str = "", last: Sequence[bytes] = ()) -> None:
        """Send the last frames and close, without waiting for a client that does not read."""
        ...

    def on_drain(self, act: Any) -> None:
        """Have this called when the server is about to stop."""
        ...


class Outbox:
    """At most 256 frames or 1 MiB; beyond, or when the peer takes nothing for ten seconds, `full` is called."""

    def __init__(self, socket: Transport, full: Callable[[], None]) -> None:
        self._socket = socket
        self._full = full
        self._frames: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._eased = asyncio.Event()
        self._eased.set()

    def __len__(self) -> int:
        return len(self._frames)

    def holds(self, key: str) -> bool:
        """Whether a frame of this kind still waits."""
        return any(one == key for one, _ in self._frames)

    def put(self, frame: bytes, key: str = "") -> None:
        """Send this as soon as the peer takes it; at once if nothing waits before it. Private addresses are signed."""
        frame = links.signed(frame)
        if not self._frames and self._socket.say_now(frame):
            return
        strained = 2 * len(self._frames) >= FRAMES or 2 * self._size >= BYTES
        if strained and key == EPHEMERAL:
            return
        if len(self._frames) >= FRAMES or self._size + len(frame) > BYTES:
            self._full()
            return
        self._frames.append((key, frame))
        self._size += len(frame)
        if strained:
            self._eased.clear()
        self._wake.set()

    async def eased(self) -> None:
        """Wait until less than half of the room is used: for what is read from a log."""
        if 2 * len(self._frames) >= FRAMES or 2 * self._size >= BYTES:
            self._eased.clear()
            await self._eased.wait()

    def take(self) -> list[bytes]:
        """All that waits; it waits no more."""
        frames = [*self._socket.unsent(), *(frame for _, frame in self._frames)]
        self._frames.clear()
        self._size = 0
        self._eased.set()
        return frames

    async def run(self) -> None:
        """Send, until cancelled. Raises Closed."""
        while True:
            while self._frames:
                _, frame = self._frames[0]
                try:
                    async with asyncio.timeout(STALE_S):
                        await self._socket.say(frame)
                except TimeoutError:
                    self._full()
                    return
                if self._frames:  # unless they were taken meanwhile
                    self._frames.popleft()
                    self._size -= len(frame)
                if 4 * len(self._frames) < FRAMES and 4 * self._size < BYTES:
                    self._eased.set()
            self._wake.clear()
            await self._wake.wait()
