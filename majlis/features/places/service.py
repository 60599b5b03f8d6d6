"""Verbs of places: find the parts that a client left out, before the write, and fill them in.

Looking may mean asking another company, so it happens outside of any transaction; filling in happens within.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from majlis.app import App
from majlis.kit import log
from majlis.kit.geo import Point
from majlis.kit.me import Me
from majlis.vendors.geocode import GeocodeUnavailable, Place

logger = log.get("majlis.places")

PARTS = ("country", "province", "district", "neighborhood")  # from the largest to the smallest
KEPT_S = 24 * 3600.0
DIGITS = 4  # of a degree: 11 m, so that neighbours share an answer

Part = str | None | UnsetType


class Input(Protocol):
    """A body with the parts of a place; UNSET ones were left out."""

    country: Part
    province: Part
    district: Part
    neighborhood: Part


class Placed(Protocol):
    """A row with the parts of a place."""

    country: str | None
    province: str | None
    district: str | None
    neighborhood: str | None


async def look_up(app: App, me: Me, body: Input, *points: Point | None | UnsetType) -> Place | None:
    """The place of the first of these points that is given, if any part was left out (rules 113, 114).

    None also when the lookup fails or takes too long: a write never fails for it.
    """
    me.user()
    point = _first(points)
    if point is None or all(getattr(body, part) is not UNSET for part in PARTS):
        return None
    near = Point(round(point.lat, DIGITS) + 0.0, round(point.lng, DIGITS) + 0.0)  # -0.0 becomes 0.0

    async def ask() -> bytes:
        return msgspec.json.encode(await app.geocoder.reverse(near))

    key = f"place:{app.settings.geocoder}:{near.lat:.{DIGITS}f},{near.lng:.{DIGITS}f}"
    try:
        found = await app.cache.get_or(key, KEPT_S, ask)
    except GeocodeUnavailable as error:
        logger.warning("place_not_found", error=str(error))
        return None
    except Exception:
        logger.exception("place_not_found")
        return None
    return msgspec.json.decode(found, type=Place | None)


def fill_in(row: Placed, given: Mapping[str, Any], locations: Sequence[str], place: Place | None) -> None:
    """Set the parts that were not given to those of this place, if what is given moves the row (rule 114).

    `locations` names the row's points; the first that there is says where it is. Call it before the row takes
    what is given. A part that the place does not know stays where everything larger stays, else it is cleared.
    """
    before = _first(getattr(row, name) for name in locations)
    after = _first(given.get(name, getattr(row, name)) for name in locations)
    if place is None or before == after:
        return
    same = True
    for part in PARTS:
        former = getattr(row, part)
        value = given[part] if part in given else getattr(place, part)
        if value is None and part not in given and same:
            value = former
        setattr(row, part, value)
        same = same and value == former


def _first(points: Iterable[Any]) -> Point | None:
    return next((point for point in points if isinstance(point, Point)), None)
