"""How many of each list the database alone can do: the statements of real requests, replayed by pgbench.

    python bench/ceilings.py [--kinds feed,nearby,…] [--seconds 5] [--clients 4] [--requests 16]

Works on the data of run.py --mixed. Asks a server for each list as often as --requests says, with other people and
places each time, while PostgreSQL notes the statements and their parameters; then pgbench sends exactly those, each
prepared once per connection. Beside it stands what run.py last measured, if it did.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import run  # noqa: E402  they lie beside this file, which is no package
import seed  # noqa: E402

from majlis.kit import embedded, embedded_folder  # noqa: E402

LISTS = ("feed", "nearby", "trending", "comments", "wall", "search", "markers", "notifications")
WARM = 2  # requests of each kind before: what a server asks once only is not part of a list
# As load.lua has them.
CITIES = ((34.35, 62.2), (34.53, 69.18), (36.71, 67.11), (31.61, 65.71), (34.43, 70.45))
WORDS = (
    "karana",
    "karanen",
    "karanis",
    "kalima",
    "kalimus",
    "mosolin",
    "number+19",
    "zizanye",
    "tanur",
    "la",
)
NOTING = {
    "log_statement": "all", "log_error_verbosity": "default", "log_line_prefix": "@%a@ ",
    "log_min_error_statement": "error",
}  # fmt: skip
LINE = re.compile(r"^@([^@\n]*)@ (\w+): {1,2}", re.MULTILINE)
STATEMENT = re.compile(r"(?:statement|execute [^:]+): (.*)", re.DOTALL)
PARAMETER = re.compile(r"\$\d+ = (NULL|'(?:[^']|'')*')")


class Asked(NamedTuple):
    """A statement and its parameters as SQL literals; of a plain one there are none."""

    sql: str
    parameters: tuple[str, ...]


class Ceiling(NamedTuple):
    """What pgbench found; CPU in seconds per 1,000."""

    per_s: float
    cpu: float
    statements: float  # of each request
    failed: int


# ---- what a list asks


def path_of(kind: str, choose: random.Random, files: dict[str, list[str]]) -> str:
    """A request for a list."""
    lat, lng = choose.choice(CITIES)
    near = f"lat={lat + choose.random() / 10:.4f}&lng={lng + choose.random() / 10:.4f}"
    zoom = choose.randint(6, 16)
    half = 180 / 2**zoom * 3
    box = f"min_lat={lat - half / 2:.5f}&max_lat={lat + half / 2:.5f}&min_lng={lng - half:.5f}&max_lng={lng + half:.5f}"
    return {
        "feed": f"/api/v1/posts?limit=20&cursor={choose.choice(files['cursors'])}",
        "one": f"/api/v1/posts/{choose.choice(files['posts'])}",
        "nearby": f"/api/v1/posts?sort=nearby&radius_km=10&{near}",
        "trending": "/api/v1/posts?sort=trending",
        "comments": f"/api/v1/posts/{choose.choice(files['posts'])}/comments",
        "person": f"/api/v1/users/{choose.choice(files['users'])}",
        "wall": f"/api/v1/users/{choose.choice(files['users'])}/posts",
        "search": f"/api/v1/search?q={choose.choice(WORDS)}",
        "markers": f"/api/v1/discover/markers?zoom={zoom}&{box}",
        "notifications": "/api/v1/notifications",
    }[kind]


def ask(url: str, token: str) -> None:
    """One request. Raises HTTPError unless it is answered with 200."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def noted(log: str) -> Iterator[Asked]:
    """The statements in PostgreSQL's log that were sent for requests."""
    marks = [*LINE.finditer(log)]
    for at, mark in enumerate(marks):
        end = marks[at + 1].start() if at + 1 < len(marks) else len(log)
        found = STATEMENT.match(log[mark.end() : end].strip().replace("\n\t", "\n"))
        if mark[1] != "majlis" or mark[2] != "LOG" or found is None or "pg_catalog" in found[1]:
            continue
        parameters: tuple[str, ...] = ()
        if at + 1 < len(marks) and marks[at + 1][2] == "DETAIL":
            stop = marks[at + 2].start() if at + 2 < len(marks) else len(log)
            words = log[marks[at + 1].end() : stop].replace("\n\t", "\n")
            parameters = tuple(PARAMETER.findall(words)) if words.lower().startswith("parameters") else ()
        yield Asked(found[1].strip().rstrip(";"), parameters)


def capture(place: run.Place, kinds: Sequence[str], requests: int) -> dict[str, list[list[Asked]]]:
    """What each of so many requests of each kind asks the database for."""
    files = {
        name: (place.load / f"{name}.txt").read_text().split()
        for name in ("tokens", "cursors", "posts", "users")
    }
    choose, folder = random.Random(5), place.data / "postgres"
    log = embedded_folder.beside(folder, ".log")
    found: dict[str, list[list[Asked]]] = {kind: [] for kind in kinds}
    with (
        embedded.start(folder, settings={**seed.POSTGRES, **NOTING}) as database,
        run.majlis(place, database.url, "--no-worker") as (url, _, _),
    ):
        for kind in kinds:
            for number in range(WARM + requests):
                token = choose.choice(files["tokens"])
                ask(url + path_of(kind, choose, files), token)  # some of it is remembered for a while
                before = log.stat().st_size
                ask(url + path_of(kind, choose, files), token)
                with log.open("rb") as text:
                    text.seek(before if log.stat().st_size >= before else 0)
                    asked = [*noted(text.read().decode(errors="replace"))]
                if number >= WARM:
                    found[kind].append(asked)
    return found


