"""What the measurements of conversations stand on: processes that may be killed, people, rooms."""

import contextlib
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import psutil
import psycopg
from uuid_utils.compat import uuid7

from majlis import main, serving
from majlis.features.channels import service as channels
from majlis.features.channels.model import ChannelCreate
from majlis.features.conversations import service as conversations
from majlis.features.workspaces import service as workspaces
from majlis.features.workspaces.model import WorkspaceCreate
from majlis.kit import crypto, db, embedded
from majlis.kit.me import Me
from majlis.kit.tokens import Signer
from majlis.settings import Settings

SECRET = "a-secret-key-of-the-benchmark-0123456789"
POSTGRES = {"shared_buffers": "256MB", "max_connections": "200", "max_wal_size": "4GB"}
READY_S = 120.0
TOKEN_LIFE = timedelta(days=1)
BUSY = """SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database()
  AND pid <> pg_backend_pid() ORDER BY state_change DESC LIMIT 1"""


class Person(NamedTuple):
    """Somebody with an account, signed in."""

    id: UUID
    token: str


# ---- processes


class Database:
    """An embedded PostgreSQL in this folder, or one that runs already."""

    def __init__(self, folder: Path, given: str = "") -> None:
        self._folder, self.given = folder, given
        self._server: embedded.Embedded | None = None
        self.kills = 0

    @property
    def url(self) -> str:
        """Where it is; the same after every start."""
        return self.given or (self._server.url if self._server is not None else "")

    @property
    def pid(self) -> int | None:
        """Of the first process, if it is ours."""
        return None if self._server is None else self._server.pid

    def start(self) -> None:
        """Start it and bring it up to date."""
        if not self.given:
            self._server = embedded.start(self._folder, settings=POSTGRES)
        serving.migrate(self.url)

    def kill(self) -> None:
        """End it as a crash would, and start it again.

        In turn its first process, of which the others die, and one that works for somebody, upon which the first
        one ends all others. Of a server that was given it is always the latter, which needs its rights.
        """
        self.kills += 1
        if self._server is None or self.kills % 2 == 0:
            _kill_backend(self.url)
            return
        gone = psutil.Process(self._server.pid)
        os.kill(self._server.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._server.pid, 0)
        gone.wait(READY_S)
        self._server.stop()
        self._server = embedded.start(self._folder, settings=POSTGRES)

    def stop(self) -> None:
        """End it, unless it was given."""
        if self._server is not None:
            self._server.stop()


def _kill_backend(url: str) -> None:
    """Kill a process that works for one of the servers, and wait until the database has recovered from that."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(BUSY).fetchone()
        try:
            os.kill(int(found[0]) if found else connection.info.backend_pid, signal.SIGKILL)
        except ProcessLookupError:  # it has just left
            os.kill(connection.info.backend_pid, signal.SIGKILL)
        while (
            True
        ):  # until this connection is ended like all others: before, the first process has not noticed
            connection.execute("SELECT 1")
            time.sleep(0.01)
    deadline = time.monotonic() + READY_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Process:
    """`majlis serve --no-worker` or `majlis work`, which may be killed and started again."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self.name, self._command = name, [sys.executable, "-P", "-m", "majlis", *command]
        self._folder = folder
        self.port = free_port() if command[0] == "serve" else 0
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAJLIS_", "PG"))}
        own = {"MAJLIS_DATA_DIR": str(folder / "data"), "MAJLIS_PORT": str(self.port)}
        self._environment = clean | own | environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the running process."""
        return self._process.pid if self._process is not None else 0

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Start it; `wait` waits."""
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )  # fmt: skip

    def wait(self) -> None:
        """Until it answers, if it serves. Raises RuntimeError with the end of its log."""
        deadline = time.monotonic() + READY_S
        while self.port and answers(self.url + "/health/ready") != 200:
            if self.ended or time.monotonic() > deadline:
                words = (self._folder / f"{self.name}.log").read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{self.name} did not become ready:\n{words}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(READY_S)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(READY_S)
        except subprocess.TimeoutExpired:
            self.kill()


