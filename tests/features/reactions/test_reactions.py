"""Likes, bookmarks and shares."""

import asyncio
from typing import Any

import pytest

from tests.features.posts.writing import POSTS, block, write
from tests.world import Person, World


@pytest.mark.rule("hamsaya:90", "hamsaya:126", "hamsaya:163")
def test_a_like_counts_once_and_can_be_taken_back(world: World) -> None:
    amina, bilal = world.person(), world.person()
    path = f"{POSTS}/{write(world, amina)['id']}/like"
    assert world.post(path, bilal).json() == {"liked_by_me": True, "total_likes": 1}
    assert world.post(path, bilal).json() == {"liked_by_me": True, "total_likes": 1}
    assert world.post(path, amina).json() == {"liked_by_me": True, "total_likes": 2}
    assert world.delete(path, bilal).json() == {"liked_by_me": False, "total_likes": 1}
    assert world.delete(path, bilal).json() == {"liked_by_me": False, "total_likes": 1}
    assert world.post(path).status_code == 401


@pytest.mark.rule("hamsaya:125")
def test_a_counter_does_not_drop_below_zero(world: World) -> None:
    amina = world.person()
    post = write(world, amina)
    world.post(f"{POSTS}/{post['id']}/like", amina)
    world.sql("UPDATE posts SET total_likes = 0 WHERE id::text = $1 RETURNING 1", post["id"])
    assert world.delete(f"{POSTS}/{post['id']}/like", amina).json()["total_likes"] == 0
    assert world.get(f"{POSTS}/{post['id']}", amina).json()["total_likes"] == 0


@pytest.mark.parametrize("kind, heats", [("FEED", [4]), ("PULL", [4]), ("SELL", [])])
def test_likes_warm_what_is_short(world: World, kind: str, heats: list[int]) -> None:
    """By steps of their number, as `post_heat` tells: one like more or less is no step each time."""
    post = write(world, world.person(), kind)["id"]
    likers = [world.person(f"Liker {number}") for number in range(5)]
    for who in likers:
        assert world.post(f"{POSTS}/{post}/like", who).status_code == 200
    assert [one["heat"] for one in world.sql("SELECT heat FROM post_heats")] == heats
    for who in likers:
        world.delete(f"{POSTS}/{post}/like", who)
    assert world.sql("SELECT heat FROM post_heats") == []


def test_what_is_not_visible_is_not_reacted_to(world: World) -> None:
    amina, bilal = world.person(), world.person()
    post = write(world, amina)
    block(world, amina, bilal)
    for action in ("like", "bookmark", "share"):
        assert world.post(f"{POSTS}/{post['id']}/{action}", bilal).status_code == 404
    assert world.delete(f"{POSTS}/{post['id']}/like", bilal).status_code == 404
    assert world.sql("SELECT count(*) AS n FROM post_likes") == [{"n": 0}]


@pytest.mark.rule("hamsaya:91", "hamsaya:163")
def test_bookmarks_are_listed_newest_first(world: World) -> None:
    amina, bilal = world.person(), world.person()
    posts = [write(world, amina, kind) for kind in ("FEED", "EVENT", "SELL")]
    for post in posts:
        for _ in range(2):
            assert world.post(f"{POSTS}/{post['id']}/bookmark", bilal).json() == {"bookmarked_by_me": True}
            world.sql("UPDATE post_bookmarks SET created_at = created_at - interval '1 minute' RETURNING 1")
    bookmarks = "/api/v1/users/me/bookmarks"
    listed = world.get(bookmarks, bilal).json()["data"]
    assert [post["id"] for post in listed] == [post["id"] for post in reversed(posts)]
    assert all(post["bookmarked_by_me"] for post in listed)
    first = world.get(f"{bookmarks}?limit=2", bilal).json()
    rest = world.get(f"{bookmarks}?limit=2&cursor={first['next_cursor']}", bilal).json()
    assert [post["id"] for post in first["data"] + rest["data"]] == [post["id"] for post in listed]
    assert rest["next_cursor"] is None
    assert [post["type"] for post in world.get(f"{bookmarks}?type=EVENT", bilal).json()["data"]] == ["EVENT"]
    assert world.delete(f"{POSTS}/{posts[0]['id']}/bookmark", bilal).json() == {"bookmarked_by_me": False}
    world.delete(f"{POSTS}/{posts[1]['id']}", amina)
    assert [post["id"] for post in world.get(bookmarks, bilal).json()["data"]] == [posts[2]["id"]]


