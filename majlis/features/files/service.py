"""Verbs of files in channels: upload, share, look, fetch, delete."""

import contextlib
from typing import IO
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from majlis.app import App
from majlis.features.attachments import service as attachments
from majlis.features.attachments.model import AWAITED, Declared, NoFile, Space, State, Stored, UnderWay
from majlis.features.channels import service as channels
from majlis.features.channels.model import Access
from majlis.features.discussions import service as discussions
from majlis.features.discussions.model import MessageSend, ReadOnly
from majlis.features.files import store
from majlis.features.files.model import (
    ContentQuery,
    File,
    FileForm,
    FilesQuery,
    NotUploader,
    NoUpload,
    PutQuery,
    UploadFinish,
    UploadStart,
    UploadTicket,
)
from majlis.features.messages import service as messages
from majlis.kit import links, page
from majlis.kit.db import Reader, Tx
from majlis.kit.http import Incoming, Request
from majlis.kit.http.download import download
from majlis.kit.http.incoming import body as incoming_body
from majlis.kit.me import Me
from majlis.settings import Settings
from majlis.vendors import images

PURPOSE = "file-upload"  # of signatures
FETCHED_WITHIN = 60  # seconds for which an address at the store of files is good
HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox"}
PRIVATE = "private, no-cache"  # may be kept by who asked, who asks again each time


# ---- uploading


async def _writable(tx: Reader, me: Me, channel_id: UUID) -> Access:
    """A channel in which the caller may say something. Raises NoChannel, NotIn, ReadOnly, MayNotWrite, ChannelArchived."""
    at = await channels.access(tx, me, channel_id)
    at.require_member()
    if at.posting_policy == "moderators" and not at.is_moderator:
        raise ReadOnly()
    at.require_met()
    at.require_open()
    return at


def _space(settings: Settings, at: Access) -> Space:
    """What the files of a workspace share."""
    limit = settings.workspace_files_mb
    return Space(at.workspace_id, limit * 1024 * 1024 if limit else None)


async def upload(app: App, me: Me, channel_id: UUID, incoming: Incoming) -> tuple[File, bool]:
    """Store a file in a channel, and whether it is new: once however often it is sent under its key.

    Nobody but the caller sees it before a message carries it; with `share` one does. Raises what `_writable` does,
    before the file is read, and what `attachments.reserve` and `fill` do.
    """
    async with app.db.read() as reader:
        await _writable(reader, me, channel_id)
    async with incoming.form(FileForm) as (form, name, file):
        declared = Declared(name, _size(file), form.client_file_id)
        async with app.db.tx() as tx:
            row, new = await _reserved(app, tx, me, channel_id, declared)
        if new:
            async with attachments.given_up_on_error(app, me, row.id, retried=False):
                row = await attachments.fill(app, me, row, file, "ready")
        elif row.state != "ready":
            raise UnderWay()
    stored = attachments.file_of(row)
    if form.share:
        async with app.db.tx() as tx:
            await _share(tx, me, stored)
    return stored, new


def _size(file: IO[bytes]) -> int:
    return file.seek(0, 2)


async def _reserved(
    app: App, tx: Tx, me: Me, channel_id: UUID, declared: Declared, state: State = "filling"
) -> tuple[Stored, bool]:
    """The row of a file, and whether it is new."""
    at = await _writable(tx, me, channel_id)
    if declared.client_file_id is not None:
        # One after the other: who comes second finds what the first left.
        await tx.one(store.IN_TURN, f"{channel_id} {me.id} {declared.client_file_id}")
        known = await attachments.known(tx, me, channel_id, declared.client_file_id)
        if known is not None:
            return known, False
    space = _space(app.settings, at)
    return await attachments.reserve(tx, me, channel_id, space, declared, state), True


async def _share(tx: Tx, me: Me, file: File) -> None:
    """Post a file as a message of its own; again changes nothing."""
    said = MessageSend(
        client_msg_id=file.id, type="image" if file.kind == "image" else "text", file_ids=[str(file.id)]
    )
    await discussions.send(tx, me, file.channel_id, said)


async def start(app: App, me: Me, channel_id: UUID, body: UploadStart) -> UploadTicket:
    """Where the bytes of a file can be put. Raises what `_writable` and `attachments.reserve` do, UnderWay."""
    sha256 = body.sha256.lower() if body.sha256 else None
    declared = Declared(body.name, body.size, body.client_file_id, sha256)
    async with app.db.tx() as tx:
        row, _ = await _reserved(app, tx, me, channel_id, declared, "awaited")
    if row.state != "awaited":
        raise UnderWay()
    until = (row.created_at + AWAITED).replace(microsecond=0)
    expires = int(until.timestamp())
    address = f"{app.settings.base_url()}/api/v1/uploads/{row.id}/content"
    signature = links.signatures(app.settings.secret_keys(), PURPOSE, f"{row.id}:{expires}")[0]
    url = f"{address}?expires={expires}&signature={signature}"
    return UploadTicket(row.id, url, "PUT", {"Content-Type": "application/octet-stream"}, until)


