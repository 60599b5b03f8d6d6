"""Verbs of copies of people's data: ask for one, make it, hand it out, delete it; and erase accounts."""

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.attachments import service as attachments
from majlis.features.exports import store
from majlis.features.exports.facts import ExportAsked, ExportReady
from majlis.features.exports.model import Export, LinkQuery, TooSoon, UnderWay
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.membership import service as membership
from majlis.features.notifications import service as notifications
from majlis.kit import clock, crypto, facts, ids, links, log
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.vendors.files import FileInfo

logger = log.get("majlis.exports")

PATH = "/api/v1/users/me/export"
ONE_IN = timedelta(days=1)  # a copy, and how long making one may take before it counts as failed
KEPT = timedelta(days=7)
LINK_LIFE = timedelta(hours=1)
ERASED_AT_ONCE = 500
ZIP = "application/zip"
PURPOSE = "export-link"  # of signatures


# ---- asking


async def ask(tx: Tx, me: Me) -> Export:
    """Have a copy of the caller's data made. Raises UnderWay, or TooSoon within a day of the last."""
    user_id, now = me.user(), clock.now()
    last = await tx.one(store.LATEST, user_id)
    if last is not None and last.state == "queued":
        raise UnderWay()
    if last is not None and last.state != "failed" and now < last.created_at + ONE_IN:
        left = last.created_at + ONE_IN - now
        raise TooSoon(headers={"Retry-After": str(int(left.total_seconds()) + 1)})
    path = f"{_folder(user_id)}/{crypto.token()}.zip"
    row = await tx.one(store.ADD, ids.new(), user_id, path, now)
    if row is None:
        raise UnderWay()
    await facts.emit(tx, ExportAsked(row.id))
    return _export(row)


async def latest(app: App, tx: Reader, me: Me) -> Export:
    """The caller's latest copy, with a link to it while it is there. Raises NotFound when none was asked for."""
    row = await tx.one(store.LATEST, me.user())
    if row is None:
        raise NotFound("You have not asked for your data.")
    export = _export(row)
    if _is_there(row):
        until = min(clock.now() + LINK_LIFE, row.expires_at or clock.now()).replace(microsecond=0)
        expires = int(until.timestamp())
        signature = links.signatures(app.settings.secret_keys(), PURPOSE, f"{row.id}:{expires}")[0]
        export.url = f"{app.settings.base_url()}{PATH}/{row.id}?expires={expires}&signature={signature}"
        export.url_expires_at = until
    return export


async def fetch(app: App, me: Me, export_id: UUID, link: LinkQuery) -> tuple[FileInfo, AsyncIterator[bytes]]:
    """The file, for whoever has a good link to it. Raises NotFound, also when the link or the file is over."""
    keys, what = app.settings.secret_keys(), f"{export_id}:{link.expires}"
    if not links.good(keys, PURPOSE, what, link.signature, link.expires):
        raise NotFound()
    async with app.db.tx() as tx:
        row = await tx.one(store.ONE, export_id)
    if row is None or not _is_there(row):
        raise NotFound()
    return await app.files.head(row.object), await app.files.stream(row.object)


def _folder(user_id: UUID) -> str:
    return f"exports/{user_id}"


def _export(row: store.Row) -> Export:
    # It is over before the file is cleared away.
    state = "expired" if row.state == "ready" and not _is_there(row) else row.state
    return Export(row.id, state, row.size, row.created_at, row.finished_at, row.expires_at)


def _is_there(row: store.Row) -> bool:
    return row.state == "ready" and row.expires_at is not None and row.expires_at > clock.now()


# ---- making


def include(kinds: Mapping[str, str]) -> None:
    """Take these into copies, too: of each kind a query of the user $1. Raises ValueError for one that is taken."""
    for kind, sql in kinds.items():
        if store.ROWS.setdefault(kind, sql) != sql:
            raise ValueError(f"Copies of people's data hold {kind} already, of another feature.")


async def make(app: App, me: Me, export_id: UUID) -> None:
    """Make a copy that was asked for, however often this is called, and tell whoever asked."""
    me.require_role("admin")
    async with app.db.tx() as tx:
        row = await tx.one(store.ONE, export_id)
    if row is None or row.state != "queued":
        return
    with tempfile.TemporaryDirectory(prefix="majlis-export-") as folder:
        path = Path(folder) / "export.zip"
        await _write(app, row, path)
        await app.files.put_file(row.object, path, content_type=ZIP)
        size = path.stat().st_size
    now = clock.now()
    async with app.db.tx() as tx:
        made = await tx.one(store.READY, export_id, size, now, now + KEPT)
        if made is not None:
            await tx.run(store.RETIRE, row.user_id, export_id, now)
            words = f"Fetch it within {KEPT.days} days."
            await _tell(tx, row, "Your data is ready", words)
            await facts.emit(tx, ExportReady(row.user_id))


async def _tell(tx: Tx, row: store.Row, title: str, words: str) -> None:
    await notifications.inform(tx, Me.system, "SYSTEM", row.user_id, title, words, row.id, export_id=row.id)


