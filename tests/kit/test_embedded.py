"""The embedded PostgreSQL: real servers, owned and killed by real processes."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import dedent
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from majlis.kit import embedded

ROOT = Path(embedded.__file__).parents[2]
AS_ROOT = os.geteuid() == 0
PRELUDE = "import os, signal, sys, time\nfrom pathlib import Path\nfrom majlis.kit import embedded\n"
PRELUDE += "folder = Path(sys.argv[1])\n"
HOLD = "print(server.pid, flush=True)\nsys.stdin.read()\n"
OWN = "server = embedded.start(folder)\n" + HOLD


def room() -> Path:
    """A folder that PostgreSQL's user can reach; pytest's own are closed to others."""
    made = Path(tempfile.mkdtemp(prefix="emb-"))
    made.chmod(0o711)
    return made


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder that most tests share, as making or copying one costs about a second."""
    base = room()
    embedded.start(base / "postgres").stop()
    yield base / "postgres"
    shutil.rmtree(base)


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """The shared data folder, at rest."""
    yield made
    clear(made.parent)


@pytest.fixture
def base() -> Iterator[Path]:
    """An empty folder."""
    new = room()
    yield new
    clear(new)
    shutil.rmtree(new)


def clear(base: Path) -> None:
    """End the servers that a failed test left under this folder."""
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.info["name"] == "postgres" and Path(process.cwd()).is_relative_to(base):
                process.send_signal(signal.SIGQUIT)


@contextmanager
def moved(folder: Path, to: Path) -> Iterator[Path]:
    """The data folder in another place for a while."""
    to.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(to)
    try:
        yield to
    finally:
        to.rename(folder)


def begin(code: str, *args: object, **more: str) -> subprocess.Popen[str]:
    """A process of its own that runs this code with warnings as errors; `folder` is its first argument."""
    command = [sys.executable, "-W", "error", "-c", PRELUDE + dedent(code), *map(str, args)]
    pipe = subprocess.PIPE
    environ = {**os.environ, **more}
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environ)


def run(code: str, *args: object, status: int = 0, **more: str) -> str:
    """What the code printed; fails unless it ends with this status."""
    process = begin(code, *args, **more)
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    return out.strip()


