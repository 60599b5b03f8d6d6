"""Verbs of looking at businesses: one, one's own, lists of them; their pictures and followers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from majlis.app import App
from majlis.features.businesses import service as businesses
from majlis.features.businesses.model import (
    BusinessAttachment,
    BusinessCreate,
    BusinessLocation,
    BusinessUpdate,
)
from majlis.features.directory import store
from majlis.features.directory.model import Business, Filter, MineQuery, Sort
from majlis.features.graph import service as graph
from majlis.features.graph.model import FollowEntry
from majlis.features.places import service as places
from majlis.kit import clock, page
from majlis.kit.db import Reader
from majlis.kit.errors import NotFound
from majlis.kit.http.binding import given
from majlis.kit.me import Me

# ---- one


async def get(tx: Reader, me: Me, business_id: UUID) -> Business:
    """One business as this viewer sees it. Raises NotFound as `businesses.owner_of` does."""
    found = await dressed(tx, me, await tx.records(store.ONE, me.id, clock.now(), business_id))
    if not found:
        raise NotFound("There is no such business.")
    return found[0]


async def look(app: App, me: Me, business_id: UUID) -> Business:
    """`get`, counted once per signed-in viewer and day of the place, never for the owner (rule 133)."""
    async with app.db.read() as reading:
        found = await get(reading, me, business_id)
    if me.id is not None and not found.is_mine:
        async with app.db.tx() as tx:
            counted = await businesses.count_view(tx, me, business_id)
        found.total_views = found.total_views if counted is None else counted
    return found


async def dressed(tx: Reader, me: Me, rows: Sequence[Any]) -> list[Business]:
    """Rows of store.Listing with owners, categories, hours and pictures; a query for each."""
    if not rows:
        return []
    named = [row["id"] for row in rows]
    owners = await graph.minis(tx, me, {row["user_id"] for row in rows})
    kinds = await businesses.categories_of(tx, me, named)
    hours = await businesses.hours_of(tx, me, named)
    pictures: dict[UUID, list[BusinessAttachment]] = {one: [] for one in named}
    for picture in await tx.all(store.GALLERIES, named):
        pictures[picture.business_profile_id].append(picture)
    found = []
    for row in rows:
        one, owner = row["id"], owners.get(row["user_id"])
        if owner is not None:  # else the account ended between two statements
            own: tuple[Any, ...] = row[: store.OWN]
            flags: tuple[Any, ...] = row[store.OWN : store.OWN + store.FLAGS]
            parts: tuple[Any, ...] = (owner, kinds[one], hours[one], pictures[one])
            business = Business(*own, *parts, *flags)
            if "distance" in row:
                business.distance_km = round(row["distance"], 1)
            found.append(business)
    return found


async def start(app: App, me: Me, body: BusinessCreate) -> Business:
    """`businesses.create`, with the parts of its place that were left out (rule 114)."""
    place = await places.look_up(app, me, body, body.address_location)
    async with app.db.tx() as tx:
        return await get(tx, me, await businesses.create(app, tx, me, body, place))


async def revise(app: App, me: Me, business_id: UUID, body: BusinessUpdate) -> Business:
    """`businesses.update`, with the parts of a new location's place that were left out (rule 114)."""
    place = await places.look_up(app, me, body, body.address_location)
    async with app.db.tx() as tx:
        await businesses.update(tx, me, business_id, body, place)
        return await get(tx, me, business_id)


async def move(app: App, me: Me, business_id: UUID, body: BusinessLocation) -> Business:
    """`revise` of the place alone."""
    return await revise(app, me, business_id, BusinessUpdate(**given(body)))


# ---- lists


_CURSORS: dict[str, Any] = {
    "recent": tuple[datetime, UUID],
    "nearby": tuple[float, UUID],
    "relevance": tuple[float, datetime, UUID],
}


