"""The nearest known place to a point, from a file that comes with the program: no network, no database.

The file is GeoNames' (CC BY 4.0), see geocode_data/README.md. It is read when first asked for, about 0.2 s, and
then kept for the life of the process.
"""

import functools
import lzma
import math
import sys
import threading
import tomllib
from array import array
from collections.abc import Iterable, Sequence
from importlib import resources
from itertools import accumulate, pairwise
from typing import NamedTuple

import msgspec

from majlis.kit.geo import EARTH_KM, Point, boxes, distance_km

CELLS = 2  # of the grid, per degree
COLUMNS = 360 * CELLS
SCALE = 10_000  # coordinates are kept in ten-thousandths of a degree: 11 m
# Most points have a place close by: the small circle is searched first, being cheap.
SEARCH_KM = (12.0, 75.0)

DATA = "majlis.vendors.geocode_data"
PLACES, NEIGHBORHOODS = "places.xz", "neighborhoods.toml"


class Entry(NamedTuple):
    """A place of the gazetteer. `province` is empty where none is known."""

    country: str
    province: str
    district: str
    name: str
    lat: float
    lng: float


class Neighborhood(msgspec.Struct, frozen=True):
    """A part of a town and a point near its middle. `district` is empty where it is the surroundings'."""

    name: str
    lat: float
    lng: float
    district: str = ""


class Town(msgspec.Struct, frozen=True):
    """A town whose parts are known by hand."""

    country: str
    province: str
    neighborhoods: list[Neighborhood]


class Packed(msgspec.Struct, frozen=True):
    """The file's content. Numbers are little-endian, 32 bits; those of places are differences to the last one."""

    texts: str  # distinct, one a line; the others are numbers of lines
    regions: bytes  # country and province, in turns
    areas: bytes  # region and district, in turns
    area: bytes  # of each place, and so on
    name: bytes
    lat: bytes
    lng: bytes


class Gazetteer:
    """Places in arrays, ordered by the cells of a grid of half degrees."""

    def __init__(self, packed: Packed, towns: Sequence[Town] = ()) -> None:
        texts = packed.texts.encode()
        self._texts = texts
        self._line = array("I", [0])
        at = texts.find(b"\n")
        while at >= 0:
            self._line.append(at + 1)
            at = texts.find(b"\n", at + 1)
        self._line.append(len(texts) + 1)
        self._regions, self._areas = _numbers(packed.regions), _numbers(packed.areas)
        self._area, self._name = _summed(packed.area), _summed(packed.name)
        self._lat, self._lng = _summed(packed.lat), _summed(packed.lng)
        self._cell = self._cells()
        self._parts = [
            (Point(part.lat, part.lng), town, part) for town in towns for part in town.neighborhoods
        ]

    def __len__(self) -> int:
        return len(self._lat)

    def nearest(self, point: Point) -> tuple[Entry, float] | None:
        """The nearest place and how many km it is away; None when there is none within 75 km."""
        for radius in SEARCH_KM:
            best, least = -1, math.sin(radius / EARTH_KM / 2) ** 2
            for places in self._around(point, radius):
                best, least = self._nearest_of(places, point, best, least)
            if best >= 0:
                entry = self.entry(best)
                return entry, distance_km(point, Point(entry.lat, entry.lng))
        return None

    def neighborhood(self, point: Point, within_km: float) -> tuple[Town, Neighborhood] | None:
        """The part of a town whose middle is nearest; None when that is farther than this."""
        if not self._parts:
            return None
        away, town, part = min(
            ((distance_km(point, middle), town, part) for middle, town, part in self._parts),
            key=lambda one: one[0],
        )
        return (town, part) if away <= within_km else None

    def entry(self, index: int) -> Entry:
        """The place of this number, in the order of the file."""
        area = 2 * self._area[index]
        region = 2 * self._areas[area]
        return Entry(
            self._text(self._regions[region]),
            self._text(self._regions[region + 1]),
            self._text(self._areas[area + 1]),
            self._text(self._name[index]),
            self._lat[index] / SCALE,
            self._lng[index] / SCALE,
        )

    def _text(self, number: int) -> str:
        return self._texts[self._line[number] : self._line[number + 1] - 1].decode()

    def _cells(self) -> "array[int]":
        """For each cell the number of its first place, and one more for the end."""
        counts = array("I", bytes(4 * (180 * CELLS * COLUMNS + 1)))
        last = 0
        for lat, lng in zip(self._lat, self._lng, strict=True):
            cell = cell_of(lat / SCALE, lng / SCALE)
            if cell < last:
                raise ValueError("the places are not in order")
            counts[cell + 1] += 1
            last = cell
        return array("I", accumulate(counts))

    def _around(self, point: Point, radius_km: float) -> Iterable[range]:
        """The places of all cells that the circle touches; those of a row of cells lie side by side."""
        for box in boxes(point, radius_km):
            rows = range(_row(box.south), _row(box.north) + 1)
            west, east = _column(box.west), _column(box.east)
            for row in rows:
                yield range(self._cell[row * COLUMNS + west], self._cell[row * COLUMNS + east + 1])

    def _nearest_of(self, places: range, point: Point, best: int, least: float) -> tuple[int, float]:
        """The nearest of these, when nearer than the best so far, by the haversine of its distance."""
        lat, lng, sin, radian = self._lat, self._lng, math.sin, math.pi / 180 / SCALE
        here_lat, here_lng = math.radians(point.lat), math.radians(point.lng)
        cosine = math.cos(here_lat)
        for index in places:
            there = lat[index] * radian
            far = sin((there - here_lat) / 2) ** 2
            if far < least:
                far += cosine * math.cos(there) * sin((lng[index] * radian - here_lng) / 2) ** 2
                if far < least:
                    best, least = index, far
        return best, least


