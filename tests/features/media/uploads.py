"""Uploads made for tests, and what lies in storage."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from majlis.features.media import service
from majlis.features.media.model import Photo, Uploaded
from majlis.kit.http import Upload
from majlis.kit.me import Me
from majlis.vendors.images import Kind
from tests.vendors.pictures import RED, plain
from tests.world import Person, World

UPLOAD = "/api/v1/upload"


@cache
def jpeg(width: int = 64, height: int = 48, colour: tuple[int, ...] = RED) -> bytes:
    return bytes(plain(width, height, colour).jpegsave_buffer())


def upload(
    world: World,
    who: Person | None,
    data: bytes | None = None,
    *,
    to: str = UPLOAD,
    name: str = "a.jpg",
    **options: Any,
) -> httpx.Response:
    """Send one file as a form does."""
    return world.post(to, who, files={"file": (name, jpeg() if data is None else data)}, **options)


def raw(world: World, method: str, path: str, who: Person | None = None) -> int:
    """The status of a request for this very path, decoded once, as a server would hand it on."""
    statuses: list[int] = []
    headers = [(b"host", b"majlis.test")]
    if who is not None:
        headers.append((b"authorization", f"Bearer {who.token}".encode()))
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 4711), "asgi": {"spec_version": "2.3"},
    }  # fmt: skip

    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # the client stays until it is answered
        return messages.pop()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    world.go(world.server(scope, receive, send))
    (status,) = statuses
    return status


def stored(world: World, who: Person, count: int = 1, kind: Kind = Kind.POST) -> list[Uploaded]:
    """Uploads of somebody, past the door."""
    files = [Upload("file", f"photo {number}.jpg", "image/jpeg", jpeg()) for number in range(count)]
    return world.go(service.store_all(world.app, who.me, files, kind))


def folder(world: World) -> Path:
    return world.app.settings.data_path() / "files"


def names(world: World) -> list[str]:
    """Every file of the storage folder, by its path below it."""
    root = folder(world)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def objects(world: World) -> list[str]:
    """Every object of the table."""
    return [row["object"] for row in world.sql("SELECT object FROM uploads ORDER BY object")]


def attached(world: World, path: str) -> int:
    """How many references the table counts."""
    (row,) = world.sql("SELECT attached FROM uploads WHERE object = $1", path)
    return int(row["attached"])


def is_empty(world: World) -> bool:
    """Whether neither the folder nor the table holds anything, empty folders included."""
    return list(folder(world).iterdir()) == [] and objects(world) == []


def bare(photos: list[Any]) -> list[Any]:
    """Photos of answers with the names of their objects for addresses, whether these are signed or not."""
    found = [dict(photo) for photo in photos]
    for photo in found:
        for name in ("url", "thumbnail_url"):
            photo[name] = service.object_of(photo[name])
    return found


def both(*paths: str) -> list[str]:
    """Objects with their thumbnails, sorted."""
    return sorted([*paths, *(service.thumbnail_of(path) for path in paths)])


def claim(world: World, who: Person, photos: list[Photo], field: str = "photos") -> list[Photo]:
    """Refer to photos in a transaction of its own."""

    async def run() -> list[Photo]:
        async with world.app.db.tx() as tx:
            return await service.claim(tx, who.me, photos, field)

    return world.go(run())


def release(world: World, me: Me, *urls: str) -> None:
    """Give references up in a transaction of its own."""

    async def run() -> None:
        async with world.app.db.tx() as tx:
            await service.release(tx, me, urls)

    world.go(run())
