"""Categories of goods: a public list, kept by operators."""

import asyncio
from typing import Any

import pytest

from majlis.features.posts.model import SellCategory
from majlis.features.sales import store
from majlis.kit.db import Query
from tests.features.posts.writing import faults
from tests.features.queries import counted
from tests.waiting import behind
from tests.world import Person, World

CATEGORIES = "/api/v1/sales/categories"
NEW = {"name": "Kites", "icon": {"name": "toys", "library": "MaterialIcons"}, "color": "#42A5F5"}


def names(world: World, path: str = CATEGORIES, who: Person | None = None) -> list[str]:
    return [category["name"] for category in world.get(path, who).json()["data"]]


def make(world: World, admin: Person, **fields: Any) -> dict[str, Any]:
    answer = world.post(CATEGORIES, admin, {**NEW, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.rule("hamsaya:142")
def test_the_active_ones_are_listed_by_name(world: World) -> None:
    admin = world.person(role="admin")
    before = names(world)
    assert before == sorted(before) and len(before) > 20
    made = make(world, admin)
    assert made["status"] == "ACTIVE"
    assert set(made) == {"id", "name", "icon", "color", "status", "created_at"}
    assert made in world.get(CATEGORIES).json()["data"]
    make(world, admin, name="Asleep", status="INACTIVE")
    assert names(world) == sorted([*before, "Kites"])
    assert names(world, CATEGORIES + "/all", admin) == sorted([*before, "Kites", "Asleep"])


@pytest.mark.rule("hamsaya:142")
def test_an_operator_changes_a_category(world: World) -> None:
    admin = world.person(role="admin")
    made = make(world, admin)
    path = f"{CATEGORIES}/{made['id']}"
    assert world.put(path, admin, {}).json() == made
    assert world.put(path, admin, {"name": " Kites and toys "}).json() == {**made, "name": "Kites and toys"}
    icon = {"name": "air", "library": "Feather"}
    changed = world.put(path, admin, {"icon": icon, "color": "blue", "status": "INACTIVE"}).json()
    assert changed == {**made, "name": "Kites and toys", "icon": icon, "color": "blue", "status": "INACTIVE"}
    assert "Kites and toys" not in names(world)
    assert world.put(path, admin, {"name": "kites AND toys"}).json()["name"] == "kites AND toys"
    assert world.put(path, admin, {"name": "books"}).json()["error"]["code"] == "category_exists"
    assert world.put(f"{CATEGORIES}/{admin.id}", admin, {"color": "red"}).status_code == 404


def test_only_admins_keep_them(world: World) -> None:
    amina, moderator, admin = world.person(), world.person(role="moderator"), world.person(role="admin")
    path = f"{CATEGORIES}/{make(world, admin)['id']}"
    for who, status in ((None, 401), (amina, 403), (moderator, 403)):
        assert world.post(CATEGORIES, who, {**NEW, "name": "Mine"}).status_code == status
        assert world.put(path, who, {"color": "red"}).status_code == status
        assert world.get(CATEGORIES + "/all", who).status_code == status
    assert "Mine" not in names(world)


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"color": "x" * 21}, "color"),
        ({"icon": {"name": "toys"}}, "icon.library"),
        ({"icon": "toys"}, "icon"),
        ({"status": "SLEEPING"}, "status"),
        ({"id": "0195f3a0-0000-7000-8000-000000000000"}, "id"),
        ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
    ],
)
def test_a_bad_field_is_named(world: World, fields: dict[str, Any], field: str) -> None:
    admin = world.person(role="admin")
    made = make(world, admin, name="Other kites")
    assert faults(world.post(CATEGORIES, admin, {**NEW, **fields})) == {field}
    assert faults(world.put(f"{CATEGORIES}/{made['id']}", admin, fields)) == {field}


def test_a_new_one_needs_name_icon_and_colour(world: World) -> None:
    admin = world.person(role="admin")
    assert faults(world.post(CATEGORIES, admin, {})) == {"name", "icon", "color"}
    assert world.post(CATEGORIES, admin, {**NEW, "name": "BOOKS"}).status_code == 409


def test_the_list_is_one_query(world: World) -> None:
    with counted(world) as seen:
        assert world.get(CATEGORIES).status_code == 200
    assert len(seen) == 1


def test_a_name_made_at_once_is_there_once(clone: World) -> None:
    admin = clone.person(role="admin")

    async def at_once(*titles: str) -> list[int]:
        made = (
            clone.http.post(CATEGORIES, headers=admin.auth, json={**NEW, "name": title}) for title in titles
        )
        return sorted(answer.status_code for answer in await asyncio.gather(*made))

    assert clone.go(at_once("Kites", "kites", "KITES", "Kites")) == [201, 409, 409, 409]
    clone.sql("DROP INDEX sell_categories_name")  # the control: it is the index that refuses
    assert clone.go(at_once("Bells", "bells")) == [201, 201]


def _changed_at_once(world: World) -> tuple[str, str]:
    """Two operators change colour and status of a category, each while the other does."""
    admin = world.person(role="admin")
    made = make(world, admin)

    async def change(**fields: str) -> int:
        path = f"{CATEGORIES}/{made['id']}"
        return (await world.http.put(path, headers=admin.auth, json=fields)).status_code

    holding = "SELECT 1 FROM sell_categories WHERE id::text = $1 FOR UPDATE"
    both = change(color="blue"), change(status="INACTIVE")
    assert world.go(behind(world, holding, *both, args=(made["id"],))) == [200, 200]
    (found,) = world.sql("SELECT color, status FROM sell_categories WHERE id::text = $1", made["id"])
    return found["color"], found["status"]


def test_what_two_operators_change_at_once_is_all_kept(clone: World) -> None:
    assert _changed_at_once(clone) == ("blue", "INACTIVE")


def test_control_without_the_lock_the_second_takes_the_first_one_back(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = store.CATEGORY.sql.replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(store, "CATEGORY", Query(SellCategory, unlocked))
    assert _changed_at_once(clone) == (NEW["color"], "INACTIVE")
