"""Files that are read when the handler asks for them: their limits, their time, and that they stay out of memory."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from majlis.kit import http
from majlis.kit.http import Incoming, Request, access, incoming
from tests.kit.doors import serve

LIMIT = 8 * 1024 * 1024
TIMEOUT_S = 0.2
NOTE = b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nhi'
FILE = b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
HEAD = NOTE + FILE
TAIL = b"\r\n--x--\r\n"
FORM = {"content-type": "multipart/form-data; boundary=x"}


class Note(msgspec.Struct):
    """The field beside the file."""

    note: str


class Got(msgspec.Struct):
    """What the handler found."""

    note: str
    name: str
    size: int


def api() -> http.Api:
    made = http.Api("files")

    @made.post("/form", policy=access.none, form=Note, max_files=1, max_body=LIMIT, multipart_only=True)
    async def form(file: Incoming) -> Got:
        async with file.form(Note) as (fields, name, found):
            return Got(fields.note, name, found.seek(0, 2))

    @made.post("/late", policy=access.none, form=Note, max_files=1, max_body=LIMIT, multipart_only=True)
    async def late(file: Incoming) -> Got:
        async with file.form(Note):
            await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    @made.put("/raw", policy=access.none)
    async def raw(request: Request) -> Got:
        async with incoming.body(request, LIMIT) as found:
            return Got("", "", len(await asyncio.to_thread(found.read)))

    return made


@pytest.fixture
def send(runner: asyncio.Runner) -> Iterator[Callable[..., httpx.Response]]:
    transport = httpx.ASGITransport(serve(api(), timeout_s=TIMEOUT_S))
    client = httpx.AsyncClient(transport=transport, base_url="http://majlis.test")

    def call(method: str, path: str, **options: Any) -> httpx.Response:
        return runner.run(client.request(method, path, **options))

    yield call
    runner.run(client.aclose())


async def pieces(count: int, size: int, *, wait: float = 0.0) -> AsyncIterator[bytes]:
    """A form with a file, piece by piece."""
    yield HEAD
    for _ in range(count):
        await asyncio.sleep(wait)
        yield bytes(size)
    yield TAIL


def test_a_form_is_read_when_it_is_asked_for(send: Callable[..., httpx.Response]) -> None:
    answer = send("POST", "/form", headers=FORM, content=pieces(3, 5))
    assert answer.json() == {"note": "hi", "name": "a.bin", "size": 15}


def test_its_fields_are_checked(send: Callable[..., httpx.Response]) -> None:
    content = HEAD.replace(b'"note"', b'"other"') + TAIL
    answer = send("POST", "/form", headers=FORM, content=content)
    assert (answer.status_code, answer.json()["fields"]) == (422, {"note": "required"})
    answer = send("POST", "/form", headers=FORM, content=NOTE + TAIL)
    assert (answer.status_code, answer.json()["code"]) == (400, "no_file")


def test_what_is_too_large_is_refused(send: Callable[..., httpx.Response]) -> None:
    assert send("POST", "/form", headers=FORM, content=pieces(9, 1024 * 1024)).status_code == 413
    assert send("PUT", "/raw", content=pieces(9, 1024 * 1024)).status_code == 413
    assert send("PUT", "/raw", content=bytes(LIMIT)).json()["size"] == LIMIT


def test_a_file_has_time_of_its_own(send: Callable[..., httpx.Response]) -> None:
    """Longer than an answer may take: the file comes in, and only what follows is timed."""
    slow = pieces(5, 1, wait=TIMEOUT_S / 2)
    assert send("POST", "/form", headers=FORM, content=slow).json()["size"] == 5
    answer = send("POST", "/late", headers=FORM, content=pieces(1, 1))
    assert (answer.status_code, answer.json()["code"]) == (503, "timeout")


def test_a_file_does_not_have_all_the_time_in_the_world(
    send: Callable[..., httpx.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "PATIENCE", 0.05)
    monkeypatch.setattr(incoming, "SLOWEST", 10**12)

    async def stuck() -> AsyncIterator[bytes]:
        yield HEAD
        await asyncio.sleep(60)

    for method, path in (("POST", "/form"), ("PUT", "/raw")):
        answer = send(method, path, headers=FORM, content=stuck())
        assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")


@pytest.mark.parametrize("path", ["/form", "/raw"], ids=["/form", "control: read as a whole"])
def test_a_file_stays_out_of_memory(send: Callable[..., httpx.Response], path: str) -> None:
    size = 7 * 1024 * 1024
    tracemalloc.start()
    try:
        method = "POST" if path == "/form" else "PUT"
        assert send(method, path, headers=FORM, content=pieces(112, size // 112)).status_code == 200
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (peak < size / 2) == (path == "/form")
