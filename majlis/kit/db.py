"""PostgreSQL: typed queries, transactions that begin late, reads that may go to a replica.

A transaction takes a connection and says BEGIN only at its first statement. A service whose whole
work is one statement ends with `tx.last(…)`, which then needs no BEGIN and COMMIT around it: one
round trip instead of three.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, TypeVar, cast

import asyncpg

from majlis.kit import log
from majlis.kit.codecs import prepare_connection as prepare_connection
from majlis.kit.joint import Joint as Joint
from majlis.kit.joint import Together
from majlis.kit.pool import Pool as Pool
from majlis.kit.pool import open_pool as open_pool
from majlis.kit.query import Query as Query
from majlis.kit.query import in_turn as in_turn
from majlis.kit.versions import Versions

T = TypeVar("T")
logger = log.get("majlis.db")
# How PostgreSQL ends a transaction so that others can go on: nothing of it is stored, and it may be tried again.
GAVE_WAY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


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

    async def joint(self, query: Joint[T], *args: Any) -> list[Any]:
        """The rows as they come; asked together with what other requests ask of the same query."""
        if not self._alone:
            return await self.records(query.sql, *args)
        self.queries += 1
        return await self._db.together[self._pool].ask(query, args)

    def versions(self, name: str, most: int) -> Versions[Any]:
        """What was made of rows of this database, by a name; at most so many values are kept."""
        return self._db.versions(name, most)

    @property
    def _alone(self) -> bool:
        """Whether nothing is under way that the next statement would have to join."""
        return self._connection is None and self._pool.may_autocommit

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

    __slots__ = ("_after", "_begun", "_name", "_sealed", "first")

    def __init__(self, db: "Database", pool: "Pool") -> None:
        super().__init__(db, pool)
        self._begun = False
        self._sealed = False
        self._after: list[Callable[[], None]] = []
        self._name = 0
        self.first: Callable[[Tx], Awaitable[None]] | None = None  # done as soon as the transaction begins

    async def _conn(self) -> Any:
        if self._sealed:
            raise Sealed("no statement may follow tx.last()")
        if not self._begun:
            self._connection = await self._pool.acquire()
            self._begun = True  # before it is: whoever is cut off in the middle must roll back
            await self._connection.execute(self._pool.begin)
            if self.first is not None:
                await self.first(self)
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
        if not self._alone:
            result = await self.one(query, *args)
            self._sealed = not self._pool.nested and _hold.get() is None
            return result
        self._sealed = True
        self.queries += 1
        if isinstance(query, Joint):
            rows = await self._db.together[self._pool].ask(query, args)
            return query.make(rows[0]) if rows else None
        self._connection = await self._pool.acquire()
        record = await self._connection.fetchrow(query.sql, *args)
        return None if record is None else query.make(record)

    @property
    def _alone(self) -> bool:
        return not self._begun and not self._sealed and self._pool.may_autocommit and _hold.get() is None

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
        except BaseException as error:
            if not self._pool.nested:
                self._connection.terminate()
            if commit or not isinstance(error, Exception):
                raise
            # The caller hears what made it roll back; that may be that the caller itself is cut off.
            logger.warning("rollback_failed", error=repr(error))
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
            try:
                await self._tx.run(f"ROLLBACK TO SAVEPOINT {self._at}")
            except Exception as lost:
                if isinstance(error, Exception):
                    raise  # whoever passes over the error must not go on as if its part were undone
                logger.warning("rollback_failed", error=repr(lost))


class Hold:
    """Joins all transactions of a request into one, which stays open until its answer is known.

    So the answer can be stored together with the work. Leaving the block commits, an error rolls back. The
    transaction begins with the request's first statement, behind `first`: what comes before, such as the
    processing of pictures, holds no connection.
    """

    def __init__(self, db: "Database", first: Callable[[Tx], Awaitable[None]] | None = None) -> None:
        self.tx = Tx(db, db.pool)
        self.tx.first = first
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


class Database:
    """The primary and, where there is one, a replica."""

    def __init__(self, pool: Pool, replica: Pool | None = None) -> None:
        self.pool = pool
        self.replica = replica or pool
        self.together = {pool: Together(pool) for pool in {self.pool, self.replica}}
        self._versions: dict[str, Versions[Any]] = {}

    def tx(self) -> Tx:
        """A transaction on the primary. In a request that holds one open already, that one goes on."""
        hold = _hold.get()
        return Tx(self, self.pool) if hold is None else hold.tx

    def versions(self, name: str, most: int) -> Versions[Any]:
        """See Reader.versions."""
        found = self._versions.get(name)
        if found is None:
            found = self._versions[name] = Versions(most)
        return found

    def forget(self) -> None:
        """Drop what was made of rows, as a start does."""
        self._versions.clear()

    @property
    def held(self) -> bool:
        """Whether one transaction spans the whole request, as it does under an Idempotency-Key."""
        return _hold.get() is not None

    def read(self) -> Reader:
        """Reads, on the replica when there is one. Each statement sees its own moment."""
        hold = _hold.get()
        return Reader(self, self.replica) if hold is None else hold.tx

    def fresh(self) -> Reader:
        """Reads on the primary, where everything is seen that was committed. Each statement sees its own moment."""
        hold = _hold.get()
        return Reader(self, self.pool) if hold is None else hold.tx

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.close()
        if self.replica is not self.pool:
            await self.replica.close()


async def retrying(work: Callable[[], Awaitable[T]], tries: int = 3) -> T:
    """Run a piece of work again after a deadlock or serialisation failure."""
    for attempt in range(1, tries + 1):
        try:
            return await work()
        except GAVE_WAY:
            if attempt == tries:
                raise
            await asyncio.sleep(0.02 * attempt)
    raise AssertionError("unreachable")
