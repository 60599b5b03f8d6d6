"""Starts Majlis on the benchmark's data, puts load on it, and prints what came out. See README.md."""

import argparse
import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
import psycopg

from majlis.kit import embedded

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import seed  # noqa: E402  it lies beside this file, which is no package

KINDS = ("feed", "one", "like", "comment", "live")
# What needs the data of --mixed.
MORE = ("nearby", "trending", "comments", "person", "wall", "search", "markers", "notifications")
CONNECTIONS = 32
ROUNDS = "rounds.json"  # the medians of the last rounds, in the folder of logs
TABLES = ("posts", "post_likes", "post_comments", "profiles", "pgqueuer")  # what the load writes


class Place(NamedTuple):
    """Where things lie: the server's data, the files of the load, logs; and the reference's own folder."""

    data: Path
    load: Path
    logs: Path
    reference: str | None


class Server(NamedTuple):
    """A running Majlis and its PostgreSQL."""

    url: str
    pid: int
    database_pid: int


class Result(NamedTuple):
    """One load: latencies in ms, CPU in seconds per 1,000 requests, bytes of a whole response."""

    rps: float
    p50: float
    p95: float
    p99: float
    server_cpu: float
    database_cpu: float
    bytes: float
    errors: float


# ---- processes


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(url: str) -> int:
    """The status of a GET, 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextlib.contextmanager
def majlis(place: Place, database_url: str, *options: str) -> Iterator[tuple[str, int, float]]:
    """`majlis serve` as (url, process id, seconds until it was ready); ended with the block."""
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAJLIS_", "PG"))}
    env |= {"MAJLIS_RATE_LIMITS": "off", "MAJLIS_DATABASE_URL": database_url}
    command = [sys.executable, "-P", "-m", "majlis", "serve"]
    command += ["--data-dir", str(place.data), "--port", str(port), *options]
    url = f"http://127.0.0.1:{port}"
    with (place.logs / "serve.log").open("ab") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=place.logs, stdout=log, stderr=log)
        try:
            while answers(url + "/health/ready") != 200:
                if process.poll() is not None or time.perf_counter() - began > 60:
                    sys.exit(f"majlis serve did not become ready; see {log.name}")
                time.sleep(0.02)
            yield url, process.pid, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(60)


def cpu(pid: int) -> float:
    """CPU seconds so far of a process and its children, with those that have ended."""
    total = 0.0
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def tidy(database_url: str) -> int:
    """The same state of the tables before every round: no jobs, no dead rows. Returns how many jobs waited."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute("SELECT count(*) FROM pgqueuer WHERE status = 'queued'").fetchone()
        connection.execute("TRUNCATE pgqueuer")
        for table in TABLES:
            connection.execute(f"VACUUM (ANALYZE) {table}")
        connection.execute("CHECKPOINT")
    os.sync()  # else the first load behind this waits for the disk with it
    return int(found[0]) if found else 0


# ---- load


def load(kind: str, seconds: int, server: Server, place: Place, *, warming: bool = False) -> Result:
    """What wrk and the clocks of the processes say of one load; of one that warms up nothing need come back in time."""
    env = os.environ | {
        "LOAD_KIND": kind,
        "LOAD_DIR": str(place.load),
        "LOAD_SEED": str(random.randrange(10**9)),
    }
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--timeout",
        "10s",
        "-s",
        str(HERE / "load.lua"),
        server.url,
    ]
    before = cpu(server.pid), cpu(server.database_pid)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    after = cpu(server.pid), cpu(server.database_pid)
    words = (line.split() for line in done.stdout.splitlines() if line.startswith("FIGURE"))
    figures = {name: float(value) for _, name, value in words}
    requests = figures["requests"] or float(warming)
    if requests == 0:
        sys.exit(f"no {kind} request was answered:\n{done.stdout}")
    return Result(
        rps=requests / figures["seconds"],
        p50=figures["p50_ms"],
        p95=figures["p95_ms"],
        p99=figures["p99_ms"],
        server_cpu=(after[0] - before[0]) / requests * 1000,
        database_cpu=(after[1] - before[1]) / requests * 1000,
        bytes=figures["bytes"] / requests,
        errors=figures["errors"],
    )


def rounds(title: str, server: Server, database_url: str, place: Place, args: argparse.Namespace) -> int:
    """Print medians over the rounds of each kind of load. Returns how many requests failed."""
    found: dict[str, list[Result]] = {kind: [] for kind in args.kinds}
    waiting: list[int] = []
    tidy(database_url)
    for number in range(args.rounds):
        for kind in args.kinds:
            if number == 0:
                load(kind, 1, server, place, warming=True)  # statements get prepared, tokens known
            found[kind].append(load(kind, args.seconds, server, place))
        waiting.append(tidy(database_url))
    print(f"\n{title}, medians of {args.rounds} rounds of {args.seconds} s, {CONNECTIONS} connections")
    heads = ("req/s", "p50 ms", "p95 ms", "p99 ms", "server CPU", "database CPU", "bytes", "errors")
    print(f"{'':14}" + "".join(f"{head:>13}" for head in heads))
    middles = {
        kind: Result(*(median(column) for column in zip(*results, strict=True)))
        for kind, results in found.items()
    }
    (place.logs / ROUNDS).write_text(json.dumps({kind: one._asdict() for kind, one in middles.items()}))
    for kind, results in found.items():
        middle = middles[kind]
        figures = [f"{middle.rps:.0f}", *(f"{value:.2f}" for value in middle[1:4])]
        figures += [*(f"{value:.3f}" for value in middle[4:6]), f"{middle.bytes:.0f}"]
        errors = sum(result.errors for result in results)
        print(f"{kind:14}" + "".join(f"{figure:>13}" for figure in figures) + f"{errors:>13.0f}")
    print("CPU: seconds per 1,000 requests. bytes: of a whole response.")
    print(f"Jobs that waited after a round: {median(waiting):.0f}", flush=True)
    return int(sum(result.errors for results in found.values() for result in results))


