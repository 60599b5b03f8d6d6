"""Posts with pictures: uploaded before, or beside the fields of a form."""

import json

import pytest

from tests.features.media.uploads import attached, is_empty, jpeg, objects, stored
from tests.features.posts.writing import POSTS, body_of, faults, write
from tests.world import World


def pictures(count: int, **sizes: int) -> list[tuple[str, tuple[str, bytes]]]:
    """`images` parts of a form."""
    return [("images", (f"photo{n}.jpg", jpeg(**sizes))) for n in range(count)]


def path_of(url: str) -> str:
    return url.partition("/media/")[2]


@pytest.mark.rule("hamsaya:83", "hamsaya:71")
def test_a_form_with_pictures_and_a_poll_is_one_post(world: World) -> None:
    amina = world.person()
    fields = {"type": "PULL", "description": "Which?", "poll_options": ["One", "Two"]}
    answer = world.post(POSTS, amina, data=fields, files=pictures(2, width=1500, height=1000))
    assert answer.status_code == 201, answer.text
    post = answer.json()
    assert [
        (a["photo"]["width"], a["photo"]["height"], a["photo"]["mime_type"]) for a in post["attachments"]
    ] == [(1200, 800, "image/webp")] * 2
    assert {a["post_id"] for a in post["attachments"]} == {post["id"]}
    assert len(post["poll"]["options"]) == 2
    for attachment in post["attachments"]:
        assert world.get("/media/" + path_of(attachment["photo"]["url"])).status_code == 200
        assert attached(world, path_of(attachment["photo"]["url"])) == 1
    assert world.get(f"{POSTS}/{post['id']}").json()["attachments"] == post["attachments"]


def test_a_form_may_hold_json_values(world: World) -> None:
    fields = {
        "type": "PULL", "poll_options": json.dumps(["One", "Two"]), "is_location": "true",
        "address_location": json.dumps({"lat": 34.5, "lng": 69.2}),
    }  # fmt: skip
    post = world.post(POSTS, world.person(), data=fields, files=pictures(1)).json()
    assert post["address_location"] == {"lat": 34.5, "lng": 69.2}
    assert [option["option"] for option in post["poll"]["options"]] == ["One", "Two"]


@pytest.mark.rule("hamsaya:83")
def test_a_picture_that_fails_leaves_nothing(world: World) -> None:
    amina = world.person()
    files = [*pictures(1), ("images", ("bad.jpg", b"no picture"))]
    assert world.post(POSTS, amina, data={"type": "FEED", "description": "x"}, files=files).status_code == 415
    assert is_empty(world)
    assert world.post(POSTS, amina, data={"type": "SELL"}, files=pictures(2)).status_code == 422
    assert is_empty(world)
    assert world.sql("SELECT count(*) AS n FROM posts") == [{"n": 0}]


def test_a_picture_is_enough_for_a_feed_post(world: World) -> None:
    assert world.post(POSTS, world.person(), data={"type": "FEED"}, files=pictures(1)).status_code == 201


def test_eleven_pictures_are_refused(world: World) -> None:
    assert world.post(POSTS, world.person(), data={"type": "FEED"}, files=pictures(11)).status_code == 400
    assert is_empty(world)


def test_photos_of_earlier_uploads_must_be_ones_own(world: World) -> None:
    amina, bilal = world.person(), world.person()
    (upload,) = stored(world, amina)
    photo = {"url": upload.url, "name": "x", "mime_type": "x/y", "size": 1, "width": 1, "height": 1}
    post = write(world, amina, attachments=[photo])
    assert post["attachments"][0]["photo"]["width"] == 64  # what was stored, not what was sent
    assert faults(world.post(POSTS, bilal, body_of(world, "FEED", attachments=[photo]))) == {
        "attachments[0].url"
    }
    elsewhere = {**photo, "url": "https://elsewhere.example/a.webp"}
    assert faults(world.post(POSTS, amina, body_of(world, "FEED", attachments=[elsewhere]))) == {
        "attachments[0].url"
    }


@pytest.mark.rule("hamsaya:78", "hamsaya:79")
def test_removed_pictures_go_when_nothing_refers_to_them(world: World) -> None:
    amina = world.person()
    uploads = stored(world, amina, 2)
    photos = [
        {"url": u.url, "name": "x", "mime_type": "x/y", "size": 1, "width": 1, "height": 1} for u in uploads
    ]
    post = write(world, amina, attachments=photos[:1])
    path = f"{POSTS}/{post['id']}"
    changed = world.put(
        path, amina, {"add_attachments": photos[1:], "remove_attachment_ids": [post["attachments"][0]["id"]]}
    ).json()
    assert [a["photo"]["url"] for a in changed["attachments"]] == [uploads[1].url]
    world.drain()
    assert objects(world) == [uploads[1].path]
    assert world.delete(f"/api/v1/upload/{uploads[1].path}", amina).status_code == 409
    unknown = "00000000-0000-0000-0000-000000000000"
    assert faults(world.put(path, amina, {"remove_attachment_ids": [unknown]})) == {"remove_attachment_ids"}
    world.delete(path, amina)
    world.drain()
    assert is_empty(world)


def test_the_last_picture_of_a_bare_post_stays(world: World) -> None:
    amina = world.person()
    post = world.post(POSTS, amina, data={"type": "FEED"}, files=pictures(1)).json()
    gone = {"remove_attachment_ids": [post["attachments"][0]["id"]]}
    assert faults(world.put(f"{POSTS}/{post['id']}", amina, gone)) == {"description"}
    assert len(world.get(f"{POSTS}/{post['id']}").json()["attachments"]) == 1


def test_text_in_a_form_stays_text(world: World) -> None:
    for words in ("[1]", '{"a": 1}', "[", "{}"):
        post = world.post(
            POSTS, world.person(), data={"type": "FEED", "description": words}, files=pictures(1)
        )
        assert post.json()["description"] == words
