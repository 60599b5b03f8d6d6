"""Migrations: plain SQL files beside the features, applied in the order of their names.

A file `20261120T1200_what.sql` goes up, `20261120T1200_what.rollback.sql` goes down. Each is applied
and recorded in one transaction; one that cannot run in a transaction starts with the line
`-- transactional: false`.
"""

import asyncio
import contextlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
from pgqueuer.queries import Queries
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import MigrationList

from majlis.kit import queue

KIT = Path(__file__).parent / "migrations"
STAMP, FORM = re.compile(r"\d{8}T\d{4}_"), "%Y%m%dT%H%M"  # of names of migrations
LOCK = 0x4D616A6C  # "Majl": one migration run at a time in a database
TIMEOUTS = "SET lock_timeout = '4s'; SET statement_timeout = '{}s'"
LONG_S = 3600  # what cannot run in a transaction, such as building an index concurrently, may take an hour


class Migration(msgspec.Struct, frozen=True):
    """A migration and whether it is applied."""

    id: str
    applied: bool
    path: str


class MigrationFailed(Exception):
    """A migration that could not be applied; what it had done is undone."""


class Migrator:
    """Applies the migrations of some folders to a database."""

    def __init__(self, url: str, folders: Iterable[Path], *, statement_timeout_s: int = 5) -> None:
        self._url = url
        self._folders = [str(folder) for folder in folders]
        self._timeout = statement_timeout_s

    @contextlib.contextmanager
    def _backend(self) -> Iterator[tuple[Any, MigrationList]]:
        parts = urlsplit(self._url)
        url = urlunsplit(parts._replace(scheme="postgresql+psycopg"))
        with PostgresqlPsycopgBackend(parse_uri(url), "schema_migrations") as backend:
            backend.init_database()
            backend.execute(f"SELECT pg_advisory_lock({LOCK})")
            found = read_migrations(*self._folders)
            yield backend, MigrationList(sorted(found, key=lambda m: m.id))

    def status(self) -> list[Migration]:
        """Every migration, in order."""
        with self._backend() as (backend, migrations):
            applied = set(backend.get_applied_migration_hashes())
            return [Migration(m.id, m.hash in applied, m.path) for m in migrations]

    def up(self) -> list[str]:
        """Apply what is missing. Returns the ids. Raises MigrationFailed."""
        asyncio.run(install_queue(self._url))
        with self._backend() as (backend, migrations):
            return [self._step(backend, migration, "apply") for migration in backend.to_apply(migrations)]

    def down(self, count: int = 1, folder: Path | None = None) -> list[str]:
        """Undo the last ones, of one folder or of all. Returns the ids. Raises MigrationFailed."""
        with self._backend() as (backend, migrations):
            applied = backend.to_rollback(migrations)
            last = [one for one in applied if folder in (None, Path(one.path).parent)][:count]
            return [self._step(backend, migration, "rollback") for migration in last]

    def _step(self, backend: Any, migration: Any, direction: str) -> str:
        migration.load()
        whole = backend.transaction if migration.use_transactions else contextlib.nullcontext
        backend.execute(TIMEOUTS.format(self._timeout if migration.use_transactions else LONG_S))
        try:
            with whole():
                migration.process_steps(backend, direction)
                mark = backend.mark_one if direction == "apply" else backend.unmark_one
                mark(migration, log=False)
        except backend.DatabaseError as error:
            raise MigrationFailed(f"{migration.id}: {error}") from error
        return str(migration.id)


def next_stamp(folders: Iterable[Path], now: datetime) -> str:
    """What the name of a new migration begins with: now, but behind all in these folders, whatever the clock says.

    Before them it would find none of their tables in a database that is made anew.
    """
    names = (path.name for folder in folders for path in folder.glob("*.sql"))
    newest = max((name[:13] for name in names if STAMP.match(name)), default="")
    stamp = f"{now:{FORM}}"
    return stamp if stamp > newest else f"{datetime.strptime(newest, FORM) + timedelta(minutes=1):{FORM}}"  # noqa: DTZ007


def create(folder: Path, what: str, stamp: str) -> Path:
    """Write an empty migration and its rollback into a folder; returns the first's path."""
    name = f"{stamp}_{re.sub(r'[^a-z0-9]+', '_', what.lower()).strip('_')}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.sql"
    path.write_text(f"-- {what}\n")
    (folder / f"{name}.rollback.sql").write_text("")
    return path


async def install_queue(url: str) -> None:
    """Make the job queue's own tables, which its library defines, and bring them up to date.

    Its trigger would NOTIFY in every transaction that stores a job, and PostgreSQL lets only one such
    transaction commit at a time; workers are woken by hints after the commit instead.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        queries = Queries.from_asyncpg_connection(connection)
        if not await queries.schema_is_installed():
            await queries.install()
        else:
            await queries.upgrade()
        await connection.execute("DROP TRIGGER IF EXISTS tg_pgqueuer_changed ON pgqueuer")
        if not await connection.fetchval(queue.HAS_INDEX):
            await connection.execute(queue.INDEX)
    finally:
        await connection.close()


async def pending(connection: Any, folders: Iterable[Path]) -> list[str]:
    """Ids of migrations in these folders that this database does not have; cheap enough for a probe."""
    wanted = sorted(
        path.stem
        for folder in folders
        for path in folder.glob("*.sql")
        if not path.name.endswith(".rollback.sql")
    )
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return wanted
    applied = {row[0] for row in await connection.fetch("SELECT migration_id FROM schema_migrations")}
    return [name for name in wanted if name not in applied]
