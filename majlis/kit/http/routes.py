"""Routes: one annotated function each, bound once at start-up."""

import copy
import inspect
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.kit import ids, page
from majlis.kit.errors import Invalid, Malformed, NotFound, UnsupportedType
from majlis.kit.http import binding
from majlis.kit.http.access import Policy
from majlis.kit.http.incoming import Incoming
from majlis.kit.http.request import Request, Upload
from majlis.kit.http.sockets import Socket
from majlis.kit.me import Me, Origin

T = TypeVar("T")
Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)
Getter = Callable[[Any, Request], Any]


class Answer(msgspec.Struct):
    """An answer whose status or headers the handler decides."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = {}


class Listing(msgspec.Struct, Generic[T]):
    """A page on the wire. `total` is present with offset paging only."""

    data: list[T]
    next_cursor: str | None
    total: int | UnsetType = UNSET


def listing(found: page.Page[T]) -> Listing[T]:
    """A page of the domain in its native shape."""
    return Listing(found.items, found.next, UNSET if found.total is None else found.total)


class PageQuery(msgspec.Struct, kw_only=True):
    """Which part of a list: a cursor of the page before, or an offset for older clients."""

    limit: Annotated[int, Meta(ge=1, le=page.MAXIMUM, description="how many items")] = page.DEFAULT
    cursor: Annotated[str, Meta(max_length=500, description="`next_cursor` of the page before")] | None = None
    offset: (
        Annotated[int, Meta(ge=0, le=page.MAX_OFFSET, description="how many to skip; a cursor wins")] | None
    ) = None

    def paging(self) -> page.Paging:
        """The same for the domain."""
        return page.Paging(self.limit, self.cursor, self.offset)


class Route:
    """A method and path, its policy, and how its function's parameters are found."""

    def __init__(
        self, method: str, path: str, handler: Handler, policy: Policy, api: str, options: dict[str, Any]
    ) -> None:
        self.method = method
        self.path = path
        self.handler = handler
        self.policy = policy
        self.api = api
        self.module = handler.__module__
        self.status: int = options.pop("status", 200)
        # Of a success that changed nothing: 200 where what is asked for is there already.
        self.also: int | None = options.pop("also", None)
        self.limit: str | None = options.pop("limit", None)
        self.max_body: int | None = options.pop("max_body", None)
        self.max_files: int = options.pop("max_files", 0)
        self.multipart_only: bool = options.pop("multipart_only", False)
        self.errors: Sequence[int] = options.pop("errors", ())
        self.documented: bool = options.pop("documented", True)
        self.idempotent: bool = options.pop("idempotent", method == "POST" and policy.token == "needed")
        self.content_type: str | None = options.pop("content_type", None)
        self.path_options: dict[str, Any] = options.pop("aliases", {})
        form: Any = options.pop("form", None)  # the fields beside an `Incoming`, for documents
        if options:
            raise TypeError(f"{method} {path}: unknown options {', '.join(options)}")
        self.surface: Any = None
        self.hints = get_type_hints(handler, include_extras=True)
        self.returns = self.hints.pop("return", None)
        self.path_names = [
            part.strip("{}").removesuffix("...") for part in path.split("/") if part.startswith("{")
        ]
        self.query_type = self.hints.get("query")
        self.body_type = form or self.hints.get("body")
        self.getters = self._bind()
        self.needs_body = any(name in self.hints for name in ("body", "file", "files"))
        self.incoming = next((name for name in ("file", "files") if _is_incoming(self.hints.get(name))), None)

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    def _bind(self) -> list[tuple[str, Getter]]:
        getters: list[tuple[str, Getter]] = []
        for name in inspect.signature(self.handler).parameters:
            kind = self.hints.get(name)
            if name in self.path_names:
                getters.append((name, _path_getter(name, kind)))
            elif name == "app":
                getters.append((name, lambda app, request: app))
            elif kind is Me:
                getters.append((name, lambda app, request: request.me))
            elif kind is Origin:
                getters.append((name, lambda app, request: request.origin))
            elif kind is Request:
                getters.append((name, lambda app, request: request))
            elif kind is Socket:
                getters.append((name, lambda app, request: request.socket))
            elif name == "query":
                getters.append((name, _query_getter(kind)))
            elif name not in ("body", "file", "files"):
                raise TypeError(f"{self}: nothing is known to put into the parameter {name}")
        missing = [name for name in self.path_names if name not in self.hints]
        if missing:
            raise TypeError(f"{self}: no parameter takes {', '.join(missing)}")
        return getters

    async def call(self, app: Any, request: Request) -> Any:
        """Bind the parameters and run the handler."""
        values = {name: get(app, request) for name, get in self.getters}
        if self.needs_body:
            await self._body(request, values)
        return await self.handler(**values)

    async def _body(self, request: Request, values: dict[str, Any]) -> None:
        limit = self.max_body or request.scope["majlis.max_body"]
        kind = request.header(b"content-type").partition(";")[0].strip().lower()
        if kind == "multipart/form-data" and self.incoming is not None:
            values[self.incoming] = Incoming(request, limit, self.max_files)
        elif kind == "multipart/form-data" and self.max_files:
            fields, files = await request.form(limit, self.max_files)
            self._form(fields, files, values)
        elif self.multipart_only:
            if kind:
                raise UnsupportedType("Send multipart/form-data.")
            raise Malformed("Send a file as multipart/form-data.", code="no_file")
        else:
            data = await request.body(limit)
            if data and kind != "application/json" and not kind.endswith("+json"):
                raise UnsupportedType("Send application/json.")
            if self.body_type is not None:
                values["body"] = binding.json_body(data, self.body_type)
            if "files" in self.hints:
                values["files"] = []

    def _form(self, fields: list[tuple[str, str]], files: list[Upload], values: dict[str, Any]) -> None:
        if self.body_type is not None:
            values["body"] = binding.from_pairs(fields, self.body_type, json_values=True)
        if "file" in self.hints:
            found = [file for file in files if file.field == "file"] or files
            if not found:
                raise Malformed("There is no file in the form.", code="no_file")
            values["file"] = found[0]
        if "files" in self.hints:
            values["files"] = files


