"""Pictures and videos at the Sioree door."""

from io import BytesIO
from typing import Any

import pytest
import pyvips

from majlis.surfaces.compat.sioree import media
from tests.features.media.uploads import jpeg, names
from tests.surfaces.compat.sioree.guests import Guest, ask, picture, refused, sign_up
from tests.world import World

ONE, MANY = "/api/media/upload", "/api/media/upload-multiple"
MOV = b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  " + b"\x00" * 64
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + b"\x00" * 64


def fetched(world: World, url: str) -> Any:
    return world.get("/media/" + "/".join(url.rsplit("/", 2)[1:]))


def many(who: Guest, *files: bytes) -> Any:
    return who.ask("POST", MANY, files=[("files", (f"{n}.jpg", data)) for n, data in enumerate(files)])


def kept(world: World) -> int:
    return int(world.sql("SELECT count(*)::int AS n FROM library_items")[0]["n"])


@pytest.mark.rule("sioree:R25", "sioree:R27")
@pytest.mark.parametrize("width, height", [(640, 480), (480, 640), (200, 100)])
def test_a_picture_has_a_thumbnail_inside_300(world: World, width: int, height: int) -> None:
    found = picture(sign_up(world), width=width, height=height)
    assert set(found) == {"url", "thumbnailUrl", "fileSize", "mimeType"}
    whole, small = fetched(world, found["url"]), fetched(world, found["thumbnailUrl"])
    assert (whole.status_code, len(whole.content)) == (200, found["fileSize"])
    assert whole.headers["content-type"] == found["mimeType"] == "image/webp"
    image = pyvips.Image.new_from_buffer(small.content, "")
    assert max(image.width, image.height) == min(300, max(width, height))


@pytest.mark.rule("sioree:R27", "sioree:D10")
@pytest.mark.parametrize("data, kind", [(MOV, "video/quicktime"), (MP4, "video/mp4")])
def test_a_video_is_its_own_thumbnail(world: World, data: bytes, kind: str) -> None:
    found = sign_up(world).post(ONE, files={"file": ("a.jpg", data)})
    assert (found["mimeType"], found["fileSize"]) == (kind, len(data)), "told by its bytes"
    assert found["thumbnailUrl"] == found["url"]
    answer = fetched(world, found["url"])
    assert (answer.content, answer.headers["content-type"]) == (data, kind)


@pytest.mark.rule("sioree:R26", "sioree:D10")
def test_an_address_tells_nothing_and_is_random(world: World) -> None:
    amina = sign_up(world)
    first, second = picture(amina, "holiday.jpg"), picture(amina, "holiday.jpg")
    files = [("files", ("holiday.jpg", jpeg()))]
    (third,) = amina.post(MANY, files=files)["urls"]
    assert not [
        one for one in (first, second, third) if "holiday" in one["url"] or "holiday" in one["thumbnailUrl"]
    ]
    assert first["url"] != second["url"]
    assert str(amina.id) not in first["url"]
    assert first["url"].startswith(world.app.settings.media_url())


@pytest.mark.rule("sioree:R28")
@pytest.mark.settings(media_base_url="https://cdn.sioree.example")
def test_files_are_private_behind_the_media_address(world: World) -> None:
    found = picture(sign_up(world))
    assert found["url"].startswith("https://cdn.sioree.example/")
    assert found["thumbnailUrl"].startswith("https://cdn.sioree.example/")
    path = "/".join(found["url"].rsplit("/", 2)[1:])
    stored = world.go(world.app.files.head(path))
    assert stored.size == found["fileSize"], "in the store of this server, whichever that is"
    assert world.get("/sioree/media/" + path).status_code == 404


