"""Sends messages through servers that are killed meanwhile, and looks whether one was lost or came twice.

    python bench/soak.py [--messages 100000] [--kills 12,6,6] [--seed 1]

Two serving processes and a working one, over PostgreSQL in a temporary folder or the one of --database-url. Half
of the senders write by REST, half over sockets; who is in doubt sends again under the same key. Readers follow
every conversation and resume where they were. Serving, working and database processes are killed (-9) at moments
that the seed chooses, counted in messages. Exits 1 unless nothing is lost, nothing is there twice, and every log
is 1..N with every reader.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import asyncpg

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import audit  # noqa: E402  they lie beside this file, which is no package
import crowd  # noqa: E402
import senders  # noqa: E402

KINDS = ("serve", "work", "database")
REPORT_S, WATCH_S = 10.0, 0.5
JOBS = "SELECT status::text, count(*) FROM pgqueuer GROUP BY 1 ORDER BY 1"


class Stage(NamedTuple):
    """The processes that are killed."""

    database: crowd.Database
    serve: list[crowd.Process]
    work: list[crowd.Process]
    busy: asyncio.Lock  # while something is being killed and started


def plan(kills: Sequence[int], messages: int, seed: int) -> list[tuple[int, str, int]]:
    """(after how many messages, what, which of them) of every kill, between the beginning and the end."""
    choose = random.Random(seed)
    kinds = [kind for kind, count in zip(KINDS, kills, strict=True) for _ in range(count)]
    choose.shuffle(kinds)
    moments = sorted(choose.randrange(messages // 20, messages * 19 // 20) for _ in kinds)
    return [(at, kind, choose.randrange(1000)) for at, kind in zip(moments, kinds, strict=True)]


def strike(stage: Stage, kind: str, which: int) -> None:
    """Kill something and start it again."""
    if kind == "database":
        stage.database.kill()
        return
    processes = stage.serve if kind == "serve" else stage.work
    process = processes[which % len(processes)]
    process.kill()
    process.start()
    process.wait()


async def strike_all(soak: senders.Soak, stage: Stage, strikes: Sequence[tuple[int, str, int]]) -> None:
    """Kill everything in its time."""
    for at, kind, which in strikes:
        await soak.until(at)
        async with stage.busy:
            await asyncio.to_thread(strike, stage, kind, which)
        soak.counts[f"killed: {kind}"] += 1


async def watch(soak: senders.Soak, stage: Stage, messages: int) -> None:
    """Start again what ended by itself, as a service manager would, and tell how far it is."""
    began = told = time.monotonic()
    while True:
        await asyncio.sleep(WATCH_S)
        async with stage.busy:
            for process in (*stage.serve, *stage.work):
                if process.ended:
                    soak.counts[f"ended by itself: {process.name}"] += 1
                    process.start()
        if time.monotonic() - told > REPORT_S:
            told = time.monotonic()
            done = len(soak.acknowledged)
            print(f"  {done:,} of {messages:,} after {told - began:.0f} s", file=sys.stderr, flush=True)


async def read_late(soak: senders.Soak, reader: senders.Reader, messages: int) -> None:
    """Read what there is so far, of which a socket does not replay all, and then what comes."""
    await soak.until(messages)
    await reader.read()


async def soak_all(
    args: argparse.Namespace, stage: Stage, folder: Path
) -> tuple[senders.Soak, list[senders.Reader], float]:
    """Everything from the first message until readers have the last; and the seconds until it was acknowledged."""
    settings = crowd.settings_of(folder, stage.database.url)
    people = await crowd.people(settings, args.senders + args.readers)
    writing, reading = people[: args.senders], people[args.senders :]
    streams = [
        await crowd.group(settings, [*reading, *writing[n :: args.conversations]])
        for n in range(args.conversations)
    ]
    soak = senders.Soak(stage.serve, streams, args.seed)
    readers = [senders.Reader(soak, who) for who in reading]
    began = time.monotonic()
    async with asyncio.TaskGroup() as everybody:
        watching = everybody.create_task(watch(soak, stage, args.messages))
        killing = everybody.create_task(strike_all(soak, stage, plan(args.kills, args.messages, args.seed)))
        *usual, late = readers
        listening = [everybody.create_task(reader.read()) for reader in usual]
        listening.append(everybody.create_task(read_late(soak, late, args.messages // 2)))
        async with asyncio.TaskGroup() as sending:
            for n, who in enumerate(writing):
                texts = [f"{n}:{number}" for number in range(n, args.messages, args.senders)]
                by = senders.by_socket if (n // args.conversations) % 2 else senders.by_rest
                sending.create_task(by(soak, who, streams[n % args.conversations], texts))
        seconds = time.monotonic() - began
        await killing
        soak.ends = dict((await audit.stored(stage.database.url, streams)).heads)
        await asyncio.wait(listening)
        watching.cancel()
    return soak, readers, seconds


async def jobs(url: str) -> str:
    """How the background jobs stand."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(JOBS)
    finally:
        await connection.close()
    return ", ".join(f"{row['count']:,} {row['status']}" for row in found) or "none"


