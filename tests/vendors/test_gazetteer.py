"""The gazetteer: the nearest place on the sphere, in little memory and time; the file and how it is made."""

import math
import random
import time
import tracemalloc
import unicodedata
from collections.abc import Sequence
from importlib import resources

import pytest

from majlis.kit.geo import Point, distance_km
from majlis.vendors import gazetteer, geocode
from majlis.vendors.gazetteer import Entry, Gazetteer
from majlis.vendors.geocode_data import build
from majlis.vendors.geocode_data.build import City, Row

FILE = resources.files(gazetteer.DATA).joinpath(gazetteer.PLACES)


@pytest.fixture(scope="module")
def known() -> Gazetteer:
    return gazetteer.shipped()


@pytest.fixture(scope="module")
def everything(known: Gazetteer) -> list[Entry]:
    return [known.entry(index) for index in range(len(known))]


def village(lat: float, lng: float) -> Entry:
    return Entry("Land", "Province", "District", f"{lat:.4f},{lng:.4f}", lat, lng)


def by_hand(entries: Sequence[Entry], point: Point) -> float | None:
    """How far the nearest is, found by measuring to every one."""
    # Whatever lies within 75 km lies within 0.7 degrees of latitude.
    level = (entry for entry in entries if abs(entry.lat - point.lat) < 0.7)
    away = min((distance_km(point, Point(entry.lat, entry.lng)) for entry in level), default=math.inf)
    return away if away <= gazetteer.SEARCH_KM[-1] else None


def scattered(chance: random.Random, count: int) -> list[Entry]:
    """Places all over, crowded along the antimeridian, at the poles, and at the edges of cells."""
    found = []
    for _ in range(count):
        lat = chance.choice(
            [chance.uniform(-90, 90), chance.uniform(88.5, 90), chance.uniform(-90, -88.5), 34.5]
        )
        lng = chance.choice(
            [chance.uniform(-180, 180), chance.uniform(179, 180), chance.uniform(-180, -179), 69.0]
        )
        found.append(village(round(lat, 4), round(lng, 4)))
    return [*found, village(90, 0), village(-90, 0), village(0, 180), village(0, -180)]


def test_the_nearest_on_the_sphere_is_found_everywhere() -> None:
    chance = random.Random(113)
    entries = scattered(chance, 3000)
    known = Gazetteer(gazetteer.pack(entries))
    misses, flat = 0, 0
    for near in chance.sample(entries, 400):
        lat = max(-90.0, min(90.0, near.lat + chance.gauss(0, 0.5)))
        lng = (near.lng + chance.gauss(0, 0.5) / max(0.02, math.cos(math.radians(lat))) + 540) % 360 - 180
        point = Point(lat, lng)
        expected, found = by_hand(entries, point), known.nearest(point)
        assert (found and found[1]) == (expected and pytest.approx(expected, abs=1e-6)), point
        misses += expected is None
        # The control: measured in degrees, as on a flat map, another place would often be the nearest.
        planar = min(entries, key=lambda entry: math.hypot(entry.lat - point.lat, entry.lng - point.lng))
        flat += expected is not None and distance_km(point, Point(planar.lat, planar.lng)) > expected + 0.001
    assert misses > 10
    assert flat > 50


@pytest.mark.parametrize(
    "place, point",
    [
        ((0.0, 179.9), (0.0, -179.9)),
        ((0.0, -180.0), (0.0, 180.0)),
        ((-16.8, -179.97), (-16.8, 179.99)),
        ((89.9, 0.0), (89.9, 180.0)),
        ((89.9, 90.0), (90.0, -90.0)),
        ((-89.8, -120.0), (-89.8, 60.0)),
        ((34.9999, 69.4999), (35.0001, 69.5001)),
    ],
)
def test_seams_of_the_map(place: tuple[float, float], point: tuple[float, float]) -> None:
    known = Gazetteer(gazetteer.pack([village(*place), village(45.0, 45.0)]))
    found = known.nearest(Point(*point))
    assert found is not None
    assert found[0] == village(*place)


def test_an_empty_gazetteer_finds_nothing() -> None:
    known = Gazetteer(gazetteer.pack([]))
    assert (len(known), known.nearest(Point(0, 0)), known.neighborhood(Point(0, 0), 1.5)) == (0, None, None)


def test_a_file_gives_back_what_went_in() -> None:
    entries = [
        Entry("Afghanistan", "Kabul", "Paghman", "Paghman", 34.5879, 68.9509),
        Entry("افغانستان", "کابل", "", "پغمان", -34.5879, -68.9509),
        Entry("Land", "", "", "Île", 89.9999, 179.9999),
    ]
    known = gazetteer.read(gazetteer.compressed(gazetteer.pack(entries)))
    assert sorted(known.entry(index) for index in range(len(known))) == sorted(entries)


