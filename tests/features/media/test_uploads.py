"""Storing pictures over HTTP, and that nothing is left of what is refused."""

import re
import shutil
from pathlib import Path

import pytest
import pyvips

from majlis.features.media import service
from majlis.kit.errors import Malformed, Unavailable
from majlis.kit.http import Upload
from majlis.vendors.files import ObjectStore, local
from majlis.vendors.images import Kind
from tests.features.media.uploads import UPLOAD, both, folder, is_empty, jpeg, names, objects, stored, upload
from tests.vendors.pictures import BLUE, GREEN, RED, near, noise, plain, seen
from tests.world import World

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.mark.rule("hamsaya:68", "hamsaya:73", "hamsaya:75", "hamsaya:76", "hamsaya:77")
def test_a_picture_is_stored_as_webp_beside_its_thumbnail(world: World) -> None:
    amina = world.person("Amina")
    answer = upload(world, amina, jpeg(1600, 800), name="My Dog.JPG")
    assert answer.status_code == 201
    body = answer.json()
    path, photo = body["path"], body["photo"]
    assert re.fullmatch(UUID4 + r"/my-dog\.webp", path)
    thumbnail = path.replace(".webp", "_thumb.webp")
    base = world.app.settings.media_url()
    assert body["url"] == photo["url"] == f"{base}/{path}"
    assert photo["thumbnail_url"] == f"{base}/{thumbnail}"
    assert names(world) == sorted([path, thumbnail])
    data, small = (folder(world) / path).read_bytes(), seen((folder(world) / thumbnail).read_bytes())
    assert photo["size"] == len(data) == (folder(world) / path).stat().st_size
    assert (photo["name"], photo["mime_type"]) == ("my-dog.webp", "image/webp")
    image = seen(data)
    assert image.get("vips-loader").startswith("webp")
    assert (photo["width"], photo["height"]) == (image.width, image.height) == (1200, 600)
    assert (small.get("vips-loader")[:4], small.width, small.height) == ("webp", 320, 160)
    (row,) = world.sql(
        "SELECT user_id, kind, attached, photo, removed_at FROM uploads WHERE object = $1", path
    )
    assert row == {"user_id": amina.id, "kind": "generic", "attached": 0, "photo": photo, "removed_at": None}


@pytest.mark.rule("hamsaya:69", "hamsaya:70", "hamsaya:71", "hamsaya:72", "hamsaya:74")
@pytest.mark.parametrize(
    "kind, width, height",
    [
        ("avatar", 400, 400),
        ("cover", 1600, 900),
        ("post", 1200, 400),
        ("comment", 1200, 400),
        ("business", 1200, 400),
    ],
)
def test_each_kind_has_its_dimensions(world: World, kind: str, width: int, height: int) -> None:
    across = plain(850, 900, RED).join(plain(1000, 900, GREEN), "horizontal")
    source = across.join(plain(850, 900, BLUE), "horizontal").jpegsave_buffer()
    answer = upload(world, world.person(), source, to=f"{UPLOAD}/{kind}")
    assert answer.status_code == 201
    photo = answer.json()["photo"]
    assert (photo["width"], photo["height"]) == (width, height)
    image = seen((folder(world) / answer.json()["path"]).read_bytes())
    assert (image.width, image.height) == (width, height)
    assert near(image, 0.5, 0.5, GREEN)
    assert near(image, 0.01, 0.5, GREEN if kind == "avatar" else RED)
    assert near(image, 0.99, 0.5, GREEN if kind == "avatar" else BLUE)
    assert [row["kind"] for row in world.sql("SELECT kind FROM uploads")] == [kind]


@pytest.mark.rule("hamsaya:72")
def test_small_pictures_stay_small_and_lose_their_metadata(world: World) -> None:
    image = noise(200, 100).copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "Secret Artist (Secret Artist, ASCII)")
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    source = image.jpegsave_buffer()
    assert b"Secret Artist" in source
    answer = upload(world, world.person(), source)
    assert (answer.json()["photo"]["width"], answer.json()["photo"]["height"]) == (100, 200)
    for name in names(world):
        assert b"Secret" not in (folder(world) / name).read_bytes()