async def put(app: App, me: Me, upload_id: UUID, query: PutQuery, request: Request) -> None:
    """Take the bytes of a file from whoever has the ticket. Raises NoUpload, UnderWay, TooLarge, NotTheSame."""
    keys, what = app.settings.secret_keys(), f"{upload_id}:{query.expires}"
    if not links.good(keys, PURPOSE, what, query.signature, query.expires):
        raise NoUpload()
    async with app.db.tx() as tx:
        try:
            row = await attachments.begin(tx, me, upload_id)
        except NoFile:
            raise NoUpload() from None
    giving_up = attachments.given_up_on_error(app, me, row.id, retried=True)
    async with giving_up, incoming_body(request, row.size) as file:
        await attachments.fill(app, me, row, file, "stored")


async def complete(app: App, me: Me, upload_id: UUID, body: UploadFinish) -> File:
    """A file whose bytes are there can be used from now on; again changes nothing.

    Raises NoUpload, NotUploaded, NotTheSame, and what `_writable` does.
    """
    async with app.db.tx() as tx:
        with contextlib.suppress(NoFile):
            row = await attachments.find(tx, me, upload_id)
            if row.conversation_id is not None and row.user_id == me.user():
                await _writable(tx, me, row.conversation_id)
                file = await attachments.finish(tx, me, upload_id, body.sha256)
                if body.share:
                    await _share(tx, me, file)
                return file
        raise NoUpload()


# ---- looking


async def listing(tx: Reader, me: Me, channel_id: UUID, query: FilesQuery) -> page.Page[File]:
    """What messages of a channel carry, the newest first. Raises NoChannel."""
    await channels.access(tx, me, channel_id)
    paging = query.paging()
    behind = page.decode("files", paging.cursor, tuple[UUID])[0] if paging.cursor else None
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.LIST, channel_id, query.kind, behind, paging.limit + 1, offset)
    shown = rows[: paging.limit]
    more = page.encode("files", shown[-1].id) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, channel_id, query.kind)
    return page.Page([attachments.file_of(row) for row in shown], more, total)


async def get(tx: Reader, me: Me, file_id: UUID) -> File:
    """A file that a message which the caller may read carries, or that they uploaded there. Raises NoFile."""
    return attachments.file_of(await _seen(tx, me, file_id))


async def _seen(tx: Reader, me: Me, file_id: UUID) -> Stored:
    row = await tx.one(store.SEEN, me.user(), file_id)
    if row is None:
        raise NoFile()
    return row


async def content(app: App, me: Me, file_id: UUID, query: ContentQuery, request: Request) -> Response:
    """The bytes of a file that the caller may see, or of one of its thumbnails. Raises NoFile."""
    async with app.db.read() as tx:
        row = await _seen(tx, me, file_id)
    if query.thumbnail is None:
        key, mime_type, size = f"{row.object}/{attachments.ORIGINAL}", row.mime_type, row.size
        disposition = attachments.disposition_of(row.name, mime_type)
    elif query.thumbnail in row.previews:
        key, mime_type = attachments.preview_of(row.object, query.thumbnail), images.MIME_TYPE
        disposition, size = "inline", (await app.files.head(key)).size
    else:
        raise NoFile()
    elsewhere = await app.files.signed_url(key, FETCHED_WITHIN)
    if elsewhere is not None:
        return RedirectResponse(elsewhere, 302, {"Cache-Control": "private, no-store"})
    headers = {**HEADERS, "Content-Type": _charset(mime_type), "Content-Disposition": disposition}
    etag = f'"{row.sha256}{query.thumbnail or ""}"'
    return await download(request, app.files, key, size, etag, headers, PRIVATE)


def _charset(mime_type: str) -> str:
    return f"{mime_type}; charset=utf-8" if mime_type.startswith("text/") else mime_type


# ---- deleting


async def delete(app: App, me: Me, file_id: UUID) -> None:
    """Delete a file, for who uploaded it and moderators; messages that carried it say only that it was.

    Raises NoFile, NotUploader, ChannelArchived.
    """
    async with app.db.tx() as tx:
        row = await _seen(tx, me, file_id)
        if row.conversation_id is None:
            raise NoFile()
        at, _ = await channels.hold(tx, me, row.conversation_id)
        if row.user_id != me.user() and not at.is_moderator:
            raise NotUploader()
        at.require_open()
        await messages.strike(tx, me, row.conversation_id, file_id)
        await attachments.mark(tx, me, file_id)
    await attachments.erase(app, me, file_id)
