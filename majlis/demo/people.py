"""Who lives in the town, and who follows whom."""

import functools
import itertools
import math
import random
from datetime import datetime, timedelta

import msgspec

from majlis.demo import words
from majlis.demo.art import gallery
from majlis.demo.model import City, District, Follow, Resident
from majlis.kit.geo import KM_PER_DEGREE, Point

SPOKEN = {"dari": 48, "pashto": 22, "english": 16, "russian": 14}  # per cent
# What else some people understand, and how likely.
SECOND = {
    "dari": (("english", 0.25), ("pashto", 0.3)),
    "pashto": (("dari", 0.6), ("english", 0.2)),
    "english": (("dari", 0.4),),
    "russian": (("english", 0.45), ("dari", 0.3)),
}
FOLLOWS_EACH = 9


class Circle(msgspec.Struct, frozen=True):
    """Names that go together, each as it is written and in Latin letters."""

    language: str
    local: bool
    male: tuple[tuple[str, str], ...]
    female: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]
    feminine: str = ""  # what ends the family name of a woman


class _Names(msgspec.Struct):
    circles: tuple[Circle, ...]


class _Places(msgspec.Struct):
    cities: tuple[City, ...]


@functools.cache
def circles() -> tuple[Circle, ...]:
    """Every circle of names."""
    return msgspec.toml.decode((words.DATA / "names.toml").read_bytes(), type=_Names).circles


@functools.cache
def cities() -> tuple[City, ...]:
    """Every city with its districts."""
    return msgspec.toml.decode((words.DATA / "places.toml").read_bytes(), type=_Places).cities


def near(rng: random.Random, district: District) -> Point:
    """A point within the district."""
    return off(rng, Point(district.lat, district.lng), district.spread * 0.6)


def off(rng: random.Random, point: Point, km: float) -> Point:
    """A point about so far away at most, rounded to about 10 m."""
    away, angle = abs(rng.gauss(0, km)), rng.uniform(0, 2 * math.pi)
    lat = point.lat + away * math.cos(angle) / KM_PER_DEGREE
    lng = point.lng + away * math.sin(angle) / (KM_PER_DEGREE * math.cos(math.radians(point.lat)))
    return Point(round(lat, 4), round(lng, 4))


def residents(rng: random.Random, count: int, domain: str) -> list[Resident]:
    """People, with e-mail addresses at this domain; at least one for each language when there are enough."""
    languages = list(SPOKEN)
    taken: set[str] = set()
    found = []
    for number in range(count):
        language = languages[number] if number < 4 else rng.choices(languages, list(SPOKEN.values()))[0]
        found.append(_resident(rng, number, language, domain, taken))
    return found


def _resident(rng: random.Random, number: int, language: str, domain: str, taken: set[str]) -> Resident:
    circle = rng.choice([one for one in circles() if one.language == language])
    gender = rng.choice(("female", "male"))
    first, first_latin = rng.choice(circle.female if gender == "female" else circle.male)
    last, last_latin = rng.choice(circle.family)
    if gender == "female" and circle.feminine:
        last, last_latin = last + circle.feminine, last_latin + "a"
    city = rng.choices(cities(), [one.share for one in cities()])[0]
    district = rng.choices(city.districts, [one.weight for one in city.districts])[0]
    others = [other for other, chance in SECOND[language] if rng.random() < chance]
    person = Resident(
        number=number,
        language=language,
        speaks=(language, *others),
        local=circle.local,
        gender=gender,
        age=int(min(78, 17 + rng.gammavariate(2.2, 8.5))),
        birthday=(rng.randint(1, 12), rng.randint(1, 28)),
        first_name=first,
        last_name=last,
        email=_email(f"{first_latin}.{last_latin}", domain, taken),
        city=city,
        district=district,
        corner=rng.choice(district.corners),
        home=near(rng, district),
        about="",
        face=rng.choices(("portrait", "sign", "none"), (80, 14, 6))[0],
        cover=rng.choice(gallery.COVERS) if rng.random() < 0.4 else None,
        joined=timedelta(days=rng.uniform(61, 400), seconds=rng.uniform(0, 86400)),
        pull=min(30.0, rng.paretovariate(1.3)),
        voice=min(9.0, rng.paretovariate(1.5)),
    )
    if rng.random() < 0.85:
        person.about = _about(rng, person)
    return person


def _email(name: str, domain: str, taken: set[str]) -> str:
    for number in itertools.count(1):
        email = f"{name}{number if number > 1 else ''}@{domain}"
        if email not in taken:
            taken.add(email)
            return email
    raise AssertionError("unreachable")


def _about(rng: random.Random, person: Resident) -> str:
    phrases = words.book(person.language)
    jobs = phrases.fillers["job"]
    if person.gender == "female":
        jobs = phrases.fillers.get("job_f", jobs)
    return words.compose(
        rng,
        phrases,
        rng.choice(phrases.bios),
        job=rng.choice(jobs),
        place=person.place(person.language),
        city=person.city.names[person.language],
    )


def follows(rng: random.Random, people: list[Resident], now: datetime) -> list[Follow]:
    """Who follows whom: mostly neighbours, mostly those whom many follow, and often the other way too."""
    if len(people) < 2:
        return []
    groups = _groups(people)
    found: dict[tuple[int, int], Follow] = {}

    def add(one: Resident, other: Resident) -> None:
        key = one.number, other.number
        if one is not other and key not in found:
            since = min(one.joined, other.joined)
            found[key] = Follow(one, other, now - since * rng.uniform(0.01, 0.98))

    for person in people:
        wanted = min(len(people) - 1, 1 + round(rng.lognormvariate(math.log(FOLLOWS_EACH * 0.6), 0.7)))
        for _ in range(wanted):
            key = rng.choices(
                (_district(person), person.city.province, person.language, ""), (50, 20, 18, 12)
            )[0]
            group, weights = groups[key]
            other = rng.choices(group, cum_weights=weights)[0]
            add(person, other)
            if rng.random() < 0.3:
                add(other, person)
    return sorted(found.values(), key=lambda follow: follow.at)


def _district(person: Resident) -> str:
    return f"{person.city.province} {person.district.names['english']}"


def _groups(people: list[Resident]) -> dict[str, tuple[list[Resident], list[float]]]:
    """People by district, city and language, and all of them, with their weights added up."""
    groups: dict[str, list[Resident]] = {"": people}
    for person in people:
        for key in (_district(person), person.city.province, person.language):
            groups.setdefault(key, []).append(person)
    return {
        key: (group, list(itertools.accumulate(one.pull for one in group))) for key, group in groups.items()
    }
