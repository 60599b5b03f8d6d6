"""Who sees which post, at every door to it."""

import pytest

from tests.features.posts.writing import POSTS, block, friends, write
from tests.world import Person, World


def sees(world: World, who: Person | None, post: dict[str, object]) -> bool:
    """Whether somebody sees a post; reading it and every list must agree."""
    one = world.get(f"{POSTS}/{post['id']}", who).status_code == 200
    lists = [
        POSTS,
        f"{POSTS}/search?q=wheat",
        f"{POSTS}?q=wheat&sort=trending",
        f"{POSTS}/nearby?lat=34.5&lng=69.2",
    ]
    if who is not None:
        lists.append(f"{POSTS}?user_id={post['user_id']}")
    for path in lists:
        listed = [found["id"] for found in world.get(path, who).json()["data"]]
        assert (post["id"] in listed) is one, path
    return one


@pytest.mark.rule("hamsaya:89")
def test_public_friends_and_private(world: World) -> None:
    amina, friend, follower, stranger = (world.person() for _ in range(4))
    friends(world, amina, friend)
    world.sql(
        "INSERT INTO user_follows (follower_id, following_id) VALUES ($1, $2) RETURNING 1",
        follower.id,
        amina.id,
    )
    place = {"description": "wheat", "user_location": {"lat": 34.5, "lng": 69.2}}
    for visibility, expected in {
        "PUBLIC": [True, True, True, True, True],
        "FRIENDS": [True, True, False, False, False],
        "PRIVATE": [True, False, False, False, False],
    }.items():
        post = write(world, amina, visibility=visibility, **place)
        assert [sees(world, who, post) for who in (amina, friend, follower, stranger, None)] == expected


@pytest.mark.rule("hamsaya:89", "hamsaya:149")
def test_blocks_hide_both_ways(world: World) -> None:
    amina, bilal = world.person(), world.person()
    place = {"description": "wheat", "user_location": {"lat": 34.5, "lng": 69.2}}
    hers, his = write(world, amina, **place), write(world, bilal, **place)
    assert sees(world, bilal, hers) and sees(world, amina, his)
    block(world, amina, bilal)
    assert not sees(world, bilal, hers)
    assert not sees(world, amina, his)


def test_what_is_switched_off_is_for_its_author(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = write(world, amina, status=False)
    assert world.get(f"{POSTS}/{post['id']}", bilal).status_code == 404
    assert world.get(f"{POSTS}/{post['id']}", amina).status_code == 200
    assert world.get(POSTS, amina).json()["data"] == []
    assert len(world.get("/api/v1/users/me/posts", amina).json()["data"]) == 1
    assert world.get("/api/v1/users/me/posts?status=true", amina).json()["data"] == []


@pytest.mark.parametrize("change", ["deleted_at = now()", "suspended = true"])
def test_people_who_are_gone_take_their_posts_along(world: World, change: str) -> None:
    amina, bilal = world.person(), world.person()
    post = write(world, amina, description="wheat", user_location={"lat": 34.5, "lng": 69.2})
    world.sql(f"UPDATE profiles SET {change} WHERE id = $1 RETURNING 1", amina.id)
    assert not sees(world, bilal, post)


def test_an_id_that_is_none_is_not_found(world: World) -> None:
    assert world.get(f"{POSTS}/nonsense").status_code == 404
    assert world.get(f"{POSTS}/00000000-0000-0000-0000-000000000000").status_code == 404


@pytest.mark.rule("hamsaya:106", "hamsaya:107")
def test_a_post_is_enriched_for_its_viewer(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person()
    post = write(world, amina)
    world.post(f"{POSTS}/{post['id']}/like", bilal)
    world.post(f"{POSTS}/{post['id']}/bookmark", bilal)
    friends(world, amina, bilal)
    seen = world.get(f"{POSTS}/{post['id']}", bilal).json()
    assert (seen["liked_by_me"], seen["bookmarked_by_me"], seen["is_mine"], seen["total_likes"]) == (
        True,
        True,
        False,
        1,
    )
    assert seen["author"] == {
        "id": str(amina.id), "first_name": "Amina", "last_name": "Test", "avatar": None, "province": None,
        "district": None, "neighborhood": None, "is_following": True, "follows_me": True,
    }  # fmt: skip
    nobody = world.get(f"{POSTS}/{post['id']}").json()
    assert (nobody["liked_by_me"], nobody["bookmarked_by_me"], nobody["is_mine"]) == (False, False, False)


def test_a_hidden_page_does_not_end_a_list(world: World) -> None:
    amina, bilal = world.person(), world.person()
    seen = write(world, amina)
    for _ in range(25):
        write(world, bilal)
    block(world, amina, bilal)
    assert [post["id"] for post in world.get(f"{POSTS}?limit=5", amina).json()["data"]] == [seen["id"]]
