"""Pictures and videos at the x18 door."""

import io
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import av
import pytest

from majlis.features.library import service as library
from majlis.features.media import service as media
from majlis.kit import ids
from majlis.kit.errors import Invalid
from majlis.kit.me import Me
from majlis.vendors import videos
from tests.features.media.uploads import jpeg
from tests.surfaces.compat.x18.people import Caller, ask, entered, refused
from tests.vendors.pictures import RED, plain
from tests.world import World

SHAPE = {"id", "user_id", "url", "type", "mime_type", "size", "alt_text", "created_at"}


@cache
def video(container: str, codec: str) -> bytes:
    """A second of grey, 64 by 48."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as made:
        stream: Any = made.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([80 + number]) * plane.buffer_size)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return out.getvalue()


PICTURES: dict[str, Callable[[], bytes]] = {
    "jpg": jpeg,
    "png": lambda: bytes(plain(64, 48, RED).pngsave_buffer()),
    "gif": lambda: bytes(plain(64, 48, RED).gifsave_buffer()),
    "webp": lambda: bytes(plain(64, 48, RED).webpsave_buffer()),
}
VIDEOS: dict[str, Callable[[], bytes]] = {
    "mp4": lambda: video("mp4", "mpeg4"),
    "webm": lambda: video("webm", "libvpx"),
}


def upload(world: World, who: Caller | None, data: bytes, name: str = "a.bin", **fields: str) -> Any:
    return ask(
        world,
        "POST",
        "/api/media/upload",
        who,
        files={"file": (name, data, "application/x-anything")},
        data=fields,
    )


def kept(world: World, who: Caller, data: bytes | None = None, **fields: str) -> Any:
    answer = upload(world, who, jpeg() if data is None else data, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def amina(world: World) -> Caller:
    return entered(world, world.person("Amina"))


@pytest.mark.rule("x18:R21", "x18:R22", "x18:D13")
@pytest.mark.parametrize("form", PICTURES)
def test_pictures_are_told_by_their_bytes(world: World, amina: Caller, form: str) -> None:
    found = kept(world, amina, PICTURES[form](), alt_text="a carpet")
    assert set(found) == SHAPE
    assert (found["type"], found["mime_type"], found["alt_text"]) == ("image", "image/webp", "a carpet")
    assert (found["url"], found["user_id"]) == (f"/x18/storage/media/{found['id']}.webp", amina.id)
    served = world.get(found["url"])
    assert served.status_code == 200 and len(served.content) == found["size"]
    assert served.headers["Content-Type"] == "image/webp"
    assert served.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.rule("x18:R21", "x18:R22", "x18:D13")
@pytest.mark.parametrize("form", VIDEOS)
def test_videos_are_kept_as_they_are(world: World, amina: Caller, form: str) -> None:
    data = VIDEOS[form]()
    found = kept(world, amina, data, name="a.jpg")
    assert (found["type"], found["mime_type"], found["size"]) == ("video", f"video/{form}", len(data))
    assert found["url"] == f"/x18/storage/media/{found['id']}.{form}"
    served = world.get(found["url"])
    assert (served.content, served.headers["Content-Type"]) == (data, f"video/{form}")
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    part = world.get(found["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(data)}"


def photo_of(world: World, item: str) -> Any:
    return world.sql("SELECT photo FROM library_items WHERE id = $1", item)[0]["photo"]


@pytest.mark.parametrize("form", VIDEOS)
def test_a_video_has_a_poster_size_and_duration(world: World, amina: Caller, form: str) -> None:
    photo = photo_of(world, kept(world, amina, VIDEOS[form]())["id"])
    assert (photo["width"], photo["height"], photo["duration"]) == (64, 48, 1.0)
    path = media.thumbnail_of(media.object_of(photo["url"]) or "")
    poster = world.go(world.app.files.get(path))
    assert poster[:4] == b"RIFF" and poster[8:12] == b"WEBP"
    assert world.get(f"/media/{path}").headers["Content-Type"] == "image/webp"


def test_without_the_library_a_video_is_taken_without_them(
    world: World, amina: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos, "find_spec", lambda name: None)
    photo = photo_of(world, kept(world, amina, VIDEOS["mp4"]())["id"])
    assert (photo["width"], photo["height"], photo["thumbnail_url"]) == (0, 0, None)
    assert photo["duration"] is None


def test_a_broken_video_is_taken_without_them(world: World, amina: Caller) -> None:
    photo = photo_of(world, kept(world, amina, VIDEOS["mp4"]()[:200])["id"])
    assert (photo["width"], photo["thumbnail_url"]) == (0, None)


@pytest.mark.rule("x18:R21", "x18:D13")
@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><script>1</script>",
        b"\x00\x00\x00\x18ftypheic" + bytes(100),
        b"\x00\x00\x00\x18ftypM4A " + bytes(100),
        b"\x1a\x45\xdf\xa3" + b"\x42\x82\x88matroska" + bytes(100),
        b"\xff\xd8\xff" + bytes(100),
    ],
)
def test_other_files_are_refused_whatever_they_are_called(world: World, amina: Caller, data: bytes) -> None:
    refused(upload(world, amina, data, name="a.png"), 415, "unsupported_media_type")
    assert world.sql("SELECT 1 FROM library_items") == [] == world.sql("SELECT 1 FROM uploads")


@pytest.mark.rule("x18:R21")
def test_files_have_at_most_10_mebibytes(world: World, amina: Caller) -> None:
    limit = 10 * 1024 * 1024
    clip = VIDEOS["mp4"]()
    assert upload(world, amina, clip + bytes(limit - len(clip))).status_code == 201
    for data in (clip + bytes(limit - len(clip) + 1), jpeg() + bytes(limit), clip + bytes(2 * limit)):
        refused(upload(world, amina, data), 413, "file_too_large")


@pytest.mark.rule("x18:R22")
def test_a_form_without_a_file_is_refused(world: World, amina: Caller) -> None:
    refused(
        ask(world, "POST", "/api/media/upload", amina, data={"alt_text": "x"}), 415, "unsupported_media_type"
    )
    refused(
        ask(world, "POST", "/api/media/upload", amina, files={"other": (None, "x")}), 400, "file_required"
    )
    refused(upload(world, amina, b""), 400, "file_required")
    refused(upload(world, amina, jpeg(), alt_text="x" * 1001), 400, "validation_failed", "alt_text")


@pytest.mark.rule("x18:R23")
def test_uploading_and_deleting_need_a_token_and_looking_does_not(world: World, amina: Caller) -> None:
    refused(upload(world, None, jpeg()), 401, "unauthorized")
    one = kept(world, amina)
    refused(ask(world, "DELETE", f"/api/media/{one['id']}"), 401, "unauthorized")
    assert ask(world, "GET", f"/api/media/{one['id']}").json() == one
    listed = ask(world, "GET", f"/api/media/user/{amina.id}").json()
    assert listed == {"media": [one], "limit": 20, "offset": 0, "has_more": False}


@pytest.mark.rule("x18:R30")
def test_media_of_a_person_are_listed_latest_first(world: World, amina: Caller) -> None:
    made = [kept(world, amina)["id"] for _ in range(3)]
    path = f"/api/media/user/{amina.id}"
    first = ask(world, "GET", path + "?limit=2").json()
    assert ([one["id"] for one in first["media"]], first["has_more"]) == ([made[2], made[1]], True)
    rest = ask(world, "GET", path + "?limit=2&offset=2").json()
    assert ([one["id"] for one in rest["media"]], rest["has_more"]) == ([made[0]], False)
    nobody = "00000000-0000-7000-8000-000000000000"
    refused(ask(world, "GET", f"/api/media/user/{nobody}"), 404, "user_not_found")
    refused(ask(world, "GET", f"/api/media/{nobody}"), 404, "media_not_found")


@pytest.mark.rule("x18:D13")
def test_only_its_owner_deletes_a_file_that_nothing_shows(world: World, amina: Caller) -> None:
    karim = entered(world, world.person("Karim"))
    one = kept(world, amina)
    path = f"/api/media/{one['id']}"
    refused(ask(world, "DELETE", path, karim), 403, "not_owner")
    photo = photo_of(world, one["id"])
    post = {"type": "FEED", "description": "a carpet", "attachments": [photo]}
    native = world.post(
        "/api/v1/auth/login",
        json={
            "email": world.sql("SELECT email FROM users WHERE id = $1", amina.id)[0]["email"],
            "password": "Kabul-2026!",
        },
    )
    auth = {"Authorization": f"Bearer {native.json()['access_token']}"}
    made = world.post("/api/v1/posts", json=post, headers=auth)
    assert made.status_code == 201, made.text
    refused(ask(world, "DELETE", path, amina), 409, "media_in_use")
    assert world.delete(f"/api/v1/posts/{made.json()['id']}", headers=auth).status_code == 204
    world.drain()
    assert ask(world, "DELETE", path, amina).status_code == 204
    refused(ask(world, "GET", path), 404, "media_not_found")
    refused(ask(world, "DELETE", path, amina), 404, "media_not_found")
    world.drain()
    assert world.get(one["url"]).status_code == 404
    assert world.sql("SELECT 1 FROM uploads") == []


def test_what_is_kept_is_not_swept_away(world: World, amina: Caller) -> None:
    one = kept(world, amina)
    world.sql("UPDATE uploads SET created_at = created_at - interval '30 days' RETURNING 1")
    assert world.go(media.sweep(world.app, Me.system)) == 0
    assert world.get(one["url"]).status_code == 200


@pytest.mark.parametrize(
    "name", ["x", "x.webp", "{id}", "{id}.png", "{id}.webp.webp", "../secret.webp", "{id}.WEBP"]
)
def test_other_names_are_no_files(world: World, amina: Caller, name: str) -> None:
    one = kept(world, amina)
    path = f"/storage/media/{name.format(id=one['id'])}"
    assert ask(world, "GET", path).status_code == 404


def test_private_accounts_show_their_media_to_followers_only(world: World) -> None:
    native = world.person("Amina")
    amina, karim = entered(world, native), entered(world, world.person("Karim"))
    one = kept(world, amina)
    ask(world, "POST", f"/api/users/{amina.id}/follow", karim)
    world.put("/api/v1/settings/privacy", native, {"is_private": True})
    for viewer, status, count in ((None, 404, 0), (karim, 200, 1), (amina, 200, 1)):
        assert ask(world, "GET", f"/api/media/{one['id']}", viewer).status_code == status
        assert len(ask(world, "GET", f"/api/media/user/{amina.id}", viewer).json()["media"]) == count
    refused(
        ask(world, "DELETE", f"/api/media/{one['id']}", entered(world, world.person())),
        404,
        "media_not_found",
    )


def test_items_are_found_for_posts_by_id_and_by_address(world: World, amina: Caller) -> None:
    karim = world.person("Karim")
    one, other = kept(world, amina), kept(world, amina, VIDEOS["mp4"]())
    me = Me(id=UUID(amina.id))

    async def run() -> None:
        wanted = [UUID(other["id"]), UUID(one["id"])]
        async with world.app.db.tx() as tx:
            items = await library.mine(tx, me, wanted, "media_ids")
            assert [item.kind for item in items] == ["video", "image"]
            urls = [item.photo.url for item in items]
            assert {url: item.id for url, item in (await library.by_url(tx, me, urls)).items()} == dict(
                zip(urls, wanted, strict=True)
            )
            with pytest.raises(Invalid) as refusal:
                await library.mine(tx, karim.me, wanted, "media_ids")
            assert [fault.field for fault in refusal.value.fields] == ["media_ids[0]", "media_ids[1]"]

    world.go(run())


def test_an_upload_that_cannot_be_kept_leaves_nothing(world: World, amina: Caller) -> None:
    world.sql("UPDATE users SET suspended_at = now() WHERE id = $1 RETURNING 1", amina.id)

    async def run() -> None:
        ghost = Me(id=ids.new())
        with pytest.raises(Exception, match=r"foreign key|violates"):
            await library.add(world.app, ghost, io.BytesIO(jpeg()), "a.jpg", None)

    world.go(run())
    assert world.sql("SELECT 1 FROM library_items") == []
