"""Pictures of comments."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from majlis.vendors.images import Kind
from tests.features.comments.talking import Json, answer, listed, of, remove, say, total_comments, under
from tests.features.media.uploads import attached, folder, is_empty, jpeg, names, objects, stored
from tests.features.posts.writing import POSTS, block, faults, write
from tests.world import Person, World


def send(
    world: World, path: str, who: Person, count: int, data: bytes | None = None, **fields: str
) -> httpx.Response:
    """A form with pictures."""
    files = [("images", (f"photo {n}.jpg", jpeg() if data is None else data)) for n in range(count)]
    return world.post(path, who, files=files, data={"text": "Look", **fields})


def photos(world: World, who: Person, count: int = 1) -> list[Json]:
    """Photos of earlier uploads, as a client sends them on."""
    return [msgspec.to_builtins(one.photo) for one in stored(world, who, count, Kind.COMMENT)]


def pictures(comment: Json) -> list[Json]:
    return [attachment["photo"] for attachment in comment["attachments"]]


def references(world: World) -> list[int]:
    return [attached(world, path) for path in objects(world)]


@pytest.mark.rule("hamsaya:117", "hamsaya:72", "hamsaya:71")
def test_a_form_brings_pictures_along(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    got = send(world, under(post), amina, 1, jpeg(1600, 800), location='{"lat": 34.5, "lng": 69.25}')
    assert got.status_code == 201, got.text
    comment = got.json()
    (photo,) = pictures(comment)
    assert (photo["width"], photo["height"], photo["mime_type"]) == (1200, 600, "image/webp")
    (attachment,) = comment["attachments"]
    assert attachment["comment_id"] == comment["id"]
    assert attachment.keys() == {"id", "comment_id", "photo", "created_at", "updated_at"}
    assert (comment["text"], comment["location"]) == ("Look", {"lat": 34.5, "lng": 69.25})
    (small,) = pictures(send(world, of(comment, "/replies"), amina, 1, jpeg(300, 200)).json())
    assert (small["width"], small["height"]) == (300, 200)
    assert listed(world, under(post))[0]["attachments"] == comment["attachments"]
    assert references(world) == [1, 1]


@pytest.mark.rule("hamsaya:117")
def test_earlier_uploads_are_attached(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    first, second = photos(world, amina, 2)
    comment = say(world, amina, post, attachments=[first])
    reply = answer(world, amina, comment, attachments=[second])
    assert (pictures(comment), pictures(reply)) == ([first], [second])
    assert references(world) == [1, 1]


@pytest.mark.rule("hamsaya:118")
def test_a_comment_has_at_most_four_pictures(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    ready = photos(world, amina, 5)
    assert faults(world.post(under(post), amina, {"text": "a", "attachments": ready})) == {"attachments"}
    encoded = msgspec.json.encode(ready[:2]).decode()
    assert faults(send(world, under(post), amina, 3, attachments=encoded)) == {"images"}
    assert send(world, under(post), amina, 5).status_code == 400
    assert len(objects(world)) == 5, "nothing more was stored"
    comment = send(world, under(post), amina, 2, attachments=encoded).json()
    assert pictures(comment)[:2] == ready[:2]
    assert len(comment["attachments"]) == 4
    assert faults(world.put(of(comment), amina, {"add_attachments": ready[2:3]})) == {"add_attachments"}
    swap = {"add_attachments": ready[2:3], "remove_attachment_ids": [comment["attachments"][0]["id"]]}
    assert len(pictures(world.put(of(comment), amina, swap).json())) == 4


def test_pictures_of_others_are_refused(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    comment = say(world, karim, post)
    theirs = photos(world, amina)
    assert faults(world.post(under(post), karim, {"text": "a", "attachments": theirs})) == {
        "attachments[0].url"
    }
    assert faults(world.put(of(comment), karim, {"add_attachments": theirs})) == {"add_attachments[0].url"}
    assert (total_comments(world, post), references(world)) == (1, [0])


def _bad(world: World, host: Person, who: Person, post: Json, case: str) -> httpx.Response:
    if case == "no picture":
        return send(world, under(post), who, 2, b"%PDF-1.7")
    if case == "no text":
        return send(world, under(post), who, 2, text=" ")
    if case == "no parent":
        return send(world, under(post), who, 2, parent_comment_id=str(uuid4()))
    if case == "no post":
        return send(world, f"{POSTS}/{uuid4()}/comments", who, 2)
    if case == "no comment":
        return send(world, f"/api/v1/comments/{uuid4()}/replies", who, 2)
    block(world, host, who)
    return send(world, under(post), who, 2)


@pytest.mark.parametrize(
    "case, status",
    [
        ("no picture", 415),
        ("no text", 422),
        ("no parent", 422),
        ("no post", 404),
        ("no comment", 404),
        ("blocked", 404),
    ],
)
def test_what_fails_leaves_nothing_behind(world: World, case: str, status: int) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    got = _bad(world, amina, karim, post, case)
    assert got.status_code == status, got.text
    assert is_empty(world) if folder(world).exists() else objects(world) == []
    assert total_comments(world, post) == 0


def test_no_picture_is_processed_for_what_cannot_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused anyway must not cost the work of decoding."""
    asked: list[Any] = []
    process = world.app.images.process

    async def note(data: bytes, kind: Kind) -> Any:
        asked.append(kind)
        return await process(data, kind)

    monkeypatch.setattr(world.app.images, "process", note)
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    for case in ("no text", "no post", "no comment", "blocked"):
        _bad(world, amina, karim, post, case)
    assert asked == []
    send(world, under(post), amina, 2)
    assert asked == [Kind.COMMENT] * 2


