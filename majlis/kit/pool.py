"""Connections to a PostgreSQL server, given out and taken back."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from majlis.kit import log
from majlis.kit.cache import Breaker
from majlis.kit.codecs import prepare_connection
from majlis.kit.errors import Unavailable

logger = log.get("majlis.db")

ACQUIRE_S = 10.0
STATEMENT_S = 30.0
IDLE_S = 300.0  # a connection that rested longer may have been cut by something on the way
CLOSE_S = 5.0
READY = 2  # connections that are opened at once
REST_S = 5.0  # how long a replica that does not answer is left alone
AWAY = (TimeoutError, OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)


class Away(Unavailable):
    """The server cannot be reached."""


class Late(TimeoutError):
    """No connection became free in time."""


class Pool:
    """Up to `size` connections to one server. The one that came back last goes out first: its caches are warm.

    It is our own because it stands in the way of every statement: giving a connection out and taking it
    back costs some microseconds here, and a fifth of a short request in asyncpg's.
    """

    begin, commit, rollback = "BEGIN", "COMMIT", "ROLLBACK"
    may_autocommit = True
    nested = False

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._open: set[Any] = set()
        self._opening = 0
        self._idle: list[tuple[Any, float]] = []
        # Those who wait, first come first served, each for a connection or for leave (None) to open one.
        self._waiting: deque[asyncio.Future[Any]] = deque()

    async def acquire(self) -> Any:
        """A connection. Raises Unavailable when none is free in time, Away when the server is."""
        while self._idle:
            connection, since = self._idle.pop()
            if time.monotonic() - since < IDLE_S and not connection.is_closed():
                return connection
            self._drop(connection)
        try:
            while True:
                if len(self._open) + self._opening < self._size:
                    return await self.open()
                connection = await self._wait()
                if connection is not None:
                    return connection
        except AWAY as error:
            logger.error("no database connection", error=repr(error))
            kind = Unavailable if isinstance(error, Late) else Away
            raise kind("The database does not answer.", headers={"Retry-After": "2"}) from error

    async def _wait(self) -> Any:
        """What is handed on to this caller in its turn. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(turn)
        alarm = loop.call_later(ACQUIRE_S, _give_up, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._hand_on(turn.result())  # it came, but the caller is gone
            raise
        finally:
            alarm.cancel()

    async def open(self) -> Any:
        """One connection more. Raises OSError or asyncpg errors when the server is away."""
        self._opening += 1
        try:
            async with asyncio.timeout(ACQUIRE_S):
                connection = await self._connect()
        except BaseException:
            self._opening -= 1
            self._hand_on(None)
            raise
        self._opening -= 1
        self._open.add(connection)
        return connection

    async def release(self, connection: Any) -> None:
        """Give a connection back."""
        # Transactions always end; one that did not must not become part of somebody else's work.
        if connection.is_closed() or connection.is_in_transaction() or connection not in self._open:
            self._drop(connection)
            self._hand_on(None)
        else:
            self._hand_on(connection)

    def _hand_on(self, connection: Any) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is not None:
            self._idle.append((connection, time.monotonic()))

    def _drop(self, connection: Any) -> None:
        self._open.discard(connection)
        connection.terminate()

    def drop(self) -> None:
        """Break all connections off."""
        for connection in tuple(self._open):
            self._drop(connection)

    async def close(self) -> None:
        """Close all connections, waiting briefly for those in use."""
        self._size = 0  # nothing is opened any more
        try:
            async with asyncio.timeout(CLOSE_S):
                while self._open:
                    connection = self._idle.pop()[0] if self._idle else await self._wait()
                    if connection is not None:
                        self._open.discard(connection)
                        await connection.close()
        except TimeoutError:
            self.drop()

    def sizes(self) -> tuple[int, int]:
        """(open, idle) connections."""
        return len(self._open), len(self._idle)


def _give_up(turn: "asyncio.Future[Any]") -> None:
    if not turn.done():
        turn.set_exception(Late("no connection became free"))


class Replica(Pool):
    """Connections to a replica; while that is away, those of the primary, which knows at least as much."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, primary: Pool) -> None:
        super().__init__(connect, size)
        self._primary = primary
        self.breaker = Breaker("database replica", REST_S)

    async def acquire(self) -> Any:
        """A connection to either."""
        if self.breaker.allows():
            try:
                connection = await super().acquire()
            except Away as error:
                self.breaker.failed(error)
            else:
                self.breaker.worked()
                return connection
        return await self._primary.acquire()

    async def release(self, connection: Any) -> None:
        """Give a connection back where it came from."""
        if connection in self._primary._open:
            await self._primary.release(connection)
        else:
            await super().release(connection)


async def open_pool(url: str, size: int, *, application: str = "majlis", primary: Pool | None = None) -> Pool:
    """A pool of up to `size` connections; to a replica of a primary, which may be away, where one is given.

    Raises OSError or asyncpg errors when the server is away.
    """

    async def connect() -> Any:
        connection = await asyncpg.connect(
            url,
            max_cached_statement_lifetime=0,
            statement_cache_size=1000,
            command_timeout=STATEMENT_S,
            server_settings={
                "application_name": application,
                "timezone": "UTC",
                "jit": "off",
                # Data is in memory or on solid-state disks. With the default of 4 a join reads all people instead of
                # the 20 it needs.
                "random_page_cost": "1.1",
                "statement_timeout": str(int(STATEMENT_S * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            },
        )
        await prepare_connection(connection)
        return connection

    pool = Pool(connect, size) if primary is None else Replica(connect, size, primary)
    try:
        for connection in [await pool.open() for _ in range(min(READY, size))]:
            await pool.release(connection)
    except BaseException as error:
        pool.drop()
        if not (isinstance(pool, Replica) and isinstance(error, AWAY)):
            raise
        pool.breaker.failed(error)
    return pool
