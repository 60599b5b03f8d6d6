"""What stands beside a post stays in memory with it: businesses, categories, polls; one statement brings the rest."""

from typing import Any

import pytest

from tests.features.businesses.trading import at, opened
from tests.features.posts.writing import POSTS, write
from tests.features.queries import AROUND, heard
from tests.world import Person, World

FEED = f"{POSTS}?limit=20"


def shown(world: World, post: str, who: Person | None) -> dict[str, Any]:
    """A post of the feed, which says the same as when it is asked for alone."""
    (found,) = (one for one in world.get(FEED, who).json()["data"] if one["id"] == post)
    assert found == world.get(f"{POSTS}/{post}", who).json()
    return dict(found)


def statements(world: World, who: Person) -> int:
    """How many a page of the feed takes."""
    with heard(world, lambda query: not query.startswith(AROUND)) as seen:
        assert world.get(FEED, who).status_code == 200
    return len(seen)


def test_a_mixed_page_takes_one_statement(world: World) -> None:
    """Two as long as its cards are not in memory; and one more for originals, as they are asked for in a second step."""
    amina, zahir = world.person("Amina"), world.person("Zahir")
    business = opened(world, amina)
    kinds = ("FEED", "SELL", "EVENT", "PULL")
    post, *_ = [write(world, amina, kind, business_id=business["id"])["id"] for kind in kinds]
    world.get(FEED, zahir)
    assert statements(world, zahir) == 1
    world.app.db.forget()
    assert statements(world, zahir) == 2
    assert world.post(f"{POSTS}/{post}/share", zahir).status_code == 201
    world.get(FEED, zahir)
    assert statements(world, zahir) == 2


@pytest.mark.rule("hamsaya:123")
def test_votes_are_seen_at_once_and_each_sees_their_own(world: World) -> None:
    amina, zahir, other = (world.person(name) for name in ("Amina", "Zahir", "Laila"))
    made = write(world, amina, "PULL")
    post, poll = made["id"], made["poll"]["id"]
    first, second = (option["id"] for option in made["poll"]["options"])

    def poll_of(who: Person | None) -> tuple[Any, ...]:
        found = shown(world, post, who)["poll"]
        return (
            [option["vote_count"] for option in found["options"]],
            [option["percent"] for option in found["options"]],
            found["total_votes"],
            found["my_vote"],
        )

    def vote(who: Person, option: str) -> None:
        answer = world.post(f"/api/v1/polls/{poll}/vote", who, {"poll_option_id": option})
        assert answer.status_code == 200, answer.text

    assert made["poll"] == shown(world, post, amina)["poll"]
    assert poll_of(zahir) == poll_of(None) == ([0, 0], [0.0, 0.0], 0, None)
    vote(zahir, first)
    for _ in range(2):
        assert poll_of(zahir) == ([1, 0], [100.0, 0.0], 1, first)
        assert poll_of(other) == poll_of(None) == ([1, 0], [100.0, 0.0], 1, None)
    vote(other, second)
    assert poll_of(zahir) == ([1, 1], [50.0, 50.0], 2, first)
    vote(zahir, second)
    assert poll_of(zahir) == ([0, 2], [0.0, 100.0], 2, second)
    assert world.delete(f"/api/v1/polls/{poll}/vote", zahir).status_code == 200
    assert poll_of(zahir) == ([0, 1], [0.0, 100.0], 1, None)
    assert poll_of(other) == ([0, 1], [0.0, 100.0], 1, second)


@pytest.mark.parametrize(
    "change, answers",
    [
        ("UPDATE poll_options SET option = 'Sunday' WHERE position = 1 RETURNING 1", ["Friday", "Sunday"]),
        ("UPDATE poll_options SET position = position + 7 RETURNING 1", ["Friday", "Saturday"]),
        ("DELETE FROM poll_options WHERE position = 0 RETURNING 1", ["Saturday"]),
        ("UPDATE polls SET deleted_at = now() RETURNING 1", None),
    ],
)
def test_a_poll_that_is_changed_by_hand_is_shown_as_it_is(
    world: World, change: str, answers: list[str] | None
) -> None:
    amina = world.person()
    post = write(world, amina, "PULL")["id"]
    assert shown(world, post, None)["poll"] is not None
    world.sql(change)
    found = shown(world, post, None)["poll"]
    assert (None if found is None else [option["option"] for option in found["options"]]) == answers


