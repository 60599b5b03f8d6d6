"""One entry for what several people did to the same thing."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from majlis.features.notifications import service, store
from majlis.kit import clock, ids
from tests.features.graph.test_people import suspend
from tests.features.moderation.test_reports import comment
from tests.features.notifications.test_list import ALL, add
from tests.features.posts.writing import block, write
from tests.features.queries import counted
from tests.waiting import until_waiting
from tests.world import Person, World

GROUPED = ALL + "?grouped=true"


def like(world: World, who: Person, post: dict[str, Any], later_s: float = 0) -> None:
    with clock.shifted(timedelta(seconds=later_s)):
        assert world.post(f"/api/v1/posts/{post['id']}/like", who).status_code == 200
        world.drain()


def people(world: World, *names: str) -> list[Person]:
    return [world.person(name) for name in names]


def groups(world: World, who: Person, query: str = "") -> list[dict[str, Any]]:
    answer = world.get(GROUPED + query, who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def messages(world: World, who: Person, query: str = "") -> list[str]:
    return [group["message"] for group in groups(world, who, query)]


def test_likes_of_one_post_are_one_entry(world: World) -> None:
    names = ["Karim", "Laila", "Malik", "Nadia", "Amina"]
    owner, *likers = people(world, "Owner", *names)
    post = write(world, owner)
    wanted = [
        "{} Test liked your post.",
        "{} Test and 1 other liked your post.",
        "{} Test and 2 others liked your post.",
        "{} Test and 3 others liked your post.",
        "{} Test and 4 others liked your post.",
    ]
    for at, words in enumerate(wanted):
        like(world, likers[at], post, at)
        assert messages(world, owner) == [words.format(names[at])]
    (entry,) = groups(world, owner)
    latest = world.get(ALL, owner).json()["data"][0]
    assert {**entry, "message": "", "group": None} == {**latest, "message": "", "group": None}
    assert (entry["group"]["count"], entry["group"]["more"]) == (5, False)
    assert [actor["first_name"] for actor in entry["group"]["actors"]] == ["Amina", "Nadia", "Malik"]
    assert "group" not in latest


def test_other_things_and_other_types_are_other_entries(world: World) -> None:
    owner, one, two = people(world, "Owner", "Karim", "Laila")
    first, second = write(world, owner), write(world, owner)
    like(world, one, first, 1)
    like(world, two, second, 2)
    for at, who in enumerate((one, two, one)):
        with clock.shifted(timedelta(seconds=3 + at)):
            comment(world, who, first["id"])
            world.drain()
    with clock.shifted(timedelta(seconds=9)):
        for who in (one, two):
            world.post(f"/api/v1/users/{owner.id}/follow", who)
            world.drain()
    assert messages(world, owner) == [
        "Laila Test and 1 other follow you.",
        "Karim Test and 1 other commented on your post.",
        "Laila Test liked your post.",
        "Karim Test liked your post.",
    ]
    follows, comments, *_ = groups(world, owner)
    assert (follows["group"]["count"], comments["group"]["count"]) == (2, 2), "people, not comments"


def test_what_nobody_did_stands_alone(world: World) -> None:
    amina = world.person()
    mine = add(world, amina, "SYSTEM", "SYSTEM", "SYSTEM")
    found = groups(world, amina)
    assert [entry["id"] for entry in found] == mine[::-1]
    assert not any("group" in entry for entry in found)


def test_hidden_people_are_neither_counted_nor_named(world: World) -> None:
    owner, *likers = people(world, "Owner", "Karim", "Laila", "Malik", "Nadia")
    post = write(world, owner)
    for at, liker in enumerate(likers):
        like(world, liker, post, at)
    karim, laila, malik, nadia = likers
    assert messages(world, owner) == ["Nadia Test and 3 others liked your post."]
    block(world, nadia, owner)
    assert messages(world, owner) == ["Malik Test and 2 others liked your post."]
    world.post(f"/api/v1/users/{malik.id}/mute", owner)
    assert messages(world, owner) == ["Laila Test and 1 other liked your post."]
    suspend(world, laila)
    assert messages(world, owner) == ["Karim Test liked your post."]
    assert world.delete("/api/v1/users/me/account?reason=bye", karim).status_code == 204
    assert groups(world, owner) == []
    assert world.get(GROUPED + "&offset=0", owner).json()["total"] == 0


@pytest.mark.rule("hamsaya:160")
def test_hidden_names_are_initials_in_a_group(world: World) -> None:
    owner, karim, laila = people(world, "Owner", "Karim", "Laila")
    world.put("/api/v1/settings/privacy", laila, {"full_name_visibility": "Only me"})
    post = write(world, owner)
    like(world, karim, post)
    like(world, laila, post, 1)
    assert messages(world, owner) == ["L and 1 other liked your post."]
    assert "Laila" not in world.get(GROUPED, owner).text


def test_a_group_is_read_when_all_of_it_is(world: World) -> None:
    owner, karim, laila = people(world, "Owner", "Karim", "Laila")
    post, other = write(world, owner), write(world, owner)
    like(world, karim, post)
    like(world, laila, post, 1)
    like(world, karim, other, 2)
    latest, first = world.get(ALL + "?type=POST_LIKE", owner).json()["data"][1:]
    world.put(f"{ALL}/{latest['id']}/read", owner)
    assert [entry["read"] for entry in groups(world, owner)] == [False, False]
    assert messages(world, owner, "&read=false") == ["Karim Test liked your post."] * 2
    assert messages(world, owner, "&read=true") == ["Laila Test liked your post."]
    answer = world.put(f"{ALL}/{first['id']}/read?grouped=true", owner)
    assert (answer.status_code, answer.json()["id"], answer.json()["read"]) == (200, first["id"], True)
    assert [entry["read"] for entry in groups(world, owner)] == [False, True]
    assert world.get(ALL + "/unread-count", owner).json() == {"unread_count": 1}
    like(world, world.person("Malik"), post, 5)
    assert [entry["read"] for entry in groups(world, owner)] == [False, False], "there is somebody new in it"


def test_reading_one_of_a_group_reads_the_whole(world: World) -> None:
    owner, *likers = people(world, "Owner", "Karim", "Laila", "Malik")
    post = write(world, owner)
    for at, liker in enumerate(likers):
        like(world, liker, post, at)
    (entry,) = groups(world, owner)
    world.put(f"{ALL}/{entry['id']}/read?grouped=true", owner)
    assert world.get(ALL + "/unread-count", owner).json() == {"unread_count": 0}


def test_a_group_is_deleted_for_good(world: World) -> None:
    owner, *likers = people(world, "Owner", "Karim", "Laila", "Malik")
    post, other = write(world, owner), write(world, owner)
    for at, liker in enumerate(likers):
        like(world, liker, post, at)
    like(world, likers[0], other, 9)
    _, entry = groups(world, owner)
    stranger = world.person()
    assert world.delete(f"{ALL}/{entry['id']}?grouped=true", stranger).status_code == 404
    assert world.put(f"{ALL}/{entry['id']}/read?grouped=true", stranger).status_code == 404
    assert world.delete(f"{ALL}/{entry['id']}?grouped=true", owner).status_code == 204
    assert world.delete(f"{ALL}/{entry['id']}?grouped=true", owner).status_code == 404
    assert len(world.sql("SELECT 1 FROM notifications WHERE user_id = $1", owner.id)) == 1
    alone = add(world, owner, "SYSTEM", "SYSTEM")
    assert world.delete(f"{ALL}/{alone[0]}?grouped=true", owner).status_code == 204
    assert len(groups(world, owner)) == 2


def test_filters_of_types_and_categories(world: World) -> None:
    owner, karim, laila = people(world, "Owner", "Karim", "Laila")
    post = write(world, owner)
    for at, liker in enumerate((karim, laila)):
        like(world, liker, post, at)
    add(world, owner, "MESSAGE")
    assert messages(world, owner, "&type=POST_LIKE") == ["Laila Test and 1 other liked your post."]
    assert len(groups(world, owner, "&category=POSTS")) == 1
    assert len(groups(world, owner, "&category=MESSAGES")) == 1
    assert groups(world, owner, "&category=SALES") == []


INSERT = """
INSERT INTO notifications (id, user_id, type, title, message, actor_id, target_id, subject_id, read, created_at)
SELECT i.id, $1, 'POST_LIKE', 'New like', 'liked your post.', $2, gen_random_uuid(), $4, false, $5
FROM unnest($3::uuid[]) AS i (id) RETURNING 1
"""


def fill(world: World, owner: Person, actors: list[Person], things: int, later_s: float = 0) -> list[Any]:
    """Each of these people did the same to so many things, one thing a second; the things."""
    subjects = [uuid4() for _ in range(things)]
    for at, subject in enumerate(subjects):
        for actor in actors:
            when = clock.now() + timedelta(seconds=at + later_s)
            world.sql(INSERT, owner.id, actor.id, [ids.new()], subject, when)
    return subjects


def test_pages_of_groups_go_on_by_cursor_and_offset(world: World) -> None:
    owner, *actors = people(world, "Owner", "Karim", "Laila", "Malik")
    fill(world, owner, actors, 7)
    everything = [entry["id"] for entry in groups(world, owner)]
    assert len(everything) == 7
    found, query = [], "&limit=3"
    for size in (3, 3, 1):
        body = world.get(GROUPED + query, owner).json()
        assert len(body["data"]) == size and "total" not in body
        assert all(entry["group"]["count"] == 3 for entry in body["data"])
        found += [entry["id"] for entry in body["data"]]
        query = f"&limit=3&cursor={body['next_cursor']}"
    assert (found, body["next_cursor"]) == (everything, None)
    body = world.get(GROUPED + "&limit=3&offset=5", owner).json()
    assert ([entry["id"] for entry in body["data"]], body["total"]) == (everything[5:], 7)
    single = world.get(ALL + "?limit=1", owner).json()["next_cursor"]
    assert world.get(f"{GROUPED}&cursor={single}", owner).status_code == 400, "a cursor of the other list"


def test_what_comes_between_two_pages_does_not_repeat_or_hide_anything(world: World) -> None:
    owner, karim, laila = people(world, "Owner", "Karim", "Laila")
    subjects = fill(world, owner, [karim], 6)
    body = world.get(GROUPED + "&limit=2", owner).json()
    seen = [entry["id"] for entry in body["data"]]
    # The third group rises to the top, so the second page goes on with the fourth.
    world.sql(INSERT, owner.id, laila.id, [ids.new()], subjects[3], clock.now() + timedelta(minutes=1))
    rest = world.get(f"{GROUPED}&cursor={body['next_cursor']}", owner).json()["data"]
    assert len(rest) == 3 and not set(seen) & {entry["id"] for entry in rest}
    assert groups(world, owner)[0]["group"]["count"] == 2


def test_a_page_full_of_hidden_groups_does_not_end_the_list(world: World) -> None:
    owner, karim, nadia = people(world, "Owner", "Karim", "Nadia")
    fill(world, owner, [karim], 2)
    fill(world, owner, [nadia], 30, later_s=10)
    block(world, owner, nadia)
    assert messages(world, owner, "&limit=5") == ["Karim Test liked your post."] * 2


def test_a_crowd_is_counted_up_to_a_limit(world: World) -> None:
    owner, *actors = people(world, "Owner", *["Guest"] * store.CROWD)
    (subject,) = fill(world, owner, actors[1:], 1)
    assert messages(world, owner) == [f"Guest Test and {store.CROWD - 2} others liked your post."]
    fill_one(world, owner, actors[0], subject)
    (entry,) = groups(world, owner)
    assert (entry["group"]["count"], entry["group"]["more"]) == (store.CROWD, True)
    assert len(entry["group"]["actors"]) == store.FACES
    assert entry["message"] == f"Guest Test and {store.CROWD - 1}+ others liked your post."
    fill_one(world, owner, actors[0], subject, store.CROWD)
    assert messages(world, owner) == ["Guest Test liked your post."], "the latest are all of one person"


def fill_one(world: World, owner: Person, actor: Person, subject: Any, times: int = 1) -> None:
    fresh = [ids.new() for _ in range(times)]
    world.sql(INSERT, owner.id, actor.id, fresh, subject, clock.now() + timedelta(minutes=times))


def test_groups_cost_the_same_however_many_people_are_in_them(world: World) -> None:
    owner, *actors = people(world, "Owner", "Karim", "Laila", "Malik", "Nadia", "Omid")

    def cost() -> int:
        groups(world, owner)  # the driver looks types up once
        with counted(world) as seen:
            groups(world, owner)
        return len(seen)

    fill(world, owner, actors[:1], 1)
    assert cost() == 3
    fill(world, owner, actors, 12, later_s=100)
    assert cost() == 3


# ---- two devices at once


def _read_crosswise(world: World, wrong: bool) -> None:
    """One device reads all, another a group by its latest, while somebody holds a row in the middle."""
    owner, *actors = people(world, "Owner", "Karim", "Laila", "Malik")
    fill(world, owner, actors, 1)
    rows = [row["id"] for row in world.sql("SELECT id FROM notifications ORDER BY id")]

    async def read_all() -> None:
        async with world.app.db.tx() as tx:
            await service.read_all(tx, owner.me)

    async def read_group() -> None:
        async with world.app.db.tx() as tx:
            if wrong:
                await tx.one(store.READ, owner.id, rows[-1], None)
            await service.read(tx, owner.me, rows[-1], grouped=True)

    async def run() -> None:
        async with world.app.db.tx() as holder:
            await holder.run("SELECT 1 FROM notifications WHERE id = $1 FOR UPDATE", rows[1])
            tasks = [asyncio.create_task(read_all())]
            await until_waiting(world, 1, *tasks)
            tasks.append(asyncio.create_task(read_group()))
            await until_waiting(world, 2, *tasks)
        await asyncio.gather(*tasks)

    world.go(run())
    assert world.get(ALL + "/unread-count", owner).json() == {"unread_count": 0}


def test_reading_a_group_and_reading_all_at_once_do_not_deadlock(clone: World) -> None:
    _read_crosswise(clone, wrong=False)


def test_control_with_the_latest_held_first_they_deadlock(clone: World) -> None:
    with pytest.raises(asyncpg.DeadlockDetectedError):
        _read_crosswise(clone, wrong=True)
