"""Pictures and videos."""

from io import BytesIO
from typing import Any
from uuid import UUID

from majlis.app import App
from majlis.features.library import service as library
from majlis.features.media import service as media
from majlis.kit import http
from majlis.kit.errors import Malformed, NotFound, UnsupportedType
from majlis.kit.http import Request, Upload, access
from majlis.kit.http.download import download
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.compat.x18.shapes import Alt, Media, MediaList
from majlis.surfaces.media import HEADERS, open_to_all

api = http.Api("media")
ALL = "/api/media"
ONE = ALL + "/{media_id}"
# A file of 10 MiB and the form around it.
FORM: dict[str, Any] = {"max_files": 1, "multipart_only": True, "max_body": 11 * 1024 * 1024}


@api.post(ALL + "/upload", policy=access.user, status=201, errors=(400, 413, 415), **FORM)
async def upload(app: App, me: Me, file: Upload, body: Alt) -> Media:
    """Store a picture (JPEG, PNG, GIF, WebP; kept as WebP) or a video (MP4, WebM; kept as it is), told by its bytes."""
    if not file.data:
        raise Malformed("The file is empty.", code="no_file")
    try:
        item = await library.add(app, me, BytesIO(file.data), file.name, body.alt_text)
    except Malformed as refused:  # it begins like a picture, and is none
        raise UnsupportedType(refused.detail) from refused
    return shapes.media(item)


@api.get(ONE, policy=access.optional)
async def get(app: App, me: Me, media_id: UUID) -> Media:
    """A picture or video. Those of private accounts are shown to their followers only."""
    async with app.db.read() as tx:
        return shapes.media(await library.get(tx, me, media_id))


@api.delete(ONE, policy=access.owner, status=204, errors=(409,))
async def delete(app: App, me: Me, media_id: UUID) -> None:
    """Delete a picture or video of one's own that no post shows."""
    async with app.db.tx() as tx:
        await library.delete(tx, me, media_id)


@api.get(ALL + "/user/{user_id}", policy=access.optional)
async def by_user(app: App, me: Me, user_id: UUID, query: LimitOffset) -> MediaList:
    """What a person uploaded, latest first. Private accounts show it to their followers only."""
    async with app.db.read() as tx:
        found = await library.of(tx, me, user_id, query.paging())
    shown = [shapes.media(item) for item in found.items]
    return MediaList(shown, query.limit, query.offset, query.more(found))


@api.get(
    "/storage/media/{file_name}",
    policy=access.none,
    content_type="application/octet-stream",
    errors=(404, 416),
)
async def get_file(app: App, request: Request, file_name: str) -> Any:
    """The bytes of a picture or video. Takes Range, If-Range and If-None-Match."""
    item_id = shapes.media_id(shapes.FILES + file_name)
    if item_id is None:
        raise NotFound()
    async with app.db.read() as tx:
        item = await library.file(tx, Me.anonymous, item_id)
    if file_name != f"{item.id}{item.suffix}":
        raise NotFound()
    kept = await open_to_all(app, item.object)
    info = await app.files.head(item.object)
    headers = HEADERS | {"Content-Type": media.type_of(item.object)}
    return await download(request, app.files, item.object, info.size, info.etag, headers, kept)
