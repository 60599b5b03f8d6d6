"""Posts that the server publishes at their time: once, or not at all and with the reason told."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.drafts import handlers, service, store
from majlis.features.identity import service as identity
from majlis.kit import clock, facts, jobs, limits
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.drafts.drafting import DRAFTS, ahead, keep, moment, read, texts, work
from tests.features.posts.writing import POSTS, body_of, category, faults
from tests.waiting import until_waiting
from tests.world import Person, World

FILTERS = "/api/v1/moderation/filters"


def told(world: World, who: Person) -> list[dict[str, Any]]:
    """What somebody is told by nobody in particular, newest first."""
    answer = world.get("/api/v1/notifications", who, params={"type": "SYSTEM"})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_it_is_published_at_its_time_and_not_before(world: World) -> None:
    amina, bilal = world.person(), world.person()
    draft = keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=2))
    work(world, hours=1, minutes=59)
    assert texts(world, amina) == []
    assert read(world, amina, draft) == draft
    work(world, hours=2, seconds=1)
    assert read(world, amina, draft) is None
    (post,) = world.get(POSTS, bilal, params={"user_id": str(amina.id)}).json()["data"]
    assert post["description"] == draft["description"]
    assert moment(post["created_at"]) >= moment(draft["publish_at"])
    work(world, hours=3)
    assert len(texts(world, amina)) == 1


def test_followers_are_told_then(world: World) -> None:
    amina, bilal = world.person(), world.person()
    assert world.post(f"/api/v1/users/{amina.id}/follow", bilal).status_code == 200
    keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=2))
    world.drain()

    def announced() -> int:
        return len(
            world.get("/api/v1/notifications", bilal, params={"type": "POST_PUBLISHED"}).json()["data"]
        )

    assert announced() == 0
    work(world, hours=3)
    assert announced() == 1


@pytest.mark.parametrize("kind", ["EVENT", "SELL", "PULL"])
def test_every_type_can_wait(world: World, kind: str) -> None:
    amina = world.person()
    body = body_of(world, kind)
    draft = keep(world, amina, **body, publish_at=ahead(days=1))
    assert {name: draft[name] for name in body} == body
    work(world, days=1, minutes=1)
    (post,) = world.get("/api/v1/users/me/posts", amina).json()["data"]
    assert post["type"] == kind
    assert kind != "PULL" or len(post["poll"]["options"]) == 2


def test_the_time_is_ahead_by_at_most_a_year(world: World) -> None:
    amina = world.person()
    body = body_of(world, "FEED")
    for time in (ahead(minutes=-1), ahead(days=366), "1700-01-01T00:00:00Z"):
        assert faults(world.post(DRAFTS, amina, {**body, "publish_at": time})) == {"publish_at"}
    draft = keep(world, amina, **body, publish_at=ahead(days=364))
    assert faults(world.put(f"{DRAFTS}/{draft['id']}", amina, {"publish_at": ahead(days=-1)})) == {
        "publish_at"
    }


def test_a_time_with_an_offset_is_that_moment(world: World) -> None:
    amina = world.person()
    local = moment(ahead(hours=2)).astimezone(tz=None).isoformat()
    draft = keep(world, amina, **body_of(world, "FEED"), publish_at=local)
    assert moment(draft["publish_at"]) == moment(local)


def test_what_could_not_be_published_gets_no_time(world: World) -> None:
    amina, moderator = world.person(), world.person(role="moderator")
    rule = {"kind": "word", "pattern": "scam", "action": "refuse"}
    assert world.post(FILTERS, moderator, rule).status_code == 201
    later = ahead(hours=1)
    for body, wrong in (
        ({}, {"type"}),
        ({"type": "FEED"}, {"description"}),
        ({"type": "SELL", "title": "a", "free": True, "category_id": str(amina.id)}, {"category_id"}),
        ({"type": "PULL", "poll_options": ["one"]}, {"poll_options"}),
        ({"type": "FEED", "description": "no scam"}, {"description"}),
    ):
        assert faults(world.post(DRAFTS, amina, {**body, "publish_at": later})) == wrong
        draft = keep(world, amina, **body)
        assert faults(world.put(f"{DRAFTS}/{draft['id']}", amina, {"publish_at": later})) == wrong
        assert read(world, amina, draft) == draft
    assert world.sql("SELECT 1 FROM posts") == []
    ready = keep(world, amina, **body_of(world, "FEED"), publish_at=later)
    assert faults(world.put(f"{DRAFTS}/{ready['id']}", amina, {"description": None})) == {"description"}
    assert read(world, amina, ready) == ready


def test_checking_leaves_nothing_behind(world: World) -> None:
    amina = world.person()
    waits = "SELECT count(*) FROM pgqueuer"
    before = world.sql(waits)
    keep(world, amina, **body_of(world, "PULL"), publish_at=ahead(hours=1))
    assert world.sql("SELECT 1 FROM posts") == world.sql("SELECT 1 FROM polls") == []
    assert world.sql(waits) == before
    assert world.get("/api/v1/users/me", amina).json()["posts_count"] == 0


def test_a_schedule_can_be_moved_taken_off_and_overtaken(world: World) -> None:
    amina = world.person()
    moved, off, early = (
        keep(world, amina, type="FEED", description=text, publish_at=ahead(hours=1))
        for text in ("moved", "off", "early")
    )
    assert world.put(f"{DRAFTS}/{moved['id']}", amina, {"publish_at": ahead(hours=5)}).status_code == 200
    assert world.put(f"{DRAFTS}/{off['id']}", amina, {"publish_at": None}).json()["publish_at"] is None
    assert world.post(f"{DRAFTS}/{early['id']}/publish", amina).status_code == 201
    work(world, hours=2)
    assert texts(world, amina) == ["early"]
    work(world, hours=6)
    assert texts(world, amina) == ["moved", "early"]
    assert read(world, amina, off) is not None


def test_no_more_wait_for_one_hour_than_could_be_written_in_it(world: World) -> None:
    amina, bilal = world.person(), world.person()
    body = body_of(world, "FEED")
    for n in range(limits.POST.amount):
        keep(world, amina, **body, publish_at=ahead(hours=5, minutes=n))
    crowded = world.post(DRAFTS, amina, {**body, "publish_at": ahead(hours=5, minutes=30)})
    assert faults(crowded) == {"publish_at"}
    assert world.post(DRAFTS, amina, {**body, "publish_at": ahead(hours=8)}).status_code == 201
    assert world.post(DRAFTS, bilal, {**body, "publish_at": ahead(hours=5)}).status_code == 201


# ---- what has changed since it was scheduled


def suspend(world: World, who: Person, suspended: bool = True) -> None:
    async def run() -> None:
        async with world.app.db.tx() as tx:
            await identity.suspend(tx, Me.system, who.email, suspended, reason="spam")

    world.go(run())
    world.drain()


def forbid(world: World, who: Person) -> None:
    moderator = world.person(role="moderator")
    rule = {"kind": "word", "pattern": "carpet", "action": "refuse"}
    assert world.post(FILTERS, moderator, rule).status_code == 201


def close_category(world: World, who: Person) -> None:
    world.sql(
        "UPDATE sell_categories SET status = 'INACTIVE' WHERE id = $1::uuid RETURNING 1", category(world)
    )


FAILURES: list[tuple[Callable[[World, Person], None], str, set[str]]] = [
    (forbid, "refused_words", {"title"}),
    (close_category, "invalid", {"category_id"}),
    (suspend, "account_deactivated", set()),
]


@pytest.mark.parametrize("change, code, fields", FAILURES)
def test_what_is_refused_then_stays_a_draft_and_its_author_is_told(
    world: World, change: Callable[[World, Person], None], code: str, fields: set[str]
) -> None:
    amina = world.person()
    draft = keep(world, amina, **body_of(world, "SELL"), publish_at=ahead(hours=1))
    change(world, amina)
    work(world, hours=1, minutes=1)
    (kept,) = world.sql("SELECT publish_at, failure FROM drafts WHERE id = $1::uuid", draft["id"])
    assert kept["publish_at"] is None and kept["failure"]["code"] == code
    assert {fault["field"] for fault in kept["failure"]["details"]} == fields
    assert world.sql("SELECT 1 FROM posts") == []
    (note,) = world.sql("SELECT title, message, data FROM notifications WHERE user_id = $1", amina.id)
    assert note["title"] == "Not published" and kept["failure"]["message"] in note["message"]
    assert note["data"] == {"draft_id": draft["id"]}
    work(world, hours=2)
    assert len(world.sql("SELECT 1 FROM notifications WHERE user_id = $1", amina.id)) == 1


def test_a_failure_is_read_by_its_owner_and_goes_with_the_next_change(world: World) -> None:
    amina = world.person()
    draft = keep(world, amina, **body_of(world, "SELL"), publish_at=ahead(hours=1))
    forbid(world, amina)
    work(world, hours=2)
    found = read(world, amina, draft)
    assert found is not None and found["failure"]["code"] == "refused_words"
    assert [note["data"] for note in told(world, amina)] == [{"draft_id": draft["id"]}]
    path = f"{DRAFTS}/{draft['id']}"
    changed = world.put(path, amina, {"title": "Rug", "publish_at": ahead(hours=3)})
    assert changed.status_code == 200 and changed.json()["failure"] is None
    work(world, hours=4)
    assert read(world, amina, draft) is None and len(told(world, amina)) == 1


def test_what_a_filter_holds_waits_for_a_moderator_as_any_post(world: World) -> None:
    amina, moderator = world.person(), world.person(role="moderator")
    rule = {"kind": "word", "pattern": "bread", "action": "hold"}
    assert world.post(FILTERS, moderator, rule).status_code == 201
    draft = keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=1))
    work(world, hours=2)
    assert read(world, amina, draft) is None
    assert [row["hidden_as"] for row in world.sql("SELECT hidden_as FROM posts")] == ["HELD_NEW"]


def test_a_deleted_account_publishes_nothing(world: World) -> None:
    amina = world.person()
    keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=1))
    world.sql("UPDATE users SET deleted_at = now() WHERE id = $1 RETURNING 1", amina.id)
    world.sql("UPDATE profiles SET deleted_at = now() WHERE id = $1 RETURNING 1", amina.id)
    work(world, hours=2)
    assert world.sql("SELECT 1 FROM posts") == world.sql("SELECT 1 FROM notifications") == []


def test_what_the_server_slept_through_is_not_published_days_later(world: World) -> None:
    amina = world.person()
    draft = keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=1))
    work(world, days=3)
    assert texts(world, amina) == []
    found = read(world, amina, draft)
    assert found is not None and found["failure"]["details"][0]["code"] == "too_late"


# ---- once


def test_a_job_that_runs_again_publishes_nothing_more(world: World) -> None:
    amina = world.person()
    draft = keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=1))
    with clock.shifted(timedelta(hours=2)):
        for _ in range(3):
            world.go(handlers.publish(world.app, handlers.Due(UUID(draft["id"]))))
    assert len(texts(world, amina)) == 1


def test_an_error_of_the_server_leaves_it_scheduled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = world.person()
    draft = keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=1))
    with monkeypatch.context() as broken:
        broken.setattr(store, "REMOVE", "DELETE FROM no_such_table WHERE id = $1")
        with pytest.raises(Exception, match="no_such_table"):
            work(world, hours=2)
    assert texts(world, amina) == [] and read(world, amina, draft) == draft
    work(world, hours=2)
    assert len(texts(world, amina)) == 1


def publish_at_once(world: World, count: int) -> int:
    """Publish one draft by so many jobs that are all at it at the same moment; how many posts there are then.

    Nobody gets further than to the post until all of them wait.
    """
    amina = world.person()
    draft = UUID(keep(world, amina, **body_of(world, "FEED"), publish_at=ahead(hours=1))["id"])

    async def run() -> None:
        async with world.app.db.tx() as gate:
            await gate.run("LOCK TABLE posts IN SHARE MODE")
            work = [
                asyncio.create_task(service.publish_due(world.app, Me.system, draft)) for _ in range(count)
            ]
            await until_waiting(world, count, *work)
        await asyncio.gather(*work)

    with clock.shifted(timedelta(hours=2)):
        world.go(run())
    return len(texts(world, amina))


def test_jobs_at_once_make_one_post(clone: World) -> None:
    assert publish_at_once(clone, 4) == 1


def test_control_without_the_lock_they_make_several(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK", Query(store.Stored, store.LOCK.sql.replace("FOR UPDATE", "")))
    assert publish_at_once(clone, 4) > 1


def test_two_workers_publish_each_once(clone: World) -> None:
    amina = clone.person()
    for n in range(8):
        keep(clone, amina, type="FEED", description=str(n), publish_at=ahead(hours=1))

    async def run() -> None:
        await asyncio.gather(*(handlers.find_due(clone.app) for _ in range(2)))
        await asyncio.gather(*(jobs.drain(clone.app, clone.app.db, facts.registry) for _ in range(2)))

    with clock.shifted(timedelta(hours=2)):
        clone.go(run())
    assert sorted(text or "" for text in texts(clone, amina)) == [str(n) for n in range(8)]


def test_by_hand_by_the_clock_and_deleted_at_once(clone: World) -> None:
    amina = clone.person()
    drafts = [
        keep(clone, amina, type="FEED", description=str(n), publish_at=ahead(seconds=60)) for n in range(6)
    ]

    async def run() -> list[tuple[int, int]]:
        found = [
            asyncio.gather(
                clone.http.delete(f"{DRAFTS}/{draft['id']}", headers=amina.auth),
                service.publish_due(clone.app, Me.system, UUID(draft["id"])),
                clone.http.post(f"{DRAFTS}/{draft['id']}/publish", headers=amina.auth),
            )
            for draft in drafts
        ]
        return [(deleted.status_code, made.status_code) for deleted, _, made in await asyncio.gather(*found)]

    with clock.shifted(timedelta(minutes=2)):
        ended = clone.go(run())
    assert {status for pair in ended for status in pair} <= {201, 204, 404}, ended
    assert (204, 201) not in ended
    assert len(texts(clone, amina)) == len(drafts) - sum(deleted == 204 for deleted, _ in ended)
    assert clone.sql("SELECT 1 FROM drafts") == []


@pytest.mark.settings(geocoder="offline")
def test_its_place_is_named_by_the_server(world: World) -> None:
    amina = world.person()
    body = body_of(world, "FEED", address_location={"lat": 34.5, "lng": 69.2})
    keep(world, amina, **body, publish_at=ahead(hours=1))
    by_hand = keep(world, amina, **body)
    work(world, hours=2)
    assert world.post(f"{DRAFTS}/{by_hand['id']}/publish", amina).status_code == 201
    found = world.get("/api/v1/users/me/posts", amina).json()["data"]
    assert [post["country"] for post in found] == ["Afghanistan"] * 2
