"""What becomes of pictures: through the real pool and its real processes; every picture is made here."""

from collections.abc import Iterator

import pytest
import pyvips

from majlis.kit.errors import Malformed, TooLarge, UnsupportedType
from majlis.vendors.images import Kind, Processed
from tests.vendors.pictures import BLUE, GREEN, RED, WHITE, done, near, noise, plain, processed, seen

INSIDE = (Kind.POST, Kind.COMMENT, Kind.BUSINESS, Kind.GENERIC)


def riff_chunks(data: bytes) -> Iterator[str]:
    at = 12
    while at < len(data):
        yield data[at : at + 4].decode()
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2


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
