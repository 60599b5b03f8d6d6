"""Reposts, and what their authors hear of them."""

from typing import Any
from uuid import UUID

import pytest

from majlis.features.notifications import handlers
from majlis.features.posts.model import NotShareable
from majlis.features.reposts import service
from majlis.features.reposts.facts import Reposted, Unreposted
from majlis.features.reposts.model import RepostState
from majlis.kit.errors import NotFound, Unauthenticated
from majlis.kit.me import Me
from tests.features.posts.writing import block, friends, write
from tests.world import Person, World


def do(world: World, who: Person, verb: Any, post_id: str) -> RepostState:
    async def run() -> RepostState:
        async with world.app.db.tx() as tx:
            state: RepostState = await verb(tx, who.me, UUID(post_id))
            return state

    return world.go(run())


def told(world: World, who: Person) -> list[tuple[str, bool]]:
    world.drain()
    notes = world.get("/api/v1/notifications", who).json()["data"]
    return [(note["message"], note["read"]) for note in notes if note["type"] == "POST_REPOST"]


@pytest.mark.rule("x18:D6", "x18:R28")
def test_a_repost_counts_once_and_can_be_taken_back(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = write(world, amina)["id"]
    for _ in range(2):
        assert do(world, bilal, service.repost, made) == RepostState(True, 1)
    assert do(world, amina, service.repost, made) == RepostState(True, 2)
    for _ in range(2):
        assert do(world, bilal, service.unrepost, made) == RepostState(False, 1)
    assert world.sql("SELECT total_reposts FROM posts") == [{"total_reposts": 1}]


def test_what_may_be_reposted(world: World) -> None:
    amina, bilal = world.person(), world.person()
    friends(world, amina, bilal)
    for_friends, hidden = (
        write(world, amina, visibility="FRIENDS")["id"],
        write(world, amina, status=False)["id"],
    )
    with pytest.raises(NotShareable):
        do(world, bilal, service.repost, for_friends)
    with pytest.raises(NotFound):
        do(world, bilal, service.repost, hidden)
    made = write(world, amina)["id"]
    block(world, amina, bilal)
    for verb in (service.repost, service.unrepost):
        with pytest.raises(NotFound):
            do(world, bilal, verb, made)
    assert world.sql("SELECT 1 FROM post_reposts") == []

    async def nobody() -> None:
        async with world.app.db.tx() as tx:
            await service.repost(tx, Me.anonymous, UUID(made))

    with pytest.raises(Unauthenticated):
        world.go(nobody())


@pytest.mark.rule("x18:D12")
def test_the_author_is_told_once_until_it_is_taken_back(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    made = write(world, amina)["id"]
    do(world, amina, service.repost, made)
    assert told(world, amina) == []
    for _ in range(2):
        do(world, bilal, service.repost, made)
        assert told(world, amina) == [("Bilal Test reposted your post.", False)]
        do(world, bilal, service.unrepost, made)
        assert told(world, amina) == []
    do(world, bilal, service.repost, made)
    assert len(told(world, amina)) == 1
    world.put("/api/v1/notifications/read-all", amina)
    do(world, bilal, service.unrepost, made)
    assert told(world, amina) == [("Bilal Test reposted your post.", True)]
    do(world, bilal, service.repost, made)
    assert len(told(world, amina)) == 1


@pytest.mark.rule("x18:D12")
def test_what_was_taken_back_before_anybody_was_told_is_never_told(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = write(world, amina)["id"]
    world.drain()
    do(world, bilal, service.repost, made)
    do(world, bilal, service.unrepost, made)
    assert told(world, amina) == []


@pytest.mark.rule("x18:D12")
def test_the_order_in_which_jobs_run_does_not_matter(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = UUID(write(world, amina)["id"])

    async def late() -> None:
        async with world.app.db.tx() as tx:
            await handlers.tell_no_more_of_repost(tx, Unreposted(made, bilal.id))
            await handlers.tell_of_repost(tx, Reposted(made, bilal.id))

    world.go(late())
    assert told(world, amina) == []
    do(world, bilal, service.repost, str(made))
    assert len(told(world, amina)) == 1
    world.go(late())
    assert len(told(world, amina)) == 1


def test_each_change_leaves_one_fact(clone: World) -> None:
    amina, bilal = clone.person(), clone.person()
    made = write(clone, amina)["id"]
    clone.sql("DELETE FROM pgqueuer RETURNING 1")
    for verb in (service.repost, service.repost, service.unrepost, service.unrepost):
        do(clone, bilal, verb, made)
    stored = [row["entrypoint"] for row in clone.sql("SELECT entrypoint FROM pgqueuer ORDER BY id")]
    assert stored == [
        "notifications.handlers.tell_of_repost:Reposted",
        "notifications.handlers.tell_no_more_of_repost:Unreposted",
    ]


def test_reposts_go_with_who_made_them(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = write(world, amina)["id"]
    do(world, bilal, service.repost, made)
    world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", bilal.id)
    assert world.sql("SELECT total_reposts FROM posts") == [{"total_reposts": 0}]
    assert world.sql("SELECT 1 FROM post_heats") == []
