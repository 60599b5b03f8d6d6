"""Paints pictures beside the event loop, each once, and processes each once however many upload it."""

import asyncio
import hashlib
import os
from collections.abc import Callable

from majlis.demo.art import faces, gallery
from majlis.demo.model import Resident
from majlis.kit.http import Upload
from majlis.vendors.images import ImagePool, Kind, Processed


class Darkroom(ImagePool):
    """An image pool that remembers what it made of pictures that many people upload."""

    def __init__(self) -> None:
        super().__init__(min(4, len(os.sched_getaffinity(0))), max_waiting=64)
        self._made: dict[tuple[Kind, bytes], asyncio.Task[Processed]] = {}
        self._painted: dict[str, asyncio.Task[bytes]] = {}

    async def process(self, data: bytes, kind: Kind) -> Processed:
        """As the pool does it; the same bytes are processed once."""
        if kind is Kind.AVATAR:  # nobody shares a face
            return await super().process(data, kind)
        key = kind, hashlib.sha256(data).digest()
        if key not in self._made:
            self._made[key] = asyncio.create_task(super().process(data, kind))
        return await asyncio.shield(self._made[key])

    async def photo(self, subject: str, variant: int, *, cover: bool = False) -> Upload:
        """One of the variants of a subject."""
        name = f"{subject}-{variant}{'-cover' if cover else ''}"
        if name not in self._painted:
            paint = asyncio.to_thread(gallery.paint, subject, str(variant), cover=cover)
            self._painted[name] = asyncio.create_task(paint)
        return _upload(name, await asyncio.shield(self._painted[name]))

    async def face(self, person: Resident, seed: int) -> Upload:
        """The portrait of somebody, or their sign."""
        name = f"{seed} {person.number}"
        paint: Callable[[], bytes]
        if person.face == "portrait":
            paint = lambda: faces.portrait(name, person.gender, person.age, local=person.local)  # noqa: E731
        else:
            paint = lambda: faces.sign(name)  # noqa: E731
        return _upload(person.face, await asyncio.to_thread(paint))


def _upload(name: str, data: bytes) -> Upload:
    return Upload("file", f"{name}.png", "image/png", data)
