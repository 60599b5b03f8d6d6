"""Backup and restore: the database, and the files where no bucket keeps them."""

import asyncio
import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any, cast

import click

from majlis.cli import common, files
from majlis.settings import Settings

DUMP, FILES, KEY = "database.dump", "files", "secret_key"
NEWER = 170000  # below, a server does not know a setting that the programs of the embedded PostgreSQL make at first
UNKNOWN = b"SET transaction_timeout = 0;\n"
PREAMBLE = 100  # lines of a dump in which it stands


@click.command(short_help="Write everything into a new folder.")
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Write the database, and the files where no bucket keeps them, into a new FOLDER, while the server runs.

    What it holds is as secret as the database. The settings are not in it: keep them, and the secret key, beside it.

    \b
    majlis backup /backups/$(date +%F)
    """
    settings = common.read()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.UsageError(f"{folder} is there already: name a new folder.")
    from majlis import serving

    with common.told(), serving.beside(settings) as url, common.console().status("Dumping the database ..."):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = folder / f"{DUMP}.part"
        _run("pg_dump", url, "--format=custom", f"--file={part}")
        part.chmod(0o600)
        part.rename(folder / DUMP)
    click.echo(f"database: {(folder / DUMP).stat().st_size / 2**20:.1f} MiB")
    data = settings.data_path()
    # Behind the database: files are not changed once written, so all that it names are there.
    if settings.s3_bucket:
        click.echo(f"files: in the bucket {settings.s3_bucket}, of which nothing is copied")
    elif (data / FILES).is_dir():
        with common.console().status("Copying the files ..."):
            shutil.copytree(data / FILES, folder / FILES, ignore_dangling_symlinks=True)
        click.echo(f"files: {sum(len(names) for _, _, names in os.walk(folder / FILES))}")
    if (data / KEY).is_file() and not os.environ.get("MAJLIS_SECRET_KEY"):
        shutil.copy2(data / KEY, folder / KEY)
        click.echo("secret key: that of development mode, from the data folder")


@click.command(short_help="Fill an empty server from a backup.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(folder: Path) -> None:
    """Fill an empty database, and the data folder or the bucket, with what `majlis backup` wrote into FOLDER.

    Start the server behind it: it applies the migrations that are newer than the backup.

    \b
    majlis restore /backups/2026-11-21
    """
    if not (folder / DUMP).is_file():
        raise click.UsageError(f"{folder} holds no {DUMP}: it is no backup.")
    settings = common.read()
    from majlis import serving

    with common.told(), serving.beside(settings) as url, common.console().status("Restoring ..."):
        number, is_empty = _look(url)
        if not is_empty:
            common.fail("The database is not empty: take another data folder (MAJLIS_DATA_DIR) or database.")
        if number < NEWER:
            _restore_older(url, folder / DUMP)
        else:
            _run(
                "pg_restore", url, "--no-owner", "--single-transaction", "--exit-on-error", str(folder / DUMP)
            )
    click.echo("database: restored")
    _restore_files(settings, folder)


def _look(url: str) -> tuple[int, bool]:
    """The version of a database as a number, and whether it is empty."""
    import asyncpg

    from majlis.kit import inspection

    async def run() -> tuple[int, bool]:
        connection = await asyncpg.connect(url)
        try:
            return (await inspection.server(connection)).number, await inspection.is_empty(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def _restore_files(settings: Settings, folder: Path) -> None:
    data = settings.data_path()
    if (
        (folder / KEY).is_file()
        and settings.mode == "development"
        and not os.environ.get("MAJLIS_SECRET_KEY")
    ):
        shutil.copy2(folder / KEY, data / KEY)
        click.echo("secret key: copied into the data folder")
    if not (folder / FILES).is_dir():
        return
    if settings.s3_bucket:
        click.echo(common.with_app(settings, lambda app: files.into_bucket(app, folder / FILES)))
    else:
        with common.console().status("Copying the files ..."):
            shutil.copytree(folder / FILES, data / FILES, dirs_exist_ok=True)
        click.echo("files: copied")


def _restore_older(url: str, dump: Path) -> None:
    """Restore by way of psql, without the one setting that PostgreSQL 15 and 16 do not know."""
    from majlis.kit import embedded_folder

    reading = [str(embedded_folder.binaries() / "pg_restore"), "--no-owner", "--file=-", str(dump)]
    options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-")
    command, environment = _command("psql", url)
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=words) as source,
        subprocess.Popen(
            [*command, *options],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=words,
        ) as target,
    ):
        whole, sql = cast(IO[bytes], source.stdout), cast(IO[bytes], target.stdin)
        with contextlib.suppress(BrokenPipeError), sql:  # psql has ended, and said why
            for line in itertools.islice(whole, PREAMBLE):
                sql.write(b"" if line == UNKNOWN else line)
            shutil.copyfileobj(whole, sql)
            if source.wait():
                target.kill()  # half a dump must not be committed
        whole.close()
        if source.wait() or target.wait():
            words.seek(0)
            common.fail(f"The restore failed: {words.read().decode(errors='replace').strip()}")


def _run(program: str, url: str, *arguments: str) -> None:
    """Run a program of the embedded PostgreSQL. Ends with its words where it fails."""
    command, environment = _command(program, url)
    done = subprocess.run(
        [*command, *arguments], check=False, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        common.fail(f"{program} failed: {done.stderr.strip()}")


def _command(program: str, url: str) -> tuple[list[str], dict[str, str]]:
    """How a program of the embedded PostgreSQL is called for a database, and its environment.

    The password is not among the arguments, which everybody sees.
    """
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from majlis.kit import embedded_folder

    known: dict[str, Any] = conninfo_to_dict(url)
    password = known.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    return [str(embedded_folder.binaries() / program), "--dbname", make_conninfo("", **known)], environment