async def listing(tx: Reader, me: Me, wanted: Filter, sort: Sort, paging: page.Paging) -> page.Page[Business]:
    """A page of the businesses that this viewer may see; `nearby` needs `wanted.near`. Up to six queries."""
    if sort == "relevance" and wanted.q is None:
        sort = "recent"
    built = store.Listing(me.id, wanted, sort, clock.now())
    kind = f"businesses:{sort}"
    if paging.cursor:
        built.after(*page.decode(kind, paging.cursor, _CURSORS[sort]))
    sql = built.page_sql(paging.limit, 0 if paging.cursor else paging.offset or 0)
    rows = await tx.records(sql, *built.args)
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await _total(tx, built, sort, paging.offset, rows)
    more, rows = len(rows) > paging.limit, rows[: paging.limit]
    following = page.encode(kind, *_keys(sort, rows[-1])) if more else None
    return page.Page(await dressed(tx, me, rows), following, total)


async def _total(
    tx: Reader, built: store.Listing, sort: Sort, offset: int, rows: Sequence[Any]
) -> int | None:
    """How many there are, up to a ceiling; asked for only where the rows of a page do not tell."""
    if sort == "relevance" and rows:
        return min(cast(int, rows[0]["total"]), page.MAX_OFFSET)
    if sort == "relevance" and not offset:
        return 0
    return await tx.one(built.count_sql(), *built.count_args)


def _keys(sort: Sort, row: Any) -> tuple[Any, ...]:
    if sort == "nearby":
        return row["distance"], row["id"]
    recent = row["created_at"], row["id"]
    return (row["score"], *recent) if sort == "relevance" else recent


async def mine(tx: Reader, me: Me, query: MineQuery) -> page.Page[Business]:
    """The caller's own businesses, newest first; with those switched off unless asked otherwise (rule 135)."""
    words = (query.q or "").strip() or None
    wanted = Filter(user_id=me.user(), status=query.status, q=words, hidden_too=True)
    return await listing(tx, me, wanted, "recent", query.paging())


async def gallery(
    tx: Reader, me: Me, business_id: UUID, paging: page.Paging
) -> page.Page[BusinessAttachment]:
    """The pictures of a business, latest first. Raises NotFound."""
    await businesses.owner_of(tx, me, business_id)
    rows, following = await _paged(tx, "gallery", store.gallery, (business_id,), paging)
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.PICTURE_COUNT, business_id)
    return page.Page([BusinessAttachment(*row) for row in rows], following, total)


async def _paged(
    tx: Reader, kind: str, sql: Any, args: tuple[Any, ...], paging: page.Paging
) -> tuple[list[Any], str | None]:
    """Rows of a list by time and id, which stand in the columns created_at and the first; the cursor behind them."""
    kind = f"businesses:{kind}"
    start = page.decode(kind, paging.cursor, tuple[datetime, UUID]) if paging.cursor else ()
    offset = 0 if paging.cursor else paging.offset or 0
    usual = paging.limit == page.DEFAULT and not offset
    size = () if usual else (paging.limit + 1, offset)
    rows = await tx.records(sql(continued=bool(start), usual=usual), *args, *start, *size)
    shown = rows[: paging.limit]
    more = len(rows) > paging.limit
    return shown, page.encode(kind, shown[-1]["created_at"], shown[-1][0]) if more else None


async def followers(tx: Reader, me: Me, business_id: UUID, paging: page.Paging) -> page.Page[FollowEntry]:
    """Who follows a business, latest first, without whom the viewer does not meet. Raises NotFound."""
    await businesses.owner_of(tx, me, business_id)
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.FOLLOWER_COUNT, me.id, business_id)
    rows, following = await _paged(tx, "followers", store.followers, (me.id, business_id), paging)
    people = await graph.minis(tx, me, [row[0] for row in rows])
    entries = [FollowEntry(people[row[0]], row[1]) for row in rows if row[0] in people]
    return page.Page(entries, following, total)
