"""Two serving processes over one database: lost hints, kill -9, slow readers, races, revocation.

What the test process itself writes is committed without any hint to them: as if by a process that died.
"""

import asyncio
import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from majlis.features.conversations import service as conversations
from majlis.vendors.images import ImagePool
from tests import world as worlds
from tests.conftest import _create, _name
from tests.servers import PATIENT, Serving
from tests.surfaces.realtime.talking import dm, remove, write
from tests.surfaces.realtime.wires import dial
from tests.world import SECRET, Person, World

CEILING_S = 60.0
Frame = dict[str, Any]


class Town(NamedTuple):
    """Two nodes, and the database behind them."""

    world: World
    one: Serving
    two: Serving
    environment: dict[str, str]


@pytest.fixture(scope="module")
def town(
    runner: asyncio.Runner,
    postgres: Callable[[str], str],
    template: str,
    pictures: ImagePool,
    scratch: Path,
) -> Iterator[Town]:
    runner.run(_create(postgres("postgres"), _name(postgres, "majlis_nodes"), _name(postgres, template)))
    url = postgres("majlis_nodes")
    db = runner.run(worlds.real_database(url))
    world = World(runner, worlds.app_over(db, worlds.settings_for(scratch / "nodes", url), pictures), url)
    environment = {"MAJLIS_DATABASE_URL": url, "MAJLIS_SECRET_KEY": SECRET}
    servers = [Serving(scratch / f"node{n}", program=PATIENT, **environment) for n in (1, 2)]
    try:
        for server in servers:  # which start side by side
            server.wait()
        yield Town(world, servers[0], servers[1], environment)
    finally:
        for server in servers:
            server.stop()
        world.close()
        runner.run(db.close())


