"""Verbs of events: list them, take a stance, see who comes, remind, write a file for calendars.

Their pages of posts are to be sent as they are, not looked into: see `browsing.service.written`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from majlis.app import App
from majlis.features.browsing import service as browsing
from majlis.features.events import store
from majlis.features.events.facts import EventNears, InterestShown
from majlis.features.events.model import EventInterest, EventOver, EventsQuery, Standing
from majlis.features.filters import service as filters
from majlis.features.graph import service as graph
from majlis.features.posts import service as posts
from majlis.features.posts.model import ZONE, Post, Stance, event_end, event_start
from majlis.features.profiles import service as profiles
from majlis.kit import clock, facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me

REMIND_HOURS = (24, 1)  # before it begins, the longest first
BATCH = 500  # reminders in one transaction
KEPT = timedelta(days=7)  # how long it is remembered who was reminded of what is past


async def listing(app: App, tx: Reader, me: Me, query: EventsQuery) -> page.Page[Post]:
    """The events that pass every filter given, by default those not over, soonest first (rules 109, 146).

    Raises Invalid.
    """
    near = await profiles.center(tx, me, query.lat, query.lng, needed=query.sort == "nearby")
    wanted = query.filter("EVENT", near)
    if wanted.event_state is None and not query.include_past:
        wanted.event_state = ["upcoming", "ongoing"]
    wanted.muted_words = await filters.muted(app, me) if wanted.unmuted else None
    return await browsing.written(tx, me, wanted, query.sort, query.paging())


async def get(tx: Reader, me: Me, post_id: UUID) -> Post:
    """An event. Raises NotFound, for posts of other types too (rule 146)."""
    post = await posts.get(tx, me, post_id)
    if post.type != "EVENT":
        raise NotFound()
    return post


async def invitation(tx: Reader, me: Me, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a message that invites to an event the caller sees says of it. Raises Invalid."""
    event_id = ids.parse(str(data.get("event_id", "")))
    if event_id is None:
        raise Invalid.field("event_id", "Say which event it is.", "required")
    try:
        event = await get(tx, me, event_id)
    except NotFound:
        raise Invalid.field("event_id", "There is no such event.", "unknown") from None
    parts = (event.neighborhood, event.district, event.province)
    starts_at = None if event.start_date is None else event_start(event.start_date, event.start_time)
    filled = {"event_id": event_id, "title": event.title, "starts_at": starts_at}
    return {**data, **filled, "place": ", ".join(part for part in parts if part) or None}


def ends(row: str) -> str:
    """When the event of a row of posts is over, as an expression for statements of features above."""
    return f"(event_ends({row}.start_date, {row}.end_date, {row}.end_time) AT TIME ZONE '{ZONE.key}')"


# ---- stances


async def ahead(tx: Reader, me: Me, post_id: UUID) -> Post:
    """An event towards which one can still stand somehow. Raises NotFound, EventOver."""
    post = await get(tx, me, post_id)
    if not post.status:
        raise NotFound()  # its author sees it, but it is switched off
    if post.event_state == "ended":
        raise EventOver()
    return post


async def take_stance(tx: Tx, me: Me, post_id: UUID, stance: Stance) -> Standing:
    """Be interested, go, or neither; it replaces what was (rules 145, 146). Raises NotFound, EventOver."""
    user_id = me.user()
    await ahead(tx, me, post_id)
    changed = await tx.one(store.STAND, ids.new(), post_id, user_id, stance, clock.now())
    if changed and stance != "not_interested":
        await facts.emit(tx, InterestShown(post_id, user_id))
    standing = await tx.one(store.STANDING, user_id, post_id)
    if standing is None:
        raise LookupError("a stance that was just taken is there")
    return standing