@pytest.mark.rule("hamsaya:76")
@pytest.mark.parametrize(
    "given, kept",
    [
        ("../../../etc/passwd.png", "passwd"),
        ("C:\\Users\\me\\Größe 1.JPG", "groe-1"),
        ("عکس‌ها.jpg", "photo"),
        ("фото 7.jpg", "7"),
        ("<script>alert(1)</script>.svg", "script"),
        ("..", "photo"),
        (".webp", "webp"),
        ("-_-.webp", "photo"),
        ("a%2f..%2fb\x00\u202egnp.exe", "a-2f-2fb-gnp"),
        ("summer_thumb.webp", "summer_thumb"),
        ("a" * 500 + ".jpg", "a" * 60),
        ("", "photo"),
    ],
)
def test_of_the_clients_file_name_only_plain_letters_are_kept(given: str, kept: str) -> None:
    assert service.slug(given) == kept
    path = f"00000000-0000-4000-8000-000000000000/{kept}.webp"
    assert service.is_object(path) and service.is_object(service.thumbnail_of(path))


@pytest.mark.rule("hamsaya:76")
def test_the_same_file_twice_is_two_objects(world: World) -> None:
    amina = world.person()
    first, second = upload(world, amina).json()["path"], upload(world, amina).json()["path"]
    assert first != second
    assert names(world) == both(first, second)


REFUSED = {
    "text": (b"just words", 415, "unsupported_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unsupported_image"),
    "empty": (b"", 400, "unreadable_image"),
    "cut short": (jpeg()[:300], 400, "unreadable_image"),
    "only a head": (b"\xff\xd8\xff\xe0" + bytes(500), 400, "unreadable_image"),
    "above 10 MiB": (jpeg() + bytes(10 * 1024 * 1024), 413, "image_too_large"),
    "above 11 MiB": (bytes(11 * 1024 * 1024), 413, "too_large"),
    "too many pixels": (pyvips.Image.black(8001, 5000).pngsave_buffer(), 413, "too_many_pixels"),
}


@pytest.mark.rule("hamsaya:68", "hamsaya:72")
@pytest.mark.parametrize("what", REFUSED)
def test_an_upload_that_is_no_picture_leaves_nothing_behind(world: World, what: str) -> None:
    data, status, code = REFUSED[what]
    answer = upload(world, world.person(), data, to=f"{UPLOAD}/avatar")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert is_empty(world)


def test_forms_without_exactly_one_file_are_refused(world: World) -> None:
    amina = world.person()
    two = [("file", ("a.jpg", jpeg())), ("file", ("b.jpg", jpeg()))]
    for answer, status, code in [
        (world.post(UPLOAD, amina), 400, "no_file"),
        (world.post(UPLOAD, amina, json={"file": "x"}), 415, "unsupported_type"),
        (world.post(UPLOAD, amina, data={"file": "x"}), 415, "unsupported_type"),
        (world.post(UPLOAD, amina, files={"file": (None, "x")}), 400, "no_file"),
        (world.post(UPLOAD, amina, files=two), 400, "bad_form"),
        (
            world.post(UPLOAD, amina, content=b"x", headers={"Content-Type": "multipart/form-data"}),
            400,
            "bad_form",
        ),
        (
            world.post(UPLOAD, amina, content=jpeg(), headers={"Content-Type": "image/jpeg"}),
            415,
            "unsupported_type",
        ),
    ]:
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert is_empty(world)


def test_strangers_store_nothing(world: World) -> None:
    for path in ("", "/avatar", "/cover", "/post", "/comment", "/business"):
        assert upload(world, None, to=UPLOAD + path).status_code == 401
    assert is_empty(world)


class Half(ObjectStore):
    """A folder that takes pictures, but no thumbnails."""

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        if key.endswith("_thumb.webp"):
            raise Unavailable("The store of files does not answer.")
        await super().put(key, data, content_type=content_type)


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "once"}])
def test_storage_that_fails_half_way_leaves_nothing_behind(clone: World, key: dict[str, str]) -> None:
    whole = local(folder(clone))
    clone.app.files = Half(whole._store, whole._folder)
    assert upload(clone, clone.person(), headers=key).status_code == 503
    assert is_empty(clone)


def test_storage_that_is_away_leaves_no_row_behind(world: World) -> None:
    shutil.rmtree(folder(world))
    folder(world).write_text("in the way")
    assert upload(world, world.person()).status_code == 503
    assert objects(world) == []


