"""Real clients of Socket.IO, Python's and JavaScript's, at a real server that is killed, stopped, and started again."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import httpx
import pytest
import socketio
import websockets

from majlis.vendors.images import ImagePool
from tests import world as worlds
from tests.conftest import _create, _name
from tests.servers import PATIENT, Serving, free_port
from tests.surfaces.realtime.engines import Packets, seqs
from tests.surfaces.realtime.talking import dm, group, remove, write
from tests.surfaces.realtime.test_nodes import sockets_at
from tests.surfaces.realtime.wires import Closed
from tests.world import SECRET, Person, World

CEILING_S = 60.0
TALKER = Path(__file__).with_name("talker.cjs")
Frame = dict[str, Any]
Line = dict[str, Any]
TRANSPORTS = {"websocket": ["websocket"], "polling": ["polling"], "both": ["polling", "websocket"]}
over = pytest.mark.parametrize("transports", TRANSPORTS)


class Town(NamedTuple):
    """A database, and what serving it takes."""

    world: World
    folder: Path
    environment: dict[str, str]


class Place:
    """A server whose address stays while it comes and goes."""

    def __init__(self, town: Town) -> None:
        self.town, self.port = town, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.now = self._start()

    def _start(self) -> Serving:
        folder = self.town.folder / uuid.uuid4().hex
        server = Serving(folder, program=PATIENT, **self.town.environment, MAJLIS_PORT=str(self.port))
        server.port, server.url = self.port, self.url
        server.wait()
        return server

    def kill(self) -> None:
        """End it without a word."""
        self.now.kill()

    def again(self) -> None:
        """Start it anew."""
        self.now = self._start()

    def close(self) -> None:
        """End it."""
        if self.now.process.poll() is None:
            self.now.stop()


@pytest.fixture(scope="module")
def town(
    runner: asyncio.Runner,
    postgres: Callable[[str], str],
    template: str,
    pictures: ImagePool,
    scratch: Path,
) -> Iterator[Town]:
    runner.run(_create(postgres("postgres"), _name(postgres, "majlis_io"), _name(postgres, template)))
    url = postgres("majlis_io")
    db = runner.run(worlds.real_database(url))
    folder = Path(tempfile.mkdtemp(prefix="socketio-", dir=scratch))
    world = World(runner, worlds.app_over(db, worlds.settings_for(folder, url), pictures), url)
    yield Town(world, folder, {"MAJLIS_DATABASE_URL": url, "MAJLIS_SECRET_KEY": SECRET})
    world.close()
    runner.run(db.close())


@pytest.fixture(scope="module")
def place(town: Town) -> Iterator[Place]:
    """A server that many tests talk to."""
    made = Place(town)
    yield made
    made.close()


@pytest.fixture
def ours(town: Town) -> Iterator[Place]:
    """A server of one test, which ends it as it likes."""
    made = Place(town)
    yield made
    made.close()


@pytest.fixture(scope="session")
def modules(scratch: Path) -> Path:
    """A folder with the JavaScript client, fetched once for all tests of this run."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node or npm here: the JavaScript client is not tried")
    whole, folder = scratch / "javascript", Path(tempfile.mkdtemp(prefix="javascript-", dir=scratch))
    if whole.exists():  # another module of tests fetched it
        return whole / "node_modules"
    command = [
        npm,
        "install",
        "--no-save",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        "socket.io-client@4",
    ]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the registry of npm does not answer: the JavaScript client is not tried")
    if done.returncode != 0:
        pytest.skip(f"npm could not fetch socket.io-client, so it is not tried: {done.stderr[-300:]}")
    folder.rename(whole)  # only what came whole
    return whole / "node_modules"


