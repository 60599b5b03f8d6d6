"""The SQL of timelines: which posts stand in a list, in its order. What they say is read afterwards, of a page alone.

An entry is a post and since when it stands in the list: since it was written, or handed on.
"""

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from majlis.features.graph.service import BLOCKED, MUTED, admits, follows
from majlis.features.labels.model import SHORT
from majlis.features.posts.service import LISTED
from majlis.features.timelines.model import REPOSTS_COUNT, Labels, Marks, News
from majlis.kit.db import Query

LOOKED_THROUGH = 2000  # of the newest, before all that fit are sorted
FEW_FOLLOWED = 300  # people, each of whom can be asked for what is newest of theirs
FEW_FOUND = 3000  # posts with labels, all of which can be weighed
MORE, MORE_LABELLED = 20, 80  # of each person than a page needs, as some are hidden or have other labels

Reach = Literal[
    "newest", "all"
]  # whether the newest of all posts are looked through, or all that fit are found

# Feed posts and polls; but not those that only point to another, which are reposts of a kind that has no text.
_SHORT = f"p.type IN {SHORT} AND (p.original_post_id IS NULL OR p.description IS NOT NULL)"
_SEEN = f"{_SHORT} AND {LISTED}"
_PUBLIC = "p.visibility = 'PUBLIC'"
_UNMUTED = f"NOT p.user_id = ANY ({MUTED})"
_AUTHOR = "JOIN profiles a ON a.id = p.user_id"
_NEWEST = "ORDER BY at DESC, id DESC"
_SCORE = f"p.total_likes + {REPOSTS_COUNT} * p.total_reposts"

SEEN = Query(bool, f"SELECT true FROM posts p {_AUTHOR} WHERE p.id = $2 AND {_SEEN}")
MARKS = Query(
    Marks,
    """SELECT p.id, coalesce(l.metadata, '{}') AS metadata,
      ARRAY(SELECT h.tag::text FROM post_hashtags h WHERE h.post_id = p.id ORDER BY h.position) AS hashtags,
      p.total_reposts, p.total_bookmarks,
      coalesce((SELECT true FROM post_reposts r WHERE r.user_id = $1 AND r.post_id = p.id), false) AS reposted_by_me
    FROM posts p LEFT JOIN post_labels l ON l.post_id = p.id WHERE p.id = ANY ($2::uuid[])""",
)
# How many of some posts $2 stand in the homes of viewers $1 because of their authors.
NEWS = Query(
    News,
    f"""SELECT v.id AS viewer, count(*)::int AS posts
    FROM posts p {_AUTHOR} JOIN user_follows f ON f.following_id = p.user_id
    JOIN unnest($1::uuid[]) AS v (id) ON v.id = f.follower_id
    WHERE p.id = ANY ($2::uuid[]) AND {f"{_SEEN} AND {_UNMUTED}".replace("$1", "v.id")} GROUP BY v.id""",
)
# How many people the viewer follows, as far as it matters.
FOLLOWED = Query(
    int,
    f"SELECT count(*) FROM (SELECT 1 FROM user_follows WHERE follower_id = $1 LIMIT {FEW_FOLLOWED + 1}) AS f",
)


def _theirs(person: str) -> str:
    """Whether a post stands in the home of the viewer $1 because of this person."""
    return f"({person} = $1 OR {follows('$1', person)})"


def _hands_on(r: str) -> str:
    """Whether what somebody handed on stands in the home of the viewer $1."""
    return f"""{_theirs(f"{r}.user_id")} AND NOT {r}.user_id = ANY ({MUTED})
      AND (SELECT NOT b.suspended AND b.deleted_at IS NULL FROM profiles b WHERE b.id = {r}.user_id)"""


# Of a post that several handed on, and that its author wrote, only the latest is an entry `c` of a home.
_ONCE = f"""(p.total_reposts = 0 OR NOT coalesce((SELECT true FROM post_reposts o WHERE o.post_id = p.id
  AND (c.by IS NULL OR (o.created_at, o.user_id) > (c.at, c.by)) AND {_hands_on("o")} LIMIT 1), false))"""
# Whose posts stand in a home.
_PEOPLE = f"""SELECT f.following_id AS id FROM user_follows f JOIN profiles b ON b.id = f.following_id
    AND NOT b.suspended AND b.deleted_at IS NULL
  WHERE f.follower_id = $1 AND NOT f.following_id = ANY ({MUTED}) UNION ALL SELECT $1::uuid"""


