"""Verbs of nights out: who somebody is there, invite, find events, come along, buy tickets."""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from majlis.app import App
from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice.model import BoxOffice, SoldOut, TicketType
from majlis.features.events import service as events
from majlis.features.media.model import Photo
from majlis.features.nightlife import store
from majlis.features.nightlife.model import (
    CURRENCY,
    HOSTING,
    LASTS,
    PLACE,
    Attendee,
    Details,
    Featured,
    Night,
    NightCreate,
    NightUpdate,
    Personal,
    Role,
    RoleNotAllowed,
    TicketsSold,
    Wanted,
)
from majlis.features.orders import service as orders
from majlis.features.orders.model import Item, Order, OrderCreate
from majlis.features.payments import service as payments
from majlis.features.payments.model import Payment
from majlis.features.places import service as places
from majlis.features.posts import service as posts
from majlis.features.posts.model import ZONE, Post, PostCreate, PostUpdate, Stance, event_end, event_start
from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import JoinBody, ProfileUpdate
from majlis.features.sessions.model import Audience, TokenPair
from majlis.features.tickets import service as tickets
from majlis.features.tickets.model import EventFull
from majlis.kit import clock, currencies, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound, Refused
from majlis.kit.http.binding import given
from majlis.kit.me import RANK, Me, Origin

MOST = Decimal("99999999.99")


# ---- people


async def join(
    app: App, me: Me, body: JoinBody, role: Role, origin: Origin, audience: Audience
) -> tuple[UUID, TokenPair]:
    """A new account with a role, which stays. Raises what `profiles.join` does."""

    async def take(tx: Tx, user_id: UUID) -> None:
        await tx.run(store.ADD_PERSON, user_id, role, clock.now())

    return await profiles.join(app, me, body, origin, audience, also=take)


async def personal(tx: Reader, me: Me, user_id: UUID) -> Personal:
    """What somebody is; who came by another door is a partier. The caller knows that there is such a person."""
    found = await tx.all(store.PEOPLE, [user_id])
    return found[0] if found else Personal(user_id, "partier", None)


async def update(tx: Tx, me: Me, body: ProfileUpdate, location: str | None | UnsetType) -> None:
    """Change the caller's profile, and where they say they are. Raises Invalid."""
    await profiles.update(tx, me, body, None)
    if not isinstance(location, UnsetType):
        await tx.run(store.SET_LOCATION, me.user(), location, clock.now())


async def may_host(tx: Reader, me: Me) -> None:
    """Raises RoleNotAllowed for who does not invite; operators do whatever else they are."""
    if RANK[me.role] < RANK["admin"] and (await personal(tx, me, me.user())).role not in HOSTING:
        raise RoleNotAllowed()


# ---- finding events


async def listing(tx: Reader, me: Me, wanted: Wanted, paging: page.Paging) -> page.Page[Night]:
    """Events that begin from now on, the featured first, then the soonest; by offset, in at most eight queries."""
    first, last = _span(wanted)
    args = [me.id, first, last, _pattern(wanted.location), _pattern(wanted.search)]
    total = None
    if paging.wants_total():
        total = await tx.one(store.COUNT, *args, page.MAX_OFFSET)
    rows = await tx.all(store.LIST, *args, paging.limit + 1, paging.offset or 0)
    more = page.encode("nights", rows[-2]) if len(rows) > paging.limit else None
    return page.Page(await _nights(tx, me, rows[: paging.limit]), more, total)


def _span(wanted: Wanted) -> tuple[datetime, datetime | None]:
    """From when on, and before when, on the clocks of events."""
    now, last = clock.now(), None
    if wanted.day is not None:
        # No event is that late, and clocks end soon behind it.
        begins = datetime.combine(min(wanted.day, date(9999, 12, 1)), time.min, UTC)
        now, last = max(now, begins), _local(begins + timedelta(days=1))
    return _local(now), last


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZONE).replace(tzinfo=None)


def _pattern(words: str | None) -> str | None:
    """What holds these words, for LIKE; None for no words."""
    if words is None or not words.strip():
        return None
    literal = re.sub(r"([\\%_])", r"\\\1", words.strip())
    return f"%{literal}%"


async def _nights(tx: Reader, me: Me, ids: Collection[UUID]) -> list[Night]:
    found = await posts.posts_of(tx, me, list(ids))
    shown = await posts.dressed(tx, me, [found[one] for one in ids if one in found])
    details = {one.post_id: one for one in await tx.all(store.DETAILS, list(ids))} if ids else {}
    offices = await boxoffice.of_events(tx, me, list(found))
    return [Night(post, details.get(post.id, Details(post.id)), offices.get(post.id)) for post in shown]


async def get(tx: Reader, me: Me, post_id: UUID) -> Night:
    """One event. Raises NotFound."""
    return await _night(tx, me, await events.get(tx, me, post_id))


async def _night(tx: Reader, me: Me, post: Post) -> Night:
    details = await tx.all(store.DETAILS, [post.id])
    office = (await boxoffice.of_events(tx, me, [post.id])).get(post.id)
    return Night(post, details[0] if details else Details(post.id), office)


