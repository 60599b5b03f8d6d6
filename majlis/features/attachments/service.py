"""Verbs of files: take room, fill, pick, keep, remove. Who may do what with a file, features above decide.

A row exists before its bytes do and goes after them, so that whatever is cut short leaves a row by which the sweep
finds the rest.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import IO
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec

from majlis.app import App
from majlis.features.attachments import store
from majlis.features.attachments.model import (
    AWAITED,
    MAX_BYTES,
    MAX_NAME,
    Declared,
    EmptyFile,
    File,
    FileKind,
    FileTooLarge,
    MessageFile,
    NoFile,
    NotThere,
    NotTheSame,
    NotUploaded,
    QuotaExceeded,
    Space,
    State,
    Stored,
    UnderWay,
)
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.kit import clock, ids, log
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Refused
from majlis.kit.me import Me
from majlis.vendors import images
from majlis.vendors.filetypes import HEAD, sniff
from majlis.vendors.image_wire import Format
from majlis.vendors.images import Kind, Processed

logger = log.get("majlis.attachments")

# For the stores of features above.
COLUMNS, file_of = store.COLUMNS, store.file_of
KEPT_LOOSE = timedelta(hours=24)  # how long a file may wait until a message carries it
BATCH = 100
THUMBNAIL = 320  # pixels that neither edge of the small preview goes beyond
PIECE = 256 * 1024
PICTURES = frozenset(format.value for format in Format)
ORIGINAL = "original"
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069/\\]")


# ---- storing


async def reserve(
    tx: Tx, me: Me, conversation_id: UUID, space: Space, file: Declared, state: State = "awaited"
) -> Stored:
    """A file that is to come. Raises FileTooLarge, QuotaExceeded, EmptyFile."""
    if not file.size:
        raise EmptyFile()
    if file.size > MAX_BYTES:
        raise FileTooLarge()
    limit = space.limit
    if (limit is not None and file.size > limit) or not await tx.one(store.TAKE, space.id, file.size, limit):
        raise QuotaExceeded()
    file_id, now = ids.new(), clock.now()
    await tx.run(
        store.ADD, file_id, conversation_id, me.user(), space.id, file.client_file_id, f"attachments/{uuid4()}",
        shown_name(file.name), file.size, file.sha256, state, now + AWAITED, now,
    )  # fmt: skip
    return await find(tx, me, file_id)


def shown_name(name: str) -> str:
    """A client's file name as people are shown it: without folders and what would mislead them."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    return _UNSHOWN.sub("", last).strip()[:MAX_NAME].strip() or "file"


async def known(tx: Reader, me: Me, conversation_id: UUID, client_file_id: str) -> Stored | None:
    """The file that the caller uploaded under this key before."""
    return await tx.one(store.KNOWN, conversation_id, me.user(), client_file_id)


async def find(tx: Reader, me: Me, file_id: UUID) -> Stored:
    """A file in whatever state, of anybody. Raises NoFile."""
    row = await tx.one(store.ONE, file_id)
    if row is None:
        raise NoFile()
    return row


async def begin(tx: Tx, me: Me, file_id: UUID) -> Stored:
    """From now on only the caller stores the bytes of an awaited file. Raises NoFile, UnderWay."""
    row = await tx.one(store.FILL, file_id, clock.now())
    if row is None:
        await find(tx, me, file_id)
        raise UnderWay()
    return row


