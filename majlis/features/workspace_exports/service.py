"""Verbs of exports of workspaces: ask for one, make it, hand it out, clear it away."""

import asyncio
import itertools
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.attachments import service as attachments
from majlis.features.media import service as media
from majlis.features.notifications import service as notifications
from majlis.features.workspace_exports import store
from majlis.features.workspace_exports.facts import WorkspaceExportAsked
from majlis.features.workspace_exports.model import (
    ExportAsk,
    FileQuery,
    Notice,
    NotReady,
    Room,
    Speaker,
    UnderWay,
    WorkspaceExport,
    bot_of,
    file_path,
    folder_of,
    message_of,
    room_of,
    user_of,
)
from majlis.features.workspaces import service as workspaces
from majlis.kit import clock, crypto, facts, ids, links, page
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.limits import Limit
from majlis.kit.me import Me
from majlis.vendors.files import FileInfo

R = TypeVar("R", Room, Speaker)
PATH = "/api/v1/exports"
ASKED = Limit("workspace export", 10, 24 * 3600)
ONE_IN = timedelta(days=1)  # how long making one may take before it counts as failed
KEPT = timedelta(days=7)
PURPOSE = "workspace-export-link"  # of signatures
LINK_S = 60
ZIP = "application/zip"
LISTS: dict[str, Callable[[Room], bool]] = {
    "channels.json": lambda room: not room.is_private,
    "groups.json": lambda room: room.is_private and room.direct is None,
    "dms.json": lambda room: room.direct == "dm",
    "mpims.json": lambda room: room.direct == "group_dm",
}
DISPOSITION = 'attachment; filename="workspace.zip"'


# ---- asking


async def ask(app: App, tx: Tx, me: Me, workspace_id: UUID, body: ExportAsk) -> WorkspaceExport:
    """Have a zip made: of public channels for admins, of everything for the owner; then everybody there is told.

    Raises NoWorkspace, RoleTooLow, UnderWay, Invalid, RateLimited.
    """
    standing = await workspaces.hold(tx, me, workspace_id)
    standing.require("admin" if body.scope == "public" else "owner")
    if body.since is not None and body.before is not None and body.since >= body.before:
        raise Invalid.field("to", "The end is behind the beginning.")
    verdict = await app.limiter.hit(ASKED, str(workspace_id))
    if not verdict.allowed:
        raise app.limiter.refuse(verdict)
    row = await tx.one(
        store.ADD, ids.new(), workspace_id, me.user(), body.scope, body.since, body.before, body.include_files,
        f"workspace-exports/{workspace_id}/{crypto.token()}.zip", clock.now(),
    )  # fmt: skip
    if row is None:
        raise UnderWay()
    data = {"export_id": str(row.id), "scope": body.scope, "include_files": body.include_files}
    await workspaces.record(tx, me, workspace_id, "export", "What was said there.", data=data)
    await facts.emit(tx, WorkspaceExportAsked(row.id))
    return _shown(row)


def _shown(row: store.Row) -> WorkspaceExport:
    return WorkspaceExport(
        row.id, row.status, row.scope, row.size, row.requested_by, row.created_at, row.expires_at
    )


async def listing(tx: Reader, me: Me, workspace_id: UUID, paging: page.Paging) -> page.Page[WorkspaceExport]:
    """The exports of a workspace for admins, the latest first. Raises NoWorkspace, RoleTooLow."""
    (await workspaces.standing(tx, me, workspace_id)).require("admin")
    behind = page.decode("exports", paging.cursor, tuple[UUID])[0] if paging.cursor else None
    offset = 0 if behind else paging.offset or 0
    rows = await tx.all(store.LIST, workspace_id, behind, paging.limit + 1, offset)
    shown = [_shown(row) for row in rows[: paging.limit]]
    more = page.encode("exports", shown[-1].id) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not behind:
        total = await tx.one(store.COUNT, workspace_id)
    return page.Page(shown, more, total)


# ---- handing out


