"""Hints between processes: publish/subscribe that may lose a message, and says when it may have.

A hint tells others to look again; what would be a bug to lose is a fact. Whoever keeps a cache that hints
empty must not trust it while the bus is not `healthy`: then the hints of the last two seconds may be missing.
"""

import asyncio
import base64
import contextlib
import itertools
import math
import random
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote, unquote

import asyncpg
import prometheus_client as prometheus

from majlis.kit import log

logger = log.get("majlis.bus")

Callback = Callable[[bytes], None]
Hint = tuple[str, bytes]

MAX_PAYLOAD = 5 * 1024
"""Bytes. PostgreSQL carries less than 8,000 bytes of text, and a payload travels there as base64."""
MAX_CHANNEL = 200
MAX_PENDING = 10_000
BATCH = 200

LEASE_S = 2.0
"""How old the last proof of a live listening connection may be while the bus is healthy."""
BEAT_S = 0.5
BEAT_TIMEOUT_S = 1.0
OPEN_TIMEOUT_S = 5.0
FIRST_PAUSE_S, LAST_PAUSE_S = 0.05, 1.0

LOSSES: tuple[type[Exception], ...] = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
CLOSED = "the connection was closed"

dropped = prometheus.Counter("majlis_bus_dropped_total", "Hints others did not get.", ["reason"])


class Bus(Protocol):
    """Hints to this and all other processes."""

    @property
    def healthy(self) -> bool:
        """Whether every hint older than two seconds has been delivered here."""

    async def start(self) -> None:
        """Connect; returns after some seconds even when that did not work, and goes on trying."""

    async def close(self) -> None:
        """Send what waits, for a second at most, and disconnect."""

    async def publish(self, channel: str, payload: bytes) -> None:
        """Call the subscribers here now and those of other processes soon; never raises, never waits.

        A payload over MAX_PAYLOAD (or a channel over MAX_CHANNEL) bytes is an error of the caller: it goes
        nowhere, is logged and counted. Send the id of what changed, not the thing.
        """

    def subscribe(self, channel: str, callback: Callback) -> Callable[[], None]:
        """Have `callback` called with each payload, in the event loop: it must not block.

        Returns the way out.
        """

    def on_gap(self, callback: Callable[[], None]) -> None:
        """Have `callback` called whenever hints may have been lost: after each reconnection, before the bus
        is healthy again, and when another process could not send all of its own."""


class MemoryBus:
    """A bus of one process: nothing can be lost."""

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[object, Callback]] = {}
        self._on_gap: list[Callable[[], None]] = []

    @property
    def healthy(self) -> bool:
        return True

    async def start(self) -> None:
        return

    async def close(self) -> None:
        return

    async def publish(self, channel: str, payload: bytes) -> None:
        self._accept(channel, payload)

    def subscribe(self, channel: str, callback: Callback) -> Callable[[], None]:
        token = object()  # the same callback may subscribe twice
        self._subscribers.setdefault(channel, {})[token] = callback

        def unsubscribe() -> None:
            callbacks = self._subscribers.get(channel, {})
            callbacks.pop(token, None)
            if not callbacks:
                self._subscribers.pop(channel, None)

        return unsubscribe

    def on_gap(self, callback: Callable[[], None]) -> None:
        self._on_gap.append(callback)

    def _accept(self, channel: str, payload: bytes) -> bool:
        """Deliver here, unless it is too large for any bus: then no test with one process may pass either."""
        if len(payload) > MAX_PAYLOAD or len(channel.encode(errors="replace")) > MAX_CHANNEL:
            dropped.labels("too_large").inc()
            logger.error("hint_too_large", channel=channel[:MAX_CHANNEL], size=len(payload))
            return False
        self._deliver(channel, payload)
        return True

    def _deliver(self, channel: str, payload: bytes) -> None:
        for callback in tuple(self._subscribers.get(channel, {}).values()):
            try:
                callback(payload)
            except Exception:
                logger.exception("hint_callback_failed", channel=channel)

    def _gap(self) -> None:
        for callback in self._on_gap:
            try:
                callback()
            except Exception:
                logger.exception("gap_callback_failed")


