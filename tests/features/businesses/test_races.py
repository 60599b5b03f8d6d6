"""Many at the same moment. Every race is also run with its guard off, where it must go wrong."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from majlis.features.businesses import service, store
from majlis.kit.db import Query
from tests.features.businesses.trading import at, categories, opened
from tests.features.media.uploads import upload
from tests.waiting import until_waiting
from tests.world import Person, World

UNLOCKED = Query(store.Stored, store.LOCK.sql.replace("FOR NO KEY UPDATE", ""))


def sent(world: World, method: str, path: str, who: Person, times: int) -> Counter[int]:
    async def run() -> list[int]:
        calls = [world.http.request(method, path, headers=who.auth) for _ in range(times)]
        return [answer.status_code for answer in await asyncio.gather(*calls)]

    return Counter(world.go(run()))


def count(world: World, sql: str) -> int:
    found: int = world.sql(f"SELECT {sql} AS n FROM business_profiles")[0]["n"]
    return found


# ---- the same follow and the same look many times


@pytest.mark.rule("hamsaya:131", "hamsaya:140", "hamsaya:163")
def test_follows_at_the_same_moment_count_once(clone: World) -> None:
    business, karim = opened(clone, clone.person()), clone.person()
    assert sent(clone, "POST", at(business, "/follow"), karim, 12) == {200: 12}
    assert (count(clone, "total_follow"), len(clone.sql("SELECT 1 FROM business_profile_followers"))) == (
        1,
        1,
    )
    assert sent(clone, "DELETE", at(business, "/follow"), karim, 12) == {200: 12}
    assert count(clone, "total_follow") == 0


def test_control_without_the_unique_key_follows_count_many_times(clone: World) -> None:
    business, karim = opened(clone, clone.person()), clone.person()
    clone.sql("ALTER TABLE business_profile_followers DROP CONSTRAINT business_profile_followers_pkey")
    assert sent(clone, "POST", at(business, "/follow"), karim, 12) == {200: 12}
    assert count(clone, "total_follow") == 12


@pytest.mark.rule("hamsaya:131")
def test_many_followers_at_the_same_moment_are_all_counted(clone: World) -> None:
    business = opened(clone, clone.person())
    fans = [clone.person() for _ in range(12)]

    async def run() -> None:
        await asyncio.gather(*(clone.http.post(at(business, "/follow"), headers=fan.auth) for fan in fans))

    clone.go(run())
    assert count(clone, "total_follow") == 12


@pytest.mark.rule("hamsaya:133")
def test_looks_at_the_same_moment_count_once(clone: World) -> None:
    business, karim = opened(clone, clone.person()), clone.person()
    assert sent(clone, "GET", at(business), karim, 12) == {200: 12}
    assert count(clone, "total_views") == 1


def test_control_without_the_unique_key_looks_count_many_times(clone: World) -> None:
    business, karim = opened(clone, clone.person()), clone.person()
    clone.sql("ALTER TABLE business_views DROP CONSTRAINT business_views_pkey")
    assert sent(clone, "GET", at(business), karim, 12) == {200: 12}
    assert count(clone, "total_views") == 12


# ---- two sets of categories at once: one of them stays, not a mixture


def _sets(world: World, *, must_wait: bool) -> list[str]:
    amina = world.person()
    first, second, _ = map(UUID, categories(world))
    business = opened(world, amina)
    business_id = world.sql("SELECT id FROM business_profiles")[0]["id"]

    async def choose(category: UUID) -> None:
        async with world.app.db.tx() as tx:
            await service.set_categories(tx, amina.me, business_id, [category])

    async def run() -> None:
        async with world.app.db.tx() as tx:
            await service.set_categories(tx, amina.me, business_id, [first])
            choosing = asyncio.create_task(choose(second))
            await (until_waiting(world, 1, choosing) if must_wait else choosing)
        await choosing

    world.go(run())
    return [one["id"] for one in world.get(at(business, "/categories")).json()["data"]]


@pytest.mark.rule("hamsaya:136")
def test_of_two_sets_of_categories_the_later_stays(clone: World) -> None:
    assert len(_sets(clone, must_wait=True)) == 1


def test_control_without_the_lock_the_sets_mix(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK", UNLOCKED)
    assert len(_sets(clone, must_wait=False)) == 2


# ---- pictures


def test_of_avatars_sent_at_once_one_stays(clone: World) -> None:
    amina = clone.person()
    business = opened(clone, amina)
    path = at(business, "/avatar")
    picture = upload(clone, amina, to=path).json()["avatar"]
    assert sent_pictures(clone, path, amina, 4) == {200: 4}
    clone.drain()
    rows = clone.sql("SELECT object, attached FROM uploads")
    assert [row["attached"] for row in rows] == [1]
    kept = clone.get(at(business)).json()["avatar"]
    assert kept["url"].endswith(rows[0]["object"])
    assert kept != picture


def sent_pictures(world: World, path: str, who: Person, times: int) -> Counter[int]:
    from tests.features.media.uploads import jpeg

    async def run() -> list[int]:
        files = [{"file": ("a.jpg", jpeg(40 + number, 40))} for number in range(times)]
        calls = [world.http.post(path, files=one, headers=who.auth) for one in files]
        return [answer.status_code for answer in await asyncio.gather(*calls)]

    return Counter(world.go(run()))