async def _write(app: App, row: store.Row, path: Path) -> None:
    """The zip of a person, piece by piece: neither a kind nor a picture is held in memory as a whole."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        about = {"user_id": row.user_id, "asked_at": row.created_at, "made_at": clock.now()}
        archive.writestr("about.json", msgspec.json.encode(about))
        for kind in store.ROWS:
            await _write_kind(app, archive, kind, row.user_id)
        await _write_all(app, archive, row.user_id, store.PICTURES, "pictures/{}", "{}")
        await _write_all(app, archive, row.user_id, store.FILES, "{}", f"{{}}/{attachments.ORIGINAL}")
        await _write_all(app, archive, row.user_id, store.PAID_FILES, "{}", "{}")


async def _write_kind(app: App, archive: zipfile.ZipFile, kind: str, user_id: UUID) -> None:
    with archive.open(f"{kind}.json", "w", force_zip64=True) as out:
        before = b"[\n"
        async with app.db.tx() as tx:
            async for items in store.batches(tx, kind, user_id):
                await asyncio.to_thread(out.write, before + links.bare(b",\n".join(items)))
                before = b",\n"
        out.write(b"[]\n" if before == b"[\n" else b"\n]\n")


async def _write_all(
    app: App, archive: zipfile.ZipFile, user_id: UUID, query: Query[str], entry: str, key: str
) -> None:
    """What is stored of somebody's objects, by names that are made of theirs."""
    last = ""
    while True:
        async with app.db.tx() as tx:
            objects = await tx.all(query, user_id, last)
        if not objects:
            return
        for name in objects:
            await _write_file(app, archive, entry.format(name), key.format(name))
        last = objects[-1]


async def _write_file(app: App, archive: zipfile.ZipFile, name: str, key: str) -> None:
    try:
        pieces = await app.files.stream(key)
    except NotFound:  # deleted meanwhile
        return
    entry = zipfile.ZipInfo(name, clock.now().timetuple()[:6])
    with archive.open(entry, "w") as out:  # stored as it is: pictures are compressed already
        async for piece in pieces:
            await asyncio.to_thread(out.write, piece)


# ---- clearing away


async def tidy(app: App, me: Me) -> None:
    """Give up copies that were not made within a day, and delete those whose time is over."""
    me.require_role("admin")
    now = clock.now()
    async with app.db.tx() as tx:
        stuck = await tx.all(store.STUCK, now - ONE_IN)
        over = await tx.all(store.OVER, now)
    for row in stuck:
        await app.files.delete(row.object)
        async with app.db.tx() as tx:
            if await tx.one(store.FAILED, row.id, now) is not None:
                await _tell(tx, row, "Your data could not be put together", "Please ask for it again.")
    for row in over:
        await app.files.delete(row.object)
        async with app.db.tx() as tx:
            await tx.run(store.EXPIRED, row.id)


async def stored(tx: Reader, me: Me, keys: Sequence[str]) -> set[str]:
    """Those of these files that somebody has: pictures, files of channels, what is paid for, copies like these."""
    me.require_role("admin")
    # An object itself, one by its thumbnail, one by the folder of its files.
    names = {key: [*media.originals_of(key), key.rpartition("/")[0]] for key in keys}
    found = set(await tx.all(store.STORED, [name for some in names.values() for name in some]))
    return {key for key, some in names.items() if not found.isdisjoint(some)}


# ---- erasing


async def overdue(app: App, tx: Reader, me: Me) -> list[UUID]:
    """Accounts that were deleted longer ago than MAJLIS_ERASURE_DAYS, some hundreds at a time."""
    me.require_role("admin")
    days = app.settings.erasure_days
    if not days:
        return []
    return await tx.all(store.OVERDUE, clock.now() - timedelta(days=days), ERASED_AT_ONCE)


async def erase(app: App, me: Me, user_id: UUID) -> None:
    """Erase a deleted account whose grace period is over, with everything that refers to it (rule 25).

    Its workspaces were handed on when it was deleted; where that failed until now, nothing of others' goes with it.
    """
    me.require_role("admin")
    days = app.settings.erasure_days
    if not days:
        return
    before = clock.now() - timedelta(days=days)
    async with app.db.tx() as tx:
        if await tx.one(store.IS_OVERDUE, user_id, before) is None:
            return
        await membership.forget(tx, me, user_id)
        falling: list[Any] = await tx.all(store.FALLING, user_id)
        if await identity.erase(tx, me, user_id, before):
            await media.release(tx, me, falling)
            logger.info("account_erased", user_id=str(user_id))


async def erase_files(app: App, me: Me, user_id: UUID) -> None:
    """Delete the files of an erased account: its pictures, which are nobody's now, and copies of its data."""
    me.require_role("admin")
    keys = [key async for key in app.files.list(_folder(user_id))]
    for key in keys:
        await app.files.delete(key)
    await media.sweep(app, me)