class _Args:
    """The arguments of a statement, as they are put into it."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def add(self, value: Any) -> str:
        """Add an argument; its mark."""
        self.values.append(value)
        return f"${len(self.values)}"

    def labelled(self, labels: Labels) -> str:
        """What a row of labels `l` is held against; nothing without labels."""
        parts = []
        if found := labels.metadata():
            parts.append(f"l.metadata @> {self.add(found)}::jsonb")
        if tags := labels.tags():
            parts.append(f"l.tags @> {self.add(tags)}::text[]")
        return " AND ".join(parts)


def _fits(labelled: str) -> str:
    """Whether the post `p` has labels: a look at its row of them, for posts that were found otherwise."""
    if not labelled:
        return ""
    return f" AND coalesce((SELECT true FROM post_labels l WHERE l.post_id = p.id AND {labelled}), false)"


class Entries:
    """A list of entries (`id`, `at`) put together from labels and a place in it, newest first."""

    def __init__(
        self, viewer: UUID | None, labels: Labels, start: tuple[datetime, UUID] | None, size: int
    ) -> None:
        self._args = _Args(viewer, size)
        self.args = self._args.values
        self._size = "$2"
        self._labels = self._args.labelled(labels)
        self._fits = _fits(self._labels)
        self._start = None if start is None else (self._args.add(start[0]), self._args.add(start[1]))

    def _behind(self, at: str, id: str) -> str:
        return f" AND ({at}, {id}) < ({', '.join(self._start)})" if self._start else ""

    def _list(self, rows: str, where: str, at: str, id: str = "p.id") -> str:
        return f"""SELECT {id} AS id, {at} AS at FROM {rows}
        WHERE {where}{self._behind(at, id)} ORDER BY {at} DESC, {id} DESC LIMIT {self._size}"""

    def _tried(self, candidates: str, where: str) -> str:
        """Those of the candidates `c` that pass, tried one after the other until there are enough.

        OFFSET keeps PostgreSQL from another way, such as trying all of them and sorting what passed.
        """
        return f"""SELECT c.id, c.at FROM (SELECT * FROM ({candidates}) AS c ORDER BY at DESC, id DESC) AS c
        CROSS JOIN LATERAL (SELECT 1 FROM posts p {_AUTHOR} WHERE p.id = c.id AND {where} OFFSET 0) AS seen
        ORDER BY c.at DESC, c.id DESC LIMIT {self._size}"""

    def _posts(self, where: str, reach: Reach) -> str:
        """Posts of anybody."""
        if not self._labels:
            return self._list(f"posts p {_AUTHOR}", where, "p.created_at")
        behind = self._behind("l.created_at", "l.post_id")
        if reach == "newest":
            newest = f"""SELECT post_id AS id, created_at AS at, metadata, tags FROM post_labels l
              WHERE true{behind} ORDER BY created_at DESC, post_id DESC LIMIT {LOOKED_THROUGH}"""
            return self._tried(f"SELECT id, at FROM ({newest}) AS l WHERE {self._labels}", where)
        found = f"""WITH found AS MATERIALIZED (
          SELECT post_id AS id, created_at AS at FROM post_labels l WHERE {self._labels}{behind})"""
        return f"{found} {self._tried('SELECT id, at FROM found', where)}"

    def explore(self, reach: Reach) -> str:
        """What everybody may see, without whom the viewer mutes."""
        return self._posts(f"{_PUBLIC} AND {_SEEN} AND {_UNMUTED}", reach)

    def search(self, reach: Reach) -> str:
        """All that the viewer may see."""
        return self._posts(_SEEN, reach)

    def tagged(self, tag: str) -> str:
        """What has a hashtag in its text."""
        rows = f"post_hashtags h JOIN posts p ON p.id = h.post_id {_AUTHOR}"
        where = f"h.tag = {self._args.add(tag)} AND {_SEEN}"
        return self._list(rows, where, "h.created_at", "h.post_id")

    def bookmarked(self) -> str:
        """What the viewer bookmarked, the newest bookmark first."""
        rows = f"post_bookmarks k JOIN posts p ON p.id = k.post_id {_AUTHOR}"
        return self._list(rows, f"k.user_id = $1 AND {_SEEN}", "k.created_at", "k.post_id")

    def written(self, author: UUID) -> str:
        """What somebody wrote."""
        where = f"p.user_id = {self._args.add(author)} AND {_SEEN}{self._fits}"
        return self._list(f"posts p {_AUTHOR}", where, "p.created_at")

    def of_user(self, person: UUID) -> str:
        """What somebody wrote or handed on; what they did both to stands where they handed it on."""
        who = self._args.add(person)
        twice = (
            f"coalesce((SELECT true FROM post_reposts o WHERE o.user_id = {who} AND o.post_id = p.id), false)"
        )
        own = self._list(
            f"posts p {_AUTHOR}",
            f"p.user_id = {who} AND NOT {twice} AND {_SEEN}{self._fits}",
            "p.created_at",
        )
        rows = (
            f"post_reposts r JOIN posts p ON p.id = r.post_id {_AUTHOR} JOIN profiles b ON b.id = r.user_id"
        )
        admitted = f"NOT r.user_id = ANY ({BLOCKED}) AND {admits('b')}"
        handed = self._list(
            rows, f"r.user_id = {who} AND {admitted} AND {_SEEN}{self._fits}", "r.created_at", "r.post_id"
        )
        return f"SELECT id, at FROM (({own}) UNION ALL ({handed})) AS e {_NEWEST} LIMIT {self._size}"

    # ---- homes: what the viewer and those whom they follow wrote or handed on

    def _home(self, before: str, candidates: str, cut: str) -> str:
        """Entries, and since when there may be some that were not among the candidates; null if there are none.

        Where there is no entry, a row says that alone.
        """
        tried = self._tried(candidates, f"{_SEEN} AND {_UNMUTED} AND {_ONCE}{self._fits}")
        return f"""WITH {before}
        SELECT e.id, e.at, k.cut FROM (SELECT ({cut}) AS cut) AS k LEFT JOIN ({tried}) AS e ON true
        ORDER BY e.at DESC, e.id DESC"""

    def home_of_each(self, most: int | None) -> str:
        """From the newest of each person, up to so many; from all there is of them without a number."""
        limit = f"LIMIT {self._args.add(most)}" if most else ""
        own, handed = self._behind("p.created_at", "p.id"), self._behind("r.created_at", "r.post_id")
        before = f"""each AS MATERIALIZED (
          SELECT x.id, x.at, x.by, f.id AS whose FROM ({_PEOPLE}) AS f CROSS JOIN LATERAL (
            (SELECT p.id, p.created_at AS at, NULL::uuid AS by FROM posts p
             WHERE p.user_id = f.id AND p.deleted_at IS NULL{own} ORDER BY p.created_at DESC, p.id DESC {limit})
            UNION ALL
            (SELECT r.post_id, r.created_at, r.user_id FROM post_reposts r
             WHERE r.user_id = f.id{handed} ORDER BY r.created_at DESC, r.post_id DESC {limit})) AS x)"""
        cut = "NULL::timestamptz"
        if most:
            cut = f"""SELECT max(last) FROM (SELECT min(at) AS last FROM each GROUP BY whose, by IS NULL
              HAVING count(*) = {limit.removeprefix("LIMIT ")}) AS full_ones"""
        return self._home(before, "SELECT id, at, by FROM each", cut)

    def home_of_newest(self) -> str:
        """From the newest of all posts and reposts."""
        own, handed = self._behind("created_at", "id"), self._behind("created_at", "post_id")
        before = f"""own AS MATERIALIZED (
          SELECT id, created_at AS at, user_id FROM posts WHERE deleted_at IS NULL AND status{own}
          ORDER BY created_at DESC, id DESC LIMIT {LOOKED_THROUGH}
        ), handed AS MATERIALIZED (
          SELECT post_id AS id, created_at AS at, user_id FROM post_reposts WHERE true{handed}
          ORDER BY created_at DESC, post_id DESC LIMIT {LOOKED_THROUGH})"""
        candidates = f"""SELECT id, at, NULL::uuid AS by FROM own WHERE {_theirs("own.user_id")}
          UNION ALL SELECT id, at, user_id FROM handed WHERE {_hands_on("handed")}"""
        cut = f"""SELECT greatest(
          (SELECT min(at) FROM own HAVING count(*) = {LOOKED_THROUGH}),
          (SELECT min(at) FROM handed HAVING count(*) = {LOOKED_THROUGH}))"""
        return self._home(before, candidates, cut)

    def home_of_labelled(self) -> str:
        """From all posts with the labels."""
        own, handed = self._behind("p.created_at", "p.id"), self._behind("r.created_at", "r.post_id")
        before = f"found AS MATERIALIZED (SELECT l.post_id FROM post_labels l WHERE {self._labels})"
        candidates = f"""SELECT p.id, p.created_at AS at, NULL::uuid AS by FROM posts p
          WHERE p.id = ANY (ARRAY(SELECT post_id FROM found)) AND p.deleted_at IS NULL AND {_theirs("p.user_id")}{own}
          UNION ALL SELECT r.post_id, r.created_at, r.user_id FROM post_reposts r
          WHERE r.post_id = ANY (ARRAY(SELECT post_id FROM found)) AND {_hands_on("r")}{handed}"""
        return self._home(before, candidates, "NULL::timestamptz")


def few_labelled(labels: Labels) -> tuple[str, list[Any]]:
    """Whether few posts have the labels; and the arguments."""
    args = _Args()
    rows = f"SELECT 1 FROM post_labels l WHERE {args.labelled(labels)} LIMIT {FEW_FOUND + 1}"
    return f"SELECT count(*) <= {FEW_FOUND} FROM ({rows}) AS found", args.values


def labelled(labels: Labels, since: datetime) -> tuple[str, list[Any]]:
    """Ids of posts of a time with labels, up to a few and one more; and the arguments."""
    args = _Args(since)
    found = f"SELECT l.post_id FROM post_labels l WHERE {args.labelled(labels)} AND l.created_at > $1"
    return f"{found} LIMIT {FEW_FOUND + 1}", args.values


class Trending:
    """Posts (`id`) that everybody may see, of a time, by score; of those with the same score the newest first."""

    def __init__(self, viewer: UUID | None, labels: Labels, since: datetime, size: int) -> None:
        self._args = _Args(viewer, size, since)
        self.args = self._args.values
        self._fits = _fits(self._args.labelled(labels))
        self._size, self._since = "$2", "$3"
        self._where = f"{_PUBLIC} AND {_SEEN} AND {_UNMUTED}"

    def _tried(self, scored: str, order: str) -> str:
        """Those of the posts `c` that pass, tried one after the other in their order until there are enough."""
        rank = f"{order}c.score DESC, c.at DESC, c.id DESC"
        return f"""SELECT c.id FROM (SELECT * FROM ({scored}) AS c ORDER BY {rank}) AS c
        CROSS JOIN LATERAL (SELECT 1 FROM posts p {_AUTHOR} WHERE p.id = c.id AND {self._where} OFFSET 0) AS seen
        ORDER BY {rank} LIMIT {self._size}"""

    def few(self, ids: list[UUID]) -> str:
        """Of these posts alone."""
        scored = f"""SELECT p.id, {_SCORE} AS score, p.created_at AS at FROM posts p
        WHERE p.id = ANY ({self._args.add(ids)}::uuid[]) AND p.created_at > {self._since}"""
        return self._tried(scored, "")

    def warm(self) -> str:
        """Posts that anybody liked or reposted: heat by heat, until there are enough."""
        scored = f"""SELECT p.id, g.heat, {_SCORE} AS score, p.created_at AS at
        FROM (SELECT heat FROM generate_series(1, 62) AS heat ORDER BY heat DESC) AS g
        CROSS JOIN LATERAL (
          SELECT h.post_id FROM post_heats h WHERE h.heat = g.heat AND h.created_at > {self._since} OFFSET 0) AS h
        JOIN posts p ON p.id = h.post_id WHERE true{self._fits}"""
        return self._tried(scored, "c.heat DESC, ")

    def cold(self) -> str:
        """Posts that nobody liked or reposted."""
        return f"""SELECT p.id FROM posts p {_AUTHOR}
        WHERE p.created_at > {self._since} AND p.total_likes = 0 AND p.total_reposts = 0
          AND {self._where}{self._fits}
        ORDER BY p.created_at DESC, p.id DESC LIMIT {self._size}"""


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, now = UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)
    found: list[str] = []
    for labels in (Labels(), Labels(category="a", tag="b")):
        for start in (None, (now, nobody)):

            def new(labels: Labels = labels, start: Any = start) -> Entries:
                return Entries(nobody, labels, start, 21)

            reaches: tuple[Reach, ...] = ("newest", "all")
            for reach in reaches:
                found += [new().explore(reach), new().search(reach)]
            found += [new().home_of_each(None), new().home_of_each(21), new().home_of_newest()]
            found += [new().of_user(nobody), new().written(nobody)]
            found += [new().home_of_labelled()] if labels else [new().tagged("a"), new().bookmarked()]
        warmest = Trending(nobody, labels, now, 21)
        found += [warmest.warm(), warmest.cold()]
    found.append(Trending(nobody, Labels(), now, 21).few([nobody]))
    found += [labelled(Labels(market="a", tag="b"), now)[0], few_labelled(Labels(market="a", tag="b"))[0]]
    return found
