"""Comments, likes and deletions at the same moment. Every race is also run with its guard off, where it goes wrong."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.comments import service, store
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.comments.talking import (
    Json,
    answer,
    listed,
    of,
    row,
    say,
    total_comments,
    under,
    wrong_counters,
)
from tests.features.comments.test_pictures import photos
from tests.features.posts.writing import write
from tests.waiting import behind, until_waiting
from tests.world import Person, World

MANY = 50
MIGRATIONS = Path(store.__file__).parent / "migrations"
SOME = 8  # as many as stand still at once beside who holds them back


def at_once(world: World, *requests: Coroutine[Any, Any, Any]) -> Counter[int]:
    """How often each status was answered."""

    async def run() -> list[int]:
        return [got.status_code for got in await asyncio.gather(*requests)]

    return Counter(world.go(run()))


def people(world: World, count: int) -> list[Person]:
    return [world.person() for _ in range(count)]


def held_back(world: World, holding: str, *requests: Coroutine[Any, Any, Any]) -> Counter[int]:
    """The same, once all of them stand before what a statement holds."""

    async def run() -> list[int]:
        async with world.app.db.tx() as tx:
            await tx.records(holding)
            asked = [asyncio.ensure_future(one) for one in requests]
            await until_waiting(world, len(asked), *asked)
        return [got.status_code for got in await asyncio.gather(*asked)]

    return Counter(world.go(run()))


# ---- likes and comments


@pytest.mark.rule("hamsaya:128", "hamsaya:119")
def test_likes_at_once_count_exactly(clone: World) -> None:
    host = clone.person()
    comment = say(clone, host, write(clone, host))
    fans = people(clone, MANY // 2)
    path = of(comment, "/like")
    seen = at_once(clone, *(clone.http.post(path, headers=who.auth) for who in fans for _ in range(2)))
    assert seen == {200: MANY}
    assert row(clone, comment)["total_likes"] == len(fans)
    at_once(clone, *(clone.http.delete(path, headers=who.auth) for who in fans[5:] for _ in range(2)))
    assert row(clone, comment)["total_likes"] == 5
    assert wrong_counters(clone) == []


@pytest.mark.rule("hamsaya:127", "hamsaya:129")
def test_comments_at_once_count_exactly(clone: World) -> None:
    host = clone.person()
    post = write(clone, host)
    top = say(clone, host, post)
    crowd = people(clone, 5)
    requests = [
        clone.http.post(
            under(post),
            headers=who.auth,
            json={"text": "a", "parent_comment_id": top["id"] if n % 2 else None},
        )
        for n in range(MANY // 5)
        for who in crowd
    ]
    assert at_once(clone, *requests) == {201: MANY}
    assert total_comments(clone, post) == MANY + 1
    assert row(clone, top)["total_replies"] == MANY // 2
    assert wrong_counters(clone) == []


LOSING = """
CREATE OR REPLACE FUNCTION post_comment_likes_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before int;
BEGIN
  SELECT total_likes INTO before FROM post_comments WHERE id = NEW.comment_id;
  PERFORM pg_advisory_xact_lock_shared(1);
  UPDATE post_comments SET total_likes = before + 1 WHERE id = NEW.comment_id;
  RETURN NULL;
END $$
"""


def test_control_a_count_that_is_read_first_loses_likes(clone: World) -> None:
    clone.sql(LOSING)
    host = clone.person()
    comment = say(clone, host, write(clone, host))
    likes = [clone.http.post(of(comment, "/like"), headers=who.auth) for who in people(clone, SOME)]
    assert held_back(clone, "SELECT pg_advisory_xact_lock(1)", *likes) == {200: SOME}
    assert row(clone, comment)["total_likes"] == 1
    assert wrong_counters(clone) != []


# ---- deletions


def _delete_at_once(world: World) -> tuple[Counter[int], Json]:
    host = world.person()
    post = write(world, host)
    comments = [say(world, host, post) for _ in range(3)]
    requests = [world.http.delete(of(comments[0]), headers=host.auth) for _ in range(SOME)]
    return held_back(world, "SELECT 1 FROM post_comments FOR UPDATE", *requests), post


@pytest.mark.rule("hamsaya:134")
def test_deletions_of_one_comment_at_once_count_once(clone: World) -> None:
    seen, post = _delete_at_once(clone)
    assert seen == {204: 1, 404: SOME - 1}
    assert total_comments(clone, post) == 2
    assert wrong_counters(clone) == []


def test_control_without_lock_and_condition_they_all_succeed(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of the guard is the trigger, which still counts once."""
    monkeypatch.setattr(
        store, "LOCK", Query(store.Stored, store.LOCK.sql.replace("FOR NO KEY UPDATE OF c", ""))
    )
    monkeypatch.setattr(store, "DELETE", store.DELETE.replace("AND deleted_at IS NULL", ""))
    seen, post = _delete_at_once(clone)
    assert seen == {204: SOME}
    assert total_comments(clone, post) == 2


# ---- the last two below a tombstone


