"""The doctor: looks at everything a server needs, changes nothing."""

import asyncio
import os
import platform
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import click
from rich.text import Text

from majlis import __version__
from majlis import settings as configuration
from majlis.cli import common
from majlis.settings import Settings

State = Literal["ok", "note", "wrong"]
COLOURS: dict[State, str] = {"ok": "green", "note": "yellow", "wrong": "bold red"}
LEAST_POSTGRES = 150000
LITTLE_DISK, NO_DISK = 2 << 30, 256 << 20  # bytes
DRIFT_S, GREAT_DRIFT_S = 1.0, 5.0
PATIENCE_S = 5.0


class Finding(NamedTuple):
    """One line of the doctor's report."""

    what: str
    state: State
    words: str


@click.command(short_help="Look whether all is well.")
def check() -> None:
    """Look whether all is well: settings, database, migrations, disk, clock, Redis, files, mail, push.

    Exits 1 when something is wrong. Changes nothing, and runs beside a server.

    \b
    majlis check
    MAJLIS_MODE=production majlis check
    """
    settings, sources = common.read_all()
    from majlis.kit import log

    log.configure("error", "text")
    findings = [*_program(), *_settings(settings, sources), *_disk(settings)]
    findings += [*_database(settings), *asyncio.run(_services(settings))]
    rows = [(Text(f.state, COLOURS[f.state]), f.what, f.words) for f in findings]
    common.table(["", "what", "finding"], rows, wrap=(2,))
    wrong = [f.what for f in findings if f.state == "wrong"]
    if wrong:
        common.fail(f"Something is wrong with: {', '.join(wrong)}.")
    click.echo("All is well.")


def _program() -> Iterator[Finding]:
    yield Finding("majlis", "ok", f"{__version__}, Python {platform.python_version()}, {platform.system()}")


def _settings(settings: Settings, sources: dict[str, str]) -> Iterator[Finding]:
    given = sorted(name for name, source in sources.items() if source != "data folder")
    yield Finding("settings", "ok", f"{settings.mode}; set: {', '.join(given) or 'none'}")
    if settings.mode == "development":
        for line in configuration.unsafe(settings):
            yield Finding("settings", "note", f"production would refuse: {line}")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = _existing(settings.data_path())
    free = shutil.disk_usage(folder).free
    state: State = "wrong" if free < NO_DISK else "note" if free < LITTLE_DISK else "ok"
    yield Finding("disk", state, f"{free / (1 << 30):.1f} GiB free at {settings.data_path()}")
    if not os.access(folder, os.W_OK):
        yield Finding("disk", "wrong", f"{folder} cannot be written to")


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _database(settings: Settings) -> list[Finding]:
    import asyncpg

    from majlis import serving
    from majlis.kit.embedded import EmbeddedError

    folder = settings.data_path() / "postgres"
    if not settings.database_url and not folder.exists():
        return [Finding("database", "note", f"none in {folder} yet; the first `majlis serve` makes it")]
    try:
        with serving.beside(settings) as url:
            return asyncio.run(_ask(url))
    except (EmbeddedError, asyncpg.PostgresError, OSError, TimeoutError) as error:
        return [Finding("database", "wrong", f"does not answer: {str(error) or type(error).__name__}")]


async def _ask(url: str) -> list[Finding]:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=PATIENCE_S)
    try:
        return [*await _version(connection), await _migrations(connection), await _clock(connection)]
    finally:
        await connection.close()


async def _version(connection: Any) -> list[Finding]:
    from majlis.kit import inspection

    facts = await inspection.server(connection)
    old, narrow = facts.number < LEAST_POSTGRES, facts.encoding != "UTF8" or not facts.folds
    age = "; 15 or newer is needed" if old else ""
    advice = "; words are not found: make the database with UTF8 and C.UTF-8" if narrow else ""
    return [
        Finding("database", "wrong" if old else "ok", f"PostgreSQL {facts.version}{age}"),
        Finding("encoding", "wrong" if narrow else "ok", f"{facts.encoding}, {facts.ctype}{advice}"),
    ]


async def _migrations(connection: Any) -> Finding:
    from majlis import main
    from majlis.kit import migrations

    missing = await migrations.pending(connection, main.migration_folders())
    words = f"{len(missing)} missing, first {missing[0]}: majlis migrate up" if missing else "all applied"
    return Finding("migrations", "wrong" if missing else "ok", words)


async def _clock(connection: Any) -> Finding:
    from majlis.kit import inspection

    drift = abs(await inspection.drift_s(connection))
    state: State = "wrong" if drift > GREAT_DRIFT_S else "note" if drift > DRIFT_S else "ok"
    return Finding("clock", state, f"{drift:.3f} s apart from the database's")


async def _services(settings: Settings) -> list[Finding]:
    looks = (("files", _files), ("mail", _mail), ("push", _push))
    found = [await _guarded(what, settings, look) for what, look in looks]
    if settings.database_read_url:
        found.append(await _guarded("replica", settings, _replica))
    if settings.redis_url:
        found.append(await _guarded("redis", settings, _redis))
    return found


async def _guarded(what: str, settings: Settings, look: Callable[[Settings], Awaitable[Finding]]) -> Finding:
    """What was found; whatever goes wrong is the finding."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await look(settings)
    except TimeoutError:
        return Finding(what, "wrong", f"no answer in {PATIENCE_S:.0f} s")
    except Exception as error:  # noqa: BLE001  that is what it is for
        return Finding(what, "wrong", str(error) or type(error).__name__)


async def _replica(settings: Settings) -> Finding:
    import asyncpg

    from majlis.kit import inspection

    connection = await asyncpg.connect(settings.database_read_url, timeout=PATIENCE_S)
    try:
        version, follows = (await inspection.server(connection)).version, await inspection.follows(connection)
    finally:
        await connection.close()
    advice = "" if follows else "; it follows no primary"
    return Finding("replica", "ok" if follows else "note", f"PostgreSQL {version}{advice}")


async def _files(settings: Settings) -> Finding:
    from majlis.vendors import files

    await files.from_settings(settings).check()
    where = f"bucket {settings.s3_bucket}" if settings.s3_bucket else str(settings.data_path())
    return Finding("files", "ok", f"{where} can be written to")


async def _mail(settings: Settings) -> Finding:
    from majlis.vendors import mail

    mail.from_settings(settings)
    if not settings.mail_url:
        folder = mail.mail_folder(settings)
        open_to_us = os.access(_existing(folder), os.W_OK)
        return Finding("mail", "ok" if open_to_us else "wrong", f"written into {folder}")
    parts = urlsplit(settings.mail_url)
    port = parts.port or mail.PORTS[parts.scheme]
    _, writer = await asyncio.open_connection(parts.hostname, port)
    writer.close()
    return Finding("mail", "ok", f"{parts.hostname}:{port} takes connections")


async def _push(settings: Settings) -> Finding:
    from majlis.vendors import push

    pushers = push.from_settings(settings)
    await pushers.aclose()
    ways = [
        name
        for name, given in (("apps", settings.fcm_credentials), ("browsers", settings.vapid_key))
        if given
    ]
    if ways:
        return Finding("push", "ok", f"sent to {' and '.join(ways)}")
    if settings.mode == "development":
        return Finding("push", "ok", f"written into {push.push_folder(settings)}")
    return Finding("push", "note", "set up neither for apps nor for browsers: nothing is sent")


async def _redis(settings: Settings) -> Finding:
    from majlis.kit.cache import redis_client

    client = redis_client(settings.redis_url)
    try:
        info = await client.info("server")
        return Finding("redis", "ok", f"version {info['redis_version']}")
    finally:
        await client.aclose()