def cell_of(lat: float, lng: float) -> int:
    """The number of the cell that holds this point: row by row from the south-west."""
    return _row(lat) * COLUMNS + _column(lng)


def _row(lat: float) -> int:
    return min(180 * CELLS - 1, int((lat + 90) * CELLS))


def _column(lng: float) -> int:
    return min(COLUMNS - 1, int((lng + 180) * CELLS))


def pack(entries: Iterable[Entry]) -> Packed:
    """The file's content for these places, put in order."""
    ordered = sorted(
        (entry._replace(lat=round(entry.lat * SCALE), lng=round(entry.lng * SCALE)) for entry in entries),
        key=lambda entry: (cell_of(entry.lat / SCALE, entry.lng / SCALE), entry),
    )
    texts: dict[str, int] = {}
    regions: dict[tuple[int, int], int] = {}
    areas: dict[tuple[int, int], int] = {}
    rows: list[tuple[int, int, int, int]] = []
    for entry in ordered:
        country, province, district, name = (texts.setdefault(text, len(texts)) for text in entry[:4])
        region = regions.setdefault((country, province), len(regions))
        area = areas.setdefault((region, district), len(areas))
        rows.append((area, name, int(entry.lat), int(entry.lng)))
    columns = [array("i", column) for column in zip(*rows, strict=True)] or [array("i")] * 4
    return Packed(
        "\n".join(texts),
        _bytes(array("I", (number for pair in regions for number in pair))),
        _bytes(array("I", (number for pair in areas for number in pair))),
        *(_bytes(array("i", (b - a for a, b in pairwise((0, *column))))) for column in columns),
    )


def _bytes(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(raw: bytes) -> "array[int]":
    numbers = array("i", raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _summed(raw: bytes) -> "array[int]":
    return array("i", accumulate(_numbers(raw)))


def compressed(packed: Packed) -> bytes:
    """The file."""
    return lzma.compress(msgspec.msgpack.encode(packed), preset=6 | lzma.PRESET_EXTREME)


def read(raw: bytes, towns: Sequence[Town] = ()) -> Gazetteer:
    """The gazetteer of a file. LZMAError, DecodeError or ValueError when it is not one."""
    return Gazetteer(msgspec.msgpack.decode(lzma.decompress(raw), type=Packed), towns)


_reading = threading.Lock()


def shipped() -> Gazetteer:
    """The gazetteer that comes with the program. Slow the first time: call it in a thread then."""
    with _reading:
        return _shipped()


@functools.cache
def _shipped() -> Gazetteer:
    folder = resources.files(DATA)
    towns = tomllib.loads(folder.joinpath(NEIGHBORHOODS).read_text(encoding="utf-8"))["towns"]
    return read(folder.joinpath(PLACES).read_bytes(), msgspec.convert(towns, list[Town]))
