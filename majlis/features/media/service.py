"""Verbs of uploads: store a picture, refer to it, give it up, delete it.

A row exists before its files do and goes after them, so that whatever is cut short leaves a row by which
the sweep finds the rest.
"""

import asyncio
import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from typing import Literal, get_args
from uuid import uuid4

import msgspec

from majlis.app import App
from majlis.features.media import store as rows
from majlis.features.media.facts import PhotosReleased
from majlis.features.media.model import NotUploader, Photo, StillAttached, Uploaded, Video
from majlis.kit import clock, facts, ids, links, log
from majlis.kit.db import Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.http import Upload
from majlis.kit.me import Me
from majlis.settings import listed
from majlis.vendors.images import MIME_TYPE, Kind, Processed
from majlis.vendors.videos import SUFFIXES, Clip

logger = log.get("majlis.media")

UNNAMED = "photo"
NAME_LENGTH = 60
KEPT_LOOSE = timedelta(hours=24)  # how long an upload may wait until something refers to it
BATCH = 100
SUFFIX, THUMBNAIL_SUFFIX = ".webp", "_thumb.webp"
TYPES = {SUFFIX: MIME_TYPE, **{suffix: kind for kind, suffix in SUFFIXES.items()}}
# To whom a reference opens an upload: to everybody, to whoever is shown a signed address, or to nobody.
Showing = Literal["public", "private", "kept"]
_OBJECT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[a-z0-9_-]{1,80}\.(?:webp|mp4|webm|mov)")


# ---- storing


async def store(app: App, me: Me, file: Upload, kind: Kind) -> Uploaded:
    """The picture as WebP with a thumbnail, stored for the caller, referred to by nothing yet (rule 68).

    Raises Malformed, UnsupportedType, TooLarge and Unavailable; nothing is left behind then.
    """
    (uploaded,) = await store_all(app, me, [file], kind)
    return uploaded


async def store_all(app: App, me: Me, files: Sequence[Upload], kind: Kind) -> list[Uploaded]:
    """Each file as `store` does it: all of them, or none."""
    user_id, now = me.user(), clock.now()
    # One after the other: a form full of pictures must not take every turn from other people.
    pictures = [await app.images.process(file.data, kind) for file in files]
    if not pictures:
        return []
    base = app.settings.media_url()
    stored = [_uploaded(base, file.name, picture) for file, picture in zip(files, pictures, strict=True)]
    async with app.db.tx() as tx:
        values = [(ids.new(), one.path, user_id, kind.value, one.photo, now) for one in stored]
        await tx.many(rows.ADD, values)
    async with discarded_on_error(app, me, stored):
        for one, picture in zip(stored, pictures, strict=True):
            await app.files.put(one.path, picture.data, content_type=MIME_TYPE)
            await app.files.put(thumbnail_of(one.path), picture.thumbnail, content_type=MIME_TYPE)
    return stored


async def store_video(app: App, me: Me, name: str, clip: Clip, poster: Processed | None) -> Uploaded:
    """A video as it came, stored for the caller with its poster, referred to by nothing yet. Raises Unavailable."""
    base, suffix = app.settings.media_url(), SUFFIXES[clip.mime_type]
    path = f"{uuid4()}/{slug(name)}{suffix}"
    thumbnail = f"{base}/{thumbnail_of(path)}" if poster else None
    looks = clip.looks
    photo = Video(
        f"{base}/{path}", path.rpartition("/")[2], clip.mime_type, clip.size,
        looks.width if looks else 0, looks.height if looks else 0, thumbnail,
        looks.seconds if looks else None,
    )  # fmt: skip
    stored = Uploaded(photo.url, path, photo)
    async with app.db.tx() as tx:
        await tx.run(rows.ADD, ids.new(), path, me.user(), "video", photo, clock.now())
    async with discarded_on_error(app, me, [stored]):
        clip.file.seek(0)
        await app.files.put_file(path, clip.file, content_type=clip.mime_type)
        if poster is not None:
            await app.files.put(thumbnail_of(path), poster.data, content_type=MIME_TYPE)
    return stored


