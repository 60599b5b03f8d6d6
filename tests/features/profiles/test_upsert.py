"""One's own profile: made when missing, under the account's id."""

from pathlib import Path

import pytest
import yaml

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
