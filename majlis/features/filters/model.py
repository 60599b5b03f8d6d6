"""Nouns of filters, and the form in which words and links are compared."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict, FieldFault, Invalid
from majlis.kit.http import PageQuery
from majlis.kit.text import fold

RuleKind = Literal["word", "link"]
RuleAction = Literal["refuse", "hold"]
Pattern = Annotated[str, Meta(min_length=1, max_length=200, examples=["bad.example"])]
Note = Annotated[str, Meta(max_length=500, examples=["Asked for by the council in May."])]
MOST_MUTED = 100


class Rule(msgspec.Struct):
    """A word, a few words in a row, or a link that is refused or held for moderators wherever it is published."""

    id: UUID
    kind: RuleKind
    pattern: Pattern
    action: RuleAction
    note: Note | None
    created_by: UUID | None
    created_at: datetime


class RuleBody(msgspec.Struct, kw_only=True):
    """A new rule. A link is a host, which stands for all below it, with the beginning of a path if need be."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "created_by", "created_at"})

    kind: RuleKind
    pattern: Pattern
    action: RuleAction
    note: Note | None = None


class RuleQuery(PageQuery, kw_only=True):
    """Which rules."""

    kind: RuleKind | None = None
    action: RuleAction | None = None


class MutedWord(msgspec.Struct):
    """A word, or a few in a row, that somebody does not want to read."""

    id: UUID
    word: str
    created_at: datetime


class MutedWordBody(msgspec.Struct):
    """What not to read."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "user_id", "created_at"})

    word: Annotated[str, Meta(min_length=1, max_length=100, examples=["football"])]


HiddenAs = Literal["HELD_NEW", "HELD", "HIDDEN"]


class Moderation(msgspec.Struct):
    """Why others do not see something: a moderator hid it, or it waits for one, perhaps since it was written."""

    state: HiddenAs
    reason: Annotated[str, Meta(examples=["Fraud: the carpet does not exist."])]
    since: datetime


class Hidden(Conflict):
    """What moderators hid or hold can only be deleted."""

    code, detail = "hidden", "Moderators have hidden this or look at it; it can only be deleted."


class AlreadyHidden(Conflict):
    """There is nothing that people see."""

    code, detail = "already_hidden", "This is hidden or deleted already."


class NotHidden(Conflict):
    """There is nothing to show again."""

    code, detail = "not_hidden", "This is not hidden, or its author has deleted it."


class RefusedWords(Invalid):
    """A text that holds what may not be published here; the fields say what and where."""

    code, detail = "refused_words", "This holds words or links that are not allowed here."

    def __init__(self, found: dict[str, list[str]]) -> None:
        faults = [
            FieldFault(field, "refused_words", f"This is not allowed here: {', '.join(patterns)}")
            for field, patterns in found.items()
        ]
        super().__init__(fields=faults)


class RuleExists(Conflict):
    """There is a rule for this already, perhaps in other letters."""

    code, detail = "rule_exists", "There is a rule for this already."


class TooManyMuted(Conflict):
    """Nobody mutes more words than this."""

    code, detail = "too_many", f"You can mute up to {MOST_MUTED} words."


# ---- the form in which texts are compared
#
# A word is compared without marks, in small letters, with letters that look alike made one: so a Latin word
# with a Cyrillic or Greek letter in it is the Latin word, and forms of yeh, kaf, gaf and heh are one letter.
# Everything here takes one pass over the text; there is no pattern that could go back and forth in it.

_ALIKE = str.maketrans(
    {
        # Cyrillic, Greek, Armenian and Latin letters that look like others of the Latin alphabet
        **dict(zip("аеіјкморсухѕԁԛԝһӏ", "aeijkmopcyxsdqwhl", strict=True)),
        **dict(zip("αβεγικνορτυχ", "abeyikvoptux", strict=True)),
        **dict(zip("օսհց", "ouhg", strict=True)),
        **dict(zip("ıłøđħŧɑɡ", "ilodhtag", strict=True)),
        # Arabic letters that Persian, Pashto and Urdu keyboards write differently
        **dict(zip("ګڪہھەےٱ", "گکهههیا", strict=True)),
        **dict(zip("٠١٢٣٤٥٦٧٨٩", "0123456789", strict=True)),
        **dict(zip("۰۱۲۳۴۵۶۷۸۹", "0123456789", strict=True)),
    }
)
# Capitals that look alike, where small letters do not: only for words that hold Latin letters too.
_CAPITALS = str.maketrans(
    "АВЕЅІЈКМНОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABESIJKMHOPCTYXABEZHIKMNOPTYX",
)
_DIGITS = str.maketrans("034578$@", "oeastbsa")  # in words that hold letters, with 1 for i or l
_WORD = re.compile(r"(?:[^\W_]|[@$])+")
_LATIN = re.compile(r"[A-Za-z]")
_LETTER = re.compile(r"[^\W\d_]")
_CUT = re.compile(r"""[^\s<>"'`()\[\]{}،؛,;|«»“”„]+""")
_SPLIT = re.compile(r"[/?#\\]")
_LONGEST_HOST = 253
_SHORT_I = "\u0306"  # the breve of й, which is a letter of its own and no и with a mark