@contextlib.asynccontextmanager
async def storing(app: App, me: Me, files: Sequence[Upload], kind: Kind) -> AsyncIterator[list[Uploaded]]:
    """`store_all` for the length of a block that attaches the pictures; they go at once when it fails."""
    stored = await store_all(app, me, files, kind)
    async with discarded_on_error(app, me, stored):
        yield stored


@contextlib.asynccontextmanager
async def discarded_on_error(app: App, me: Me, stored: Sequence[Uploaded]) -> AsyncIterator[None]:
    """What was stored goes at once when the block fails, if nothing refers to it; with the block's own error."""
    try:
        yield
    except BaseException:
        paths = [one.path for one in stored]
        try:
            if app.db.held:
                await _erase_files(app, paths)  # the request takes their rows back by itself
            else:
                await remove_loose(app, me, paths)
        except Exception as error:
            # What failed first is the answer; the sweep does what could not be done here.
            logger.warning("an upload was not cleared away", exc_info=error)
        raise


def _uploaded(base: str, file_name: str, picture: Processed) -> Uploaded:
    name = slug(file_name) + SUFFIX
    path = f"{uuid4()}/{name}"
    url = f"{base}/{path}"
    size = len(picture.data)
    thumbnail = f"{base}/{thumbnail_of(path)}"
    photo = Photo(url, name, picture.mime_type, size, picture.width, picture.height, thumbnail)
    return Uploaded(url, path, photo)


def slug(file_name: str) -> str:
    """A client's file name without folders and suffix, as far as it is plain letters and digits (rule 76)."""
    last = re.split(r"[/\\]", file_name)[-1]
    stem = last.rpartition(".")[0] or last
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain)[:NAME_LENGTH].strip("-_") or UNNAMED


# ---- names


def is_object(path: str) -> bool:
    """Whether an object could have this name, that of a thumbnail included."""
    return _OBJECT.fullmatch(path) is not None


def thumbnail_of(path: str) -> str:
    """The name of an object's thumbnail (rule 75); of a video's, its poster."""
    return path.rpartition(".")[0] + THUMBNAIL_SUFFIX


def originals_of(path: str) -> list[str]:
    """The object of this name, and those whose thumbnail it may be."""
    if not path.endswith(THUMBNAIL_SUFFIX):
        return [path]
    return [path, *(path.removesuffix(THUMBNAIL_SUFFIX) + suffix for suffix in TYPES)]


def type_of(path: str) -> str:
    """The media type of an object."""
    return TYPES[path[path.rfind(".") :]]


def object_of(url: str) -> str | None:
    """The object behind a public URL, whatever its base was at the time (rule 78); None for any other."""
    path = "/".join((links.private_path(url) or url).rsplit("/", 2)[-2:])
    return path if is_object(path) else None


# ---- who may fetch what


async def open_addresses(app: App, me: Me) -> None:
    """Let this process sign addresses of what is not for everybody."""
    async with app.db.tx() as tx:
        key = await tx.one(rows.KEY)
    if key is None:
        raise LookupError("media_keys is empty: private addresses of this database can never be signed")
    settings = app.settings
    private = links.Private(settings.base_url() + "/media", settings.secret_keys(), key)
    links.configure(
        private, settings.media_url(), [one.rstrip("/") for one in listed(settings.media_moved_from)]
    )


# ---- references


async def claim(
    tx: Tx, me: Me, photos: Sequence[Photo], field: str, showing: Showing = "public"
) -> list[Photo]:
    """Refer to uploads of the caller's own, once for each time one is named. Returns the photos as stored.

    A private reference comes with private addresses, which are signed when they leave. An upload is named by the address
    that it has or that its owner was shown. Raises Invalid naming `field[i].url` of each that is not the caller's, or gone.
    """
    user_id = me.user()
    if not photos:
        return []
    named = _objects(photo.url for photo in photos)
    found = await _locked(tx, named, showing == "private")
    mine = {one.object: one for one in found if one.user_id == user_id and not one.removed}
    wrong = [
        FieldFault(f"{field}[{index}].url", "unknown_upload", "This is no upload of yours.")
        for index, (path, photo) in enumerate(zip(named, photos, strict=True))
        if path not in mine
        or photo.url not in ((url := mine[path].url), links.of_today(url), _private(photo.url))
    ]
    if wrong:
        raise Invalid(fields=wrong)
    await _count(tx, rows.ATTACH, [(path, showing) for path in named])
    stored = {path: msgspec.json.decode(one.photo, type=Photo) for path, one in mine.items()}
    return [stored[path] for path in named]


