"""Verbs of timelines: lists of short posts as a viewer sees them, a page at a time."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from majlis.features.browsing import service as browsing
from majlis.features.graph import service as graph
from majlis.features.labels.model import SHORT, tag_of
from majlis.features.posts import service as posts
from majlis.features.posts.model import Filter, Post
from majlis.features.timelines import store
from majlis.features.timelines.model import FRAMES, FilterRequired, Labels, News, Short, Timeframe
from majlis.features.timelines.store import Entries, Reach, Trending
from majlis.kit import clock, hints, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.me import Me

Listed = page.Page[Short]
POSTED = "posted"  # on the bus: the id of a new post


# ---- what a post is here


async def get(tx: Reader, me: Me, post_id: UUID) -> Short:
    """One short post. NotFound when deleted, hidden, blocked either way, or of another kind."""
    await check(tx, me, post_id)
    found = await shown(tx, me, [post_id])
    if not found:
        raise NotFound()
    return found[0]


async def check(tx: Reader, me: Me, post_id: UUID) -> None:
    """Raises NotFound unless the viewer sees this short post."""
    if not await tx.one(store.SEEN, me.id, post_id):
        raise NotFound()


async def shown(tx: Reader, me: Me, ids: Sequence[UUID]) -> list[Short]:
    """These posts in this order, as far as the viewer may see them: two queries."""
    found = await posts.posts_of(tx, me, ids)
    return await dressed(tx, me, [found[one] for one in ids if one in found])


async def dressed(tx: Reader, me: Me, found: Sequence[Post]) -> list[Short]:
    """Posts with their labels, counts of reposts and bookmarks, and whether the viewer reposts them: one query."""
    if not found:
        return []
    marks = {one.id: one for one in await tx.all(store.MARKS, me.id, [post.id for post in found])}
    return [Short(post, marks[post.id]) for post in found if post.id in marks]


# ---- lists


async def home(tx: Reader, me: Me, labels: Labels, paging: page.Paging) -> Listed:
    """What the caller and those whom they follow wrote or reposted, the latest first; each post once."""
    me.user()
    built, size = _entries(me, labels, paging)
    rows = await tx.records(await _likely(tx, me, labels, built, size), *built.args)
    cut = rows[0]["cut"]
    if cut is not None and (len(rows) < size or rows[-1]["at"] <= cut):
        # Too many of the likely ones were hidden, or without the labels: now from everything.
        built, _ = _entries(me, labels, paging)
        rows = await tx.records(built.home_of_each(None), *built.args)
    return await _page(tx, me, [row for row in rows if row["id"] is not None], paging, size)


async def _likely(tx: Reader, me: Me, labels: Labels, built: Entries, size: int) -> str:
    """The statement that reads least for a home, as far as one can tell before."""
    if labels:
        sql, args = store.few_labelled(labels)
        if (await tx.records(sql, *args))[0][0]:
            return built.home_of_labelled()
    followed = await tx.one(store.FOLLOWED, me.id) or 0
    if followed > store.FEW_FOLLOWED:
        return built.home_of_newest()
    return built.home_of_each(size + (store.MORE_LABELLED if labels else store.MORE))


async def explore(tx: Reader, me: Me, labels: Labels, paging: page.Paging) -> Listed:
    """What everybody may see, the latest first, without whom the viewer mutes."""
    return await _found(tx, me, labels, paging, Entries.explore)


async def search(tx: Reader, me: Me, labels: Labels, paging: page.Paging) -> Listed:
    """Posts by their labels alone, the latest first. Raises FilterRequired."""
    if not labels:
        raise FilterRequired()
    return await _found(tx, me, labels, paging, Entries.search)


async def trending(tx: Reader, me: Me, timeframe: Timeframe, labels: Labels, paging: page.Paging) -> Listed:
    """What everybody may see of a time until now: the most liked and reposted first, then the latest.

    By offset alone, as scores move; `next` says only whether there is more.
    """
    since, size = clock.now() - FRAMES[timeframe], _size(paging)
    if labels:
        found, args = store.labelled(labels, since)
        ids = [row[0] for row in await tx.records(found, *args)]
        if len(ids) <= store.FEW_FOUND:
            warmest = Trending(me.id, Labels(), since, size)
            few = warmest.few(ids)
            return await _ranked(tx, me, await tx.records(few, *warmest.args) if ids else [], paging)
    warmest = Trending(me.id, labels, since, size)
    rows = await tx.records(warmest.warm(), *warmest.args)
    if len(rows) < size:
        rows += await tx.records(warmest.cold(), *warmest.args)
    return await _ranked(tx, me, rows, paging)


async def of_user(tx: Reader, me: Me, user_id: UUID, labels: Labels, paging: page.Paging) -> Listed:
    """What somebody wrote or reposted, the latest first; each post once. Raises NotFound for whom nobody sees."""
    await graph.visible_person(tx, me, user_id)
    built, size = _entries(me, labels, paging)
    return await _page(tx, me, await tx.records(built.of_user(user_id), *built.args), paging, size)


async def written_by(tx: Reader, me: Me, user_id: UUID, paging: page.Paging) -> Listed:
    """What somebody wrote, the latest first. Raises NotFound for whom nobody sees."""
    await graph.visible_person(tx, me, user_id)
    built, size = _entries(me, Labels(), paging)
    return await _page(tx, me, await tx.records(built.written(user_id), *built.args), paging, size)


async def tagged(tx: Reader, me: Me, tag: str, paging: page.Paging) -> tuple[str, Listed]:
    """The tag as it is stored, and posts with it in their text, the latest first. Raises Invalid for what is none."""
    stored = tag_of(tag)
    if stored is None:
        words = "A tag consists of letters, digits and _, and has a letter."
        raise Invalid(words, code="invalid_tag", fields=[FieldFault("tag", "invalid", words)])
    built, size = _entries(me, Labels(), paging)
    return stored, await _page(tx, me, await tx.records(built.tagged(stored), *built.args), paging, size)


async def bookmarks(tx: Reader, me: Me, paging: page.Paging) -> Listed:
    """The caller's bookmarks, the newest bookmark first; what cannot be seen any more is skipped."""
    me.user()
    built, size = _entries(me, Labels(), paging)
    return await _page(tx, me, await tx.records(built.bookmarked(), *built.args), paging, size)


