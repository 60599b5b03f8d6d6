"""PostgreSQL: typed queries, transactions that begin late, reads that may go to a replica.

A transaction takes a connection and says BEGIN only at its first statement. A service whose whole
work is one statement ends with `tx.last(…)`, which then needs no BEGIN and COMMIT around it: one
round trip instead of three.
"""

import asyncio
import contextvars
import inspect
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

import asyncpg
import msgspec

from majlis.kit import log
from majlis.kit.codecs import prepare_connection as prepare_connection
from majlis.kit.errors import Unavailable
from majlis.kit.geo import Point

T = TypeVar("T")
logger = log.get("majlis.db")

ACQUIRE_S = 10.0
STATEMENT_S = 30.0
IDLE_S = 300.0  # a connection that rested longer may have been cut by something on the way
CLOSE_S = 5.0
READY = 2  # connections that are opened at once
AWAY = (TimeoutError, OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)


class Query(Generic[T]):
    """A statement and the type of its rows: a Struct with the same columns in the same order, or a scalar."""

    __slots__ = ("row", "scalar", "sql")

    def __init__(self, row: type[T], sql: str) -> None:
        self.row = row
        self.sql = sql
        # A Point is the value of one column, although it is a Struct.
        kind: Any = row
        self.scalar = kind is Point or not (inspect.isclass(kind) and issubclass(kind, msgspec.Struct))

    def __repr__(self) -> str:
        return f"Query({getattr(self.row, '__name__', self.row)}, {' '.join(self.sql.split())[:60]!r}…)"

    def make(self, record: Any) -> T:
        """One row as its type."""
        return cast(T, record[0]) if self.scalar else self.row(*record)


class Sealed(Exception):
    """A statement came after `tx.last`: a fault of the program."""


class Reader:
    """Runs statements on one connection, taken at the first of them."""

    __slots__ = ("_connection", "_db", "_pool", "queries")

    def __init__(self, db: "Database", pool: "Pool") -> None:
        self._db = db
        self._pool = pool
        self._connection: Any = None
        self.queries = 0

    async def _conn(self) -> Any:
        if self._connection is None:
            self._connection = await self._pool.acquire()
        self.queries += 1
        return self._connection

    async def all(self, query: Query[T], *args: Any) -> list[T]:
        """Every row."""
        records = await (await self._conn()).fetch(query.sql, *args)
        if query.scalar:
            return [record[0] for record in records]
        row = query.row
        return [row(*record) for record in records]

    async def one(self, query: Query[T], *args: Any) -> T | None:
        """The first row, or None."""
        record = await (await self._conn()).fetchrow(query.sql, *args)
        return None if record is None else query.make(record)

    async def records(self, sql: str, *args: Any) -> list[Any]:
        """The rows as they come, for statements put together from parts."""
        return cast(list[Any], await (await self._conn()).fetch(sql, *args))

    async def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pool.release(connection)

    async def __aenter__(self) -> "Reader":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._release()


class Tx(Reader):
    """A transaction. Leaving its block commits, an error rolls back."""

    __slots__ = ("_after", "_begun", "_name", "_sealed", "_token")

    def __init__(self, db: "Database", pool: "Pool") -> None:
        super().__init__(db, pool)
        self._begun = False
        self._sealed = False
        self._after: list[Callable[[], None]] = []
        self._name = 0
        self._token: Any = None

    async def _conn(self) -> Any:
        if self._sealed:
            raise Sealed("no statement may follow tx.last()")
        if not self._begun:
            self._connection = await self._pool.acquire()
            self._begun = True  # before it is: whoever is cut off in the middle must roll back
            await self._connection.execute(self._pool.begin)
        self.queries += 1
        return self._connection

    async def run(self, sql: str, *args: Any) -> int:
        """Run a statement without rows. Returns how many rows it changed."""
        status = await (await self._conn()).execute(sql, *args)
        tail = status.rpartition(" ")[2]
        return int(tail) if tail.isdigit() else 0

    async def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of arguments."""
        await (await self._conn()).executemany(sql, rows)

    async def last(self, query: Query[T], *args: Any) -> T | None:
        """The last statement of this transaction; the first row, or None.

        If it is also the only one it commits by itself, which saves two round trips.
        """
        if self._begun or not self._pool.may_autocommit or _hold.get() is not None:
            result = await self.one(query, *args)
            self._sealed = not self._pool.nested and _hold.get() is None
            return result
        self._sealed = True
        self._connection = await self._pool.acquire()
        self.queries += 1
        record = await self._connection.fetchrow(query.sql, *args)
        return None if record is None else query.make(record)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call this once the work is committed. Must not block; what it does may be lost in a crash."""
        self._after.append(act)

    def savepoint(self) -> "Savepoint":
        """A part that can fail alone: an error inside undoes the part and goes on to the caller."""
        return Savepoint(self)

    async def __aenter__(self) -> "Tx":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        hold = _hold.get()
        if hold is not None:
            hold.failed = hold.failed or error is not None
            return  # the request's end decides, together with its stored answer
        await self._finish(error is None)

    async def _finish(self, commit: bool) -> None:
        if self._begun:
            ended = asyncio.ensure_future(self._end(commit))
            try:
                await asyncio.shield(ended)
            except asyncio.CancelledError:
                await ended  # the connection must be clean before anyone else gets it
                self._tell(commit)
                raise
        else:
            await self._release()
        self._tell(commit)

    def _tell(self, committed: bool) -> None:
        for act in self._after if committed else ():
            act()

    async def _end(self, commit: bool) -> None:
        try:
            await self._connection.execute(self._pool.commit if commit else self._pool.rollback)
        except BaseException:
            if not self._pool.nested:
                self._connection.terminate()
            raise
        finally:
            await self._release()


