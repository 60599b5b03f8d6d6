"""Verbs of filters: look at what is about to be published, administer the rules, mute words for oneself."""

import asyncio
import re
import weakref
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from majlis.app import App
from majlis.features.filters import store
from majlis.features.filters.model import (
    MOST_MUTED,
    MutedWord,
    MutedWordBody,
    RefusedWords,
    Rule,
    RuleBody,
    RuleExists,
    RuleQuery,
    TooManyMuted,
    above,
    links_in,
    plain_words,
    words_in,
)
from majlis.kit import clock, ids, page
from majlis.kit.bus import Bus
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me
from majlis.kit.text import fold
from majlis.kit.tokens import Seen

Texts = Mapping[str, str | None]


# ---- what is about to be published


class _Text:
    """One text, taken apart for all rules at once."""

    def __init__(self, text: str) -> None:
        self.words = words_in(text)
        self.links = links_in(text)
        self.places: dict[str, list[int]] = {}
        for at, readings in enumerate(self.words):
            for word in readings:
                self.places.setdefault(word, []).append(at)

    def lookups(self) -> Iterable[str]:
        """What rules about this text are found by."""
        yield from (f"word:{word}" for word in self.places)
        yield from (f"link:{host}" for link, _ in self.links for host in above(link))

    def breaks(self, rule: store.Matching) -> bool:
        """Whether this rule is about the text."""
        if rule.kind == "link":
            host, slash, path = rule.folded.partition("/")
            return any(host in above(link) and at.startswith(slash + path) for link, at in self.links)
        first, *rest = rule.folded.split(" ")
        return any(self._follow(rest, at + 1) for at in self.places.get(first, ()))

    def _follow(self, wanted: list[str], at: int) -> bool:
        there = self.words[at : at + len(wanted)]
        return len(there) == len(wanted) and all(
            word in readings for word, readings in zip(wanted, there, strict=True)
        )


async def _found(tx: Reader, texts: Texts) -> dict[str, list[store.Matching]]:
    """The rules that each of these texts breaks; one query, none when there is nothing to look at."""
    taken = {name: _Text(text) for name, text in texts.items() if text}
    lookups = {lookup for text in taken.values() for lookup in text.lookups()}
    if not lookups:
        return {}
    rules = await tx.all(store.MATCHING, list(lookups))
    broken = {name: [rule for rule in rules if text.breaks(rule)] for name, text in taken.items()}
    return {name: found for name, found in broken.items() if found}


async def screen(tx: Reader, me: Me, texts: Texts) -> list[str]:
    """The words and links for which these texts, by field, wait for a moderator. Raises RefusedWords.

    What moderators write themselves does not wait: nobody decides about their own.
    """
    found = await _found(tx, texts)
    _refuse(found, {"refuse"})
    if me.role != "user":
        return []
    return sorted({rule.pattern for rules in found.values() for rule in rules})


async def refuse(tx: Reader, me: Me, texts: Texts) -> None:
    """For what cannot wait for a moderator, such as names. Raises RefusedWords for any word of the rules."""
    _refuse(await _found(tx, texts), {"refuse", "hold"})


def waiting(found: list[str]) -> str:
    """What the author of something held is told; at most 1,000 characters."""
    return f"This waits for a moderator because of: {', '.join(found)}"[:1000]


def _refuse(found: dict[str, list[store.Matching]], actions: set[str]) -> None:
    refused = {
        name: [rule.pattern for rule in rules if rule.action in actions] for name, rules in found.items()
    }
    if any(refused.values()):
        raise RefusedWords({name: patterns for name, patterns in refused.items() if patterns})


# ---- the rules


async def rules(tx: Reader, me: Me, query: RuleQuery) -> page.Page[Rule]:
    """The rules for moderators, newest first."""
    me.require_role("moderator")
    paging, at, last = query.paging(), None, None
    if paging.cursor:
        at, last = page.decode("filters", paging.cursor, tuple[datetime, UUID])
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.LIST, query.kind, query.action, at, last, paging.limit + 1, offset)
    items = rows[: paging.limit]
    more = len(rows) > paging.limit
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, query.kind, query.action)
    return page.Page(
        items, page.encode("filters", items[-1].created_at, items[-1].id) if more else None, total
    )