@contextmanager
def owner(folder: Path, code: str = OWN) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that owns the server, and the first number that it printed; told to end at the end."""
    process = begin(code, folder)
    assert process.stdin and process.stdout and process.stderr
    try:
        line = process.stdout.readline()
        if not line:
            pytest.fail(process.stderr.read())
        yield process, int(line)
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(60)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(60)


def eventually(happened: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def one(url: str, sql: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql.encode()).fetchone()  # bytes: psycopg's types want literals otherwise
        assert row
        return row[0]


def write(url: str, sql: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(sql.encode())


def modes(path: Path) -> list[int]:
    return [parent.stat().st_mode for parent in path.parents]


# A new folder


def test_a_new_folder_becomes_a_database(base: Path) -> None:
    folder = base / "data" / "postgres"
    assert embedded.running(folder) is None
    with embedded.start(folder) as server:
        assert embedded.running(folder) == (server.url, server.pid)
        assert one(server.url, "SELECT lower('ÀЖ')") == "àж"
        asyncio.run(check_with_asyncpg(server))
        assert one(server.url_for("postgres"), "SELECT current_database()") == "postgres"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert psutil.Process(server.pid).net_connections("inet") == []
        # Ctrl-C goes to a whole session's foreground group.
        assert os.getsid(server.pid) == server.pid
    assert embedded.running(folder) is None
    assert not psutil.pid_exists(server.pid)
    assert sorted(os.listdir(folder.parent)) == ["postgres", "postgres.lock", "postgres.log"]


async def check_with_asyncpg(server: embedded.Embedded) -> None:
    connection = await asyncpg.connect(server.url)
    try:
        made = "SELECT datctype, datlocprovider::text, datlocale FROM pg_database WHERE datname = 'majlis'"
        assert tuple(await connection.fetchrow(made)) == ("C.UTF-8", "b", "C.UTF-8")
        text = "Привет! «МИР» سلام، دنیا؛ ښه—ژوند ሰላም፡ለኢትዮጵያ።"
        words = await connection.fetchval("SELECT tsvector_to_array(to_tsvector('simple', $1))", text)
        assert set(words) == {"привет", "мир", "سلام", "دنیا", "ښه", "ژوند", "ሰላም", "ለኢትዮጵያ"}
        # The control: with the C library's C type, punctuation of these scripts sticks to the words.
        await connection.execute("CREATE DATABASE plain LC_CTYPE 'C' TEMPLATE template0")
        plain = await asyncpg.connect(server.url_for("plain"))
        stuck = await plain.fetchval("SELECT tsvector_to_array(to_tsvector('simple', $1))", text)
        await plain.close()
        assert "دنیا" not in stuck
    finally:
        await connection.close()


def test_settings_are_durable_and_can_be_given(folder: Path) -> None:
    show = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN "
    with embedded.start(folder) as server:
        names = "('fsync', 'synchronous_commit', 'full_page_writes', 'max_connections', 'listen_addresses')"
        durable = "fsync=on full_page_writes=on listen_addresses= max_connections=100 synchronous_commit=on"
        assert one(server.url, show + names) == durable
        assert one(server.url, "SHOW shared_buffers") == "128MB"
    with embedded.start(folder, settings={"shared_buffers": "64MB", "listen_addresses": "*"}) as server:
        assert one(server.url, "SHOW shared_buffers") == "64MB"
        assert one(server.url, "SHOW listen_addresses") == ""


def test_an_existing_folder_is_not_made_anew(folder: Path) -> None:
    before = (folder / "PG_VERSION").stat()
    embedded.start(folder).stop()
    after = (folder / "PG_VERSION").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_what_clients_send_is_not_logged(folder: Path) -> None:
    with embedded.start(folder) as server:
        write(server.url, "CREATE TABLE people (email text UNIQUE)")
        write(server.url, "INSERT INTO people VALUES ('someone@example.org')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="someone@example"):
            write(server.url, "INSERT INTO people VALUES ('someone@example.org')")
    logged = folder.with_name("postgres.log").read_text()
    assert "duplicate key" in logged and "someone@example" not in logged


def test_the_log_does_not_grow_without_bound(folder: Path) -> None:
    path = folder.with_name("postgres.log")
    code = "embedded.LOG_LIMIT, embedded.LOG_CHECK_S = 20_000, 0.05\n" + OWN
    line = "RAISE WARNING 'line % of many that fill the log', i;"
    fill = f"DO $$ BEGIN FOR i IN 1..500 LOOP {line} END LOOP; END $$"
    with owner(folder, code) as (process, _):
        found = embedded.running(folder)
        assert found
        for _ in range(4):
            process.send_signal(signal.SIGSTOP)  # so that it is not shortened before it was looked at
            before = path.stat().st_size
            write(found[0], "SET client_min_messages = error; " + fill)
            assert path.stat().st_size > max(before, 30_000)
            process.send_signal(signal.SIGCONT)
            eventually(lambda: path.stat().st_size <= 20_000)
        write(found[0], "DO $$ BEGIN RAISE WARNING 'still here'; END $$")
        assert "still here" in path.read_text()


def test_importing_leaves_the_wheel_alone() -> None:
    assert run("print([name for name in sys.modules if 'pgserver' in name])", "-") == "[]"


# Where the socket is


@pytest.mark.parametrize("name", ["d" * 90, "a,b c's", "محله"])
def test_any_folder_name_will_do(base: Path, folder: Path, name: str) -> None:
    with moved(folder, base / name / "postgres") as deep:
        with embedded.start(deep) as server:
            assert one(server.url, "SHOW data_directory") == str(deep)
            host = socket_folder(server.url)
            assert len(os.fsencode(host)) < 85
            assert stat.S_IMODE(host.stat().st_mode) == 0o700
            asyncio.run(ping(server.url))
        assert host == deep or not host.exists()


def socket_folder(url: str) -> Path:
    (host,) = parse_qs(urlsplit(url).query)["host"]
    return Path(host)


async def ping(url: str) -> None:
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


def test_a_deep_temp_folder_is_passed_over(base: Path, folder: Path) -> None:
    code = "with embedded.start(folder) as server: print(server.url)"
    with moved(folder, base / ("d" * 90) / "postgres") as deep:
        host = socket_folder(run(code, deep, TMPDIR=str(deep.parent)))
    assert str(host).startswith("/tmp/majlis-")
    assert not host.exists()


# Who owns the server


def test_one_folder_has_one_owner(folder: Path) -> None:
    with owner(folder) as (process, pid):
        words = rf"in use by another Majlis server \(pid {process.pid}\); stop it or .* MAJLIS_DATA_DIR"
        with pytest.raises(embedded.InUse, match=words):
            embedded.start(folder)
        assert psutil.pid_exists(pid)
    with embedded.start(folder) as server:
        with pytest.raises(embedded.InUse, match=f"pid {os.getpid()}"):
            embedded.start(folder)
        assert one(server.url, "SELECT 1") == 1


def test_of_two_starts_on_a_new_folder_one_wins(base: Path) -> None:
    code = """
        print('here', flush=True); sys.stdin.readline()
        try:
            server = embedded.start(folder)
        except embedded.EmbeddedError as error:
            print(error); sys.exit(7)
        print('won', flush=True); sys.stdin.read(); server.stop()
    """
    both = [begin(code, base / "postgres") for _ in range(2)]
    for process in both:
        assert process.stdout and process.stdout.readline() == "here\n"
    for process in both:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    eventually(lambda: any(process.poll() is not None for process in both))
    loser, winner = sorted(both, key=lambda process: process.poll() is None)
    # The winner may not have written its number yet.
    said = loser.communicate(timeout=60)[0]
    assert any(f"in use by another Majlis server (pid {pid})" in said for pid in (winner.pid, "unknown"))
    assert loser.returncode == 7
    assert winner.communicate(timeout=60)[0] == "won\n"
    assert winner.returncode == 0


def test_an_orphan_is_taken_over_and_stopped(folder: Path) -> None:
    with owner(folder) as (process, pid):
        found = embedded.running(folder)
        kill(process)
        assert psutil.pid_exists(pid) and embedded.running(folder) == found
    with embedded.start(folder) as server:
        assert (server.url, server.pid) == found
        assert one(server.url, "SELECT 1") == 1
    eventually(lambda: not psutil.pid_exists(pid))


def test_workers_of_a_killed_owner_do_not_hold_its_lock(folder: Path) -> None:
    code = """
        server = embedded.start(folder)
        worker = os.fork()
        if worker == 0:
            time.sleep(600); os._exit(0)
        print(worker, flush=True); sys.stdin.read()
    """
    with owner(folder, code) as (process, worker):
        kill(process)
        try:
            assert psutil.pid_exists(worker)
            embedded.start(folder).stop()
        finally:
            os.kill(worker, signal.SIGKILL)


def test_children_do_not_stop_the_server(folder: Path) -> None:
    code = """
        with embedded.start(folder) as server:
            for way in (server.stop, lambda: sys.exit(0)):
                if (child := os.fork()) == 0:
                    way(); sys.exit(0)
                assert os.waitpid(child, 0)[1] == 0
                print(embedded.running(folder) == (server.url, server.pid))
    """
    assert run(code, folder).split() == ["True", "True"]


@pytest.mark.parametrize("end, status", [("", 0), ("sys.exit(3)", 3), ("raise KeyError", 1)])
def test_the_server_ends_with_its_owner(folder: Path, end: str, status: int) -> None:
    pid = int(run(f"print(embedded.start(folder).pid, flush=True)\n{end}", folder, status=status))
    assert not psutil.pid_exists(pid)


def test_stop_ends_open_connections_and_may_be_called_again(folder: Path) -> None:
    server = embedded.start(folder)
    with psycopg.connect(server.url) as connection:
        server.stop()
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert not psutil.pid_exists(server.pid)


def test_a_postmaster_that_will_not_end_is_made_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_S", 0.1)
    monkeypatch.setattr(embedded, "KILL_S", 3)
    server = embedded.start(folder)
    write(server.url, "CREATE TABLE kept_by_force AS SELECT 5 AS n")
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert not psutil.pid_exists(server.pid)
    with embedded.start(folder) as again:
        assert one(again.url, "SELECT n FROM kept_by_force") == 5


# Commands beside a server


def test_a_command_uses_the_running_server(folder: Path) -> None:
    with owner(folder) as (_, pid):
        with embedded.connect_or_start(folder) as url:
            assert one(url, "SELECT 1") == 1
            assert embedded.running(folder) == (url, pid)
        assert embedded.running(folder) == (url, pid)


def test_a_command_alone_starts_one_and_stops_it(folder: Path) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), embedded.connect_or_start(folder) as url:
        one(url, "SELECT 1 / 0")
    assert embedded.running(folder) is None


def test_a_command_waits_for_a_server_that_is_starting(base: Path) -> None:
    with owner(base / "postgres", "print(0, flush=True)\n" + OWN) as (process, _):
        lock = base / "postgres.lock"
        eventually(lambda: lock.exists() and lock.read_text())  # its number, written once the lock is its own
        with embedded.connect_or_start(base / "postgres") as url:
            assert one(url, "SELECT 1") == 1
            with pytest.raises(embedded.InUse, match=str(process.pid)):
                embedded.start(base / "postgres")


# Crashes


def test_killed_postgres_recovers(folder: Path) -> None:
    server = embedded.start(folder)
    write(server.url, "CREATE TABLE kept AS SELECT 41 AS n")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with embedded.start(folder) as server:
        assert one(server.url, "SELECT n + 1 FROM kept") == 42


def test_all_killed_at_once_recovers(folder: Path) -> None:
    with owner(folder) as (process, pid):
        found = embedded.running(folder)
        assert found
        write(found[0], "CREATE TABLE kept_by_all AS SELECT 42 AS n")
        with psycopg.connect(found[0]) as busy:  # a backend that notices late that its postmaster is gone
            backend = busy.info.backend_pid
            os.kill(backend, signal.SIGSTOP)
            os.kill(pid, signal.SIGKILL)
            kill(process)
            eventually(lambda: embedded.running(folder) is None)
            logged = folder.with_name("postgres.log")

            def wake() -> None:
                try:
                    eventually(lambda: "is still in use" in logged.read_text())
                finally:
                    os.kill(backend, signal.SIGCONT)

            with ThreadPoolExecutor() as others:
                waking = others.submit(wake)
                with embedded.start(folder) as server:
                    assert one(server.url, "SELECT n FROM kept_by_all") == 42
                waking.result()


def test_a_pid_that_is_another_process_now_does_not_block(folder: Path) -> None:
    # PostgreSQL itself would be held up by a process of its own user only.
    stranger = subprocess.Popen(["sleep", "60"], user=folder.stat().st_uid if AS_ROOT else None)
    try:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            lines = [stranger.pid, folder, 1700000000, 5432, folder, "", "  1  2", "ready"]
            (folder / name).write_text("".join(f"{line}\n" for line in lines))
        assert embedded.running(folder) is None
        with embedded.start(folder) as server:
            assert one(server.url, "SELECT 1") == 1
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("content", ["", "\0" * 60, "12\n"])
def test_a_torn_pid_file_does_not_block(folder: Path, content: str) -> None:
    (folder / "postmaster.pid").write_text(content)
    with embedded.start(folder) as server:
        assert one(server.url, "SELECT 1") == 1


def test_sockets_of_a_dead_server_are_cleared_from_the_temp_folder(base: Path, folder: Path) -> None:
    with moved(folder, base / ("d" * 90) / "postgres") as deep:
        with owner(deep) as (process, pid):
            found = embedded.running(deep)
            assert found
            os.kill(pid, signal.SIGKILL)
            kill(process)
        assert socket_folder(found[0]).exists()
        embedded.start(deep).stop()
        assert not socket_folder(found[0]).exists()


def test_an_owner_killed_while_making_leaves_no_half_folder(base: Path) -> None:
    folder = base / "postgres"
    # It stands still before the last step, so that it is not done before it is killed.
    still = "print(0, flush=True)\nembedded.embedded_folder.os.rename = lambda *_: time.sleep(600)\n"
    with owner(folder, still + OWN) as (process, _):
        eventually(lambda: list(base.glob(".postgres.new-*/base/1")))
        kill(process)
    assert not folder.exists()
    with embedded.start(folder) as server:
        assert one(server.url, "SELECT current_database()") == "majlis"


# Folders that will not do


def test_data_of_another_major_version_is_refused(folder: Path) -> None:
    (folder / "PG_VERSION").write_text("16\n")
    with pytest.raises(
        embedded.EmbeddedError, match=r"PostgreSQL 16 data.*PostgreSQL 18.*MAJLIS_DATABASE_URL"
    ):
        embedded.start(folder)
    (folder / "PG_VERSION").write_text("18\n")
    embedded.start(folder).stop()  # the refusal let go of the lock


def test_a_folder_of_other_things_is_refused_and_an_empty_one_used(base: Path) -> None:
    folder = base / "postgres"
    folder.mkdir()
    (folder / "letters.txt").write_text("mine")
    with pytest.raises(embedded.EmbeddedError, match="holds files that are not PostgreSQL's"):
        embedded.start(folder)
    (folder / "letters.txt").unlink()
    embedded.start(folder).stop()


def test_what_postgres_says_when_it_cannot_start_is_told(folder: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match=r"could not start on .*(?s:.*)no_such_setting"):
        embedded.start(folder, settings={"no_such_setting": "1"})
    folder.chmod(0o755)
    with pytest.raises(embedded.EmbeddedError, match=r"could not start on .*(?s:.*)invalid permissions"):
        embedded.start(folder)
    folder.chmod(0o700)
    embedded.start(folder).stop()


def test_a_folder_under_a_file_is_refused(base: Path) -> None:
    (base / "file").touch()
    with pytest.raises(embedded.EmbeddedError, match=r"cannot be used: (Not a directory|File exists)"):
        embedded.start(base / "file" / "data" / "postgres")


def test_a_full_disk_is_named(base: Path, folder: Path) -> None:
    disk = base / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=70m,mode=755", "none", str(disk)]
    if not AS_ROOT or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount the small disk that this needs")
    try:
        subprocess.run(["cp", "-a", folder, disk / "postgres"], check=True)
        with pytest.raises(embedded.EmbeddedError, match=rf"could not make(?s:.*)disk of {disk}.* MiB left"):
            embedded.start(disk / "postgres2")
        assert not list(disk.glob(".postgres2.new-*"))
        with open(disk / "filler", "wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(1 << 12)):
                pass
        with pytest.raises(embedded.EmbeddedError, match="No space left on device"):
            embedded.start(disk / "postgres")
        (disk / "filler").unlink()
        embedded.start(disk / "postgres").stop()
    finally:
        clear(disk)
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.skipif(not AS_ROOT, reason="about running as root")
def test_root_opens_no_closed_folder(base: Path, folder: Path) -> None:
    home = base / "home"
    with moved(folder, home / "data" / "postgres") as inside:
        home.chmod(0o700)
        before = modes(inside)
        for closed in (inside, home / "new" / "postgres"):
            with pytest.raises(
                embedded.EmbeddedError, match=rf"{home} is closed to the user pgserver.*MAJLIS_DATA_DIR"
            ):
                embedded.start(closed)
        assert modes(inside) == before
        assert sorted(os.listdir(home)) == ["data"]


@pytest.mark.skipif(not AS_ROOT, reason="about running as root")
def test_root_runs_postgres_as_another_user_whatever_the_umask(base: Path) -> None:
    folder = base / "new" / "data" / "postgres"
    code = "os.umask(0o077); os.setgroups([0, 5])\n" + OWN
    with owner(folder, code) as (_, pid):
        process = psutil.Process(pid)
        uid, gid = folder.stat().st_uid, folder.stat().st_gid
        assert uid != 0 and gid != 0
        assert set(process.uids()) == {uid} and set(process.gids()) == {gid}
        assert "Groups:\t \n" in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.skipif(not AS_ROOT, reason="about running as root")
def test_data_that_root_took_over_is_refused_with_the_remedy(folder: Path) -> None:
    owner = folder.stat()
    os.chown(folder, 0, 0)
    try:
        with pytest.raises(embedded.EmbeddedError, match=f"belongs to root.*chown -R pgserver {folder}"):
            embedded.start(folder)
    finally:
        os.chown(folder, owner.st_uid, owner.st_gid)


@pytest.mark.skipif(not AS_ROOT, reason="root is needed to become another user")
def test_a_normal_user_owns_everything_alone(base: Path) -> None:
    mine, theirs = base / "mine", base / "theirs"
    mine.mkdir()
    os.chown(mine, 65534, 65534)
    theirs.mkdir()
    # The interpreter itself may lie in root's home, so the process changes its user after the imports.
    become = """
        import encodings.idna, psycopg
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    """
    code = """
        server = embedded.start(folder)
        with psycopg.connect(server.url) as connection:
            print(connection.execute("SELECT lower('ÀЖ')").fetchone()[0], os.stat(folder).st_uid)
        server.stop()
        os.environ["MAJLIS_DATA_DIR"] = "unused"
        try:
            embedded.start(Path(sys.argv[2]))
        except embedded.EmbeddedError as error:
            print(error)
    """
    first, second = run(dedent(become) + dedent(code), mine / "postgres", theirs / "postgres").splitlines()
    assert first == "àж 65534"
    assert second.startswith(f"{theirs}/postgres cannot be used: Permission denied ({theirs}/postgres.lock)")
    # Root serves that data as its owner, and leaves it to him.
    with embedded.start(mine / "postgres") as server:
        assert psutil.Process(server.pid).uids().real == 65534
    assert {path.stat().st_uid for path in mine.iterdir()} == {65534}