class Savepoint:
    """See Tx.savepoint."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def __aenter__(self) -> None:
        self._tx._name += 1
        self._at = f"part_{self._tx._name}"
        self._mark = len(self._tx._after)
        await self._tx.run(f"SAVEPOINT {self._at}")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._tx.run(f"RELEASE SAVEPOINT {self._at}")
        else:
            del self._tx._after[self._mark :]
            await self._tx.run(f"ROLLBACK TO SAVEPOINT {self._at}")


class Hold:
    """Joins all transactions of a request into one, which stays open until its answer is known.

    So the answer can be stored together with the work. Leaving the block commits, an error rolls back.
    """

    def __init__(self, db: "Database") -> None:
        self.tx = Tx(db, db.pool)
        self.failed = False

    async def __aenter__(self) -> Tx:
        self._token = _hold.set(self)
        return self.tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _hold.reset(self._token)
        await self.tx._finish(commit=error is None and not self.failed)
        if error is None and self.failed:
            raise RuntimeError("a part of the request failed and was passed over")


_hold: contextvars.ContextVar[Hold | None] = contextvars.ContextVar("hold", default=None)


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
        """A connection. Raises Unavailable when none is free in time or the server is away."""
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
            raise Unavailable("The database does not answer.", headers={"Retry-After": "2"}) from error

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
            for connection in tuple(self._open):
                self._drop(connection)

    def sizes(self) -> tuple[int, int]:
        """(open, idle) connections."""
        return len(self._open), len(self._idle)


def _give_up(turn: "asyncio.Future[Any]") -> None:
    if not turn.done():
        turn.set_exception(TimeoutError("no connection became free"))


class Database:
    """The primary and, where there is one, a replica."""

    def __init__(self, pool: Pool, replica: Pool | None = None) -> None:
        self.pool = pool
        self.replica = replica or pool

    def tx(self) -> Tx:
        """A transaction on the primary. In a request that holds one open already, that one goes on."""
        hold = _hold.get()
        return Tx(self, self.pool) if hold is None else hold.tx

    def read(self) -> Reader:
        """Reads, on the replica when there is one. Each statement sees its own moment."""
        hold = _hold.get()
        return Reader(self, self.replica) if hold is None else hold.tx

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.close()
        if self.replica is not self.pool:
            await self.replica.close()


async def open_pool(url: str, size: int, *, application: str = "majlis") -> Pool:
    """A pool of up to `size` connections. Raises OSError or asyncpg errors when the server is away."""

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
                "statement_timeout": str(int(STATEMENT_S * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            },
        )
        await prepare_connection(connection)
        return connection

    pool = Pool(connect, size)
    for connection in [await pool.open() for _ in range(min(READY, size))]:
        await pool.release(connection)
    return pool


async def retrying(work: Callable[[], Awaitable[T]], tries: int = 3) -> T:
    """Run a piece of work again after a deadlock or serialisation failure."""
    for attempt in range(1, tries + 1):
        try:
            return await work()
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            if attempt == tries:
                raise
            await asyncio.sleep(0.02 * attempt)
    raise AssertionError("unreachable")