async def link(app: App, me: Me, export_id: UUID) -> str:
    """An address of the file that is good for a minute, for who asked for it and the owner; noted in the audit trail.

    Raises NotFound, RoleTooLow for who asked and is no admin any more, NotReady.
    """
    async with app.db.tx() as tx:
        row = await tx.one(store.ONE, export_id)
        if row is None or row.workspace_id is None:
            raise NotFound()
        standing = await workspaces.standing(tx, me, row.workspace_id)
        if standing.role != "owner" and row.requested_by != me.user():
            raise NotFound()
        standing.require("admin" if row.scope == "public" else "owner")
        if row.status in ("queued", "running"):
            raise NotReady()
        if not _is_there(row):
            raise NotFound()
        data = {"export_id": str(export_id)}
        await workspaces.record(tx, me, row.workspace_id, "export_download", "Fetched.", data=data)
    signed = await app.files.signed_url(row.object, LINK_S)
    if signed is not None:
        return signed
    expires = int(clock.now().timestamp()) + LINK_S
    signature = links.signatures(app.settings.secret_keys(), PURPOSE, f"{export_id}:{expires}")[0]
    return f"{app.settings.base_url()}{PATH}/{export_id}/file?expires={expires}&signature={signature}"


async def fetch(app: App, me: Me, export_id: UUID, link: FileQuery) -> tuple[FileInfo, AsyncIterator[bytes]]:
    """The file, for whoever has a good link to it. Raises NotFound, also when the link or the file is over."""
    keys, what = app.settings.secret_keys(), f"{export_id}:{link.expires}"
    if not links.good(keys, PURPOSE, what, link.signature, link.expires):
        raise NotFound()
    async with app.db.fresh() as tx:
        row = await tx.one(store.ONE, export_id)
    if row is None or not _is_there(row):
        raise NotFound()
    return await app.files.head(row.object), await app.files.stream(row.object)


def _is_there(row: store.Row) -> bool:
    return (
        row.status == "done"
        and row.workspace_id is not None
        and row.expires_at is not None
        and row.expires_at > clock.now()
    )


# ---- making


async def tell(tx: Tx, me: Me, notice: Notice) -> Notice | None:
    """Tell some members that everything is exported, also what is private; who is next, if anybody is."""
    row = await tx.one(store.ONE, notice.export_id)
    if row is None or row.workspace_id is None or row.scope != "all":
        return None
    frame = await tx.one(store.WORKSPACE, row.workspace_id)
    people = await tx.all(store.MEMBERS, row.workspace_id, notice.behind)
    if frame is None or not people:
        return None
    words = (
        f"The owner of {frame.name} has all that was said there exported, with private channels and messages."
    )
    for user_id in people:
        if user_id != row.requested_by:
            await notifications.inform(
                tx, me, "SYSTEM", user_id, "Your workspace is exported", words, row.id, export_id=row.id
            )
    return Notice(row.id, people[-1])


async def make(app: App, me: Me, export_id: UUID) -> None:
    """Make a zip that was asked for, however often this is called, and tell whoever asked."""
    me.require_role("admin")
    async with app.db.tx() as tx:
        row = await tx.one(store.RUN, export_id)
    if row is None or row.workspace_id is None:
        return
    async with app.db.tx() as tx:
        frame = await tx.one(store.WORKSPACE, row.workspace_id)
    if frame is None:
        await _fail(app, row)
        return
    with tempfile.TemporaryDirectory(prefix="majlis-export-") as folder:
        path = Path(folder) / "export.zip"
        await _write(app, row.workspace_id, row, frame, path)
        await app.files.put_file(row.object, path, content_type=ZIP, disposition=DISPOSITION)
        size = (await asyncio.to_thread(path.stat)).st_size
    now = clock.now()
    async with app.db.tx() as tx:
        if await tx.one(store.DONE, export_id, size, now, now + KEPT) is not None:
            await _inform(tx, row, "The export is ready", f"Fetch it within {KEPT.days} days.")


async def _inform(tx: Tx, row: store.Row, title: str, words: str) -> None:
    if row.requested_by is not None:
        await notifications.inform(
            tx, Me.system, "SYSTEM", row.requested_by, title, words, row.id, export_id=row.id
        )


async def _fail(app: App, row: store.Row) -> None:
    async with app.db.tx() as tx:
        if await tx.one(store.FAILED, row.id, clock.now()) is not None:
            await _inform(tx, row, "The export could not be made", "Please ask for it again.")


# ---- writing


