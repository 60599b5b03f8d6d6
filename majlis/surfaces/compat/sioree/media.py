"""Pictures and videos. They are stored privately and shown below the media address of this server."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, Annotated
from uuid import UUID

from majlis.app import App
from majlis.features.library import service as library
from majlis.features.library.model import Item
from majlis.kit import http
from majlis.kit.errors import Malformed, RateLimited, UnsupportedType
from majlis.kit.http import Incoming, access
from majlis.kit.me import Me
from majlis.surfaces.compat.sioree.shapes import MediaFile, MediaUrl, Shape
from majlis.vendors.images import Kind
from majlis.vendors.videos import Terms

api = http.Api("media")
MIB = 1024 * 1024
VIDEOS = Terms(("video/mp4", "video/webm", "video/quicktime"), 50 * MIB)
MOST = 10  # files at once
FORM = 51 * MIB  # a video and the form around it
FORMS = MOST * VIDEOS.most + MIB
AT_ONCE = 3  # forms of several files that one person sends to this process; what they hold lies on the disk
_coming: Counter[UUID] = Counter()


class Nothing(Shape):
    """A form without other fields."""


class MediaUrls(Shape):
    """Files in the order in which they came."""

    urls: list[MediaUrl]


class NoFile(Malformed):
    """A form without a file, or with an empty one."""

    code, detail = "file_required", "Send a file."


class TooManyFiles(Malformed):
    """More files than are taken at once."""

    code, detail = "too_many_files", f"At most {MOST} files are taken at once."


async def _add(app: App, me: Me, file: IO[bytes]) -> Item:
    """A file kept for the caller: no address tells what they call it. Raises NoFile, UnsupportedType, TooLarge."""
    if not file.seek(0, os.SEEK_END):
        raise NoFile()
    try:
        return await library.add(app, me, file, "", None, kind=Kind.EVENT, terms=VIDEOS)
    except Malformed as refused:  # it begins like a picture, and is none
        raise UnsupportedType(refused.detail) from refused


def _thumbnail(item: Item) -> str:
    return item.photo.thumbnail_url or item.photo.url if item.kind == "image" else item.photo.url


@api.post(
    "/api/media/upload",
    policy=access.user,
    idempotent=False,
    form=Nothing,
    multipart_only=True,
    max_files=1,
    max_body=FORM,
    errors=(400, 408, 413, 415, 503),
)
async def upload(app: App, me: Me, file: Incoming) -> MediaFile:
    """Store a picture (JPEG, PNG, GIF, WebP; 10 MiB; kept as WebP) or a video (MP4, WebM, MOV; 50 MiB; as it is)."""
    async with file.form(Nothing) as (_, _, received):
        item = await _add(app, me, received)
    return MediaFile(item.photo.url, _thumbnail(item), item.photo.size, item.photo.mime_type)


@contextlib.contextmanager
def _turn(user_id: UUID) -> Iterator[None]:
    """Room on the disk for one form more of somebody's. Raises RateLimited."""
    if _coming[user_id] >= AT_ONCE:
        raise RateLimited("Wait until your other files are there.", headers={"Retry-After": "10"})
    _coming[user_id] += 1
    try:
        yield
    finally:
        _coming[user_id] -= 1
        if not _coming[user_id]:
            del _coming[user_id]


async def _add_all(app: App, me: Me, files: Sequence[IO[bytes]]) -> list[Item]:
    """All of these, one after the other, or none."""
    kept: list[Item] = []
    try:
        for file in files:  # known as soon as it is there
            item = await _add(app, me, file)
            kept.append(item)
    except BaseException:
        async with app.db.tx() as tx:
            for item in kept:
                await library.delete(tx, me, item.id)
        raise
    return kept


@api.post(
    "/api/media/upload-multiple",
    policy=access.user,
    idempotent=False,
    multipart_only=True,
    max_files=MOST + 1,
    max_body=FORMS,
    errors=(400, 408, 413, 415, 503),
)
async def upload_multiple(app: App, me: Me, files: Annotated[Incoming, "files"]) -> MediaUrls:
    """Store up to ten files, each of them as a single one, all or none."""
    with _turn(me.user()):
        async with files.files(VIDEOS.most) as received:
            if not received:
                raise NoFile()
            if len(received) > MOST:
                raise TooManyFiles()
            kept = await _add_all(app, me, received)
    return MediaUrls([MediaUrl(item.photo.url, _thumbnail(item)) for item in kept])