def report(soak: senders.Soak, seconds: float, verdict: audit.Verdict, waiting: str) -> None:
    """Print what came out."""
    counts, done = soak.counts, len(soak.acknowledged)
    print(f"acknowledged {done:,} in {seconds:.1f} s: {done / seconds:,.0f} a second")
    print(f"  first by REST {counts['by REST']:,}, by socket {counts['by socket']:,}, else when sent again")
    print(
        f"  in doubt {counts['doubts']:,} times, answered with the first message {counts['repeated']:,} times"
    )
    print(
        f"readers heard {counts['deliveries']:,} events in {counts['visits']:,} visits, {counts['gaps']:,} gaps fetched"
    )
    told = [
        f"{name} {count}" for name, count in sorted(counts.items()) if name.startswith(("killed", "ended"))
    ]
    print("; ".join(told))
    print(f"background jobs at the end: {waiting}")
    for words in verdict.words:
        print("  " + words)
    print(
        f"lost {verdict.lost}, duplicated {verdict.duplicated}, holes {verdict.holes}, differing {verdict.differing}",
        flush=True,
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000, help="to acknowledge (default: %(default)s)")
    parser.add_argument(
        "--kills", default="12,6,6", help="of serve, work and database (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of what happens when (default: %(default)s)")
    parser.add_argument("--senders", type=int, default=40, help="half by REST (default: %(default)s)")
    parser.add_argument("--readers", type=int, default=3, help="of everything (default: %(default)s)")
    parser.add_argument("--conversations", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument(
        "--database-url", default="", help="instead of a PostgreSQL of its own; its rights are needed"
    )
    args = parser.parse_args()
    args.kills = [int(count) for count in args.kills.split(",")]
    if len(args.kills) != len(KINDS) or args.messages < 40:
        parser.error("kills are three numbers, and messages are 40 at least")
    return args


def main() -> int:
    """Soak and judge."""
    args = arguments()
    crowd.end_in_order()
    print(f"soak: {crowd.machine()}, seed {args.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="majlis-soak-", dir="/tmp"))
    folder.chmod(0o755)  # PostgreSQL runs as another user when this runs as root
    database = crowd.Database(folder / "postgres", args.database_url)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(database.stop)
        database.start()
        serve, work = stack.enter_context(crowd.running(folder, database.url, nodes=2))
        stage = Stage(database, serve, work, asyncio.Lock())
        soak, readers, seconds = asyncio.run(soak_all(args, stage, folder))
        there = asyncio.run(audit.stored(database.url, soak.streams))
        heard = {f"reader {n}": reader.logs for n, reader in enumerate(readers, 1)}
        verdict = audit.judge(soak.acknowledged, there, heard)
        report(soak, seconds, verdict, asyncio.run(jobs(database.url)))
        whole = len(soak.acknowledged) == args.messages
    return int(not (verdict.good and whole))


if __name__ == "__main__":
    sys.exit(main())