class Client:
    """A client that tells what happens to it, and of one stream which entries it got in which order."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.seqs: list[int] = []
        self.lines: list[Line] = []

    async def next(self) -> Line:
        """The next thing that happens."""
        raise NotImplementedError

    async def ask(self, name: str, **data: Any) -> Frame:
        """Emit; what the callback gets."""
        raise NotImplementedError

    async def until(self, **wanted: Any) -> Line:
        """The next thing that looks like this."""
        try:
            async with asyncio.timeout(CEILING_S):
                while True:
                    line = await self.next()
                    self.lines.append(line)
                    if line.get("name") == "event" and line["data"]["stream"] == self.stream:
                        self.seqs.append(line["data"]["seq"])
                    if wanted.items() <= line.items():
                        return line
        except TimeoutError:
            raise AssertionError(f"{wanted} has not come, but {self.lines[-5:]}") from None

    async def reach(self, seq: int) -> list[int]:
        """All entries that came, once this one has."""
        while not self.seqs or self.seqs[-1] < seq:
            await self.until(did="heard")
        return self.seqs

    async def heard(self, name: str) -> Frame:
        """What comes with the next event of this name."""
        found: Frame = (await self.until(did="heard", name=name))["data"]
        return found

    async def say(self, text: str, key: str | None = None) -> Frame:
        """Send a message."""
        message = {"type": "text", "text": text}
        return await self.ask(
            "send", stream=self.stream, client_msg_id=key or str(uuid.uuid4()), message=message
        )


class Script(Client):
    """JavaScript's client, in a process of its own."""

    def __init__(self, stream: str, process: asyncio.subprocess.Process) -> None:
        super().__init__(stream)
        self.process = process

    async def next(self) -> Line:
        assert self.process.stdout is not None
        text = await self.process.stdout.readline()
        assert text, "it has ended"
        return json.loads(text)  # type: ignore[no-any-return]

    async def do(self, op: str, **values: Any) -> None:
        """Give a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"op": op, **values}).encode() + b"\n")
        await self.process.stdin.drain()

    async def ask(self, name: str, **data: Any) -> Frame:
        id = str(uuid.uuid4())
        await self.do("emit", name=name, data=data, id=id)
        found: Frame = (await self.until(did="answered", id=id))["answer"]
        return found


class Waiting(socketio.AsyncClient):  # type: ignore[misc]
    """It waits longer than a second for the answer to a connection, also when it connects again by itself."""

    async def connect(self, *args: Any, **options: Any) -> None:
        await super().connect(*args, **{"wait_timeout": CEILING_S, **options})


class Python(Client):
    """python-socketio's client. After each connect it follows from where it stands."""

    def __init__(self, stream: str, http: aiohttp.ClientSession) -> None:
        super().__init__(stream)
        self._came: asyncio.Queue[Line] = asyncio.Queue()
        self.io = Waiting(
            http_session=http,
            request_timeout=CEILING_S,
            reconnection_delay=0.05,
            reconnection_delay_max=0.2,
            handle_sigint=False,
            logger=False,
        )
        self.io.on("connect", self._connected)
        self.io.on("disconnect", lambda reason: self._put(did="disconnected", reason=reason))
        self.io.on("*", lambda name, *data: self._put(did="heard", name=name, data=data[0]))

    def _put(self, **line: Any) -> None:
        self._came.put_nowait(line)

    async def _connected(self) -> None:
        self._put(did="connected")
        after = max([0, *self.seqs])
        wanted = {self.stream: {"after_seq": after}}
        await self.io.emit(
            "subscribe",
            {"streams": wanted},
            callback=lambda answer: self._put(did="subscribed", answer=answer),
        )

    async def next(self) -> Line:
        return await self._came.get()

    async def ask(self, name: str, **data: Any) -> Frame:
        return await self.io.call(name, data, timeout=CEILING_S)  # type: ignore[no-any-return]


