"""The categories to choose from, who administers them, and those of a business."""

import asyncio

import asyncpg
import pytest

from majlis.features.businesses import service, store
from majlis.features.businesses.model import BusinessCategoryCreate, CategoryTaken
from majlis.kit.me import Me
from tests.features.businesses.trading import BUSINESSES, at, categories, faults, opened
from tests.waiting import until_waiting
from tests.world import Person, World

ALL = f"{BUSINESSES}/categories"
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def listed(world: World, query: str = "", who: Person | None = None) -> list[str]:
    answer = world.get(f"{ALL}?{query}", who)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["data"]]


@pytest.mark.rule("hamsaya:136")
def test_active_categories_are_listed_by_name(world: World) -> None:
    found = listed(world)
    assert len(found) > 40
    assert found == sorted(found, key=str.lower)
    world.sql("UPDATE business_categories SET is_active = false WHERE name = 'Bakery' RETURNING 1")
    assert listed(world) == [name for name in found if name != "Bakery"]
    assert listed(world, "q=BARB") == ["Barber"]
    assert listed(world, "q=%25") == []
    assert set(world.get(ALL).json()["data"][0]) == {"id", "name", "is_active", "created_at"}


@pytest.mark.rule("hamsaya:136")
def test_admins_keep_the_categories(world: World) -> None:
    admin, moderator, amina = (world.person(role=role) for role in ("admin", "moderator", "user"))
    made = world.post(ALL, admin, {"name": " نانوایی "})
    assert (made.status_code, made.json()["name"], made.json()["is_active"]) == (201, "نانوایی", True)
    path = f"{ALL}/{made.json()['id']}"
    assert world.put(path, admin, {"name": "خبازی"}).json()["name"] == "خبازی"
    assert "خبازی" in listed(world, "q=خبازي")
    assert world.put(path, admin, {"is_active": False}).json() == {
        **made.json(), "name": "خبازی", "is_active": False
    }  # fmt: skip
    assert "خبازی" not in listed(world)
    everything = world.get(f"{ALL}/all", admin).json()["data"]
    assert ("خبازی", False) in [(one["name"], one["is_active"]) for one in everything]
    assert len(everything) == len(listed(world)) + 1
    for who, status in ((amina, 403), (moderator, 403), (None, 401)):
        assert world.get(f"{ALL}/all", who).status_code == status
        assert world.post(ALL, who, {"name": "Kiosk"}).status_code == status
        assert world.put(path, who, {"name": "Kiosk"}).status_code == status
    assert "Kiosk" not in listed(world)


def test_names_of_categories_are_there_once(world: World) -> None:
    admin = world.person(role="admin")
    (bakery, barber, _) = categories(world)
    for name in ("Bakery", "bAKERY", " Bakery"):
        refused = world.post(ALL, admin, {"name": name})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "category_taken")
    assert world.put(f"{ALL}/{barber}", admin, {"name": "bakery"}).status_code == 409
    assert world.put(f"{ALL}/{bakery}", admin, {"name": "BAKERY"}).status_code == 200
    assert world.put(f"{ALL}/{UNKNOWN}", admin, {"name": "Kiosk"}).status_code == 404
    for name in ("", " ", "x" * 101, None):
        assert faults(world.post(ALL, admin, {"name": name})) == {"name"}
        assert faults(world.put(f"{ALL}/{barber}", admin, {"name": name})) == {"name"}


@pytest.mark.rule("hamsaya:136", "hamsaya:162")
def test_the_whole_set_of_a_business_is_replaced(world: World) -> None:
    amina = world.person()
    first, second, third = categories(world)
    business = opened(world, amina, category_ids=[first, first])
    path = at(business, "/categories")

    def now() -> list[str]:
        found = [one["id"] for one in world.get(path).json()["data"]]
        assert [one["id"] for one in world.get(at(business)).json()["categories"]] == found
        return found

    assert now() == [first]
    for _ in range(2):
        answer = world.put(path, amina, {"category_ids": [third, second, third]})
        assert answer.status_code == 200
        assert [one["id"] for one in answer.json()["data"]] == [second, third] == now()
    assert faults(world.put(path, amina, {"category_ids": [first, UNKNOWN]})) == {"category_ids[1]"}
    assert faults(world.put(path, amina, {})) == {"category_ids"}
    assert now() == [second, third]
    assert world.put(path, amina, {"category_ids": []}).json() == {"data": []}
    assert now() == []


@pytest.mark.rule("hamsaya:136")
def test_an_inactive_category_is_neither_chosen_nor_shown(world: World) -> None:
    amina, admin = world.person(), world.person(role="admin")
    first, second, _ = categories(world)
    business = opened(world, amina, category_ids=[first, second])
    world.put(f"{ALL}/{first}", admin, {"is_active": False})
    assert [one["id"] for one in world.get(at(business, "/categories")).json()["data"]] == [second]
    assert faults(world.put(at(business, "/categories"), amina, {"category_ids": [first]})) == {
        "category_ids[0]"
    }
    world.put(f"{ALL}/{first}", admin, {"is_active": True})
    assert [one["id"] for one in world.get(at(business, "/categories")).json()["data"]] == [first, second]


async def _second(world: World) -> None:
    """Add a category while another of its name is not yet committed."""
    me = Me.system
    kiosk = BusinessCategoryCreate("Kiosk")

    async def add() -> None:
        async with world.app.db.tx() as tx:
            await service.add_category(tx, me, kiosk)

    async with world.app.db.tx() as tx:
        await service.add_category(tx, me, kiosk)
        adding = asyncio.create_task(add())
        await until_waiting(world, 1, adding)
    await adding


def test_the_second_of_two_equal_names_at_once_is_refused(clone: World) -> None:
    with pytest.raises(CategoryTaken):
        clone.go(_second(clone))


def test_control_without_the_lock_it_fails_at_the_index(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_CATEGORIES", "SELECT 1")
    with pytest.raises(asyncpg.UniqueViolationError):
        clone.go(_second(clone))
