"""The front page, and the documents of a surface: OpenAPI, and a page to read and try it."""

import asyncio
import functools
import gzip
import hashlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import brotli
import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from majlis import __version__
from majlis.app import App
from majlis.kit import http
from majlis.kit.errors import NotFound
from majlis.kit.http import Request, access, openapi
from majlis.kit.http.server import etag_matches
from majlis.vendors import mail

api = http.Api("documents")

DESCRIPTION = """\
The API of one neighbourhood: people, posts, comments and all that stands around them.

**Signing in.** `POST /api/v1/auth/register` and `/login` answer with an `access_token` of 15 minutes and a
`refresh_token`. Send `Authorization: Bearer <access_token>`. Whoever signs in on the docs page may try the
operations there at once.

**Lists** hold `limit` items (20, at most 100) and a `next_cursor` for the page that follows; `null` is the
end. With `offset` they also tell the `total`.

**Refusals** have a stable `code`, words, the `request_id`, and in `details` every field that is wrong.

**Repeating.** A creating POST with an `Idempotency-Key` may be sent again. A GET has an `ETag`; sent back as
`If-None-Match` it answers 304 while nothing changed.

**Limits** are told by `X-RateLimit-Limit`, `-Remaining` and `-Reset`; over them the answer is 429 with
`Retry-After`.

Times are ISO 8601 in UTC, ids are UUIDs, distances are kilometres, decimals are strings.
"""
# Nothing from anywhere else, and nothing inline: the pages work without the internet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HERE = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
OWN = ("docs.js", "front.js", "landing.js", "majlis.css", "favicon.svg")
SWAGGER = ("swagger-ui-bundle.js", "swagger-ui.css")
YEAR = "public, max-age=31536000, immutable"
HOST = re.compile(r"[A-Za-z0-9.\-_]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")

_pages = Environment(loader=PackageLoader("majlis.surfaces"), autoescape=True, undefined=StrictUndefined)


class Welcome(msgspec.Struct):
    """What runs here, and where to go."""

    name: str
    version: str
    mode: str
    docs: str
    openapi: str
    health: str


class Asset:
    """A file of this process that never changes, packed once for those who take it packed."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.body = body
        self.content_type = content_type
        self.etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._packed: dict[str, bytes] = {}

    async def answer(self, request: Request, cache: str) -> Response:
        """The response to this request: 304, packed, or as it is."""
        headers = {"ETag": self.etag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        if etag_matches(request.headers.get(b"if-none-match"), self.etag.encode()):
            return Response(status_code=304, headers=headers)
        accepted = request.header(b"accept-encoding")
        encoding = next(
            (name for name in ("br", "gzip") if re.search(rf"\b{name}\b(?!\s*;\s*q=0\b)", accepted)), ""
        )
        body = self.body
        if encoding:
            headers["Content-Encoding"] = encoding
            body = await self._pack(encoding)
        return Response(body, media_type=self.content_type, headers=headers)

    async def _pack(self, encoding: str) -> bytes:
        if encoding not in self._packed:
            pack = functools.partial(brotli.compress, quality=6) if encoding == "br" else gzip.compress
            self._packed[encoding] = await asyncio.to_thread(pack, self.body)
        return self._packed[encoding]


@functools.lru_cache(maxsize=16)
def document(surface: Any) -> dict[str, Any]:
    """The OpenAPI document of a surface."""
    description = getattr(surface, "description", DESCRIPTION)
    return openapi.document(
        surface,
        version=__version__,
        description=description,
        throttled=lambda route: route.path.startswith("/api/"),
    )


@functools.lru_cache(maxsize=16)
def _document_asset(surface: Any) -> Asset:
    return Asset(msgspec.json.encode(document(surface)), "application/json")


@functools.cache
def _asset(name: str) -> Asset:
    """One of the files that the pages need. Raises NotFound for any other."""
    if name in OWN:
        path = HERE / name
    elif name in SWAGGER:
        # Found, not imported: the package would bring web frameworks along.
        spec = find_spec("swagger_ui")
        path = Path(((spec and spec.submodule_search_locations) or [""])[0]) / "static" / name
    else:
        raise NotFound("There is no such path.")
    return Asset(path.read_bytes(), TYPES[path.suffix])


@functools.cache
def _fingerprint() -> str:
    """Changes with any of the files, so that browsers may keep them for long."""
    return hashlib.blake2b(
        "".join(_asset(name).etag for name in OWN + SWAGGER).encode(), digest_size=6
    ).hexdigest()


def page(name: str, **values: Any) -> Response:
    """A page of ours, from its template."""
    text = _pages.get_template(name).render(version=__version__, fingerprint=_fingerprint(), **values)
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
    }
    return Response(text, media_type="text/html", headers=headers)


def _base(app: App, request: Request) -> str:
    """Under which address this client reaches the server."""
    host = request.header(b"host")
    if app.settings.public_url or not HOST.fullmatch(host):
        return app.settings.base_url()
    return f"{request.scope.get('scheme', 'http')}://{host}"


def _door(surface: Any) -> tuple[str, str, str]:
    """The title of another door, its documents, and its first sentence."""
    words = " ".join(getattr(surface, "description", "").split())
    return surface.title, surface.mount + "/docs", words.partition(". ")[0].rstrip(".")


@api.get("/", policy=access.none)
async def front(app: App, request: Request) -> Welcome:
    """What runs here and where to go: a page for browsers, JSON for others."""
    settings = app.settings
    surface = request.route.surface
    mount = surface.mount
    welcome = Welcome(
        surface.title, __version__, settings.mode, mount + "/docs", mount + "/openapi.json", "/health"
    )
    if b"text/html" not in request.headers.get(b"accept", b""):
        return cast(Welcome, http.Answer(welcome, 200, {"Vary": "Accept"}))
    folder = "" if settings.mode == "production" or settings.mail_url else str(mail.mail_folder(settings))
    operations = sum(route.documented for part in surface.apis for route in part.routes)
    shown = page(
        "front.html",
        welcome=welcome,
        mount=mount,
        base=_base(app, request),
        mail_folder=folder,
        operations=operations,
        groups=len({route.api for part in surface.apis for route in part.routes if route.documented}),
        doors=[_door(one) for one in getattr(surface, "beside", ())],
    )
    return cast(Welcome, shown)


@api.get("/openapi.json", policy=access.none)
async def openapi_document(app: App, request: Request) -> dict[str, Any]:
    """This document."""
    return cast(dict[str, Any], await _document_asset(request.route.surface).answer(request, "no-cache"))


@api.get("/docs", policy=access.none, content_type="text/html", documented=False)
async def docs(app: App, request: Request) -> Any:
    """The document as a page, on which requests can be tried."""
    surface = request.route.surface
    return page("docs.html", title=surface.title, mount=surface.mount)


@api.get("/docs/static/{name}", policy=access.none, content_type="text/css", documented=False)
async def static(app: App, request: Request, name: str) -> Any:
    """A file that the pages need."""
    return await _asset(name).answer(request, YEAR if request.scope["query_string"] else "no-cache")
