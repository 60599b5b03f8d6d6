"""The SQL of searching posts for all who search, and people by everything that they are called, and tell of themselves."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from majlis.features.browsing.service import ENOUGH, LATEST, Listing
from majlis.features.graph.model import Thing
from majlis.features.graph.service import BLOCKED, sees
from majlis.features.posts.model import Filter
from majlis.features.search.model import Known
from majlis.kit.db import Query
from majlis.kit.text import tsquery

_ABOUT = "to_tsvector('simple', search_text(coalesce(p.about, '')))"
_WORDS = tsquery("$2")
# Whose username begins with $3, and in whose names or words about themselves every word of the query $2 begins a word;
# of each what the viewer $1 may see. Whoever has exactly the username comes first, then who is called so.
PEOPLE = Query(
    UUID,
    f"""SELECT p.id FROM (
      SELECT u.id, min(u.rank) AS rank FROM (
        SELECT p.id, (lower(p.username) <> $3)::int AS rank FROM profiles p
        WHERE p.deleted_at IS NULL AND lower(p.username) ^@ $3 AND $3 <> ''
        UNION ALL SELECT p.id, 2 FROM profiles p
        WHERE p.deleted_at IS NULL AND p.search @@ {_WORDS} AND {sees(Thing.NAME, "p")}
        UNION ALL SELECT p.id, 3 FROM profiles p
        WHERE p.deleted_at IS NULL AND {_ABOUT} @@ {_WORDS} AND {sees(Thing.ABOUT, "p")}) AS u
      GROUP BY u.id) AS f
    JOIN profiles p ON p.id = f.id
    WHERE NOT p.suspended AND NOT p.id = ANY ({BLOCKED}) AND {sees(Thing.FOUND, "p")}
    ORDER BY f.rank, lower(p.username), p.id LIMIT $4 OFFSET $5""",
)

_NEWEST = "ORDER BY p.created_at DESC, p.id DESC"
_LATEST = f"SELECT p.* FROM posts p WHERE p.deleted_at IS NULL AND p.status {_NEWEST}"


class Newest(Listing):
    """The newest posts that words find, and the best of them.

    Which these are is the same for everybody and is remembered; who may see them is not. It comes to the same posts as
    a list by relevance that weighs so many.
    """

    def __init__(self, viewer: UUID | None, wanted: Filter, now: datetime, weighed: int) -> None:
        super().__init__(viewer, wanted, "relevance", now, weighed)
        # All conditions but the first, of who may see a post, are about the post alone.
        self._alone = " AND ".join(["p.deleted_at IS NULL AND p.status", *self._where[1:]])
        self._matching = f"""SELECT * FROM (SELECT p.id, p.created_at FROM posts p WHERE {self._alone} OFFSET 0) AS p
          {_NEWEST} LIMIT {self._most}"""

    def newest_sql(self) -> str:
        """The newest, whoever may see them, found in the steps of such a list; and whether it took the last step."""

        def among(size: int, hope: str = "true") -> str:
            return f"""SELECT p.id, p.created_at, false AS last FROM ({_LATEST} LIMIT {size}) AS p
              WHERE {self._alone} AND {hope} {_NEWEST} LIMIT {self._most + ENOUGH}"""

        steps = [among(LATEST // 4), among(LATEST, f"(SELECT count(*) FROM step0) >= {ENOUGH // 5}")]
        before, found = self._chosen(steps, ENOUGH, f"SELECT *, true AS last FROM ({self._matching}) AS p")
        return f"WITH {', '.join(before)} SELECT *, $1::uuid FROM ({found}) AS found"

    def known(self, rows: Sequence[Any], since: datetime) -> Known:
        """The rows of `newest_sql`, and of how many of them it takes to come to the same posts as without."""
        last = not rows or rows[0]["last"]
        full = len(rows) == (self._most if last else self._most + ENOUGH)  # behind them there may be more
        if last and not full:
            return Known(since)
        needed = self._most if full and not last else ENOUGH
        return Known(since, [row["id"] for row in rows if row["created_at"] <= since], needed)

    def best_sql(self, known: Known, limit: int) -> str:
        """The best of those that are known and of what came since; of words that find few, of all that there are."""
        columns = "p.id, -date_part('epoch', p.created_at) AS place"
        those = f"SELECT {columns} FROM ({self._matching}) AS p"
        if known.needed:
            since = f"WHERE p.created_at > {self.arg(known.since)} AND"
            those = f"""SELECT {columns} FROM ({_LATEST.replace("WHERE", since)} LIMIT {LATEST // 4}) AS p
                WHERE {self._alone}
              UNION ALL SELECT * FROM unnest({self.arg(known.ids)}::uuid[]) WITH ORDINALITY AS one (id, place)"""
        first = f"FROM (SELECT * FROM ({those}) AS p ORDER BY place, id DESC) AS l JOIN posts p USING (id)"
        weighed = f"""SELECT p.id, p.created_at, ts_rank(p.search, {self._query})::float8 AS score
          {self._from.replace("FROM posts p", first)} WHERE {" AND ".join(self._where)}
          ORDER BY l.place, l.id DESC LIMIT {self._most}"""
        order = "ORDER BY score DESC, created_at DESC, id DESC"
        return self._best(([], weighed), f"{order} LIMIT {self._size(limit)}")


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, now = UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)
    wanted = Filter(q="a", country="a", province="a", district="a", neighborhood="a")
    best = [
        Newest(nobody, wanted, now, 60).best_sql(known, limit)
        for known in (Known(now), Known(now, [nobody], 1))
        for limit in (5, 7)
    ]
    return [Newest(nobody, wanted, now, 60).newest_sql(), *best]