# ---- what is measured


def start_up(place: Place, times: int) -> None:
    """Print how long `majlis serve` takes on the seeded folder, with its own PostgreSQL, and what it holds idle."""
    seconds, memory = [], []
    for _ in range(times):
        with majlis(place, "") as (_, pid, took):
            time.sleep(2)
            seconds.append(took)
            memory.append(psutil.Process(pid).memory_full_info())
    print(f"ready after {median(seconds):.2f} s ({', '.join(f'{took:.2f}' for took in seconds)})")
    rss, uss = (median(getattr(one, name) for one in memory) / 2**20 for name in ("rss", "uss"))
    print(f"idle memory of the server: {rss:.0f} MiB resident, {uss:.0f} MiB of it its own", flush=True)


def beside_reference(
    folder: Path, server: Server, database_url: str, place: Place, args: argparse.Namespace
) -> int:
    """Run the reference's benchmark against this server too, vacuuming ours as it vacuums its own."""
    env = {name: value for name, value in os.environ.items() if name != "BENCH_DIR"}
    env |= {"BENCH_DIR": place.reference} if place.reference else {}
    env |= {
        "OTHER_DIR": str(place.load),
        "OTHER_PID": str(server.pid),
        "OTHER_DB_PID": str(server.database_pid),
    }
    command = [str(folder / "run.sh"), "--seconds", str(args.seconds), "--rounds", str(args.rounds)]
    print(f"\n{' '.join(command)} --against {server.url}", flush=True)
    tidy(database_url)
    with subprocess.Popen(
        [*command, "--against", server.url], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if line.startswith("round ") and not line.startswith("round 1 "):
                tidy(database_url)  # while the reference warms up
    return process.returncode


def fill(place: Place, mixed: bool, scale: float = 1.0) -> None:
    """Seed, unless that is done; new tokens in any case."""
    command = [sys.executable, str(HERE / "seed.py"), "--data-dir", str(place.data), "--out", str(place.load)]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAJLIS_", "PG"))}
    command += [f"--scale={scale}", *(["--mixed"] if mixed else [])]
    subprocess.run(command, env=env, check=True)


def places() -> Place:
    """The folders, from BENCH_DIR."""
    given = os.environ.get("BENCH_DIR")
    base = Path(given).absolute() / "majlis" if given else Path(tempfile.gettempdir()) / "bench-majlis"
    place = Place(
        base / "data", base / "load", base / "logs", f"{Path(given).absolute()}/reference" if given else None
    )
    for folder in (base, place.load, place.logs):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # PostgreSQL runs as another user when this runs as root
    return place


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/run.sh", description="Measure Majlis.")
    parser.add_argument("--seconds", type=int, default=5, help="of each load (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="of which medians are taken (default: %(default)s)"
    )
    parser.add_argument(
        "--starts", type=int, default=3, help="how often to time the start (default: %(default)s)"
    )
    parser.add_argument("--kinds", default=",".join(KINDS), help="which loads (default: %(default)s)")
    parser.add_argument("--mixed", action="store_true", help="seed all types of posts, not feed posts only")
    parser.add_argument("--scale", type=float, default=1.0, help="a part of the rows (default: all)")
    parser.add_argument("--fresh", action="store_true", help="delete the data and seed anew")
    parser.add_argument(
        "--worker", choices=("off", "on", "both"), default="both", help="background jobs in the server"
    )
    reference = os.environ.get("REFERENCE_DIR") or HERE.parent.parent / "shared" / "bench" / "reference"
    parser.add_argument(
        "--reference", type=Path, default=Path(reference), help="its folder (default: REFERENCE_DIR)"
    )
    parser.add_argument("--no-reference", action="store_true", help="measure Majlis alone")
    args = parser.parse_args()
    args.kinds = args.kinds.split(",")
    if args.seconds < 1 or args.rounds < 1 or not set(args.kinds) <= {*KINDS, *MORE}:
        parser.error(f"seconds and rounds are at least 1, kinds are of {', '.join(KINDS + MORE)}")
    return args


def machine() -> str:
    """What this runs on, and how busy it is with other things."""
    loads = "/".join(f"{value:.1f}" for value in os.getloadavg())
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} CPUs, {memory:.0f} GiB, load before the start {loads}"


def main() -> int:
    """Everything in turn; the exit status tells whether all requests were answered."""
    args, place = arguments(), places()
    if args.fresh:
        shutil.rmtree(place.data, ignore_errors=True)
    print(f"{machine()}, Python {sys.version.split()[0]}", flush=True)
    fill(place, args.mixed, args.scale)
    if args.starts:
        start_up(place, args.starts)
    failed = 0
    with embedded.start(place.data / "postgres", settings=seed.POSTGRES) as database:
        for worker in ("off", "on"):
            if args.worker in (worker, "both"):
                options = ["--no-worker"] if worker == "off" else []
                with majlis(place, database.url, *options) as (url, pid, _):
                    server = Server(url, pid, database.pid)
                    failed += rounds(f"Majlis, worker {worker}", server, database.url, place, args)
        if args.no_reference:
            return failed > 0
        if not (args.reference / "run.sh").exists():
            print(f"\nno reference at {args.reference}: set REFERENCE_DIR to compare")
            return failed > 0
        with majlis(place, database.url, "--no-worker") as (url, pid, _):
            server = Server(url, pid, database.pid)
            failed += beside_reference(args.reference, server, database.url, place, args)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
