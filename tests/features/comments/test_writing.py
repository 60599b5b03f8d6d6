"""Writing, changing and deleting comments."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.comments import service
from majlis.features.comments.facts import CommentDeleted, CommentPublished
from majlis.features.comments.model import Comment
from majlis.kit import clock
from majlis.kit.errors import NotFound
from majlis.kit.facts import Job, registry
from majlis.kit.me import Me
from tests.features.comments.talking import COMMENTS, answer, listed, of, remove, row, say, under
from tests.features.posts.writing import POSTS, block, faults, write
from tests.world import World

LONGEST = 2000


@pytest.mark.rule("hamsaya:117")
def test_a_comment_has_a_text_and_perhaps_a_place(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    post = write(world, amina)
    place = {"lat": 34.5, "lng": 69.2}
    got = world.post(under(post), karim, {"text": "نان تازه", "location": place})
    assert got.status_code == 201
    body = got.json()
    assert {key: body[key] for key in ("text", "location", "post_id", "user_id", "parent_comment_id")} == {
        "text": "نان تازه",
        "location": place,
        "post_id": post["id"],
        "user_id": str(karim.id),
        "parent_comment_id": None,
    }
    assert (body["author"]["first_name"], body["is_mine"], body["liked_by_me"], body["deleted"]) == (
        "Karim",
        True,
        False,
        False,
    )
    assert (body["attachments"], body["total_likes"], body["total_replies"]) == ([], 0, 0)
    assert "replies" not in body
    assert world.get(of(body), karim).json() == body
    assert world.get(of(body)).json() == {**body, "is_mine": False}


@pytest.mark.rule("hamsaya:117", "hamsaya:118")
@pytest.mark.parametrize("door", ["comment", "reply", "update"])
@pytest.mark.parametrize("text", ["", " \n\t ", None, 7, "x" * (LONGEST + 1), "a\x00b"])
def test_a_comment_says_something(world: World, door: str, text: Any) -> None:
    amina = world.person()
    post = write(world, amina)
    comment = say(world, amina, post)
    if door == "update":
        got = world.put(of(comment), amina, {"text": text})
    else:
        got = world.post(under(post) if door == "comment" else of(comment, "/replies"), amina, {"text": text})
    assert faults(got) == {"text"}
    assert [one["text"] for one in listed(world, under(post))] == [comment["text"]]


@pytest.mark.rule("hamsaya:118")
def test_the_longest_text_is_taken_and_a_missing_one_is_not(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    assert say(world, amina, post, "ن" * LONGEST)["text"] == "ن" * LONGEST
    assert faults(world.post(under(post), amina, {})) == {"text"}
    assert faults(world.post(of(say(world, amina, post), "/replies"), amina, {})) == {"text"}


def test_every_wrong_field_is_named(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    body = {
        "text": 1,
        "parent_comment_id": "x",
        "location": {"lat": 91, "lng": 0},
        "attachments": [{"url": 1}],
    }
    named = faults(world.post(under(post), amina, body))
    assert {"text", "parent_comment_id", "location"} <= named
    assert any(name.startswith("attachments[0]") for name in named)
    assert (
        world.post(under(post), amina, content=b"{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )
    assert (
        world.post(under(post), amina, content=b"text=a", headers={"Content-Type": "text/plain"}).status_code
        == 415
    )


@pytest.mark.parametrize(
    "field",
    ["id", "post_id", "user_id", "total_likes", "total_replies", "deleted_at", "created_at", "is_mine"],
)
def test_what_the_server_owns_is_refused(world: World, field: str) -> None:
    amina = world.person()
    post = write(world, amina)
    comment = say(world, amina, post)
    for method, path in (("POST", under(post)), ("POST", of(comment, "/replies")), ("PUT", of(comment))):
        assert faults(world.request(method, path, amina, json={"text": "a", field: "b"})) == {field}


def test_a_comment_never_moves(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    comment, other = say(world, amina, post), say(world, amina, post)
    assert faults(world.put(of(comment), amina, {"parent_comment_id": other["id"]})) == {"parent_comment_id"}
    assert faults(world.put(of(comment), amina, {"attachments": []})) == {"attachments"}
    reply = {"text": "a", "parent_comment_id": other["id"]}
    assert faults(world.post(of(comment, "/replies"), amina, reply)) == {"parent_comment_id"}


@pytest.mark.rule("hamsaya:118")
def test_a_parent_stands_on_the_same_post(world: World) -> None:
    amina = world.person()
    post, elsewhere = write(world, amina), write(world, amina)
    stranger, gone = say(world, amina, elsewhere), say(world, amina, post)
    remove(world, amina, gone)
    for parent in (stranger["id"], gone["id"], str(uuid4())):
        got = world.post(under(post), amina, {"text": "a", "parent_comment_id": parent})
        assert faults(got) == {"parent_comment_id"}
    assert listed(world, under(post)) == []


@pytest.mark.rule("hamsaya:117", "hamsaya:118")
def test_both_doors_make_the_same_reply(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    one = say(world, karim, post, "One", parent_comment_id=top["id"])
    other = answer(world, karim, top, "Other")
    assert one["parent_comment_id"] == other["parent_comment_id"] == top["id"]
    assert one.keys() == other.keys()
    assert [reply["text"] for reply in listed(world, of(top, "/replies"))] == ["One", "Other"]


def test_what_a_comment_is_on_must_be_there(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    nothing = uuid4()
    for path in (f"{POSTS}/{nothing}/comments", f"{COMMENTS}/{nothing}/replies", f"{COMMENTS}/no-id/replies"):
        assert world.post(path, amina, {"text": "a"}).status_code == 404
        assert world.get(path).status_code == 404
    for verb in ("", "/like"):
        assert world.delete(f"{COMMENTS}/{nothing}{verb}", amina).status_code == 404
    assert world.get(f"{COMMENTS}/{nothing}").status_code == 404
    assert world.put(f"{COMMENTS}/{nothing}", amina, {"text": "a"}).status_code == 404
    assert listed(world, under(post)) == []


def test_strangers_read_and_do_no_more(world: World) -> None:
    post = write(world, world.person())
    comment = say(world, world.person(), post)
    assert world.get(under(post)).status_code == 200
    assert world.get(of(comment)).status_code == 200
    assert world.get(of(comment, "/replies")).status_code == 200
    for method, path in [
        ("POST", under(post)),
        ("PUT", of(comment)),
        ("DELETE", of(comment)),
        ("POST", of(comment, "/like")),
        ("DELETE", of(comment, "/like")),
        ("POST", of(comment, "/replies")),
    ]:
        assert world.request(method, path, json={"text": "a"}).status_code == 401


@pytest.mark.rule("hamsaya:117", "hamsaya:118")
def test_its_author_changes_a_comment(world: World) -> None:
    amina = world.person()
    place = {"lat": 34.34, "lng": 62.2}
    comment = say(world, amina, write(world, amina), location=place)
    with clock.shifted(timedelta(minutes=5)):
        changed = world.put(of(comment), amina, {"text": "Cold by now"}).json()
    assert changed == {**comment, "text": "Cold by now", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > comment["updated_at"]
    cleared = world.put(of(comment), amina, {"location": None}).json()
    assert (cleared["text"], cleared["location"]) == ("Cold by now", None)
    assert world.get(of(comment), amina).json() == cleared


def test_nobody_else_changes_a_comment(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    post = write(world, amina)
    comment = say(world, karim, post)
    for who in (amina, third):
        got = world.put(of(comment), who, {"text": "Nonsense"})
        assert (got.status_code, got.json()["error"]["code"]) == (403, "not_author")
    assert row(world, comment)["text"] == comment["text"]


@pytest.mark.rule("hamsaya:120")
def test_who_wrote_the_comment_or_the_post_deletes_it(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    post = write(world, amina)
    one, other = say(world, karim, post), say(world, karim, post)
    assert world.delete(of(one), third).status_code == 403
    remove(world, karim, one)
    remove(world, amina, other)
    for comment in (one, other):
        assert row(world, comment)["deleted_at"] is not None, "a soft delete"
        assert row(world, comment)["text"], "a soft delete"
        for method, verb in [
            ("GET", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("POST", "/like"),
            ("POST", "/replies"),
        ]:
            assert world.request(method, of(comment, verb), karim, json={"text": "a"}).status_code == 404
    assert listed(world, under(post), karim) == []


@pytest.mark.rule("hamsaya:120")
def test_a_hard_delete_takes_everything_along(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    top = say(world, amina, post)
    low = answer(world, amina, answer(world, amina, top))
    world.post(of(low, "/like"), amina)
    stays = say(world, amina, post)
    world.sql("DELETE FROM post_comments WHERE id::text = $1 RETURNING 1", top["id"])
    assert world.sql("SELECT id::text FROM post_comments") == [{"id": stays["id"]}]
    assert world.sql("SELECT 1 FROM post_comment_likes") == []


def test_others_write_only_what_they_may_answer(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    comment = say(world, amina, post)
    block(world, amina, karim)
    assert world.post(under(post), karim, {"text": "a"}).status_code == 404
    assert world.post(of(comment, "/replies"), karim, {"text": "a"}).status_code == 404
    hidden = write(world, amina, visibility="PRIVATE")
    assert world.post(under(hidden), world.person(), {"text": "a"}).status_code == 404
    assert say(world, amina, hidden)["text"]


def test_a_repeated_request_is_one_comment(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    key = {"Idempotency-Key": "once"}
    first, again = (world.post(under(post), amina, {"text": "Once"}, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(listed(world, under(post))) == 1


def test_what_happens_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    async def note(tx: Any, fact: Any) -> None:
        told.append(fact)

    for fact in (CommentPublished, CommentDeleted):
        name = f"tests.note:{fact.__name__}"
        monkeypatch.setitem(registry.by_fact, fact, [name])
        monkeypatch.setitem(registry.jobs, name, Job(name, note, fact))
    amina, karim = world.person(), world.person()
    comment = say(world, amina, write(world, amina))
    reply = answer(world, karim, comment)
    remove(world, karim, reply)
    world.drain()
    assert [type(fact) for fact in told] == [CommentPublished, CommentPublished, CommentDeleted]
    assert [str(fact.comment_id) for fact in told] == [comment["id"], reply["id"], reply["id"]]
    assert [str(fact.user_id) for fact in told[:2]] == [str(amina.id), str(karim.id)]
    assert [told[0].parent_comment_id, str(told[1].parent_comment_id)] == [None, comment["id"]]
    assert {str(fact.post_id) for fact in told} == {comment["post_id"]}


def test_other_features_ask_for_one_comment(world: World) -> None:
    amina, karim = world.person(), world.person()
    comment = say(world, amina, write(world, amina))

    async def found(who: Me) -> Comment:
        async with world.app.db.read() as tx:
            return await service.get(tx, who, UUID(comment["id"]))

    assert world.go(found(karim.me)).text == comment["text"]
    block(world, amina, karim)
    with pytest.raises(NotFound):
        world.go(found(karim.me))
