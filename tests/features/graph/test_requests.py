"""Private accounts: asking to follow, being let in, and what those outside do not see."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from majlis.features.graph import service, store
from tests.features.graph.test_follows import follow, listed
from tests.features.graph.test_people import suspend
from tests.features.graph.test_races import UNLOCKED, faults
from tests.features.queries import counted
from tests.waiting import until_waiting
from tests.world import Person, World

REQUESTS = "/api/v1/users/me/follow-requests"


def private(world: World, who: Person, is_private: bool = True) -> Person:
    answer = world.put("/api/v1/settings/privacy", who, {"is_private": is_private})
    assert (answer.status_code, answer.json()["is_private"]) == (200, is_private)
    return who


def ask(world: World, who: Person, whom: Person) -> dict[str, Any]:
    answer = world.post(f"/api/v1/users/{whom.id}/follow", who)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def answered(world: World, owner: Person, verb: str, who: Person) -> tuple[int, dict[str, Any]]:
    answer = world.post(f"{REQUESTS}/{who.id}/{verb}", owner)
    return answer.status_code, answer.json()


def facts(world: World, name: str) -> list[dict[str, str]]:
    rows = world.sql("SELECT payload FROM pgqueuer WHERE entrypoint LIKE '%:' || $1::text", name)
    return [json.loads(row["payload"]) for row in rows]


def state(count: int, state: str) -> dict[str, object]:
    return {"is_following": state == "following", "followers_count": count, "state": state}


# ---- asking


@pytest.mark.rule("hamsaya:147", "hamsaya:163")
def test_following_a_private_account_is_asking_until_its_owner_accepts(world: World) -> None:
    amina, karim = private(world, world.person("Amina")), world.person("Karim")
    for _ in range(2):
        assert ask(world, karim, amina) == state(0, "requested")
    page = world.get(f"/api/v1/users/{amina.id}", karim).json()
    assert (page["is_private"], page["is_following"], page["follow_requested"]) == (True, False, True)
    assert listed(world, REQUESTS, amina) == [str(karim.id)]
    assert listed(world, REQUESTS + "/sent", karim) == [str(amina.id)]
    assert listed(world, REQUESTS + "/sent", amina) == listed(world, REQUESTS, karim) == []
    for _ in range(2):
        assert answered(world, amina, "accept", karim) == (200, {"follows_me": True, "followers_count": 1})
    page = world.get(f"/api/v1/users/{amina.id}", karim).json()
    assert (page["is_following"], page["follow_requested"], page["followers_count"]) == (True, False, 1)
    assert listed(world, REQUESTS, amina) == listed(world, REQUESTS + "/sent", karim) == []
    assert ask(world, karim, amina) == state(1, "following")
    assert faults(world) == []


def test_each_step_is_a_fact_once(world: World) -> None:
    amina, karim = private(world, world.person()), world.person()
    pair = {"follower_id": str(karim.id), "following_id": str(amina.id)}
    for _ in range(2):
        ask(world, karim, amina)
    assert facts(world, "FollowRequested") == [pair]
    assert facts(world, "UserFollowed") == []
    for _ in range(2):
        answered(world, amina, "accept", karim)
    assert facts(world, "FollowAccepted") == [pair]
    assert facts(world, "UserFollowed")
    assert all(fact == pair for fact in facts(world, "UserFollowed"))


def test_both_are_told(world: World) -> None:
    amina, karim = private(world, world.person("Amina")), world.person("Karim")
    ask(world, karim, amina)
    world.drain()
    (note,) = world.get("/api/v1/notifications", amina).json()["data"]
    assert (note["type"], note["message"]) == ("FOLLOW_REQUEST", "Karim Test asks to follow you.")
    assert note["data"] == {"user_id": str(karim.id)}
    answered(world, amina, "accept", karim)
    world.drain()
    (note,) = world.get("/api/v1/notifications", karim).json()["data"]
    assert (note["type"], note["message"]) == ("FOLLOW_ACCEPTED", "Amina Test lets you follow them.")
    assert world.get("/api/v1/notifications?category=POSTS", karim).json()["data"] == [note]


def test_whoever_is_declined_is_not_told_and_may_ask_again_unheard(world: World) -> None:
    amina, karim = private(world, world.person()), world.person()
    ask(world, karim, amina)
    for _ in range(2):
        assert answered(world, amina, "decline", karim) == (200, {"follows_me": False, "followers_count": 0})
    assert listed(world, REQUESTS, amina) == listed(world, REQUESTS + "/sent", karim) == []
    assert answered(world, amina, "accept", karim)[0] == 404
    assert ask(world, karim, amina) == state(0, "requested")
    world.drain()
    assert world.get("/api/v1/notifications", karim).json()["data"] == []
    assert len(world.get("/api/v1/notifications", amina).json()["data"]) == 1


def test_a_request_is_taken_back_as_a_follow_is(world: World) -> None:
    amina, karim = private(world, world.person()), world.person()
    ask(world, karim, amina)
    for _ in range(2):
        answer = world.delete(f"/api/v1/users/{amina.id}/follow", karim)
        assert (answer.status_code, answer.json()) == (200, state(0, "none"))
    assert listed(world, REQUESTS, amina) == []
    assert answered(world, amina, "accept", karim)[0] == 404


def test_followers_stay_when_an_account_becomes_private(world: World) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    follow(world, karim, amina)
    private(world, amina)
    assert ask(world, karim, amina) == state(1, "following")
    assert ask(world, third, amina) == state(1, "requested")
    assert answered(world, amina, "decline", karim) == (200, {"follows_me": True, "followers_count": 1})


def test_an_open_request_to_an_account_that_is_private_no_longer(world: World) -> None:
    amina, karim, third = private(world, world.person()), world.person(), world.person()
    ask(world, karim, amina)
    ask(world, third, amina)
    private(world, amina, False)
    assert listed(world, REQUESTS, amina) == [str(third.id), str(karim.id)]
    assert ask(world, karim, amina) == state(1, "following")
    assert answered(world, amina, "accept", third) == (200, {"follows_me": True, "followers_count": 2})
    assert listed(world, REQUESTS, amina) == []


@pytest.mark.rule("hamsaya:149")
@pytest.mark.parametrize("blocks", ["owner", "asker"])
def test_a_block_ends_requests_both_ways(world: World, blocks: str) -> None:
    amina, karim = private(world, world.person()), private(world, world.person())
    ask(world, karim, amina)
    ask(world, amina, karim)
    one, other = (amina, karim) if blocks == "owner" else (karim, amina)
    assert world.post(f"/api/v1/users/{other.id}/block", one).status_code == 200
    assert world.sql("SELECT 1 FROM follow_requests") == []
    assert answered(world, amina, "accept", karim)[0] == 404
    for who, whom in ((one, other), (other, one)):
        assert world.post(f"/api/v1/users/{whom.id}/follow", who).status_code == 409


def test_requests_of_those_who_went_away_are_gone(world: World) -> None:
    amina, karim, third = private(world, world.person()), world.person(), world.person()
    ask(world, karim, amina)
    ask(world, third, amina)
    suspend(world, karim)
    assert listed(world, REQUESTS, amina) == [str(third.id)]
    assert world.delete("/api/v1/users/me/account?reason=bye", third).status_code == 204
    assert listed(world, REQUESTS, amina) == []
    world.drain()
    assert [row["follower_id"] for row in world.sql("SELECT * FROM follow_requests")] == [karim.id]


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_only_somebody_else_is_answered(world: World, verb: str) -> None:
    amina = private(world, world.person())
    assert answered(world, amina, verb, amina)[0] == 422
    for nobody in ("00000000-0000-4000-8000-000000000000", "nobody"):
        assert world.post(f"{REQUESTS}/{nobody}/{verb}", amina).status_code == 404
        assert world.post(f"{REQUESTS}/{nobody}/{verb}").status_code in (401, 404)
    for path in (REQUESTS, REQUESTS + "/sent"):
        assert world.get(path).status_code == 401


def test_nobody_accepts_for_another(world: World) -> None:
    amina, karim, third = private(world, world.person()), world.person(), world.person()
    ask(world, karim, amina)
    assert answered(world, third, "accept", karim)[0] == 404
    assert answered(world, karim, "accept", amina)[0] == 404
    assert listed(world, REQUESTS, amina) == [str(karim.id)]


def test_lists_of_requests_go_page_by_page_with_one_query(world: World) -> None:
    amina = private(world, world.person())
    askers = [world.person() for _ in range(5)]
    for asker in askers:
        ask(world, asker, amina)
    expected = [str(asker.id) for asker in reversed(askers)]
    found, cursor = [], ""
    for _ in range(3):
        with counted(world) as seen:
            body = world.get(f"{REQUESTS}?limit=2{cursor}", amina).json()
        assert len(seen) == 1
        found += [entry["user"]["id"] for entry in body["data"]]
        cursor = f"&cursor={body['next_cursor']}"
    assert body["next_cursor"] is None
    assert found == expected
    by_offset = world.get(f"{REQUESTS}?limit=2&offset=2", amina).json()
    assert [entry["user"]["id"] for entry in by_offset["data"]] == expected[2:4]
    assert by_offset["total"] == 5
    assert world.get(f"{REQUESTS}?limit=0", amina).status_code == 422


# ---- what those outside do not see


def test_a_private_account_shows_whom_it_knows_to_followers_only(world: World) -> None:
    amina, fan, stranger = world.person(), world.person(), world.person()
    follow(world, fan, amina)
    follow(world, amina, stranger)
    private(world, amina)
    for which in ("followers", "following"):
        path = f"/api/v1/users/{amina.id}/{which}"
        assert world.get(path, fan).status_code == world.get(path, amina).status_code == 200
        # Being followed by a private account does not open it.
        assert world.get(path, stranger).status_code == world.get(path).status_code == 404
    assert world.get(f"/api/v1/users/{amina.id}", stranger).status_code == 200


def visible(world: World, post: str, viewer: Person | None) -> bool:
    """Whether a viewer sees a post: by its id, in the feed and among those of its author, which must agree."""
    one = world.get(f"/api/v1/posts/{post}", viewer)
    author = world.sql("SELECT user_id FROM posts WHERE id::text = $1", post)[0]["user_id"]
    lists = [
        [found["id"] for found in world.get(path, viewer).json()["data"]]
        for path in ("/api/v1/posts", f"/api/v1/users/{author}/posts")
    ]
    seen = {one.status_code == 200, *(post in ids for ids in lists)}
    assert len(seen) == 1, (one.status_code, lists)
    return seen.pop()


@pytest.mark.rule("hamsaya:89")
def test_posts_of_a_private_account_are_for_its_followers(world: World) -> None:
    amina, fan, stranger = world.person(), world.person(), world.person()
    follow(world, fan, amina)
    follow(world, amina, stranger)
    made = world.post("/api/v1/posts", amina, {"type": "FEED", "description": "bread"}).json()["id"]
    everyone = (None, stranger, fan, amina)
    assert [visible(world, made, viewer) for viewer in everyone] == [True] * 4
    private(world, amina)
    assert [visible(world, made, viewer) for viewer in everyone] == [False, False, True, True]
    for verb in ("like", "bookmark", "share"):
        assert world.post(f"/api/v1/posts/{made}/{verb}", stranger, {}).status_code == 404
        assert world.post(f"/api/v1/posts/{made}/{verb}", fan, {}).status_code in (200, 201)
    assert world.get(f"/api/v1/posts/{made}/comments", stranger).status_code == 404
    # Who shares it does not let others see it.
    (shared,) = world.get(f"/api/v1/users/{fan.id}/posts", stranger).json()["data"]
    assert shared["original_post"] is None
    (shared,) = world.get(f"/api/v1/users/{fan.id}/posts", fan).json()["data"]
    assert shared["original_post"]["id"] == made
    ask(world, stranger, amina)
    assert not visible(world, made, stranger)
    answered(world, amina, "accept", stranger)
    assert visible(world, made, stranger)


# ---- at the same moment


def _asked_at_once(world: World, times: int) -> tuple[Counter[int], int]:
    amina, karim = private(world, world.person()), world.person()
    path = f"/api/v1/users/{amina.id}/follow"

    async def run() -> list[int]:
        answers = await asyncio.gather(*(world.http.post(path, headers=karim.auth) for _ in range(times)))
        return [answer.status_code for answer in answers]

    return Counter(world.go(run())), len(facts(world, "FollowRequested"))


def test_requests_at_the_same_moment_are_one(clone: World) -> None:
    assert _asked_at_once(clone, 12) == ({200: 12}, 1)
    assert len(clone.sql("SELECT 1 FROM follow_requests")) == 1


def test_control_without_the_unique_key_they_are_many(clone: World) -> None:
    clone.sql("ALTER TABLE follow_requests DROP CONSTRAINT follow_requests_pkey")
    assert _asked_at_once(clone, 12) == ({200: 12}, 12)
    assert len(clone.sql("SELECT 1 FROM follow_requests")) == 12


async def _block_during_accept(world: World, amina: Person, karim: Person) -> None:
    """Let somebody be blocked while their request is being accepted."""

    async def block() -> None:
        async with world.app.db.tx() as tx:
            await service.block(tx, karim.me, amina.id)

    async with world.app.db.tx() as tx:
        await service.accept(tx, amina.me, karim.id)
        blocking = asyncio.create_task(block())
        await until_waiting(world, 1, blocking)
    await blocking


def test_a_block_waits_for_an_acceptance_and_ends_the_follow(clone: World) -> None:
    amina, karim = private(clone, clone.person()), clone.person()
    ask(clone, karim, amina)
    clone.go(_block_during_accept(clone, amina, karim))
    assert faults(clone) == []
    assert clone.sql("SELECT 1 FROM user_follows") == []


def test_whoever_follows_while_an_account_becomes_private_asks(clone: World) -> None:
    amina, karim = clone.person(), clone.person()

    async def run() -> dict[str, Any]:
        async with clone.app.db.tx() as tx:
            await tx.run("UPDATE privacy_settings SET is_private = true WHERE profile_id = $1", amina.id)
            asking = asyncio.create_task(
                clone.http.post(f"/api/v1/users/{amina.id}/follow", headers=karim.auth)
            )
            await until_waiting(clone, 1, asking)
        return dict((await asking).json())

    assert clone.go(run()) == state(0, "requested")


def test_control_without_the_lock_they_follow(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_PAIR", UNLOCKED)
    # The counter waits for the same row, so that it is out of the way for this.
    clone.sql("DROP TRIGGER user_follows_count ON user_follows")
    amina, karim = clone.person(), clone.person()

    async def run() -> dict[str, Any]:
        async with clone.app.db.tx() as tx:
            await tx.run("UPDATE privacy_settings SET is_private = true WHERE profile_id = $1", amina.id)
            path = f"/api/v1/users/{amina.id}/follow"
            return dict((await clone.http.post(path, headers=karim.auth)).json())

    assert clone.go(run()) == state(1, "following")
