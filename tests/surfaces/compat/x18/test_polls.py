"""Polls at the x18 door."""

from datetime import timedelta
from typing import Any

import pytest

from majlis.kit import clock
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import ask, refused
from tests.surfaces.compat.x18.posting import Writer, do, listed, post, writer
from tests.world import World


def question(world: World, who: Writer, *options: str, **fields: Any) -> Any:
    return post(world, who, "Up or down? #bitcoin", poll={"options": options or ("Up", "Down"), **fields})


def vote(world: World, who: Writer, post_id: str, option_id: str) -> Any:
    answer = ask(world, "POST", f"/api/posts/{post_id}/vote", who, json={"option_id": option_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.rule("x18:R44")
def test_a_poll_is_asked_answered_and_counted(world: World) -> None:
    """Polls are one of the extensions of the rule; groups and stories are no part of what is served of it."""
    amina, bilal, dara = writer(world), writer(world), writer(world)
    made = question(world, amina, "Up", " Down ", "Neither")
    poll = made["poll"]
    assert set(poll) == {"options", "votes_count", "my_option_id", "closes_at", "is_closed"}
    assert [one["text"] for one in poll["options"]] == ["Up", "Down", "Neither"]
    assert all(set(one) == {"id", "text", "votes_count", "percent"} for one in poll["options"])
    assert (poll["votes_count"], poll["my_option_id"], poll["closes_at"]) == (0, None, None)
    up, down, _ = [one["id"] for one in poll["options"]]
    vote(world, bilal, made["id"], up)
    vote(world, dara, made["id"], up)
    now = vote(world, dara, made["id"], down)
    assert (now["votes_count"], now["my_option_id"]) == (2, down)
    assert [(one["votes_count"], one["percent"]) for one in now["options"]] == [
        (1, 50.0),
        (1, 50.0),
        (0, 0.0),
    ]
    seen = ask(world, "GET", f"/api/posts/{made['id']}", bilal).json()["poll"]
    assert (seen["my_option_id"], seen["votes_count"]) == (up, 2)
    assert ask(world, "GET", f"/api/posts/{made['id']}").json()["poll"]["my_option_id"] is None
    for _ in range(2):
        back = ask(world, "DELETE", f"/api/posts/{made['id']}/vote", dara).json()
        assert (back["votes_count"], back["my_option_id"]) == (1, None)


def test_it_is_the_poll_of_the_other_doors(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    made = question(world, amina)
    native = world.get(f"/api/v1/posts/{made['id']}", bilal.person).json()
    assert native["type"] == "PULL"
    assert [one["option"] for one in native["poll"]["options"]] == ["Up", "Down"]
    body = {"poll_option_id": native["poll"]["options"][0]["id"]}
    assert world.post(f"/api/v1/polls/{native['poll']['id']}/vote", bilal.person, body).status_code == 200
    assert ask(world, "GET", f"/api/posts/{made['id']}", bilal).json()["poll"]["votes_count"] == 1


@pytest.mark.rule("x18:R44")
def test_polls_stand_in_timelines_as_other_posts_do(world: World) -> None:
    """With labels, likes and retweets. Groups and stories are no part of it."""
    amina, bilal = writer(world), writer(world)
    made = post(world, amina, "Up? #coin", metadata={"symbol": "BTC"}, poll={"options": ["Yes", "No"]})
    do(world, bilal, "like", made["id"])
    do(world, bilal, "retweet", made["id"])
    for path in (
        "/api/timeline/home",
        "/api/timeline/explore",
        "/api/timeline/explore?symbol=BTC&tag=coin",
        "/api/timeline/trending",
        "/api/search/hashtag/coin",
        "/api/search/posts?q=up",
        f"/api/users/{amina.id}/posts",
        f"/api/timeline/user/{bilal.id}",
    ):
        assert listed(world, path, bilal) == [made["id"]], path
    assert world.sql("SELECT heat FROM post_heats") != []
    world.drain()
    assert made["hashtags"] == ["coin"]


def test_a_closed_poll_takes_no_votes(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    made = question(world, amina, closes_at=(clock.now() + timedelta(hours=1)).isoformat())
    assert made["poll"]["is_closed"] is False and made["poll"]["closes_at"] is not None
    option = made["poll"]["options"][0]["id"]
    vote(world, bilal, made["id"], option)
    world.sql("UPDATE posts SET expired_at = now() - interval '1 second' RETURNING 1")
    for method, body in (("POST", {"option_id": option}), ("DELETE", None)):
        refused(ask(world, method, f"/api/posts/{made['id']}/vote", bilal, json=body), 409, "poll_closed")
    assert ask(world, "GET", f"/api/posts/{made['id']}", bilal).json()["poll"]["is_closed"] is True


@pytest.mark.parametrize(
    "body, field",
    [
        ({"content": "", "poll": {"options": ["a", "b"]}}, "content"),
        ({"poll": {"options": ["a"]}}, "poll.options"),
        ({"poll": {"options": [str(n) for n in range(11)]}}, "poll.options"),
        ({"poll": {"options": ["a", "A"]}}, "poll.options"),
        ({"poll": {"options": ["a", " "]}}, "poll.options[1]"),
        ({"poll": {"options": ["a", "x" * 201]}}, "poll.options[1]"),
        ({"poll": {"options": ["a", "b"], "closes_at": "2020-01-01T00:00:00Z"}}, "poll.closes_at"),
        ({"poll": {"options": ["a", "b"]}, "price": None}, "poll"),
        ({"poll": "a"}, "poll"),
    ],
)
def test_a_wrong_field_is_named(world: World, body: dict[str, Any], field: str) -> None:
    amina = writer(world)
    answer = ask(world, "POST", "/api/posts", amina, json={"content": "x", **body})
    refused(answer, 400, "validation_failed", field)
    assert world.sql("SELECT 1 FROM posts") == []


def test_what_is_no_poll_takes_no_votes(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    plain, poll = post(world, amina), question(world, amina)
    assert "poll" not in plain
    option = poll["poll"]["options"][0]["id"]
    path = f"/api/posts/{plain['id']}/vote"
    refused(ask(world, "POST", path, bilal, json={"option_id": option}), 404, "post_not_found")
    other = question(world, amina, "a", "b")
    path = f"/api/posts/{other['id']}/vote"
    answer = ask(world, "POST", path, bilal, json={"option_id": option})
    refused(answer, 400, "validation_failed", "option_id")


def test_a_page_of_polls_takes_the_same_queries(world: World) -> None:
    amina = writer(world)
    numbers = []
    for many in (1, 4):
        for _ in range(many):
            question(world, amina)
        with counted(world) as seen:
            listed(world, "/api/timeline/explore", amina)
        numbers.append(len(seen))
    assert numbers[0] == numbers[1]
