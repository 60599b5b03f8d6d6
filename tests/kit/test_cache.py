import asyncio
import math
import signal
from collections.abc import Awaitable

import pytest

from majlis.kit import cache as cache_module
from majlis.kit.cache import Breaker, Cache, MemoryCache, RedisCache, open_cache
from tests.kit.redis_server import RedisServer


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "memory" else request.getfixturevalue("redis").url


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    monotonic = __call__


def test_values_are_kept_replaced_and_deleted(url: str | None) -> None:
    async def body() -> None:
        cache = open_cache(url)
        assert await cache.get("a") is None
        await cache.set("a", b"1", 60)
        await cache.set("b", b"\x00\xff", 60)
        assert (await cache.get("a"), await cache.get("b")) == (b"1", b"\x00\xff")
        await cache.set("a", b"2", 60)
        assert await cache.get("a") == b"2"
        await cache.set("b", b"", 0)
        assert await cache.get("b") is None
        await cache.delete("a", "never there")
        await cache.delete()
        assert await cache.get("a") is None
        await cache.close()

    asyncio.run(body())


def test_values_expire(url: str | None) -> None:
    async def body() -> None:
        cache = open_cache(url)
        await cache.set("short", b"1", 0.05)
        await cache.set("long", b"1", 60)
        await asyncio.sleep(0.1)
        assert (await cache.get("short"), await cache.get("long")) == (None, b"1")
        await cache.close()

    asyncio.run(body())


