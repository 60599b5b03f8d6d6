"""Public pictures over HTTP: whole, in part, or not at all."""

from functools import cache

import pytest

from majlis.features.media import service
from majlis.kit import links
from majlis.kit.http import download
from majlis.kit.http.download import wanted
from majlis.vendors.files import RangeNotSatisfiable, from_settings
from majlis.vendors.images import Kind
from tests.features.media.uploads import folder, raw, stored
from tests.vendors.pictures import noise
from tests.vendors.test_files import s3_port, s3_settings  # noqa: F401  # a fixture is found by its name here
from tests.world import World

PATH = "00000000-0000-4000-8000-000000000000/town.webp"


@cache
def town() -> bytes:
    """A picture that is large enough to be streamed in several pieces."""
    return bytes(noise(1200, 1200).webpsave_buffer(Q=80))


@pytest.fixture(params=["local whole", "local streamed", "s3 whole", "s3 streamed"])
def shown(
    request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch
) -> tuple[World, str, bytes]:
    """A world whose store is a folder or a bucket, the path of a picture in it, and its bytes."""
    store, way = request.param.split()
    if store == "s3":
        world.app.files = from_settings(s3_settings(request.getfixturevalue("s3_port")))
    monkeypatch.setattr(download, "WHOLE", download.WHOLE if way == "whole" else 0)
    assert 300_000 < len(town()) < 1024 * 1024
    for name, data in ((PATH, town()), (service.thumbnail_of(PATH), town()[:1000])):
        world.go(world.app.files.put(name, data, content_type="image/webp"))
    world.sql(
        """INSERT INTO uploads (id, object, kind, photo, attached, public_refs)
        VALUES (gen_random_uuid(), $1, 'generic', '{}', 1, 1) RETURNING 1""",
        PATH,
    )
    return world, f"/media/{PATH}", town()


def test_pictures_are_served_to_anybody_for_ever(shown: tuple[World, str, bytes]) -> None:
    world, path, data = shown
    answer = world.get(path)
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["cache-control"] == "public, max-age=31536000, s-maxage=86400, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].startswith('"')
    assert "content-encoding" not in answer.headers
    thumbnail = world.get(service.thumbnail_of(path))
    assert thumbnail.status_code == 200
    assert thumbnail.content[8:12] == b"WEBP"
    assert thumbnail.headers["etag"] != answer.headers["etag"]
    assert world.get(path, headers={"Authorization": "Bearer nonsense"}).status_code == 200


def test_heads_and_known_pictures_come_without_a_body(shown: tuple[World, str, bytes]) -> None:
    world, path, data = shown
    whole, head = world.get(path), world.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "cache-control", "content-security-policy"):
        assert head.headers.get_list(name) == whole.headers.get_list(name)
    etag = whole.headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        for method in ("GET", "HEAD"):
            answer = world.request(method, path, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == etag
            assert "immutable" in answer.headers["cache-control"]
    assert world.get(path, headers={"If-None-Match": '"x"'}).content == data


def test_parts_are_served(shown: tuple[World, str, bytes]) -> None:
    world, path, data = shown
    size = len(data)
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=10-99999", 10, 100_000),
        (f"bytes={size - 5}-", size - 5, size),
        ("bytes=-7", size - 7, size),
        (f"BYTES=5-{size * 9}", 5, size),
        (f"bytes=-{size * 9}", 0, size),
    ):
        answer = world.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, data[start:end])
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.headers["content-length"] == str(end - start)
        assert "immutable" in answer.headers["cache-control"]
    for asked in (f"bytes={size}-", f"bytes={size}-{size + 1}", "bytes=-0"):
        answer = world.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
        assert answer.json()["error"]["code"] == "range_not_satisfiable"
        assert "cache-control" not in answer.headers
    etag = world.get(path).headers["etag"]
    assert world.get(path, headers={"Range": "bytes=0-0", "If-Range": etag}).status_code == 206
    for other in ('"x"', f"W/{etag}", "Sat, 21 Nov 2026 00:00:00 GMT"):
        answer = world.get(path, headers={"Range": "bytes=0-0", "If-Range": other})
        assert (answer.status_code, answer.content) == (200, data)
    assert world.request("HEAD", path, headers={"Range": "bytes=0-0"}).status_code == 200