class LinkedBus(MemoryBus, ABC):
    """What PostgresBus and RedisBus share: one task that keeps a connection, sends batches over it and proves
    it alive twice a second.

    A lost connection is seen at once when the other side closes it, and within two seconds when it just
    falls silent. Hints published meanwhile wait, as other processes have seen no gap and trust their caches.
    """

    CONTROL = ""
    """The channel for hints about the bus itself."""
    losses = LOSSES
    """What it means that the connection is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._id = secrets.token_hex(4).encode()
        self._outgoing: dict[Hint, None] = {}
        self._wake = asyncio.Event()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._up = False
        self._proof = -math.inf
        self._missed = False  # whether hints of others may have been lost
        self._owes_gap = False  # whether others must be told that hints of this process were
        self._closing = False

    @abstractmethod
    async def _open(self) -> float:
        """Connect, and return a moment (monotonic) since which hints are heard."""

    @abstractmethod
    async def _turn(self, hints: list[Hint]) -> None:
        """Send hints (perhaps none), and return when the listening connection has been seen alive."""

    @abstractmethod
    async def _drop(self) -> None:
        """Let go of the connection, in whatever state."""

    @property
    def healthy(self) -> bool:
        # A lease: it also runs out when this process itself stood still.
        return self._up and time.monotonic() - self._proof < LEASE_S

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), OPEN_TIMEOUT_S)

    async def close(self) -> None:
        if self._task is None:
            return
        self._closing = True
        self._wake.set()
        if self._up:
            await asyncio.wait([self._task], timeout=BEAT_TIMEOUT_S)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        if self._outgoing:
            dropped.labels("closed").inc(len(self._outgoing))

    async def publish(self, channel: str, payload: bytes) -> None:
        if not self._accept(channel, payload):
            return
        if len(self._outgoing) >= MAX_PENDING:
            dropped.labels("overflow").inc()
            self._owes_gap = True
            return
        self._outgoing[channel, payload] = None
        self._wake.set()

    def _receive(self, sender: bytes, channel: str, payload: bytes) -> None:
        if sender == self._id:
            return  # the subscribers here were called when it was published
        if channel != self.CONTROL:
            self._deliver(channel, payload)
        elif payload == b"gap":
            self._gap()

    async def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._closing:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    heard_since = await self._open()
                self._found(heard_since)
                pause = FIRST_PAUSE_S
                await self._beat()
            except self.losses as error:
                self._lost(error)
            except Exception as error:
                logger.exception("bus_failed", bus=type(self).__name__)
                self._lost(error)
            finally:
                self._up = False
                await self._drop()
            if not self._closing:
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (spreads reconnections)
                pause = min(pause * 2, LAST_PAUSE_S)

    async def _beat(self) -> None:
        while self._up:
            self._wake.clear()
            # Taken out before they are sent: an equal hint published meanwhile is about a later change.
            hints = list(itertools.islice(self._outgoing, BATCH))
            for hint in hints:
                del self._outgoing[hint]
            owed, self._owes_gap = self._owes_gap, False
            asked = time.monotonic()
            try:
                async with asyncio.timeout(BEAT_TIMEOUT_S):
                    await self._turn([*hints, (self.CONTROL, b"gap")] if owed else hints)
            except BaseException:
                self._outgoing = dict.fromkeys(hints) | self._outgoing
                self._owes_gap |= owed
                raise
            self._proof = asked
            if self._outgoing or self._owes_gap:
                continue
            if self._closing:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), BEAT_S)
        raise ConnectionError(CLOSED)

    def _found(self, heard_since: float) -> None:
        if self._missed:
            logger.info("bus_back", bus=type(self).__name__)
            self._gap()  # first: whoever sees the bus healthy must find no cache from before the gap
        self._missed = False
        self._up, self._proof = True, heard_since
        self._ready.set()

    def _lost(self, error: BaseException) -> None:
        """Not healthy from now on; the task learns of it at once."""
        if not self._missed:
            logger.warning("bus_lost", bus=type(self).__name__, error=str(error) or repr(error))
        self._up, self._missed = False, True
        self._wake.set()


class PostgresBus(LinkedBus):
    """LISTEN and NOTIFY over one connection and one PostgreSQL channel.

    The url must lead to the primary itself: through a pooler in transaction mode LISTEN is not heard. NOTIFY
    takes a lock over the whole database at commit, so hints are sent in batches and outside of transactions.
    """

    CHANNEL = "majlis"
    _NOTIFY = f"SELECT pg_notify('{CHANNEL}', hint) FROM unnest($1::text[]) AS hint"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._connection: Any = None
        self._echo = asyncio.Event()

    async def _open(self) -> float:
        # No hint needs to survive a crash, so none holds that lock until the disk has answered.
        settings = {"application_name": "majlis bus", "synchronous_commit": "off"}
        connection = await asyncpg.connect(self._url, timeout=OPEN_TIMEOUT_S, server_settings=settings)
        self._connection = connection
        connection.add_termination_listener(self._ended)
        await connection.add_listener(self.CHANNEL, self._notified)
        self._echo.clear()
        heard_since = time.monotonic()
        await connection.execute(self._NOTIFY, [self._envelope(self.CONTROL, b"echo")])
        try:
            await asyncio.wait_for(self._echo.wait(), LEASE_S)
        except TimeoutError:
            raise ConnectionError("LISTEN is not heard; does the url lead to a pooler?") from None
        return heard_since

    async def _turn(self, hints: list[Hint]) -> None:
        # Either answer comes after every hint that was committed before it was asked for.
        if hints:
            await self._connection.execute(self._NOTIFY, [self._envelope(*hint) for hint in hints])
        else:
            await self._connection.execute("SELECT 1")

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _ended(self, connection: Any) -> None:
        if connection is self._connection:
            self._lost(ConnectionError(CLOSED))

    def _envelope(self, channel: str, payload: bytes) -> str:
        """Text without spaces in its three parts, ASCII whatever the database's encoding."""
        name = quote(channel, safe=":", errors="surrogatepass")
        return f"{self._id.decode()} {name} {base64.b64encode(payload).decode()}"

    def _notified(self, connection: Any, pid: int, channel: str, envelope: str) -> None:
        try:
            sender, name, text = envelope.split(" ")
            name, payload = unquote(name, errors="surrogatepass"), base64.b64decode(text, validate=True)
        except ValueError:
            logger.warning("hint_unreadable", pid=pid)  # somebody else's NOTIFY
            return
        if sender.encode() == self._id and not name and payload == b"echo":
            self._echo.set()
        self._receive(sender.encode(), name, payload)
