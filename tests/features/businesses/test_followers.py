"""Following a business, its counter, and who follows it."""

import json
from typing import Any

import pytest

from majlis.features.businesses import service as businesses
from majlis.kit.me import Me
from tests.features.businesses.trading import BUSINESSES, at, block, opened
from tests.features.posts.writing import POSTS, write
from tests.features.queries import counted
from tests.world import Person, World


def follow(world: World, who: Person, business: dict[str, Any]) -> None:
    assert world.post(at(business, "/follow"), who).status_code == 200


def listed(
    world: World, business: dict[str, Any], viewer: Person | None = None, query: str = ""
) -> list[str]:
    answer = world.get(at(business, f"/followers?{query}"), viewer)
    assert answer.status_code == 200, answer.text
    return [entry["user"]["id"] for entry in answer.json()["data"]]


def facts(world: World) -> list[dict[str, str]]:
    rows = world.sql("SELECT payload FROM pgqueuer WHERE entrypoint LIKE '%:BusinessFollowed'")
    return [json.loads(row["payload"]) for row in rows]


@pytest.mark.rule("hamsaya:140", "hamsaya:131", "hamsaya:163")
def test_following_counts_once_and_is_taken_back_once(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina)
    for _ in range(2):
        answer = world.post(at(business, "/follow"), karim)
        assert (answer.status_code, answer.json()) == (200, {"is_following": True, "total_follow": 1})
    (row,) = world.sql("SELECT is_active, created_at, updated_at FROM business_profile_followers")
    assert (row["is_active"], row["created_at"]) == (True, row["updated_at"])
    seen = world.get(at(business), karim).json()
    assert (seen["is_following"], seen["total_follow"]) == (True, 1)
    assert world.get(at(business), amina).json()["is_following"] is False
    for _ in range(2):
        answer = world.delete(at(business, "/follow"), karim)
        assert (answer.status_code, answer.json()) == (200, {"is_following": False, "total_follow": 0})
    assert world.get(at(business), karim).json()["is_following"] is False
    assert world.post(at(business, "/follow")).status_code == 401
    assert world.post(f"{BUSINESSES}/{karim.id}/follow", karim).status_code == 404
    assert world.delete(f"{BUSINESSES}/nothing/follow", karim).status_code == 404


@pytest.mark.rule("hamsaya:140")
def test_nobody_follows_a_business_of_their_own(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)
    refused = world.post(at(business, "/follow"), amina)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "own_business")
    assert world.delete(at(business, "/follow"), amina).json() == {"is_following": False, "total_follow": 0}


@pytest.mark.rule("hamsaya:131", "hamsaya:125")
def test_the_counter_follows_the_rows_whoever_writes_them(world: World) -> None:
    amina, karim, bilal = world.person(), world.person(), world.person()
    business = opened(world, amina)
    insert = "INSERT INTO business_profile_followers (business_id, follower_id) VALUES ($1::text::uuid, $2) RETURNING 1"
    count = "SELECT total_follow AS n FROM business_profiles"
    for person in (karim, bilal):
        world.sql(insert, business["id"], person.id)
    assert world.sql(count)[0]["n"] == 2
    world.sql("UPDATE business_profiles SET total_follow = 1 RETURNING 1")
    world.sql("DELETE FROM business_profile_followers RETURNING 1")
    assert world.sql(count)[0]["n"] == 0


def test_a_new_follower_is_a_fact_that_the_owner_is_told_once(world: World) -> None:
    amina, karim = world.person(), world.person("Karim")
    business = opened(world, amina)
    follow(world, karim, business)
    expected = {"business_id": business["id"], "user_id": str(amina.id), "follower_id": str(karim.id)}
    assert facts(world) == [expected]
    follow(world, karim, business)
    assert facts(world) == [expected]
    world.drain()
    (told,) = world.get("/api/v1/notifications", amina).json()["data"]
    assert told["type"] == "BUSINESS_FOLLOW"
    assert told["data"] == {"user_id": str(karim.id), "business_id": business["id"]}
    assert told["message"] == "Karim Test follows your business."
    assert world.get("/api/v1/notifications?category=POSTS", amina).json()["data"] == [told]
    assert world.get("/api/v1/notifications", karim).json()["data"] == []


