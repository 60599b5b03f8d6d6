"""Listing, counting, reading and deleting what one is told."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import get_args
from uuid import UUID, uuid4

import asyncpg
import pytest

from majlis.features.notifications import service, store
from majlis.features.notifications.model import CATEGORIES, WORDS, WORDS_OF_MANY, Kind, category_of
from majlis.kit import clock, ids
from majlis.kit.me import Me
from tests.features.posts.writing import block, write
from tests.features.queries import counted
from tests.waiting import until_waiting
from tests.world import Person, World

ALL = "/api/v1/notifications"
ADD = """
INSERT INTO notifications (id, user_id, type, title, created_at) VALUES ($1, $2, $3, $3, $4) RETURNING id
"""


def add(world: World, who: Person, *types: str) -> list[str]:
    """Notifications of nobody in particular, each a second later than the one before; their ids."""
    start = clock.now()
    return [
        str(world.sql(ADD, ids.new(), who.id, kind, start + timedelta(seconds=index))[0]["id"])
        for index, kind in enumerate(types)
    ]


@contextlib.contextmanager
def world_undone(world: World) -> Iterator[None]:
    """What a statement that fails leaves behind in the outer transaction is undone."""
    connection = world.app.db.pool._connection  # type: ignore[attr-defined]
    world.go(connection.execute("SAVEPOINT tried"))
    try:
        yield
    finally:
        world.go(connection.execute("ROLLBACK TO SAVEPOINT tried"))


def listed(world: World, who: Person, query: str = "") -> list[str]:
    answer = world.get(ALL + query, who)
    assert answer.status_code == 200, answer.text
    return [note["id"] for note in answer.json()["data"]]


@pytest.mark.rule("hamsaya:153")
def test_newest_first_with_the_number_of_unread(world: World) -> None:
    amina, karim = world.person(), world.person()
    mine = add(world, amina, "POST_LIKE", "MESSAGE", "SYSTEM")
    add(world, karim, "POST_LIKE")
    body = world.get(ALL, amina).json()
    assert set(body) == {"data", "next_cursor", "unread_count"}
    assert [note["id"] for note in body["data"]] == mine[::-1]
    assert (body["next_cursor"], body["unread_count"]) == (None, 3)
    assert world.get(ALL + "/unread-count", amina).json() == {"unread_count": 3}


def test_filters_by_state_type_and_category(world: World) -> None:
    amina = world.person()
    like, message, sale, event, system = add(
        world, amina, "POST_LIKE", "MESSAGE", "SALE_SOLD", "EVENT_REMINDER", "SYSTEM"
    )
    world.put(f"{ALL}/{like}/read", amina)
    assert listed(world, amina, "?read=true") == [like]
    assert listed(world, amina, "?read=false") == [system, event, sale, message]
    assert listed(world, amina, "?type=SALE_SOLD") == [sale]
    assert listed(world, amina, "?type=NONE") == []
    for category, expected in (("POSTS", like), ("MESSAGES", message), ("EVENTS", event), ("SALES", sale)):
        assert listed(world, amina, f"?category={category}") == [expected]
    assert listed(world, amina, "?category=SALES&type=SALE_SOLD") == [sale]
    assert listed(world, amina, "?category=SALES&type=MESSAGE") == []
    assert listed(world, amina, "?category=POSTS&read=false") == []
    body = world.get(ALL + "?category=SALES&offset=0", amina).json()
    assert (body["total"], body["unread_count"]) == (1, 4)


@pytest.mark.rule("hamsaya:157")
def test_every_type_has_words_and_one_category(world: World) -> None:
    known = [kind for types in CATEGORIES.values() for kind in types]
    assert len(known) == len(set(known))
    assert {*known, "SYSTEM"} == set(get_args(Kind)) == set(WORDS)
    assert set(WORDS_OF_MANY) <= set(known)
    assert len(add(world, world.person(), *get_args(Kind))) == len(WORDS)
    expected = {"POST_LIKE": "POSTS", "MESSAGE": "MESSAGES", "EVENT_INTEREST": "EVENTS", "SALE_SOLD": "SALES"}
    assert {kind: category_of(kind) for kind in expected} == expected
    assert category_of("SYSTEM") is None
    for wrong in ("", "a rumour", "A" * 51):
        with pytest.raises(Exception, match="notifications_type_check"), world_undone(world):
            add(world, world.person(), wrong)


def test_lists_go_on_by_cursor_or_offset(world: World) -> None:
    amina = world.person()
    mine = add(world, amina, *["SYSTEM"] * 5)[::-1]
    world.sql("UPDATE notifications SET created_at = $1 RETURNING 1", clock.now())
    mine = sorted(mine, reverse=True)
    found, cursor = [], ""
    for _ in range(3):
        body = world.get(f"{ALL}?limit=2{cursor}", amina).json()
        assert "total" not in body
        found += [note["id"] for note in body["data"]]
        cursor = f"&cursor={body['next_cursor']}"
    assert body["next_cursor"] is None
    assert found == mine == listed(world, amina)
    assert listed(world, amina, "?limit=2&offset=3") == mine[3:]
    assert world.get(f"{ALL}?offset=4", amina).json()["total"] == 5
    assert world.get(f"{ALL}?cursor=forged", amina).status_code == 400


@pytest.mark.parametrize(
    "query, field",
    [
        ("?read=perhaps", "read"),
        ("?category=RUMOURS", "category"),
        (f"?type={'x' * 51}", "type"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?offset=-1", "offset"),
    ],
)
def test_a_bad_filter_is_named(world: World, query: str, field: str) -> None:
    answer = world.get(ALL + query, world.person())
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_the_unread_of_those_who_are_hidden_do_not_count(world: World) -> None:
    amina, karim, leila = world.person(), world.person(), world.person()
    post = write(world, amina)
    for who in (karim, leila):
        for _ in range(2):
            world.post(f"/api/v1/posts/{post['id']}/comments", who, {"text": "well"})
    world.drain()
    add(world, amina, "SYSTEM")

    def unread() -> int:
        count = world.get(ALL + "/unread-count", amina).json()["unread_count"]
        assert world.get(ALL, amina).json()["unread_count"] == count
        return int(count)

    assert unread() == 5
    world.post(f"/api/v1/users/{karim.id}/mute", amina)
    assert unread() == 3
    block(world, leila, amina)
    assert unread() == 1, "what nobody did stays"


@pytest.mark.rule("hamsaya:153", "hamsaya:163")
def test_one_is_read_and_stays_read(world: World) -> None:
    amina = world.person()
    one, other = add(world, amina, "SYSTEM", "MESSAGE")
    for _ in range(2):
        answer = world.put(f"{ALL}/{one}/read", amina)
        assert (answer.status_code, answer.json()["id"], answer.json()["read"]) == (200, one, True)
    assert world.get(ALL + "/unread-count", amina).json() == {"unread_count": 1}
    assert listed(world, amina, "?read=false") == [other]


@pytest.mark.rule("hamsaya:153", "hamsaya:163")
def test_all_are_read_and_stay_read(world: World) -> None:
    amina, karim = world.person(), world.person()
    add(world, amina, "SYSTEM", "MESSAGE", "SALE_SOLD")
    add(world, karim, "SYSTEM")
    assert world.put(ALL + "/read-all", amina).json() == {"updated": 3, "unread_count": 0}
    assert world.put(ALL + "/read-all", amina).json() == {"updated": 0, "unread_count": 0}
    assert world.get(ALL + "/unread-count", karim).json() == {"unread_count": 1}


@pytest.mark.rule("hamsaya:153")
def test_one_is_deleted_for_good(world: World) -> None:
    amina = world.person()
    one, other = add(world, amina, "SYSTEM", "MESSAGE")
    answer = world.delete(f"{ALL}/{one}", amina)
    assert (answer.status_code, answer.content) == (204, b"")
    assert world.delete(f"{ALL}/{one}", amina).status_code == 404
    assert world.put(f"{ALL}/{one}/read", amina).status_code == 404
    assert listed(world, amina) == [other]
    assert world.sql("SELECT 1 FROM notifications WHERE id = $1", UUID(one)) == []


def test_those_of_others_are_not_found(world: World) -> None:
    amina, karim = world.person(), world.person()
    (one,) = add(world, amina, "SYSTEM")
    for name in (one, str(uuid4()), "nobody", "read-all"):
        assert world.put(f"{ALL}/{name}/read", karim).status_code == 404
        assert world.delete(f"{ALL}/{name}", karim).status_code in (404, 405)
    assert listed(world, amina, "?read=false") == [one]


def test_only_the_signed_in_have_notifications(world: World) -> None:
    for method, path in (
        ("GET", ""), ("GET", "/unread-count"), ("PUT", "/read-all"), ("PUT", f"/{uuid4()}/read"), ("DELETE", f"/{uuid4()}"),
    ):  # fmt: skip
        assert world.request(method, ALL + path).status_code == 401


def test_a_page_costs_the_same_however_long_it_is(world: World) -> None:
    amina = world.person()

    def follow() -> None:
        world.post(f"/api/v1/users/{amina.id}/follow", world.person())
        world.drain()

    def costs() -> list[int]:
        found = []
        for method, path in (
            ("GET", ""), ("GET", "?read=false&category=POSTS"), ("GET", "?offset=0"), ("GET", "?grouped=true"),
            ("GET", "?grouped=true&offset=0"), ("GET", "/unread-count"), ("PUT", "/read-all"),
        ):  # fmt: skip
            with counted(world) as seen:
                assert world.request(method, ALL + path, amina).status_code == 200
            found.append(len(seen))
        return found

    follow()
    world.get(ALL, amina)  # the driver looks types up once
    assert costs() == [3, 3, 4, 3, 4, 1, 2]
    for _ in range(3):
        with clock.shifted(timedelta(hours=-1)):
            add(world, amina, *["SYSTEM"] * 10)
        follow()
    assert len(world.get(ALL + "?limit=100", amina).json()["data"]) == 34
    assert costs() == [3, 3, 4, 3, 4, 1, 2]


def _read_all_twice(world: World, second: str) -> list[int]:
    """Two devices mark all as read while somebody holds a row in the middle; how many each changed."""
    amina = world.person()
    middle = UUID(add(world, amina, *["SYSTEM"] * 5)[2])

    async def read_all(sql: str) -> int:
        async with world.app.db.tx() as tx:
            return await tx.run(sql, amina.id, None)

    async def run() -> list[int]:
        async with world.app.db.tx() as holder:
            await holder.run("SELECT 1 FROM notifications WHERE id = $1 FOR UPDATE", middle)
            tasks = [asyncio.create_task(read_all(store.READ_ALL)), asyncio.create_task(read_all(second))]
            await until_waiting(world, 2, *tasks)
        return await asyncio.gather(*tasks)

    return world.go(run())


def test_two_devices_that_read_all_at_once_do_not_deadlock(clone: World) -> None:
    assert sorted(_read_all_twice(clone, store.READ_ALL)) == [0, 5]


def test_control_in_another_order_they_deadlock(clone: World) -> None:
    with pytest.raises(asyncpg.DeadlockDetectedError):
        _read_all_twice(clone, store.READ_ALL.replace("ORDER BY id", "ORDER BY id DESC"))


def test_background_work_reads_nobodys_list(world: World) -> None:
    async def run() -> None:
        async with world.app.db.read() as tx:
            await service.unread(tx, Me.system)

    with pytest.raises(Exception, match="Sign in first"):
        world.go(run())
