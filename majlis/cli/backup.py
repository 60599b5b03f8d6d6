"""Backup and restore: the database, and the files where no bucket keeps them."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click

from majlis.cli import common
from majlis.settings import Settings

DUMP, FILES, KEY = "database.dump", "files", "secret_key"
OLDEST = 170000  # below, a server does not know what the programs of the embedded PostgreSQL say at first


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
        _check(url, empty=False)
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
    """Fill an empty database, and the data folder, with what `majlis backup` wrote into FOLDER.

    Start the server behind it: it applies the migrations that are newer than the backup.

    \b
    majlis restore /backups/2026-11-21
    """
    if not (folder / DUMP).is_file():
        raise click.UsageError(f"{folder} holds no {DUMP}: it is no backup.")
    settings = common.read()
    from majlis import serving

    with common.told(), serving.beside(settings) as url, common.console().status("Restoring ..."):
        _check(url, empty=True)
        _run("pg_restore", url, "--no-owner", "--single-transaction", "--exit-on-error", str(folder / DUMP))
    click.echo("database: restored")
    _restore_files(settings, folder)


def _check(url: str, *, empty: bool) -> None:
    """End the program where the database is too old for this, or not empty where it has to be."""
    import asyncpg

    from majlis.kit import inspection

    async def run() -> tuple[int, bool]:
        connection = await asyncpg.connect(url)
        try:
            return (await inspection.server(connection)).number, await inspection.is_empty(connection)
        finally:
            await connection.close()

    number, is_empty = asyncio.run(run())
    if number < OLDEST:
        common.fail(
            "This needs PostgreSQL 17 or newer. With an older one use its own pg_dump and pg_restore."
        )
    if empty and not is_empty:
        common.fail("The database is not empty: take another data folder (MAJLIS_DATA_DIR) or database.")


def _restore_files(settings: Settings, folder: Path) -> None:
    data = settings.data_path()
    if (folder / FILES).is_dir():
        if settings.s3_bucket:
            click.echo(f"files: copy {folder / FILES} into the bucket {settings.s3_bucket} yourself")
        else:
            with common.console().status("Copying the files ..."):
                shutil.copytree(folder / FILES, data / FILES, dirs_exist_ok=True)
            click.echo("files: copied")
    if (
        (folder / KEY).is_file()
        and settings.mode == "development"
        and not os.environ.get("MAJLIS_SECRET_KEY")
    ):
        shutil.copy2(folder / KEY, data / KEY)
        click.echo("secret key: copied into the data folder")


def _run(program: str, url: str, *arguments: str) -> None:
    """Run a program of the embedded PostgreSQL; its password is not among the arguments, which everybody sees.

    Ends with its words where it fails.
    """
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from majlis.kit import embedded_folder

    known: dict[str, Any] = conninfo_to_dict(url)
    password = known.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    command = [str(embedded_folder.binaries() / program), "--dbname", make_conninfo("", **known), *arguments]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        common.fail(f"{program} failed: {done.stderr.strip()}")
