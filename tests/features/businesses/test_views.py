"""Views of a business: once per viewer and day of the place, never the owner's own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.businesses import service
from majlis.features.directory import service as directory
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.businesses.trading import BUSINESSES, at, opened
from tests.features.queries import counted
from tests.world import Person, World

NOON = datetime(2030, 6, 3, 7, 30, tzinfo=UTC)  # in Kabul


def total(world: World, business: dict[str, Any], owner: Any) -> int:
    found: int = world.get(at(business), owner).json()["total_views"]
    return found


def look(world: World, who: Person, business: dict[str, Any]) -> int:
    """A look behind the door, where a token of another time does not matter."""
    return world.go(directory.look(world.app, who.me, UUID(business["id"]))).total_views


@pytest.mark.rule("hamsaya:133")
def test_a_viewer_counts_once_and_the_owner_never(world: World) -> None:
    amina, karim, bilal = world.person(), world.person(), world.person()
    business = opened(world, amina)
    with clock.frozen(clock.now()):
        for who, expected in ((amina, 0), (karim, 1), (karim, 1), (None, 1), (bilal, 2), (amina, 2)):
            assert world.get(at(business), who).json()["total_views"] == expected
    world.get(BUSINESSES, amina)
    world.get(at(business, "/hours"), world.person())
    assert total(world, business, amina) == 2
    assert world.get(at(business), amina).json()["updated_at"] == business["updated_at"]


@pytest.mark.rule("hamsaya:133")
def test_a_viewer_counts_again_on_the_next_day_of_the_place(world: World) -> None:
    amina, karim = world.person(), world.person()
    kabul = opened(world, amina)
    angeles = opened(world, amina, country="United States", address_location={"lat": 34.05, "lng": -118.24})
    seen = []
    # The day ends at 19:30 UTC in Kabul, and at 07:00 in Los Angeles.
    for hours in (0, 11.9, 12.1, 23.4, 23.6, 36.1):
        with clock.frozen(NOON + timedelta(hours=hours)):
            seen.append([look(world, karim, one) for one in (kabul, angeles)])
    assert seen == [[1, 1], [1, 1], [2, 1], [2, 1], [2, 2], [3, 2]]


@pytest.mark.rule("hamsaya:133")
def test_what_may_not_be_seen_counts_nobody(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina, status=False)
    assert world.get(at(business), karim).status_code == 404
    assert world.sql("SELECT 1 FROM business_views") == []
    assert total(world, business, amina) == 0


def test_who_looked_is_forgotten_after_days_and_the_count_stays(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina)
    with clock.frozen(NOON):
        look(world, karim, business)
    for days, left in ((2, 1), (5, 0)):
        with clock.frozen(NOON + timedelta(days=days)):
            world.go(service.forget_views(world.app, Me.system))
        assert len(world.sql("SELECT 1 FROM business_views")) == left
    assert total(world, business, amina) == 1


def test_a_look_costs_few_queries(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina)
    for who, most in ((karim, 6), (karim, 6), (amina, 5), (None, 5)):
        with counted(world) as seen:
            world.get(at(business), who)
        assert len(seen) <= most, seen
