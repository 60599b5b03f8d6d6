"""A stored file as an answer: whole, in part, or not again."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from starlette.responses import Response, StreamingResponse

from majlis.kit.errors import RangeNotSatisfiable
from majlis.kit.http.request import Request
from majlis.kit.http.server import etag_matches

WHOLE = 1024 * 1024  # bytes up to which a file is read at once: streaming one costs ten times the time
# Longer numbers are no part of any file; several ranges at once are answered with the whole, as is allowed.
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


class Source(Protocol):
    """Where files are kept by key."""

    async def get(self, key: str) -> bytes:
        """The whole file."""

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from start up to, not including, end."""


async def download(
    request: Request,
    source: Source,
    key: str,
    size: int,
    etag: str,
    headers: Mapping[str, str],
    cache_control: str,
) -> Response:
    """The file, or the part that Range asks for; 304 to who has it. Raises RangeNotSatisfiable."""
    lasting = {"ETag": etag, "Cache-Control": cache_control}
    if etag_matches(request.headers.get(b"if-none-match"), etag.encode("latin-1")):
        return Response(status_code=304, headers=lasting)
    sent = {**headers, "Accept-Ranges": "bytes", **lasting}
    if request.method == "HEAD":
        return Response(headers={**sent, "Content-Length": str(size)})
    start, end, status = 0, size, 200
    # Whoever has a part already has it of this very file.
    part = wanted(request.header(b"range"), size) if request.header(b"if-range") in ("", etag) else None
    if part is not None:
        (start, end), status = part, 206
        sent["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    if size <= WHOLE:
        return Response((await source.get(key))[start:end], status, sent)
    sent["Content-Length"] = str(end - start)
    return StreamingResponse(await source.stream(key, start, end), status, sent)


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
