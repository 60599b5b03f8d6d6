"""Files that may be too large for memory: read once the handler asks for them, into a file without a name."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any, TypeVar

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from majlis.kit.errors import Malformed, Refused
from majlis.kit.http import binding
from majlis.kit.http.request import Request

T = TypeVar("T")
SLOWEST = 64 * 1024  # bytes a second that a client should manage
PATIENCE = 30.0  # seconds for the rest
AT_ONCE = 1024 * 1024  # bytes kept before they are written


class TooSlow(Refused):
    """A body that did not come in in time."""

    code, status, detail = "too_slow", 408, "The file did not arrive in time."


class Incoming:
    """The form of a request that nobody has read yet, with files in it."""

    def __init__(self, request: Request, limit: int, max_files: int = 1) -> None:
        self._request = request
        self._limit = limit
        self._max_files = max_files

    @contextlib.asynccontextmanager
    async def form(self, type: type[T]) -> AsyncIterator[tuple[T, str, IO[bytes]]]:
        """(fields, the file's name as the client has it, the file), until the block ends.

        Raises Malformed, Invalid, TooLarge and TooSlow.
        """
        async with self._parsed(1, None) as items:
            fields = [(name, value) for name, value in items if not isinstance(value, UploadFile)]
            found = [value for _, value in items if isinstance(value, UploadFile)]
            if not found:
                raise Malformed("There is no file in the form.", code="no_file")
            shown = binding.from_pairs(fields, type, json_values=True)
            yield shown, found[0].filename or "", found[0].file

    @contextlib.asynccontextmanager
    async def files(self, each: int) -> AsyncIterator[list[IO[bytes]]]:
        """The files of the form in their order, until the block ends; its fields are passed over.

        Raises Malformed, TooLarge, also for a file of more than `each` bytes, and TooSlow.
        """
        async with self._parsed(self._max_files, each) as items:
            yield [value.file for _, value in items if isinstance(value, UploadFile)]

    @contextlib.asynccontextmanager
    async def _parsed(self, max_files: int, each: int | None) -> AsyncIterator[list[tuple[str, Any]]]:
        parser = self._request.multipart(self._limit, max_files, each)
        try:
            try:
                async with _unhurried(self._request, self._limit):
                    form = await parser.parse()
            except MultiPartException as error:
                raise Malformed(error.message, code="bad_form") from error
            except (KeyError, ValueError) as error:
                raise Malformed("The form cannot be read.", code="bad_form") from error
            yield form.multi_items()
        finally:
            # Also of a form that was never finished, for which the parser does it after some errors only.
            for file in parser._files_to_close_on_error:
                file.close()


@contextlib.asynccontextmanager
async def body(request: Request, limit: int) -> AsyncIterator[IO[bytes]]:
    """The body of a request as a file, until the block ends. Raises TooLarge and TooSlow."""
    with tempfile.TemporaryFile() as file:
        async with _unhurried(request, limit):
            waiting = bytearray()
            async for chunk in request.chunks(limit):
                waiting += chunk
                if len(waiting) >= AT_ONCE:
                    await asyncio.to_thread(file.write, bytes(waiting))
                    waiting.clear()
            await asyncio.to_thread(file.write, bytes(waiting))
        file.seek(0)
        yield file


@contextlib.asynccontextmanager
async def _unhurried(request: Request, limit: int) -> AsyncIterator[None]:
    """The time for an answer does not run in here; the file has its own."""
    pause = request.scope.get("majlis.pause")
    with pause() if pause is not None else contextlib.nullcontext():
        try:
            async with asyncio.timeout(PATIENCE + limit / SLOWEST):
                yield
        except TimeoutError as error:
            raise TooSlow(headers={"Connection": "close"}) from error
