"""Nouns of series of events, and the reading of rules of repetition (RFC 5545)."""

import itertools
import re
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from dateutil.rrule import rrulestr
from msgspec import Meta

from majlis.features.posts.model import Post
from majlis.kit.errors import Conflict, Invalid

MOST = 52  # events of a series, the first one included
FARTHEST = timedelta(days=2 * 366)
NUMBER = re.compile(r"[1-9][0-9]{0,2}")
FORM = re.compile(r"(RRULE:)?[A-Z]+=[A-Z0-9,+-]+(;[A-Z]+=[A-Z0-9,+-]+)*")
ALWAYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"})
# What else each pace may be told. By days and weeks no more than the days of the week: the rest is another pace.
PACES: dict[str, frozenset[str]] = {
    "DAILY": frozenset(),
    "WEEKLY": frozenset(),
    "MONTHLY": frozenset({"BYMONTHDAY", "BYMONTH", "BYSETPOS"}),
    "YEARLY": frozenset({"BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYWEEKNO", "BYYEARDAY"}),
}
CYCLE, LAST_YEAR = 400, 9990  # the calendar repeats itself every 400 years, weekdays too


class SeriesBody(msgspec.Struct, kw_only=True):
    """How an event is repeated, beginning with itself."""

    rrule: Annotated[
        str,
        Meta(
            min_length=1, max_length=300, description="RFC 5545", examples=["FREQ=WEEKLY;BYDAY=FR;COUNT=10"]
        ),
    ]
    exclude: Annotated[
        list[date], Meta(max_length=MOST, description="days on which it does not take place")
    ] = []


class Series(msgspec.Struct):
    """A series and those of its events that the caller may see, the earliest first."""

    id: UUID
    rrule: str
    events: list[Post]


class Repeated(Conflict):
    """An event belongs to one series."""

    code, detail = "already_repeated", "This event is a part of a series already."


def moments(rule: str, first: datetime, exclude: Collection[date]) -> list[datetime]:
    """When an event takes place after the first time, on the clocks of the place. Raises Invalid.

    A rule without an end ends after two years, or after 52 times.
    """
    parts = _parts(rule)
    count = int(parts.pop("COUNT", MOST))
    if not 2 <= count <= MOST:
        raise _wrong(f"A series has 2 to {MOST} events.")
    until = parts.pop("UNTIL", "").removesuffix("Z")  # the clocks of the place, whatever it says
    bounded = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        last = min(first + FARTHEST, _until(until)) if until else first + FARTHEST
        # dateutil looks for what never comes until the year 9999, whatever the rule's end: it is asked near that year.
        ahead = (LAST_YEAR - first.year) // CYCLE * CYCLE
        found = rrulestr(f"{bounded};UNTIL={_moved(last, ahead):%Y%m%dT%H%M%S}", dtstart=_moved(first, ahead))
        times = (_moved(at, -ahead) for at in found)
        later = itertools.islice((at for at in times if at > first), count - 1)
        kept = [at for at in later if at.date() not in exclude]
    except (ValueError, OverflowError, IndexError) as error:  # the last of a weekday that no month has
        raise _wrong("This is no rule of RFC 5545.") from error
    if not kept:
        raise _wrong("By this rule nothing takes place again.")
    return kept


def _parts(rule: str) -> dict[str, str]:
    if not FORM.fullmatch(rule):
        raise _wrong("This is no rule of RFC 5545.")
    pairs = [part.partition("=") for part in rule.removeprefix("RRULE:").split(";")]
    parts = {name: value for name, _, value in pairs}
    allowed = PACES.get(parts.get("FREQ", ""))
    if len(parts) < len(pairs) or allowed is None or not parts.keys() <= ALWAYS | allowed:
        raise _wrong("Repeat by days, weeks, months or years, with what goes with them.")
    if not NUMBER.fullmatch(parts.get("INTERVAL", "1")) or not NUMBER.fullmatch(parts.get("COUNT", "2")):
        raise _wrong("INTERVAL and COUNT are numbers from 1 to 999.")
    return parts


def _moved(at: datetime, years: int) -> datetime:
    return at.replace(year=at.year + years)


def _until(text: str) -> datetime:
    """The last moment: of a day without a time, its end."""
    if "T" in text:
        return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007
    return datetime.strptime(text, "%Y%m%d") + timedelta(days=1, seconds=-1)  # noqa: DTZ007


def _wrong(message: str) -> Invalid:
    return Invalid.field("rrule", message)
