"""Files in channels over HTTP."""

from typing import Any, cast
from uuid import UUID

from majlis.app import App
from majlis.features.attachments.model import MAX_BYTES
from majlis.features.files import service
from majlis.features.files.model import (
    ContentQuery,
    File,
    FileForm,
    FilesQuery,
    PutQuery,
    UploadFinish,
    UploadStart,
    UploadTicket,
)
from majlis.kit import http
from majlis.kit.http import Incoming, Request, access
from majlis.kit.me import Me

api = http.Api("files")
CHANNEL = "/api/v1/channels/{channel_id}"
FILE = "/api/v1/files/{file_id}"
UPLOAD = "/api/v1/uploads/{upload_id}"
FORM_BYTES = MAX_BYTES + 256 * 1024  # the file and the form around it


# A file has its own key: an Idempotency-Key would have the whole of it in memory.
@api.post(
    CHANNEL + "/files",
    policy=access.user,
    status=201,
    also=200,
    idempotent=False,
    limit="upload",
    form=FileForm,
    max_files=1,
    max_body=FORM_BYTES,
    multipart_only=True,
    errors=(403, 404, 408, 409, 413, 415),
)
async def upload(app: App, me: Me, channel_id: UUID, file: Incoming) -> File:
    """Upload a file of at most 25 MiB. 200 with the first one when it was sent under this key before.

    Only its uploader sees it until a message carries it; with `share` it is posted as one at once.
    """
    stored, new = await service.upload(app, me, channel_id, file)
    return cast(File, http.Answer(stored, 201 if new else 200))


@api.post(
    CHANNEL + "/uploads",
    policy=access.user,
    status=201,
    idempotent=False,
    limit="upload",
    errors=(403, 404, 409, 413),
)
async def start_upload(app: App, me: Me, channel_id: UUID, body: UploadStart) -> UploadTicket:
    """Ask where the bytes of a file can be put: an address that is good for an hour, without a token."""
    return await service.start(app, me, channel_id, body)


@api.put(
    UPLOAD + "/content",
    policy=access.none,
    status=204,
    max_body=MAX_BYTES,
    documented=False,
    errors=(404, 408, 409, 413),
)
async def put_content(app: App, me: Me, request: Request, upload_id: UUID, query: PutQuery) -> None:
    """The bytes of a file, by the address that `uploads` gave."""
    await service.put(app, me, upload_id, query, request)


@api.post(UPLOAD + "/complete", policy=access.user, idempotent=False, errors=(403, 404, 409))
async def complete_upload(app: App, me: Me, upload_id: UUID, body: UploadFinish) -> File:
    """Say that the bytes are there. Again changes nothing."""
    return await service.complete(app, me, upload_id, body)


@api.get(CHANNEL + "/files", policy=access.user, errors=(404,))
async def files(app: App, me: Me, channel_id: UUID, query: FilesQuery) -> http.Listing[File]:
    """What messages of a channel carry, the newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, channel_id, query))


@api.get(FILE, policy=access.user, errors=(404,))
async def file(app: App, me: Me, file_id: UUID) -> File:
    """A file that a message which the caller may read carries, or one of their own."""
    async with app.db.read() as tx:
        return await service.get(tx, me, file_id)


@api.get(FILE + "/content", policy=access.user, content_type="application/octet-stream", errors=(404, 416))
async def content(app: App, me: Me, request: Request, file_id: UUID, query: ContentQuery) -> Any:
    """The bytes of a file, or of one of its thumbnails; or where they are, for a minute. Takes Range.

    Whether the caller may see it is asked each time.
    """
    return await service.content(app, me, file_id, query, request)


@api.delete(FILE, policy=access.user, status=204, errors=(403, 404, 409))
async def delete(app: App, me: Me, file_id: UUID) -> None:
    """Delete a file, for who uploaded it and moderators. Messages that carried it stay without it."""
    await service.delete(app, me, file_id)