async def by_words(tx: Reader, me: Me, words: str, paging: page.Paging) -> Listed:
    """Posts with words that begin with those of the query, the best first."""
    found = await browsing.listing(tx, me, Filter(type=list(SHORT), q=words), "relevance", paging)
    return page.Page(await dressed(tx, me, found.items), found.next)


# ---- what is new in homes


async def announce(tx: Tx, me: Me, post_id: UUID) -> None:
    """Hint at a new post to those who watch their homes: see `news`."""
    hints.after_commit(tx, POSTED, str(post_id).encode())


async def news(tx: Reader, me: Me, post_ids: Collection[UUID], viewers: Collection[UUID]) -> list[News]:
    """In whose homes of these viewers' some of these posts stand, and how many; one query, for the system."""
    me.require_role("admin")
    return await tx.all(store.NEWS, list(viewers), list(post_ids))


# ---- pages


def _size(paging: page.Paging) -> int:
    """How many rows tell what is on a page, and whether there is more."""
    return (0 if paging.cursor else paging.offset or 0) + paging.limit + 1


def _entries(me: Me, labels: Labels, paging: page.Paging) -> tuple[Entries, int]:
    start = page.decode("timeline", paging.cursor, tuple[datetime, UUID]) if paging.cursor else None
    size = _size(paging)
    return Entries(me.id, labels, start, size), size


async def _found(
    tx: Reader, me: Me, labels: Labels, paging: page.Paging, sql: Callable[[Entries, Reach], str]
) -> Listed:
    """A list of anybody's posts: with labels the newest posts are looked through before the index is."""
    built, size = _entries(me, labels, paging)
    rows = await tx.records(sql(built, "newest"), *built.args)
    if labels and len(rows) < size:
        built, _ = _entries(me, labels, paging)
        rows = await tx.records(sql(built, "all"), *built.args)
    return await _page(tx, me, rows, paging, size)


async def _page(tx: Reader, me: Me, rows: Sequence[Any], paging: page.Paging, size: int) -> Listed:
    part = rows[size - paging.limit - 1 : size - 1]
    more = page.encode("timeline", part[-1]["at"], part[-1]["id"]) if part and len(rows) >= size else None
    return page.Page(await shown(tx, me, [row["id"] for row in part]), more)


async def _ranked(tx: Reader, me: Me, rows: Sequence[Any], paging: page.Paging) -> Listed:
    size = _size(paging)
    part = rows[size - paging.limit - 1 : size - 1]
    more = page.encode("ranked", size) if len(rows) >= size else None
    return page.Page(await shown(tx, me, [row["id"] for row in part]), more)
