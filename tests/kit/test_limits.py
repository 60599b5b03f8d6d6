import asyncio
import math
import signal
import time
from collections.abc import Awaitable
from types import SimpleNamespace

import pytest
from limits import RateLimitItem
from redis.asyncio import Connection
from redis.exceptions import RedisError

from majlis.kit import cache
from majlis.kit.cache import outages, redis_client
from majlis.kit.errors import RateLimited
from majlis.kit.limits import (
    API,
    AUTH,
    BURST,
    IP,
    POST,
    UPLOAD,
    Limit,
    Limiter,
    MemoryWindow,
    Verdict,
    auth_key,
    client_ip,
    headers,
    ip_key,
    networks,
    within,
)
from tests.kit.redis_server import RedisServer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def rule(limit: Limit, number: int, amount: int, seconds: int) -> object:
    return pytest.param(limit, amount, seconds, marks=pytest.mark.rule(f"hamsaya:{number}"), id=limit.name)


@pytest.mark.parametrize(
    "limit,amount,seconds",
    [
        rule(AUTH, 60, 5, 900),
        rule(API, 61, 1000, 3600),
        rule(UPLOAD, 62, 10, 60),
        rule(POST, 63, 10, 3600),
        rule(IP, 64, 100, 3600),
        rule(BURST, 65, 20, 60),
    ],
)
def test_each_limit_lets_through_its_number_and_no_more(limit: Limit, amount: int, seconds: int) -> None:
    async def body() -> None:
        clock = Clock()
        limiter = Limiter(None, enabled=True, clock=clock)
        for left in range(amount - 1, -1, -1):
            assert await limiter.hit(limit, "one") == Verdict(amount, left, seconds, True)
        assert await limiter.hit(limit, "one") == Verdict(amount, 0, seconds, False)
        assert (await limiter.hit(limit, "another")).allowed
        clock.now += seconds - 0.001
        assert await limiter.hit(limit, "one") == Verdict(amount, 0, 1, False)
        clock.now += 0.001
        assert await limiter.hit(limit, "one") == Verdict(amount, amount - 1, seconds, True)

    asyncio.run(body())


def test_the_window_slides_and_a_refused_hit_does_not_count() -> None:
    async def body() -> None:
        clock = Clock()
        limiter, limit = Limiter(None, enabled=True, clock=clock), Limit("t", 2, 10)
        await limiter.hit(limit, "k")
        clock.now += 6
        await limiter.hit(limit, "k")
        for _ in range(5):
            assert await limiter.hit(limit, "k") == Verdict(2, 0, 4, False)
        clock.now += 4  # the first hit leaves; a fixed window would let two through here
        assert await limiter.hit(limit, "k") == Verdict(2, 0, 6, True)
        assert not (await limiter.hit(limit, "k")).allowed
        clock.now += 6
        assert await limiter.hit(limit, "k") == Verdict(2, 0, 4, True)

    asyncio.run(body())


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "memory" else request.getfixturevalue("redis").url


