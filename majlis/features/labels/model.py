"""Nouns of labels, and what a hashtag is."""

import re
import unicodedata
from typing import Any

import msgspec

from majlis.features.posts.model import PostType
from majlis.kit.errors import Invalid

LARGEST = 16 * 1024  # bytes of metadata as JSON
LONGEST = 100  # characters of a tag
MOST = 100  # tags of one post
DAYS = 7  # for which uses of a tag make it trend
# Types of posts that are labelled and stand in timelines; written out, a tuple of them is SQL, too.
SHORT: tuple[PostType, ...] = ("FEED", "PULL")

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)  # what follows # in one is a place in a page
# Written inside words of Persian, Sinhala and others, by some people and not by others.
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))


class Tagged(msgspec.Struct):
    """A tag, without its sign, and how many posts have it."""

    tag: str
    posts: int


def normal(text: str) -> str:
    """A tag as it is stored and looked for: composed, in small letters, without joiners and sign."""
    composed = unicodedata.normalize("NFC", text.strip().removeprefix("#").translate(_JOINERS))
    return unicodedata.normalize("NFC", composed.lower())


def tag_of(text: str) -> str | None:
    """The tag that somebody asks for, without or with its sign; None where this could be none."""
    tag = normal(text)
    return tag if _is_tag(tag) and _length(tag) == len(tag) else None


def hashtags(text: str) -> list[str]:
    """The tags of a text, each once, in the order in which they come.

    A tag is # and letters of any script with their marks, digits and underscores, at least one a letter.
    """
    found: dict[str, None] = {}
    for part in _ADDRESS.sub(" ", text).split("#")[1:]:
        tag = normal(part[: _length(part)])
        if _is_tag(tag):
            found.setdefault(tag)
        if len(found) == MOST:
            break
    return list(found)


def _length(text: str) -> int:
    """How far a tag reaches that begins here."""
    for at, char in enumerate(text):
        if char.isalnum() or char == "_":
            continue
        # Marks belong to the letter before them, and joiners stand between letters.
        if at == 0 or not (ord(char) in _JOINERS or unicodedata.category(char).startswith("M")):
            return at
    return len(text)


def _is_tag(tag: str) -> bool:
    return 0 < len(tag) <= LONGEST and any(char.isalpha() for char in tag)


def check(metadata: dict[str, Any]) -> None:
    """Raises Invalid for metadata that is too large to keep."""
    if len(msgspec.json.encode(metadata)) > LARGEST:
        raise Invalid.field("metadata", f"Metadata has at most {LARGEST // 1024} KiB.", "too_large")


def tags_of(metadata: dict[str, Any], found: list[str]) -> list[str]:
    """What a post is found by: its hashtags, and the strings among the tags of its metadata."""
    given = metadata.get("tags")
    words = [normal(one) for one in given if isinstance(one, str)] if isinstance(given, list) else []
    return list(dict.fromkeys([*found, *(word for word in words if 0 < len(word) <= LONGEST)]))
