"""What filters hold waits in the queue, seen by its author alone, and is told of when a moderator lets it appear."""

from typing import Any

import pytest

from tests.features.moderation.cases import REASON, act, comment, queue, refusal, report
from tests.features.posts.writing import POSTS, write
from tests.world import Person, World

WAITS = "This waits for a moderator because of: crypto"


@pytest.fixture
def moderator(world: World) -> Person:
    who = world.person("Moderator", role="moderator")
    body = {"kind": "word", "pattern": "crypto", "action": "hold"}
    assert world.post("/api/v1/moderation/filters", who, body).status_code == 201
    return who


def seen(world: World, who: Person, path: str) -> int:
    return world.get(path, who).status_code


def notified(world: World, who: Person) -> list[str]:
    return [one["type"] for one in world.get("/api/v1/notifications", who).json()["data"]]


def only(cases: list[dict[str, Any]]) -> dict[str, Any]:
    (case,) = cases
    return case


def test_a_held_post_is_its_authors_alone_until_a_moderator_looked(world: World, moderator: Person) -> None:
    author, reader = world.person(), world.person()
    post = write(world, author, "PULL", description="Crypto?", poll_options=["yes", "no"])
    assert (post["moderation"]["state"], post["moderation"]["reason"]) == ("HELD_NEW", WAITS)
    path = f"{POSTS}/{post['id']}"
    assert (seen(world, author, path), seen(world, reader, path)) == (200, 404)
    assert world.get(POSTS, author).json()["data"] == []
    assert world.sql("SELECT posts_count FROM profiles WHERE id = $1", author.id) == [{"posts_count": 0}]
    world.drain()
    case = only(queue(world, moderator))
    assert (case["source"], case["hidden_as"], case["target_id"]) == ("filter", "HELD_NEW", post["id"])
    assert refusal(world, moderator, case["id"], "dismiss") == (409, "held")
    found = act(world, moderator, case["id"], "restore", reason="Fine.")
    assert [one["action"] for one in found["history"]] == ["restore", "hold"]
    assert (found["state"], found["hidden_as"]) == ("DISMISSED", None)
    assert seen(world, reader, path) == 200
    assert "moderation" not in world.get(path, author).json()
    assert world.sql("SELECT posts_count FROM profiles WHERE id = $1", author.id) == [{"posts_count": 1}]


def test_a_held_post_can_be_hidden_for_good(world: World, moderator: Person) -> None:
    author = world.person()
    post = write(world, author, description="crypto")
    world.drain()
    case = only(queue(world, moderator))["id"]
    act(world, moderator, case, "hide")
    own = world.get(f"{POSTS}/{post['id']}", author).json()["moderation"]
    assert (own["state"], own["reason"]) == ("HIDDEN", REASON["reason"])
    assert refusal(world, moderator, case, "hide") == (409, "already_hidden")


def test_a_changed_post_that_is_held_is_gone_meanwhile(world: World, moderator: Person) -> None:
    author, reader = world.person(), world.person()
    post = write(world, author, description="bread")
    path = f"{POSTS}/{post['id']}"
    changed = world.put(path, author, {"description": "crypto"}).json()
    assert (changed["moderation"]["state"], changed["description"]) == ("HELD", "crypto")
    assert seen(world, reader, path) == 404
    world.drain()
    act(world, moderator, only(queue(world, moderator))["id"], "restore")
    assert world.get(path, reader).json()["description"] == "crypto"
    # What a moderator let appear is not held again because something else of it changes.
    again = world.put(path, author, {"title": "News"}).json()
    assert "moderation" not in again
    assert seen(world, reader, path) == 200


def test_nobody_is_told_of_a_held_comment_before_it_is_shown(world: World, moderator: Person) -> None:
    author, writer = world.person(), world.person()
    post = write(world, author)["id"]
    made = world.post(f"{POSTS}/{post}/comments", writer, {"text": "Crypto!"})
    assert (made.status_code, made.json()["moderation"]["state"]) == (201, "HELD_NEW")
    said = made.json()
    assert said["text"] == "Crypto!"
    path = f"/api/v1/comments/{said['id']}"
    world.drain()
    assert (seen(world, writer, path), seen(world, author, path)) == (200, 404)
    assert world.get(f"{POSTS}/{post}/comments", author).json()["data"] == []
    assert world.get(f"{POSTS}/{post}", author).json()["total_comments"] == 0
    assert notified(world, author) == []
    act(world, moderator, only(queue(world, moderator))["id"], "restore")
    world.drain()
    assert notified(world, author) == ["POST_COMMENT"]
    assert world.get(path, author).json()["text"] == "Crypto!"
    assert world.get(f"{POSTS}/{post}", author).json()["total_comments"] == 1
    # Hidden and shown again, it is not told of again.
    report(world, author, "comment", said["id"])
    case = only(queue(world, moderator))["id"]
    act(world, moderator, case, "hide")
    act(world, moderator, case, "restore")
    world.delete(
        "/api/v1/notifications/" + world.get("/api/v1/notifications", author).json()["data"][0]["id"], author
    )
    world.drain()
    assert notified(world, author) == []


def test_a_changed_comment_is_held(world: World, moderator: Person) -> None:
    author, writer = world.person(), world.person()
    said = comment(world, writer, write(world, author)["id"])
    changed = world.put(f"/api/v1/comments/{said}", writer, {"text": "crypto"}).json()
    assert (changed["moderation"]["state"], changed["text"], changed["deleted"]) == ("HELD", "crypto", False)
    assert seen(world, author, f"/api/v1/comments/{said}") == 404


def test_what_moderators_write_does_not_wait(world: World, moderator: Person) -> None:
    assert "moderation" not in write(world, moderator, description="crypto")


def test_a_case_of_what_waits_no_more_is_not_opened(world: World, moderator: Person) -> None:
    author = world.person()
    post = write(world, author, description="crypto")
    assert world.delete(f"{POSTS}/{post['id']}", author).status_code == 204
    world.drain()
    assert queue(world, moderator) == []


def test_what_is_refused_is_refused_even_where_something_else_is_held(
    world: World, moderator: Person
) -> None:
    body = {"kind": "word", "pattern": "scam", "action": "refuse"}
    world.post("/api/v1/moderation/filters", moderator, body)
    answer = world.post(POSTS, world.person(), {"type": "FEED", "description": "crypto scam"})
    assert answer.status_code == 422
    assert "crypto" not in answer.json()["error"]["details"][0]["message"]
