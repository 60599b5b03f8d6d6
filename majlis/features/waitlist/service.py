"""Verbs of waiting lists: wait, be offered places that were given back, take them or not.

Rows are held in this order: entry, box office; and an entry is changed behind the office alone, so that who begins to
wait there meets none that is being changed.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from majlis.features.boxoffice import service as boxoffice
from majlis.features.orders import service as orders
from majlis.features.orders.model import Item, Order, OrderCreate
from majlis.features.tickets import service as tickets
from majlis.features.waitlist import store
from majlis.features.waitlist.facts import PlacesOffered, WaitBegan
from majlis.features.waitlist.model import (
    AcceptBody,
    AlreadyWaiting,
    OfferOver,
    PlacesLeft,
    WaitBody,
    WaitlistEntry,
)
from majlis.features.waitlist.store import Row
from majlis.kit import clock, facts, ids, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me

KEPT_FOR = timedelta(hours=24)  # for whom it is offered
LINES, LINE = 1000, 200  # events, and people of one, that are looked at together
FIRST = UUID(int=0)


async def wait(tx: Tx, me: Me, post_id: UUID, body: WaitBody) -> WaitlistEntry:
    """Wait for tickets that are sold out. Raises NotFound, EventOver, NotOnSale, TooMany, PlacesLeft,
    AlreadyWaiting.
    """
    found = await boxoffice.selling(tx, me, post_id, {body.type_id}, body.access_code, held=True)
    _, office, types = found
    await tickets.check_limits(tx, me, {body.type_id: body.quantity}, types)
    left = boxoffice.left_of(office, types[body.type_id])
    if left is None or left >= body.quantity:
        raise PlacesLeft()
    entry = await tx.one(store.ADD, ids.new(), post_id, body.type_id, me.user(), body.quantity, clock.now())
    if entry is None:
        raise AlreadyWaiting()
    await facts.emit(tx, WaitBegan(post_id))
    return await get(tx, me, entry)


async def get(tx: Reader, me: Me, entry_id: UUID) -> WaitlistEntry:
    """An entry of the caller's. Raises NotFound."""
    entry = await tx.one(store.GET, entry_id, me.user())
    if entry is None:
        raise NotFound()
    return entry


async def mine(tx: Reader, me: Me, paging: page.Paging) -> page.Page[WaitlistEntry]:
    """What the caller waits or waited for, the newest first."""
    lists = (store.MINE, store.MINE_FIRST, store.MINE_TOTAL)
    return await paged.rows(tx, "waitlist", lists, me.user(), paging)


async def _held(tx: Tx, me: Me, entry_id: UUID) -> Row:
    row = await tx.one(store.HOLD, entry_id)
    if row is None or row.user_id != me.user():
        raise NotFound()
    return row


async def leave(tx: Tx, me: Me, entry_id: UUID) -> None:
    """Wait no more, or do without what was offered. Raises NotFound, OfferOver."""
    row = await _held(tx, me, entry_id)
    if row.status not in ("waiting", "offered"):
        raise OfferOver()
    await _end(tx, [row], "left")


async def accept(tx: Tx, me: Me, entry_id: UUID, body: AcceptBody) -> Order:
    """Order what was offered to the caller: it is kept as long as any order. Raises NotFound, OfferOver, and what
    orders raise.
    """
    row = await _held(tx, me, entry_id)
    if row.status != "offered" or row.offer_expires_at is None or row.offer_expires_at <= clock.now():
        raise OfferOver()
    await boxoffice.hold(tx, Me.system, row.post_id)
    await tx.run(store.MOVE, entry_id, "accepted", clock.now())
    item = Item(type_id=row.type_id, quantity=row.quantity, amount=body.amount)
    wanted = OrderCreate(items=[item], discount_code=body.discount_code)
    return await orders.place(tx, me, row.post_id, wanted, kept=True)


# ---- for the system


async def offer(tx: Tx, me: Me, post_id: UUID) -> int:
    """Keep places that are free for those who wait, the first first; how many people got some. For the system.

    Who waits for more than there is lets the next one go ahead, so that no place stays empty.
    """
    me.require_role("admin")
    office = await boxoffice.hold(tx, me, post_id)
    if office is None or office.cancelled_at is not None:
        return 0
    # Whoever takes places holds the box office first: until this ends, only places given back are added.
    free = {one.id: boxoffice.room(one) for one in await boxoffice.types(tx, me, post_id)}
    together, count = boxoffice.room(office), 0
    rows = await tx.all(store.LINE, post_id, clock.now(), FIRST, LINE)
    while rows and together > 0:
        for row in rows:
            if row.quantity <= min(together, free[row.type_id]):
                together -= row.quantity
                free[row.type_id] -= row.quantity
                count += 1
                await _offer(tx, row)
        rows = await tx.all(store.LINE, post_id, clock.now(), rows[-1].id, LINE)
    return count


async def _offer(tx: Tx, row: Row) -> None:
    """Keep places for somebody who is held in the line."""
    await boxoffice.take(tx, Me.system, row.post_id, {row.type_id: row.quantity}, sold=False, ahead=True)
    user_id = await tx.one(store.OFFER, row.id, clock.now() + KEPT_FOR, clock.now())
    if user_id is None:
        raise LookupError("who is held in the line still waits")
    await facts.emit(tx, PlacesOffered(row.id, row.post_id, user_id))


async def lines(tx: Reader, me: Me, after: UUID) -> list[UUID]:
    """The events that people wait for, up to a thousand behind this one; for the system."""
    me.require_role("admin")
    return await tx.all(store.LINES, clock.now(), after, LINES)


async def expire(tx: Tx, me: Me) -> bool:
    """Take back offers whose time is over, up to 50. Whether there may be more; for the system."""
    me.require_role("admin")
    rows = await tx.all(store.OVERDUE, clock.now())
    await _end(tx, rows, "expired")
    return len(rows) == 50


async def close(tx: Tx, me: Me, post_id: UUID) -> bool:
    """Let nobody wait for an event that is cancelled, up to 200. Whether there may be more; for the system."""
    me.require_role("admin")
    rows = await tx.all(store.OF_EVENT, post_id)
    await _end(tx, rows, "left")
    return bool(rows)


async def forget(tx: Tx, me: Me, user_id: UUID) -> bool:
    """Let somebody who left wait for nothing, up to 200. Whether there may be more; for the system."""
    me.require_role("admin")
    rows = await tx.all(store.OF_PERSON, user_id)
    await _end(tx, rows, "left")
    return bool(rows)


async def _end(tx: Tx, rows: Sequence[Row], status: str) -> None:
    for post_id in sorted({row.post_id for row in rows}):
        await boxoffice.hold(tx, Me.system, post_id)
    for row in rows:
        await tx.run(store.MOVE, row.id, status, clock.now())
        if row.status == "offered":
            await boxoffice.release(tx, Me.system, row.post_id, {row.type_id: row.quantity}, sold=False)
