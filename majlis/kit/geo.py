"""Places: points on the wire, distances and boxes on a sphere of 6371 km."""

import math

import msgspec

EARTH_KM = 6371.0
KM_PER_DEGREE = math.pi * EARTH_KM / 180


class Point(msgspec.Struct, frozen=True):
    """A place in degrees, WGS 84."""

    lat: float
    lng: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lng <= 180):
            raise ValueError("lat must be within -90..90 and lng within -180..180")


class Box(msgspec.Struct, frozen=True):
    """A rectangle of degrees that does not cross the antimeridian."""

    south: float
    west: float
    north: float
    east: float


def distance_km(a: Point, b: Point) -> float:
    """Great-circle distance in km by the haversine formula (contract rule 112)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat, half_lng = (lat_b - lat_a) / 2, math.radians(b.lng - a.lng) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lng) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, h)))


def boxes(center: Point, radius_km: float) -> list[Box]:
    """One box that holds the circle, or two where it crosses the antimeridian."""
    lat_span = radius_km / KM_PER_DEGREE
    south, north = max(-90.0, center.lat - lat_span), min(90.0, center.lat + lat_span)
    if south <= -90 or north >= 90:
        return [Box(south, -180.0, north, 180.0)]
    # The widest meridian distance of a circle lies poleward of its centre.
    angle = radius_km / EARTH_KM
    lng_span = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(center.lat)))))
    west, east = center.lng - lng_span, center.lng + lng_span
    if west < -180:
        return [Box(south, west + 360, north, 180.0), Box(south, -180.0, north, east)]
    if east > 180:
        return [Box(south, west, north, 180.0), Box(south, -180.0, north, east - 360)]
    return [Box(south, west, north, east)]
