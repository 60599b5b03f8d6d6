"""Pictures and videos: what was uploaded, as files that never change under their name."""

from typing import Any

from majlis.app import App
from majlis.features.library import service as library
from majlis.features.media import service as media
from majlis.kit import http, links
from majlis.kit.errors import NotFound
from majlis.kit.http import Request, access
from majlis.kit.http.download import download
from majlis.kit.me import Me
from majlis.vendors.images import MIME_TYPE

api = http.Api("media")
HEADERS = {
    "Content-Type": MIME_TYPE,
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
# Caches that many share ask again after a day, as what is public may cease to be.
FOREVER = "public, max-age=31536000, s-maxage=86400, immutable"
OWN = "private, max-age=86400, immutable"  # what nothing shows yet
WHILE_GOOD = "private, max-age={}, immutable"


@api.get("/media/{path...}", policy=access.none, content_type=MIME_TYPE, errors=(404, 416))
async def get_media(app: App, request: Request, path: str) -> Any:
    """A picture or its thumbnail. Takes Range, If-Range and If-None-Match.

    What is not for everybody lies below `p/`, at addresses that are signed for a day or two.
    """
    name, kept = await _admitted(app, request, path)
    info = await app.files.head(name)
    headers = HEADERS | {"Content-Type": media.type_of(name)}
    return await download(request, app.files, name, info.size, info.etag, headers, kept)


async def _admitted(app: App, request: Request, path: str) -> tuple[str, str]:
    """The object of a path, and how long it may be kept. Raises NotFound, also for what needs a signature."""
    name = path.removeprefix(links.PRIVATE)
    if not media.is_object(name):
        raise NotFound()
    if name != path:
        seconds = links.lifetime(name, request.scope["query_string"])
        if seconds is None:
            raise NotFound()
        return name, WHILE_GOOD.format(seconds)
    return name, await open_to_all(app, name)


async def open_to_all(app: App, name: str) -> str:
    """How long an object may be kept that is fetched by its plain name. Raises NotFound where that does not do."""
    async with app.db.fresh() as tx:
        standing = await library.standing(tx, Me.anonymous, name)
    if standing == "private":
        raise NotFound()
    return FOREVER if standing == "public" else OWN
