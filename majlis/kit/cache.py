"""A cache of bytes in memory or Redis, and the manners towards a Redis that may be away."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from majlis.kit import log

if TYPE_CHECKING:  # half a second of imports that a server without Redis does not need
    from redis.asyncio import Redis

logger = log.get("majlis.cache")

Make = Callable[[], Awaitable[bytes]]

REDIS_TIMEOUT_S = 0.5
"""What one call to Redis may cost a request, in seconds: connecting, sending, and the reply, each."""


def outages() -> tuple[type[Exception], ...]:
    """What a client of `redis_client` raises when Redis is away or refuses; for `except`, which asks only then."""
    from redis.exceptions import RedisError

    return RedisError, OSError


def redis_client(url: str) -> "Redis":
    """A client that fails fast instead of retrying, and waits for a connection instead of opening too many.

    A cancelled command costs its connection (redis-py closes it), so its reply cannot reach the next caller.
    """
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=32,
        timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return Redis.from_pool(pool)


class Breaker:
    """Leaves a failing service alone for `rest_s` seconds, so that not every request waits for a timeout."""

    def __init__(self, service: str, rest_s: float = 1.0) -> None:
        self.down = False
        self._service = service
        self._rest_s = rest_s
        self._retry_at = 0.0

    def allows(self) -> bool:
        """Whether to try now; while the service is down, one caller per rest is let through."""
        if not self.down:
            return True
        now = time.monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + self._rest_s
        return True

    def failed(self, error: BaseException) -> None:
        """Record a failure; the first of an outage is logged."""
        self._retry_at = time.monotonic() + self._rest_s
        if not self.down:
            self.down = True
            logger.warning("service_lost", service=self._service, error=str(error) or repr(error))

    def worked(self) -> None:
        """Record a success; the first after an outage is logged."""
        if self.down:
            self.down = False
            logger.info("service_back", service=self._service)


class Cache(ABC):
    """Keeps bytes for a time. Whatever it holds can be gone at any moment."""

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Task[bytes]] = {}
        self._tasks: set[asyncio.Task[bytes]] = set()

    @abstractmethod
    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none (or the store does not answer)."""

    @abstractmethod
    async def _store(self, key: str, value: bytes, ttl_s: float) -> None: ...

    @abstractmethod
    async def _forget(self, keys: tuple[str, ...]) -> None: ...

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for `ttl_s` seconds; best effort."""
        self._flights.pop(key, None)
        await self._store(key, value, ttl_s)

    async def delete(self, *keys: str) -> None:
        """Forget these keys. A value that `get_or` is making for one of them will not be kept."""
        for key in keys:
            self._flights.pop(key, None)
        if keys:
            await self._forget(keys)

    async def get_or(self, key: str, ttl_s: float, make: Make) -> bytes:
        """The kept value, else what `make` returns, kept for `ttl_s` seconds.

        Within this process `make` runs once for all who ask meanwhile; its error reaches them all and is not
        kept. It runs in a task of its own, so it must not use the caller's transaction.
        """
        flight = self._flights.get(key)
        if flight is None:
            kept = await self.get(key)
            if kept is not None:
                return kept
            flight = self._flights.get(key) or self._take_off(key, ttl_s, make)
        # Shielded: one caller who gives up must not fail the others.
        return await asyncio.shield(flight)

    def _take_off(self, key: str, ttl_s: float, make: Make) -> asyncio.Task[bytes]:
        flight = asyncio.create_task(self._fly(key, ttl_s, make))
        flight.add_done_callback(self._landed)
        self._tasks.add(flight)
        self._flights[key] = flight
        return flight

    async def _fly(self, key: str, ttl_s: float, make: Make) -> bytes:
        this = asyncio.current_task()
        try:
            value = await make()
            # A delete or set since the start made this value old: hand it out, but do not keep it.
            if self._flights.get(key) is this:
                await self._store(key, value, ttl_s)
            return value
        finally:
            if self._flights.get(key) is this:
                del self._flights[key]

    def _landed(self, flight: asyncio.Task[bytes]) -> None:
        """Look at the error, which nobody else does once every caller has given up."""
        self._tasks.discard(flight)
        if not flight.cancelled() and flight.exception() is not None:
            logger.debug("cache_make_failed", error=repr(flight.exception()))

    async def close(self) -> None:
        """Give up what is being made and close connections."""
        for flight in self._tasks:
            flight.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class MemoryCache(Cache):
    """Least recently used entries leave first. Each process has its own: a delete reaches no other process,
    so a value that must vanish everywhere needs a hint on the bus or a short time to live.
    """

    ENTRY_BYTES = 200
    """About what key, tuple and table slot of an entry weigh."""

    def __init__(
        self, max_bytes: int = 32 * 1024 * 1024, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.bytes = 0
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none or its time is over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[1]

    async def _store(self, key: str, value: bytes, ttl_s: float) -> None:
        self._drop(key)
        weight = len(key) + len(value) + self.ENTRY_BYTES
        if ttl_s <= 0 or weight > self._max_bytes:
            return
        self._entries[key] = (self._clock() + ttl_s, value)
        self.bytes += weight
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def _forget(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            self._drop(key)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= len(key) + len(entry[1]) + self.ENTRY_BYTES


class RedisCache(Cache):
    """Shared by all processes. A Redis that is away is a miss; a delete it did not hear leaves the old value
    for its time to live.
    """

    PREFIX = "majlis:cache:"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = redis_client(url)
        self._breaker = Breaker("redis cache")

    @property
    def degraded(self) -> bool:
        """Whether Redis is known to be away."""
        return self._breaker.down

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none or Redis is away."""
        if not self._breaker.allows():
            return None
        try:
            value = cast(bytes | None, await self._redis.get(self.PREFIX + key))
        except outages() as error:
            self._breaker.failed(error)
            return None
        self._breaker.worked()
        return value

    async def _store(self, key: str, value: bytes, ttl_s: float) -> None:
        if ttl_s <= 0:
            await self._forget((key,))
        elif self._breaker.allows():
            try:
                await self._redis.set(self.PREFIX + key, value, px=max(1, int(ttl_s * 1000)))
            except outages() as error:
                self._breaker.failed(error)
            else:
                self._breaker.worked()

    async def _forget(self, keys: tuple[str, ...]) -> None:
        # Tried even while Redis rests: an unheard delete leaves something old, an unheard set does not.
        try:
            await self._redis.delete(*(self.PREFIX + key for key in keys))
        except outages() as error:
            self._breaker.failed(error)
        else:
            self._breaker.worked()

    async def close(self) -> None:
        """Give up what is being made and close the connections."""
        await super().close()
        await self._redis.aclose()


def open_cache(redis_url: str | None) -> Cache:
    """A cache in Redis when there is one, else in this process's memory."""
    return RedisCache(redis_url) if redis_url else MemoryCache()