async def fill(app: App, me: Me, row: Stored, file: IO[bytes], state: State) -> Stored:
    """Store the bytes of a file that the caller has begun. Raises NotTheSame, NoFile, Unavailable."""
    size, digest, mime_type = await asyncio.to_thread(_inspect, file)
    if size != row.size:
        raise NotTheSame("size")
    if row.sha256 not in (None, digest):
        raise NotTheSame("sha256")
    picture = await _picture(app, file, size, mime_type)
    file.seek(0)
    disposition = disposition_of(row.name, mime_type)
    key = f"{row.object}/{ORIGINAL}"
    await app.files.put_file(key, file, content_type=mime_type, disposition=disposition)
    previews: list[int] = []
    if picture is not None:
        longest = max(picture.width, picture.height)
        for edge, data in ((min(THUMBNAIL, longest), picture.thumbnail), (longest, picture.data)):
            if edge not in previews:
                await app.files.put(preview_of(row.object, edge), data, content_type=images.MIME_TYPE)
                previews.append(edge)
    width, height = (picture.width, picture.height) if picture is not None else (None, None)
    async with app.db.tx() as tx:
        filled = await tx.one(
            store.FILLED, row.id, state, mime_type, kind_of(mime_type), digest, width, height, previews
        )
        if filled is not None and state == "ready":
            await tx.run(store.READY, row.id, clock.now() + KEPT_LOOSE)
    if filled is None:  # removed meanwhile, perhaps before its bytes came
        await _erase_bytes(app, row.object)
        raise NoFile()
    return filled


def _inspect(file: IO[bytes]) -> tuple[int, str, str]:
    """Size, SHA-256 in hexadecimal, and type of an open file."""
    file.seek(0)
    digest, head = hashlib.sha256(), file.read(HEAD)
    digest.update(head)
    while piece := file.read(PIECE):
        digest.update(piece)
    return file.seek(0, os.SEEK_END), digest.hexdigest(), sniff(head)


async def _picture(app: App, file: IO[bytes], size: int, mime_type: str) -> Processed | None:
    """What a picture is shown as before it is fetched; None of what cannot be read, or not now."""
    if mime_type not in PICTURES or size > images.MAX_BYTES:
        return None
    file.seek(0)
    try:
        return await app.images.process(await asyncio.to_thread(file.read), Kind.GENERIC)
    except Refused as refused:
        logger.info("no preview of a file", reason=refused.code)
        return None


def kind_of(mime_type: str) -> FileKind:
    """What a file is to people."""
    match mime_type.partition("/")[0]:
        case "image":
            return "image"
        case "video":
            return "video"
        case "audio":
            return "audio"
    return "document"


def preview_of(folder: str, edge: int) -> str:
    """The key of a preview."""
    return f"{folder}/{edge}.webp"


def disposition_of(name: str, mime_type: str) -> str:
    """The Content-Disposition of a file: only what a browser shows without running it opens in its window."""
    shown = kind_of(mime_type) != "document" or mime_type == "application/pdf"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"{'inline' if shown else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def headers(tx: Reader, me: Me, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Content-Type and Content-Disposition of those keys under which files are stored, for who keeps the store."""
    me.require_role("admin")
    rows = await tx.all(store.HOLDING, [key.removesuffix(f"/{ORIGINAL}") for key in keys])
    return {
        f"{row.object}/{ORIGINAL}": (row.mime_type, disposition_of(row.name, row.mime_type)) for row in rows
    }


@contextlib.asynccontextmanager
async def given_up_on_error(app: App, me: Me, file_id: UUID, *, retried: bool) -> AsyncIterator[None]:
    """A block that fills a file: when it fails the file goes, or is awaited again."""
    try:
        yield
    except BaseException:
        try:
            if not retried:
                await remove(app, Me.system, file_id)
            else:
                async with app.db.tx() as tx:
                    await tx.run(store.UNFILL, file_id)
        except Exception as error:
            # What failed first is the answer; the sweep does what could not be done here.
            logger.warning("an upload was not cleared away", exc_info=error)
        raise


async def finish(tx: Tx, me: Me, file_id: UUID, sha256: str | None) -> File:
    """A stored file of the caller's may be carried from now on; again changes nothing.

    Raises NoFile, NotUploaded, and NotTheSame for another `sha256`.
    """
    row = await tx.one(store.LOCK, file_id)
    if row is None or row.user_id != me.user():
        raise NoFile()
    if row.state in ("awaited", "filling"):
        raise NotUploaded()
    if sha256 is not None and sha256.lower() != row.sha256:
        raise NotTheSame("sha256")
    if row.state == "stored":
        await tx.run(store.READY, file_id, clock.now() + KEPT_LOOSE)
    return file_of(row)


