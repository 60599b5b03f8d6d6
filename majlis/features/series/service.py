"""Verbs of series: repeat an event, look at a series, end it."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice.model import BoxOffice, BoxOfficeBody, TypeCreate
from majlis.features.events import service as events
from majlis.features.posts import service as posts
from majlis.features.posts.model import Post, PostCreate
from majlis.features.series import store
from majlis.features.series.model import Repeated, Series, SeriesBody, moments
from majlis.kit import clock, ids
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me

COPIED = (
    "title", "description", "visibility", "status", "is_location", "address_location", "user_location", "country",
    "province", "district", "neighborhood",
)  # fmt: skip

SOLD_ALIKE = ("name", "kind", "price", "description", "capacity", "per_buyer", "access_code")


async def repeat(tx: Tx, me: Me, post_id: UUID, body: SeriesBody) -> Series:
    """Let an event of the caller's take place again: each time an event of its own, with the same tickets.

    Raises NotFound, NotHost, Repeated, Invalid.
    """
    post = await boxoffice.hosted(tx, me, post_id)
    if post.start_date is None:
        raise ValueError("an event has a date")
    first = datetime.combine(post.start_date, post.start_time or time.min)
    found = moments(body.rrule, first, set(body.exclude))
    series_id = ids.new()
    await tx.run(store.ADD, series_id, me.user(), body.rrule, clock.now())
    if await tx.one(store.ADD_FIRST, post_id, series_id) is None:
        raise Repeated()
    office = None
    if await boxoffice.find(tx, me, post_id) is not None:
        office = await boxoffice.show(tx, me, post_id, None)
    made = []
    for at in found:
        later = at.date() - post.start_date
        copied = await posts.create(tx, me, _copy(post, later), None)
        if office is not None:
            await _sell(tx, me, copied.id, office, later)
        made.append(copied.id)
    await tx.run(store.ADD_EVENTS, series_id, made, list(range(1, len(made) + 1)))
    return await get(tx, me, post_id)


def _copy(post: Post, later: timedelta) -> PostCreate:
    """The same event so many days later."""
    values: dict[str, Any] = {name: getattr(post, name) for name in COPIED}
    for name in ("start", "end"):
        day: date | None = getattr(post, f"{name}_date")
        at: time | None = getattr(post, f"{name}_time")
        values[f"{name}_date"] = None if day is None else day + later
        values[f"{name}_time"] = None if at is None else at.strftime("%H:%M:%S")
    return PostCreate(type="EVENT", business_id=post.business_id, attachments=posts.photos_of(post), **values)


async def _sell(tx: Tx, me: Me, post_id: UUID, office: BoxOffice, later: timedelta) -> None:
    """Let an event sell what another one sells, so much later."""
    terms = BoxOfficeBody(currency=office.currency, capacity=office.capacity, refundable=office.refundable)
    await boxoffice.put(tx, me, post_id, terms)
    for one in office.ticket_types:
        same = {name: getattr(one, name) for name in SOLD_ALIKE}
        starts, ends = (None if at is None else at + later for at in (one.sale_starts, one.sale_ends))
        await boxoffice.add_type(tx, me, post_id, TypeCreate(**same, sale_starts=starts, sale_ends=ends))


async def get(tx: Reader, me: Me, post_id: UUID) -> Series:
    """The series that an event belongs to, as far as the caller sees it. Raises NotFound."""
    await events.get(tx, me, post_id)
    row = await tx.one(store.OF_EVENT, post_id)
    if row is None:
        raise NotFound("This event is not repeated.")
    named = await tx.all(store.EVENTS, row.id, -1)
    seen = await posts.posts_of(tx, me, named)
    shown = await posts.dressed(tx, me, [seen[one] for one in named if one in seen])
    return Series(row.id, row.rrule, shown)


async def end(tx: Tx, me: Me, post_id: UUID) -> None:
    """Let what comes after an event of the caller's not take place: who bought tickets gets the money back.

    Raises NotFound, NotHost.
    """
    await boxoffice.hosted(tx, me, post_id)
    row = await tx.one(store.OF_EVENT, post_id)
    if row is None:
        raise NotFound("This event is not repeated.")
    later = await tx.all(store.EVENTS, row.id, row.position)
    for one in await posts.posts_of(tx, me, later):
        await posts.delete(tx, me, one)
