"""Measures sockets of real server processes. Every sub-command prints one row for README.md.

    python bench/sockets.py idle  [--sockets 10000]    memory of each, REST meanwhile
    python bench/sockets.py fan   [--sockets 2000]     everybody in one channel
    python bench/sockets.py sends [--rate 100]         until a message is committed
    python bench/sockets.py nodes [--sockets 2000]     the fan with one and with two processes behind Redis

The database is PostgreSQL in a temporary folder, or the one of --database-url. Clients are other processes
(peers.py). Exits 1 when something was lost, refused or closed.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import crowd  # noqa: E402  they lie beside this file, which is no package
import peers  # noqa: E402

PATIENCE_S = 20.0  # what the comparison of logs would find, it finds in ten
TEXT = "A few words about the day, as neighbours tell them."
LISTS = ("/api/v1/posts", "/api/v1/conversations", "/api/v1/notifications", "/api/v1/users/me")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def row(*cells: object) -> None:
    """A row of a table."""
    print(
        "| " + " | ".join(f"{cell:,.1f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"
    )


class Town(NamedTuple):
    """Running processes, and the people of a measurement."""

    database: crowd.Database
    serve: list[crowd.Process]
    people: list[crowd.Person]
    settings: Any
    args: argparse.Namespace

    def cpu(self) -> tuple[float, float]:
        """CPU seconds of the servers and of the database so far."""
        return crowd.cpu(*(process.pid for process in self.serve)), crowd.cpu(self.database.pid)


class Helper:
    """A process of clients: peers.py."""

    def __init__(
        self, town: Town, people: Sequence[crowd.Person], first: int, ports: list[int], stream: str
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "peers.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        plan = {"ports": ports, "stream": stream, "first": first, "at_once": town.args.at_once}
        self._tell({**plan, "tokens": [person.token for person in people]})

    def _tell(self, words: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """What it says next; `ask` has it say something. Raises RuntimeError when it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the clients ended with status {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, do: str, **fields: Any) -> None:
        """Order something."""
        self._tell({"do": do, **fields})

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        self._process.stdout.close()


@contextlib.contextmanager
def clients(
    town: Town, people: Sequence[crowd.Person], nodes: list[crowd.Process], stream: str = ""
) -> Iterator[tuple[list[Helper], int, float]]:
    """Connected sockets of these people, spread over nodes: their helpers, how many failed, and seconds it took."""
    per = -(-len(people) // town.args.helpers)
    parts = [people[at : at + per] for at in range(0, len(people), per)]
    ports = [node.port for node in nodes]
    helpers = [Helper(town, part, n * per, ports, stream) for n, part in enumerate(parts)]
    try:
        found = [helper.answer() for helper in helpers]
        yield helpers, sum(one["failed"] for one in found), max(one["seconds"] for one in found)
    finally:
        for helper in helpers:
            helper.close()


@contextlib.contextmanager
def town(args: argparse.Namespace, count: int, nodes: int = 1, **more: str) -> Iterator[Town]:
    """Processes over a fresh database, or the given one, and people."""
    folder = Path(tempfile.mkdtemp(prefix="majlis-sockets-", dir="/tmp"))
    folder.chmod(0o755)  # PostgreSQL runs as another user when this runs as root
    database = crowd.Database(folder / "postgres", args.database_url)
    try:
        database.start()
        more = {"MAJLIS_MAX_SOCKETS": str(count + 100), **more}
        with crowd.running(
            folder, database.url, nodes=nodes, workers=args.workers, inside=args.inside, **more
        ) as (serve, _):
            settings = crowd.settings_of(folder, database.url)
            yield Town(database, serve, asyncio.run(crowd.people(settings, count)), settings, args)
    finally:
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)


def memory(pid: int) -> float:
    """KiB that a process holds."""
    return psutil.Process(pid).memory_info().rss / 1024


# ---- idle


