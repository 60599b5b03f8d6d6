"""Time zones of places."""

import asyncio

import pytest

from majlis.kit.geo import Point
from majlis.vendors import gazetteer, zones

COUNTRIES = "# a comment\nAF\tAfghanistan\nKR\tKorea (South)\nLC\tSt Lucia\nUS\tUnited States\n"
ZONES = """# a comment
AF\t+3431+06912\tAsia/Kabul
US\t+404251-0740023\tAmerica/New_York\tEastern (most areas)
US\t+340308-1181434\tAmerica/Los_Angeles\tPacific
LC\t+1401-06100\tAmerica/St_Lucia
"""


def test_the_tables_are_read() -> None:
    tables = zones.parsed(COUNTRIES, ZONES)
    assert tables.codes["afghanistan"] == tables.codes[zones.plain("افغانستان")] == "AF"
    assert (tables.codes["saint lucia"], tables.codes["south korea"]) == ("LC", "KR")
    york, angeles = tables.zones["US"]
    assert york.name == "America/New_York"
    assert (york.where.lat, york.where.lng) == pytest.approx((40.7142, -74.0064), abs=1e-4)
    assert zones.nearest([york, angeles], Point(37.77, -122.42)) is angeles
    assert zones.parsed("", "") == (zones.parsed("", "").codes, {})


def test_a_line_that_is_no_place_is_told() -> None:
    with pytest.raises(ValueError, match="is no place"):
        zones.parsed(COUNTRIES, "AF\tKabul\tAsia/Kabul\n")


@pytest.mark.parametrize(
    "country, point, expected",
    [
        ("Afghanistan", None, "Asia/Kabul"),
        (" AFGHANISTAN ", Point(24.9, 67.0), "Asia/Kabul"),  # the name is believed
        ("The Netherlands", None, "Europe/Amsterdam"),
        ("United States", None, "America/New_York"),
        ("United States", Point(34.05, -118.24), "America/Los_Angeles"),
        ("ایران", None, "Asia/Tehran"),
        ("Somewhere", Point(34.34, 62.2), "Asia/Kabul"),  # Herat, nearer to Ashgabat than to Kabul
        (None, Point(30.18, 67.0), "Asia/Karachi"),  # Quetta, nearer to Kabul than to Karachi
        (None, Point(0.0, -140.0), None),
        ("Somewhere", None, None),
        (None, None, None),
    ],
)
def test_a_place_has_the_zone_of_its_country(
    country: str | None, point: Point | None, expected: str | None
) -> None:
    assert asyncio.run(zones.find(country, point)) == expected


def test_every_country_of_the_gazetteer_is_known() -> None:
    known, places = zones.tables(), gazetteer.shipped()
    names = {places.entry(number).country for number in range(len(places))}
    assert len(names) > 200
    assert {name for name in names if known.codes.get(zones.plain(name)) not in known.zones} == set()