@pytest.mark.rule("hamsaya:140")
def test_followers_are_listed_latest_first_page_by_page(world: World) -> None:
    amina, *fans = (world.person() for _ in range(5))
    business = opened(world, amina)
    for fan in fans:
        follow(world, fan, business)
    world.sql(
        "UPDATE business_profile_followers SET created_at = (SELECT max(created_at) FROM business_profile_followers)"
        " WHERE follower_id = ANY ($1) RETURNING 1",
        [fan.id for fan in fans[2:]],
    )
    whole = listed(world, business)
    assert whole[2:] == [str(fans[1].id), str(fans[0].id)]
    assert set(whole) == {str(fan.id) for fan in fans}
    first = world.get(at(business, "/followers?limit=1")).json()
    assert listed(world, business, None, f"limit=3&cursor={first['next_cursor']}") == whole[1:]
    page = world.get(at(business, "/followers?limit=2&offset=2")).json()
    assert ([entry["user"]["id"] for entry in page["data"]], page["total"]) == (whole[2:], 4)
    assert set(page["data"][0]) == {"user", "created_at"}
    assert world.get(at(business, "/followers?cursor=forged")).status_code == 400


@pytest.mark.rule("hamsaya:149", "hamsaya:140")
def test_a_page_of_hidden_followers_does_not_end_the_list(world: World) -> None:
    amina, viewer = world.person(), world.person()
    fans = [world.person() for _ in range(6)]
    business = opened(world, amina)
    for fan in fans:
        follow(world, fan, business)
    block(world, fans[5], viewer)
    block(world, viewer, fans[4])
    world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", fans[3].id)
    world.sql("UPDATE profiles SET deleted_at = now() WHERE id = $1 RETURNING 1", fans[2].id)
    expected = [str(fans[1].id), str(fans[0].id)]
    assert listed(world, business, viewer) == listed(world, business, viewer, "limit=2") == expected
    page = world.get(at(business, "/followers?limit=2&offset=0"), viewer).json()
    assert (page["total"], page["next_cursor"]) == (2, None)
    assert listed(world, business, amina) == [str(fans[5].id), str(fans[4].id), *expected]


@pytest.mark.rule("hamsaya:149", "hamsaya:131")
def test_a_block_ends_what_either_follows_of_the_other(world: World) -> None:
    amina, bilal, chaman = (world.person() for _ in range(3))
    hers, his = opened(world, amina), opened(world, bilal)
    for fan, business in ((bilal, hers), (chaman, hers), (amina, his)):
        follow(world, fan, business)
    block(world, amina, bilal)
    world.drain()
    world.delete(f"/api/v1/users/{bilal.id}/block", amina)
    assert world.get(at(hers), amina).json()["total_follow"] == 1
    assert world.get(at(his), bilal).json()["total_follow"] == 0
    assert world.get(at(hers), bilal).json()["is_following"] is False


def test_the_list_costs_the_same_number_of_queries_however_long(world: World) -> None:
    business = opened(world, world.person())

    def queries() -> int:
        with counted(world) as seen:
            assert world.get(at(business, "/followers")).status_code == 200
        return len(seen)

    follow(world, world.person(), business)
    one = queries()
    for _ in range(5):
        follow(world, world.person(), business)
    assert queries() == one == 3


@pytest.mark.rule("hamsaya:24", "hamsaya:131")
def test_a_closed_account_follows_nothing_any_more(world: World) -> None:
    amina, karim, bilal = world.person(), world.person(), world.person()
    bakery, tailor = opened(world, amina), opened(world, amina, "Tailor")
    for who in (karim, bilal):
        follow(world, who, bakery)
    follow(world, karim, tailor)
    assert world.delete("/api/v1/users/me/account", karim, json={"reason": "tired"}).status_code == 204
    assert listed(world, bakery) == [str(bilal.id)]
    world.drain()
    counts = {row["name"]: row["total_follow"] for row in world.sql("SELECT * FROM business_profiles")}
    assert counts == {"Bakery": 1, "Tailor": 0}

    async def late() -> None:
        """A request that the account sent before it was closed."""
        async with world.app.db.tx() as tx:
            await businesses.follow(
                tx, Me(id=karim.id), (await tx.records("SELECT id FROM business_profiles"))[0][0]
            )

    world.go(late())
    assert world.sql("SELECT count(*) AS n FROM business_profile_followers")[0]["n"] == 1


@pytest.mark.rule("hamsaya:107")
def test_posts_say_truly_whether_the_viewer_follows_their_business(world: World) -> None:
    amina, karim = world.person(), world.person()
    bakery, tailor = opened(world, amina), opened(world, amina, "Tailor")
    for business in (bakery, tailor, bakery):
        write(world, amina, business_id=business["id"])
    follow(world, karim, bakery)

    def flags(viewer: Person | None) -> list[tuple[str, bool]]:
        found = world.get(POSTS, viewer).json()["data"]
        return [(post["business"]["name"], post["business"]["is_following"]) for post in found]

    assert flags(karim) == [("Bakery", True), ("Tailor", False), ("Bakery", True)]
    assert flags(None) == [("Bakery", False), ("Tailor", False), ("Bakery", False)]