def test_check_cost_and_clear(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = float(int(time.time()))
    monkeypatch.setattr(time, "time", lambda: now)

    async def body() -> None:
        limiter, limit = Limiter(url, enabled=True, clock=lambda: now), Limit("costs", 5, 100)
        assert await limiter.check(limit, "k") == Verdict(5, 5, 0, True)
        assert await limiter.hit(limit, "k", cost=3) == Verdict(5, 2, 100, True)
        assert await limiter.check(limit, "k") == Verdict(5, 2, 100, True)
        assert await limiter.hit(limit, "k", cost=3) == Verdict(5, 2, 100, False)
        assert await limiter.hit(limit, "k", cost=2) == Verdict(5, 0, 100, True)
        assert await limiter.check(limit, "k") == Verdict(5, 0, 100, False)
        assert await limiter.hit(limit, "fresh", cost=6) == Verdict(5, 5, 100, False)
        await limiter.clear(limit, "k")
        assert await limiter.hit(limit, "k") == Verdict(5, 4, 100, True)
        await limiter.close()

    asyncio.run(body())


def test_long_keys_are_shortened_and_stay_apart(url: str | None) -> None:
    async def body() -> None:
        limiter, limit = Limiter(url, enabled=True), Limit("long", 1, 100)
        long = "x" * 100_000
        assert (await limiter.hit(limit, long + "a")).allowed
        assert (await limiter.hit(limit, long + "b\ud800")).allowed
        assert not (await limiter.hit(limit, long + "a")).allowed
        assert not (await limiter.check(limit, long + "a")).allowed
        await limiter.clear(limit, long + "a")
        assert (await limiter.hit(limit, long + "a")).allowed
        await limiter.close()

    asyncio.run(body())


def test_switched_off_nothing_counts() -> None:
    async def body() -> None:
        limiter = Limiter("redis://127.0.0.1:1/0", enabled=False)
        for _ in range(50):
            assert (await limiter.hit(AUTH, "k")).allowed
        assert await limiter.check(AUTH, "k") == Verdict(5, 5, 0, True)
        assert not limiter.degraded
        await limiter.close()

    asyncio.run(body())


def test_memory_forgets_expired_keys_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    window = MemoryWindow(Limit("t", 3, 60))
    for number in range(1000):
        window.hit(f"old{number}", 1, 0.0)
    for number in range(600):
        window.hit(f"new{number}", 1, 61.0)
    assert len(window) == 600
    assert window.check("old1", 61.0).remaining == 3

    monkeypatch.setattr(MemoryWindow, "MAX_KEYS", 100)
    window = MemoryWindow(Limit("t", 3, 60))
    for number in range(90):
        window.hit(f"first{number}", 1, 0.0)
    window.hit("first0", 1, 1.0)
    for number in range(50):
        window.hit(f"flood{number}", 1, 1.0)
    assert len(window) <= 100
    assert window.check("first0", 1.0).remaining == 1, "kept, as it was counted after the others"
    assert window.check("first1", 1.0).remaining == 3
    assert window.check("flood49", 1.0).remaining == 2


def test_a_hit_in_memory_asks_nobody() -> None:
    async def body() -> None:
        limiter = Limiter(None, enabled=True)
        for _ in range(2):
            with pytest.raises(StopIteration):  # it ends at once: whoever asks another waits for the answer
                limiter.hit(API, "user").send(None)
        assert (await limiter.check(API, "user")).remaining == API.amount - 2

    asyncio.run(body())


@pytest.mark.rule("hamsaya:66")
@pytest.mark.rule("afrochat:R6", "x18:R33")
def test_redis_counts_for_all_processes_in_a_sliding_window(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = float(int(time.time()))  # of which no part is lost on the way
    monkeypatch.setattr(time, "time", lambda: now)

    async def body() -> None:
        nonlocal now
        one, two = Limiter(redis.url, enabled=True), Limiter(redis.url, enabled=True)
        limit = Limit("shared", 2, 600)
        assert (await one.hit(limit, "k")).allowed
        now += 400
        assert (await two.hit(limit, "k")).allowed
        refused = await one.hit(limit, "k")
        assert refused == Verdict(2, 0, 200, False)
        now += 201
        assert (await two.hit(limit, "k")).allowed, "the first hit has left the window"
        assert not (await one.hit(limit, "k")).allowed, "the second has not"
        assert not one.degraded
        # Another limit and another key are counted apart.
        assert (await one.hit(Limit("other", 2, 600), "k")).remaining == 1
        assert (await one.hit(limit, "l")).remaining == 1
        await one.close()
        await two.close()

    asyncio.run(body())


def test_redis_lets_old_keys_expire(redis: RedisServer) -> None:
    async def body() -> None:
        limiter, client = Limiter(redis.url, enabled=True), redis_client(redis.url)
        await limiter.hit(Limit("expiring", 2, 600), "k")
        (key,) = await client.keys("majlis:limits:*expiring*")
        assert 0 < await client.ttl(key) <= 600
        await limiter.close()
        await client.aclose()

    asyncio.run(body())


async def until_back(limiter: Limiter) -> None:
    """Wait until Redis is asked again."""
    async with asyncio.timeout(60):
        while limiter.degraded:
            await limiter.check(API, "anybody")
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("limit", [AUTH, BURST], ids=["auth", "burst"])
def test_without_redis_limits_go_on_in_memory(redis: RedisServer, limit: Limit) -> None:
    async def body() -> None:
        limiter = Limiter(redis.url, enabled=True)
        assert (await limiter.hit(limit, "k")).remaining == limit.amount - 1
        assert not limiter.degraded
        redis.kill()
        try:
            verdicts = [await limiter.hit(limit, "k") for _ in range(limit.amount + 3)]
            assert [verdict.allowed for verdict in verdicts] == [True] * limit.amount + [False] * 3
            assert limiter.degraded
            assert not (await limiter.check(limit, "k")).allowed
            await limiter.clear(limit, "k")
            assert (await limiter.hit(limit, "k")).allowed
        finally:
            redis.start()
        await until_back(limiter)
        assert (await limiter.hit(limit, "k")).remaining == limit.amount - 1, "counted in Redis again"
        await limiter.close()

    asyncio.run(body())


def test_redis_never_there_from_the_start() -> None:
    async def body() -> None:
        limiter = Limiter("redis://127.0.0.1:1/0", enabled=True)
        assert [(await limiter.hit(AUTH, "k")).allowed for _ in range(6)] == [True] * 5 + [False]
        assert limiter.degraded
        await limiter.close()

    asyncio.run(body())


def test_a_hanging_redis_costs_one_timeout_and_not_each(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "REDIS_TIMEOUT_S", 0.2)

    async def body() -> None:
        limiter = Limiter(redis.url, enabled=True)
        asked: list[str] = []
        ask = limiter._shared.hit

        def counted(item: RateLimitItem, key: str, cost: int) -> Awaitable[bool]:
            asked.append(key)
            return ask(item, key, cost=cost)

        monkeypatch.setattr(limiter._shared, "hit", counted)
        now = 1000.0
        monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: now))
        redis.process.send_signal(signal.SIGSTOP)
        try:
            verdicts = await asyncio.gather(*(limiter.hit(API, f"k{number}") for number in range(50)))
            assert all(verdict.allowed for verdict in verdicts)
            assert len(asked) == 50, "they wait together"
            for more in (0, 1):
                for _ in range(50):
                    await limiter.hit(API, "k")
                assert len(asked) == 50 + more
                now += 1
        finally:
            redis.process.send_signal(signal.SIGCONT)
        now = math.inf  # it may always try
        await until_back(limiter)
        await limiter.close()

    asyncio.run(body())


