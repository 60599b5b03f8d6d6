"""A request: headers once as a dict, the body read within limits, forms through Starlette's parser."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from uuid_utils import uuid7

from majlis.kit.errors import Malformed, TooLarge
from majlis.kit.me import Me, Origin

MAX_FIELDS = 100


class Upload(msgspec.Struct):
    """A file that came with a form. `content_type` is the client's word, not to be believed."""

    field: str
    name: str
    content_type: str
    data: bytes


class Parser(MultiPartParser):
    """Stops in the middle of a file that is too large: no more of it is kept."""

    each: int | None = None  # bytes of a file
    _size = 0

    def on_part_begin(self) -> None:
        """A new part, of which nothing came yet."""
        self._size = 0
        super().on_part_begin()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """A piece of a part. Raises TooLarge."""
        self._size += end - start
        if self.each is not None and self._current_part.file is not None and self._size > self.each:
            raise TooLarge(f"A file may have at most {self.each} bytes.", headers={"Connection": "close"})
        super().on_part_data(data, start, end)


class Disconnected(Exception):
    """The client went away while its body was read."""


class Request:
    """One HTTP request, or the one that opens a socket."""

    __slots__ = (
        "_body", "_form", "_ip", "_receive", "headers", "id", "me", "method", "params", "path", "peer", "route", "scope",
        "socket",
    )  # fmt: skip

    def __init__(self, scope: Any, receive: Any) -> None:
        self.scope = scope
        self._receive = receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.method: str = scope.get("method", "WEBSOCKET")
        self.path: str = scope["path"]
        self.peer: str = scope["client"][0] if scope.get("client") else ""
        self.params: dict[str, str] = {}
        self.route: Any = None
        self.socket: Any = None
        self.me = Me.anonymous
        self._ip: str | None = None
        self._body: bytes | None = None
        self._form: tuple[list[tuple[str, str]], list[Upload]] | None = None
        given = self.headers.get(b"x-request-id", b"")
        self.id = given.decode("latin-1") if _good_id(given) else str(uuid7())

    @property
    def ip(self) -> str:
        """The client's address, as the configured proxies tell it."""
        return self._ip or self.peer

    @ip.setter
    def ip(self, value: str) -> None:
        self._ip = value

    @property
    def origin(self) -> Origin:
        """Where the request came from."""
        return Origin(self.ip, self.header(b"user-agent")[:500])

    def header(self, name: bytes) -> str:
        """A header's value, or an empty string."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def bearer(self) -> str | None:
        """The token of the Authorization header, if there is one."""
        value = self.headers.get(b"authorization")
        if value is None or value[:7].lower() != b"bearer ":
            return None
        return value[7:].strip().decode("latin-1")

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """The body in pieces. Raises TooLarge, before anything is read where the length is declared."""
        declared = self.headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            if chunk:
                yield chunk
            if not message.get("more_body", False):
                return

    async def body(self, limit: int) -> bytes:
        """The whole body, up to this many bytes."""
        if self._body is None:
            self._body = b"".join([chunk async for chunk in self.chunks(limit)])
        return self._body

    def multipart(self, limit: int, max_files: int, each: int | None = None) -> MultiPartParser:
        """What takes a multipart body of so many bytes apart; it keeps large files on disk.

        It raises TooLarge at a file of more than `each` bytes.
        """
        parser = Parser(
            Headers(raw=self.scope["headers"]),
            self.chunks(limit),  # type: ignore[arg-type]
            max_files=max_files,
            max_fields=MAX_FIELDS,
            max_part_size=1024 * 1024,
        )
        parser.each = each
        return parser

    async def form(self, limit: int, max_files: int) -> tuple[list[tuple[str, str]], list[Upload]]:
        """(fields, files) of a multipart body."""
        if self._form is None:
            try:
                form = await self.multipart(limit, max_files).parse()
            except MultiPartException as error:
                raise Malformed(error.message, code="bad_form") from error
            except (KeyError, ValueError) as error:
                raise Malformed("The form cannot be read.", code="bad_form") from error
            fields: list[tuple[str, str]] = []
            files: list[Upload] = []
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files.append(
                        Upload(name, value.filename or "", value.content_type or "", await value.read())
                    )
                else:
                    fields.append((name, value))
            await form.close()
            self._form = fields, files
        return self._form


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body may have at most {limit} bytes.", headers={"Connection": "close"})


def _good_id(value: bytes) -> bool:
    return 0 < len(value) <= 64 and value.isascii() and value.replace(b"-", b"").replace(b"_", b"").isalnum()