async def read_lists(url: str, people: Sequence[crowd.Person], rate: float, seconds: float) -> list[float]:
    """Requests for lists at this rate, whoever is slow; milliseconds of each. Raises RuntimeError on a failure."""
    times: list[float] = []

    async def one(client: httpx.AsyncClient, number: int) -> None:
        token = people[number % len(people)].token
        began = time.perf_counter()
        answer = await client.get(LISTS[number % len(LISTS)], headers={"Authorization": f"Bearer {token}"})
        times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code} {answer.text[:200]}")

    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        began, asked = time.monotonic(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(began + number / rate - time.monotonic())
            asked.append(asyncio.create_task(one(client, number)))
        await asyncio.gather(*asked)
    return times


def idle(args: argparse.Namespace) -> int:
    """Sockets of which each follows all that its owner has, and requests beside them."""
    with town(args, args.sockets) as here:
        (node,) = here.serve
        alone = asyncio.run(read_lists(node.url, here.people, args.rate, args.seconds / 4))
        before = memory(node.pid)
        with clients(here, here.people, [node]) as (helpers, failed, took):
            connected = memory(node.pid)
            spent, began = here.cpu(), time.monotonic()
            times = asyncio.run(read_lists(node.url, here.people, args.rate, args.seconds))
            cpu = [(b - a) / (time.monotonic() - began) for a, b in zip(spent, here.cpu(), strict=True)]
            for helper in helpers:
                helper.ask("count")
            counts = [helper.answer() for helper in helpers]
            rss = memory(node.pid)
    held, closed = sum(one["open"] for one in counts), sum(one["closed"] for one in counts)
    print(
        f"opened in {took:.1f} s; {failed} not opened, {closed} closed; requests {args.rate:g}/s of {len(LISTS)} lists"
    )
    print(
        f"resident: {before / 1024:.0f} MiB before, {connected / 1024:.0f} once connected, {rss / 1024:.0f} at the end"
    )
    print(f"cores busy meanwhile: server {cpu[0]:.2f}, database {cpu[1]:.2f}")
    row(
        "sockets",
        "KiB each",
        "server MiB",
        "REST p50 ms",
        "REST p95 ms",
        "REST p99 ms",
        "REST p95 ms without",
    )
    figures = [percentile(times, share) for share in (0.5, 0.95, 0.99)]
    row(held, (rss - before) / max(1, held), rss / 1024, *figures, percentile(alone, 0.95))
    return int(bool(failed or closed or held != args.sockets))


# ---- fan


class Heard(NamedTuple):
    """What the sockets of a channel heard of some messages; milliseconds."""

    deliveries: int
    missing: int
    closed: int
    delays: list[float]
    lasts: list[float]
    seconds: float
    server: float  # CPU seconds
    database: float


async def say(wire: peers.Wire, stream: str, number: int) -> dict[str, Any]:
    """Send a message that tells when it was sent. Raises RuntimeError unless it was taken."""
    key = f"00000000-0000-4000-8000-{peers.now_us() % 10**9:09d}{number % 1000:03d}"
    message = {"type": "text", "text": f"at {peers.now_us()} {TEXT}"}
    answer = await wire.ask("send", stream=stream, client_msg_id=key, message=message)
    if answer["t"] != "sent":
        raise RuntimeError(str(answer))
    return answer


async def talk(port: int, token: str, stream: str, messages: int, rate: float) -> int:
    """Send messages at this rate, or each as soon as the one before is committed; the last one's place."""
    wire, began, seq = await peers.dial(port, token, client="sender/1"), time.monotonic(), 0
    for number in range(messages):
        if rate:
            await asyncio.sleep(began + number / rate - time.monotonic())
        seq = (await say(wire, stream, number))["seq"]
    wire.close()
    return seq


def hear(here: Town, helpers: list[Helper], stream: str, messages: int, rate: float) -> Heard:
    """Have the first person say something, until everybody has heard it."""
    spent, began = here.cpu(), time.monotonic()
    seq = asyncio.run(talk(here.serve[0].port, here.people[0].token, stream, messages, rate))
    for helper in helpers:
        helper.ask("settle", seq=seq, patience_s=PATIENCE_S)
    found = [helper.answer() for helper in helpers]
    seconds, after = time.monotonic() - began, here.cpu()
    lasts: dict[str, int] = {}
    for one in found:
        for place, delay in one["lasts"].items():
            lasts[place] = max(delay, lasts.get(place, 0))
    delays = [delay / 1000 for one in found for delay in one["delays"]]
    missing, closed = (sum(one[name] for one in found) for name in ("missing", "closed"))
    ends = [delay / 1000 for delay in lasts.values()]
    return Heard(
        len(delays), missing, closed, delays, ends, seconds, after[0] - spent[0], after[1] - spent[1]
    )


FAN = (
    "sockets", "processes", "msgs/s asked", "deliveries/s", "p50 ms", "p99 ms", "last: p50 ms", "last: p99 ms", "lost",
    "server CPU-s per 1,000 deliveries",
)  # fmt: skip


def fan_rows(here: Town, args: argparse.Namespace, nodes: list[crowd.Process]) -> int:
    """Two rows: at the rate asked for, and as fast as one sender can. Returns how many deliveries were lost."""
    people, bad = here.people[: args.sockets], 0
    stream = asyncio.run(crowd.channel(here.settings, people))
    with clients(here, people, nodes, stream) as (helpers, failed, took):
        print(f"{len(people)} sockets opened in {took:.1f} s, {failed} not")
        hear(here, helpers, stream, 3, 0)  # statements get prepared
        row(*FAN)
        for rate, messages in ((args.rate, args.messages), (0.0, args.messages)):
            found = hear(here, helpers, stream, messages, rate)
            row(
                len(people) - failed, len(nodes), rate or "as fast as can be",
                float(found.deliveries / found.seconds),
                *(percentile(found.delays, share) for share in (0.5, 0.99)),
                *(percentile(found.lasts, share) for share in (0.5, 0.99)),
                found.missing, f"{found.server / max(1, found.deliveries) * 1000:.4f}",
            )  # fmt: skip
            bad += failed + found.missing + found.closed
            bad += found.deliveries != messages * (len(people) - failed)
    return bad


def fan(args: argparse.Namespace) -> int:
    """Everybody in one channel hears what one of them says."""
    with town(args, args.sockets) as here:
        return int(fan_rows(here, args, here.serve) > 0)


# ---- sends


async def send_all(here: Town, streams: list[str], rate: float, seconds: float) -> list[float]:
    """Messages at this rate over one socket for each person, whoever waits; milliseconds until each was committed."""
    wires = [
        await peers.dial(here.serve[n % len(here.serve)].port, person.token, n)
        for n, person in enumerate(here.people)
    ]
    for n, wire in enumerate(wires):
        await wire.ask("subscribe", streams={streams[n // 2]: {}})
    times: list[float] = []

    async def one(number: int) -> None:
        at, began = number % len(wires), time.perf_counter()
        await say(wires[at], streams[at // 2], number)
        times.append((time.perf_counter() - began) * 1000)

    began, sent = time.monotonic(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(began + number / rate - time.monotonic())
        sent.append(asyncio.create_task(one(number)))
    await asyncio.gather(*sent)
    for wire in wires:
        wire.close()
    return times


def sends(args: argparse.Namespace) -> int:
    """People in pairs say something to one another."""
    people = args.sockets + args.sockets % 2
    with town(args, people) as here:
        streams = asyncio.run(crowd.dms(here.settings, here.people))
        asyncio.run(send_all(here, streams, args.rate, min(1.0, args.seconds)))
        spent = here.cpu()
        times = asyncio.run(send_all(here, streams, args.rate, args.seconds))
        cpu = [(b - a) / len(times) * 1000 for a, b in zip(spent, here.cpu(), strict=True)]
    row(
        "sends/s",
        "sockets",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "server CPU-s per 1,000",
        "database CPU-s per 1,000",
    )
    figures = [percentile(times, share) for share in (0.5, 0.95, 0.99)]
    row(args.rate, people, *figures, *(f"{one:.2f}" for one in cpu))
    return 0


# ---- nodes


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The address of a Redis server for the length of a block; empty when there is none on this machine."""
    program = shutil.which("redis-server")
    if program is None:
        yield ""
        return
    port = crowd.free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(30)


def nodes(args: argparse.Namespace) -> int:
    """The same fan with all sockets at one process, and with half of them at another."""
    folder, bad = Path(tempfile.mkdtemp(prefix="majlis-redis-", dir="/tmp")), 0
    try:
        with redis(folder) as url:
            if not url:
                print("skipped: there is no redis-server on this machine")
                return 0
            for count in (1, 2):
                with town(args, args.sockets, count, MAJLIS_REDIS_URL=url) as here:
                    bad += fan_rows(here, args, here.serve)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bad > 0)


# ---- the command line


def arguments() -> argparse.Namespace:
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--database-url", default="", help="instead of a PostgreSQL of its own")
    common.add_argument("--helpers", type=int, default=2, help="processes of clients (default: 2)")
    common.add_argument(
        "--at-once", type=int, default=25, help="sockets that a helper opens at once (default: 25)"
    )
    common.add_argument("--workers", type=int, default=1, help="`majlis work` processes (default: 1)")
    common.add_argument(
        "--inside",
        action="store_true",
        help="instead, serving processes work, as `majlis serve` does by itself",
    )
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for act, sockets, rate, seconds, messages in (
        (idle, 10_000, 50.0, 60.0, 0),
        (fan, 2_000, 2.5, 0.0, 100),
        (sends, 100, 100.0, 30.0, 0),
        (nodes, 2_000, 2.5, 0.0, 100),
    ):
        one = commands.add_parser(act.__name__, parents=[common], description=act.__doc__)
        one.set_defaults(act=act)
        one.add_argument("--sockets", type=int, default=sockets, help="how many (default: %(default)s)")
        one.add_argument(
            "--rate", type=float, default=rate, help="requests or messages a second (default: %(default)s)"
        )
        if seconds:
            one.add_argument("--seconds", type=float, default=seconds, help="of load (default: %(default)s)")
        if messages:
            one.add_argument(
                "--messages", type=int, default=messages, help="of each load (default: %(default)s)"
            )
    return parser.parse_args()


def main() -> int:
    """Measure."""
    args = arguments()
    crowd.end_in_order()
    peers.many_files()
    print(f"{args.command}: {crowd.machine()}", flush=True)
    return int(args.act(args))


if __name__ == "__main__":
    sys.exit(main())
