"""Reverse geocoding by companies and by OpenStreetMap, over HTTP."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from majlis.kit.cache import Breaker
from majlis.kit.geo import Point
from majlis.vendors.geocode import TIMEOUT_S, Geocoder, GeocodeUnavailable, Place, place

REST_S = 30.0  # how long a service that failed is left alone
LANGUAGE = "en"

T = TypeVar("T")


class Online:
    """A service over HTTP: at its usual address, unless `url` names another. ValueError when it is no address."""

    name: str
    URL: str
    timeout_s = TIMEOUT_S
    rest_s = REST_S

    def __init__(self, agent: str, url: str = "", key: str = "") -> None:
        self._key = key
        try:
            base = httpx.URL(url or self.URL)
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error
        headers = {"User-Agent": agent, "Accept": "application/json"}
        self._client = httpx.AsyncClient(base_url=base, timeout=self.timeout_s, headers=headers)
        self._breaker = Breaker(self.name, self.rest_s)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _turn(self) -> None:
        """Wait until a request may be sent."""

    async def _ask(self, path: str, params: Mapping[str, str], answer: type[T]) -> T:
        """The answer of a GET. Raises GeocodeUnavailable, whose words never hold the key."""
        if not self._breaker.allows():
            raise GeocodeUnavailable(f"{self.name} failed a moment ago")
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._turn()
                response = await self._client.get(path, params=params)
            if response.status_code != httpx.codes.OK:
                raise self._failed(f"HTTP {response.status_code}")
            decoded = msgspec.json.decode(response.content, type=answer)
        except (TimeoutError, httpx.HTTPError, msgspec.DecodeError) as error:
            # Only its kind: the words may hold the address, and that the key.
            raise self._failed(type(error).__name__) from None
        self._breaker.worked()
        return decoded

    def _failed(self, why: str) -> GeocodeUnavailable:
        error = GeocodeUnavailable(f"{self.name}: {why}")
        self._breaker.failed(error)
        return error


class _Component(msgspec.Struct):
    long_name: str
    types: list[str]


class _Address(msgspec.Struct):
    address_components: list[_Component] = []


class _GoogleAnswer(msgspec.Struct):
    status: str
    results: list[_Address] = []
    error_message: str = ""


class GoogleGeocoder(Online):
    """Google's Geocoding API, version 3."""

    name = "google geocoding"
    URL = "https://maps.googleapis.com"
    DISTRICT = ("administrative_area_level_2", "administrative_area_level_3", "locality", "postal_town")
    NEIGHBORHOOD = ("neighborhood", "sublocality_level_1", "sublocality", "locality", "postal_town")
    TYPES = ("country", "administrative_area_level_1", *DISTRICT[:3], *NEIGHBORHOOD[:3])

    async def reverse(self, point: Point) -> Place | None:
        """The place, by the names of everything that holds the point."""
        params = {
            "latlng": f"{point.lat},{point.lng}",
            "key": self._key,
            "language": LANGUAGE,
            "result_type": "|".join(self.TYPES),
        }
        answer = await self._ask("/maps/api/geocode/json", params, _GoogleAnswer)
        if answer.status not in ("OK", "ZERO_RESULTS"):  # its errors come with HTTP 200
            raise self._failed(f"{answer.status} {answer.error_message}".strip())
        names: dict[str, str] = {}
        for result in answer.results:  # from the narrowest to the widest
            for component in result.address_components:
                for kind in component.types:
                    names.setdefault(kind, component.long_name)
        district = _first(names, self.DISTRICT)
        neighborhood = _first(names, self.NEIGHBORHOOD, district)
        return place(names.get("country"), names.get("administrative_area_level_1"), district, neighborhood)


class _Named(msgspec.Struct):
    name: str = ""


class _Properties(msgspec.Struct):
    feature_type: str = ""
    name: str = ""
    context: dict[str, _Named] = {}


class _Feature(msgspec.Struct):
    properties: _Properties


