"""One's own profile: made when missing, under the account's id."""

import pytest

from tests.world import World

ME = "/api/v1/users/me"


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


@pytest.mark.rule("hamsaya:9")
def test_ids_are_uuids_and_a_profile_shares_the_id_of_its_user(world: World) -> None:
    amina = world.person()
    assert world.sql("SELECT u.id FROM users u JOIN profiles p ON p.id = u.id") == [{"id": amina.id}]
    assert amina.id.version == 7  # made in the application, ordered by time
    others = world.sql(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'id' AND data_type <> 'uuid'"
        " AND table_name NOT LIKE 'pgqueuer%' AND table_name NOT LIKE '%yoyo%'"  # the libraries' own
    )
    assert others == []
