"""Where files are kept: a folder of this machine, or a bucket of any server that speaks S3."""

import asyncio
import mimetypes
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Protocol

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from majlis.kit.errors import Invalid, NotFound, Unavailable
from majlis.kit.errors import RangeNotSatisfiable as RangeNotSatisfiable
from majlis.settings import BadSettings, Settings

KEY_BYTES = 512
SEGMENT_BYTES = 240  # a file name has 255, of which a write in progress needs a few
CHUNK = 256 * 1024  # bytes that a stream yields at a time, at least, except for the last
ONE_PIECE = 64 * 1024 * 1024  # bytes up to which an upload is one request, which leaves no parts behind
UPLOADED_AT_ONCE = 4  # parts of 5 MiB
UNKNOWN_TYPE = "application/octet-stream"
LONGEST_SIGNATURE = 7 * 24 * 3600  # seconds; S3 signs for no longer
CHECK_TIMEOUT = 5.0  # seconds

# Read without the machine's own tables, so that every machine gives the same answer.
_TYPES = mimetypes.MimeTypes()
# Marks that join letters, as in Persian, are no control characters and stay.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The end of the name under which the local store keeps a write in progress.
_UNFINISHED = re.compile(r"#\d+\Z")


class FileInfo(msgspec.Struct, frozen=True):
    """What is known of a file without reading it; size in bytes, etag as in the HTTP header."""

    size: int
    content_type: str
    etag: str
    modified: datetime


class Files(Protocol):
    """Files by key, a path of segments such as `<uuid>/photo.webp`.

    Every method raises Unavailable when the store does not answer. A key that cannot exist names no file.
    """

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Write a file whole or not at all, over whatever was there. Invalid for a key that cannot exist."""

    async def put_file(
        self, key: str, source: Path | IO[bytes], *, content_type: str, disposition: str = ""
    ) -> None:
        """`put` of what a file of this machine holds, a piece at a time; an open one from where it stands.

        Whoever fetches it by a signed address is told the disposition.
        """

    async def get(self, key: str) -> bytes:
        """The whole file. NotFound when there is none."""

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from start up to, not including, end. NotFound and RangeNotSatisfiable at once."""

    async def head(self, key: str) -> FileInfo:
        """What is known of the file. NotFound when there is none."""

    async def delete(self, key: str) -> None:
        """Remove the file; nothing happens when there is none."""

    def list(self, prefix: str = "") -> AsyncIterator[str]:
        """The keys below a prefix of whole segments, in no order."""

    async def signed_url(self, key: str, seconds: int) -> str | None:
        """An address that lets anyone read the file for so long; None when the store has no such thing."""

    async def check(self) -> None:
        """Nothing when the store can be used."""


