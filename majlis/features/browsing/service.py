"""Lists of posts."""

from datetime import datetime
from typing import Any, cast

from majlis.features.browsing import store
from majlis.features.posts import service as posts
from majlis.features.posts.model import Filter, Post, Sort
from majlis.kit import clock, page
from majlis.kit.db import Reader
from majlis.kit.me import Me

MAX_COUNT = page.MAX_OFFSET


async def listing(tx: Reader, me: Me, wanted: Filter, sort: Sort, paging: page.Paging) -> page.Page[Post]:
    """A page of the posts that this viewer may see. The same number of queries whatever the size."""
    now = clock.now()
    start = _start(sort, paging)
    if sort == "trending" and start:
        now = cast(datetime, start[0])  # scores as of the first page, so that pages do not shift
        start = start[1:]
    built = store.Listing(me.id, wanted, sort, now)
    offset = 0 if paging.cursor else paging.offset or 0
    if sort == "nearby" and wanted.near is not None:
        wanted = await store.closer(tx, me.id, wanted, start, now, offset + paging.limit + 1)
        built = store.Listing(me.id, wanted, sort, now)
    if start:
        built.after(*start)
    total = None if sort == "relevance" else await _total(tx, built, paging)
    sql = built.page_sql(paging.limit, offset)
    rows = await tx.records(sql, *built.args)
    if sort == "relevance" and paging.wants_total():
        total = rows[0]["total"] if rows else await _total(tx, built, paging)
    found = [_placed(*one, wanted, sort) for one in await posts.entered(tx, me, rows[: paging.limit])]
    following = _following(sort, rows[paging.limit - 1], now) if len(rows) > paging.limit else None
    return page.Page(await posts.dressed(tx, me, found), following, total)


async def _total(tx: Reader, built: store.Listing, paging: page.Paging) -> int | None:
    if not paging.wants_total():
        return None
    counted = await tx.records(built.count_sql(MAX_COUNT), *built.count_args)
    return cast(int, counted[0][0])


def _start(sort: Sort, paging: page.Paging) -> tuple[Any, ...]:
    return page.decode(f"posts:{sort}", paging.cursor, store.KEYS[sort][1]) if paging.cursor else ()


def _following(sort: Sort, row: Any, now: datetime) -> str:
    keys = [row[name] for name in store.KEYS[sort][0]]
    return page.encode(f"posts:{sort}", *([now, *keys] if sort == "trending" else keys))


def _placed(post: Post, row: Any, wanted: Filter, sort: Sort) -> Post:
    if wanted.near is not None:
        post.distance_km = round(row["distance"], 1)  # coarse, as it may tell where a person is
    if sort == "trending":
        post.trending_score = round(row["score"], 6)
    return post
