"""Nouns of searching what was said, and what people type into a search.

Words, "words in a row", beginnings*, and operators such as from:@ada or has:link.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from majlis.features.channels.model import ChannelKind
from majlis.features.discussions.model import ChannelMessage
from majlis.kit.http import PageQuery
from majlis.kit.text import MAX_WORDS, fold

MAX_FILTERS = 16
HAS = frozenset({"link", "file", "image", "reaction", "pin"})
_TOKEN = re.compile(r'(?P<not>-?)(?:(?P<operator>[A-Za-z]+):(?!//))?(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))')
_SEARCHABLE = re.compile(r"[^\W_]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Sort = Literal["relevance", "newest"]


class ArchiveQuery(PageQuery, kw_only=True):
    """What to look for, with operators; days are those of the time zone `tz`. `files`: only messages with files."""

    q: Annotated[str, Meta(min_length=1, max_length=500, examples=["bread in:#general from:@ada has:link"])]
    type: Literal["messages", "files"] = "messages"
    sort: Sort = "relevance"
    tz: Annotated[str, Meta(max_length=64, examples=["Asia/Kabul"])] = "UTC"


class FoundIn(msgspec.Struct):
    """The channel in which something was found."""

    id: UUID
    workspace_id: UUID
    kind: ChannelKind
    name: str | None


class Hit(msgspec.Struct):
    """A message that was found, where, and its words that were looked for, as they stand in it."""

    message: ChannelMessage
    channel: FoundIn
    highlights: list[str]


class SearchFilter(msgspec.Struct, frozen=True):
    """An operator that was followed."""

    operator: str
    value: str
    negated: bool


class SearchProblem(msgspec.Struct, frozen=True):
    """A part of the search that was not understood, or not followed, and why."""

    term: str
    code: Literal["unknown_operator", "no_letters", "too_many"]
    message: str


class SearchReading(msgspec.Struct):
    """How a search was understood."""

    terms: list[str]
    filters: list[SearchFilter]
    errors: list[SearchProblem]


class SearchResults(msgspec.Struct):
    """What was found. `total_estimate` ends at 1000."""

    data: list[Hit]
    total_estimate: int
    next_cursor: str | None
    query: SearchReading


# ---- the grammar


class Term(msgspec.Struct, frozen=True):
    """A word, the beginning of one, or words in a row, folded as stored text is."""

    kind: Literal["word", "prefix", "phrase"]
    text: str
    negated: bool


class Wanted(msgspec.Struct):
    """What a search asks for. Filters of one operator are alternatives, unless they exclude; moments are in UTC."""

    terms: list[Term]
    filters: list[SearchFilter]
    problems: list[SearchProblem]
    since: datetime | None = None
    until: datetime | None = None

    def values(self, operator: str, *, negated: bool = False) -> list[str]:
        """The values of the filters of an operator."""
        return [one.value for one in self.filters if one.operator == operator and one.negated == negated]

    @property
    def narrows(self) -> bool:
        """Whether anything says what is wanted, and not only what is not."""
        return not (all(one.negated for one in self.terms) and all(one.negated for one in self.filters))

    def reading(self) -> SearchReading:
        """How the search was understood."""
        signs = {"word": "{}", "prefix": "{}*", "phrase": '"{}"'}
        shown = [("-" if one.negated else "") + signs[one.kind].format(one.text) for one in self.terms]
        return SearchReading(shown, self.filters, self.problems)

    def marks(self, word: str) -> bool:
        """Whether a word of a text is one that is looked for."""
        known = fold(word).casefold()
        for one in self.terms:
            text = one.text.casefold()
            if not one.negated and (known in re.findall(r"\w+", text) or _begins(one.kind, known, text)):
                return True
        return False


def _begins(kind: str, known: str, text: str) -> bool:
    return kind == "prefix" and known.startswith(text)


def parse(text: str, zone: ZoneInfo) -> Wanted:
    """What a search asks for. What is no operator is looked for as it stands, and reported."""
    wanted = Wanted([], [], [])
    for found in _TOKEN.finditer(text):
        negated, value = bool(found["not"]), found["phrase"] if found["word"] is None else found["word"]
        operator = (found["operator"] or "").lower()
        if operator and _filter(wanted, zone, operator, value, negated):
            continue
        if operator:
            wanted.problems.append(SearchProblem(found[0], "unknown_operator", "Looked for as text."))
            value = f"{operator} {value}"
        _term(wanted, found[0], value, negated, quoted=found["word"] is None or bool(operator))
    return wanted


def _term(wanted: Wanted, token: str, value: str, negated: bool, *, quoted: bool) -> None:
    folded = fold(value).strip()
    if not _SEARCHABLE.search(folded):
        wanted.problems.append(SearchProblem(token, "no_letters", "Only letters and digits are looked for."))
    elif len(wanted.terms) >= MAX_WORDS:
        wanted.problems.append(SearchProblem(token, "too_many", f"At most {MAX_WORDS} words are looked for."))
    elif quoted:
        wanted.terms.append(Term("phrase", folded, negated))
    elif folded.endswith("*"):
        wanted.terms.append(Term("prefix", folded.rstrip("*"), negated))
    else:
        wanted.terms.append(Term("word", folded, negated))


def _filter(wanted: Wanted, zone: ZoneInfo, operator: str, value: str, negated: bool) -> bool:
    """Take an operator in; False for what is none."""
    read = _READERS.get(operator)
    known = read(wanted, zone, value, negated) if read and value else None
    if known is None:
        return False
    if len(wanted.filters) >= MAX_FILTERS:
        wanted.problems.append(
            SearchProblem(f"{operator}:{value}", "too_many", f"At most {MAX_FILTERS} operators are followed.")
        )
        return True
    wanted.filters.append(SearchFilter(operator, known, negated))
    return True


def _channel(wanted: Wanted, zone: ZoneInfo, value: str, negated: bool) -> str | None:
    """The name of a channel, or @ and that of the other one of a conversation of two."""
    if value.startswith("@"):
        return value.casefold() if len(value) > 1 else None
    return value.removeprefix("#").lower() or None


def _person(wanted: Wanted, zone: ZoneInfo, value: str, negated: bool) -> str | None:
    return value.removeprefix("@").casefold() or None


def _has(wanted: Wanted, zone: ZoneInfo, value: str, negated: bool) -> str | None:
    return value.lower() if value.lower() in HAS else None


def _is(wanted: Wanted, zone: ZoneInfo, value: str, negated: bool) -> str | None:
    return "thread" if value.lower() == "thread" else None


def _day(value: str, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The moments between which a day of a place lies."""
    if not _DATE.fullmatch(value):
        return None
    try:
        day = date.fromisoformat(value)
        start, end = (
            datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, day + timedelta(1))
        )
        return start.astimezone(UTC), end.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _moment(operator: str) -> "Reader":
    def read(wanted: Wanted, zone: ZoneInfo, value: str, negated: bool) -> str | None:
        day = _day(value, zone)
        if day is None or negated:
            return None
        since = {"after": day[1], "on": day[0]}.get(operator)
        until = {"before": day[0], "on": day[1]}.get(operator)
        if since is not None:
            wanted.since = max(wanted.since or since, since)
        if until is not None:
            wanted.until = min(wanted.until or until, until)
        return value

    return read


Reader = Callable[[Wanted, ZoneInfo, str, bool], str | None]
_READERS: dict[str, Reader] = {
    "in": _channel,
    "from": _person,
    "has": _has,
    "is": _is,
    **{operator: _moment(operator) for operator in ("before", "after", "on")},
}
