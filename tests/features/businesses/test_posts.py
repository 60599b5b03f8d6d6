"""Posts in the name of a business."""

from typing import Any

import pytest

from tests.features.businesses.trading import BUSINESSES, at, opened
from tests.features.posts.writing import POSTS, block, body_of, faults, friends, write
from tests.features.queries import counted
from tests.world import Person, World


def listed(
    world: World, business: dict[str, Any], viewer: Person | None = None, query: str = ""
) -> list[str]:
    answer = world.get(at(business, f"/posts?{query}"), viewer)
    assert answer.status_code == 200, answer.text
    return [post["id"] for post in answer.json()["data"]]


@pytest.mark.rule("hamsaya:101", "hamsaya:106", "hamsaya:107")
def test_posts_of_a_business_are_listed_newest_first(world: World) -> None:
    amina, karim = world.person(), world.person()
    bakery, tailor = opened(world, amina), opened(world, amina, "Tailor")
    first, event, third = (
        write(world, amina, kind, business_id=bakery["id"])["id"] for kind in ("FEED", "EVENT", "FEED")
    )
    write(world, amina, business_id=tailor["id"])
    write(world, amina)
    assert listed(world, bakery) == listed(world, bakery, karim) == [third, event, first]
    assert listed(world, bakery, karim, "type=EVENT") == [event]
    assert listed(world, bakery, karim, "type=EVENT&type=FEED") == [third, event, first]
    page = world.get(at(bakery, "/posts?limit=2"), karim).json()
    assert listed(world, bakery, karim, f"cursor={page['next_cursor']}") == [first]
    assert world.get(at(bakery, "/posts?offset=1&limit=1"), karim).json()["total"] == 3
    assert faults(world.get(at(bakery, "/posts?type=NEWS"))) == {"type[0]"}
    world.post(f"{POSTS}/{third}/like", karim)
    post = world.get(at(bakery, "/posts?limit=1"), karim).json()["data"][0]
    assert (post["liked_by_me"], post["business"]["name"], post["author"]["id"]) == (
        True,
        "Bakery",
        str(amina.id),
    )
    assert world.get(f"{BUSINESSES}/{amina.id}/posts").status_code == 404


@pytest.mark.rule("hamsaya:89")
def test_each_viewer_gets_the_posts_they_may_see(world: World) -> None:
    amina, karim, stranger = world.person(), world.person(), world.person()
    business = opened(world, amina)
    friends(world, amina, karim)
    public, shared, private = (
        write(world, amina, business_id=business["id"], visibility=kind)["id"]
        for kind in ("PUBLIC", "FRIENDS", "PRIVATE")
    )
    off = write(world, amina, business_id=business["id"], status=False)["id"]
    assert listed(world, business) == listed(world, business, stranger) == [public]
    assert listed(world, business, karim) == [shared, public]
    assert off not in listed(world, business, amina)
    assert listed(world, business, amina) == [private, shared, public]
    block(world, amina, stranger)
    assert world.get(at(business, "/posts"), stranger).status_code == 404


@pytest.mark.rule("hamsaya:135", "hamsaya:89")
@pytest.mark.parametrize("how", ["deleted", "off"])
def test_posts_of_a_business_that_is_gone_leave_all_lists(world: World, how: str) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina)
    post = write(world, amina, business_id=business["id"])["id"]
    if how == "deleted":
        assert world.delete(at(business), amina).status_code == 204
    else:
        assert world.put(at(business), amina, {"status": False}).status_code == 200
    assert world.get(f"{POSTS}/{post}", karim).status_code == 404
    for path in (POSTS, f"/api/v1/users/{amina.id}/posts"):
        assert world.get(path, karim).json()["data"] == []
    assert world.get(at(business, "/posts"), karim).status_code == 404
    assert world.post(POSTS, amina, body_of(world, "FEED", business_id=business["id"])).status_code == 404


@pytest.mark.rule("hamsaya:141")
def test_nobody_posts_in_the_name_of_what_they_do_not_own(world: World) -> None:
    amina, karim, blocked = world.person(), world.person(), world.person()
    business = opened(world, amina)
    block(world, amina, blocked)
    for who, status in ((karim, 403), (blocked, 404), (None, 401)):
        answer = world.post(POSTS, who, body_of(world, "FEED", business_id=business["id"]))
        assert answer.status_code == status
    assert listed(world, business, amina) == []


def test_the_list_costs_the_same_number_of_queries_however_long(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)

    def queries() -> int:
        with counted(world) as seen:
            assert world.get(at(business, "/posts")).status_code == 200
        return len(seen)

    write(world, amina, business_id=business["id"])
    one = queries()
    for _ in range(5):
        write(world, amina, business_id=business["id"])
    assert queries() == one <= 3
