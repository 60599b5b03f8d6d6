"""Stances on events: one of each person, counted, told to whoever invited."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.features.events.inviting import EVENTS, counts, invite, stand, when
from tests.features.posts.writing import POSTS, block, faults, friends, write
from tests.world import Person, World


def stored(world: World, event: dict[str, Any]) -> list[str]:
    rows = world.sql("SELECT event_state FROM event_interests WHERE post_id = $1", UUID(event["id"]))
    return sorted(row["event_state"] for row in rows)


@pytest.mark.rule("hamsaya:145", "hamsaya:132", "hamsaya:163")
def test_a_stance_is_one_and_replaces_the_one_before(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event = invite(world, amina)
    steps = [
        ("interested", 1, 0), ("interested", 1, 0), ("going", 0, 1), ("going", 0, 1), ("not_interested", 0, 0),
        ("not_interested", 0, 0), ("going", 0, 1), ("interested", 1, 0),
    ]  # fmt: skip
    for stance, interested, going in steps:
        answer = stand(world, bilal, event, stance)
        assert answer.status_code == 200
        assert answer.json() == {
            "my_event_state": stance, "interested_count": interested, "going_count": going,
        }  # fmt: skip
        assert counts(world, event) == (interested, going)
        assert stored(world, event) == [stance]
    assert stand(world, amina, event, "interested").json()["interested_count"] == 2
    world.sql("DELETE FROM event_interests WHERE user_id = $1 RETURNING 1", bilal.id)
    assert counts(world, event) == (1, 0)


@pytest.mark.rule("hamsaya:125", "hamsaya:132")
def test_counters_do_not_drop_below_zero(world: World) -> None:
    amina = world.person()
    event = invite(world, amina)
    stand(world, amina, event, "going")
    world.sql("UPDATE posts SET going_count = 0 WHERE id = $1 RETURNING 1", UUID(event["id"]))
    assert stand(world, amina, event, "interested").json() == {
        "my_event_state": "interested", "interested_count": 1, "going_count": 0,
    }  # fmt: skip


@pytest.mark.rule("hamsaya:146")
def test_an_event_that_is_over_takes_no_stance(world: World) -> None:
    amina, bilal = world.person(), world.person()
    over, running = invite(world, amina, -3, -1), invite(world, amina, -1, 1)
    for stance in ("interested", "going", "not_interested"):
        answer = stand(world, bilal, over, stance)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "event_over")
        assert stand(world, bilal, running, stance).status_code == 200
    assert stored(world, over) == []
    assert world.put(f"{POSTS}/{over['id']}", amina, when(1, 2)).status_code == 200
    assert stand(world, bilal, over, "going").status_code == 200


@pytest.mark.rule("hamsaya:146")
def test_only_events_that_one_may_see_take_a_stance(world: World) -> None:
    amina, bilal, friend = (world.person() for _ in range(3))
    friends(world, amina, friend)
    for kind in ("FEED", "SELL", "PULL"):
        post = write(world, amina, kind)
        assert stand(world, bilal, post, "going").status_code == 404
        for part in ("", "/interested", "/going", "/calendar.ics"):
            assert world.get(f"{EVENTS}/{post['id']}{part}", amina).status_code == 404, part
    event, private = invite(world, amina), invite(world, amina, visibility="PRIVATE")
    for_friends, hidden = invite(world, amina, visibility="FRIENDS"), invite(world, amina, status=False)
    assert stand(world, None, event, "going").status_code == 401
    assert stand(world, bilal, private, "going").status_code == 404
    assert stand(world, bilal, for_friends, "going").status_code == 404
    assert stand(world, friend, for_friends, "going").status_code == 200
    assert stand(world, amina, private, "going").status_code == 200
    assert stand(world, amina, hidden, "going").status_code == 404
    block(world, amina, bilal)
    assert stand(world, bilal, event, "going").status_code == 404
    world.delete(f"{POSTS}/{event['id']}", amina)
    assert stand(world, friend, event, "going").status_code == 404


@pytest.mark.parametrize(
    "body, field",
    [({"event_state": "maybe"}, "event_state"), ({"event_state": None}, "event_state"), ({}, "event_state")],
)
def test_a_bad_stance_is_named(world: World, body: dict[str, Any], field: str) -> None:
    amina = world.person()
    event = invite(world, amina)
    assert faults(world.post(f"{EVENTS}/{event['id']}/interest", amina, body)) == {field}


@pytest.mark.rule("hamsaya:85", "hamsaya:107")
def test_events_carry_the_viewers_stance(world: World) -> None:
    amina, bilal = world.person(), world.person()
    event, other = invite(world, amina, 5), invite(world, amina, 6)
    stand(world, bilal, event, "going")

    def seen(who: Person | None, path: str) -> dict[str, Any]:
        return {post["id"]: post["my_event_state"] for post in world.get(path, who).json()["data"]}

    for path in (EVENTS, POSTS, f"{POSTS}?type=EVENT&sort=trending", f"/api/v1/users/{amina.id}/posts"):
        assert seen(bilal, path) == {event["id"]: "going", other["id"]: None}, path
        assert seen(amina, path) == seen(None, path) == {event["id"]: None, other["id"]: None}
    found = world.get(f"{EVENTS}/{event['id']}", bilal).json()
    assert (found["my_event_state"], found["event_state"]) == ("going", "upcoming")
    assert (found["interested_count"], found["going_count"]) == (0, 1)
    assert found == world.get(f"{POSTS}/{event['id']}", bilal).json()
    shared = world.post(f"{POSTS}/{event['id']}/share", amina, {}).json()["share"]["shared_post_id"]
    assert world.get(f"{POSTS}/{shared}", bilal).json()["original_post"]["my_event_state"] == "going"
    for name in ("interested_count", "going_count", "event_state", "my_event_state"):
        assert faults(world.put(f"{POSTS}/{event['id']}", amina, {name: 1})) == {name}


@pytest.mark.rule("hamsaya:157")
def test_whoever_invited_is_told_once(world: World) -> None:
    amina, bilal, third = (world.person(name) for name in ("Amina", "Bilal", "Third"))
    event = invite(world, amina)
    for stance in ("interested", "going", "not_interested", "going"):
        stand(world, bilal, event, stance)
    stand(world, third, event, "not_interested")
    stand(world, amina, event, "going")
    world.drain()
    (note,) = world.get("/api/v1/notifications?category=EVENTS", amina).json()["data"]
    assert (note["type"], note["data"]) == (
        "EVENT_INTEREST",
        {"user_id": str(bilal.id), "post_id": event["id"]},
    )
    assert note["message"] == "Bilal Test takes an interest in your event."


def test_who_leaves_comes_to_nothing(world: World) -> None:
    amina, bilal = world.person(), world.person()
    first, second = invite(world, amina), invite(world, amina)
    stand(world, bilal, first, "going")
    stand(world, bilal, second, "interested")
    stand(world, amina, second, "interested")
    assert world.request("DELETE", "/api/v1/users/me/account", bilal, json={"reason": "other"}).is_success
    world.drain()
    assert (counts(world, first), counts(world, second)) == ((0, 0), (1, 0))


# ---- at once


@pytest.mark.rule("hamsaya:132", "hamsaya:145")
def test_200_stances_at_once_are_one(clone: World) -> None:
    event, bilal = invite(clone, clone.person()), clone.person()

    async def at_once() -> list[tuple[int, dict[str, Any]]]:
        path, body = f"{EVENTS}/{event['id']}/interest", {"event_state": "going"}
        sent = (clone.http.post(path, headers=bilal.auth, json=body) for _ in range(200))
        return [(answer.status_code, answer.json()) for answer in await asyncio.gather(*sent)]

    standing = {"my_event_state": "going", "interested_count": 0, "going_count": 1}
    assert clone.go(at_once()) == [(200, standing)] * 200
    assert (stored(clone, event), counts(clone, event)) == (["going"], (0, 1))
    facts = clone.sql("SELECT count(*) AS n FROM pgqueuer WHERE entrypoint LIKE '%:InterestShown'")
    assert facts == [{"n": 1}]


@pytest.mark.rule("hamsaya:132")
def test_many_people_at_once_count_exactly(clone: World) -> None:
    event = invite(clone, clone.person())
    people = [clone.person() for _ in range(12)]

    async def at_once() -> None:
        path = f"{EVENTS}/{event['id']}/interest"
        await asyncio.gather(
            *(
                clone.http.post(path, headers=who.auth, json={"event_state": stance})
                for who in people
                for stance in ("interested", "going", "not_interested", "going")
            )
        )

    clone.go(at_once())
    states = stored(clone, event)
    assert len(states) == 12
    assert counts(clone, event) == (states.count("interested"), states.count("going"))
    clone.sql(
        "ALTER TABLE event_interests DISABLE TRIGGER event_interests_count"
    )  # the control: the trigger counts
    before = counts(clone, event)
    stand(clone, clone.person(), event, "going")
    assert counts(clone, event) == before
    assert len(stored(clone, event)) == 13


def test_without_the_constraint_looking_first_would_let_two_in(clone: World) -> None:
    """The control of one stance per person: two who look before they write both find nothing."""
    event, bilal = invite(clone, clone.person()), clone.person()
    clone.sql("ALTER TABLE event_interests DROP CONSTRAINT one_stance")
    who = (UUID(event["id"]), bilal.id)

    async def one(looked: asyncio.Barrier) -> None:
        async with clone.app.db.tx() as tx:
            found = await tx.records("SELECT FROM event_interests WHERE post_id = $1 AND user_id = $2", *who)
            await looked.wait()
            if not found:
                await tx.run(
                    "INSERT INTO event_interests (id, post_id, user_id, event_state) VALUES ($1, $2, $3, 'going')",
                    uuid4(),
                    *who,
                )

    async def two() -> None:
        looked = asyncio.Barrier(2)
        await asyncio.gather(one(looked), one(looked))

    clone.go(two())
    assert stored(clone, event) == ["going", "going"]