class _MapboxAnswer(msgspec.Struct):
    features: list[_Feature]


class MapboxGeocoder(Online):
    """Mapbox' Geocoding API, version 6. Its answers are stored, so they are asked for as permanent ones."""

    name = "mapbox geocoding"
    URL = "https://api.mapbox.com"
    DISTRICT = ("district", "place")
    NEIGHBORHOOD = ("neighborhood", "locality", "place")
    TYPES = ("country", "region", "district", "place", "locality", "neighborhood")

    async def reverse(self, point: Point) -> Place | None:
        """The place, by the names of everything that holds the point."""
        params = {
            "longitude": str(point.lng),
            "latitude": str(point.lat),
            "types": ",".join(self.TYPES),
            "language": LANGUAGE,
            "permanent": "true",
            "access_token": self._key,
        }
        answer = await self._ask("/search/geocode/v6/reverse", params, _MapboxAnswer)
        names: dict[str, str] = {}
        for feature in answer.features:
            names.setdefault(feature.properties.feature_type, feature.properties.name)
            for kind, outer in feature.properties.context.items():
                names.setdefault(kind, outer.name)
        district = _first(names, self.DISTRICT)
        neighborhood = _first(names, self.NEIGHBORHOOD, district)
        return place(names.get("country"), names.get("region"), district, neighborhood)


class _NominatimAnswer(msgspec.Struct):
    address: dict[str, Any] = {}
    error: Any = None


class NominatimGeocoder(Online):
    """OpenStreetMap's Nominatim. Its public server takes one request a second from each of us, and no more."""

    name = "nominatim"
    URL = "https://nominatim.openstreetmap.org"
    PACE_S = 1.0
    ZOOM = "14"  # neighbourhoods, and what holds them
    PROVINCE = ("state", "province", "region")
    DISTRICT = ("city_district", "borough", "county", "municipality", "city", "town", "village")
    NEIGHBORHOOD = ("neighbourhood", "quarter", "suburb", "hamlet", "village", "town", "city")

    def __init__(self, agent: str, url: str = "", key: str = "", pace_s: float | None = None) -> None:
        super().__init__(agent, url, key)
        self._pace_s = pace_s if pace_s is not None else 0.0 if url else self.PACE_S
        self._free_at = 0.0

    async def reverse(self, point: Point) -> Place | None:
        """The place, by the address of the nearest thing on the map."""
        params = {
            "format": "jsonv2",
            "lat": str(point.lat),
            "lon": str(point.lng),
            "zoom": self.ZOOM,
            "addressdetails": "1",
            "accept-language": LANGUAGE,
        }
        answer = await self._ask("/reverse", params, _NominatimAnswer)
        if answer.error is not None and answer.error != "Unable to geocode":
            raise self._failed("an error in place of an answer")
        names = {kind: name for kind, name in answer.address.items() if isinstance(name, str)}
        district = _first(names, self.DISTRICT)
        neighborhood = _first(names, self.NEIGHBORHOOD, district)
        return place(names.get("country"), _first(names, self.PROVINCE), district, neighborhood)

    async def _turn(self) -> None:
        """Wait until the pace allows a request. Raises GeocodeUnavailable when too many wait already."""
        now = time.monotonic()
        start = max(now, self._free_at)
        if start - now > self._pace_s:
            raise GeocodeUnavailable(f"{self.name} takes one request in {self._pace_s:g} s")
        self._free_at = start + self._pace_s
        await asyncio.sleep(start - now)


def _first(names: Mapping[str, str], kinds: Iterable[str], other_than: str | None = None) -> str | None:
    """The name of the first of these kinds that has one, and another one than this."""
    found = (names.get(kind) for kind in kinds)
    return next((name for name in found if name and name != other_than), None)


KINDS: dict[str, Callable[[str, str, str], Geocoder]] = {
    "google": GoogleGeocoder,
    "mapbox": MapboxGeocoder,
    "nominatim": NominatimGeocoder,
}
