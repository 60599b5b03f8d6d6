"""Reverse geocoding: from a point to the names of where it lies, by a file of our own or by a company.

All names are asked for in English, whoever asks: lists are filtered by them, so one place needs one name.
"""

import asyncio
import lzma
from collections.abc import Callable
from typing import Protocol

import msgspec

from majlis.kit.errors import Unavailable
from majlis.kit.geo import Point
from majlis.settings import BadSettings, Settings
from majlis.vendors import gazetteer
from majlis.vendors.gazetteer import Gazetteer

TIMEOUT_S = 3.0  # for a whole lookup: somebody waits for it
LONGEST = 100  # of a name, as the columns are

# How far the nearest place may be, in km, for each part of its address to hold here too.
NEIGHBORHOOD_KM, DISTRICT_KM = 5.0, 40.0
PART_OF_TOWN_KM = 1.5


class Place(msgspec.Struct, frozen=True):
    """Where a point lies, from the largest part to the smallest; None for what is not known."""

    country: str | None = None
    province: str | None = None
    district: str | None = None
    neighborhood: str | None = None


class GeocodeUnavailable(Unavailable):
    """The lookup failed, or took too long; it may work later."""

    code, detail = "geocode_unavailable", "Places cannot be looked up at present."


class Geocoder(Protocol):
    """What knows where a point lies."""

    async def reverse(self, point: Point) -> Place | None:
        """The place, None where none is known. Raises GeocodeUnavailable, after `TIMEOUT_S` at the latest."""

    async def aclose(self) -> None:
        """Let go of what is held."""


def place(
    country: str | None, province: str | None, district: str | None, neighborhood: str | None
) -> Place | None:
    """A Place of these names as they are stored; None when there is none."""
    names = [
        " ".join((name or "").replace("\0", " ").split())[:LONGEST] or None
        for name in (country, province, district, neighborhood)
    ]
    if names[3] == names[2]:
        names[3] = None  # a village that is its own district
    return Place(*names) if any(names) else None


class OffGeocoder:
    """Knows nothing."""

    async def reverse(self, point: Point) -> Place | None:
        """None."""
        return None

    async def aclose(self) -> None:
        """Nothing is held."""


class OfflineGeocoder:
    """Looks into the gazetteer that comes with the program. Near borders it may name the other side's place."""

    def __init__(self, load: Callable[[], Gazetteer] = gazetteer.shipped) -> None:
        self._load = load
        self._known: Gazetteer | None = None

    async def reverse(self, point: Point) -> Place | None:
        """The place. The first lookup of a process takes some tenths of a second, others much less than 1 ms."""
        if self._known is None:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    self._known = await asyncio.to_thread(self._load)
            except (TimeoutError, OSError, ValueError, lzma.LZMAError, msgspec.MsgspecError) as error:
                raise GeocodeUnavailable(f"the gazetteer cannot be read: {error!r}") from error
        return located(self._known, point)

    async def aclose(self) -> None:
        """Nothing is held."""


def located(known: Gazetteer, point: Point) -> Place | None:
    """What a gazetteer says of a point: the farther the nearest place, the less."""
    found = known.nearest(point)
    if found is None:
        return None
    entry, away_km = found
    district = entry.district if away_km <= DISTRICT_KM else None
    part = known.neighborhood(point, PART_OF_TOWN_KM)
    if part is not None:
        town, quarter = part
        return place(town.country, town.province, quarter.district or district, quarter.name)
    return place(entry.country, entry.province, district, entry.name if away_km <= NEIGHBORHOOD_KM else None)


def from_settings(settings: Settings) -> Geocoder:
    """The geocoder of MAJLIS_GEOCODER. BadSettings when it lacks its key."""
    kind, key, url = settings.geocoder, settings.geocoder_key, settings.geocoder_url.rstrip("/")
    agent = f"majlis ({settings.base_url()})"
    if url and not url.startswith(("http://", "https://")):
        raise BadSettings("MAJLIS_GEOCODER_URL must begin with https:// or http://")
    if kind in ("google", "mapbox") and not key:
        raise BadSettings(f"MAJLIS_GEOCODER_KEY is not set, and {kind} wants one")
    if kind == "offline":
        return OfflineGeocoder()
    if kind == "off":
        return OffGeocoder()
    # Only here: a server that asks nobody need not carry an HTTP client.
    from majlis.vendors import geocode_online

    try:
        return geocode_online.KINDS[kind](agent, url, key)
    except ValueError as error:
        raise BadSettings(f"MAJLIS_GEOCODER_URL: {error}") from error