@pytest.mark.rule("sioree:R25")
def test_several_files_are_kept_in_their_order_or_none(world: World) -> None:
    amina = sign_up(world)
    answer = many(amina, jpeg(30, 10), jpeg(10, 30), MOV)
    assert answer.status_code == 200, answer.text
    urls = answer.json()["urls"]
    assert [set(one) for one in urls] == [{"url", "thumbnailUrl"}] * 3
    sizes = [pyvips.Image.new_from_buffer(fetched(world, one["url"]).content, "") for one in urls[:2]]
    assert [(one.width, one.height) for one in sizes] == [(30, 10), (10, 30)]
    assert urls[2]["url"].endswith(".mov")
    refused(many(amina, *[jpeg(4, 4)] * 11), 400, "too_many_files")
    refused(many(amina), 400, "file_required")


@pytest.mark.rule("sioree:R25", "sioree:D10")
@pytest.mark.parametrize(
    "bad, status, error",
    [
        (b"no picture", 415, "unsupported_media_type"),
        (b"\xff\xd8\xffbroken", 415, "unsupported_media_type"),
        (b"", 400, "file_required"),
        (jpeg() + bytes(10 * 1024 * 1024), 413, "file_too_large"),
    ],
    ids=["no picture", "half a picture", "nothing", "too large"],
)
def test_nothing_is_left_behind_when_the_fifth_file_is_bad(
    world: World, bad: bytes, status: int, error: str
) -> None:
    refused(many(sign_up(world), jpeg(), MOV, MP4, jpeg(20, 20), bad), status, error)
    world.drain()
    assert (kept(world), names(world)) == (0, [])
    assert world.sql("SELECT count(*) AS n FROM uploads WHERE removed_at IS NULL") == [{"n": 0}]


@pytest.mark.rule("sioree:R25", "sioree:D10")
def test_several_videos_may_each_be_as_large_as_one(world: World) -> None:
    amina, mib = sign_up(world), 1024 * 1024
    found = many(amina, *[MP4 + bytes(40 * mib)] * 3)
    assert found.status_code == 200, found.text
    refused(many(amina, jpeg(), MP4 + bytes(50 * mib)), 413, "file_too_large")
    assert kept(world) == 3


def test_one_person_sends_a_few_forms_at_once(world: World) -> None:
    amina, bilal = sign_up(world), sign_up(world)
    with media._turn(amina.id), media._turn(amina.id):
        assert many(amina, jpeg()).status_code == 200
        with media._turn(amina.id):
            refused(many(amina, jpeg()), 429, "rate_limited")
            assert many(bilal, jpeg()).status_code == 200
        assert many(amina, b"no picture").status_code == 415
    assert not media._coming, "nothing is remembered of what is over"


@pytest.mark.rule("sioree:D10")
def test_what_is_no_picture_or_video_is_refused(world: World) -> None:
    amina = sign_up(world)
    refused(amina.ask("POST", ONE, files={"file": ("a.jpg", b"")}), 400, "file_required")
    refused(amina.ask("POST", ONE, json={}), 415, "unsupported_media_type")
    refused(amina.ask("POST", ONE), 400, "file_required")
    for data in (b"hello", b"%PDF-1.7", b"\xff\xd8\xffbroken", b"<svg/>"):
        refused(
            amina.ask("POST", ONE, files={"file": ("a.jpg", BytesIO(data))}), 415, "unsupported_media_type"
        )
    refused(ask(world, "POST", ONE, files={"file": ("a.jpg", jpeg())}), 401, "No token provided")


@pytest.mark.rule("sioree:D10")
def test_videos_may_be_larger_than_pictures(world: World) -> None:
    amina = sign_up(world)
    mib = 1024 * 1024
    large = amina.ask("POST", ONE, files={"file": ("a.mp4", MP4 + b"\x00" * (11 * mib))})
    assert large.status_code == 200, large.text
    refused(
        amina.ask("POST", ONE, files={"file": ("a.mp4", MP4 + b"\x00" * (50 * mib))}), 413, "file_too_large"
    )
    data = jpeg() + b"\x00" * (10 * mib)
    refused(amina.ask("POST", ONE, files={"file": ("a.jpg", data)}), 413, "file_too_large")