# ---- being carried


async def claim(tx: Tx, me: Me, conversation_id: UUID, named: Sequence[str], field: str) -> list[MessageFile]:
    """What a message in this conversation is to carry: uploads of the caller's by their URLs, which are referred to
    from now on (`media.release` gives them up), and files of theirs by their ids.

    Raises Invalid, or NotThere, with the names of those that are neither.
    """
    file_ids = [ids.parse(one) for one in named]
    photos = [Photo(url, "", "", 0, 0, 0) for url, one in zip(named, file_ids, strict=True) if one is None]
    claimed = iter(await media.claim(tx, me, photos, field, "private"))
    files = await _picked(tx, me, conversation_id, file_ids, field) if len(photos) < len(named) else {}
    return [_carried(next(claimed) if one is None else files[one]) for one in file_ids]


async def _picked(
    tx: Reader, me: Me, conversation_id: UUID, file_ids: Sequence[UUID | None], field: str
) -> dict[UUID, File]:
    wanted = [one for one in file_ids if one is not None]
    rows = await tx.all(store.PICKED, wanted, conversation_id, me.user())
    files = {row.id: file_of(row) for row in rows}
    missing = [f"{field}[{at}]" for at, one in enumerate(file_ids) if one is not None and one not in files]
    if missing:
        raise NotThere(missing)
    return files


def named(files: Iterable[MessageFile]) -> list[str]:
    """What names these files when they are claimed again, or given up."""
    return [str(file.id) if isinstance(file.id, UUID) else file.url for file in files]


def _carried(file: Photo | File) -> MessageFile:
    values = msgspec.structs.asdict(file)
    if isinstance(file, File):
        values["thumbnail_url"] = next(iter(file.thumbnails.values()), None)
    return MessageFile(**values)


def struck(file_id: UUID, at: datetime) -> MessageFile:
    """What is left of a file in the messages that carried it."""
    return MessageFile(
        url="", name="", mime_type="", size=0, width=None, height=None, id=file_id, deleted_at=at
    )


async def keep(tx: Tx, me: Me, named: Sequence[str], until: datetime) -> None:
    """Do not sweep these files of the caller's before this time, though nothing carries them."""
    file_ids = [file_id for one in named if (file_id := ids.parse(one)) is not None]
    if file_ids:
        await tx.run(store.KEEP, file_ids, me.user(), until)


# ---- going


async def mark(tx: Tx, me: Me, file_id: UUID) -> None:
    """Nothing shows a file from now on; `erase` follows."""
    await tx.run(store.MARK, file_id, clock.now())


async def remove(app: App, me: Me, file_id: UUID) -> None:
    """Remove a file that nothing carries."""
    async with app.db.tx() as tx:
        await mark(tx, me, file_id)
    await erase(app, me, file_id)


async def erase(app: App, me: Me, file_id: UUID) -> None:
    """Delete the bytes of a file that is marked, then its row."""
    async with app.db.tx() as tx:
        gone = await tx.one(store.GONE, file_id)
    if gone is not None:
        await _erase(app, gone)


async def _erase_bytes(app: App, folder: str) -> None:
    # Whatever is there: what was cut short may have left more than the row tells of.
    for key in [key async for key in app.files.list(folder)]:
        await app.files.delete(key)


async def _erase(app: App, gone: store.Gone) -> None:
    await _erase_bytes(app, gone.object)
    async with app.db.tx() as tx:
        await tx.run(store.FORGET, gone.id)


async def sweep(app: App, me: Me) -> int:
    """Remove what no message has carried in time, and what is left of removals that were cut short.

    Returns how many files went.
    """
    count = 0
    while True:
        async with app.db.tx() as tx:
            loose = await tx.all(store.LOOSE, clock.now(), BATCH)
        for gone in loose:
            await _erase(app, gone)
        count += len(loose)
        if len(loose) < BATCH:
            return count
