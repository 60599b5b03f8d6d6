"""GET /console: a page whose scripts call the native API, with the rights of whoever signs in there."""

import functools
from pathlib import Path
from typing import Any

from majlis.app import App
from majlis.kit import http
from majlis.kit.errors import NotFound
from majlis.kit.http import Request, access
from majlis.surfaces.documents import POLICY, TYPES, Asset

api = http.Api("console")
HERE = Path(__file__).parent / "static"
PAGE = "console.html"
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@functools.cache
def _files() -> dict[str, Asset]:
    """All files of the page by name, as they are now."""
    types = {**TYPES, ".html": "text/html"}
    return {path.name: Asset(path.read_bytes(), types[path.suffix]) for path in HERE.iterdir()}


@api.get("/console", policy=access.none, content_type="text/html", documented=False)
async def console(app: App, request: Request) -> Any:
    """The page. What it shows it asks for with a token, which it keeps for as long as it is open."""
    answer = await _files()[PAGE].answer(request, "no-cache")
    answer.headers.update(HEADERS)
    return answer


@api.get("/console/static/{name}", policy=access.none, content_type="text/javascript", documented=False)
async def static(app: App, request: Request, name: str) -> Any:
    """A file that the page needs."""
    found = _files().get(name)
    if found is None or name == PAGE:
        raise NotFound("There is no such path.")
    return await found.answer(request, "no-cache")