def _is_incoming(hint: Any) -> bool:
    return (get_args(hint) or (hint,))[0] is Incoming


def _path_getter(name: str, kind: Any) -> Getter:
    if kind is UUID:

        def get_uuid(app: Any, request: Request) -> UUID:
            found = ids.parse(request.params[name])
            if found is None:
                raise NotFound()
            return found

        return get_uuid
    if kind is str:

        def get_text(app: Any, request: Request) -> str:
            value = request.params[name]
            try:
                binding.check(value)
            except Invalid:
                raise NotFound() from None
            return value

        return get_text
    raise TypeError(f"a path parameter is UUID or str, not {kind}")


def _query_getter(kind: Any) -> Getter:
    def get_query(app: Any, request: Request) -> Any:
        raw = request.scope["query_string"]
        return binding.query(raw, kind) if raw else binding.from_pairs([], kind)

    return get_query


class Api:
    """A feature's routes under one name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.routes: list[Route] = []

    def route(self, method: str, path: str, *, policy: Policy, **options: Any) -> Callable[[H], H]:
        """Serve this function. Options: status, also, limit, errors, max_body, max_files, documented …"""

        def register(handler: H) -> H:
            self.routes.append(Route(method, path, handler, policy, self.name, dict(options)))
            return handler

        return register

    def patch(self, path: str, *, policy: Policy, **options: Any) -> Callable[[H], H]:
        """Serve PATCH."""
        return self.route("PATCH", path, policy=policy, **options)

    def again(self, *, without: Collection[str] = ()) -> "Api":
        """The same routes for another surface, except those of some paths: a route belongs to one surface."""
        other = Api(self.name)
        other.routes = [copy.copy(route) for route in self.routes if route.path not in without]
        return other

    def get(self, path: str, *, policy: Policy, **options: Any) -> Callable[[H], H]:
        """Serve GET (and HEAD)."""
        return self.route("GET", path, policy=policy, **options)

    def post(self, path: str, *, policy: Policy, **options: Any) -> Callable[[H], H]:
        """Serve POST."""
        return self.route("POST", path, policy=policy, **options)

    def put(self, path: str, *, policy: Policy, **options: Any) -> Callable[[H], H]:
        """Serve PUT."""
        return self.route("PUT", path, policy=policy, **options)

    def delete(self, path: str, *, policy: Policy, **options: Any) -> Callable[[H], H]:
        """Serve DELETE."""
        return self.route("DELETE", path, policy=policy, **options)

    def socket(self, path: str, *, policy: Policy) -> Callable[[H], H]:
        """Serve a WebSocket. The function takes a `Socket`, and ends when that does."""
        return self.route("WEBSOCKET", path, policy=policy, documented=False, idempotent=False)


def is_generic_listing(type: Any) -> bool:
    """Whether a return type is a Listing of something."""
    return get_origin(type) is Listing