def test_a_draft_that_gets_its_poll_shows_it(world: World) -> None:
    amina = world.person()
    post = write(world, amina, "PULL", poll_options=None, status=False)["id"]

    def mine() -> Any:
        return world.get("/api/v1/users/me/posts", amina).json()["data"][0]["poll"]

    assert mine() is None
    made = world.post(f"{POSTS}/{post}/polls", amina, {"options": ["a", "b"]}).json()
    assert mine() == made


def test_a_business_is_shown_as_it_is_now(world: World) -> None:
    amina, zahir, other = (world.person(name) for name in ("Amina", "Zahir", "Laila"))
    business = opened(world, amina, "Bakery")
    post = write(world, amina, business_id=business["id"])["id"]
    bare = write(world, amina)["id"]
    assert world.post(at(business, "/follow"), zahir).status_code == 200

    def business_of(who: Person | None) -> tuple[str, bool]:
        found = shown(world, post, who)["business"]
        return found["name"], found["is_following"]

    for _ in range(2):
        assert business_of(zahir) == ("Bakery", True)
        assert business_of(other) == business_of(None) == business_of(amina) == ("Bakery", False)
    assert shown(world, bare, zahir)["business"] is None
    assert world.put(at(business), amina, {"name": "Oven"}).status_code == 200
    assert (business_of(zahir), business_of(other)) == (("Oven", True), ("Oven", False))
    assert world.delete(at(business, "/follow"), zahir).status_code == 200
    assert business_of(zahir) == ("Oven", False)
    for status, there in ((False, [bare]), (True, [bare, post])):
        assert world.put(at(business), amina, {"status": status}).status_code == 200
        assert [one["id"] for one in world.get(FEED, zahir).json()["data"]] == there
    assert business_of(zahir) == ("Oven", False)


def test_a_category_is_shown_as_it_is_now(world: World) -> None:
    amina, admin = world.person(), world.person(role="admin")
    post = write(world, amina, "SELL")["id"]
    category = shown(world, post, None)["category"]
    answer = world.put(f"/api/v1/sales/categories/{category['id']}", admin, {"name": "Flying carpets"})
    assert answer.status_code == 200, answer.text
    assert shown(world, post, None)["category"] == {**category, "name": "Flying carpets"}


def test_stances_are_the_viewers_own(world: World) -> None:
    amina, zahir = world.person(), world.person()
    post = write(world, amina, "EVENT")["id"]
    world.sql(
        "INSERT INTO event_interests (id, post_id, user_id, event_state) VALUES ($1, $1, $2, 'going') RETURNING 1",
        post,
        zahir.id,
    )
    for _ in range(2):
        assert shown(world, post, zahir)["my_event_state"] == "going"
        assert (
            shown(world, post, amina)["my_event_state"] is shown(world, post, None)["my_event_state"] is None
        )


def test_an_original_is_shown_whole(world: World) -> None:
    amina, zahir = world.person(), world.person()
    business = opened(world, amina)
    made = write(world, amina, "PULL", business_id=business["id"])
    poll = made["poll"]
    answer = world.post(
        f"/api/v1/polls/{poll['id']}/vote", zahir, {"poll_option_id": poll["options"][0]["id"]}
    )
    assert answer.status_code == 200
    assert world.post(f"{POSTS}/{made['id']}/share", zahir).status_code == 201
    for _ in range(2):
        for who in (zahir, amina, None):
            whole = shown(world, made["id"], who)
            (share,) = (one for one in world.get(FEED, who).json()["data"] if one["original_post_id"])
            assert share["original_post"] == whole
