"""The ASGI application: finds the route, admits the caller, runs the handler, renders the answer."""

import asyncio
import gc
import gzip
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol, cast

import brotli
import msgspec
import xxhash
from starlette.responses import Response

from majlis.kit import links, log, telemetry
from majlis.kit.db import GAVE_WAY
from majlis.kit.errors import MethodNotAllowed, NotFound, Refused, Unavailable, gave_way
from majlis.kit.http.deadlines import Deadlines
from majlis.kit.http.handover import RESPOND
from majlis.kit.http.request import Disconnected, Request
from majlis.kit.http.router import Router
from majlis.kit.http.routes import Answer, Api, Route
from majlis.kit.http.sockets import Closed, Socket, UpgradeNeeded, check_origin
from majlis.kit.http.veil import Veil
from majlis.kit.me import Me

logger = log.get("majlis.http")
encode = msgspec.json.Encoder().encode
COMPRESS_FROM = 1024
JSON = (b"content-type", b"application/json")
PRIVATE = (b"cache-control", b"private, no-cache")
NOSNIFF = (b"x-content-type-options", b"nosniff")
Headers = list[tuple[bytes, bytes]]


class Surface(Protocol):
    """A door: its routes, who calls, what they may spend, and how it says no."""

    name: str
    mount: str
    title: str
    apis: Sequence[Api]

    def __hash__(self) -> int:
        """By identity: documents of surfaces are kept."""
        ...

    async def authenticate(self, app: Any, request: Request) -> Me:
        """The caller of a request that bears a token. Raises Unauthenticated."""
        ...

    async def authenticate_socket(self, app: Any, request: Request) -> Me:
        """Who opens a socket; Me.anonymous where nothing tells. Raises Unauthenticated."""
        ...

    async def throttle(self, app: Any, request: Request) -> dict[str, str]:
        """Headers that tell of the caller's limits. Raises RateLimited."""
        ...

    def render(self, refused: Refused, request: Request) -> Any:
        """The body of a refusal."""
        ...

    def refusal_status(self, status: int) -> int:
        """The status with which a refusal of this status is answered."""
        ...

    def success_status(self, status: int) -> int:
        """The status with which an answer of this status is sent."""
        ...

    def answered(self, answer: Answer, request: Request) -> Answer:
        """An answer in the door's own shape, before it is encoded."""
        ...

    def answer_type(self, kind: Any) -> Any:
        """The type of an answer's body in the door's own shape, for documents."""
        ...