class Reader:
    """A client that follows one stream, and what it has of it."""

    def __init__(self, wire: ClientConnection, stream: str) -> None:
        self.wire, self.stream = wire, stream
        self.seqs: list[int] = []
        self.frames: list[Frame] = []

    async def subscribe(self, after: int | None = None) -> Frame:
        """Follow, from a place or from now on; the answer."""
        wanted = {self.stream: {} if after is None else {"after_seq": after}}
        await self.wire.send(json.dumps({"t": "subscribe", "id": "s", "streams": wanted}))
        answer = await self.until(lambda frame: frame.get("id") == "s")
        found: Frame = answer["streams"][self.stream]
        return found

    async def next(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(CEILING_S):
            frame: Frame = json.loads(await self.wire.recv())
        self.frames.append(frame)
        if frame["t"] == "event" and frame["stream"] == self.stream:
            self.seqs.append(frame["seq"])
        return frame

    async def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next frame of a kind."""
        while not wanted(frame := await self.next()):
            pass
        return frame

    async def reach(self, seq: int) -> list[int]:
        """Read until this entry; the numbers of all that came."""
        while not self.seqs or self.seqs[-1] < seq:
            await self.next()
        return self.seqs

    async def ask(self, t: str, **fields: Any) -> Frame:
        """Send a frame and wait for its answer."""
        id = str(uuid.uuid4())
        await self.wire.send(json.dumps({"t": t, "id": id, **fields}))
        return await self.until(lambda frame: frame.get("id") == id)

    async def say(self, text: str, key: str | None = None) -> Frame:
        """Send a message."""
        message = {"type": "text", "text": text}
        return await self.ask(
            "send", stream=self.stream, client_msg_id=key or str(uuid.uuid4()), message=message
        )

    async def ended(self) -> int:
        """Wait until the server closes it; the code."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await self.next()
        code = self.wire.close_code
        assert code is not None
        return code


@contextlib.asynccontextmanager
async def reading(node: Serving, who: Person, stream: str, **options: Any) -> AsyncIterator[Reader]:
    """Somebody who may follow a stream at a node."""
    async with dial(node.port, who.token, **options) as wire:
        yield Reader(wire, stream)


def pair(town: Town) -> tuple[Person, Person, str]:
    amina, bilal = town.world.person("Amina"), town.world.person("Bilal")
    return amina, bilal, dm(town.world, amina, bilal)


@pytest.mark.rule("afrochat:R14")
def test_a_message_at_one_node_is_heard_at_the_other(town: Town) -> None:
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with reading(town.one, amina, stream) as a, reading(town.two, bilal, stream) as b:
            await a.subscribe()
            await b.subscribe()
            sent = await a.say("salaam")
            assert (sent["t"], sent["seq"]) == ("sent", 1)
            await a.reach(1)
            await b.reach(1)
            await a.wire.send(json.dumps({"t": "typing", "stream": stream}))
            assert (await b.until(lambda frame: frame["t"] == "eph"))["data"]["user_id"] == str(amina.id)

    town.world.go(main())


def test_what_was_committed_and_never_told_is_found(town: Town) -> None:
    """In the middle by the number that comes next, at the end by comparing with the log."""
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with reading(town.one, amina, stream) as a, reading(town.two, bilal, stream) as b:
            await a.subscribe()
            await b.subscribe()
            await write(town.world, bilal.me, stream, "1, never told")
            await write(town.world, bilal.me, stream, "2, never told")
            assert (await a.say("3, told"))["seq"] == 3
            for one in (a, b):
                assert await one.reach(3) == [1, 2, 3]
            await write(town.world, bilal.me, stream, "4, never told, nor is anything after it")
            for one in (a, b):
                assert await one.reach(4) == [1, 2, 3, 4]

    town.world.go(main())


DYING = """
import asyncio, os, signal, sys
from uuid import UUID
from majlis import main
from majlis.features.messages import service as messages
from majlis.features.messages.model import Sending
from majlis.kit.me import Me
from majlis.settings import Settings

async def die(url, folder, conversation, sender):
    async with main.opened(Settings(database_url=url, secret_key="s" * 32, data_dir=folder), url) as app:
        async with app.db.tx() as tx:
            # Called before any hint is given: what is committed is all that is left of this process.
            tx.after_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
            await messages.send(tx, Me(id=UUID(sender)), UUID(conversation), Sending(text="my last words"))

asyncio.run(die(*sys.argv[1:]))
"""


def test_kill_9_between_commit_and_hint_loses_nothing(town: Town, scratch: Path) -> None:
    amina, bilal, stream = pair(town)
    arguments = [town.world.url, str(scratch / "dying"), stream[2:], str(bilal.id)]

    async def main() -> None:
        async with reading(town.one, amina, stream) as a, reading(town.two, amina, stream) as b:
            await a.subscribe()
            await b.subscribe()
            died = await asyncio.to_thread(
                subprocess.run, [sys.executable, "-c", DYING, *arguments], timeout=CEILING_S, check=False
            )
            assert died.returncode == -signal.SIGKILL
            for one in (a, b):
                assert await one.reach(1) == [1]
                assert one.frames[-1]["data"]["message"]["text"] == "my last words"

    town.world.go(main())


def test_whoever_listens_goes_on_when_the_bus_breaks(town: Town) -> None:
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with reading(town.one, amina, stream) as a, reading(town.two, bilal, stream) as b:
            await a.subscribe()
            await b.subscribe()
            for n in range(1, 31):
                if n % 10 == 0:
                    async with town.world.app.db.tx() as tx:
                        await tx.records(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'majlis bus'"
                        )
                assert (await a.say(f"{n}"))["seq"] == n
            for one in (a, b):
                assert await one.reach(30) == list(range(1, 31))

    town.world.go(main())


def test_the_same_message_at_both_nodes_at_once_is_one(town: Town) -> None:
    amina, _bilal, stream = pair(town)

    async def main() -> None:
        async with reading(town.one, amina, stream) as a, reading(town.two, amina, stream) as b:
            for n in range(1, 21):
                key = f"key {n}"
                first, second = await asyncio.gather(a.say("hi", key), b.say("hi", key))
                assert {first["seq"], second["seq"]} == {n}, (first, second)
                assert first["message_id"] == second["message_id"]
                assert sorted((first["duplicate"], second["duplicate"])) == [False, True]

    town.world.go(main())
    found = town.world.sql("SELECT count(*) AS n FROM messages WHERE conversation_id = $1", UUID(stream[2:]))
    assert found == [{"n": 20}]


def test_many_write_and_readers_who_come_and_go_miss_nothing(town: Town) -> None:
    """A hundred devices at once into one conversation, through both nodes."""
    owner, *others = [town.world.person() for _ in range(50)]
    readers = others[45:]
    senders = ([owner, *others[:45]] * 3)[:100]
    choose = random.Random(11)
    messages_each = 4
    total = len(senders) * messages_each

    async def open_group() -> str:
        async with town.world.app.db.tx() as tx:
            everybody = [one.id for one in others]
            return f"c_{await conversations.open_group(tx, owner.me, 'group_dm', everybody, 'all')}"

    async def write_some(at: int, who: Person, stream: str) -> None:
        async with reading((town.one, town.two)[at % 2], who, stream) as one:
            for n in range(messages_each):
                sent = await one.say(f"{at}:{n}")
                assert sent["t"] == "sent", sent

    async def read_all(who: Person, stream: str) -> tuple[list[int], int]:
        got: list[int] = []
        visits = 0
        while len(got) < total:
            visits += 1
            async with reading(choose.choice((town.one, town.two)), who, stream) as one:
                answer = await one.subscribe(got[-1] if got else 0)
                assert answer["status"] == "resumed", answer
                enough = min(total, len(got) + choose.randint(1, 60))
                for seq in await one.reach(enough):
                    if len(got) < enough:
                        got.append(seq)
                one.wire.transport.abort()  # without a word
        return got, visits

    async def main() -> None:
        stream = await open_group()
        async with asyncio.timeout(4 * CEILING_S):
            found, _ = await asyncio.gather(
                asyncio.gather(*(read_all(who, stream) for who in readers)),
                asyncio.gather(*(write_some(at, who, stream) for at, who in enumerate(senders))),
            )
        for got, visits in found:
            assert got == list(range(1, total + 1))
            assert visits > 3

    town.world.go(main())


@pytest.mark.rule("afrochat:R17")
def test_whoever_ceases_to_read_is_closed_and_loses_nothing(town: Town) -> None:
    amina, bilal, stream = pair(town)
    text = "a" * 16_000

    async def main() -> None:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)  # so that less is kept on the way
        narrow.connect(("127.0.0.1", town.one.port))
        narrow.setblocking(False)
        async with (
            reading(town.one, amina, stream, sock=narrow, max_queue=1, ping_interval=None) as stuck,
            reading(town.one, bilal, stream) as writing,
        ):
            await stuck.subscribe()
            before, there = _memory(town.one), await sockets_at(town.one)
            stuck.wire.transport.pause_reading()
            last = 0
            while await sockets_at(town.one) == there:
                assert last < 480  # what the kernel and the server keep for one reader is less than 8 MiB
                for _ in range(10):
                    last = (await writing.say(text))["seq"]
            assert _memory(town.one) - before < 32 * 1024  # KiB
            stuck.wire.transport.resume_reading()
            assert await stuck.ended() == 4440
            closing = stuck.frames[-1]
            assert (closing["t"], closing["code"], closing["resume"]) == ("closing", 4440, True)
            got = len(stuck.seqs)
            assert stuck.seqs == list(range(1, got + 1)) and got < last
        async with reading(town.two, amina, stream) as again:
            assert await again.subscribe(got) == {"status": "resumed", "seq": last, "replay": last - got}
            assert await again.reach(last) == list(range(got + 1, last + 1))

    town.world.go(main())