def bare(text: str) -> str:
    """The text without marks, invisible characters and special forms of letters."""
    if text.isascii():
        return text
    found: list[str] = []
    for char in unicodedata.normalize("NFKD", text):
        if char.isascii():
            found.append(char)
            continue
        category = unicodedata.category(char)
        if category == "Mn":
            if char == _SHORT_I and found and found[-1] in "иИ":
                found[-1] = "й"
        elif category != "Cf":
            found.append(char)
    return "".join(found)


def words_in(text: str) -> list[tuple[str, ...]]:
    """The words of a text in order, each in the forms that it may be read in."""
    return [_readings(token) for token in _WORD.findall(bare(text))]


def plain_words(text: str) -> list[str]:
    """The words of a pattern, as they stand there."""
    return [_plain(token) for token in _WORD.findall(bare(text).replace("@", " ").replace("$", " "))]


def _plain(token: str) -> str:
    if not token.isascii() and _LATIN.search(token):
        token = token.translate(_CAPITALS)
    return fold(token.casefold()).translate(_ALIKE)


def _readings(token: str) -> tuple[str, ...]:
    word = _plain(token)
    core = word.strip("@$")
    if word.isalpha() or not _LETTER.search(word):
        return (core,)
    wordlike = [text.translate(_DIGITS) for text in (word, core)]
    found = [core, *(text.replace("1", letter) for text in wordlike for letter in "il")]
    return tuple(dict.fromkeys(found))


def links_in(text: str) -> list[tuple[str, str]]:
    """(host, path) of everything in a text that may be taken for a link, as they are compared."""
    found: list[tuple[str, str]] = []
    for chunk in _CUT.findall(bare(text).replace("。", ".")):
        if "." not in chunk:
            continue
        rest = chunk.partition("://")[2] or chunk
        parts = _SPLIT.split(rest.lstrip("/"), maxsplit=1)
        path = "/" + parts[1].casefold() if len(parts) > 1 else ""
        for part in re.split("[@:]", parts[0]):
            host = part.strip(".-_*!?").casefold()
            if "." in host and len(host) <= _LONGEST_HOST:
                found.append((".".join(_label(label) for label in host.split(".")), path))
    return found


def _label(label: str) -> str:
    """A part of a host as people see it."""
    if label.startswith("xn--"):
        try:
            label = bare(label[4:].encode("ascii").decode("punycode"))
        except UnicodeError:
            return label
    return fold(label.casefold()).translate(_ALIKE)


def above(host: str) -> list[str]:
    """The host and those that it lies below, down to two labels."""
    labels = host.split(".")
    return [".".join(labels[at:]) for at in range(len(labels) - 1)]
