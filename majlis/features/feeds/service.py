"""Verbs of lists of posts.

Their pages of posts are to be sent as they are, not looked into: see `browsing.service.written`.
"""

from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.browsing import service as browsing
from majlis.features.businesses import service as businesses
from majlis.features.feeds.model import DEFAULT_RADIUS_KM, WIDEST_RADIUS_KM, Feed, FilterQuery, MineQuery
from majlis.features.filters import service as filters
from majlis.features.graph import service as graph
from majlis.features.posts.model import Filter, Post, PostType, Sort, check_prices, check_words
from majlis.features.profiles import service as profiles
from majlis.kit import http, page
from majlis.kit.db import Reader
from majlis.kit.me import Me

WIDENING = "feeds:widening"  # cursors that tell how far a list was widened


async def feed(app: App, tx: Reader, me: Me, query: FilterQuery, sort: Sort) -> Feed:
    """The posts that this viewer may see and that pass every filter given. Raises Invalid, Malformed.

    A home is not empty: where the usual radius holds nothing, the widest does, else posts from anywhere come, newest
    first instead of nearest. A radius that was asked for is kept to.
    """
    wanted = await _wanted(app, tx, me, query, sort)
    if wanted.near is None or query.radius_km is not None:
        return _feed(await browsing.written(tx, me, wanted, sort, query.paging()))
    wider = msgspec.structs.replace(wanted, radius_km=WIDEST_RADIUS_KM)
    anywhere = msgspec.structs.replace(wanted, near=None)
    steps: list[tuple[Filter, Sort]] = [
        (wanted, sort), (wider, sort), (anywhere, "recent" if sort == "nearby" else sort)
    ]  # fmt: skip
    start, inner = page.decode(WIDENING, query.cursor, tuple[int, str]) if query.cursor else (0, None)
    found, step = page.Page[Post]([]), 0
    for step in range(start, len(steps)):
        found = await browsing.written(tx, me, *steps[step], page.Paging(query.limit, inner, query.offset))
        if found.items or found.total or inner is not None:
            break
    if found.next is not None:
        found.next = page.encode(WIDENING, step, found.next)
    return _feed(found, widened=step > 0 and bool(found.items or found.total or inner))


def _feed(found: page.Page[Post], widened: bool = False) -> Feed:
    listing = http.listing(found)
    return Feed(listing.data, listing.next_cursor, listing.total, widened)


async def search(app: App, tx: Reader, me: Me, query: FilterQuery, sort: Sort) -> page.Page[Post]:
    """The posts that this viewer may see and that pass every filter given. Raises Invalid, Malformed."""
    return await browsing.written(tx, me, await _wanted(app, tx, me, query, sort), sort, query.paging())


async def _wanted(app: App, tx: Reader, me: Me, query: FilterQuery, sort: Sort) -> Filter:
    unasked = me.id is not None and not (query.q or query.user_id or query.business_id)
    muted = await filters.muted(app, me) if unasked else None
    if query.q is not None:
        check_words(query.q)
    check_prices(query.min_price, query.max_price)
    near = await profiles.center(tx, me, query.lat, query.lng, needed=sort == "nearby")
    return Filter(
        type=query.type,
        category_id=query.category_id,
        user_id=query.user_id,
        business_id=query.business_id,
        country=query.country,
        province=query.province,
        district=query.district,
        neighborhood=query.neighborhood,
        min_price=query.min_price,
        max_price=query.max_price,
        currency=query.currency,
        free=query.free,
        sold=query.sold,
        date_from=query.date_from,
        date_to=query.date_to,
        q=query.q,
        near=near,
        radius_km=query.radius_km or DEFAULT_RADIUS_KM,
        # What is asked for by itself is there even of whom the caller mutes, and with words that they mute.
        unmuted=unasked,
        muted_words=muted,
    )


async def of_user(
    tx: Reader, me: Me, user_id: UUID, types: list[PostType] | None, paging: page.Paging
) -> page.Page[Post]:
    """Somebody's posts, newest first. Raises NotFound for whom the viewer may not see."""
    await graph.visible_person(tx, me, user_id)
    return await browsing.written(tx, me, Filter(user_id=user_id, type=types), "recent", paging)


async def of_business(
    tx: Reader, me: Me, business_id: UUID, types: list[PostType] | None, paging: page.Paging
) -> page.Page[Post]:
    """What was posted in the name of a business, newest first. Raises NotFound for one the viewer may not see."""
    await businesses.owner_of(tx, me, business_id)
    return await browsing.written(tx, me, Filter(business_id=business_id, type=types), "recent", paging)


async def mine(tx: Reader, me: Me, query: MineQuery) -> page.Page[Post]:
    """The caller's own posts, newest first; with those switched off unless asked otherwise."""
    wanted = Filter(
        user_id=me.user(),
        type=query.type,
        visibility=query.visibility,
        status=query.status,
        sold=query.sold,
        hidden_too=query.status is None,
    )
    return await browsing.written(tx, me, wanted, "recent", query.paging())


async def bookmarks(tx: Reader, me: Me, types: list[PostType] | None, paging: page.Paging) -> page.Page[Post]:
    """The caller's bookmarks, the newest first; what cannot be seen any more is skipped."""
    me.user()
    return await browsing.written(tx, me, Filter(type=types, bookmarked=True), "bookmarked", paging)
