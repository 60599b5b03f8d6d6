"""The time zone of a place, from the tables that come with the system's time zone database: no network.

Which country a point lies in is told by the name that stands beside it, else by the gazetteer.
"""

import asyncio
import functools
import lzma
import re
import unicodedata
import zoneinfo
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec

from majlis.kit import log
from majlis.kit.geo import Point, distance_km
from majlis.vendors import gazetteer

logger = log.get("majlis.zones")

COUNTRIES, ZONES = "iso3166.tab", "zone.tab"
_SIGNED = re.compile(r"([+-]\d+)([+-]\d+)")

# Countries as the gazetteer or people call them, where the tables use another name.
OTHER_NAMES = {
    "american samoa": "AS", "bonaire, saint eustatius and saba": "BQ", "british virgin islands": "VG",
    "cabo verde": "CV", "central african republic": "CF", "czechia": "CZ", "democratic republic of the congo": "CD",
    "eswatini": "SZ", "great britain": "GB", "ivory coast": "CI", "kosovo": "RS", "macao": "MO", "myanmar": "MM",
    "north korea": "KP", "palestinian territory": "PS", "republic of the congo": "CG", "saint martin": "MF",
    "saint vincent and the grenadines": "VC", "samoa": "WS", "sint maarten": "SX", "south korea": "KR",
    "timor leste": "TL", "turkiye": "TR", "turks and caicos islands": "TC", "u.s. virgin islands": "VI",
    "united kingdom": "GB", "usa": "US",
    "افغانستان": "AF", "ایران": "IR", "پاکستان": "PK", "تاجیکستان": "TJ", "ازبکستان": "UZ", "ترکمنستان": "TM",
}  # fmt: skip


class Zone(NamedTuple):
    """A time zone and the place that the tables give for it."""

    name: str
    where: Point


class Tables(NamedTuple):
    """What the tables say: the code of each country by its plain name, and the zones of each code."""

    codes: dict[str, str]
    zones: dict[str, list[Zone]]


async def find(country: str | None, point: Point | None) -> str | None:
    """The zone of a point in a country, by its IANA name; None where nothing is known.

    In a country of several zones, the one whose place is nearest; without a point, the one named first.
    """
    known = tables()
    code = known.codes.get(plain(country)) if country else None
    if code is None and point is not None:
        code = known.codes.get(plain(await _country(point)))
    zones = known.zones.get(code or "", [])
    if not zones:
        return None
    return nearest(zones, point).name if point else zones[0].name


def nearest(zones: list[Zone], point: Point) -> Zone:
    """The zone whose place is nearest to a point."""
    return min(zones, key=lambda zone: distance_km(zone.where, point))


async def _country(point: Point) -> str:
    """The country of the nearest known place, or an empty string. Slow the first time, so on a thread."""
    try:
        found = await asyncio.to_thread(lambda: gazetteer.shipped().nearest(point))
    except (OSError, ValueError, lzma.LZMAError, msgspec.MsgspecError):
        logger.exception("gazetteer_unreadable")
        return ""
    return found[0].country if found else ""


def plain(name: str) -> str:
    """A country's name without the differences in which people and tables write it."""
    marked = unicodedata.normalize("NFKD", name.strip().lower())
    bare = "".join(letter for letter in marked if not unicodedata.combining(letter))
    return re.sub(r"^st ", "saint ", bare.removeprefix("the ").replace("&", "and"))


@functools.cache
def tables() -> Tables:
    """The system's tables; empty ones where there are none."""
    return parsed(_text(COUNTRIES), _text(ZONES))


def parsed(countries: str, zones: str) -> Tables:
    """The two tables as they are written: lines of fields between tabs, comments behind #."""
    codes = {plain(name): code for name, code in OTHER_NAMES.items()}
    codes |= {plain(name): code for code, name, *_ in _lines(countries)}
    by_code: dict[str, list[Zone]] = {}
    for code, where, name, *_ in _lines(zones):
        by_code.setdefault(code, []).append(Zone(name, _point(where)))
    return Tables(codes, by_code)


def _lines(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


def _point(text: str) -> Point:
    """A place as the tables write it: +DDMM+DDDMM, or with seconds."""
    found = _SIGNED.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no place")
    return Point(_degrees(found[1], 2), _degrees(found[2], 3))


def _degrees(text: str, digits: int) -> float:
    sign, whole, rest = text[0], text[1 : 1 + digits], text[1 + digits :]
    value = int(whole) + int(rest[:2]) / 60 + int(rest[2:] or 0) / 3600
    return -value if sign == "-" else value


def _text(name: str) -> str:
    """One of the tables: the system's, else that of the tzdata package."""
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    try:
        return resources.files("tzdata.zoneinfo").joinpath(name).read_text(encoding="utf-8")
    except (ModuleNotFoundError, OSError):
        logger.warning("no_time_zone_table", name=name)
        return ""
