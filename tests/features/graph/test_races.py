"""Follows and blocks at the same moment. Every race is also run with its guard off, where it must go wrong."""

import asyncio
from collections import Counter

import asyncpg
import pytest

from majlis.features.graph import service, store
from majlis.kit.db import Query
from tests.waiting import until_waiting
from tests.world import Person, World

UNLOCKED = Query(store.Locked, store.LOCK_PAIR.sql.replace("FOR NO KEY UPDATE", ""))
UNORDERED_TRIGGER = """
CREATE OR REPLACE FUNCTION user_follows_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM profile_count(NEW.following_id, 1, 0, 0);
  PERFORM profile_count(NEW.follower_id, 0, 1, 0);
  RETURN NULL;
END $$
"""


def faults(world: World) -> list[str]:
    """What must never be: follows beside blocks, and counters that do not hold."""
    beside = world.sql("""SELECT 1 FROM user_follows f JOIN user_blocks b
      ON (b.blocker_id, b.blocked_id) IN ((f.follower_id, f.following_id), (f.following_id, f.follower_id))""")
    wrong = world.sql("""SELECT 1 FROM profiles p
      WHERE followers_count <> (SELECT count(*) FROM user_follows WHERE following_id = p.id)
         OR following_count <> (SELECT count(*) FROM user_follows WHERE follower_id = p.id)""")
    return ["follow beside block"] * len(beside) + ["wrong counter"] * len(wrong)


# ---- a block that comes while a follow is not yet committed


async def _block_during_follow(world: World, amina: Person, karim: Person, *, must_wait: bool) -> None:
    async def block() -> None:
        async with world.app.db.tx() as tx:
            await service.block(tx, amina.me, karim.id)

    async with world.app.db.tx() as tx:
        await service.follow(tx, karim.me, amina.id)
        blocking = asyncio.create_task(block())
        await (until_waiting(world, 1, blocking) if must_wait else blocking)
    await blocking


@pytest.mark.rule("hamsaya:149")
def test_a_block_waits_for_a_follow_and_ends_it(clone: World) -> None:
    amina, karim = clone.person(), clone.person()
    clone.go(_block_during_follow(clone, amina, karim, must_wait=True))
    assert faults(clone) == []
    assert [row["n"] for row in clone.sql("SELECT count(*) AS n FROM user_blocks")] == [1]


def test_control_without_the_lock_the_follow_stays_beside_the_block(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_PAIR", UNLOCKED)
    amina, karim = clone.person(), clone.person()
    clone.go(_block_during_follow(clone, amina, karim, must_wait=False))
    assert faults(clone) == ["follow beside block"]


# ---- two people who follow each other at the same moment


async def _mutual(world: World, first: Person, second: Person) -> None:
    """Queue for one row that somebody else holds: first the one who needs it first, then the other."""

    async def follow(who: Person, whom: Person) -> None:
        async with world.app.db.tx() as tx:
            await service.follow(tx, who.me, whom.id)

    async with world.app.db.tx() as holder:
        await holder.run("SELECT 1 FROM profiles WHERE id = $1 FOR NO KEY UPDATE", first.id)
        one = asyncio.create_task(follow(second, first))
        await until_waiting(world, 1, one)
        other = asyncio.create_task(follow(first, second))
        await until_waiting(world, 2, one, other)
    await asyncio.gather(one, other)


@pytest.mark.parametrize("turn", [False, True])
def test_mutual_follows_do_not_deadlock(clone: World, turn: bool) -> None:
    pair = sorted((clone.person(), clone.person()), key=lambda person: person.id, reverse=turn)
    clone.go(_mutual(clone, *pair))
    assert faults(clone) == []
    assert [row["n"] for row in clone.sql("SELECT count(*) AS n FROM user_follows")] == [2]


def test_control_without_an_order_mutual_follows_deadlock(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_PAIR", UNLOCKED)
    clone.sql(UNORDERED_TRIGGER)
    with pytest.raises(asyncpg.DeadlockDetectedError):
        clone.go(_mutual(clone, clone.person(), clone.person()))


# ---- the same follow many times at once


def _follow_at_once(world: World, times: int) -> tuple[Counter[int], int, int]:
    amina, karim = world.person(), world.person()
    path = f"/api/v1/users/{amina.id}/follow"

    async def run() -> list[int]:
        answers = await asyncio.gather(*(world.http.post(path, headers=karim.auth) for _ in range(times)))
        return [answer.status_code for answer in answers]

    statuses = Counter(world.go(run()))
    count = world.get(f"/api/v1/users/{amina.id}").json()["followers_count"]
    queued = world.sql("SELECT count(DISTINCT id) AS n FROM pgqueuer WHERE entrypoint LIKE '%:UserFollowed'")
    return statuses, count, queued[0]["n"]


@pytest.mark.rule("hamsaya:147", "hamsaya:163")
def test_follows_at_the_same_moment_count_once(clone: World) -> None:
    handlers = len(facts_handlers())
    assert _follow_at_once(clone, 12) == ({200: 12}, 1, handlers)
    assert faults(clone) == []


def test_control_without_the_unique_key_they_count_many_times(clone: World) -> None:
    clone.sql("ALTER TABLE user_follows DROP CONSTRAINT user_follows_pkey")
    statuses, count, _ = _follow_at_once(clone, 12)
    assert statuses == {200: 12}
    assert count == 12


def facts_handlers() -> list[str]:
    from majlis.features.graph.facts import UserFollowed
    from majlis.kit.facts import registry

    return registry.by_fact.get(UserFollowed, [])


# ---- everything at once


def test_a_storm_of_follows_and_blocks_among_few_people_holds(clone: World) -> None:
    people = [clone.person() for _ in range(4)]
    pairs = [(one, other) for one in people for other in people if one is not other]

    async def run() -> Counter[int]:
        seen: Counter[int] = Counter()
        for method, verb in (("POST", "follow"), ("POST", "block"), ("DELETE", "block"), ("POST", "follow")):
            calls = [
                clone.http.request(method, f"/api/v1/users/{other.id}/{verb}", headers=one.auth)
                for one, other in pairs
            ]
            calls += [
                clone.http.request(
                    "DELETE" if index % 3 else "POST", f"/api/v1/users/{one.id}/follow", headers=other.auth
                )
                for index, (one, other) in enumerate(pairs)
            ]
            seen.update(answer.status_code for answer in await asyncio.gather(*calls))
        return seen

    seen = clone.go(run())
    assert set(seen) <= {200, 404, 409}, seen
    assert seen[200] > 50
    assert faults(clone) == []
