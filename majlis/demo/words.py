"""What people of one language say, and how a sentence is made of its template."""

import functools
import random
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

DATA = Path(__file__).parent / "data"
LANGUAGES = ("dari", "pashto", "english", "russian")
_SENTENCE = re.compile(r"(?:^|(?<=[.!?] ))[a-zа-яё]")


class Topic(msgspec.Struct, frozen=True):
    """Something to talk about: what starts it, and what others answer."""

    posts: tuple[str, ...]
    comments: tuple[str, ...]


class Offer(msgspec.Struct, frozen=True):
    """Words for goods of one kind, or for an event of one kind."""

    titles: tuple[str, ...]
    texts: tuple[str, ...]


class Question(msgspec.Struct, frozen=True):
    """A poll."""

    text: str
    options: tuple[str, ...]


class Phrasebook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A language. Slots such as `{fruit}` in a template are filled from `fillers`, `{place}` from outside."""

    openers: tuple[str, ...]
    closers: tuple[str, ...]
    topics: dict[str, Topic]
    goods: dict[str, Offer]
    conditions: tuple[str, ...]
    deals: tuple[str, ...]
    delivery: str
    goods_comments: tuple[str, ...]
    events: dict[str, Offer]
    invitations: tuple[str, ...]
    event_comments: tuple[str, ...]
    polls: tuple[Question, ...]
    poll_comments: tuple[str, ...]
    comments: tuple[str, ...]
    replies: tuple[str, ...]  # of the author, to a remark
    affirmations: tuple[str, ...]  # of the author, to a question
    acknowledgements: tuple[str, ...]  # to the author's reply
    answers: tuple[str, ...]  # of somebody else, to a remark
    shares: tuple[str, ...]
    bios: tuple[str, ...]
    fillers: dict[str, tuple[str, ...]]


@functools.cache
def book(language: str) -> Phrasebook:
    """The phrasebook of a language."""
    return msgspec.toml.decode((DATA / f"{language}.toml").read_bytes(), type=Phrasebook)


class _Slots(dict[str, str]):
    """Fills a slot once for the length of a text, so that a name means the same person throughout."""

    def __init__(
        self, rng: random.Random, fillers: Mapping[str, tuple[str, ...]], given: Mapping[str, str]
    ) -> None:
        super().__init__(given)
        self._rng = rng
        self._fillers = fillers

    def __missing__(self, name: str) -> str:
        self[name] = value = self._rng.choice(self._fillers[name])
        return value


def compose(rng: random.Random, phrases: Phrasebook, *templates: str, **given: str) -> str:
    """These templates joined, their slots filled. Raises KeyError for a slot that nobody fills."""
    slots = _Slots(rng, phrases.fillers, given)
    text = " ".join(template.format_map(slots) for template in templates if template)
    return _SENTENCE.sub(lambda found: found.group().upper(), text)
