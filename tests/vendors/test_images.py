"""Pictures through the real pool and its real processes; every picture is made here."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pyvips

from majlis.kit.errors import Malformed, Refused, TooLarge, Unavailable, UnsupportedType
from majlis.vendors.images import ImagePool, Kind, Processed

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 220, 30), (30, 30, 220), (240, 240, 240)
INSIDE = (Kind.POST, Kind.COMMENT, Kind.BUSINESS, Kind.GENERIC)


def plain(width: int, height: int, colour: tuple[int, ...]) -> Any:
    return (pyvips.Image.black(width, height) + list(colour)).cast("uchar").copy(interpretation="srgb")


@cache
def noise(width: int, height: int) -> Any:
    """Three bands of speckle, the same every time."""
    bands = [pyvips.Image.gaussnoise(width, height, mean=128, sigma=40, seed=seed) for seed in (1, 2, 3)]
    return bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb").copy_memory()


@cache
def twelve_megapixels() -> bytes:
    """A JPEG of 4000 x 3000 with something to decode everywhere."""
    return bytes(noise(1000, 750).replicate(4, 4).jpegsave_buffer(Q=75))


@cache
def forty_megapixels() -> bytes:
    """A JPEG at the limit, progressive so that it takes all its memory and more than half a second."""
    return bytes(noise(400, 250).gaussblur(3).replicate(20, 20).jpegsave_buffer(Q=50, interlace=True))


def seen(data: bytes) -> Any:
    return pyvips.Image.new_from_buffer(data, "").copy_memory()


def near(image: Any, across: float, down: float, colour: tuple[int, ...]) -> bool:
    """Whether the picture has this colour at a place given in parts of its width and height."""
    point = image.getpoint(int((image.width - 1) * across), int((image.height - 1) * down))
    return all(abs(a - b) <= 12 for a, b in zip(point, colour, strict=False))


def riff_chunks(data: bytes) -> Iterator[str]:
    at = 12
    while at < len(data):
        yield data[at : at + 4].decode()
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2


@contextlib.asynccontextmanager
async def pool_of(workers: int = 1, **options: Any) -> AsyncIterator[ImagePool]:
    pool = ImagePool(workers, **options)
    try:
        yield pool
    finally:
        await pool.aclose()
        assert pool.children() == []


def processed(*jobs: tuple[bytes, Kind]) -> list[Processed | Refused]:
    """What the pool makes of each, results and refusals alike."""

    async def body() -> list[Processed | Refused]:
        results: list[Processed | Refused] = []
        async with pool_of() as pool:
            for data, kind in jobs:
                try:
                    results.append(await pool.process(data, kind))
                except Refused as refused:
                    results.append(refused)
        return results

    return asyncio.run(body())


def done(*jobs: tuple[bytes, Kind]) -> list[Processed]:
    results = processed(*jobs)
    assert all(isinstance(result, Processed) for result in results), results
    return results  # type: ignore[return-value]


@pytest.mark.rule("hamsaya:69", "hamsaya:70")
def test_avatars_and_covers_have_exact_dimensions_whatever_came() -> None:
    sources = [(1000, 700), (701, 999), (37, 11), (1, 1), (9000, 3), (1, 2_000_000)]
    files = [pyvips.Image.black(*size).copy(interpretation="b-w").pngsave_buffer() for size in sources]
    files.append(noise(333, 221).replicate(10, 10).jpegsave_buffer())
    results = done(*[(data, kind) for data in files for kind in (Kind.AVATAR, Kind.COVER)])
    for avatar, cover in zip(results[::2], results[1::2], strict=True):
        assert (avatar.width, avatar.height) == (400, 400)
        assert (cover.width, cover.height) == (1600, 900)
        assert (seen(avatar.data).width, seen(avatar.data).height) == (400, 400)
        assert (seen(cover.data).width, seen(cover.data).height) == (1600, 900)


@pytest.mark.rule("hamsaya:71", "hamsaya:72")
@pytest.mark.parametrize("kind", INSIDE)
def test_other_pictures_are_as_wide_as_a_post_at_most(kind: Kind) -> None:
    sources = [(2400, 1600), (1201, 601), (1200, 10), (300, 200), (1210, 2420)]
    expected = [(1200, 800), (1200, 600), (1200, 10), (300, 200), (1200, 2400)]
    results = done(*[(plain(*size, RED).pngsave_buffer(), kind) for size in sources])
    assert [(result.width, result.height) for result in results] == expected
    assert [(seen(result.data).width, seen(result.data).height) for result in results] == expected


def test_a_strip_longer_than_webp_can_hold_is_made_to_fit() -> None:
    [result] = done((pyvips.Image.black(100, 100_000).copy(interpretation="b-w").pngsave_buffer(), Kind.POST))
    assert (result.width, result.height) == (16, 16383)


@pytest.mark.rule("hamsaya:73", "hamsaya:75", "hamsaya:77")
def test_the_result_is_webp_of_quality_80_and_its_thumbnail_of_70() -> None:
    source = noise(300, 200)
    [result] = done((source.pngsave_buffer(), Kind.POST))
    assert result.mime_type == "image/webp"
    assert result.data == source.webpsave_buffer(Q=80, keep="none")
    assert result.thumbnail == source.webpsave_buffer(Q=70, keep="none")
    assert result.data != source.webpsave_buffer(Q=75, keep="none")
    assert result.thumbnail != source.webpsave_buffer(Q=75, keep="none")


@pytest.mark.rule("hamsaya:73")
def test_pictures_are_resampled_with_lanczos() -> None:
    source = noise(2400, 600)
    [result] = done((source.pngsave_buffer(), Kind.POST))
    assert result.data == source.resize(0.5, kernel="lanczos3").webpsave_buffer(Q=80, keep="none")
    assert result.data != source.resize(0.5, kernel="cubic").webpsave_buffer(Q=80, keep="none")


@pytest.mark.rule("hamsaya:75")
def test_thumbnails_have_a_longest_edge_of_320_and_are_never_enlarged() -> None:
    wide, tall, small, avatar = done(
        (plain(1000, 500, RED).pngsave_buffer(), Kind.POST),
        (plain(500, 2000, RED).pngsave_buffer(), Kind.POST),
        (plain(100, 50, RED).pngsave_buffer(), Kind.POST),
        (plain(1000, 500, RED).pngsave_buffer(), Kind.AVATAR),
    )
    sizes = [(seen(r.thumbnail).width, seen(r.thumbnail).height) for r in (wide, tall, small, avatar)]
    assert sizes == [(320, 160), (80, 320), (100, 50), (320, 320)]


@pytest.mark.rule("hamsaya:74")
def test_crops_keep_the_centre() -> None:
    across = plain(700, 600, RED).join(plain(600, 600, GREEN), "horizontal")
    across = across.join(plain(700, 600, BLUE), "horizontal")
    down = plain(600, 700, RED).join(plain(600, 600, GREEN), "vertical")
    down = down.join(plain(600, 700, BLUE), "vertical")
    for result in done((across.pngsave_buffer(), Kind.AVATAR), (down.jpegsave_buffer(Q=95), Kind.AVATAR)):
        image = seen(result.data)
        for place in (0.03, 0.5, 0.97):
            assert near(image, place, 0.5, GREEN)
            assert near(image, 0.5, place, GREEN)


# Where the four quarters of a stored picture (A B above C D) are seen, by EXIF orientation.
TURNED = {1: "ABCD", 2: "BADC", 3: "DCBA", 4: "CDAB", 5: "ACBD", 6: "CADB", 7: "DBCA", 8: "BDAC"}


@pytest.mark.rule("hamsaya:72")
@pytest.mark.parametrize("kind", [Kind.POST, Kind.AVATAR, Kind.COVER])
def test_exif_orientation_is_applied(kind: Kind) -> None:
    colours = dict(zip("ABCD", (RED, GREEN, BLUE, WHITE), strict=True))
    upper = plain(750, 250, RED).join(plain(750, 250, GREEN), "horizontal")
    stored = upper.join(plain(750, 250, BLUE).join(plain(750, 250, WHITE), "horizontal"), "vertical")
    jobs = []
    for orientation in TURNED:
        image = stored.copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
        jobs.append((image.jpegsave_buffer(Q=95), kind))
    for (orientation, quarters), result in zip(TURNED.items(), done(*jobs), strict=True):
        if kind is Kind.POST:
            expected = (1200, 400) if orientation < 5 else (500, 1500)
            assert (result.width, result.height) == expected
        for data in (result.data, result.thumbnail):
            image = seen(data)
            places = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]
            for quarter, (across, down) in zip(quarters, places, strict=True):
                assert near(image, across, down, colours[quarter]), (orientation, quarter)


@pytest.mark.rule("hamsaya:72")
def test_every_metadata_is_dropped() -> None:
    image = noise(200, 100).copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "34/1 31/1 5/1 (34, 31, 5)")
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "Secret Artist (Secret Artist, ASCII)")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta>Secret XMP</x:xmpmeta>")
    image.set_type(pyvips.GValue.blob_type, "iptc-data", b"Secret IPTC")
    image = image.icc_export(output_profile="p3")
    jpeg = image.jpegsave_buffer()
    assert "34/1 31/1 5/1" in seen(jpeg).get("exif-ifd3-GPSLatitude")
    for word in (b"Secret Artist", b"Secret XMP", b"Secret IPTC", b"ICC_PROFILE"):
        assert word in jpeg
    files = [jpeg, image.webpsave_buffer(), image.pngsave_buffer(), image.gifsave_buffer()]
    for result in done(*[(data, kind) for data in files for kind in (Kind.POST, Kind.AVATAR)]):
        for data in (result.data, result.thumbnail):
            assert set(riff_chunks(data)) == {"VP8 "}
            assert b"Secret" not in data


def test_colours_are_converted_to_srgb() -> None:
    colour = (200, 120, 60)
    wide_gamut = plain(100, 100, colour).icc_export(output_profile="p3")
    assert not near(wide_gamut, 0.5, 0.5, colour)  # the numbers differ, the profile says why
    printed = plain(100, 100, colour).icc_export(output_profile="cmyk")
    assert printed.bands == 4
    first, second = done(
        (wide_gamut.jpegsave_buffer(Q=95), Kind.POST), (printed.jpegsave_buffer(), Kind.POST)
    )
    assert near(seen(first.data), 0.5, 0.5, colour)
    assert near(seen(second.data), 0.5, 0.5, colour)


def test_a_broken_colour_profile_does_not_spoil_the_picture() -> None:
    image = plain(100, 100, RED).copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", b"not a profile" * 20)
    [result] = done((image.jpegsave_buffer(), Kind.POST))
    assert near(seen(result.data), 0.5, 0.5, RED)


def test_depths_and_channels_of_every_kind_come_out_right() -> None:
    grey = plain(60, 40, (130,)).copy(interpretation="b-w")
    deep = (plain(60, 40, RED).cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    see_through = plain(60, 40, RED).bandjoin(100)
    results = done(
        (grey.jpegsave_buffer(), Kind.POST),
        (grey.bandjoin(128).pngsave_buffer(), Kind.POST),
        (deep.pngsave_buffer(), Kind.POST),
        ((grey > 1).pngsave_buffer(bitdepth=1), Kind.POST),
        (see_through.webpsave_buffer(Q=95), Kind.POST),
    )
    colours = [(130, 130, 130), (130, 130, 130, 128), RED, (255, 255, 255), (*RED, 100)]
    for result, colour in zip(results, colours, strict=True):
        image = seen(result.data)
        assert image.bands == len(colour)
        assert near(image, 0.5, 0.5, colour)


@pytest.mark.rule("hamsaya:72")
def test_the_four_formats_are_taken_and_of_animations_the_first_frame() -> None:
    frames = pyvips.Image.arrayjoin([plain(50, 40, RED), plain(50, 40, GREEN), plain(50, 40, BLUE)], across=1)
    frames = frames.copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 40)
    still = plain(50, 40, RED)
    results = done(
        (still.jpegsave_buffer(), Kind.POST),
        (still.pngsave_buffer(), Kind.POST),
        (still.webpsave_buffer(), Kind.POST),
        (still.gifsave_buffer(), Kind.POST),
        (frames.gifsave_buffer(), Kind.POST),
        (frames.webpsave_buffer(), Kind.POST),
    )
    for result in results:
        assert (result.width, result.height) == (50, 40)
        assert near(seen(result.data), 0.5, 0.5, RED)


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%PDF-1.7\n",
        b"II*\x00" + bytes(64),
        b"BM" + bytes(64),
        b"\x00\x00\x00\x18ftypheic" + bytes(64),
        b"<html><script>alert(1)</script></html>",
        b" \xff\xd8\xff\xe0",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\xff",
    ],
)
def test_other_types_are_refused_by_their_first_bytes(data: bytes) -> None:
    [refused] = processed((data, Kind.POST))
    assert isinstance(refused, UnsupportedType)
    assert (refused.status, refused.code) == (415, "unsupported_image")


def test_what_cannot_be_read_is_malformed() -> None:
    tall = noise(300, 900)
    whole = [tall.jpegsave_buffer(), tall.pngsave_buffer(), tall.webpsave_buffer(), tall.gifsave_buffer()]
    damaged = [b"", *(magic + bytes(200) for magic in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a"))]
    damaged.append(b"RIFF\xc8\x00\x00\x00WEBPVP8 " + bytes(200))
    for data in whole:
        damaged += [data[: len(data) // 2], data[: len(data) - 400], data[:40]]
    results = processed(*[(data, kind) for data in damaged for kind in (Kind.POST, Kind.AVATAR, Kind.COVER)])
    for result in results:
        assert isinstance(result, Malformed), result
        assert (result.status, result.code) == (400, "unreadable_image")


@pytest.mark.rule("hamsaya:72")
def test_ten_mebibytes_are_the_limit() -> None:
    data = plain(20, 20, RED).jpegsave_buffer()
    at_limit = data + bytes(10 * 1024 * 1024 - len(data))
    fine, refused = processed((at_limit, Kind.POST), (at_limit + b"\x00", Kind.POST))
    assert isinstance(fine, Processed)
    assert isinstance(refused, TooLarge)
    assert (refused.status, refused.code) == (413, "image_too_large")


@pytest.mark.rule("hamsaya:72")
def test_forty_megapixels_are_the_limit() -> None:
    fine, refused = processed(
        (pyvips.Image.black(8000, 5000).pngsave_buffer(), Kind.AVATAR),
        (pyvips.Image.black(8001, 5000).pngsave_buffer(), Kind.AVATAR),
    )
    assert isinstance(fine, Processed)
    assert isinstance(refused, TooLarge)
    assert (refused.status, refused.code) == (413, "too_many_pixels")


def claiming(size: int) -> list[bytes]:
    """Small files of each format whose headers promise size x size pixels."""
    png = bytearray(plain(8, 8, RED).pngsave_buffer())
    png[16:24] = size.to_bytes(4, "big") * 2
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    jpeg = bytearray(plain(8, 8, RED).jpegsave_buffer())
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = size.to_bytes(2, "big") * 2
    gif = bytearray(plain(8, 8, RED).gifsave_buffer())
    gif[6:10] = size.to_bytes(2, "little") * 2
    at = gif.index(b"\x2c\x00\x00\x00\x00\x08\x00\x08\x00") + 5
    gif[at : at + 4] = size.to_bytes(2, "little") * 2
    return [bytes(png), bytes(jpeg), bytes(gif)]


def test_bombs_are_refused_by_their_header() -> None:
    async def body() -> None:
        async with pool_of() as pool:
            for bomb in claiming(60_000):
                with pytest.raises(TooLarge) as refused:
                    await pool.process(bomb, Kind.POST)
                assert refused.value.code == "too_many_pixels"
            status = Path(f"/proc/{pool.children()[0]}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            assert peak < 100_000  # kB: nothing was decoded

    asyncio.run(body())


def test_an_animation_promising_too_much_is_refused_and_the_next_picture_served() -> None:
    frames = pyvips.Image.arrayjoin([plain(50, 40, RED), plain(50, 40, BLUE)], across=1).copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 40)
    bomb = bytearray(frames.webpsave_buffer())
    at = bomb.index(b"VP8X") + 12
    bomb[at : at + 6] = (16_000 - 1).to_bytes(3, "little") * 2
    refused, fine = processed((bytes(bomb), Kind.POST), (plain(9, 9, RED).pngsave_buffer(), Kind.POST))
    assert isinstance(refused, TooLarge | Malformed)
    assert isinstance(fine, Processed)


def test_the_event_loop_never_waits_for_a_picture() -> None:
    data = twelve_megapixels()

    async def body() -> tuple[float, int, float]:
        async with pool_of() as pool:
            worst, ticks, last = 0.0, 0, time.perf_counter()
            started = last
            task = asyncio.create_task(pool.process(data, Kind.POST))
            while not task.done():
                await asyncio.sleep(0.005)
                now = time.perf_counter()
                worst, ticks, last = max(worst, now - last), ticks + 1, now
            result = await task
            assert (result.width, result.height) == (1200, 900)
            return worst, ticks, last - started

    worst, ticks, took = asyncio.run(body())
    assert ticks >= 10
    # The machine may be busy with other things; a loop that waited would stand still for the whole time.
    assert worst < took / 2


def test_no_process_exists_before_the_first_picture_and_none_after_a_pause() -> None:
    async def body() -> None:
        async with pool_of(idle=0.05) as pool:
            assert pool.children() == []
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            [pid] = pool.children()
            await asyncio.sleep(0.5)
            assert pool.children() == []
            assert not Path(f"/proc/{pid}").exists()
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)

    asyncio.run(body())


def test_a_child_is_replaced_after_its_share_of_jobs() -> None:
    async def body() -> None:
        async with pool_of(jobs_per_child=2) as pool:
            data = plain(9, 9, RED).pngsave_buffer()
            await pool.process(data, Kind.POST)
            [first] = pool.children()
            await pool.process(data, Kind.POST)
            assert pool.children() == []
            await pool.process(data, Kind.POST)
            assert pool.children() != [first]

    asyncio.run(body())


async def killed_at_work(pool: ImagePool, number: int) -> Refused:
    """What a request is told whose child gets a signal in the middle."""
    await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)  # so that there is a child
    task = asyncio.create_task(pool.process(forty_megapixels(), Kind.POST))
    await asyncio.sleep(0.1)
    [pid] = pool.children()
    os.kill(pid, number)
    with pytest.raises(Refused) as refused:
        await task
    assert pool.children() == []
    return refused.value


@pytest.mark.parametrize(
    "number, kind",
    [
        (signal.SIGKILL, Unavailable),
        (signal.SIGXCPU, Malformed),
        (signal.SIGSEGV, Malformed),
        (signal.SIGABRT, Malformed),
    ],
)
def test_a_lost_child_costs_one_request_only(number: int, kind: type[Refused]) -> None:
    async def body() -> None:
        async with pool_of() as pool:
            assert isinstance(await killed_at_work(pool, number), kind)
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)

    asyncio.run(body())


def test_a_child_that_died_while_idle_costs_nothing() -> None:
    async def body() -> None:
        async with pool_of() as pool:
            data = plain(9, 9, RED).pngsave_buffer()
            await pool.process(data, Kind.POST)
            os.kill(pool.children()[0], signal.SIGKILL)
            await asyncio.sleep(0.2)
            await pool.process(data, Kind.POST)

    asyncio.run(body())


def test_signals_meant_for_the_server_do_not_end_a_job() -> None:
    async def body() -> None:
        async with pool_of() as pool:
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            task = asyncio.create_task(pool.process(forty_megapixels(), Kind.POST))
            await asyncio.sleep(0.1)
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(pool.children()[0], number)
            assert (await task).width == 1200

    asyncio.run(body())


def test_a_picture_that_takes_too_long_is_given_up_and_its_child_ended() -> None:
    async def body() -> None:
        async with pool_of(timeout=0.2) as pool:
            data = plain(9, 9, RED).pngsave_buffer()
            with contextlib.suppress(Unavailable):  # the first child may itself take that long to start
                await pool.process(data, Kind.POST)
            with pytest.raises(Unavailable):
                await pool.process(forty_megapixels(), Kind.POST)
            assert pool.children() == []
            pool.timeout = 20
            await pool.process(data, Kind.POST)

    asyncio.run(body())


def test_a_request_that_goes_away_takes_its_job_along() -> None:
    async def body() -> None:
        async with pool_of() as pool:
            task = asyncio.create_task(pool.process(forty_megapixels(), Kind.POST))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert pool.children() == []
            result = await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            assert (result.width, result.height) == (9, 9)

    asyncio.run(body())


def test_only_so_many_may_wait() -> None:
    async def body() -> list[Processed | BaseException]:
        async with pool_of(max_waiting=2) as pool:
            jobs = [pool.process(twelve_megapixels(), Kind.AVATAR) for _ in range(6)]
            return await asyncio.gather(*jobs, return_exceptions=True)

    results = asyncio.run(body())
    assert [type(result) for result in results] == [Processed] * 3 + [Unavailable] * 3
    refused = results[-1]
    assert isinstance(refused, Unavailable)
    assert refused.headers["Retry-After"]


def test_two_workers_work_at_once_and_no_third() -> None:
    async def body() -> None:
        async with pool_of(2) as pool:
            jobs = [asyncio.create_task(pool.process(twelve_megapixels(), Kind.POST)) for _ in range(4)]
            await asyncio.sleep(0.2)
            assert len(pool.children()) == 2
            assert [result.width for result in await asyncio.gather(*jobs)] == [1200] * 4
            assert len(pool.children()) == 2

    asyncio.run(body())


def test_closing_ends_work_and_waiting_alike() -> None:
    async def body() -> None:
        pool = ImagePool(1)
        jobs = [asyncio.create_task(pool.process(forty_megapixels(), Kind.POST)) for _ in range(3)]
        await asyncio.sleep(0.3)
        [pid] = pool.children()
        await pool.aclose()
        assert not Path(f"/proc/{pid}").exists()
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(result) for result in results] == [Unavailable] * 3
        with pytest.raises(Unavailable):
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)

    asyncio.run(body())


def test_a_child_is_limited_and_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAJLIS_SECRET_KEY", "canary-in-the-environment")
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)

    async def body() -> None:
        async with pool_of() as pool:
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            [pid] = pool.children()
            assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
            assert resource.prlimit(pid, resource.RLIMIT_AS) == (1 << 30, 1 << 30)
            assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (0, 0)
            assert 1 <= resource.prlimit(pid, resource.RLIMIT_CPU)[0] <= 30
            assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
            assert {int(name) for name in os.listdir(f"/proc/{pid}/fd")} == {0, 1, 2, 3}

    try:
        asyncio.run(body())
    finally:
        os.close(inherited)


ABANDONING = """
import asyncio, os
import pyvips
from majlis.vendors.images import ImagePool, Kind

