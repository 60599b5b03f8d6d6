"""Names of places: from a server that speaks as the companies do, and from the file that comes along."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from majlis.kit import cache
from majlis.kit.geo import Point
from majlis.settings import BadSettings, Settings
from majlis.vendors import gazetteer, geocode
from majlis.vendors.gazetteer import Entry
from majlis.vendors.geocode import Geocoder, GeocodeUnavailable, OfflineGeocoder, Place
from majlis.vendors.geocode_online import KINDS, GoogleGeocoder, MapboxGeocoder, NominatimGeocoder, Online
from tests.vendors import geocoders
from tests.vendors.geocoders import KEY, Fake

KABUL = Point(*geocoders.KARTE_SEH)
OCEAN = Point(*geocoders.OCEAN)
FOUND = {
    "google": Place("Afghanistan", "Kabul", "Kabul", "Karte Seh"),
    "mapbox": Place("Afghanistan", "Kabul", "Kabul", "Karte Seh"),
    "nominatim": Place("Afghanistan", "Kabul", "District 6", "Karte Seh"),
}


ONLINE: dict[str, type[Online]] = {
    "google": GoogleGeocoder,
    "mapbox": MapboxGeocoder,
    "nominatim": NominatimGeocoder,
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with geocoders.serving() as running:
        yield running


def using(geocoder: Callable[[], Any], work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What the work returns; the geocoder lives only as long."""

    async def run() -> Any:
        opened = geocoder()
        try:
            return await work(opened)
        finally:
            await opened.aclose()

    return asyncio.run(run())


def settings(**changes: Any) -> Settings:
    return Settings(**{"public_url": "https://majlis.example.org", **changes})


def look(fake: Fake, kind: Any, point: Point = KABUL) -> Place | None:
    chosen = settings(geocoder=kind, geocoder_key=KEY, geocoder_url=fake.url + "/")
    found: Place | None = using(lambda: geocode.from_settings(chosen), lambda it: it.reverse(point))
    return found


@every_kind
@pytest.mark.rule("hamsaya:113")
def test_a_point_becomes_names(fake: Fake, kind: str) -> None:
    assert look(fake, kind) == FOUND[kind]
    assert look(fake, kind, OCEAN) is None


def test_each_is_asked_as_it_wants_to_be(fake: Fake) -> None:
    for kind in KINDS:
        look(fake, kind)
    google, mapbox, nominatim = fake.asked
    assert (google["latlng"], google["key"], google["language"]) == ("34.5025,69.1335", KEY, "en")
    assert {"country", "locality", "neighborhood"} <= set(google["result_type"].split("|"))
    # The answer is stored: Mapbox wants to know.
    assert (mapbox["permanent"], mapbox["access_token"], mapbox["language"]) == ("true", KEY, "en")
    assert (mapbox["longitude"], mapbox["latitude"]) == ("69.1335", "34.5025")
    assert (nominatim["lat"], nominatim["lon"]) == ("34.5025", "69.1335")
    assert (nominatim["format"], nominatim["addressdetails"]) == ("jsonv2", "1")
    assert nominatim["accept-language"] == "en"
    assert set(fake.agents) == {"majlis (https://majlis.example.org)"}


@every_kind
@pytest.mark.parametrize("fault", geocoders.FAULTS)
@pytest.mark.rule("hamsaya:113")
def test_every_failure_is_one_kind_and_never_tells_the_key(fake: Fake, kind: str, fault: str) -> None:
    fake.fault = fault
    with pytest.raises(GeocodeUnavailable) as failed:
        look(fake, kind)
    assert KEY not in str(failed.value)
    assert failed.value.__cause__ is None


def test_a_wrong_key_is_a_failure_not_an_empty_map(fake: Fake) -> None:
    for kind in ("google", "mapbox"):
        chosen = settings(geocoder=kind, geocoder_key="another", geocoder_url=fake.url)
        with pytest.raises(GeocodeUnavailable):
            using(partial(geocode.from_settings, chosen), lambda it: it.reverse(KABUL))