class _List:
    """A JSON array that is written into a zip in pieces."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._out = archive.open(name, "w", force_zip64=True)
        self._before = b"[\n"

    async def add(self, items: Sequence[dict[str, Any]]) -> None:
        """More of it, compressed beside the loop."""
        if items:
            pieces = links.bare(b",\n".join(map(msgspec.json.encode, items)))
            await asyncio.to_thread(self._out.write, self._before + pieces)
            self._before = b",\n"

    def close(self) -> None:
        """The end of it."""
        self._out.write(b"[]\n" if self._before == b"[\n" else b"\n]\n")
        self._out.close()


async def _write(app: App, workspace_id: UUID, row: store.Row, frame: store.Frame, path: Path) -> None:
    """The zip, a piece at a time: neither a room nor a file is held in memory as a whole."""
    everything = row.scope == "all"
    since = row.since
    if frame.retention_days is not None:
        kept = clock.now() - timedelta(days=frame.retention_days)
        since = kept if since is None else max(since, kept)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        await _write_people(app, archive, workspace_id, frame, everything)
        for name, wanted in LISTS.items():
            found = _List(archive, name)
            async for rooms in _pages(app, store.ROOMS, workspace_id, everything):
                await found.add([room_of(room) for room in rooms if wanted(room)])
            found.close()
        async for rooms in _pages(app, store.ROOMS, workspace_id, everything):
            for room in rooms:
                await _write_room(app, archive, room, since, row.before)
                if row.include_files:
                    await _write_files(app, archive, room, since, row.before)


async def _write_people(
    app: App, archive: zipfile.ZipFile, workspace_id: UUID, frame: store.Frame, everything: bool
) -> None:
    found = _List(archive, "users.json")
    async for people in _pages(app, store.SPEAKERS, workspace_id, everything):
        await found.add([user_of(one, workspace_id) for one in people])
    if frame.bot_id is not None:
        await found.add([bot_of(frame.bot_id, workspace_id)])
    found.close()


async def _pages(app: App, query: Query[R], workspace_id: UUID, everything: bool) -> AsyncIterator[list[R]]:
    """All rows of a query that goes by ids, each page in a transaction of its own."""
    last = UUID(int=0)
    while True:
        async with app.db.tx() as tx:
            rows = await tx.all(query, workspace_id, everything, last)
        if not rows:
            return
        yield rows
        last = rows[-1].id


async def _write_room(
    app: App, archive: zipfile.ZipFile, room: Room, since: datetime | None, before: datetime | None
) -> None:
    """A file for each day of a room; moments grow with places, so days come one after the other."""
    day, out, seq = None, None, 0
    while True:
        async with app.db.tx() as tx:
            lines = await tx.all(store.LINES, room.id, seq, since, before)
        for name, group in itertools.groupby(lines, lambda line: line.created_at.date().isoformat()):
            if out is None or name != day:
                if out is not None:
                    out.close()
                day, out = name, _List(archive, f"{folder_of(room)}/{name}.json")
            await out.add([message_of(line, room.id) for line in group])
        if not lines:
            break
        seq = lines[-1].seq
    if out is not None:
        out.close()


async def _write_files(
    app: App, archive: zipfile.ZipFile, room: Room, since: datetime | None, before: datetime | None
) -> None:
    seq = 0
    while True:
        async with app.db.tx() as tx:
            carried = await tx.all(store.FILES, room.id, seq, since, before)
        for one in carried:
            for file in msgspec.json.decode(one.files):
                await _write_file(app, archive, file)
        if not carried:
            return
        seq = carried[-1].seq


async def _write_file(app: App, archive: zipfile.ZipFile, file: dict[str, Any]) -> None:
    """A file that a message carries, once; nothing where it was deleted meanwhile."""
    place = await _place(app, file)
    if place is None or (path := file_path(file, place)) in archive.NameToInfo:
        return
    try:
        pieces = await app.files.stream(place)
    except NotFound:
        return
    entry = zipfile.ZipInfo(path, clock.now().timetuple()[:6])
    with archive.open(entry, "w", force_zip64=True) as out:  # as it is: most are compressed already
        async for piece in pieces:
            await asyncio.to_thread(out.write, piece)


async def _place(app: App, file: dict[str, Any]) -> str | None:
    """Where the bytes of a file lie: of one of its conversation, or of an upload for everybody."""
    if not file.get("id"):
        return media.object_of(str(file.get("url")))
    async with app.db.tx() as tx:
        folder = await tx.one(store.OBJECT, UUID(file["id"]))
    return None if folder is None else f"{folder}/{attachments.ORIGINAL}"


# ---- clearing away


async def tidy(app: App, me: Me) -> None:
    """Give up exports that were not made within a day, and delete those whose time or workspace is over."""
    me.require_role("admin")
    now = clock.now()
    async with app.db.tx() as tx:
        stuck = await tx.all(store.STUCK, now - ONE_IN)
        over = await tx.all(store.OVER, now, now - KEPT)
    for row in stuck:
        await app.files.delete(row.object)
        await _fail(app, row)
    for row in over:
        await app.files.delete(row.object)
        async with app.db.tx() as tx:
            await tx.run(store.FORGET, row.id)