async def body():
    pool = ImagePool(1)
    await pool.process(pyvips.Image.black(9, 9).pngsave_buffer(), Kind.POST)
    print(pool.children()[0], flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(body())
"""


def test_a_server_that_is_killed_leaves_no_child_behind() -> None:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ABANDONING]
    run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == -signal.SIGKILL, run.stderr
    child = Path(f"/proc/{int(run.stdout)}/stat")
    deadline = time.monotonic() + 5
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


CONFINED = """
import sys
import pyvips
from majlis.vendors import image_worker
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"asyncio", "msgspec", "ssl", "socket"}, loaded
picture = pyvips.Image.black(64, 64, bands=3).copy(interpretation="srgb")
tiff, jpeg = picture.tiffsave_buffer(), picture.jpegsave_buffer()
svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
pyvips.Image.svgload_buffer(svg).avg(), pyvips.Image.tiffload_buffer(tiff).avg()
picture.jpegsave(sys.argv[1])
image_worker.confine()
pyvips.Image.jpegload_buffer(jpeg).avg()
attempts = {
    "svg": lambda: pyvips.Image.svgload_buffer(svg).avg(),
    "tiff": lambda: pyvips.Image.tiffload_buffer(tiff).avg(),
    "guess": lambda: pyvips.Image.new_from_buffer(svg, "").avg(),
    "file": lambda: pyvips.Image.jpegload(sys.argv[1]).avg(),
    "write": lambda: picture.jpegsave(sys.argv[1]),
    "raw": lambda: pyvips.Image.rawload(sys.argv[1], 1, 1, 1).avg(),
    "memory": lambda: pyvips.Image.black(40000, 40000).copy_memory(),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except pyvips.Error:
        print(name)
try:
    open(sys.argv[1])
except OSError:
    print("open")
"""


def test_the_worker_can_load_nothing_else_and_open_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CONFINED, str(tmp_path / "picture.jpg")]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "VIPS_DISC_THRESHOLD": "8g"}
    run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    refused = ["svg", "tiff", "guess", "file", "write", "raw", "memory", "open"]
    assert run.stdout.split() == refused, run.stderr