def test_of_several_pictures_all_are_stored_or_none(world: World, tmp_path: Path) -> None:
    amina = world.person()
    good = Upload("images", "a.jpg", "image/jpeg", jpeg())
    bad = Upload("images", "b.jpg", "image/jpeg", jpeg()[:200])
    with pytest.raises(Malformed):
        world.go(service.store_all(world.app, amina.me, [good, good, bad], Kind.POST))
    assert is_empty(world)
    found = world.go(service.store_all(world.app, amina.me, [good, good], Kind.POST))
    assert names(world) == both(*(one.path for one in found))
    assert world.go(service.store_all(world.app, amina.me, [], Kind.POST)) == []


def test_a_repeated_request_is_not_stored_twice(clone: World) -> None:
    amina = clone.person()
    first = upload(clone, amina, headers={"Idempotency-Key": "once"})
    again = upload(clone, amina, headers={"Idempotency-Key": "once"})
    assert again.json() == first.json()
    assert names(clone) == both(first.json()["path"])
    other = upload(clone, amina, jpeg(32, 32), headers={"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "invalid")
    assert other.json()["error"]["details"][0]["code"] == "key_reused"


@pytest.mark.rule("hamsaya:62", "hamsaya:67")
@pytest.mark.settings(rate_limits="on")
def test_ten_uploads_a_minute_are_the_limit(world: World) -> None:
    amina, bahar = world.person("Amina"), world.person("Bahar")
    paths = ["", "/avatar", "/cover", "/post", "/comment", "/business"]
    for number in range(10):
        if number == 9:  # the pictures of a profile count too
            answer = upload(world, amina, to="/api/v1/users/me/avatar")
        else:
            answer = upload(world, amina, to=UPLOAD + paths[number % len(paths)])
        assert answer.status_code in (200, 201)
        assert answer.headers["X-RateLimit-Limit"] == "10"
        assert answer.headers["X-RateLimit-Remaining"] == str(9 - number)
    before = names(world)
    refused = upload(world, amina)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert (refused.headers["X-RateLimit-Limit"], refused.headers["X-RateLimit-Remaining"]) == ("10", "0")
    assert 0 < int(refused.headers["Retry-After"]) == int(refused.headers["X-RateLimit-Reset"]) <= 60
    assert names(world) == before
    assert upload(world, bahar).status_code == 201
    assert world.get("/api/v1/users/me", amina).status_code == 200


@pytest.mark.settings(media_moved_from="http://127.0.0.1:8080/media/, https://old.example/files")
def test_what_was_uploaded_under_a_former_address_is_shown_under_that_of_today(world: World) -> None:
    amina = world.person("Amina")
    today = world.app.settings.media_url()
    shown = upload(world, amina).json()["photo"]
    assert shown["url"].startswith(f"{today}/")
    for before in ("http://127.0.0.1:8080/media", "https://old.example/files"):
        world.sql(
            "UPDATE uploads SET photo = replace(photo::text, $1, $2)::jsonb", f'"{today}/', f'"{before}/'
        )
        # What the owner was shown, and what stands in the row, name the same upload.
        for url in (shown["url"], shown["url"].replace(today, before)):
            body = {"type": "FEED", "description": f"{before}/said", "attachments": [{**shown, "url": url}]}
            posted = world.post("/api/v1/posts", amina, body)
            assert posted.status_code == 201, posted.text
            (kept,) = world.sql(
                "SELECT attachments::text AS kept FROM posts WHERE id = $1", posted.json()["id"]
            )
            assert f'"{before}/' in kept["kept"]
            found = world.get(f"/api/v1/posts/{posted.json()['id']}", amina)
            photo = found.json()["attachments"][0]["photo"]
            assert (photo["url"], photo["thumbnail_url"]) == (shown["url"], shown["thumbnail_url"])
        elsewhere = world.post(
            "/api/v1/posts", amina, {**body, "attachments": [{**shown, "url": "https://x.example/a"}]}
        )
        assert elsewhere.status_code == 422
        world.sql(
            "UPDATE uploads SET photo = replace(photo::text, $1, $2)::jsonb", f'"{before}/', f'"{today}/'
        )


@pytest.mark.settings(media_base_url="https://cdn.example.org/majlis/")
@pytest.mark.rule("hamsaya:76")
def test_the_public_address_may_be_that_of_a_cdn(world: World) -> None:
    (one,) = stored(world, world.person())
    assert one.url == f"https://cdn.example.org/majlis/{one.path}"
    assert one.photo.thumbnail_url == f"https://cdn.example.org/majlis/{service.thumbnail_of(one.path)}"
