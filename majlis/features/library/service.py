"""Verbs of the library: keep an upload, find it again, show it, delete it."""

import asyncio
from collections.abc import Collection, Sequence
from typing import IO, cast
from uuid import UUID

from majlis.app import App
from majlis.features.graph import service as graph
from majlis.features.library import store
from majlis.features.library.model import InUse, Item, NotOwner, Standing
from majlis.features.media import service as media
from majlis.features.media.model import Photo, Uploaded
from majlis.kit import clock, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, Malformed, NotFound, TooLarge, UnsupportedType
from majlis.kit.http import Upload
from majlis.kit.me import Me
from majlis.vendors import images, videos
from majlis.vendors.images import Kind, Processed


async def add(
    app: App,
    me: Me,
    file: IO[bytes],
    name: str,
    alt_text: str | None,
    *,
    kind: Kind = Kind.GENERIC,
    terms: videos.Terms = videos.USUAL,
) -> Item:
    """A picture of this kind or a video on these terms, kept for the caller, told apart by its bytes.

    A video is not read into memory; `name` is what the client calls it.

    Raises UnsupportedType, Malformed, TooLarge, Unavailable; nothing is left behind then.
    """
    me.user()
    stored = await _store(app, me, file, name, kind, terms)
    async with media.discarded_on_error(app, me, [stored]), app.db.tx() as tx:
        await media.claim(tx, me, [stored.photo], "file", "kept")
        item_id = ids.new()
        await tx.run(store.ADD, item_id, me.user(), stored.path, stored.photo, alt_text or None, clock.now())
        (item,) = await mine(tx, me, [item_id], "file")
    return item


async def _store(app: App, me: Me, file: IO[bytes], name: str, kind: Kind, terms: videos.Terms) -> Uploaded:
    file.seek(0)
    is_video = videos.sniff(file.read(videos.HEAD)) is not None
    file.seek(0)
    if not is_video:
        data = await asyncio.to_thread(
            file.read, images.MAX_BYTES + 1
        )  # more than may be is enough to refuse it
        return await media.store(app, me, Upload("file", name, "", data), kind)
    clip = await videos.look(file, terms)
    return await media.store_video(app, me, name, clip, await _poster(app, clip))


async def _poster(app: App, clip: videos.Clip) -> Processed | None:
    if clip.poster is None:
        return None
    try:
        return await app.images.process(clip.poster, Kind.GENERIC)
    except (Malformed, TooLarge, UnsupportedType):
        return None  # the video is taken as it is, and shown without


async def get(tx: Reader, me: Me, item_id: UUID) -> Item:
    """Raises NotFound, also for what the viewer may not see."""
    found = await tx.one(store.GET, me.id, item_id)
    if found is None:
        raise NotFound()
    return found.shown()


async def of(tx: Reader, me: Me, user_id: UUID, paging: page.Paging) -> page.Page[Item]:
    """What somebody keeps, latest first, by offset. Raises NotFound for a person whom the viewer does not meet."""
    await graph.visible_person(tx, me, user_id)
    rows = await tx.all(store.OF, me.id, user_id, paging.limit + 1, paging.offset or 0)
    more = page.encode("library", paging.limit) if len(rows) > paging.limit else None
    return page.Page([row.shown() for row in rows[: paging.limit]], more)


async def file(tx: Reader, me: Me, item_id: UUID) -> Item:
    """The item of a file's address, for whoever has that. Raises NotFound."""
    found = await tx.one(store.FILE, item_id)
    if found is None:
        raise NotFound()
    return found.shown()


async def standing(tx: Reader, me: Me, path: str) -> Standing:
    """To whom an object or its thumbnail is open without a signature, kept or not.

    Rows are there before their files and go after them, so a file without one is nobody's to show.
    """
    found = await tx.one(store.STANDING, media.originals_of(path))
    return cast(Standing, found or "private")


async def mine(tx: Reader, me: Me, wanted: Sequence[UUID], field: str) -> list[Item]:
    """These items of the caller's, in this order. Raises Invalid (unknown_media) naming each that is not."""
    found = (
        {row.id: row.shown() for row in await tx.all(store.MINE, me.user(), list(wanted))} if wanted else {}
    )
    wrong = [
        FieldFault(f"{field}[{at}]", "unknown_media", "This is no upload of yours.")
        for at, one in enumerate(wanted)
        if one not in found
    ]
    if wrong:
        raise Invalid("Some media are unknown.", code="unknown_media", fields=wrong)
    return [found[one] for one in wanted]


async def by_url(tx: Reader, me: Me, urls: Collection[str]) -> dict[str, Item]:
    """The items behind URLs of stored pictures and videos, as far as there are any; one query, none for nothing.

    The caller has seen to it that they may be seen.
    """
    objects = {media.object_of(url): url for url in urls}
    objects.pop(None, None)
    if not objects:
        return {}
    return {objects[row.object]: row.shown() for row in await tx.all(store.BY_OBJECT, list(objects))}


async def photo_at(tx: Reader, me: Me, item_id: UUID) -> Photo | None:
    """The picture of an item of the caller's; None where there is no such picture."""
    found = await tx.all(store.MINE, me.user(), [item_id])
    item = found[0].shown() if found else None
    return item.photo if item is not None and item.kind == "image" else None


async def delete(tx: Tx, me: Me, item_id: UUID) -> None:
    """Delete an item of the caller's; its file goes soon after. Raises NotFound, NotOwner, InUse."""
    found = await tx.one(store.LOCK, item_id)
    if found is None:
        raise NotFound()
    if found.user_id != me.user():
        await get(tx, me, item_id)
        raise NotOwner()
    if await tx.one(store.SHOWN, found.object):
        raise InUse()
    await tx.run(store.DELETE, item_id)
    await media.release(tx, me, [found.shown().photo.url], kept=True)
