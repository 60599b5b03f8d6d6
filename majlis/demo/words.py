"""What people of one language say, and how a sentence is made of its template."""

import random
from collections.abc import Mapping

import msgspec


class Topic(msgspec.Struct, frozen=True):
    """Something to talk about: what starts it, and what others answer."""

    posts: tuple[str, ...]
    comments: tuple[str, ...]


class Offer(msgspec.Struct, frozen=True):
    """Words for goods of one kind, or for an event of one kind."""

    titles: tuple[str, ...]
    texts: tuple[str, ...]
    comments: tuple[str, ...] = ()


class Question(msgspec.Struct, frozen=True):
    """A poll."""

    text: str
    options: tuple[str, ...]


class Phrasebook(msgspec.Struct, frozen=True, kw_only=True):
    """A language. Slots such as `{fruit}` in any template are filled from `fillers`, `{place}` from outside."""

    openers: tuple[str, ...]
    closers: tuple[str, ...]
    topics: Mapping[str, Topic]
    goods: Mapping[str, Offer]
    conditions: tuple[str, ...]
    deals: tuple[str, ...]
    goods_comments: tuple[str, ...]
    events: Mapping[str, Offer]
    invitations: tuple[str, ...]
    event_comments: tuple[str, ...]
    polls: tuple[Question, ...]
    poll_comments: tuple[str, ...]
    comments: tuple[str, ...]
    replies: tuple[str, ...]
    answers: tuple[str, ...]
    shares: tuple[str, ...]
    bios: tuple[str, ...]
    fillers: Mapping[str, tuple[str, ...]]


class _Slots(dict[str, str]):
    """Fills a slot once for the length of a text, so that a name means the same person throughout."""

    def __init__(self, rng: random.Random, fillers: Mapping[str, tuple[str, ...]], given: Mapping[str, str]) -> None:
        super().__init__(given)
        self._rng = rng
        self._fillers = fillers

    def __missing__(self, name: str) -> str:
        self[name] = value = self._rng.choice(self._fillers[name])
        return value


def compose(rng: random.Random, book: Phrasebook, *templates: str, **given: str) -> str:
    """These templates with their slots filled, joined by spaces. A slot nobody knows is a KeyError."""
    slots = _Slots(rng, book.fillers, given)
    return " ".join(template.format_map(slots) for template in templates if template)