@contextlib.asynccontextmanager
async def started(modules: Path, stream: str) -> AsyncIterator[Script]:
    """JavaScript's client, not connected."""
    process = await asyncio.create_subprocess_exec(
        "node", str(TALKER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1024 * 1024,
        env={**os.environ, "NODE_PATH": str(modules)},
    )  # fmt: skip
    made = Script(stream, process)
    try:
        await made.until(did="started")
        yield made
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(CEILING_S):
            await process.wait()


Begin = Callable[[Place, Person, str, str], "contextlib.AbstractAsyncContextManager[Client]"]


@pytest.fixture(params=["javascript", "python"])
def begin(request: pytest.FixtureRequest) -> Begin:
    """How somebody connects and follows a stream from its beginning."""
    if request.param == "python":
        return python
    folder: Path = request.getfixturevalue("modules")
    return lambda place, who, stream, how: javascript(folder, place, who, stream, how)


@contextlib.asynccontextmanager
async def javascript(
    modules: Path, place: Place, who: Person, stream: str, transports: str
) -> AsyncIterator[Client]:
    async with started(modules, stream) as made:
        auth = {"token": who.token, "client": "web/1"}
        await made.do("connect", url=place.url, auth=auth, transports=TRANSPORTS[transports])
        assert (await made.heard("ready"))["user_id"] == str(who.id)
        await made.do("follow", stream=stream, after=0)
        answer = (await made.until(did="subscribed"))["answer"]
        assert answer["streams"][stream]["status"] == "resumed", answer
        yield made


@contextlib.asynccontextmanager
async def python(place: Place, who: Person, stream: str, transports: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:  # its own is not closed where an attempt to connect fails
        made = Python(stream, http)
        auth = {"token": who.token, "client": "bot/1"}
        await made.io.connect(place.url, auth=auth, transports=TRANSPORTS[transports], retry=True)
        try:
            assert (await made.heard("ready"))["user_id"] == str(who.id)
            yield made
        finally:
            await made.io.disconnect()


def pair(town: Town) -> tuple[Person, Person, str]:
    amina, bilal = town.world.person("Amina"), town.world.person("Bilal")
    return amina, bilal, dm(town.world, amina, bilal)


@over
def test_a_conversation(town: Town, place: Place, begin: Begin, transports: str) -> None:
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with begin(place, amina, stream, transports) as a, begin(place, bilal, stream, transports) as b:
            if transports == "both" and isinstance(a, Script):
                while not [line for line in a.lines if line["did"] == "upgraded"]:
                    await a.until()
            for n in range(1, 21):
                sent = await (a, b)[n % 2].say(f"{n}")
                assert (sent["t"], sent["seq"]) == ("sent", n)
            assert await a.reach(20) == await b.reach(20) == list(range(1, 21))
            assert (await b.ask("mark_read", stream=stream, seq=20))["t"] == "ok"
            refused = await b.ask("send", stream=stream, message={"type": "text", "text": "x"})
            assert refused["code"] == "client_msg_id_required"

    town.world.go(main())


@over
def test_who_was_cut_off_by_a_crash_has_everything_once(
    town: Town, ours: Place, begin: Begin, transports: str
) -> None:
    """Killed between an answer and the next message; written to while nobody served; started again."""
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with begin(ours, amina, stream, transports) as a:
            for n in range(1, 6):
                assert (await a.say(f"{n}", f"key {n}"))["seq"] == n
            await a.reach(5)
            ours.kill()
            await a.until(did="disconnected")
            for n in range(6, 31):
                assert await write(town.world, bilal.me, stream, f"{n}") == n
            await asyncio.to_thread(ours.again)
            await a.until(did="connected")
            again = await a.say("5", "key 5")  # in doubt whether it had arrived
            assert again["duplicate"] and again["seq"] == 5
            assert (await a.say("31"))["seq"] == 31
            assert await a.reach(31) == list(range(1, 32))

    town.world.go(main())


def test_who_loses_the_network_has_everything_once(town: Town, place: Place, modules: Path) -> None:
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with (
            javascript(modules, place, amina, stream, "both") as a,
            javascript(modules, place, bilal, stream, "websocket") as b,
        ):
            assert isinstance(a, Script) and isinstance(b, Script)
            total = 0
            for _ in range(5):
                await a.do("cut")
                for _ in range(10):
                    total += 1
                    assert (await b.say(f"{total}"))["seq"] == total
                await a.until(did="connected")
            assert await a.reach(total) == list(range(1, total + 1))

    town.world.go(main())


@over
def test_a_server_that_stops_sends_its_clients_away_and_they_come_back(
    town: Town, ours: Place, begin: Begin, transports: str
) -> None:
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with begin(ours, amina, stream, transports) as a:
            assert (await a.say("before"))["seq"] == 1
            ours.now.process.send_signal(signal.SIGTERM)
            if transports == "websocket":  # between two polls nobody can be told
                closing = await a.heard("closing")
                assert (closing["code"], closing["resume"]) == (1012, True)
            await a.until(did="disconnected")
            assert await asyncio.to_thread(ours.now.stop) == 0
            await write(town.world, bilal.me, stream, "meanwhile")
            await asyncio.to_thread(ours.again)
            await a.until(did="connected")
            assert await a.reach(2) == [1, 2]

    town.world.go(main())
    log = Path(ours.now.log.name).read_text()
    assert "Traceback" not in log


def test_a_poll_that_waits_is_answered_when_the_server_stops(town: Town, ours: Place) -> None:
    amina, _bilal, _stream = pair(town)

    async def main() -> None:
        async with httpx.AsyncClient(base_url=ours.url, trust_env=False, timeout=CEILING_S) as http:
            path = "/socket.io/?EIO=4&transport=polling"
            path += "&sid=" + json.loads((await http.get(path)).text[1:])["sid"]
            await http.post(path, content="40" + json.dumps({"token": amina.token}))
            assert '"ready"' in (await http.get(path)).text
            waiting = asyncio.create_task(http.get(path))
            for _ in range(5):  # what came before these were answered has begun
                assert (await http.get("/health/live")).status_code == 200
            ours.now.process.send_signal(signal.SIGTERM)
            assert '"code":1012' in (await waiting).text
            assert await asyncio.to_thread(ours.now.stop) == 0

    town.world.go(main())


@over
def test_a_session_that_ends_is_silenced_and_does_not_come_back_by_itself(
    town: Town, place: Place, modules: Path, transports: str
) -> None:
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with (
            javascript(modules, place, amina, stream, transports) as a,
            httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=CEILING_S) as http,
        ):
            assert isinstance(a, Script)
            assert (await http.post("/api/v1/auth/logout", headers=amina.auth, json={})).status_code == 204
            closing = await a.heard("closing")
            assert (closing["code"], closing["resume"]) == (4401, False)
            gone = await a.until(did="disconnected")
            assert gone["reason"] == "io server disconnect" and not gone["again"]
            await write(town.world, bilal.me, stream, "not for her")
            await a.do("renew", auth={"token": amina.token})
            refused = await a.until(did="refused")
            assert (refused["message"], refused["data"]["code"]) == ("unauthenticated", "unauthenticated")
            assert not refused["again"] and a.seqs == []

    town.world.go(main())


def test_a_token_that_is_not_good_is_told_and_another_one_is_taken(
    town: Town, place: Place, modules: Path
) -> None:
    amina, _bilal, stream = pair(town)

    async def main() -> None:
        async with started(modules, stream) as a:
            await a.do("connect", url=place.url, auth={"token": "made up"}, transports=["websocket"])
            refused = await a.until(did="refused")
            assert (refused["message"], refused["data"]["fatal"]) == ("unauthenticated", True)
            await a.do("renew", auth={"token": amina.token})
            assert (await a.heard("ready"))["user_id"] == str(amina.id)
        async with aiohttp.ClientSession() as http:
            made = Python(stream, http)
            made.io.on("connect_error", lambda data: made._put(did="refused", **data))
            with pytest.raises(socketio.exceptions.ConnectionError):
                await made.io.connect(
                    place.url, auth={"token": "made up"}, transports=["websocket"], wait_timeout=60
                )
            refused = await made.until(did="refused")
            assert refused["message"] == refused["data"]["code"] == "unauthenticated"

    town.world.go(main())


def test_a_member_who_is_removed_hears_no_more(town: Town, place: Place, begin: Begin) -> None:
    amina, bilal = town.world.person(), town.world.person()
    stream = group(town.world, amina, bilal)

    async def main() -> None:
        async with begin(place, amina, stream, "both") as a, begin(place, bilal, stream, "both") as b:
            await remove(town.world, amina, stream, bilal)  # without a hint
            assert (await a.say("among us"))["seq"] == 2
            assert (await b.heard("stream_closed"))["reason"] == "removed"
            await b.ask("ping")
            assert b.seqs == [1]
            assert await a.reach(2) == [1, 2]

    town.world.go(main())


class Dialled(Packets):
    """A WebSocket over loopback."""

    def __init__(self, wire: websockets.ClientConnection) -> None:
        super().__init__()
        self.wire = wire

    async def send(self, text: str) -> None:
        await self.wire.send(text)

    async def receive(self) -> str:
        try:
            async with asyncio.timeout(CEILING_S):
                return str(await self.wire.recv())
        except websockets.ConnectionClosed as closed:
            raise Closed(self.wire.close_code or 0) from closed


@contextlib.asynccontextmanager
async def dialled(place: Place, who: Person, **options: Any) -> AsyncIterator[Dialled]:
    address = f"ws://127.0.0.1:{place.port}/socket.io/?EIO=4&transport=websocket"
    patient = {"open_timeout": CEILING_S, "ping_interval": None}
    async with websockets.connect(address, **(patient | options)) as wire:
        made = Dialled(wire)
        await made.until("0")
        await made.connect(token=who.token)
        yield made


def test_whoever_ceases_to_read_is_closed_and_loses_nothing(town: Town, place: Place) -> None:
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with (
            dialled(place, amina, max_queue=1, ping_interval=None) as stuck,
            dialled(place, bilal) as writing,
        ):
            await stuck.ask("subscribe", streams={stream: {}})
            there, last = await sockets_at(place.now), 0
            stuck.wire.transport.pause_reading()
            while await sockets_at(place.now) == there:
                assert last < 900  # what the kernel and the server keep for one reader is less than 15 MiB
                for _ in range(10):
                    message = {"type": "text", "text": "a" * 16_000}
                    last += 1
                    sent = await writing.ask("send", stream=stream, client_msg_id=str(last), message=message)
                    assert sent["seq"] == last
            stuck.wire.transport.resume_reading()
            closing = await stuck.ended()
            assert closing is not None and closing["code"] == 4440 and stuck.wire.close_code == 4440
            got = seqs(stuck, stream)
            assert got == list(range(1, len(got) + 1)) and len(got) < last
        async with dialled(place, amina) as again:
            answer = await again.ask("subscribe", streams={stream: {"after_seq": len(got)}})
            missed = last - len(got)
            assert answer["streams"][stream] == {"status": "resumed", "seq": last, "replay": missed}
            assert [(await again.event("event"))["seq"] for _ in range(missed)][-1] == last

    town.world.go(main())


def test_frames_are_not_compressed_and_no_log_holds_a_session_or_token(town: Town, place: Place) -> None:
    """Compression costs each socket three times the memory; what opens a session is nobody's to read."""
    amina, _bilal, _stream = pair(town)

    async def main() -> str:
        async with dialled(place, amina) as a:
            assert "permessage-deflate" not in str(a.wire.response and a.wire.response.headers)
            assert a.wire.protocol.extensions == []
        async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=CEILING_S) as http:
            opened = await http.get("/socket.io/?EIO=4&transport=polling")
            sid = json.loads(opened.text[1:])["sid"]
            address = f"/socket.io/?EIO=4&transport=polling&sid={sid}&token={amina.token}"
            assert (await http.post(address, content="40{}")).status_code == 200
            assert '"bad_frame"' in (await http.get(address)).text
            metrics = (await http.get("/metrics")).text
            assert 'route="/socket.io"' in metrics
        return str(sid)

    sid = town.world.go(main())
    log = Path(place.now.log.name).read_text()
    assert "/socket.io" in log and sid not in log and amina.token not in log and "Traceback" not in log


def test_a_poll_may_take_longer_than_a_request(town: Town) -> None:
    place = Place(Town(town.world, town.folder, {**town.environment, "MAJLIS_REQUEST_TIMEOUT_S": "0.2"}))
    amina, bilal, stream = pair(town)

    async def main() -> None:
        async with python(place, amina, stream, "polling") as a:
            await a.until(did="subscribed")
            ended = asyncio.Event()
            asyncio.get_running_loop().call_later(1, ended.set)  # five times as long
            await ended.wait()
            async with dialled(place, bilal) as b:
                message = {"type": "text", "text": "late"}
                await b.ask("send", stream=stream, client_msg_id="k", message=message)
            assert await a.reach(1) == [1]
            assert [line for line in a.lines if line["did"] == "disconnected"] == []

    try:
        town.world.go(main())
    finally:
        place.close()