async def cancelled_echo(redis: RedisServer, connection: Connection, guarded: bool) -> None:
    """Ask for an ECHO and give up before its answer comes, as Redis stands still until then."""

    sent = asyncio.Event()

    async def ask() -> None:
        await connection.send_command("ECHO", "for somebody else")
        sent.set()
        await connection.read_response(disconnect_on_error=guarded)

    redis.process.send_signal(signal.SIGSTOP)
    try:
        task = asyncio.create_task(ask())
        await sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        redis.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "control"])
def test_the_answer_to_a_cancelled_command_goes_to_nobody(redis: RedisServer, guarded: bool) -> None:
    """CVE-2023-28858: redis-py closes the connection; without that, the answer goes to whoever asks next."""

    async def body() -> None:
        connection = Connection(port=redis.port, protocol=2)
        await connection.connect()
        await cancelled_echo(redis, connection, guarded)
        await connection.send_command("ECHO", "mine")
        assert await connection.read_response() == (b"mine" if guarded else b"for somebody else")
        await connection.disconnect()

    asyncio.run(body())


def test_cancelled_hits_mislead_nobody(redis: RedisServer) -> None:
    async def body() -> None:
        limiter = Limiter(redis.url, enabled=True)
        limit = Limit("cancelled", 50, 600)
        for used in range(10):
            await limiter.hit(limit, f"u{used}", cost=used + 1)

        async def all_true() -> None:
            told = await asyncio.gather(*(limiter.check(limit, f"u{used}") for used in range(10)))
            assert [verdict.remaining for verdict in told] == [49 - used for used in range(10)]
            assert not limiter.degraded

        for turns in range(60):  # cancelled at each point where a hit waits
            task = asyncio.create_task(limiter.hit(limit, "victim"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await all_true()
        for _ in range(3):  # and with the answers still to come
            redis.process.send_signal(signal.SIGSTOP)
            tasks = [asyncio.create_task(limiter.hit(limit, "victim")) for _ in range(20)]
            await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            for _ in range(20):
                await asyncio.sleep(0)
            # The client loses a cancellation that comes while it looks at a connection: such a hit waits for its answer.
            redis.process.send_signal(signal.SIGCONT)
            await asyncio.gather(*tasks, return_exceptions=True)
            await all_true()
        await limiter.close()

    asyncio.run(body())


def test_errors_of_redis_are_outages() -> None:
    assert issubclass(RedisError, outages())
    assert issubclass(TimeoutError, outages())


@pytest.mark.rule("hamsaya:67")
def test_a_refusal_is_429_with_its_headers() -> None:
    refusal = Limiter.refuse(Verdict(5, 0, 42, False))
    assert isinstance(refusal, RateLimited)
    assert refusal.status == 429
    assert refusal.headers == {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "42",
        "Retry-After": "42",
    }
    assert "Retry-After" not in headers(Verdict(5, 1, 42, True))
    assert headers(Verdict(5, 0, 0, False))["Retry-After"] == "1"


PROXIES = networks("10.0.0.0/8, 192.168.1.1,fd00::/8")


@pytest.mark.parametrize(
    "peer,forwarded,expected",
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),  # forged, by a peer that is no proxy
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),  # forged, through a proxy
        ("10.0.0.1", "127.0.0.1, 10.0.0.5, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6,203.0.113.9 , 10.2.2.2,192.168.1.1", "203.0.113.9"),
        ("10.0.0.1", "10.9.9.9, 10.2.2.2", "10.9.9.9"),  # all are proxies: the outermost
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, nonsense, 10.2.2.2", "10.2.2.2"),
        ("10.0.0.1", "6.6.6.6,, 10.2.2.2", "10.2.2.2"),
        ("10.0.0.1", "unknown, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "2001:DB8:0::7", "2001:db8::7"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "6.6.6.6", "203.0.113.9"),
        ("10.0.0.1", "1" * 100_000, "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6," + "10.0.0.2," * 5000 + "10.0.0.3", "10.0.0.2"),
        ("", "6.6.6.6", ""),
        ("testclient", "6.6.6.6", "testclient"),
    ],
)
def test_client_ip(peer: str, forwarded: str | None, expected: str) -> None:
    assert client_ip(peer, forwarded, PROXIES) == expected


def test_client_ip_without_trusted_proxies_is_the_peer() -> None:
    assert client_ip("10.0.0.1", "6.6.6.6", ()) == "10.0.0.1"


@pytest.mark.parametrize(
    "ip,key",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
    ],
)
def test_ip_key(ip: str, key: str) -> None:
    assert ip_key(ip) == key


def test_auth_key_is_the_account_as_tried_from_one_address() -> None:
    assert auth_key(" Zahra@Example.org", "2001:db8::1") == auth_key("zahra@example.org", "2001:db8::2")
    assert auth_key("zahra@example.org", "203.0.113.9") != auth_key("zahra@example.org", "203.0.113.8")
    assert auth_key("zahra@example.org", "203.0.113.9") != auth_key("omid@example.org", "203.0.113.9")


def test_networks_are_read_once_and_checked() -> None:
    assert networks("10.0.0.0/8, 192.168.1.1") is networks("10.0.0.0/8, 192.168.1.1")
    assert networks("") == ()
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        networks("10.0.0.0/33")
    assert within("10.1.2.3", PROXIES)
    assert within("::ffff:10.1.2.3", PROXIES)
    assert not within("11.1.2.3", PROXIES)
    assert not within("testclient", PROXIES)
