"""From what happens to a device: who gets a push, what it says, what becomes of those that fail."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from majlis import main
from majlis.features.notifications import handlers, service
from majlis.features.notifications.facts import Told
from majlis.features.notifications.model import Again
from majlis.kit import clock, facts, jobs
from majlis.kit.me import Me
from majlis.vendors import push, push_web
from tests.features.posts.writing import block, write
from tests.features.push.phones import pushed, register
from tests.vendors.pushers import Browser, Firebase, PushService, running
from tests.world import Person, World

PRIVATE, PUBLIC = push_web.new_key()
SETTINGS = "/api/v1/settings/notifications"


def like(world: World, who: Person, post: dict[str, Any]) -> None:
    answer = world.post(f"/api/v1/posts/{post['id']}/like", who)
    assert answer.status_code == 200, answer.text


def bodies(world: World) -> list[str]:
    """What devices showed, once all due jobs have run."""
    world.drain()
    return [told["push"]["body"] for told in pushed(world)]


@contextmanager
def by(world: World, firebase: Firebase, service: PushService | None = None) -> Iterator[None]:
    """Pushes go to these servers, as settings say."""
    given = msgspec.structs.replace(
        world.app.settings, fcm_credentials=firebase.credentials(), fcm_url=firebase.url,
        vapid_key=PRIVATE, webpush_hosts=service.url if service else "",
    )  # fmt: skip
    before = world.app.pusher
    world.app.pusher = push.from_settings(given)
    try:
        yield
    finally:
        world.go(world.app.pusher.aclose())
        world.app.pusher = before


@pytest.fixture
def firebase() -> Iterator[Firebase]:
    with running(Firebase()) as server:
        yield server


@pytest.fixture
def browsers() -> Iterator[PushService]:
    with running(PushService()) as server:
        server.public_key = PUBLIC
        yield server


def later(world: World) -> list[dict[str, Any]]:
    """The pushes that wait for another attempt, and in how many seconds they are due."""
    return world.sql(
        """SELECT convert_from(payload, 'UTF8')::jsonb AS again,
          extract(epoch FROM execute_after - now())::float AS seconds
        FROM pgqueuer WHERE entrypoint = 'notifications.handlers.push_again' ORDER BY id"""
    )


def drain_later(world: World) -> None:
    """Run what waits, whenever it is due."""
    world.go(jobs.drain(world.app, world.app.db, facts.registry, ahead=timedelta(days=1)))


# ---- what is pushed


@pytest.mark.rule("hamsaya:155")
def test_a_push_has_title_words_and_ids(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    register(world, amina, "token-1")
    post = write(world, amina)
    like(world, karim, post)
    assert bodies(world) == ["Karim Test liked your post."]
    (told,) = pushed(world)
    note = world.get("/api/v1/notifications", amina).json()["data"][0]
    assert told["to"]["token"] == "token-1"
    assert (told["push"]["title"], told["push"]["tag"]) == ("New like", note["id"])
    assert told["push"]["data"] == {
        "type": "POST_LIKE", "notification_id": note["id"], "user_id": str(karim.id), "post_id": post["id"],
    }  # fmt: skip


def test_nothing_is_sent_within_a_request(world: World, firebase: Firebase) -> None:
    amina, karim = world.person(), world.person()
    register(world, amina, "token-1")
    with by(world, firebase):
        post = write(world, amina)
        like(world, karim, post)
        assert firebase.tried == []
        world.drain()
        assert firebase.to() == ["token-1"]


def test_who_has_no_device_costs_no_job(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina)
    world.drain()
    like(world, karim, post)
    assert world.drain() == 1, "the like is told; nothing is to be sent"


@pytest.mark.rule("hamsaya:157")
def test_without_push_the_notification_remains(world: World) -> None:
    amina, karim = world.person(), world.person()
    register(world, amina, "token-1")
    world.put(SETTINGS, amina, {"category": "POSTS", "push_pref": False})
    like(world, karim, write(world, amina))
    assert bodies(world) == []
    assert len(world.get("/api/v1/notifications", amina).json()["data"]) == 1
    world.put(SETTINGS, amina, {"category": "POSTS", "push_pref": True})
    like(world, karim, write(world, amina))
    assert len(bodies(world)) == 1


@pytest.mark.rule("hamsaya:157")
def test_another_categorys_preference_does_not_matter(world: World) -> None:
    amina, karim = world.person(), world.person()
    register(world, amina, "token-1")
    every = [{"category": name, "push_pref": False} for name in ("MESSAGES", "EVENTS", "SALES")]
    world.put(SETTINGS, amina, {"settings": every})
    like(world, karim, write(world, amina))
    assert len(bodies(world)) == 1


@pytest.mark.rule("hamsaya:157")
def test_own_actions_push_nothing(world: World) -> None:
    amina = world.person()
    register(world, amina, "token-1")
    like(world, amina, write(world, amina))
    assert bodies(world) == []


def _told(world: World, amina: Person, karim: Person) -> Told:
    """Something that Amina is told of Karim, whose push still waits."""
    world.go(_tell(world, amina, karim))
    (row,) = world.sql("SELECT id FROM notifications WHERE user_id = $1", amina.id)
    return Told(row["id"], amina.id)


async def _tell(world: World, amina: Person, karim: Person) -> None:
    async with world.app.db.tx() as tx:
        await service.tell(tx, Me.system, "USER_FOLLOW", amina.id, karim.id, amina.id)


def test_what_changes_before_the_push_counts(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    register(world, amina, "token-1")
    fact = _told(world, amina, karim)
    changes: list[tuple[str, str]] = [
        ("UPDATE notifications SET read = true", "UPDATE notifications SET read = false"),
        ("UPDATE profiles SET suspended = true WHERE first_name = 'Karim'", "UPDATE profiles SET suspended = false"),
        ("UPDATE profiles SET deleted_at = now() WHERE first_name = 'Karim'", "UPDATE profiles SET deleted_at = NULL"),
    ]  # fmt: skip
    for change, back in changes:
        world.sql(f"{change} RETURNING 1")
        world.go(handlers.push(world.app, fact))
        assert pushed(world) == [], change
        world.sql(f"{back} RETURNING 1")
    world.put(SETTINGS, amina, {"category": "POSTS", "push_pref": False})
    world.go(handlers.push(world.app, fact))
    assert pushed(world) == []
    world.put(SETTINGS, amina, {"category": "POSTS", "push_pref": True})
    with clock.shifted(timedelta(hours=25)):
        world.go(handlers.push(world.app, fact))
    assert pushed(world) == [], "nobody needs it a day later"
    world.go(handlers.push(world.app, fact))
    assert len(pushed(world)) == 1


@pytest.mark.rule("hamsaya:149")
@pytest.mark.parametrize("blocker", [0, 1])
def test_nothing_is_pushed_across_a_block(world: World, blocker: int) -> None:
    pair = amina, karim = world.person(), world.person()
    register(world, amina, "token-1")
    fact = _told(world, amina, karim)
    block(world, pair[blocker], pair[1 - blocker])
    world.go(handlers.push(world.app, fact))
    assert pushed(world) == []


def test_nothing_is_pushed_of_the_muted(world: World) -> None:
    amina, karim = world.person(), world.person()
    register(world, amina, "token-1")
    first, second = write(world, amina), write(world, amina)
    like(world, karim, first)
    world.post(f"/api/v1/users/{karim.id}/mute", amina)
    assert bodies(world) == []
    world.delete(f"/api/v1/users/{karim.id}/mute", amina)
    like(world, karim, second)
    assert len(bodies(world)) == 1


@pytest.mark.rule("hamsaya:160")
def test_a_hidden_name_is_not_in_a_push(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    register(world, amina, "token-1")
    answer = world.put("/api/v1/settings/privacy", karim, {"full_name_visibility": "Only me"})
    assert answer.status_code == 200, answer.text
    like(world, karim, write(world, amina))
    assert bodies(world) == ["K liked your post."]
    assert "Karim" not in str(pushed(world))
    assert "Karim" not in world.get("/api/v1/notifications", amina).text


# ---- what becomes of those that fail


@pytest.mark.rule("hamsaya:155", "hamsaya:156")
def test_a_dead_device_is_dropped_and_the_others_get_theirs(
    world: World, firebase: Firebase, browsers: PushService
) -> None:
    amina, karim = world.person(), world.person()
    names = ["fine", "unregistered", "mismatch", "bad_token", "apns", "bad_data"]
    firebase.faults = {name: name for name in names if name != "fine"}
    with by(world, firebase, browsers):
        for name in names:
            register(world, amina, name)
        for name in ("open", "gone"):
            browser = Browser(browsers, name)
            register(world, amina, browser.endpoint, "webpush", keys=browser.keys)
        browsers.faults = {"/push/gone": "410"}
        like(world, karim, write(world, amina))
        world.drain()
        assert firebase.to() == ["fine"] and len(browsers.got) == 1
        left = {row["token"].rpartition("/")[2] for row in world.sql("SELECT token FROM devices")}
        assert left == {"fine", "apns", "bad_data", "open"}, "what is wrong with us is not the device's fault"
        assert later(world) == []
        like(world, karim, write(world, amina))
        world.drain()
        assert firebase.to() == ["fine", "fine"] and len(browsers.got) == 2


@pytest.mark.rule("hamsaya:156")
def test_what_failed_is_tried_again_alone_and_later(world: World, firebase: Firebase) -> None:
    amina, karim = world.person(), world.person()
    firebase.faults = {"slow": "unavailable"}
    with by(world, firebase):
        for name in ("fine", "slow"):
            register(world, amina, name)
        like(world, karim, write(world, amina))
        world.drain()
        assert firebase.to() == ["fine"]
        (waiting,) = later(world)
        assert 20 < waiting["seconds"] <= 30 and waiting["again"]["attempt"] == 1
        firebase.faults = {}
        drain_later(world)
        assert firebase.to() == ["fine", "slow"], "the other does not get it twice"
        assert later(world) == []


@pytest.mark.rule("hamsaya:156")
def test_each_attempt_waits_longer_and_the_last_gives_up(world: World, firebase: Firebase) -> None:
    amina, karim = world.person(), world.person()
    firebase.fault = "internal"
    with by(world, firebase):
        register(world, amina, "slow")
        like(world, karim, write(world, amina))
        world.drain()
        pauses = []
        for attempt in range(1, handlers.ATTEMPTS):
            (waiting,) = later(world)
            assert waiting["again"]["attempt"] == attempt
            pauses.append(waiting["seconds"])
            world.sql("DELETE FROM pgqueuer WHERE entrypoint LIKE '%push_again' RETURNING 1")
            world.go(handlers.push_again(world.app, msgspec.convert(waiting["again"], Again)))
        assert later(world) == []
        assert len(firebase.tried) == handlers.ATTEMPTS
    assert all(second > 3.5 * first for first, second in itertools.pairwise(pauses))
    assert world.sql("SELECT token FROM devices") == [{"token": "slow"}], "the device may be fine"


def test_a_push_service_says_how_long_to_wait(world: World, firebase: Firebase) -> None:
    amina, karim = world.person(), world.person()
    firebase.fault, firebase.retry_after = "quota", "600"
    with by(world, firebase):
        register(world, amina, "slow")
        like(world, karim, write(world, amina))
        world.drain()
        (waiting,) = later(world)
        assert 590 < waiting["seconds"] <= 600


def test_what_waits_does_not_reach_whoever_has_the_device_now(world: World, firebase: Firebase) -> None:
    amina, karim, third = world.person(), world.person(), world.person()
    firebase.fault = "unavailable"
    with by(world, firebase):
        register(world, amina, "phone")
        like(world, karim, write(world, amina))
        world.drain()
        register(world, third, "phone")
        firebase.fault = None
        drain_later(world)
        assert firebase.sent == []


def test_what_was_read_meanwhile_is_not_sent_again(world: World, firebase: Firebase) -> None:
    amina, karim = world.person(), world.person()
    firebase.fault = "unavailable"
    with by(world, firebase):
        register(world, amina, "phone")
        like(world, karim, write(world, amina))
        world.drain()
        firebase.fault = None
        world.put("/api/v1/notifications/read-all", amina)
        drain_later(world)
        assert firebase.sent == []


def test_a_fact_that_comes_again_is_pushed_once(world: World) -> None:
    amina, karim = world.person(), world.person()
    register(world, amina, "token-1")
    for _ in range(3):
        world.go(_tell(world, amina, karim))
    assert len(bodies(world)) == 1


def test_a_worker_sends_and_tries_again(clone: World, firebase: Firebase) -> None:
    """The way of a real server: another process's queue, commits, back-off."""
    amina, karim = clone.person(), clone.person()
    register(clone, amina, "phone")
    post = write(clone, amina)
    clone.drain()
    firebase.fault = "unavailable"

    async def until(condition: Any) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - a thread moves it
                await asyncio.sleep(0.02)

    async def run() -> None:
        await clone.http.post(f"/api/v1/posts/{post['id']}/like", headers=karim.auth)
        worker, close = await main.open_worker(clone.app, clone.url)
        working = asyncio.create_task(worker.run())
        try:
            await until(lambda: firebase.tried)
            firebase.fault = None
            await until_stored()
            await until(lambda: firebase.sent)
        finally:
            await worker.stop()
            await asyncio.gather(working, return_exceptions=True)
            await close()

    async def until_stored() -> None:
        """Bring the second attempt forward, once it is there."""
        async with asyncio.timeout(60):
            while True:
                async with clone.app.db.tx() as tx:
                    if await tx.run(
                        "UPDATE pgqueuer SET execute_after = now() WHERE entrypoint LIKE '%push_again'"
                    ):
                        return
                await asyncio.sleep(0.02)

    with by(clone, firebase):
        clone.go(run())
    assert (firebase.tried, firebase.to()) == (["phone", "phone"], ["phone"])


def test_browsers_are_told_our_key(world: World, firebase: Firebase) -> None:
    with by(world, firebase):
        answer = world.get("/api/v1/devices/webpush-key", world.person())
    assert answer.json() == {"public_key": PUBLIC}


def test_ids_in_data_are_text(world: World, firebase: Firebase) -> None:
    amina = world.person()
    register(world, amina, "phone")

    async def run() -> None:
        async with world.app.db.tx() as tx:
            await service.inform(
                tx, Me.system, "SYSTEM", amina.id, "Title", "Words", UUID(int=5), count=3, ids=["a"]
            )

    with by(world, firebase):
        world.go(run())
        world.drain()
    (message,) = firebase.sent
    assert firebase.wrong == []
    assert (message["data"]["count"], message["data"]["ids"]) == ("3", '["a"]')
    assert message["notification"] == {"title": "Title", "body": "Words"}
