"""Files that are read when the handler asks for them: their limits, their time, and that they stay out of memory."""

import asyncio
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from starlette import formparsers

from majlis.kit import http
from majlis.kit.http import Incoming, Request, access, incoming
from majlis.kit.http.incoming import AT_ONCE
from tests.kit.doors import serve

LIMIT = 8 * 1024 * 1024
EACH = 4 * 1024 * 1024
TIMEOUT_S = 60.0
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

    @made.post("/many", policy=access.none, max_files=3, max_body=LIMIT, multipart_only=True)
    async def many(files: Annotated[Incoming, "files"]) -> Got:
        async with files.files(EACH) as found:
            sizes = [file.seek(0, 2) for file in found]
            return Got("", ",".join(map(str, sizes)), sum(sizes))

    @made.put("/raw", policy=access.none)
    async def raw(request: Request) -> Got:
        async with incoming.body(request, LIMIT) as found:
            return Got("", "", len(await asyncio.to_thread(found.read)))

    return made


@pytest.fixture(params=[TIMEOUT_S])
def send(runner: asyncio.Runner, request: pytest.FixtureRequest) -> Iterator[Callable[..., httpx.Response]]:
    transport = httpx.ASGITransport(serve(api(), timeout_s=request.param))
    client = httpx.AsyncClient(transport=transport, base_url="http://majlis.test")

    def call(method: str, path: str, **options: Any) -> httpx.Response:
        return runner.run(client.request(method, path, **options))

    yield call
    runner.run(client.aclose())


async def pieces(count: int, size: int, *, wait: float = 0.0, files: int = 1) -> AsyncIterator[bytes]:
    """A form with a file, piece by piece, or with several such files."""
    yield NOTE
    for _ in range(files):
        yield FILE
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


@pytest.mark.parametrize("send", [1.0], indirect=True)
def test_a_file_has_time_of_its_own(send: Callable[..., httpx.Response]) -> None:
    """Longer than an answer may take: the file comes in, and only what follows is timed."""
    slow = pieces(3, 1, wait=0.5)
    assert send("POST", "/form", headers=FORM, content=slow).json()["size"] == 3


@pytest.mark.parametrize("send", [0.05], indirect=True)
def test_what_follows_a_file_is_timed(send: Callable[..., httpx.Response]) -> None:
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


def test_files_come_in_their_order_and_fields_are_passed_over(send: Callable[..., httpx.Response]) -> None:
    content = HEAD + b"a" + FILE + FILE + b"bcd" + TAIL
    assert send("POST", "/many", headers=FORM, content=content).json()["name"] == "1,0,3"
    assert send("POST", "/many", headers=FORM, content=NOTE + TAIL).json()["name"] == ""
    answer = send("POST", "/many", headers=FORM, content=pieces(1, 1, files=4))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_form")


def test_each_file_and_all_of_them_have_a_limit(send: Callable[..., httpx.Response]) -> None:
    mib = 1024 * 1024
    assert send("POST", "/many", headers=FORM, content=pieces(4, mib)).json()["size"] == EACH

    async def endless() -> AsyncIterator[bytes]:
        yield HEAD
        while True:
            yield bytes(mib)

    for content in (endless(), pieces(3, mib, files=3)):
        answer = send("POST", "/many", headers=FORM, content=content)
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_nothing_of_a_form_is_left_open(
    send: Callable[..., httpx.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a whole one, of one that ends within a file, and of one that is too large."""
    made: list[tempfile.SpooledTemporaryFile[bytes]] = []

    def spool(max_size: int) -> tempfile.SpooledTemporaryFile[bytes]:
        made.append(tempfile.SpooledTemporaryFile(max_size=max_size))  # noqa: SIM115 - closed by whoever asked
        return made[-1]

    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", spool)
    good, cut, large = pieces(2, AT_ONCE, files=3), NOTE + FILE + bytes(9), pieces(5, AT_ONCE)
    for content, status in ((good, 200), (cut, 200), (large, 413)):
        assert send("POST", "/many", headers=FORM, content=content).status_code == status
    assert len(made) == 5 and all(file.closed and file._max_size == AT_ONCE for file in made)  # type: ignore[attr-defined]


WAYS = [("/form", 1), ("/many", 2), ("/raw", 1)]


@pytest.mark.parametrize("path, files", WAYS, ids=["/form", "/many", "control: read as a whole"])
def test_a_file_stays_out_of_memory(send: Callable[..., httpx.Response], path: str, files: int) -> None:
    size = 7 * 1024 * 1024
    count = 112 // files
    tracemalloc.start()
    try:
        method = "PUT" if path == "/raw" else "POST"
        content = pieces(count, size // 112, files=files)
        assert send(method, path, headers=FORM, content=content).status_code == 200
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (peak < size / 2) == (path != "/raw")