def test_memory_drops_the_least_recently_used_and_counts_bytes() -> None:
    async def body() -> None:
        cache = MemoryCache(max_bytes=3 * (1000 + MemoryCache.ENTRY_BYTES + 1))
        for key in "abc":
            await cache.set(key, bytes(1000), 60)
        await cache.get("a")
        await cache.set("d", bytes(1000), 60)
        assert [await cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
        await cache.set("huge", bytes(10_000), 60)
        assert await cache.get("huge") is None
        assert len(cache) == 3
        await cache.delete("a", "c", "d")
        assert (len(cache), cache.bytes) == (0, 0)

    asyncio.run(body())


def test_memory_lets_go_of_what_expired() -> None:
    async def body() -> None:
        clock = Clock()
        cache = MemoryCache(clock=clock)
        await cache.set("a", b"1", 10)
        clock.now += 9.99
        assert await cache.get("a") == b"1"
        clock.now += 0.01
        assert await cache.get("a") is None
        assert cache.bytes == 0

    asyncio.run(body())


def test_a_missing_value_is_made_once_for_all_who_ask(url: str | None) -> None:
    async def body() -> None:
        cache = open_cache(url)
        made = 0
        everybody = asyncio.Event()

        async def make() -> bytes:
            nonlocal made
            made += 1
            await asyncio.sleep(0.02)
            return b"made"

        async def naive() -> bytes:
            kept = await cache.get("naive")
            if kept is None:
                kept = await make()
                if made == 20:
                    everybody.set()
                await everybody.wait()  # nobody keeps it before everybody has looked
                await cache.set("naive", kept, 60)
            return kept

        # The control: without the single flight every caller makes it.
        await asyncio.gather(*(naive() for _ in range(20)))
        assert made == 20
        made = 0
        assert set(await asyncio.gather(*(cache.get_or("k", 60, make) for _ in range(20)))) == {b"made"}
        assert await cache.get_or("k", 60, make) == b"made"
        assert made == 1
        await cache.delete("k", "naive")
        await cache.close()

    asyncio.run(body())


def test_an_error_reaches_all_and_is_not_kept() -> None:
    async def body() -> None:
        cache = MemoryCache()
        tries = 0

        async def make() -> bytes:
            nonlocal tries
            tries += 1
            await asyncio.sleep(0)
            if tries == 1:
                raise LookupError("gone")
            return b"found"

        results = await asyncio.gather(
            *(cache.get_or("k", 60, make) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [LookupError] * 3
        assert await cache.get_or("k", 60, make) == b"found"

    asyncio.run(body())


def test_a_caller_who_gives_up_fails_nobody_else() -> None:
    async def body() -> None:
        cache = MemoryCache()
        go = asyncio.Event()

        async def make() -> bytes:
            await go.wait()
            return b"made"

        first = asyncio.create_task(cache.get_or("k", 60, make))
        await asyncio.sleep(0)
        second = asyncio.create_task(cache.get_or("k", 60, make))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.set()
        assert await second == b"made"

    asyncio.run(body())


@pytest.mark.parametrize("change", ["delete", "set"])
def test_what_was_read_before_a_change_is_not_kept_after_it(change: str) -> None:
    async def body() -> None:
        cache = MemoryCache()
        go = asyncio.Event()
        row = b"old"

        async def make() -> bytes:
            seen = row
            await go.wait()
            return seen

        flight = asyncio.create_task(cache.get_or("k", 60, make))
        await asyncio.sleep(0.01)
        row = b"new"
        if change == "delete":
            await cache.delete("k")
        else:
            await cache.set("k", b"new", 60)
        go.set()
        assert await flight == b"old"
        assert await cache.get_or("k", 60, make) == b"new"

    asyncio.run(body())


def test_close_ends_what_is_being_made() -> None:
    async def body() -> None:
        cache = MemoryCache()

        async def make() -> bytes:
            await asyncio.sleep(60)
            return b""

        waiting = asyncio.create_task(cache.get_or("k", 60, make))
        await asyncio.sleep(0.01)
        await cache.delete("k")  # no longer the flight of its key, and still to be ended
        await cache.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(body())


async def _rested(cache: Cache) -> None:
    """Wait until Redis is asked again."""
    async with asyncio.timeout(60):
        while await cache.get("b") is None:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.05)


@pytest.mark.rule("afrochat:R19")
def test_redis_that_is_away_is_a_miss_and_comes_back(redis: RedisServer) -> None:
    async def body() -> None:
        cache = RedisCache(redis.url)
        await cache.set("a", b"1", 60)
        redis.kill()
        try:

            async def make() -> bytes:
                return b"made"

            assert await cache.get("a") is None
            assert cache.degraded
            assert await cache.get_or("a", 60, make) == b"made"
            await cache.set("a", b"1", 60)
            await cache.delete("a")
        finally:
            redis.start()
        other = RedisCache(redis.url)
        await other.set("b", b"2", 60)
        await _rested(cache)
        assert not cache.degraded
        await cache.close()
        await other.close()

    asyncio.run(body())


def test_redis_that_hangs_costs_one_timeout_and_not_each(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        other = RedisCache(redis.url)
        await other.set("b", b"1", 60)
        await other.close()
        monkeypatch.setattr(cache_module, "REDIS_TIMEOUT_S", 0.2)
        cache = RedisCache(redis.url)
        asked: list[str] = []
        ask = cache._redis.get

        def counted(key: str) -> Awaitable[bytes | None]:
            asked.append(key)
            return ask(key)

        monkeypatch.setattr(cache._redis, "get", counted)
        clock = Clock()
        monkeypatch.setattr(cache_module, "time", clock)
        redis.process.send_signal(signal.SIGSTOP)
        try:
            for tries in (1, 2):
                for _ in range(100):
                    assert await cache.get("b") is None
                assert len(asked) == tries, "and not a hundred"
                clock.now += 1
        finally:
            redis.process.send_signal(signal.SIGCONT)
        clock.now = math.inf  # it may always try
        await _rested(cache)
        await cache.close()

    asyncio.run(body())


def test_the_breaker_lets_one_caller_try_per_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(cache_module, "time", clock)
    breaker = Breaker("test", rest_s=0.05)
    assert breaker.allows()
    breaker.failed(OSError())
    clock.now += 0.04
    assert [breaker.allows(), breaker.down] == [False, True]
    clock.now += 0.02
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.worked()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]
