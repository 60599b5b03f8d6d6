"""What people are told at the x18 door."""

from typing import Any

import pytest

from tests.features.queries import counted
from tests.surfaces.compat.x18.people import Caller, ask, entered, refused
from tests.world import World

ALL = "/api/notifications"
SHAPE = {"id", "type", "actor", "post_id", "is_read", "created_at"}


def follow(world: World, who: Caller, whom: Caller) -> None:
    assert ask(world, "POST", f"/api/users/{whom.id}/follow", who).status_code == 200


def native(world: World, who: Caller) -> Any:
    """The person behind a caller, with tokens of the native door."""
    return next(person for person in world.known if str(person.id) == who.id)  # type: ignore[attr-defined]


@pytest.fixture
def people(world: World) -> list[Caller]:
    """Amina, Karim and Laila, signed in here; their native accounts are kept beside."""
    world.known = [world.person(name) for name in ("Amina", "Karim", "Laila")]  # type: ignore[attr-defined]
    return [entered(world, person) for person in world.known]  # type: ignore[attr-defined]


def listed(world: World, who: Caller, query: str = "") -> Any:
    world.drain()
    answer = ask(world, "GET", ALL + query, who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post_of(world: World, who: Caller) -> str:
    body = {"type": "FEED", "description": "bread"}
    return str(world.post("/api/v1/posts", native(world, who), body).json()["id"])


@pytest.mark.rule("x18:R20", "x18:D12")
def test_likes_and_follows_are_told_once_and_by_whom(world: World, people: list[Caller]) -> None:
    amina, karim, _ = people
    post = post_of(world, amina)
    for _ in range(2):
        follow(world, karim, amina)
        world.post(f"/api/v1/posts/{post}/like", native(world, karim))
        world.post(f"/api/v1/posts/{post}/like", native(world, amina))
    page = listed(world, amina)
    assert set(page) == {"notifications", "limit", "offset", "has_more"}
    assert [(one["type"], one["post_id"], one["is_read"]) for one in page["notifications"]] in (
        [("like", post, False), ("follow", None, False)],
        [("follow", None, False), ("like", post, False)],
    )
    for one in page["notifications"]:
        assert set(one) == SHAPE
        assert one["actor"] == ask(world, "GET", f"/api/users/{karim.id}", amina).json()
    assert listed(world, karim)["notifications"] == []


@pytest.mark.rule("x18:R20", "x18:D12")
def test_a_retweet_is_told_and_withdrawn_while_unread(world: World, people: list[Caller]) -> None:
    amina, karim, _ = people
    made = ask(world, "POST", "/api/posts", amina, {"content": "bread"})
    path = f"/api/posts/{made.json()['id']}/retweet"
    for _ in range(2):
        ask(world, "POST", path, karim)
        assert [one["type"] for one in listed(world, amina)["notifications"]] == ["retweet"]
        ask(world, "DELETE", path, karim)
        assert listed(world, amina)["notifications"] == []


@pytest.mark.rule("x18:D12")
def test_what_is_undone_is_withdrawn_while_unread(world: World, people: list[Caller]) -> None:
    amina, karim, laila = people
    follow(world, karim, amina)
    follow(world, laila, amina)
    first = listed(world, amina)["notifications"]
    assert len(first) == 2
    (of_laila,) = (one for one in first if one["actor"]["id"] == laila.id)
    assert ask(world, "PATCH", f"{ALL}/{of_laila['id']}/read", amina).json() == {**of_laila, "is_read": True}
    for who in (karim, laila):
        ask(world, "DELETE", f"/api/users/{amina.id}/follow", who)
    assert [(one["id"], one["is_read"]) for one in listed(world, amina)["notifications"]] == [
        (of_laila["id"], True)
    ]


def test_other_kinds_stay_at_doors_that_have_words_for_them(world: World, people: list[Caller]) -> None:
    amina, karim, _ = people
    follow(world, karim, amina)
    post = post_of(world, amina)
    world.post(f"/api/v1/posts/{post}/comments", native(world, karim), {"text": "good"})
    world.drain()
    told = world.get("/api/v1/notifications", native(world, amina)).json()["data"]
    assert sorted(one["type"] for one in told) == ["POST_COMMENT", "USER_FOLLOW"]
    (comment,) = (one["id"] for one in told if one["type"] == "POST_COMMENT")
    assert [one["type"] for one in listed(world, amina)["notifications"]] == ["follow"]
    assert ask(world, "GET", ALL + "/unread-count", amina).json() == {"unread_count": 1}
    refused(ask(world, "PATCH", f"{ALL}/{comment}/read", amina), 404, "notification_not_found")
    refused(ask(world, "DELETE", f"{ALL}/{comment}", amina), 404, "notification_not_found")
    assert ask(world, "PATCH", ALL + "/read-all", amina).json() == {"updated": 1}
    assert world.get("/api/v1/notifications/unread-count", native(world, amina)).json() == {"unread_count": 1}


@pytest.mark.rule("x18:R20", "x18:R30")
def test_they_are_counted_read_and_deleted(world: World, people: list[Caller]) -> None:
    amina, karim, laila = people
    follow(world, karim, amina)
    world.drain()
    follow(world, laila, amina)
    newer, older = listed(world, amina)["notifications"]
    assert (newer["actor"]["id"], older["actor"]["id"]) == (laila.id, karim.id)
    first = listed(world, amina, "?limit=1")
    assert (first["notifications"], first["has_more"]) == ([newer], True)
    rest = listed(world, amina, "?limit=1&offset=1")
    assert (rest["notifications"], rest["has_more"], rest["offset"]) == ([older], False, 1)
    assert ask(world, "GET", ALL + "/unread-count", amina).json() == {"unread_count": 2}
    assert ask(world, "PATCH", f"{ALL}/{newer['id']}/read", amina).json()["is_read"] is True
    assert ask(world, "PATCH", f"{ALL}/{newer['id']}/read", amina).json()["is_read"] is True
    assert ask(world, "GET", ALL + "/unread-count", amina).json() == {"unread_count": 1}
    assert ask(world, "PATCH", ALL + "/read-all", amina).json() == {"updated": 1}
    assert ask(world, "PATCH", ALL + "/read-all", amina).json() == {"updated": 0}
    assert ask(world, "DELETE", f"{ALL}/{newer['id']}", amina).status_code == 204
    refused(ask(world, "DELETE", f"{ALL}/{newer['id']}", amina), 404, "notification_not_found")
    assert [one["id"] for one in listed(world, amina)["notifications"]] == [older["id"]]


@pytest.mark.rule("x18:R20")
def test_those_of_others_are_not_found(world: World, people: list[Caller]) -> None:
    amina, karim, _ = people
    follow(world, karim, amina)
    (one,) = listed(world, amina)["notifications"]
    for method, path in (("PATCH", f"{ALL}/{one['id']}/read"), ("DELETE", f"{ALL}/{one['id']}")):
        refused(ask(world, method, path, karim), 404, "notification_not_found")
        refused(ask(world, method, path), 401, "unauthorized")
    assert listed(world, amina)["notifications"] == [one]


def test_the_list_takes_as_many_queries_however_long(world: World, people: list[Caller]) -> None:
    amina, karim, laila = people

    def cost() -> int:
        with counted(world) as seen:
            ask(world, "GET", ALL, amina)
        return len(seen)

    follow(world, karim, amina)
    listed(world, amina)
    one = cost()
    follow(world, laila, amina)
    listed(world, amina)
    assert cost() == one == 3
