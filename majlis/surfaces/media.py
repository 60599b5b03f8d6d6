"""Public pictures: what was uploaded, as files that never change under their name."""

import re
from typing import Any

from starlette.responses import Response, StreamingResponse

from majlis.app import App
from majlis.features.media import service as media
from majlis.kit import http
from majlis.kit.errors import NotFound
from majlis.kit.http import Request, access
from majlis.kit.http.server import etag_matches
from majlis.vendors.files import RangeNotSatisfiable
from majlis.vendors.images import MIME_TYPE

api = http.Api("media")
HEADERS = {
    "Content-Type": MIME_TYPE,
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Accept-Ranges": "bytes",
}
FOREVER = "public, max-age=31536000, immutable"
WHOLE = 1024 * 1024  # bytes up to which a file is read at once: streaming one costs ten times the time
# Longer numbers are no part of any file; several ranges at once are answered with the whole, as is allowed.
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


@api.get("/media/{path...}", policy=access.none, content_type=MIME_TYPE, errors=(404, 416))
async def get_media(app: App, request: Request, path: str) -> Any:
    """A public picture or its thumbnail. Takes Range, If-Range and If-None-Match."""
    if not media.is_object(path):
        raise NotFound()
    info = await app.files.head(path)
    lasting = {"ETag": info.etag, "Cache-Control": FOREVER}
    if etag_matches(request.headers.get(b"if-none-match"), info.etag.encode("latin-1")):
        return Response(status_code=304, headers=lasting)
    headers = {**HEADERS, **lasting}
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(info.size)})
    start, end, status = 0, info.size, 200
    part = wanted(request.header(b"range"), info.size) if _may_be_partial(request, info.etag) else None
    if part is not None:
        (start, end), status = part, 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
    if info.size <= WHOLE:
        return Response((await app.files.get(path))[start:end], status, headers)
    headers["Content-Length"] = str(end - start)
    return StreamingResponse(await app.files.stream(path, start, end), status, headers)


def _may_be_partial(request: Request, etag: str) -> bool:
    """Whether a client that has a part already has it of this very file."""
    return request.header(b"if-range") in ("", etag)


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """The bytes from start up to, not including, end that a Range header asks for; None for the whole file.

    Raises RangeNotSatisfiable when the file has none of them.
    """
    found = _RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if first and last and int(last) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return start, end