@every_kind
@pytest.mark.rule("hamsaya:113")
def test_nobody_waits_longer_than_the_limit(fake: Fake, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(ONLINE[kind], "timeout_s", 0.3)

    async def lookup(it: Geocoder) -> None:
        with pytest.raises(GeocodeUnavailable):
            await it.reverse(KABUL)

    fake.delay_s = 60.0
    using(lambda: ONLINE[kind]("majlis", fake.url, KEY), lookup)
    # Every byte comes in time, the whole does not.
    fake.delay_s, fake.fault = 0.0, "drip"
    using(lambda: ONLINE[kind]("majlis", fake.url, KEY), lookup)


def test_nobody_listening_is_a_failure(fake: Fake) -> None:
    with geocoders.serving() as gone:
        pass
    with pytest.raises(GeocodeUnavailable):
        look(gone, "google")


@every_kind
def test_what_failed_is_left_alone_for_a_while(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    now = 1000.0
    monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: now))

    async def lookups(it: Geocoder) -> None:
        fake.fault = "limit"
        for _ in range(5):
            with pytest.raises(GeocodeUnavailable):
                await it.reverse(KABUL)
        assert len(fake.asked) == 1
        fake.fault = None
        nonlocal now
        now += ONLINE[kind].rest_s + 1
        assert await it.reverse(KABUL) == FOUND[kind]

    using(lambda: ONLINE[kind]("majlis", fake.url, KEY), lookups)


def test_the_public_nominatim_is_asked_at_its_pace(fake: Fake) -> None:
    async def lookups(it: Geocoder) -> None:
        assert isinstance(it, NominatimGeocoder)
        started = it._free_at = time.monotonic()  # the next may be asked now, the one after it a pace later
        results = await asyncio.gather(*(it.reverse(KABUL) for _ in range(4)), return_exceptions=True)
        assert results[:2] == [FOUND["nominatim"]] * 2
        assert all(isinstance(late, GeocodeUnavailable) for late in results[2:])
        assert time.monotonic() - started >= 0.4
        assert len(fake.asked) == 2
        await asyncio.sleep(0.4)
        # Those who were turned away are no failure of the server's.
        assert await it.reverse(KABUL) == FOUND["nominatim"]

    using(lambda: NominatimGeocoder("majlis", fake.url, pace_s=0.4), lookups)