class ObjectStore:
    """Files over obstore: `LocalStore`, which needs its folder here too, or `S3Store`.

    A local file's content type is told by its suffix; S3 keeps the one that was put.
    """

    def __init__(
        self, store: LocalStore | S3Store, folder: Path | None = None, check_timeout: float = CHECK_TIMEOUT
    ) -> None:
        self._store = store
        self._folder = folder
        self._check_timeout = check_timeout

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Write a file whole or not at all, over whatever was there. Invalid for a key that cannot exist."""
        await self._put(key, data, content_type, "", in_parts=len(data) > ONE_PIECE)

    async def put_file(
        self, key: str, source: Path | IO[bytes], *, content_type: str, disposition: str = ""
    ) -> None:
        """`put` of what a file of this machine holds, a piece at a time; an open one from where it stands.

        Whoever fetches it by a signed address is told the disposition.
        """
        await self._put(key, source, content_type, disposition, in_parts=True)

    async def _put(
        self, key: str, data: bytes | Path | IO[bytes], content_type: str, disposition: str, *, in_parts: bool
    ) -> None:
        if (fault := fault_of(key)) is not None:
            raise Invalid.field("key", fault)
        attributes: obstore.Attributes | None = None
        if isinstance(self._store, S3Store):
            attributes = {"Content-Type": content_type}
            if disposition:
                attributes["Content-Disposition"] = disposition
        with self._reached():
            await obstore.put_async(
                self._store,
                key,
                data,
                attributes=attributes,
                use_multipart=in_parts,
                max_concurrency=UPLOADED_AT_ONCE,
            )

    async def get(self, key: str) -> bytes:
        """The whole file. NotFound when there is none."""
        with self._reached(key):
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from start up to, not including, end. NotFound and RangeNotSatisfiable at once."""
        if start < 0 or (end is not None and end <= start):
            raise RangeNotSatisfiable
        options: obstore.GetOptions = {}
        if end is not None:
            options["range"] = (start, end)
        elif start > 0:
            options["range"] = {"offset": start}
        try:
            with self._reached(key):
                result = await obstore.get_async(self._store, key, options=options)
        except Unavailable:
            # Neither store says by a type of its own that the range is at fault.
            if options and start >= (await self.head(key)).size:
                raise RangeNotSatisfiable from None
            raise
        return self._chunks(result, key)

    async def head(self, key: str) -> FileInfo:
        """What is known of the file. NotFound when there is none."""
        with self._reached(key):
            result = await obstore.get_async(self._store, key, options={"head": True})
        given = result.attributes.get("Content-Type")
        meta = result.meta
        return FileInfo(meta["size"], given or type_of(key), meta["e_tag"] or "", meta["last_modified"])

    async def delete(self, key: str) -> None:
        """Remove the file; nothing happens when there is none."""
        with suppress(NotFound), self._reached(key):
            await obstore.delete_async(self._store, key)

    async def list(self, prefix: str = "") -> AsyncIterator[str]:
        """The keys below a prefix of whole segments, in no order."""
        prefix = prefix.rstrip("/")
        if prefix and fault_of(prefix) is not None:
            return
        with self._reached():
            async for page in obstore.list(self._store, prefix or None, chunk_size=1000):
                for meta in page:
                    yield meta["path"]

    async def signed_url(self, key: str, seconds: int) -> str | None:
        """An address that lets anyone read the file for so long; None for a local folder."""
        if not isinstance(self._store, S3Store):
            return None
        lifetime = timedelta(seconds=max(1, min(seconds, LONGEST_SIGNATURE)))
        with self._reached(key):
            return await obstore.sign_async(self._store, "GET", key, lifetime)

    async def check(self) -> None:
        """Nothing when the folder can be written, or the bucket listed; else Unavailable."""
        if self._folder is not None:
            if not await asyncio.to_thread(os.access, self._folder, os.R_OK | os.W_OK | os.X_OK):
                raise Unavailable("The folder of files cannot be written.")
            return
        try:
            async with asyncio.timeout(self._check_timeout):
                with self._reached():
                    await anext(aiter(obstore.list(self._store, "majlis-check", chunk_size=1)), None)
        except TimeoutError as error:
            raise Unavailable("The store of files does not answer.") from error

    async def _chunks(self, result: "obstore.GetResult", key: str) -> AsyncIterator[bytes]:
        with self._reached(key):
            async for chunk in result.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    @contextmanager
    def _reached(self, key: str | None = None) -> Iterator[None]:
        """Turn the store's failures into refusals; with a key, its absence is NotFound."""
        if key is not None and fault_of(key) is not None:
            raise NotFound
        try:
            yield
        except (BaseError, OSError) as error:
            if key is not None and (isinstance(error, FileNotFoundError) or self._is_no_file(key)):
                raise NotFound from error
            raise Unavailable("The store of files does not answer.") from error

    def _is_no_file(self, key: str) -> bool:
        """Whether a local key is a folder, or lies below a file: the local store has no word for these."""
        return self._folder is not None and not (self._folder / key).is_file()


def fault_of(key: str) -> str | None:
    """What is wrong with a key, None when nothing is. The rules suit both stores."""
    try:
        raw = key.encode()
    except UnicodeEncodeError:
        return "A key must be text."
    if not key or len(raw) > KEY_BYTES:
        return f"A key has 1 to {KEY_BYTES} bytes."
    if _CONTROL.search(key) or "\\" in key:
        return "A key has no control characters and no backslashes."
    segments = key.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        return "A key is relative, and its segments are neither empty nor dots."
    if any(len(segment.encode()) > SEGMENT_BYTES for segment in segments):
        return f"A segment of a key has at most {SEGMENT_BYTES} bytes."
    if any(_UNFINISHED.search(segment) for segment in segments):
        return "A segment of a key does not end in # and a number."
    return None


def type_of(key: str) -> str:
    """The content type by the suffix of a key."""
    kind, encoding = _TYPES.guess_type(f"/{key}", strict=False)
    return kind if kind and not encoding else UNKNOWN_TYPE


def from_settings(settings: Settings) -> Files:
    """The bucket of MAJLIS_S3_BUCKET, or else the folder `files` of the data folder, made here."""
    if settings.s3_bucket:
        return bucket(settings)
    folder = settings.data_path() / "files"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return local(folder)


def local(folder: Path) -> ObjectStore:
    """Files in a folder, which must exist."""
    # An emptied folder goes with its last file: names are <uuid>/<file>, so there would be one per file.
    return ObjectStore(LocalStore(folder, automatic_cleanup=True), folder)


def bucket(settings: Settings, check_timeout: float = CHECK_TIMEOUT) -> ObjectStore:
    """Files in the bucket that the settings name. BadSettings when they cannot work together."""
    endpoint = settings.s3_endpoint.rstrip("/")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise BadSettings("MAJLIS_S3_ENDPOINT must begin with https:// or http://")
    if bool(settings.s3_key) != bool(settings.s3_secret):
        raise BadSettings("MAJLIS_S3_KEY and MAJLIS_S3_SECRET belong together")
    config: obstore.store.S3Config = {"region": settings.s3_region, "virtual_hosted_style_request": False}
    if endpoint:
        config["endpoint"] = endpoint
    if settings.s3_key:  # without one, the machine's own identity is used
        config["access_key_id"] = settings.s3_key
        config["secret_access_key"] = settings.s3_secret
    store = S3Store(
        settings.s3_bucket,
        config=config,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            # A file that a slow client drains slowly may take long; silence of the store may not.
            "read_timeout": timedelta(seconds=20),
            "timeout": timedelta(minutes=15),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
    )
    return ObjectStore(store, check_timeout=check_timeout)
