"""Lists of businesses for the features above: filters, orders, places, opening hours."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from majlis.features.directory import service
from majlis.features.directory.model import Business, Filter, Sort
from majlis.kit import clock, geo, page
from majlis.kit.errors import Malformed
from majlis.kit.geo import Point
from majlis.kit.me import Me
from tests.features.businesses.trading import at, block, categories, day, opened
from tests.features.queries import counted
from tests.world import Person, World

HERE = Point(34.5229, 69.1404)


def found(
    world: World,
    who: Person | None = None,
    sort: Sort = "recent",
    limit: int = 20,
    cursor: str | None = None,
    **wanted: Any,
) -> page.Page[Business]:
    async def run() -> page.Page[Business]:
        async with world.app.db.read() as tx:
            me = Me.anonymous if who is None else who.me
            return await service.listing(tx, me, Filter(**wanted), sort, page.Paging(limit, cursor))

    return world.go(run())


def names(world: World, who: Person | None = None, sort: Sort = "recent", **wanted: Any) -> list[str]:
    return [one.name for one in found(world, who, sort, **wanted).items]


def north(km: float) -> dict[str, float]:
    """A point so far north of here."""
    return {"lat": HERE.lat + km / geo.KM_PER_DEGREE, "lng": HERE.lng}


@pytest.mark.rule("hamsaya:149", "hamsaya:135", "hamsaya:24")
def test_lists_leave_out_what_the_viewer_may_not_see(world: World) -> None:
    owners = [world.person() for _ in range(5)]
    shown, off, gone, blocking, leaving = owners
    viewer = world.person()
    businesses = [opened(world, who, name) for who, name in zip(owners, "abcde", strict=True)]
    assert names(world, viewer) == ["e", "d", "c", "b", "a"]
    world.put(at(businesses[1]), off, {"status": False})
    world.delete(at(businesses[2]), gone)
    block(world, blocking, viewer)
    world.delete("/api/v1/users/me/account", leaving, json={"reason": "tired"})
    assert names(world, viewer) == ["a"]
    assert names(world) == ["d", "a"]
    assert names(world, off, user_id=off.id) == []
    assert names(world, off, user_id=off.id, hidden_too=True) == ["b"]
    assert names(world, shown, user_id=off.id, hidden_too=True) == []


@pytest.mark.rule("hamsaya:110", "hamsaya:136")
def test_filters_combine(world: World) -> None:
    amina = world.person()
    first, second, _ = categories(world)
    opened(world, amina, "Bakery Nur", description="warm bread", category_ids=[first], province="Kabul")
    opened(world, amina, "نانوایی", category_ids=[first, second], province="Herat", district="Injil")
    opened(world, amina, "Breadless", province="kabul", country="Afghanistan")
    assert names(world, q="bread") == ["Breadless", "Bakery Nur"]
    assert names(world, sort="relevance", q="bread") == ["Breadless", "Bakery Nur"]
    assert names(world, sort="relevance", q="nur ba") == ["Bakery Nur"]
    assert names(world, q="نانوايي") == ["نانوایی"]
    assert names(world, sort="relevance") == names(world)
    assert names(world, category_id=UUID(first)) == ["نانوایی", "Bakery Nur"]
    assert names(world, category_id=UUID(first), province="KABUL") == ["Bakery Nur"]
    assert names(world, province="kabul", country="afghanistan") == ["Breadless"]
    assert names(world, district="Injil", q="bread") == []


@pytest.mark.rule("hamsaya:116", "hamsaya:111")
def test_the_nearest_come_first_and_hidden_places_are_not_found(world: World) -> None:
    amina = world.person()
    for name, km in (("far", 20), ("middle", 6), ("near", 1.23), ("secret", 0.5)):
        opened(world, amina, name, address_location=north(km), show_location=name != "secret")
    opened(world, amina, "nowhere")
    for who in (None, amina):
        assert names(world, who, "nearby", near=HERE) == ["near", "middle"]
    assert names(world, sort="nearby", near=HERE, radius_km=50.0) == ["near", "middle", "far"]
    assert names(world, near=HERE) == ["near", "middle"]
    distances = [one.distance_km for one in found(world, None, "nearby", near=HERE).items]
    assert distances == [1.2, 6.0]
    assert {one.distance_km for one in found(world).items} == {None}
    box = geo.Box(HERE.lat - 1, HERE.lng - 1, HERE.lat + 0.03, HERE.lng + 1)
    assert names(world, within=[box]) == ["near"]
    assert names(world, within=[box, geo.Box(HERE.lat + 0.1, 0, 90, 180)]) == ["near", "far"]


def test_places_across_the_antimeridian_are_near(world: World) -> None:
    opened(world, world.person(), "west", address_location={"lat": -17.0, "lng": 179.99})
    assert names(world, sort="nearby", near=Point(-17.0, -179.99)) == ["west"]


@pytest.mark.rule("hamsaya:137", "hamsaya:138")
def test_who_is_open_now_is_found(world: World) -> None:
    amina = world.person()
    opened(world, amina, "day", hours=[day("Monday", "08:00", "18:00")])
    opened(world, amina, "night", hours=[day("Sunday", "20:00", "03:00")])
    opened(world, amina, "unknown")
    opened(world, amina, "berlin", country="Germany", hours=[day("Sunday", "18:00", "23:00")])
    moments = {
        datetime(2026, 6, 1, 6, tzinfo=UTC): ["day"],  # Monday, 10:30 in Kabul
        datetime(2026, 5, 31, 20, 30, tzinfo=UTC): [
            "berlin",
            "night",
        ],  # Monday, 01:00 there; Sunday, 22:30 in Berlin
        datetime(2026, 6, 1, 18, tzinfo=UTC): [],
    }
    for moment, expected in moments.items():
        with clock.frozen(moment):
            assert names(world, open_now=True) == expected
            rest = [name for name in ("berlin", "unknown", "night", "day") if name not in expected]
            assert names(world, open_now=False) == rest
            flags = {one.name: one.is_open_now for one in found(world).items}
            assert flags == {
                "unknown": None,
                **{name: name in expected for name in ("berlin", "night", "day")},
            }


@pytest.mark.parametrize("sort", ["recent", "nearby", "relevance"])
def test_pages_follow_one_another(world: World, sort: Sort) -> None:
    amina = world.person()
    for number in range(5):
        opened(world, amina, f"Bakery {number}", address_location=north(number // 2))
    wanted: dict[str, Any] = {"near": HERE, "q": "bakery"}
    whole = names(world, None, sort, **wanted)
    assert len(whole) == 5
    pages, cursor = [], None
    for _ in range(3):
        part = found(world, None, sort, 2, cursor, **wanted)
        pages += [one.name for one in part.items]
        cursor = part.next
    assert (pages, cursor) == (whole, None)
    with pytest.raises(Malformed):
        found(world, None, sort, cursor="forged", **wanted)


def test_a_list_costs_the_same_number_of_queries_however_long(world: World) -> None:
    def queries() -> int:
        with counted(world) as seen:
            found(world, None, "nearby", near=HERE)
        return len(seen)

    for count in (1, 5):
        for _ in range(count):
            opened(world, world.person(), address_location=north(1), category_ids=categories(world))
        assert queries() == 5
