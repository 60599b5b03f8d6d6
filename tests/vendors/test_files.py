"""Files in a folder and in a bucket of a real S3 server: the same tests for both."""

import asyncio
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from majlis.kit.errors import Invalid, NotFound, Refused, Unavailable
from majlis.settings import BadSettings, Settings
from majlis.vendors.files import Files, RangeNotSatisfiable, bucket, from_settings, type_of
from tests.servers import free_port

BUCKET = "majlis"
WEBP = "image/webp"


def request(port: int, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def s3_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an S3 server that holds one empty bucket."""
    port, log = free_port(), tmp_path_factory.mktemp("s3") / "log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + 60
            while not listens(port):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            assert request(port, "PUT", f"/{BUCKET}")[0] == 200, log.read_text()
            yield port
        finally:
            process.terminate()
            process.wait(60)


def s3_settings(port: int, bucket: str = BUCKET) -> Settings:
    endpoint = f"http://127.0.0.1:{port}"
    return Settings(s3_bucket=bucket, s3_endpoint=endpoint, s3_key="key", s3_secret="secret")


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "local":
        return from_settings(Settings(data_dir=str(tmp_path)))
    return from_settings(s3_settings(request.getfixturevalue("s3_port")))


async def joined(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.rule("x18:R35")
def test_what_is_put_can_be_got_and_described(store: Files) -> None:
    async def body() -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)
        await store.put("described/one.webp", b"first", content_type=WEBP)
        assert await store.get("described/one.webp") == b"first"
        info = await store.head("described/one.webp")
        assert (info.size, info.content_type) == (5, WEBP)
        assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=2)
        assert info.etag.startswith('"') and info.etag.endswith('"')
        await store.put("described/one.webp", b"second one", content_type=WEBP)
        assert await store.get("described/one.webp") == b"second one"
        again = await store.head("described/one.webp")
        assert again.size == 10
        assert again.etag != info.etag
        await store.put("described/empty.txt", b"", content_type="text/plain")
        assert await store.get("described/empty.txt") == b""
        assert (await store.head("described/empty.txt")).size == 0

    asyncio.run(body())


@pytest.mark.parametrize(
    "key",
    [
        "a b/c+d%2F%.webp",
        "x/عکس‌ها.webp",
        "x/фото.webp",
        "~'(x)!@&=$,;:?*.webp",
        "x/" + "n" * 240,
        "x/a#b.webp",
    ],
)
def test_unusual_names_are_kept_as_they_are(store: Files, key: str) -> None:
    async def body() -> None:
        await store.put(key, key.encode(), content_type=WEBP)
        assert await store.get(key) == key.encode()
        assert [found async for found in store.list() if found == key] == [key]
        await store.delete(key)
        with pytest.raises(NotFound):
            await store.head(key)

    asyncio.run(body())


IMPOSSIBLE = [
    "",
    "/etc/passwd",
    "../secret",
    "a/../../secret",
    "a/./b",
    "a//b",
    "a/",
    ".",
    "a\\b",
    "a\x00b",
    "a\nb",
    "a\x7fb",
    "a\u2028b",
    "a\udc80b",
    "x" * 241,
    "ab/" * 171,
    "a/b#1",
    "a#12/b",
]


@pytest.mark.parametrize("key", IMPOSSIBLE)
def test_keys_that_cannot_exist(store: Files, key: str) -> None:
    async def body() -> None:
        with pytest.raises(Invalid) as refused:
            await store.put(key, b"x", content_type=WEBP)
        assert refused.value.fields[0].field == "key"
        for reading in (store.get(key), store.head(key), store.stream(key)):
            with pytest.raises(NotFound):
                await reading
        await store.delete(key)

    asyncio.run(body())


def test_what_is_not_there_is_not_found_and_deleting_it_is_fine(store: Files) -> None:
    async def body() -> None:
        await store.put("absent/there.webp", b"x", content_type=WEBP)
        for key in ("absent/other.webp", "nowhere/at/all.webp", "absent", "absent/there.webp/below"):
            for reading in (store.get(key), store.head(key), store.stream(key), store.stream(key, 1, 2)):
                with pytest.raises(NotFound):
                    await reading
            await store.delete(key)
        assert await store.get("absent/there.webp") == b"x"
        await store.delete("absent/there.webp")
        await store.delete("absent/there.webp")
        with pytest.raises(NotFound):
            await store.get("absent/there.webp")

    asyncio.run(body())


def test_streams_give_the_bytes_asked_for(store: Files) -> None:
    data = os.urandom(3_000_000)

    async def body() -> None:
        await store.put("stream/big.bin", data, content_type="application/octet-stream")
        await store.put("stream/empty.bin", b"", content_type="application/octet-stream")
        for start, end in [(0, None), (0, 1), (5, 10), (2_999_999, None), (1000, 99_000_000), (0, 3_000_000)]:
            assert await joined(await store.stream("stream/big.bin", start, end)) == data[start:end]
        pieces = [len(chunk) async for chunk in await store.stream("stream/big.bin")]
        assert len(pieces) > 1, "a file must not be held in memory whole"
        assert await joined(await store.stream("stream/empty.bin")) == b""
        for key, start, end in [
            ("stream/big.bin", 3_000_000, None),
            ("stream/big.bin", 4_000_000, 5_000_000),
            ("stream/big.bin", -1, 5),
            ("stream/big.bin", 5, 5),
            ("stream/empty.bin", 1, None),
        ]:
            with pytest.raises(RangeNotSatisfiable) as refused:
                await store.stream(key, start, end)
            assert refused.value.status == 416

    asyncio.run(body())


def test_a_file_of_this_machine_is_put_in_parts(store: Files, tmp_path: Path) -> None:
    source = tmp_path / "source"
    data = os.urandom(11_000_000)  # more than two parts

    async def body() -> None:
        for held in (data, b""):
            source.write_bytes(held)
            await store.put_file("parts/a.zip", source, content_type="application/zip")
            assert await joined(await store.stream("parts/a.zip")) == held
        info = await store.head("parts/a.zip")
        assert (info.size, info.content_type) == (0, "application/zip")
        assert [key async for key in store.list("parts")] == ["parts/a.zip"]
        with pytest.raises(Invalid):
            await store.put_file("../a.zip", source, content_type="application/zip")
        with pytest.raises(Refused):
            await store.put_file("parts/b.zip", tmp_path / "missing", content_type="application/zip")
        with pytest.raises(NotFound):
            await store.head("parts/b.zip")

    asyncio.run(body())


def test_lists_go_by_whole_segments(store: Files) -> None:
    keys = {"list/a/1.webp", "list/a/b/2.webp", "list/ab/3.webp", "list/4.webp"}

    async def body() -> None:
        for key in keys:
            await store.put(key, b"x", content_type=WEBP)
        for prefix, expected in {
            "list": keys,
            "list/": keys,
            "list/a": {"list/a/1.webp", "list/a/b/2.webp"},
            "list/a/b/": {"list/a/b/2.webp"},
            "list/none": set(),
            "../list": set(),
        }.items():
            assert {key async for key in store.list(prefix)} == expected, prefix

    asyncio.run(body())


def test_more_files_than_one_page_are_listed(store: Files) -> None:
    async def body() -> None:
        keys = {f"many/{number}.txt" for number in range(1050)}
        for key in keys:
            await store.put(key, b"", content_type="text/plain")
        assert {key async for key in store.list("many")} == keys

    asyncio.run(body())


def test_readers_never_see_half_a_file(store: Files) -> None:
    old, new = b"o" * 400_000, b"n" * 400_000

    async def body() -> None:
        await store.put("whole.bin", old, content_type="application/octet-stream")
        stop = False

        async def read() -> int:
            reads = 0
            while not stop:
                assert await store.get("whole.bin") in (old, new)
                reads += 1
            return reads

        readers = [asyncio.create_task(read()) for _ in range(2)]
        for number in range(20):
            await store.put("whole.bin", (old, new)[number % 2], content_type="application/octet-stream")
        stop = True
        assert min(await asyncio.gather(*readers)) > 0

    asyncio.run(body())


def test_a_healthy_store_passes_its_check(store: Files) -> None:
    asyncio.run(store.check())


def test_signed_addresses_are_an_affair_of_s3(s3_port: int, tmp_path: Path) -> None:
    async def body() -> tuple[str | None, str | None, str | None]:
        local = from_settings(Settings(data_dir=str(tmp_path)))
        await local.put("signed/a b.webp", b"x", content_type=WEBP)
        remote = from_settings(s3_settings(s3_port))
        await remote.put("signed/a b.webp", b"picture", content_type=WEBP)
        with pytest.raises(NotFound):
            await remote.signed_url("../x", 60)
        return (
            await local.signed_url("signed/a b.webp", 60),
            await remote.signed_url("signed/a b.webp", 60),
            await remote.signed_url("signed/a b.webp", 10**9),
        )

    nothing, short, long = asyncio.run(body())
    assert nothing is None
    assert short is not None and long is not None
    parts = urlsplit(short)
    assert (parts.hostname, parts.port, parts.path) == ("127.0.0.1", s3_port, f"/{BUCKET}/signed/a%20b.webp")
    query = parse_qs(parts.query)
    assert query["X-Amz-Expires"] == ["60"]
    assert len(query["X-Amz-Signature"][0]) == 64
    assert parse_qs(urlsplit(long).query)["X-Amz-Expires"] == [str(7 * 24 * 3600)]
    status, headers, content = request(s3_port, "GET", f"{parts.path}?{parts.query}")
    assert (status, headers["content-type"], content) == (200, WEBP, b"picture")


def test_a_bucket_that_is_missing_or_a_server_that_is_away_is_unavailable(s3_port: int) -> None:
    async def body() -> None:
        for store in (
            from_settings(s3_settings(s3_port, bucket="another")),
            from_settings(s3_settings(free_port())),
        ):
            with pytest.raises(Unavailable):
                await store.check()
            with pytest.raises(Unavailable):
                await store.put("a.webp", b"x", content_type=WEBP)
            with pytest.raises(Refused):
                await store.get("a.webp")

    asyncio.run(body())


def test_a_silent_server_fails_the_check_in_time() -> None:
    async def body(port: int) -> None:
        store = bucket(s3_settings(port), check_timeout=0.3)
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await store.check()
        assert time.monotonic() - started < 20

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        asyncio.run(body(silent.getsockname()[1]))


def test_a_folder_that_went_away_fails_the_check(tmp_path: Path) -> None:
    store = from_settings(Settings(data_dir=str(tmp_path)))
    asyncio.run(store.check())
    (tmp_path / "files").rmdir()
    with pytest.raises(Unavailable):
        asyncio.run(store.check())


def test_the_local_folder_is_private_and_keeps_no_empty_folders(tmp_path: Path) -> None:
    store = from_settings(Settings(data_dir=str(tmp_path / "data")))
    folder = tmp_path / "data" / "files"
    assert folder.stat().st_mode & 0o777 == 0o700

    async def body() -> None:
        await store.put("one/two/three.webp", b"x", content_type=WEBP)
        assert (folder / "one" / "two" / "three.webp").read_bytes() == b"x"
        await store.delete("one/two/three.webp")

    asyncio.run(body())
    assert list(folder.iterdir()) == []


def test_a_write_in_progress_is_not_listed(tmp_path: Path) -> None:
    store = from_settings(Settings(data_dir=str(tmp_path)))
    (tmp_path / "files" / "left.webp#1").write_bytes(b"half")

    async def body() -> list[str]:
        await store.put("left.webp", b"whole", content_type=WEBP)
        return [key async for key in store.list()]

    assert asyncio.run(body()) == ["left.webp"]


@pytest.mark.parametrize(
    "key, content_type",
    [
        ("a/photo.webp", "image/webp"),
        ("a/PHOTO.JPG", "image/jpeg"),
        ("a/page.html", "text/html"),
        ("a/data.json", "application/json"),
        ("a/paper.pdf", "application/pdf"),
        ("a/logs.tar.gz", "application/octet-stream"),
        ("a/nothing", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"),
        ("http://x/y.webp", "image/webp"),
    ],
)
def test_content_types_by_suffix(key: str, content_type: str) -> None:
    assert type_of(key) == content_type


@pytest.mark.parametrize(
    "changes",
    [{"s3_endpoint": "s3.example.com"}, {"s3_key": "key"}, {"s3_secret": "never-shown-secret"}],
)
def test_settings_that_cannot_work_are_named(changes: dict[str, Any]) -> None:
    with pytest.raises(BadSettings) as refused:
        from_settings(Settings(s3_bucket=BUCKET, **changes))
    assert "MAJLIS_S3_" in str(refused.value)
    assert "never-shown" not in str(refused.value)