def test_pictures_are_added_and_taken_away(world: World) -> None:
    amina, karim = world.person(), world.person()
    one, two, three = photos(world, amina, 3)
    comment = say(world, amina, write(world, amina), attachments=[one, two])
    gone = comment["attachments"][0]["id"]
    for foreign in (str(uuid4()), say(world, karim, {"id": comment["post_id"]})["id"]):
        got = world.put(of(comment), amina, {"remove_attachment_ids": [gone, foreign]})
        assert faults(got) == {"remove_attachment_ids"}
    changed = world.put(
        of(comment), amina, {"add_attachments": [three], "remove_attachment_ids": [gone]}
    ).json()
    assert pictures(changed) == [two, three]
    assert changed["attachments"][0] == comment["attachments"][1]
    assert changed["text"] == comment["text"]
    world.drain()
    left = sorted(photo["url"].rpartition("/media/")[2] for photo in (two, three))
    assert objects(world) == left
    assert len(names(world)) == 4, "two pictures with their thumbnails"


@pytest.mark.parametrize("who", ["author", "host"])
def test_pictures_go_with_their_comment(world: World, who: str) -> None:
    host, karim = world.person(), world.person()
    post = write(world, host)
    comment = say(world, karim, post, attachments=photos(world, karim, 2))
    reply = answer(world, host, comment)
    remove(world, karim if who == "author" else host, comment)
    assert listed(world, under(post))[0]["attachments"] == []
    world.drain()
    assert (objects(world), names(world)) == ([], [])
    remove(world, host, reply)


def test_pictures_go_with_their_post(world: World) -> None:
    host, karim = world.person(), world.person()
    post, other = write(world, host), write(world, host)
    kept = say(world, karim, other, attachments=photos(world, karim))
    top = say(world, karim, post, attachments=photos(world, karim, 2))
    answer(world, host, top, attachments=photos(world, host))
    world.delete(f"{POSTS}/{post['id']}", host)
    world.drain()
    assert references(world) == [1]
    assert pictures(world.get(of(kept)).json()) == pictures(kept)


def test_a_picture_shared_by_two_comments_stays_for_the_other(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    shared = photos(world, amina)
    first, second = (say(world, amina, post, attachments=shared) for _ in range(2))
    remove(world, amina, first)
    world.drain()
    assert references(world) == [1]
    assert pictures(world.get(of(second)).json()) == shared
