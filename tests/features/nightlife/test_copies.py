"""What of nights out is in a copy of somebody's data, and goes with the account."""

from tests.features.exports.living import copy, rows
from tests.surfaces.compat.sioree.guests import entered, night
from tests.world import World


def test_role_and_events_are_in_a_copy(world: World) -> None:
    amina, omid = world.person("Amina"), world.person("Omid")
    for one in (amina, omid):
        world.sql("INSERT INTO nightlife_people VALUES ($1, 'brand', NULL, now(), now())", one.id)
        here = entered(world, one)
        here.ok("PATCH", "/api/auth/me", {"location": f"with {one.email}"})
        night(here, location=f"at {one.email}", tags=["house"])
    files = copy(world, amina)
    (role,) = rows(files, "nightlife")
    assert (role["role"], role["location"]) == ("brand", f"with {amina.email}")
    (event,) = rows(files, "nights")
    assert (event["location"], event["tags"], event["featured"]) == (f"at {amina.email}", ["house"], False)


def test_both_go_with_the_account(world: World) -> None:
    amina = world.person("Amina")
    world.sql("INSERT INTO nightlife_people VALUES ($1, 'host', NULL, now(), now())", amina.id)
    night(entered(world, amina))
    world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", amina.id)
    assert not world.sql("SELECT FROM nightlife_people") and not world.sql("SELECT FROM nightlife_events")
