"""Files: from the data folder into a bucket."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import click

from majlis.cli import common

BATCH = 500  # files that are looked up in the database together
AT_ONCE = 8
COPIED, THERE, NOBODYS = "copied", "there", "nobody's"


@click.command(short_help="Copy the files of the data folder into the bucket.")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def upload(folder: Path | None) -> None:
    """Copy the files of the data folder, or of another FOLDER, into the bucket that the settings name.

    What the bucket has already is left alone, and so is what nobody has any more. Nothing is deleted. Run it while the
    server still uses the folder, and once more behind its start with the bucket, for what came in between.

    \b
    MAJLIS_S3_BUCKET=town majlis upload
    """
    settings = common.read()
    if not settings.s3_bucket:
        raise click.UsageError("The settings name no bucket: set MAJLIS_S3_BUCKET.")
    source = folder or settings.data_path() / "files"
    if not source.is_dir():
        raise click.UsageError(f"There is no folder {source}.")
    click.echo(common.with_app(settings, lambda app: into_bucket(app, source)))


async def into_bucket(app: Any, source: Path) -> str:
    """Copy what the bucket of an app lacks, and tell what was done. Raises Unavailable."""
    from rich.progress import Progress

    from majlis.vendors.files import fault_of

    # A write in progress has a name that no key has.
    keys = [key for key in await asyncio.to_thread(_below, source) if fault_of(key) is None]
    done: Counter[str] = Counter()
    with Progress(console=common.console(), transient=True) as progress:
        task = progress.add_task("Copying the files ...", total=len(keys))
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            done.update(await _copy(app, source, batch))
            progress.advance(task, len(batch))
    return f"files: {done[COPIED]} copied, {done[THERE]} were there, {done[NOBODYS]} are nobody's"


def _below(source: Path) -> list[str]:
    """The keys of all files of a folder."""
    return sorted(
        (Path(folder) / name).relative_to(source).as_posix()
        for folder, _, names in os.walk(source)
        for name in names
    )


async def _copy(app: Any, source: Path, keys: list[str]) -> list[str]:
    """What was done with each of these files."""
    from majlis.features.attachments import service as attachments
    from majlis.features.exports import service as exports
    from majlis.kit.errors import Unavailable
    from majlis.kit.me import Me
    from majlis.vendors.files import type_of

    async with app.db.read() as tx:
        # The folder may be older than the bucket: what was deleted since must not come back.
        stored = await exports.stored(tx, Me.system, keys)
        headers = await attachments.headers(tx, Me.system, keys)
    free = asyncio.Semaphore(AT_ONCE)

    async def one(key: str) -> str:
        path = source / key
        if key not in stored:
            return NOBODYS
        async with free:
            try:
                if await _is_there(app, key, path):
                    return THERE
                content_type, disposition = headers.get(key) or (type_of(key), "")
                await app.files.put_file(key, path, content_type=content_type, disposition=disposition)
            except (Unavailable, FileNotFoundError):
                if await asyncio.to_thread(path.is_file):
                    raise
                return NOBODYS  # it was deleted meanwhile
            return COPIED

    return await asyncio.gather(*map(one, keys))


async def _is_there(app: Any, key: str, path: Path) -> bool:
    """Whether the bucket has a file whole. Files are never changed once they are written."""
    from majlis.kit.errors import NotFound

    try:
        return bool((await app.files.head(key)).size == (await asyncio.to_thread(path.stat)).st_size)
    except NotFound:
        return False
