"""One's own profile: made when missing, under the account's id."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from majlis.features.profiles import service, store
from majlis.features.profiles.model import UsernameTaken
from majlis.kit.me import Me
from tests.waiting import HALT, behind, halt_before
from tests.world import World

ME = "/api/v1/users/me"
CONTRACT = Path(__file__).parents[3] / "contracts" / "hamsaya.yaml"


@pytest.mark.rule("hamsaya:161", "hamsaya:162")
def test_put_makes_a_profile_that_is_missing(world: World) -> None:
    amina = world.person("Amina")
    world.sql("DELETE FROM profiles WHERE id = $1 RETURNING 1", amina.id)
    made = world.put(ME, amina, {"first_name": "Amina", "about": "Baker"})
    assert made.status_code == 200
    assert (made.json()["profile"]["first_name"], made.json()["profile"]["about"]) == ("Amina", "Baker")
    again = world.put(ME, amina, {"about": None}).json()["profile"]
    assert (again["first_name"], again["about"]) == ("Amina", None)
    assert world.sql("SELECT count(*) AS n FROM profiles WHERE id = $1", amina.id) == [{"n": 1}]


@pytest.mark.parametrize(
    "website, status",
    [
        ("https://amina.example/?a=b:c", 200),
        ("amina.example/shop", 200),
        ("Http://[::1]:8080", 200),
        ("", 200),
    ]
    + [
        (f"{scheme}:1/alert(1)", 422) for scheme in ("javascript", " javascript", "JAVASCRIPT", "data", "//x")
    ],
)
def test_a_website_is_nothing_that_a_click_would_run(world: World, website: str, status: int) -> None:
    amina = world.person()
    answer = world.put(ME, amina, {"website": website})
    assert answer.status_code == status, answer.text
    if status == 422:
        assert [fault["field"] for fault in answer.json()["error"]["details"]] == ["website"]


@pytest.mark.rule("hamsaya:9")
def test_ids_are_uuids_and_a_profile_shares_the_id_of_its_user(world: World) -> None:
    amina = world.person()
    assert world.sql("SELECT u.id FROM users u JOIN profiles p ON p.id = u.id") == [{"id": amina.id}]
    assert amina.id.version == 7  # made in the application, ordered by time
    entities = list(yaml.safe_load(CONTRACT.read_text())["entities"])
    kinds = world.sql(
        "SELECT table_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'id' AND table_name = ANY ($1)",
        entities,
    )
    assert len(kinds) > 20
    assert [kind for kind in kinds if kind["data_type"] != "uuid"] == []


def _made_at_once(world: World) -> tuple[Counter[int], list[dict[str, Any]]]:
    """Many make the profile that somebody has lost; their answers, and what there is of it then."""
    amina = world.person()
    for table, key in (("privacy_settings", "profile_id"), ("profiles", "id")):
        world.sql(f"DELETE FROM {table} WHERE {key} = $1 RETURNING 1", amina.id)
    halt_before(world, "profiles", "profiles_pkey")

    async def change(number: int) -> int:
        body = {"about": str(number)}
        return (await world.http.put(ME, headers=amina.auth, json=body)).status_code

    seen = Counter(world.go(behind(world, HALT, *(change(number) for number in range(8)))))
    rows = "SELECT p.id, s.profile_id FROM profiles p LEFT JOIN privacy_settings s ON s.profile_id = p.id"
    return seen, [row for row in world.sql(rows) if row["id"] == row["profile_id"] == amina.id]


@pytest.mark.rule("hamsaya:161")
def test_a_missing_profile_is_made_once_by_many_at_once(clone: World) -> None:
    seen, made = _made_at_once(clone)
    assert (seen, len(made)) == ({200: 8}, 1)


def test_control_where_the_id_alone_is_looked_at_the_derived_name_fails_them(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CREATE", store.CREATE.replace("ON CONFLICT", "ON CONFLICT (id)"))
    seen, made = _made_at_once(clone)
    assert (seen, len(made)) == ({200: 1, 500: 7}, 1)


def test_a_username_of_others_is_taken_also_where_it_comes_at_the_same_moment(clone: World) -> None:
    people = [UUID(int=n) for n in (1, 2)]
    for one in people:
        clone.sql("INSERT INTO users (id, email) VALUES ($1, $2) RETURNING 1", one, f"{one}@example.org")

    async def make(user_id: UUID, username: str) -> str:
        try:
            async with clone.app.db.tx() as tx:
                await service.create(tx, Me.system, user_id, None, None, username)
        except UsernameTaken:
            return "taken"
        return "made"

    halt_before(clone, "profiles", "profiles_pkey")
    works = (make(one, name) for one, name in zip(people, ("Amina", "amina"), strict=True))
    assert clone.go(behind(clone, HALT, *works)) == ["made", "taken"]
    assert clone.go(make(people[0], "other")) == "made"  # it has one already, and keeps it
    assert [row["username"] for row in clone.sql("SELECT username FROM profiles")] == ["Amina"]