def test_signed_addresses_are_served_from_every_store(shown: tuple[World, str, bytes]) -> None:
    world, _, data = shown
    (row,) = world.sql("SELECT media_mark($1) AS mark", PATH)
    url = links.signed(f"{links.SCHEME}{row['mark']}/{PATH}".encode()).decode()
    path = url.removeprefix(world.app.settings.base_url())
    assert path.startswith(f"/media/p/{PATH}?e=")
    whole = world.get(path)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, data, "image/webp")
    assert whole.headers["cache-control"].startswith("private, max-age=")
    part = world.get(path, headers={"Range": "bytes=10-99999", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, data[10:100_000])
    known = world.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.headers["etag"]) == (304, whole.headers["etag"])
    head = world.request("HEAD", path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))
    last = "E" if path[-1] == "A" else "A"
    for changed in (path[:-1] + last, path.partition("?")[0], path.replace("/town", "/gown")):
        assert world.get(changed, headers={"Range": "bytes=0-0"}).status_code == 404


@pytest.mark.parametrize(
    "header, size, part",
    [
        ("", 10, None),
        ("bytes=-", 10, None),
        ("bytes=5-2", 10, None),
        ("bytes=0-1,4-5", 10, None),
        ("bytes=a-b", 10, None),
        ("bytes=²-3", 10, None),
        ("items=0-1", 10, None),
        ("bytes=0-1" + "9" * 5000, 10, None),
        ("bytes = 0-1", 10, None),
        ("bytes=0-9", 10, (0, 10)),
        ("bytes= 3- ", 10, (3, 10)),
        ("bytes=9-", 10, (9, 10)),
        ("bytes=-3", 10, (7, 10)),
    ],
)
def test_ranges_are_read_as_the_rfc_says(header: str, size: int, part: tuple[int, int] | None) -> None:
    assert wanted(header, size) == part


def test_an_empty_file_has_no_range() -> None:
    for header in ("bytes=0-", "bytes=-1"):
        with pytest.raises(RangeNotSatisfiable):
            wanted(header, 0)


def test_nothing_but_public_objects_is_served(world: World) -> None:
    (one,) = stored(world, world.person())
    below, name = one.path.split("/")
    root = folder(world)
    for secret in (root.parent / "secret_key", root / "private.webp", root / below / "notes.txt"):
        secret.write_text("secret")
    outside = root.parent / below
    outside.mkdir()
    (outside / name).write_text("secret")
    (root / "00000000-0000-4000-8000-000000000000").symlink_to(root.parent)
    for path in (
        "",
        below,
        "secret_key",
        "../secret_key",
        f"../{one.path}",
        f"{below}/../../secret_key",
        f"{below}/../../{one.path}",
        f"{below}/..",
        "private.webp",
        f"{below}/notes.txt",
        f"{below}//{name}",
        f"{below}/{name}\x00",
        f"{below}/{name}#1",
        f"{root}/{one.path}",
        "00000000-0000-4000-8000-000000000000/secret_key",
        f"{below}/{'a' * 5000}.webp",
        f"{below}/none.webp",
    ):
        assert raw(world, "GET", f"/media/{path}") == 404, path
    assert raw(world, "GET", f"/media/{one.path}") == 200
    assert world.get(f"/media/{below}/%2e%2e/{below}/{name}").status_code in (
        200,
        404,
    )  # as the client resolves it
    assert world.post(f"/media/{one.path}").status_code == 405


@pytest.mark.settings(rate_limits="on")
def test_pictures_are_not_counted_against_any_limit(world: World) -> None:
    (one,) = stored(world, world.person())
    for _ in range(30):  # the limit of an address is 20 a minute
        answer = world.get(f"/media/{one.path}")
        assert answer.status_code == 200
        assert "x-ratelimit-limit" not in answer.headers


def test_what_was_deleted_is_served_no_more(world: World) -> None:
    amina = world.person()
    (one,) = stored(world, amina, kind=Kind.AVATAR)
    assert world.get(f"/media/{one.path}").status_code == 200
    assert world.delete(f"/api/v1/upload/{one.path}", amina).status_code == 204
    assert world.get(f"/media/{one.path}").status_code == 404
    assert world.get(f"/media/{service.thumbnail_of(one.path)}").status_code == 404


def test_the_address_of_a_photo_is_where_it_is_served(world: World) -> None:
    (one,) = stored(world, world.person())
    base = world.app.settings.base_url()
    for url in (one.photo.url, one.photo.thumbnail_url):
        assert url is not None and url.startswith(base)
        assert world.get(url.removeprefix(base)).status_code == 200