def test_ones_own_nominatim_has_no_pace(fake: Fake) -> None:
    async def lookups(it: Geocoder) -> list[Place | None]:
        return await asyncio.gather(*(it.reverse(KABUL) for _ in range(4)))

    assert using(lambda: NominatimGeocoder("majlis", fake.url), lookups) == [FOUND["nominatim"]] * 4


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"geocoder": "google"}, "MAJLIS_GEOCODER_KEY"),
        ({"geocoder": "mapbox"}, "MAJLIS_GEOCODER_KEY"),
        ({"geocoder": "nominatim", "geocoder_url": "nominatim.example.org"}, "MAJLIS_GEOCODER_URL"),
        ({"geocoder": "nominatim", "geocoder_url": "http://[::1"}, "MAJLIS_GEOCODER_URL"),
    ],
)
def test_settings_that_cannot_work_are_named(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(BadSettings, match=word):
        geocode.from_settings(settings(**changes))


def test_the_usual_addresses() -> None:
    hosts: dict[str, str] = {}
    for kind, make in KINDS.items():
        using(partial(make, "majlis", "", KEY), partial(remember, hosts, kind))
    assert hosts == {
        "google": "https://maps.googleapis.com",
        "mapbox": "https://api.mapbox.com",
        "nominatim": "https://nominatim.openstreetmap.org",
    }


async def remember(hosts: dict[str, str], kind: str, geocoder: Any) -> None:
    hosts[kind] = str(geocoder._client.base_url).rstrip("/")


def test_off_knows_nothing() -> None:
    chosen = settings(geocoder="off")
    assert using(lambda: geocode.from_settings(chosen), lambda it: it.reverse(KABUL)) is None


def test_a_server_that_asks_nobody_carries_no_http_client() -> None:
    code = (
        "import sys; from majlis.settings import Settings; from majlis.vendors import geocode;"
        "geocode.from_settings(Settings()); sys.exit('httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- offline


@pytest.fixture(scope="module")
def offline() -> Callable[[float, float], Place | None]:
    def reverse(lat: float, lng: float) -> Place | None:
        found: Place | None = using(OfflineGeocoder, lambda it: it.reverse(Point(lat, lng)))
        return found

    return reverse


@pytest.mark.parametrize(
    "lat, lng, found",
    [
        (34.5025, 69.1335, Place("Afghanistan", "Kabul", "District 6", "Karte Seh")),
        (34.5370, 69.1855, Place("Afghanistan", "Kabul", "District 10", "Wazir Akbar Khan")),
        (34.4685, 69.1195, Place("Afghanistan", "Kabul", "Kabul", "Darulaman")),  # of no known district
        (34.5879, 68.9509, Place("Afghanistan", "Kabul", "Paghman", None)),
        (34.3420, 62.1985, Place("Afghanistan", "Herat", "Herat", "Darb-e Khosh")),
        (36.7090, 67.1109, Place("Afghanistan", "Balkh", "Mazar-e Sharif", None)),
        (31.6444, 65.6580, Place("Afghanistan", "Kandahar", "Arghandab", "Baba Sahib")),
        (34.0080, 71.5785, Place("Pakistan", "Khyber Pakhtunkhwa", "Peshawar", None)),
        (36.2970, 59.6062, Place("Iran", "Razavi Khorasan", "Mashhad", None)),
        (38.5358, 68.7791, Place("Tajikistan", "Dushanbe", "Dushanbe", None)),
        (51.4964, -0.1115, Place("United Kingdom", "England", "Greater London", "Lambeth")),
        (0.0, -140.0, None),
        (90.0, 0.0, None),
        (-90.0, 0.0, None),
    ],
)  # fmt: skip
def test_known_points(offline: Any, lat: float, lng: float, found: Place | None) -> None:
    assert offline(lat, lng) == found


def test_the_farther_the_place_the_less_is_said() -> None:
    known = gazetteer.Gazetteer(gazetteer.pack([Entry("Land", "North", "Hills", "Village", 10.0, 20.0)]))

    def at(km: float) -> Place | None:
        return geocode.located(known, Point(10.0 + km / 111.2, 20.0))

    assert at(4) == Place("Land", "North", "Hills", "Village")
    assert at(6) == Place("Land", "North", "Hills", None)
    assert at(39) == Place("Land", "North", "Hills", None)
    assert at(41) == Place("Land", "North", None, None)
    assert at(74) == Place("Land", "North", None, None)
    assert at(76) is None


def test_names_fit_their_columns() -> None:
    found = geocode.place("  Land \n of\0many ", "x" * 150, "", "Village")
    assert found == Place("Land of many", "x" * 100, None, "Village")
    assert geocode.place("Land", None, "Village", "Village") == Place("Land", None, "Village", None)
    assert geocode.place("", None, " ", None) is None


def test_a_file_that_cannot_be_read_is_a_failure() -> None:
    whole = gazetteer.compressed(gazetteer.pack([Entry("Land", "", "", "Village", 0.0, 0.0)]))
    for raw in (b"", b"broken", whole[:-8], gazetteer.compressed(gazetteer.pack([]))[:40]):
        with pytest.raises(GeocodeUnavailable):
            using(partial(OfflineGeocoder, partial(gazetteer.read, raw)), lambda it: it.reverse(KABUL))


def test_the_file_is_read_once_and_beside_the_loop() -> None:
    threads: list[bool] = []
    known = gazetteer.Gazetteer(gazetteer.pack([Entry("Land", "", "", "Village", 34.5, 69.1)]))

    def load() -> gazetteer.Gazetteer:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            threads.append(True)
        return known

    async def lookups(it: Geocoder) -> None:
        for _ in range(3):
            assert await it.reverse(KABUL) is not None

    using(lambda: OfflineGeocoder(load), lookups)
    assert threads == [True]