async def office(tx: Reader, me: Me, post_id: UUID) -> BoxOffice | None:
    """What the caller's event sells, with how many were sold; None for nothing. Raises NotFound, NotHost."""
    await boxoffice.hosted(tx, me, post_id)
    if await boxoffice.find(tx, me, post_id) is None:
        return None
    return await boxoffice.show(tx, me, post_id, None)


# ---- inviting


async def create(app: App, me: Me, new: NightCreate) -> Night:
    """A new event of the caller's, with its box office. Raises RoleNotAllowed, Invalid."""
    async with app.db.tx() as tx:
        await may_host(tx, me)
    if new.starts_at <= clock.now():
        raise Invalid.field("date", "An event lies in the future.")
    _check(new.price)
    body = PostCreate(
        type="EVENT",
        title=new.title,
        description=new.description,
        attachments=_photos(new.images),
        is_location=new.point is not None,
        address_location=new.point,
        neighborhood=new.location[:PLACE],
        **_times(new.starts_at, LASTS),
    )
    place = await places.look_up(app, me, body, body.address_location)
    featured = new.featured and RANK[me.role] >= RANK["admin"]  # from others it means nothing
    async with app.db.tx() as tx:
        post = await posts.create(tx, me, body, place)
        details = Details(post.id, new.location, new.tags, featured=featured)
        await tx.run(store.ADD, post.id, new.location, new.tags, details.image_name, featured, clock.now())
        if post.moderation is not UNSET:  # it waits for a moderator, and sells nothing before
            return Night(post, details, None)
        price = _minor(new.price, CURRENCY)
        await boxoffice.put_single(tx, me, post.id, price, CURRENCY, new.capacity)
        return await get(tx, me, post.id)


async def change(app: App, me: Me, post_id: UUID, body: NightUpdate) -> Night:
    """Change an event of the caller's. Raises NotFound, NotHost, Invalid, CapacityBelowSold."""
    if isinstance(body.price, Decimal):
        _check(body.price)
    async with app.db.tx() as tx:
        post = await boxoffice.hosted(tx, me, post_id)
    asked = _update(post, body)
    place = await places.look_up(app, me, asked, asked.address_location)
    async with app.db.tx() as tx:
        await boxoffice.hosted(tx, me, post_id)
        said = given(body)
        if said.keys() & {"location", "tags"}:
            await tx.run(store.CHANGE, post_id, said.get("location"), said.get("tags"), clock.now())
        if said.keys() & {"price", "capacity"}:
            await _sell(tx, me, post_id, body)
        if given(asked):  # last, as whoever buys holds the post behind what is sold
            await posts.update(tx, me, post_id, asked, place)
        return await _night(tx, me, await posts.read(tx, me, post_id))


def _update(post: Post, body: NightUpdate) -> PostUpdate:
    """The same for the post. Its length stays when it begins at another time."""
    asked = PostUpdate(title=body.title, description=body.description)
    if not isinstance(body.location, UnsetType):
        asked.neighborhood = body.location[:PLACE]
    if not isinstance(body.point, UnsetType):
        asked.address_location, asked.is_location = body.point, body.point is not None
    if not isinstance(body.starts_at, UnsetType) and post.start_date is not None:
        ends = event_end(post.start_date, post.start_time, post.end_date, post.end_time)
        lasts = ends - event_start(post.start_date, post.start_time)
        for name, value in _times(body.starts_at, lasts).items():
            setattr(asked, name, value)
    if not isinstance(body.images, UnsetType):  # anew, all of them: so they stand in this order
        asked.remove_attachment_ids = [one.id for one in posts.attachments_of(post)]
        asked.add_attachments = _photos(body.images)
    return asked


def _times(starts_at: datetime, lasts: timedelta) -> dict[str, Any]:
    """When a post begins and ends, on the clocks of events."""
    first, last = _local(starts_at), _local(starts_at + lasts)
    clocks = (moment.time().isoformat("seconds") for moment in (first, last))
    return dict(zip(("start_time", "end_time"), clocks, strict=True)) | {
        "start_date": first.date(),
        "end_date": last.date(),
    }


def _photos(urls: Collection[str]) -> list[Photo]:
    """Uploads by their addresses; whose they are is looked up when they are claimed."""
    return [Photo(url, "", "", 0, 0, 0) for url in urls]


async def _sell(tx: Tx, me: Me, post_id: UUID, body: NightUpdate) -> None:
    """Let an event sell otherwise; what is not given stays."""
    before = await boxoffice.hold(tx, Me.system, post_id)
    currency = CURRENCY if before is None else before.currency
    price, capacity = 0, None if before is None else before.capacity
    if not isinstance(body.price, UnsetType):
        price = _minor(body.price, currency)
    elif before is not None:
        types = await boxoffice.types(tx, Me.system, post_id)
        price = types[0].price if types else 0
    if not isinstance(body.capacity, UnsetType):
        capacity = body.capacity
    await boxoffice.put_single(tx, me, post_id, price, currency, capacity)


