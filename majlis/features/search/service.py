"""Verbs of searching: everything at once, people, and the directory of businesses."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from majlis.features.browsing import service as browsing
from majlis.features.browsing.model import EVERY_S
from majlis.features.directory import service as directory
from majlis.features.directory.model import Business, Filter
from majlis.features.graph import service as graph
from majlis.features.graph.model import PeopleQuery
from majlis.features.posts import service as posts
from majlis.features.posts.model import Filter as PostFilter
from majlis.features.posts.model import Post, check_words
from majlis.features.profiles import service as profiles
from majlis.features.search import store
from majlis.features.search.model import (
    ASKED,
    COUNTED,
    FILTERS,
    SOUGHT,
    WEIGHED,
    WORDS,
    BusinessQuery,
    Found,
    Known,
    SearchQuery,
    Totals,
)
from majlis.kit import clock, page
from majlis.kit.db import Reader
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.me import Me
from majlis.kit.text import prefix_query
from majlis.kit.versions import Versions


async def everything(tx: Reader, me: Me, query: SearchQuery) -> Found:
    """Posts, people and businesses with words that begin with those of the query (rule 110). Raises Invalid."""
    check_words(query.q)
    near = await profiles.center(tx, me, query.lat, query.lng, needed=False)
    first = page.Paging(query.limit, offset=0)
    place = {name: getattr(query, name) for name in ("country", "province", "district", "neighborhood")}
    where = {**place, "near": near, "radius_km": query.radius_km}
    some = await _best(tx, me, PostFilter(q=query.q, **where), first)
    shops = await directory.listing(tx, me, Filter(q=query.q, **where), "relevance", first)
    found = Found(
        some.items, [], shops.items, Totals(min(some.total or 0, COUNTED), 0, min(shops.total or 0, COUNTED))
    )
    if me.id is not None:
        who = PeopleQuery(q=query.q, limit=query.limit, offset=0, **place)
        people = await graph.search(tx, me, who, counted=COUNTED)
        found.users, found.totals.users = people.items, people.total or 0
    return found


async def _best(tx: Reader, me: Me, wanted: PostFilter, first: page.Paging) -> page.Page[Post]:
    """The best posts, and how many were weighed: of those that are remembered, if they are enough to tell."""
    known = Known() if wanted.near is not None else await _known(tx, wanted)
    if known.since is not None:
        newest = store.Newest(me.id, wanted, known.since, WEIGHED)
        sql = newest.best_sql(known, first.limit)
        rows = await tx.records(sql, *newest.args)
        total = rows[0]["total"] if rows else 0
        if total >= known.needed:
            return page.Page(await posts.written(tx, me, rows[: first.limit]), None, total)
    return await browsing.written(tx, me, wanted, "relevance", first, weighed=WEIGHED)


async def _known(tx: Reader, wanted: PostFilter) -> Known:
    """The newest posts that match, as of a little while ago: looked for once a moment, by the second who asks.

    Who comes while they are looked for gets those of the moment before.
    """
    kept: Versions[Known] = tx.versions("search:newest", WORDS)
    at = datetime.fromtimestamp(clock.now().timestamp() // EVERY_S * EVERY_S, UTC)
    before, key = at - timedelta(seconds=EVERY_S), msgspec.msgpack.encode(wanted)
    found = kept.get(key, at)
    last = found or kept.get(key, before)
    if last is None:
        return kept.put(key, at, ASKED)
    if found is not None and found is not ASKED:
        return found
    kept.put(key, at, SOUGHT if last.since is None else last)
    newest = store.Newest(None, wanted, at, WEIGHED)
    rows = await tx.records(newest.newest_sql(), *newest.args)
    # Who wrote before the moment may yet be about to commit.
    return kept.put(key, at, newest.known(rows, before))


async def businesses(tx: Reader, me: Me, query: BusinessQuery) -> page.Page[Business]:
    """Businesses by words, category, place and opening hours. Raises Invalid without any of these."""
    if all(getattr(query, name) is None for name in FILTERS):
        words = "Give words or a filter."
        raise Invalid(words, fields=[FieldFault("q", "required", words)])
    if query.q is not None:
        check_words(query.q)
    near = await profiles.center(tx, me, query.lat, query.lng, needed=query.sort == "nearby")
    wanted = Filter(
        q=query.q,
        category_id=query.category_id,
        country=query.country,
        province=query.province,
        district=query.district,
        neighborhood=query.neighborhood,
        open_now=query.open_now,
        near=near,
        radius_km=query.radius_km,
    )
    return await directory.listing(tx, me, wanted, query.sort, query.paging())


async def people(tx: Reader, me: Me, words: str, paging: page.Paging) -> page.Page[UUID]:
    """Ids of people by username, names and what they tell of themselves, as far as the viewer may see it.

    By offset; `next` says only whether there is more.
    """
    begin = words.strip().removeprefix("@").lower()
    ids = await tx.all(store.PEOPLE, me.id, prefix_query(words), begin, paging.limit + 1, paging.offset or 0)
    more = page.encode("people:named", paging.limit) if len(ids) > paging.limit else None
    return page.Page(ids[: paging.limit], more)