def _last_two_below_tombstones(world: World) -> bool:
    """Delete both leaves of a deleted thread at the same moment; whether its tombstone is left."""
    host, guest = world.person(), world.person()
    top = say(world, host, write(world, host))
    branches = [answer(world, host, top) for _ in range(2)]
    leaves = [answer(world, who, branch) for who, branch in zip((host, guest), branches, strict=True)]
    for comment in (*branches, top):
        assert world.delete(of(comment), host).status_code == 204

    async def second() -> None:
        async with world.app.db.tx() as tx:
            await service.delete(tx, guest.me, UUID(leaves[1]["id"]))

    async def run() -> None:
        async with world.app.db.tx() as tx:
            await service.delete(tx, host.me, UUID(leaves[0]["id"]))
            other = asyncio.create_task(second())
            await until_waiting(world, 1, other)
        await other

    world.go(run())
    return not row(world, top)["gone"]


@pytest.mark.rule("hamsaya:121")
def test_no_empty_tombstone_is_left(clone: World) -> None:
    assert _last_two_below_tombstones(clone) is False
    assert wrong_counters(clone) == []


def test_control_without_the_lock_an_empty_tombstone_is_left(clone: World) -> None:
    (found,) = clone.sql("SELECT pg_get_functiondef('post_comments_vanish'::regproc) AS sql")
    assert found["sql"].count("FOR NO KEY UPDATE") == 1
    clone.sql(found["sql"].replace("FOR NO KEY UPDATE", ""))
    assert _last_two_below_tombstones(clone) is True
    assert wrong_counters(clone) != []


# ---- a reply to what is being deleted


def _reply_during_deletion(world: World) -> tuple[int, Json, Json]:
    host, guest = world.person(), world.person()
    post = write(world, host)
    top = say(world, host, post)

    async def run() -> int:
        async with world.app.db.tx() as tx:
            await service.delete(tx, host.me, UUID(top["id"]))
            replying = asyncio.create_task(
                world.http.post(of(top, "/replies"), headers=guest.auth, json={"text": "Late"})
            )
            await until_waiting(world, 1, replying)
        return (await replying).status_code

    return world.go(run()), post, top


@pytest.mark.rule("hamsaya:118")
def test_a_reply_to_what_is_being_deleted_is_refused(clone: World) -> None:
    status, post, top = _reply_during_deletion(clone)
    assert status == 404
    assert (total_comments(clone, post), row(clone, top)["gone"]) == (0, True)


def test_control_without_the_lock_it_is_taken(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_PARENT", store.PARENT)
    status, post, _ = _reply_during_deletion(clone)
    assert status == 201
    assert len(listed(clone, under(post))) == 1


# ---- an answer that is deleted while pictures of its thread are looked at


def _deleted_during(world: World, work: str) -> int:
    """Delete an answer while its thread's pictures are settled or dropped, and somebody holds what it answers."""
    host = world.person()
    post = write(world, host)
    first, second = photos(world, host, 2)
    top = say(world, host, post, attachments=[first])
    reply = answer(world, host, top, attachments=[second])
    verb = {"settle": service.settle, "drop": service.drop_pictures}[work]

    async def delete() -> int:
        return (await world.http.delete(of(reply), headers=host.auth)).status_code

    holding = "SELECT 1 FROM post_comments WHERE id::text = $1 FOR UPDATE"
    both = verb(world.app, Me.system, UUID(post["id"])), delete()
    status: int = world.go(behind(world, holding, *both, args=(top["id"],)))[1]
    assert wrong_counters(world) == []
    return status


@pytest.mark.parametrize("work", ["settle", "drop"])
def test_an_answer_is_deleted_while_pictures_of_its_thread_change(clone: World, work: str) -> None:
    assert _deleted_during(clone, work) == 204


@pytest.mark.parametrize("work", ["settle", "drop"])
def test_control_where_the_thread_is_held_from_its_top_they_deadlock(
    clone: World, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    clone.sql((MIGRATIONS / "20261122T0621_answers_first.rollback.sql").read_text())
    forward = Query(store.Pictures, store.WITH_PICTURES.sql.replace("ORDER BY id DESC", "ORDER BY id"))
    monkeypatch.setattr(store, "WITH_PICTURES", forward)
    with contextlib.suppress(asyncpg.DeadlockDetectedError):  # PostgreSQL chooses who of the two gives way
        assert _deleted_during(clone, work) == 503


# ---- everything at once


def test_a_storm_in_one_thread_holds(clone: World) -> None:
    host = clone.person()
    post = write(clone, host)
    crowd = people(clone, 6)
    tops = [say(clone, who, post) for who in crowd[:3]]
    comments = tops + [answer(clone, who, top) for who in crowd[:3] for top in tops]
    comments += [answer(clone, crowd[0], comment) for comment in comments]

    def storm() -> list[Coroutine[Any, Any, Any]]:
        found: list[Coroutine[Any, Any, Any]] = []
        for n, comment in enumerate(comments):
            for who in crowd[:2]:
                found.append(clone.http.post(of(comment, "/like"), headers=who.auth))
                found.append(clone.http.post(of(comment, "/replies"), headers=who.auth, json={"text": "a"}))
            found.append(clone.http.put(of(comment), headers=host.auth, json={"text": "b"}))
            if n % 2:
                found += [clone.http.delete(of(comment), headers=host.auth) for _ in range(2)]
        return found

    seen = at_once(clone, *storm())
    assert set(seen) <= {200, 201, 204, 403, 404}, seen
    assert seen[204] == len(comments) // 2
    assert wrong_counters(clone) == []
