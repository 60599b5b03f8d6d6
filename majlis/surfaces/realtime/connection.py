"""One socket of somebody, as the hub sees it; each protocol is a kind of it."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from majlis.features.notifications.model import Notification
from majlis.features.sockets.model import State
from majlis.kit import clock, ids, log
from majlis.kit.http.sockets import Closed
from majlis.kit.me import Me
from majlis.surfaces.realtime.frames import Shared
from majlis.surfaces.realtime.outbox import Outbox, Transport

logger = log.get("majlis.sockets")
Answers = dict[str, dict[str, Any]]  # how it stands with each stream that somebody wants to follow
SLOW, INTERNAL, IDLE, RESTART, REPLACED = 4440, 1011, 4408, 1012, 4409
EXPIRED = "token_expired"
REASONS = {
    SLOW: "slow_consumer",
    INTERNAL: "internal",
    IDLE: "idle",
    RESTART: "restart",
    REPLACED: "replaced",
    1013: "overloaded",
    4400: "bad_frame",
    4401: "unauthenticated",
    4403: "account_closed",
    4429: "flood",
}


class Follow:
    """One connection's place in a room: the last entry that it was sent, and whether it hears of the next at once.

    While it does not, it is reading the log.
    """

    __slots__ = ("live", "over", "sent", "told")

    def __init__(self) -> None:
        self.sent = 0
        self.told = 0  # the head that the client was last told of
        self.live = False
        self.over: str | None = None  # why it left the room; empty where it wanted to


class Connection:
    """A socket with what waits for it. Nothing here waits for the peer."""

    quiet_s = 60.0  # after so long without a word it is closed

    def __init__(self, socket: Transport, me: Me = Me.anonymous) -> None:
        self.id = ids.new()
        self.socket = socket
        self.me = me
        self.kind = ""  # of device: each has so many connections only
        self.state: State = "active"
        self.joined = False  # follows whatever its owner comes into
        self.streams: set[str] = set()
        self.outbox = Outbox(socket, lambda: self.end(SLOW))
        self.subscribing = asyncio.Lock()
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def user(self) -> UUID:
        """Whose it is."""
        return self.me.user()

    # ---- what the hub tells

    def event(self, shared: Shared) -> None:
        """An entry of a log that it follows."""
        raise NotImplementedError

    def typing(self, stream: str, data: Mapping[str, Any]) -> None:
        """Somebody writes, or has ceased to."""
        raise NotImplementedError

    def presence(self, data: Mapping[str, Any]) -> None:
        """Somebody came, went, or looks away."""

    def notification(self, note: Notification, unread: int) -> None:
        """Its owner was told something."""
        raise NotImplementedError

    def withdrawn(self, notification_id: UUID) -> None:
        """Its owner is told something no more, as it was undone before they read it."""

    def counted(self) -> None:
        """How much of what its owner was told is unread has changed."""

    def came_in(self, answers: Answers, denied: Mapping[str, str]) -> None:
        """It follows one more stream, for which it had not asked by name."""

    def dropped(self, stream: str, reason: str) -> None:
        """It follows a stream no more."""

    def heads(self, heads: Mapping[str, int]) -> None:
        """Where streams end that have moved."""

    async def refreshed(self) -> None:
        """What its owner may see was looked up anew."""

    # ---- ending

    def farewell(self, code: int, reason: str, wait_ms: int) -> list[bytes]:
        """What to say at the end."""
        return []

    def end(self, code: int, reason: str = "", *, wait_ms: int = 0) -> None:
        """Close it. What waits is still sent, except to who is too slow or may have it no more."""
        reason = reason or REASONS.get(code, "")
        waiting = self.outbox.take()
        last = [] if code in (SLOW, 4401, 4403) and self.me.id is not None else waiting
        self.socket.cut(code, reason, [*last, *self.farewell(code, reason, wait_ms)])

    def end_at(self, expires: datetime | None) -> None:
        """Close it at this moment and no other, or never: when the token with which its owner came is over."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if expires is not None:
            left = (expires - clock.now()).total_seconds()
            self._expiry = asyncio.get_running_loop().call_later(max(0.0, left), self._expire)

    def _expire(self) -> None:
        self.end(4401, EXPIRED)

    def over_by_now(self) -> bool:
        """Whether that moment has passed, as it may where the machine slept meanwhile; then it is closed."""
        over = self.me.until is not None and self.me.until <= clock.now()
        if over:
            self._expire()
        return over

    async def serve(self) -> None:
        """Talk until it ends."""
        writing = asyncio.create_task(self.outbox.run())
        try:
            await self.talk()
        except Closed:
            pass
        except Exception:
            logger.exception("socket_failed", user=str(self.me.id))
            self.end(INTERNAL)
        finally:
            writing.cancel()
            with contextlib.suppress(Closed, asyncio.CancelledError):
                await writing

    async def talk(self) -> None:
        """Handle one frame after the other. Raises Closed."""
        raise NotImplementedError