async def release(tx: Tx, me: Me, urls: Sequence[str], *, kept: bool = False) -> None:
    """Give references up, one for each time an URL is named. What nothing refers to then is removed later.

    Whether one was private, its address tells. URLs of others' uploads and of no upload are passed over; background work
    may give up anybody's.
    """
    named = _objects(urls)
    mine = {one.object: one for one in await _locked(tx, named) if me.is_system or one.user_id == me.user()}
    given: list[tuple[str, Showing]] = [
        (path, "kept" if kept else "private" if _private(url) else "public")
        for path, url in zip(named, urls, strict=True)
        if path in mine
    ]
    if not given:
        return
    await _count(tx, rows.DETACH, given)
    times = Counter(path for path, _ in given)
    loose = tuple(path for path, count in times.items() if mine[path].attached <= count)
    if loose:
        await facts.emit(tx, PhotosReleased(loose))


def _private(url: str) -> str | None:
    """The URL if it is that of a private reference."""
    return url if links.private_path(url) else None


def _objects(urls: Iterable[str]) -> list[str]:
    """The object behind each URL, an empty name where there is none."""
    return [object_of(url) or "" for url in urls]


async def _locked(tx: Tx, paths: Iterable[str], hidden: bool = False) -> list[rows.Row]:
    known = {path for path in paths if path}
    return await tx.all(rows.LOCK, list(known), hidden) if known else []


async def _count(tx: Tx, statement: str, references: Iterable[tuple[str, Showing]]) -> None:
    times = Counter(references)
    shares = [
        (path, *(times[path, one] for one in get_args(Showing))) for path in {path for path, _ in times}
    ]
    paths, shown, hidden, kept = zip(*shares, strict=True)
    totals = [sum(counts) for counts in zip(shown, hidden, kept, strict=True)]
    await tx.run(statement, paths, totals, shown, hidden)


# ---- removing


async def delete(app: App, me: Me, path: str) -> None:
    """Delete an upload of the caller's own and its thumbnail. Raises NotFound, NotUploader, StillAttached."""
    user_id = me.user()
    if not is_object(path):
        raise NotFound()
    async with app.db.tx() as tx:
        found = await tx.one(rows.LOCK, [path], False)
        if found is None:
            raise NotFound()
        if found.user_id != user_id:
            raise NotUploader()
        if found.attached:
            raise StillAttached()
        await tx.run(rows.MARK, [path], clock.now())
    await _erase(app, [path])


async def remove_loose(app: App, me: Me, paths: Sequence[str]) -> None:
    """Remove those of these objects that nothing refers to."""
    async with app.db.tx() as tx:
        loose = [one.object for one in await _locked(tx, paths) if one.is_loose()]
        if loose:
            await tx.run(rows.MARK, loose, clock.now())
    await _erase(app, loose)


async def sweep(app: App, me: Me) -> int:
    """Remove what nothing has referred to for a day, and what is left of removals that were cut short.

    Returns how many uploads went.
    """
    before, count = clock.now() - KEPT_LOOSE, 0
    while True:
        async with app.db.tx() as tx:
            loose = await tx.all(rows.LOOSE, before, BATCH)
        await remove_loose(app, me, loose)
        count += len(loose)
        if len(loose) < BATCH:
            return count


async def _erase(app: App, paths: Sequence[str]) -> None:
    """Delete the files of objects that are marked as removed, then their rows."""
    if not paths:
        return
    await _erase_files(app, paths)
    async with app.db.tx() as tx:
        await tx.run(rows.FORGET, paths)


async def _erase_files(app: App, paths: Sequence[str]) -> None:
    for path in paths:
        await asyncio.gather(app.files.delete(path), app.files.delete(thumbnail_of(path)))
