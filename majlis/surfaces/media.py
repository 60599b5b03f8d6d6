"""Public pictures and videos: what was uploaded, as files that never change under their name."""

from typing import Any

from majlis.app import App
from majlis.features.media import service as media
from majlis.kit import http
from majlis.kit.errors import NotFound
from majlis.kit.http import Request, access
from majlis.kit.http.download import download
from majlis.vendors.images import MIME_TYPE

api = http.Api("media")
HEADERS = {
    "Content-Type": MIME_TYPE,
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
FOREVER = "public, max-age=31536000, immutable"


@api.get("/media/{path...}", policy=access.none, content_type=MIME_TYPE, errors=(404, 416))
async def get_media(app: App, request: Request, path: str) -> Any:
    """A public picture or its thumbnail. Takes Range, If-Range and If-None-Match."""
    if not media.is_object(path):
        raise NotFound()
    info = await app.files.head(path)
    return await download(
        request,
        app.files,
        path,
        info.size,
        info.etag,
        HEADERS | {"Content-Type": media.type_of(path)},
        FOREVER,
    )