# ---- the same by pgbench


def scripts(requests: Sequence[Sequence[Asked]], folder: Path) -> list[Path]:
    """One script for each request, of which the first on a connection prepares what all of them need."""
    known: dict[str, str] = {}
    for asked in (one for request in requests for one in request if one.parameters):
        known.setdefault(asked.sql, f"asked{len(known)}")
    prepare = "".join(f"PREPARE {name} AS {sql};\n" for sql, name in known.items())
    head = f"\\if :ready\n\\else\n{prepare}\\set ready 1\n\\endif\n"
    found = []
    for number, request in enumerate(requests):
        lines = [
            f"EXECUTE {known[one.sql]}({', '.join(one.parameters)});" if one.parameters else f"{one.sql};"
            for one in request
        ]
        path = folder / f"{number}.sql"
        path.write_text(head + "\n".join(lines) + "\n")
        found.append(path)
    return found


def program() -> str:
    """pgbench, of the embedded PostgreSQL or of this machine. Raises SystemExit when there is none."""
    own = embedded_folder.binaries() / "pgbench"
    found = str(own) if own.exists() else shutil.which("pgbench")
    return found or sys.exit("there is no pgbench: install postgresql-contrib")


def measure(
    requests: Sequence[Sequence[Asked]], database: embedded.Embedded, seconds: int, clients: int
) -> Ceiling:
    """Replay these requests. Raises SystemExit with what pgbench says when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        files = [f"--file={path}" for path in scripts(requests, Path(folder))]
        command = [
            program(),
            "-n",
            "-M",
            "simple",
            "-D",
            "ready=0",
            f"--client={clients}",
            *files,
            database.url,
        ]
        env = os.environ | {"PGOPTIONS": "-c jit=off -c timezone=UTC"}  # as the server's connections have it
        before = run.cpu(database.pid)
        done = subprocess.run(
            [*command, f"--time={seconds}"], env=env, capture_output=True, text=True, check=False
        )
        spent = run.cpu(database.pid) - before
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    number = re.search(r"transactions actually processed: (\d+)", done.stdout)
    failed = re.search(r"failed transactions: (\d+)", done.stdout)
    if done.returncode or not rate or not number or not int(number[1]):
        sys.exit(f"pgbench failed:\n{done.stdout}{done.stderr}"[:5000])
    per_request = sum(map(len, requests)) / len(requests)
    return Ceiling(
        float(rate[1]), spent / int(number[1]) * 1000, per_request, int(failed[1]) if failed else 0
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", default=",".join(LISTS), help="which lists (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="of each load (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=4, help="connections (default: %(default)s)")
    parser.add_argument(
        "--requests", type=int, default=16, help="to replay, of each kind (default: %(default)s)"
    )
    args = parser.parse_args()
    args.kinds = args.kinds.split(",")
    if not set(args.kinds) <= {*LISTS, "one", "person"}:
        parser.error(f"kinds are of {', '.join(LISTS)}, one, person")
    return args


def main() -> int:
    """Capture, replay, and print a table."""
    args, place = arguments(), run.places()
    if not (place.load / "tokens.txt").exists():
        sys.exit("there is no data: bench/run.sh --mixed makes it")
    print(f"{run.machine()}, {args.clients} connections of pgbench, {args.seconds} s", flush=True)
    requests = capture(place, args.kinds, args.requests)
    rounds = place.logs / run.ROUNDS
    known = json.loads(rounds.read_text()) if rounds.exists() else {}
    print(
        "\n| list | req/s | p50 ms | p95 ms | p99 ms | server CPU | database CPU | database alone: a second | its CPU |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    failed = 0
    with embedded.start(place.data / "postgres", settings=seed.POSTGRES) as database:
        for kind in args.kinds:
            found = measure(requests[kind], database, args.seconds, args.clients)
            failed += found.failed
            one = run.Result(**known[kind]) if kind in known else None
            cells = [kind, *([""] * 6)]
            if one is not None:
                times = [f"{ms:.1f}" for ms in (one.p50, one.p95, one.p99)]
                cells = [kind, f"{one.rps:,.0f}", *times, f"{one.server_cpu:.3f}", f"{one.database_cpu:.3f}"]
            print(f"| {' | '.join(cells)} | {found.per_s:,.0f} | {found.cpu:.3f} |", flush=True)
            print(f"{kind}: {found.statements:.1f} statements a request", file=sys.stderr)
    print("CPU: seconds per 1,000. The database alone is asked by pgbench for what the server asks it for.")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