async def people(
    tx: Reader, me: Me, post_id: UUID, stance: Literal["interested", "going"], paging: page.Paging
) -> page.Page[EventInterest]:
    """Who is interested in an event or goes there, latest first, without those hidden by blocks. Raises NotFound."""
    await get(tx, me, post_id)
    args: list[Any] = [me.id, post_id, stance]
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, *args)
    if paging.cursor:
        args += page.decode(f"events:{stance}", paging.cursor, tuple[datetime, UUID])
    offset = 0 if paging.cursor else paging.offset or 0
    usual = paging.limit == page.DEFAULT and not offset
    query = store.people(continued=bool(paging.cursor), usual=usual)
    rows = await tx.all(query, *args, *(() if usual else (paging.limit + 1, offset)))
    shown = rows[: paging.limit]
    minis = await graph.minis(tx, me, [row.user_id for row in shown])
    items = [
        EventInterest(
            row.id,
            row.post_id,
            row.user_id,
            row.event_state,
            row.created_at,
            row.updated_at,
            minis[row.user_id],
        )
        for row in shown
        if row.user_id in minis  # who was blocked between the two statements is not
    ]
    following = None
    if len(rows) > paging.limit:
        following = page.encode(f"events:{stance}", shown[-1].updated_at, shown[-1].id)
    return page.Page(items, following, total)


async def forget(tx: Tx, me: Me, user_id: UUID) -> bool:
    """Drop stances of a person who left, up to 500. Returns whether there may be more."""
    held = await tx.all(store.STOOD, user_id)
    return await tx.run(store.FORGET, user_id, held) > 0


# ---- reminders


async def remind(app: App, me: Me) -> int:
    """Tell whoever is interested, or goes, that an event begins soon; once for each time ahead. Returns how many."""
    now, count = clock.now(), 0
    windows = zip(REMIND_HOURS, (*REMIND_HOURS[1:], 0), strict=True)
    for hours, later in windows:
        after, until = (_local(now + timedelta(hours=ahead)) for ahead in (later, hours))
        more = True
        while more:
            async with app.db.tx() as tx:
                due = await tx.all(store.DUE, hours, after, until, ZONE.key, BATCH)
                count += await _remind(tx, hours, due)
            more = len(due) == BATCH
    async with app.db.tx() as tx:
        await tx.run(store.SWEEP, now - KEPT)
    return count


async def _remind(tx: Tx, hours: int, due: list[store.Due]) -> int:
    columns = [[one.post_id for one in due], [one.user_id for one in due], [one.starts_at for one in due]]
    new = await tx.all(store.REMIND, hours, *columns)
    await facts.emit(tx, *(EventNears(one.post_id, one.user_id, hours, one.starts_at) for one in new))
    return len(new)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZONE).replace(tzinfo=None)


# ---- calendars


def calendar(post: Post) -> bytes:
    """An event as a file for calendars (RFC 5545). Its UID is its id, so that a later file replaces an earlier one."""
    import icalendar  # here, as it takes longer to load than it is used by most servers

    if post.start_date is None:
        raise ValueError("an event has a date")
    entry = icalendar.Event()
    entry.add("uid", str(post.id))
    entry.add("dtstamp", post.updated_at)
    entry.add("created", post.created_at)
    entry.add("last-modified", post.updated_at)
    entry.add("sequence", int((post.updated_at - post.created_at).total_seconds()))  # grows with each change
    if post.start_time is None and post.end_time is None:
        entry.add("dtstart", post.start_date)
        entry.add("dtend", (post.end_date or post.start_date) + timedelta(days=1))  # the first day after it
    else:
        entry.add("dtstart", event_start(post.start_date, post.start_time))
        if post.end_date is not None or post.end_time is not None:
            end = event_end(post.start_date, post.start_time, post.end_date, post.end_time)
            entry.add("dtend", end.astimezone(UTC))
    entry.add("summary", post.title or "")
    if post.description:
        entry.add("description", post.description)
    place = ", ".join(filter(None, (post.neighborhood, post.district, post.province, post.country)))
    if place:
        entry.add("location", place)
    if post.address_location is not None:
        entry.add("geo", (post.address_location.lat, post.address_location.lng))
    file = icalendar.Calendar()
    file.add("prodid", "-//Majlis//Majlis//EN")
    file.add("version", "2.0")
    file.add("method", "PUBLISH")
    file.add_component(entry)
    return bytes(file.to_ical())