async def sockets_at(node: Serving) -> float:
    """How many are open there."""
    async with httpx.AsyncClient(base_url=node.url, trust_env=False, timeout=CEILING_S) as client:
        text = (await client.get("/metrics")).text
    return float(next(line for line in text.splitlines() if line.startswith("majlis_sockets ")).split()[1])


def _memory(server: Serving) -> int:
    """KiB that a server holds."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def test_a_session_that_ends_at_one_node_is_silenced_at_the_other(town: Town) -> None:
    amina, _bilal, stream = pair(town)

    async def main() -> None:
        async with reading(town.two, amina, stream) as a:
            await a.subscribe()
            async with httpx.AsyncClient(base_url=town.one.url, trust_env=False, timeout=CEILING_S) as client:
                answer = await client.post("/api/v1/auth/logout", headers=amina.auth, json={})
                assert answer.status_code == 204
            assert await a.ended() == 4401

    town.world.go(main())


def test_a_removal_at_one_node_counts_at_the_other(town: Town) -> None:
    """Even where nobody is told of it but by the log."""
    amina, bilal, dara = (town.world.person() for _ in range(3))

    async def main() -> None:
        async with town.world.app.db.tx() as tx:
            made = await conversations.open_group(tx, amina.me, "group_dm", [bilal.id, dara.id])
        stream = f"c_{made}"
        async with reading(town.one, amina, stream) as a, reading(town.two, bilal, stream) as b:
            await a.subscribe()
            await b.subscribe()
            await remove(town.world, amina, stream, bilal)
            assert (await a.say("among us"))["seq"] == 2
            closed = await b.until(lambda frame: frame["t"] == "stream_closed")
            assert closed["reason"] == "removed"
            await b.ask("ping")
            assert b.seqs == [1]
            assert await a.reach(2) == [1, 2]

    town.world.go(main())


def test_a_frame_that_is_too_large_is_not_read(town: Town) -> None:
    amina, _bilal, stream = pair(town)

    async def main() -> None:
        async with reading(town.one, amina, stream) as a:
            with contextlib.suppress(websockets.ConnectionClosed):
                await a.wire.send(json.dumps({"t": "ping", "id": "p", "more": "a" * 65_536}))
            assert await a.ended() == 1009

    town.world.go(main())


def test_a_server_that_stops_tells_everybody_to_come_back(town: Town, scratch: Path) -> None:
    people = [town.world.person() for _ in range(5)]
    node = Serving(scratch / "stopping", **town.environment)

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(dial(node.port, who.token)) for who in people]
            readers = [Reader(wire, "") for wire in wires]
            node.process.send_signal(signal.SIGTERM)
            for one in readers:
                assert await one.ended() == 1012
                assert one.frames[-1]["reason"] == "restart" and one.frames[-1]["resume"]

    try:
        node.wait()
        town.world.go(main())
    finally:
        assert node.stop() == 0
    (row,) = town.world.sql(
        "SELECT count(*) AS n FROM socket_presence WHERE user_id = ANY($1::uuid[]) AND expires_at > now()",
        [who.id for who in people],
    )
    assert row["n"] == 0