def _check(price: Decimal | None) -> None:
    if price is not None and not 0 <= price <= MOST:
        raise Invalid.field("ticketPrice", f"A price is 0 to {MOST}.")


def _minor(price: Decimal | None, currency: str) -> int:
    """A price in minor units. Raises Invalid for parts of them."""
    amount = (price or Decimal(0)).scaleb(currencies.digits(currency))
    if amount != amount.to_integral_value():
        raise Invalid.field("ticketPrice", "There is no such amount of money.")
    return int(amount)


async def remove(tx: Tx, me: Me, post_id: UUID) -> None:
    """Delete an event of the caller's. Raises NotFound, NotHost, TicketsSold."""
    await boxoffice.hosted(tx, me, post_id)
    held = await boxoffice.hold(tx, Me.system, post_id)
    if held is not None and held.sold + held.held:
        raise TicketsSold()
    await posts.delete(tx, me, post_id)


async def feature(tx: Tx, me: Me, post_id: UUID, featured: bool) -> Featured:
    """Let an event stand before others, or no more; for operators. Raises NotFound, Forbidden."""
    me.require_role("admin")
    await events.get(tx, me, post_id)
    await tx.run(store.FEATURE, post_id, featured, clock.now())
    return Featured(featured)


# ---- coming


async def attend(tx: Tx, me: Me, post_id: UUID, stance: Stance) -> Post:
    """Say whether one comes. Where places are few, who comes takes one, and gives it back when they do not.

    Raises NotFound, TicketRequired, EventFull, EventOver.
    """
    await tx.one(store.IN_TURN, f"{me.user()} {post_id}")
    if stance == "going":
        await tickets.may_go(tx, me, post_id)
        await _take_place(tx, me, post_id)
    else:
        await events.ahead(tx, me, post_id)
        await orders.give_up_free(tx, me, post_id)
    await events.take_stance(tx, me, post_id, stance)  # last, as the post is held behind all places
    return await events.get(tx, me, post_id)


async def _take_place(tx: Tx, me: Me, post_id: UUID) -> None:
    """A free ticket of an event that has so many places only, unless the caller has one."""
    known = await boxoffice.find(tx, me, post_id)
    if known is None or known.capacity is None:
        return
    if await tx.one(store.HOLDS, me.user(), post_id):
        return
    shown = await boxoffice.show(tx, me, post_id, None)
    free = [one for one in shown.ticket_types if one.price == 0]
    if not free:
        return
    item = Item(type_id=_choose(free).id)
    try:
        await orders.place(tx, me, post_id, OrderCreate(items=[item]))
    except SoldOut as refused:
        raise EventFull() from refused


async def stay_away(tx: Tx, me: Me, post_id: UUID) -> None:
    """Take back what one said of an event, if anything. Raises NotFound, EventOver."""
    post = await events.get(tx, me, post_id)
    me.user()
    if post.my_event_state not in (None, "not_interested"):
        await attend(tx, me, post_id, "not_interested")


async def attendees(
    tx: Reader, me: Me, post_id: UUID, stance: Stance | None, paging: page.Paging
) -> page.Page[Attendee]:
    """Who comes or is interested, the latest first, as far as they show it; who does not come only for the host.

    Raises NotFound.
    """
    post = await events.get(tx, me, post_id)
    wanted: list[Stance] = ["going", "interested"] if stance is None else [stance]
    if stance == "not_interested" and not post.is_mine:
        wanted = []
    args = [me.id, post_id, wanted, post.user_id]
    total = None
    if paging.wants_total():
        total = await tx.one(store.ATTENDING, *args, page.MAX_OFFSET)
    return page.Page(await tx.all(store.ATTENDEES, *args, paging.limit, paging.offset or 0), None, total)


async def buy(app: App, me: Me, post_id: UUID, quantity: int) -> tuple[Order, Payment | None]:
    """Tickets of the kind that an event sells first, with the payment that makes them the caller's unless free.

    Raises what `orders.place` and `orders.pay` do; nothing is kept for the caller then.
    """
    async with app.db.tx() as tx:
        sold = await boxoffice.show(tx, me, post_id, None)
    if not sold.ticket_types:
        raise NotFound("This event has no tickets.", code="no_tickets")
    kind = _choose(sold.ticket_types)
    if kind.price:
        payments.ready(app, me)
    items = [Item(type_id=kind.id, quantity=quantity)]
    async with app.db.tx() as tx:
        order = await orders.place(tx, me, post_id, OrderCreate(items=items))
    if not order.total:
        return order, None
    try:
        return order, await orders.pay(app, me, order.id)
    except Refused:
        async with app.db.tx() as tx:
            await orders.cancel(tx, me, order.id)
        raise


def _choose(kinds: Collection[TicketType]) -> TicketType:
    """The first that can be bought, else the first."""
    first = next(iter(kinds))
    return next((one for one in kinds if one.on_sale and one.left != 0), first)