@pytest.mark.rule("hamsaya:92", "hamsaya:93", "hamsaya:133")
def test_sharing_makes_a_post_and_flattens_chains(world: World) -> None:
    amina, bilal, chaman = (world.person() for _ in range(3))
    post = write(world, amina)
    answer = world.post(f"{POSTS}/{post['id']}/share", bilal, {"share_text": "Look"})
    assert answer.status_code == 201
    share = answer.json()["share"]
    shared = share["shared_post"]
    assert (shared["type"], shared["description"], shared["user_id"]) == ("FEED", "Look", str(bilal.id))
    assert (shared["original_post_id"], shared["original_post"]["id"]) == (post["id"], post["id"])
    assert (share["original_post_id"], share["shared_post_id"], share["share_text"]) == (
        post["id"],
        shared["id"],
        "Look",
    )
    again = world.post(f"{POSTS}/{shared['id']}/share", chaman, {}).json()
    assert again["share"]["original_post_id"] == post["id"]
    assert again["total_shares"] == 2
    once_more = world.post(f"{POSTS}/{post['id']}/share", bilal, {"repost": False}).json()
    assert (once_more["share"]["shared_post"], once_more["total_shares"]) == (None, 3)
    assert world.get(f"{POSTS}/{post['id']}").json()["total_shares"] == 3


@pytest.mark.rule("hamsaya:93")
def test_only_public_posts_are_shared(world: World) -> None:
    amina = world.person()
    post = write(world, amina, visibility="PRIVATE")
    assert world.post(f"{POSTS}/{post['id']}/share", amina, {}).status_code == 409


def _counts(world: World, post_id: str) -> tuple[int, int]:
    row = world.sql(
        "SELECT total_likes, (SELECT count(*) FROM post_likes l WHERE l.post_id = p.id) AS rows"
        " FROM posts p WHERE id::text = $1",
        post_id,
    )[0]
    return row["total_likes"], row["rows"]


@pytest.mark.rule("hamsaya:126")
def test_likes_at_once_count_exactly(clone: World) -> None:
    post = write(clone, clone.person())
    people = [clone.person() for _ in range(20)]

    async def everybody() -> None:
        path = f"{POSTS}/{post['id']}/like"
        await asyncio.gather(*(clone.http.post(path, headers=who.auth) for who in people for _ in range(3)))

    clone.go(everybody())
    assert _counts(clone, post["id"]) == (20, 20)


@pytest.mark.rule("hamsaya:89", "hamsaya:90", "hamsaya:126")
def test_likes_that_share_a_statement_are_judged_one_by_one(clone: World) -> None:
    amina, bilal, chaman = clone.person(), clone.person(), clone.person()
    first, second = write(clone, amina), write(clone, amina)
    hidden = write(clone, amina, visibility="PRIVATE")
    block(clone, amina, chaman)
    clone.post(f"{POSTS}/{second['id']}/like", bilal)
    clone.drain()
    asked = [
        (first, amina, 200), (first, bilal, 200), (first, bilal, 200), (second, bilal, 200), (second, amina, 200),
        (hidden, bilal, 404), (hidden, amina, 200), (first, chaman, 404),
    ]  # fmt: skip

    async def together() -> list[Any]:
        return await asyncio.gather(
            *(clone.http.post(f"{POSTS}/{post['id']}/like", headers=who.auth) for post, who, _ in asked)
        )

    answers = clone.go(together())
    assert [answer.status_code for answer in answers] == [status for _, _, status in asked]
    assert {answer.json()["total_likes"] for answer in answers[:5]} == {2}
    assert [_counts(clone, post["id"]) for post in (first, second, hidden)] == [(2, 2), (2, 2), (1, 1)]
    queued = clone.sql("SELECT payload FROM pgqueuer WHERE entrypoint LIKE '%tell_of_like%'")
    assert len(queued) == 4, "a job for each new like, none for those that were there"


def test_likes_of_the_same_posts_in_any_order_do_not_block_one_another(clone: World) -> None:
    amina = clone.person()
    posts = [write(clone, amina)["id"] for _ in range(6)]
    people = [clone.person() for _ in range(8)]

    async def everybody() -> list[int]:
        async def one(who: Person, order: list[str]) -> list[int]:
            asked = [clone.http.post(f"{POSTS}/{post}/like", headers=who.auth) for post in order]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

        each = [one(who, posts[at % 6 :] + posts[: at % 6]) for at, who in enumerate(people)]
        return [status for statuses in await asyncio.gather(*each) for status in statuses]

    assert set(clone.go(everybody())) == {200}
    assert {_counts(clone, post) for post in posts} == {(8, 8)}
    assert clone.sql(
        "SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()"
    ) == [{"n": 0}]


def test_without_the_trigger_the_count_would_be_wrong(clone: World) -> None:
    """The control of the test above: what it counts is the trigger's work."""
    post = write(clone, clone.person())
    clone.sql("ALTER TABLE post_likes DISABLE TRIGGER post_likes_added")
    clone.post(f"{POSTS}/{post['id']}/like", clone.person())
    assert _counts(clone, post["id"]) == (0, 1)


def test_a_like_is_one_round_trip_and_leaves_one_fact(clone: World) -> None:
    post = write(clone, clone.person())
    bilal = clone.person()
    clone.sql("DELETE FROM pgqueuer RETURNING 1")
    clone.post(f"{POSTS}/{post['id']}/like", bilal)
    clone.post(f"{POSTS}/{post['id']}/like", bilal)
    stored = clone.sql("SELECT entrypoint FROM pgqueuer")
    assert len(stored) <= 1
