"""Searching messages: who may read what is decided in the statement. The viewer is $1, the workspace $2, now $3."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from majlis.features.archive.model import Sort, Term, Wanted, parse
from majlis.features.channels.model import ChannelKind
from majlis.features.channels.service import FROM, KIND, READABLE
from majlis.features.discussions.service import MESSAGE, Row
from majlis.kit.db import Query
from majlis.kit.text import prefix_query

MOST = 1000
RANKED = 1000  # the latest that are put in the order of what fits best: as many as are counted
# As the index of messages has it.
_WORDS = "to_tsvector('simple', search_text(m.text))"
_QUERIES = {
    "word": "plainto_tsquery('simple', ${})",
    "prefix": "to_tsquery('simple', ${})",
    "phrase": "phraseto_tsquery('simple', ${})",
}
_FLAGS = {
    "link": "m.text ~* 'https?://'",
    "file": "m.files <> '[]'",
    "image": """m.files @? '$[*] ? (@.mime_type starts with "image/")'""",
    "reaction": "m.id IN (SELECT r.message_id FROM message_reactions r WHERE r.message_id = m.id)",
    "pin": "m.id IN (SELECT i.message_id FROM message_pins i WHERE i.message_id = m.id)",
    "thread": """(m.thread_root_id IS NOT NULL OR m.id IN (SELECT r.thread_root_id FROM messages r
      WHERE r.thread_root_id = m.id AND r.deleted_at IS NULL))""",
}


class Place(msgspec.Struct):
    """A message that was found, and where it stands in the results."""

    id: UUID
    score: float
    created_at: datetime
    channel_id: UUID
    kind: ChannelKind
    name: str | None


class Asked:
    """A search as statements. The arguments of each of its parts are added as it is put together."""

    def __init__(self, me: UUID, workspace_id: UUID, now: datetime, wanted: Wanted, *, files: bool) -> None:
        self.args: list[Any] = [me, workspace_id, now]
        self._match = self._words(wanted.terms)
        self._where = [
            "ch.workspace_id = $2",
            READABLE,
            "m.deleted_at IS NULL AND m.type <> 'system'",
            "(w.retention_days IS NULL OR m.created_at >= $3::timestamptz - make_interval(days => w.retention_days))",
        ]
        if self._match:
            self._where.append(f"{_WORDS} @@ {self._match}")
        if files:
            self._where.append(_FLAGS["file"])
        self._filters(wanted)

    def _arg(self, value: Any) -> int:
        self.args.append(value)
        return len(self.args)

    def _words(self, terms: Sequence[Term]) -> str:
        parts = []
        for term in terms:
            text = prefix_query(term.text) if term.kind == "prefix" else term.text
            parts.append("!! " * term.negated + _QUERIES[term.kind].format(self._arg(text)))
        return f"({' && '.join(parts)})" if parts else ""

    def _filters(self, wanted: Wanted) -> None:
        for negated in (False, True):
            sign = "NOT " * negated
            if names := wanted.values("in", negated=negated):
                self._where.append(f"{sign}{self._in(names)}")
            if names := wanted.values("from", negated=negated):
                self._where.append(f"{sign}{self._by(names)}")
            flags = wanted.values("has", negated=negated) + wanted.values("is", negated=negated)
            self._where += [f"{sign}({_FLAGS[flag]})" for flag in sorted({*flags})]
        if wanted.since is not None:
            self._where.append(f"m.created_at >= ${self._arg(wanted.since)}")
        if wanted.until is not None:
            self._where.append(f"m.created_at < ${self._arg(wanted.until)}")

    def _in(self, names: Sequence[str]) -> str:
        at = self._arg([name for name in names if not name.startswith("@")])
        found = f"coalesce(ch.name = ANY(${at}::text[]), false)"
        if people := [name[1:] for name in names if name.startswith("@")]:
            found += f""" OR ch.direct IS NOT DISTINCT FROM 'dm' AND coalesce((SELECT true FROM conversation_members x
              JOIN workspace_members o ON o.workspace_id = $2 AND o.user_id = x.user_id
              WHERE x.conversation_id = ch.id AND x.user_id <> $1 AND o.username = ANY(${self._arg(people)}::text[])
              LIMIT 1), false)"""
        return f"({found})"

    def _by(self, names: Sequence[str]) -> str:
        at = self._arg(list(names))
        return f"""m.sender_id IN (SELECT o.user_id FROM workspace_members o WHERE o.workspace_id = $2
          AND (o.username = ANY(${at}::text[]) OR 'me' = ANY(${at}::text[]) AND o.user_id = $1))"""

    @property
    def _from(self) -> str:
        return f"FROM messages m JOIN ({FROM}) ON ch.id = m.conversation_id WHERE {' AND '.join(self._where)}"

    def count(self) -> tuple[Query[int], list[Any]]:
        """How many there are, up to a ceiling."""
        return Query(int, f"SELECT count(*) FROM (SELECT 1 {self._from} LIMIT {MOST}) AS found"), [*self.args]

    def near(self, sort: Sort, limit: int) -> int:
        """Among how many of the latest entries of the busiest channel a word is looked for first, if it is frequent.

        Each of these costs some hundredths of a millisecond; a word in most messages is found in few of them.
        """
        return RANKED + RANKED // 5 if self._match and sort == "relevance" else 4 * limit

    def cut(self, near: int) -> tuple[Query[datetime], list[Any]]:
        """When the busiest channel had so many entries less; none where none has as many."""
        sql = f"""SELECT max(e.created_at) FROM {FROM} CROSS JOIN LATERAL (SELECT m.created_at FROM messages m
          WHERE m.conversation_id = ch.id AND m.seq <= c.last_seq - $3::int ORDER BY m.seq DESC LIMIT 1) AS e
        WHERE ch.workspace_id = $2 AND {READABLE}"""
        return Query(datetime, sql), [*self.args[:2], near]

    def page(
        self,
        sort: Sort,
        behind: tuple[float, datetime, UUID] | None,
        limit: int,
        offset: int,
        cut: datetime | None = None,
    ) -> tuple[Query[Place], list[Any]]:
        """A page of what there is: what fits best of the latest, or the latest first.

        With a moment, what came behind it is looked at first, and the rest only if that is not enough: else each of
        the messages in which a frequent word stands would be fetched and sorted.
        """
        asked = Asked.__new__(Asked)
        asked.args, asked._match, asked._where = [*self.args], self._match, [*self._where]
        ranked = bool(self._match) and sort == "relevance"
        score = f"ts_rank({_WORDS}, {self._match})" if ranked else "0::real"
        after = ""
        if behind is not None and ranked:
            at, at_last, last = (asked._arg(value) for value in behind)
            after = f"WHERE (score, created_at, id) < (${at}::real, ${at_last}, ${last})"
        elif behind is not None:
            at_last, last = (asked._arg(value) for value in behind[1:])
            asked._where.append(f"(m.created_at, m.id) < (${at_last}, ${last})")
        found = asked._latest(str(RANKED) if ranked else f"${asked._arg(limit + offset)}::int", cut)
        sql = f"""{found} SELECT id, score, created_at, channel_id, kind, name FROM (
          SELECT m.id, {score} AS score, m.created_at, m.channel_id, m.kind, m.name FROM found m) AS scored
        {after} ORDER BY score DESC, created_at DESC, id DESC LIMIT ${asked._arg(limit)} OFFSET ${asked._arg(offset)}"""
        return Query(Place, sql), asked.args

    def _latest(self, many: str, cut: datetime | None) -> str:
        """The beginning of a statement: the latest that match as `found`."""
        columns = f"SELECT m.id, m.text, m.created_at, ch.id AS channel_id, ch.name, {KIND} AS kind"
        last = f"ORDER BY m.created_at DESC, m.id DESC LIMIT {many}"
        if cut is None:
            return f"WITH found AS ({columns} {self._from} {last})"
        return f"""WITH near AS MATERIALIZED (
          {columns} {self._from} AND m.created_at >= ${self._arg(cut)} {last}
        ), found AS (
          SELECT * FROM near WHERE (SELECT count(*) FROM near) >= {many}
          UNION ALL ({columns} {self._from} AND (SELECT count(*) FROM near) < {many} {last}))"""


BY_IDS = Query(Row, f"SELECT {MESSAGE} FROM messages m WHERE m.id = ANY($2::uuid[])")


def samples() -> Sequence[str]:
    """Every part of a search, for tests that prepare them."""
    nobody, at = UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)
    full = """bread -cake ry* "warm bread" in:#a -in:b in:@ada from:@ada from:me -from:@bot has:link has:file has:image
      has:reaction has:pin is:thread -is:thread before:2026-02-01 after:2026-01-01"""
    found = []
    for text, files in (("bread", False), ("from:me", True), (full, True)):
        asked = Asked(nobody, nobody, at, parse(text, ZoneInfo("UTC")), files=files)
        orders: tuple[Sort, ...] = ("relevance", "newest")
        places = (None, (0.5, at, nobody))
        pages = [
            asked.page(sort, behind, 21, 0, cut) for sort in orders for behind in places for cut in (None, at)
        ]
        found += [asked.count()[0].sql, asked.cut(100)[0].sql, *(query.sql for query, _ in pages)]
    return found