def test_places_out_of_order_are_refused() -> None:
    packed = gazetteer.pack([village(10, 10), village(-10, -10)])
    backwards = gazetteer.pack([village(10, 10)]).lat + gazetteer.pack([village(-20, 0)]).lat
    with pytest.raises(ValueError, match="order"):
        Gazetteer(
            gazetteer.Packed(
                packed.texts, packed.regions, packed.areas, packed.area, packed.name, backwards, packed.lng
            )
        )


def test_the_nearest_of_the_shipped_file(known: Gazetteer, everything: list[Entry]) -> None:
    chance = random.Random(114)
    around = [entry for entry in everything if entry.country == "Afghanistan" or abs(entry.lng) > 179.5]
    far_north = sorted(everything, key=lambda entry: -entry.lat)[:20]
    for near in chance.sample(around, 12) + chance.sample(far_north, 4):
        lng = (near.lng + chance.gauss(0, 0.4) + 540) % 360 - 180
        point = Point(near.lat + chance.gauss(0, 0.2), lng)
        expected, found = by_hand(everything, point), known.nearest(point)
        assert (found and found[1]) == (expected and pytest.approx(expected, abs=1e-6)), point


def test_the_shipped_file_is_small_to_carry_and_to_keep() -> None:
    raw = FILE.read_bytes()
    assert len(raw) <= 1_500_000
    tracemalloc.start()
    try:
        kept = gazetteer.read(raw)
        now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) > 100_000
    assert now < 8_000_000
    assert most < 25_000_000


def test_a_lookup_is_quick(known: Gazetteer, everything: list[Entry]) -> None:
    chance = random.Random(2)
    points = [Point(entry.lat, entry.lng) for entry in chance.sample(everything, 300)]
    points += [Point(chance.uniform(-90, 90), chance.uniform(-180, 180)) for _ in range(300)]
    taken = []
    for point in points:
        started = time.perf_counter()
        geocode.located(known, point)
        taken.append(time.perf_counter() - started)
    # It takes 0.1 ms; a look at every place would take a second, on whatever machine.
    assert sorted(taken)[len(taken) // 2] < 0.1


def test_the_names_of_the_shipped_file(everything: list[Entry]) -> None:
    for entry in everything:
        for name in entry[:4]:
            assert len(name) <= geocode.LONGEST
            assert name == " ".join(name.split())
            assert not any(unicodedata.category(letter) == "Cc" for letter in name)
        assert entry.country and entry.district and entry.name
    afghan = [entry for entry in everything if entry.country == "Afghanistan"]
    assert len(afghan) > 300
    assert len({entry.province for entry in afghan}) == 34
    assert all(name.isascii() for entry in afghan for name in entry[:4])


def test_each_neighbourhood_lies_in_its_town(known: Gazetteer) -> None:
    assert len(known._parts) > 30
    for middle, town, part in known._parts:
        found = geocode.located(known, middle)
        assert found is not None
        assert (found.country, found.province, found.neighborhood) == (town.country, town.province, part.name)
        assert found.district
        nearest = known.nearest(middle)
        assert nearest is not None and (nearest[0].province, nearest[1] < 15) == (town.province, True)


def test_what_is_kept_of_the_sources() -> None:
    def city(name: str, lat: float, code: str, people: int, admin1: str) -> City:
        return City(name, lat, 1.0, code, people, admin1)

    cities = [
        city("Paghmān", 1.0, "AF", 0, "13"),
        city("Chandal Bā’ī", 2.0, "AF", 0, "13"),
        city("Āsmār", 3.0, "AF", 0, "05"),
        city("São Pequeno", 4.0, "BR", 1999, "27"),
        city("São Paulo", 5.0, "BR", 2000, "27"),
        city("x" * 101, 6.0, "BR", 5000, "27"),
    ]
    rows = [
        Row("AF", "Paghmān", 1.0, 1.0, "Kabul"),
        Row("AF", "Chandal Bā’ī", 2.0, 1.0, "Kabul", "Paghmān District"),
        Row("AF", "Āsmār", 3.0, 1.0, "Ghowr", "Bar Kunaṟ"),
        Row("BR", "São Paulo", 5.0, 1.0, "São Paulo"),
    ]
    assert list(build.entries(cities, rows, {"AF": "Afghanistan", "BR": "Brazil"})) == [
        Entry("Afghanistan", "Kabul", "Paghman", "Paghman", 1.0, 1.0),
        Entry("Afghanistan", "Kabul", "Paghman", "Chandal Bai", 2.0, 1.0),
        Entry("Afghanistan", "Ghor", "Bar Kunar", "Asmar", 3.0, 1.0),
        Entry("Brazil", "São Paulo", "São Paulo", "São Paulo", 5.0, 1.0),
    ]