async def add_rule(tx: Tx, me: Me, body: RuleBody) -> Rule:
    """A new rule, for moderators. Raises Invalid for a pattern that can never be found, RuleExists."""
    me.require_role("moderator")
    if body.kind == "word":
        words = plain_words(body.pattern)
        if not words:
            raise Invalid.field("pattern", "A pattern has at least one letter or digit.")
        folded, first = " ".join(words), words[0]
    else:
        links = links_in(body.pattern)
        if len(links) != 1 or len(body.pattern.split()) != 1:
            raise Invalid.field("pattern", "A link is a host, such as example.org, perhaps with a path.")
        first, path = links[0]
        folded = first + path.rstrip("/")
    rule = await tx.one(
        store.ADD,
        ids.new(),
        body.kind,
        body.pattern.strip(),
        folded,
        f"{body.kind}:{first}",
        body.action,
        body.note,
        me.id,
        clock.now(),
    )
    if rule is None:
        raise RuleExists()
    return rule


async def remove_rule(tx: Tx, me: Me, rule_id: UUID) -> Rule:
    """Take a rule away, for moderators; what it held stays held. Raises NotFound."""
    me.require_role("moderator")
    rule = await tx.one(store.REMOVE, rule_id)
    if rule is None:
        raise NotFound()
    return rule


# ---- words that somebody does not want to read


async def muted_words(tx: Reader, me: Me) -> list[MutedWord]:
    """The caller's, newest first."""
    return await tx.all(store.MUTED_WORDS, me.user())


async def mute_word(app: App, tx: Tx, me: Me, body: MutedWordBody) -> tuple[MutedWord, bool]:
    """Mute a word for the caller; whether it is new. Raises Invalid, TooManyMuted."""
    word = " ".join(body.word.split())
    folded = " ".join(re.findall(r"\w+", fold(word.casefold())))
    if not folded:
        raise Invalid.field("word", "A word has at least one letter or digit.")
    await tx.run(store.HOLD_USER, me.user())
    if (await tx.one(store.COUNT_MUTED, me.id, folded) or 0) >= MOST_MUTED:
        raise TooManyMuted()
    kept = await tx.one(store.MUTE, ids.new(), me.id, word, folded, clock.now())
    if kept is None:
        raise LookupError("an upsert returns its row")
    tx.after_commit(lambda: _memory(app.bus).changed(app.bus, me.user()))
    return MutedWord(kept.id, kept.word, kept.created_at), kept.is_new


async def unmute_word(app: App, tx: Tx, me: Me, word_id: UUID) -> None:
    """Read a word again. Raises NotFound."""
    if not await tx.run(store.UNMUTE, word_id, me.user()):
        raise NotFound()
    tx.after_commit(lambda: _memory(app.bus).changed(app.bus, me.user()))


async def muted(app: App, me: Me) -> str | None:
    """A tsquery of what the caller does not want to read, or None; no query when it was asked in the last minute."""
    if me.id is None:
        return None
    seen, now = _memory(app.bus).seen, clock.now().timestamp()
    kept = seen.get(str(me.id), now)
    if kept is None:
        epoch = seen.epoch
        # The primary, not a replica: a word that was just muted must count.
        async with app.db.fresh() as tx:
            words = await tx.all(store.FOLDED, me.id)
        kept = " | ".join(f"'{word}'" for word in words)
        seen.put(str(me.id), kept, me.id, now, now + seen.LIFE_S, epoch)
    return kept or None


class _Memory:
    """What was muted by people who read lately, in this process."""

    CHANNEL = "muted-words"  # on the bus: whose words are to be looked up anew

    def __init__(self, bus: Bus) -> None:
        there = weakref.ref(bus)  # the bus holds this memory, and not the other way round
        self.seen: Seen[str] = Seen(lambda: (known := there()) is not None and known.healthy)
        self._telling: set[asyncio.Future[None]] = set()
        bus.subscribe(self.CHANNEL, lambda payload: self.seen.forget(UUID(payload.decode())))
        bus.on_gap(self.seen.clear)

    def changed(self, bus: Bus, user_id: UUID) -> None:
        """Make every process look this user's words up anew."""
        self.seen.forget(user_id)
        telling = asyncio.ensure_future(bus.publish(self.CHANNEL, str(user_id).encode()))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)


_memories: "weakref.WeakKeyDictionary[Bus, _Memory]" = weakref.WeakKeyDictionary()


def _memory(bus: Bus) -> _Memory:
    memory = _memories.get(bus)
    if memory is None:
        memory = _memories[bus] = _Memory(bus)
    return memory
