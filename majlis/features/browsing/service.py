"""Lists of posts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from majlis.features.browsing import store
from majlis.features.browsing.model import EVERY_S, MOMENTS, PLACES, Rank, Ranking, Reach, everything
from majlis.features.posts import service as posts
from majlis.features.posts.model import Filter, Post, Sort
from majlis.kit import clock, page
from majlis.kit.db import Reader
from majlis.kit.geo import Point
from majlis.kit.me import Me

MAX_COUNT = page.MAX_OFFSET
LATEST, ENOUGH = store.LATEST, store.ENOUGH  # for the stores of features above
Listing = store.Listing  # likewise


async def listing(
    tx: Reader, me: Me, wanted: Filter, sort: Sort, paging: page.Paging, *, weighed: int | None = None
) -> page.Page[Post]:
    """A page of the posts that this viewer may see. The same number of queries whatever the size.

    By relevance it is of `weighed` posts at most, several pages of them unless given.
    """
    rows, following, total = await _page(tx, me, wanted, sort, paging, weighed)
    found, ends = [], _ends(wanted, sort)
    for post, row in await posts.entered(tx, me, rows):
        if ends is not None:
            post.distance_km, post.trending_score = ends(row)
        found.append(post)
    return page.Page(await posts.dressed(tx, me, found), following, total)


async def written(
    tx: Reader, me: Me, wanted: Filter, sort: Sort, paging: page.Paging, *, weighed: int | None = None
) -> page.Page[Post]:
    """`listing` for an answer that is sent as it is, for half the work: its items are one piece of JSON.

    They cannot be looked into; only that there are some is told by their truth.
    """
    rows, following, total = await _page(tx, me, wanted, sort, paging, weighed)
    return page.Page(await posts.written(tx, me, rows, _ends(wanted, sort)), following, total)


async def _page(
    tx: Reader, me: Me, wanted: Filter, sort: Sort, paging: page.Paging, weighed: int | None
) -> tuple[list[Any], str | None, int | None]:
    """The rows of a page, the cursor of the next, and how many there are if that is asked for."""
    now, start = clock.now(), _start(sort, paging)
    if sort == "trending" and start:
        now, start = cast(datetime, start[0]), start[1:]  # as of the first page, so that pages do not shift
    rows: list[Any] = []
    total = None
    if sort == "trending" and everything(wanted) and (paging.cursor or paging.offset is None):
        now, rows = await _highest(tx, me, wanted, now, start, paging.limit)
    if len(rows) <= paging.limit:
        rows, total = await _asked(tx, me, wanted, sort, now, start, paging, weighed)
    following = _following(sort, rows[paging.limit - 1], now) if len(rows) > paging.limit else None
    return rows[: paging.limit], following, total


def _built(
    me: Me, wanted: Filter, sort: Sort, now: datetime, start: tuple[Any, ...], weighed: int | None = None
) -> store.Listing:
    built = store.Listing(me.id, wanted, sort, now, weighed)
    if start:
        built.after(*start)
    return built


async def _highest(
    tx: Reader, me: Me, wanted: Filter, now: datetime, start: tuple[Any, ...], limit: int
) -> tuple[datetime, list[Any]]:
    """The page out of the highest scores that are remembered, and as of when; no full page if that cannot be told."""
    found = _ranking_of(tx, now) if start else await _ranking(tx, now)
    ranks = found.until(Rank(*start) if start else None, store.RANKED, limit)
    if not ranks:
        return now, []
    built = _built(me, wanted, "trending", found.at, start)
    sql = built.tried_sql(ranks, limit)
    return found.at, await tx.records(sql, *built.args)


async def _ranking(tx: Reader, now: datetime) -> Ranking:
    """The highest scores as of a little while ago: asked for once, by the first who comes after a moment.

    Who comes while they are asked for gets those of the moment before.
    """
    kept = tx.versions("browsing:ranking", MOMENTS)
    at = datetime.fromtimestamp(now.timestamp() // EVERY_S * EVERY_S, UTC)
    found: Ranking | None = kept.get(at, at)
    if found is None:
        kept.put(at, at, _ranking_of(tx, at - timedelta(seconds=EVERY_S)))
        week = at - timedelta(days=store.TRENDING_DAYS)
        ranks = await tx.all(store.RANKING, at, week, store.HIGHEST)
        found = Ranking(at, ranks if len(ranks) == store.HIGHEST else ())
        kept.put(at, at, found)
    return found


def _ranking_of(tx: Reader, at: datetime) -> Ranking:
    """The highest scores as of the moment of a page that was read before; none if it is not remembered."""
    found: Ranking | None = tx.versions("browsing:ranking", MOMENTS).get(at, at)
    return found if found is not None and found.at == at else Ranking(at)


async def _asked(
    tx: Reader, me: Me, wanted: Filter, sort: Sort, now: datetime, start: tuple[Any, ...], paging: page.Paging,
    weighed: int | None,
) -> tuple[list[Any], int | None]:  # fmt: skip
    """The page out of all posts, and how many there are if that is asked for."""
    offset = 0 if paging.cursor else paging.offset or 0
    usual = paging.limit in page.USUAL and not offset and not paging.wants_total()
    if sort == "recent" and usual and everything(wanted):
        worded = wanted.muted_words is not None
        query = store.latest(wanted.unmuted, worded, bool(start), paging.limit)
        return await tx.joint(query, me.id, *([wanted.muted_words] if worded else []), *start), None
    total = None
    if paging.wants_total() and sort != "relevance":
        total = await _total(tx, _built(me, wanted, sort, now, ()))
    if sort == "nearby":
        return await _nearest(tx, me, wanted, now, start, paging.limit, offset), total
    built = _built(me, wanted, sort, now, start, weighed)
    sql = built.page_sql(paging.limit, offset)
    rows = await tx.records(sql, *built.args)
    if paging.wants_total() and sort == "relevance":
        total = rows[0]["total"] if rows else await _total(tx, built) if offset else 0
    return rows, total


async def _nearest(
    tx: Reader, me: Me, wanted: Filter, now: datetime, start: tuple[Any, ...], limit: int, offset: int
) -> list[Any]:
    """The page out of what is as near as the last such page reached; if that is too little, out of all that is near."""
    count, begin = offset + limit + 1, start[0] if start else 0.0
    reach = Reach(tx.versions("browsing:reach", PLACES), wanted, cast(Point, wanted.near), count)

    async def within(near: Filter) -> list[Any]:
        built = _built(me, near, "nearby", now, start)
        sql = built.page_sql(limit, offset)
        return await tx.records(sql, *built.args)

    radius, rows = reach.guess(begin), list[Any]()
    if radius is not None:
        rows = await within(msgspec.structs.replace(wanted, radius_km=radius))
    if len(rows) <= limit and radius != wanted.radius_km:
        rows = await within(await store.closer(tx, me.id, wanted, start, now, count))
    reach.learn(begin, rows[-1]["distance"] if len(rows) > limit else None)
    return rows


async def _total(tx: Reader, built: store.Listing) -> int:
    counted = await tx.records(built.count_sql(MAX_COUNT), *built.count_args)
    return cast(int, counted[0][0])


def _start(sort: Sort, paging: page.Paging) -> tuple[Any, ...]:
    return page.decode(f"posts:{sort}", paging.cursor, store.KEYS[sort][1]) if paging.cursor else ()


def _following(sort: Sort, row: Any, now: datetime) -> str:
    keys = [row[name] for name in store.KEYS[sort][0]]
    return page.encode(f"posts:{sort}", *([now, *keys] if sort == "trending" else keys))


def _ends(wanted: Filter, sort: Sort) -> Callable[[Any], posts.Ends] | None:
    """What tells a row's distance and score, in a list that has either."""
    near, trending = wanted.near is not None, sort == "trending"
    if not (near or trending):
        return None

    def ends(row: Any) -> posts.Ends:
        # Distances are coarse, as they may tell where a person is.
        return round(row["distance"], 1) if near else None, round(row["score"], 6) if trending else None

    return ends