@contextlib.contextmanager
def running(
    folder: Path, url: str, *, nodes: int = 1, workers: int = 1, inside: bool = False, **more: str
) -> Iterator[tuple[list[Process], list[Process]]]:
    """So many serving and working processes over a database, ready, and ended with the block.

    With the work `inside` there are serving processes only.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    environment = {
        "MAJLIS_DATABASE_URL": url, "MAJLIS_SECRET_KEY": SECRET, "MAJLIS_RATE_LIMITS": "off",
        "MAJLIS_GEOCODER": "off", **more,
    }  # fmt: skip
    command = ["serve"] if inside else ["serve", "--no-worker"]
    serve = [Process(f"serve{n}", command, folder, environment) for n in range(1, nodes + 1)]
    work = [
        Process(f"work{n}", ["work"], folder, environment) for n in range(1, 1 if inside else workers + 1)
    ]
    try:
        for process in (*serve, *work):
            process.start()
        for process in (*serve, *work):
            process.wait()
        yield serve, work
    finally:
        for process in (*serve, *work):
            process.stop()


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


def cpu(*pids: int | None) -> float:
    """CPU seconds so far of these processes and all below them, with those that have ended."""
    total = 0.0
    for pid in pids:
        if pid is None:
            continue
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def end_in_order() -> None:
    """Have signals end this process like an exception, so that everything it started is stopped."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def machine() -> str:
    """What this runs on, and how busy it is with other things."""
    loads = "/".join(f"{value:.1f}" for value in os.getloadavg())
    memory = psutil.virtual_memory().total / 2**30
    python = sys.version.split()[0]
    return f"{psutil.cpu_count()} CPUs, {memory:.0f} GiB, Python {python}, load before the start {loads}"


# ---- people and rooms


def settings_of(folder: Path, url: str) -> Settings:
    """The settings of the servers, for what is done past them."""
    return Settings(
        database_url=url, secret_key=SECRET, data_dir=str(folder / "data"), rate_limits="off", geocoder="off"
    )


async def people(settings: Settings, count: int) -> list[Person]:
    """New people, signed in."""
    connection = await asyncpg.connect(settings.database_url)
    await db.prepare_connection(connection)
    signer, now = Signer(settings.secret_keys(), main.ISSUER), datetime.now(UTC)
    expires = now + TOKEN_LIFE
    found, accounts, profiles, sessions = [], [], [], []
    for n in range(count):
        user, session = uuid7(), uuid7()
        email = f"{user.hex}@bench.example.org"
        token = signer.sign(
            {"user_id": str(user), "email": email, "aal": 1, "sid": str(session)}, now, expires
        )
        found.append(Person(user, token))
        accounts.append((user, email, True, now, now))
        profiles.append((user, f"First{n}", f"Last{n}", True, now, now))
        refresh = hashlib.sha256(secrets.token_bytes(32)).digest()
        sessions.append((session, user, refresh, crypto.digest(token), expires, expires, "bench"))
    rows = {
        "users": (accounts, "id email email_verified created_at updated_at"),
        "profiles": (profiles, "id first_name last_name is_complete created_at updated_at"),
        "user_sessions": (
            sessions,
            "id user_id refresh_token access_token_hash access_expires_at expires_at user_agent",
        ),
    }
    try:
        for table, (records, columns) in rows.items():
            await connection.copy_records_to_table(table, records=records, columns=columns.split())
            await connection.execute(f"ANALYZE {table}")
    finally:
        await connection.close()
    return found


async def group(settings: Settings, members: Sequence[Person]) -> str:
    """The stream of a new conversation of up to 50 people."""
    async with main.opened(settings, settings.database_url) as app, app.db.tx() as tx:
        owner, *others = (person.id for person in members)
        return f"c_{await conversations.open_group(tx, Me(id=owner), 'group_dm', others, 'bench')}"


async def dms(settings: Settings, members: Sequence[Person]) -> list[str]:
    """The streams of conversations of the first and the second person, the third and the fourth …"""
    found = []
    async with main.opened(settings, settings.database_url) as app, app.db.tx() as tx:
        for one, other in zip(members[::2], members[1::2], strict=True):
            made, _ = await conversations.open_dm(tx, Me(id=one.id), other.id)
            found.append(f"c_{made}")
    return found


async def channel(settings: Settings, members: Sequence[Person]) -> str:
    """The stream of a channel in a new workspace, with all of these people in it."""
    owner = Me(id=members[0].id, verified=True)
    async with main.opened(settings, settings.database_url) as app, app.db.tx() as tx:
        body = WorkspaceCreate(name="Bench", slug=f"bench-{secrets.token_hex(4)}")
        workspace = await workspaces.create(app, tx, owner, body)
        for person in members[1:]:
            await workspaces.join(tx, Me(id=person.id), workspace, "member")
        everybody = [person.id for person in members]
        made = await channels.create(
            tx, owner, workspace, ChannelCreate(name="everybody", member_ids=everybody)
        )
        return f"c_{made.id}"