class Server:
    """ASGI 3. `app` is handed to every handler."""

    def __init__(
        self,
        surfaces: Sequence[Surface],
        *,
        client_ip: Callable[[Request], str],
        timeout_s: float,
        max_body: int,
        on_start: Callable[[], Awaitable[None]],
        on_stop: Callable[[], Awaitable[None]],
        origins: Collection[str] = (),
        seed: int = 0,
    ) -> None:
        """`seed` (64 bits) makes entity tags this server's own: nobody outside can look for two bodies that share one."""
        self.app: Any = None  # set, with idempotency, when everything is connected
        self.idempotency: Any = None
        self.surfaces = sorted(surfaces, key=lambda surface: -len(surface.mount))
        self.router = Router()
        self.sockets = Router()  # apart, so that no plain request ends up in one
        self.routes: list[Route] = []
        self._client_ip = client_ip
        self._deadlines = Deadlines(timeout_s)
        self._max_body = max_body
        self._origins = origins
        self._seed = seed
        self._on_start, self._on_stop = on_start, on_stop
        self._timers: dict[tuple[str, str, int], Any] = {}
        self._veil = Veil()
        self._loop: asyncio.AbstractEventLoop | None = None
        for surface in surfaces:
            for api in surface.apis:
                for route in api.routes:
                    route.surface = surface
                    router = self.sockets if route.method == "WEBSOCKET" else self.router
                    router.add(route.method, surface.mount + route.path, route)
                    self._veil.add(surface.mount + route.path)
                    self.routes.append(route)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI entry."""
        if scope["type"] == "http":
            scope["majlis.max_body"] = self._max_body
            scope["majlis.pause"] = self._deadlines.paused
            await self._http(Request(scope, receive), receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            request = Request(scope, receive)
            await self._socket(request, Socket(request, receive, send))

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        self._loop = asyncio.get_running_loop()  # to be asked for it costs every request a system call
        try:
            await self._on_start()
        except Exception as error:
            logger.error("start failed", exc_info=error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        _settle()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._on_stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, request: Request, receive: Any, send: Any) -> None:
        started = time.perf_counter()
        extra: dict[str, str] = {}
        task = cast("asyncio.Task[Any]", asyncio.current_task(self._loop))
        self._deadlines.begin(task)
        try:
            request.ip = self._client_ip(request)
            if telemetry.traces.on:
                with telemetry.traces.span(self._veil.shown(request.path)):
                    result = await self._answer(request, extra)
            else:
                result = await self._answer(request, extra)
        except Refused as refused:
            result = self._refusal(refused, request)
        except (TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not self._deadlines.passed(task):
                raise
            result = self._refusal(Unavailable("This took too long.", code="timeout"), request)
        except Disconnected:
            logger.info("client gone", path=self._veil.shown(request.path), request_id=request.id)
            return
        except Exception as error:  # noqa: BLE001 - it is logged there
            result = self._failure(error, request)
        finally:
            self._deadlines.end(task)
        status = await self._send(request, result, extra, receive, send)
        self._record(request, status, time.perf_counter() - started)

    async def _socket(self, request: Request, socket: Socket) -> None:
        try:
            request.ip, request.socket = self._client_ip(request), socket
            found = self.sockets.find("WEBSOCKET", request.path)
            if found is None:
                raise NotFound("There is no such path.")
            route, request.params = found
            request.route = route
            check_origin(request, self._origins)
            if route.policy.token != "ignored":
                request.me = await route.surface.authenticate_socket(self.app, request)
            route.policy.admit(request.me)
            await route.call(self.app, request)
        except Closed:
            pass
        except Refused as refused:
            await self._deny(socket, self._refusal(refused, request))
        except Exception as error:  # noqa: BLE001 - it is logged there
            await self._deny(socket, self._failure(error, request))
        await socket.ended()

    async def _deny(self, socket: Socket, answer: Answer) -> None:
        if socket.accepted:
            socket.cut(1011, "internal")
            return
        status, body, headers = self._shape(socket.request, answer)
        await socket.deny(status, [*headers, NOSNIFF], body)

    async def _answer(self, request: Request, extra: dict[str, str]) -> Answer | Response:
        method = "GET" if request.method == "HEAD" else request.method
        found = self.router.find(method, request.path)
        if found is None:
            return self._unrouted(request)
        route, request.params = found
        request.route = route
        surface = route.surface
        policy = route.policy
        if policy.token != "ignored" and request.bearer is not None:
            request.me = await surface.authenticate(self.app, request)
        extra.update(await surface.throttle(self.app, request))
        policy.admit(request.me)
        if route.idempotent and request.me.id is not None and b"idempotency-key" in request.headers:
            kept: Answer | Response = await self.idempotency.run(request, lambda: self._run(route, request))
            return kept
        return await self._run(route, request)

    async def _run(self, route: Route, request: Request) -> Answer | Response:
        result = await route.call(self.app, request)
        if isinstance(result, Response):
            return result
        answer = (
            result if isinstance(result, Answer) else Answer(result, 204 if result is None else route.status)
        )
        surface: Surface = route.surface
        answer = surface.answered(answer, request)
        if answer.body is not None and not isinstance(answer.body, bytes):
            answer.body = encode(answer.body)
        return answer

    def _unrouted(self, request: Request) -> Answer:
        allowed = self.router.methods(request.path)
        if not allowed and self.sockets.find("WEBSOCKET", request.path):
            raise UpgradeNeeded(headers={"Upgrade": "websocket"})
        if not allowed:
            raise NotFound("There is no such path.")
        if request.method == "OPTIONS":
            return Answer(None, 204, {"Allow": ", ".join([*allowed, "OPTIONS"])})
        raise MethodNotAllowed(headers={"Allow": ", ".join([*allowed, "OPTIONS"])})

    def _refusal(self, refused: Refused, request: Request) -> Answer:
        surface = self._surface(request)
        headers = dict(refused.headers)
        if refused.status == 401:
            headers.setdefault("WWW-Authenticate", "Bearer")
        status = surface.refusal_status(refused.status)
        return Answer(encode(surface.render(refused, request)), status, headers)

    def _failure(self, error: Exception, request: Request) -> Answer:
        """What is told of a fault, logged whole; who only gave way to others is asked to come again."""
        path = self._veil.shown(request.path)
        if isinstance(error, GAVE_WAY):
            logger.warning("gave way", exc_info=error, path=path, request_id=request.id)
            return self._refusal(gave_way(), request)
        logger.error("unexpected", exc_info=error, path=path, request_id=request.id)
        return self._refusal(Refused("Something went wrong here.", code="internal", status=500), request)

    def _surface(self, request: Request) -> Surface:
        if request.route is not None:
            found: Surface = request.route.surface
            return found
        for surface in self.surfaces:
            if not surface.mount or f"{request.path}/".startswith(f"{surface.mount}/"):
                return surface
        return self.surfaces[-1]

    async def _send(
        self, request: Request, result: Answer | Response, extra: dict[str, str], receive: Any, send: Any
    ) -> int:
        fixed: Headers = [(b"x-request-id", request.id.encode("latin-1")), NOSNIFF]
        # A refusal that names the limit it comes from knows better than the request at large.
        fixed += [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in extra.items()
            if name not in result.headers
        ]
        if isinstance(result, Response):
            result.raw_headers.extend(fixed)
            await result(request.scope, receive, send)
            return result.status_code
        status, body, headers = self._shape(request, result)
        headers += fixed
        if request.method == "HEAD":
            body = b""
        respond = request.scope.get(RESPOND)
        if respond is None or not respond(request.scope, status, headers, body):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        return status

    def _shape(self, request: Request, answer: Answer) -> tuple[int, bytes, Headers]:
        """Status, body and headers after conditional requests and compression."""
        status, body = answer.status, links.signed(answer.body or b"")
        headers: Headers = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()
        ]
        if status == 204:
            return status, b"", headers
        if "Content-Type" not in answer.headers:
            headers.append(JSON)
        if status == 200 and request.method in ("GET", "HEAD"):
            etag = b'W/"%b"' % xxhash.xxh3_128_hexdigest(body, self._seed).encode()
            headers.append((b"etag", etag))
            if "Cache-Control" not in answer.headers:
                headers.append(PRIVATE)
            if etag_matches(request.headers.get(b"if-none-match"), etag):
                return 304, b"", headers
        accepted = request.headers.get(b"accept-encoding")
        if accepted and len(body) >= COMPRESS_FROM:
            body = _compress(accepted, body, headers)
        headers.append((b"content-length", b"%d" % len(body)))
        return status, body, headers

    def _record(self, request: Request, status: int, seconds: float) -> None:
        route = request.route
        path = route.path if route is not None else "-"
        key = (request.method, path, status)
        timer = self._timers.get(key)
        if timer is None:
            timer = self._timers[key] = telemetry.requests.labels(request.method, path, str(status))
        timer.observe(seconds)
        path, ms = self._veil.shown(request.path), round(seconds * 1000, 2)
        log.access(request.method, path, status, ms, request.id, request.me.id)


def _settle() -> None:
    """Spare the garbage collector what start-up made, and call it less often.

    Requests leave few cycles behind, and looking for them took a tenth of their time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def etag_matches(header: bytes | None, etag: bytes) -> bool:
    """Whether If-None-Match names this entity (weak comparison, RFC 9110)."""
    if header is None:
        return False
    bare = etag.removeprefix(b"W/")
    return header.strip() == b"*" or any(
        part.strip().removeprefix(b"W/") == bare for part in header.split(b",")
    )


def _compress(accepted: bytes, body: bytes, headers: Headers) -> bytes:
    headers.append((b"vary", b"Accept-Encoding"))
    offered = {
        part.partition(b";")[0].strip()
        for part in accepted.split(b",")
        if part.partition(b";")[2].strip() != b"q=0"
    }
    if b"br" in offered:
        headers.append((b"content-encoding", b"br"))
        return bytes(brotli.compress(body, quality=4))
    if b"gzip" in offered:
        headers.append((b"content-encoding", b"gzip"))
        return gzip.compress(body, 5, mtime=0)
    return body
