"""Verbs of box offices: what an event sells, and taking, keeping and giving back its places.

Whoever takes places holds rows in this order, so that nobody waits in a circle: order, box office, types by id,
discount code, post.
"""

import hmac
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from majlis.features.boxoffice import store
from majlis.features.boxoffice.facts import EventCancelled, PlacesFreed
from majlis.features.boxoffice.model import (
    MOST_TYPES,
    BoxOffice,
    BoxOfficeBody,
    CapacityBelowSold,
    CurrencyFixed,
    Kind,
    NoBoxOffice,
    NotHost,
    NotOnSale,
    Office,
    SoldOut,
    TicketType,
    TooManyTypes,
    Type,
    TypeCreate,
    TypeSold,
    TypeUpdate,
)
from majlis.features.events import service as events
from majlis.features.events.model import EventOver
from majlis.features.posts.model import Post
from majlis.kit import clock, currencies, facts, ids
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http.binding import given
from majlis.kit.me import Me

ENDLESS = 2**31 - 1

# ---- looking


async def show(tx: Reader, me: Me, post_id: UUID, access_code: str | None) -> BoxOffice:
    """What an event sells, with the hidden types that this code shows; all for its host. Raises NotFound."""
    post = await events.get(tx, me, post_id)
    office = await _office(tx, post_id)
    return _shown(office, await tx.all(store.TYPES, post_id), access_code, host=post.is_mine)


async def find(tx: Reader, me: Me, post_id: UUID) -> Office | None:
    """How an event that the caller may see sells, or None when it sells nothing. Raises NotFound."""
    await events.get(tx, me, post_id)
    return await tx.one(store.OFFICE, post_id)


async def of_events(tx: Reader, me: Me, post_ids: Collection[UUID]) -> dict[UUID, BoxOffice]:
    """What each of these events sells, in two queries, for lists of events that the caller sees already."""
    if not post_ids:
        return {}
    offices = await tx.all(store.OFFICES, list(post_ids))
    types = await tx.all(store.ALL_TYPES, [one.post_id for one in offices])
    return {
        office.post_id: _shown(
            office, [one for one in types if one.post_id == office.post_id], None, host=False
        )
        for office in offices
    }


async def hosted(tx: Reader, me: Me, post_id: UUID) -> Post:
    """An event of the caller's. Raises NotFound, NotHost."""
    me.user()
    post = await events.get(tx, me, post_id)
    if not post.is_mine:
        raise NotHost()
    return post


async def selling(
    tx: Reader,
    me: Me,
    post_id: UUID,
    wanted: set[UUID],
    access_code: str | None,
    *,
    invited: bool = False,
    held: bool = False,
) -> tuple[Post, Office, dict[UUID, Type]]:
    """An event and those types that the caller may buy now; `invited`: hidden ones too.

    Where the office is `held`, none of it changes until the transaction ends. Raises NotFound, EventOver, NotOnSale.
    """
    post = await events.get(tx, me, post_id)
    office = await _office(tx, post_id, held=held)
    if post.event_state == "ended":
        raise EventOver()
    known = {one.id: one for one in await tx.all(store.TYPES, post_id)}
    for type_id in wanted:
        one = known.get(type_id)
        if one is None or not (invited or post.is_mine or _opens(one, access_code)):
            raise NotFound("There is no such ticket.")
        if not post.status or office.cancelled_at is not None or not _in_time(one):
            raise NotOnSale()
    return post, office, {type_id: known[type_id] for type_id in wanted}


async def _office(tx: Reader, post_id: UUID, *, held: bool = False) -> Office:
    office = await tx.one(store.HOLD if held else store.OFFICE, post_id)
    if office is None:
        raise NoBoxOffice()
    return office


def left(of: Office | Type) -> int | None:
    """How many can be bought of it, those left out that people wait for; None without limit."""
    return None if of.capacity is None else max(0, of.capacity - of.held - of.sold - of.waiting)


def room(of: Office | Type) -> int:
    """How many fit in still, whoever waits; as many as there are numbers without limit."""
    return ENDLESS if of.capacity is None else of.capacity - of.held - of.sold


def left_of(office: Office, one: Type) -> int | None:
    """How many of a type can be bought; None without limit."""
    limits = [some for some in (left(office), left(one)) if some is not None]
    return min(limits) if limits else None


def _opens(one: Type, access_code: str | None) -> bool:
    if one.access_code is None:
        return True
    tried = (access_code or "").strip().casefold().encode()
    return hmac.compare_digest(tried, one.access_code.strip().casefold().encode())


def _in_time(one: Type) -> bool:
    now = clock.now()
    return (one.sale_starts is None or one.sale_starts <= now) and (
        one.sale_ends is None or now < one.sale_ends
    )


def _shown(office: Office, types: list[Type], access_code: str | None, *, host: bool) -> BoxOffice:
    offered = [_type(office, one, host=host) for one in types if host or _opens(one, access_code)]
    found = BoxOffice(
        post_id=office.post_id,
        currency=office.currency,
        capacity=office.capacity,
        left=_left_together(office, [one for one in offered if one.on_sale]),
        refundable=office.refundable,
        cancelled=office.cancelled_at is not None,
        ticket_types=offered,
    )
    if host:
        found.held, found.sold, found.waiting = office.held, office.sold, office.waiting
    return found


def _left_together(office: Office, types: list[TicketType]) -> int | None:
    each = [one.left for one in types]
    total = None if None in each else sum(some or 0 for some in each)
    limits = [some for some in (left(office), total) if some is not None]
    return min(limits) if limits else None


def _type(office: Office, one: Type, *, host: bool) -> TicketType:
    found = TicketType(
        id=one.id,
        post_id=one.post_id,
        name=one.name,
        description=one.description,
        kind=one.kind,
        price=one.price,
        currency=office.currency,
        capacity=one.capacity,
        left=left_of(office, one),
        per_buyer=one.per_buyer,
        sale_starts=one.sale_starts,
        sale_ends=one.sale_ends,
        on_sale=office.cancelled_at is None and _in_time(one),
        hidden=one.access_code is not None,
        created_at=one.created_at,
    )
    if host:
        found.access_code, found.held, found.sold = one.access_code, one.held, one.sold
    return found


# ---- what the host decides


async def put(tx: Tx, me: Me, post_id: UUID, body: BoxOfficeBody) -> BoxOffice:
    """Sell tickets of an event of the caller's, or sell them otherwise.

    Raises NotFound, NotHost, Invalid, CapacityBelowSold, CurrencyFixed.
    """
    await hosted(tx, me, post_id)
    currency = body.currency.upper()
    if currency not in currencies.CODES:
        raise Invalid.field("currency", "A currency is a code of ISO 4217.")
    office = await tx.one(store.PUT, post_id, currency, body.capacity, body.refundable, clock.now())
    if office is None:
        before = await _office(tx, post_id)
        raise CurrencyFixed() if before.currency != currency else CapacityBelowSold()
    await _tell_who_waits(tx, post_id, office.waiting)
    return await show(tx, me, post_id, None)


async def add_type(tx: Tx, me: Me, post_id: UUID, body: TypeCreate) -> TicketType:
    """A new kind of ticket. Raises NotFound, NotHost, TooManyTypes, Invalid naming each field."""
    await hosted(tx, me, post_id)
    if await tx.one(store.HOLD, post_id) is None:
        raise NoBoxOffice()
    if len(await tx.all(store.TYPES, post_id)) >= MOST_TYPES:
        raise TooManyTypes()
    now = clock.now()
    made = Type(
        ids.new(), post_id, body.name, None, body.kind, body.price, None, 0, 0, 0, None, None, None, None, now
    )
    _assign(made, given(body))
    await tx.run(
        store.ADD_TYPE, made.id, post_id, made.name, made.description, made.kind, made.price, made.capacity,
        made.per_buyer, made.sale_starts, made.sale_ends, made.access_code, now,
    )  # fmt: skip
    return _type(await _office(tx, post_id), made, host=True)


async def change_type(tx: Tx, me: Me, type_id: UUID, body: TypeUpdate) -> TicketType:
    """Change a kind of ticket. Raises NotFound, NotHost, CapacityBelowSold, Invalid naming each field."""
    row = await _own_type(tx, me, type_id)
    office = await tx.one(store.HOLD, row.post_id)
    held = await tx.one(store.HOLD_TYPE, type_id)
    if office is None or held is None:
        raise NotFound()
    _assign(held, given(body))
    if held.capacity is not None and held.capacity < held.held + held.sold:
        raise CapacityBelowSold()
    await _write(tx, held)
    await _tell_who_waits(tx, row.post_id, held.waiting)
    return _type(office, held, host=True)


async def _write(tx: Tx, row: Type) -> None:
    await tx.run(
        store.CHANGE_TYPE, row.id, row.name, row.description, row.kind, row.price, row.capacity, row.per_buyer,
        row.sale_starts, row.sale_ends, row.access_code, clock.now(),
    )  # fmt: skip


async def put_single(
    tx: Tx, me: Me, post_id: UUID, price: int, currency: str, capacity: int | None
) -> BoxOffice:
    """Sell one kind of ticket at this price, for doors that know no other; free when the price is 0.

    Further kinds stay as they are. Raises NotFound, NotHost, Invalid, CapacityBelowSold, CurrencyFixed.
    """
    known = await tx.one(store.HOLD, post_id)  # nobody says otherwise meanwhile
    refundable = known is None or known.refundable
    await put(tx, me, post_id, BoxOfficeBody(currency=currency, capacity=capacity, refundable=refundable))
    kind: Kind = "paid" if price else "free"
    first = next(iter(await tx.all(store.TYPES, post_id)), None)
    if first is None:
        await add_type(tx, me, post_id, TypeCreate(name="Ticket", kind=kind, price=price))
    else:
        held = await tx.one(store.HOLD_TYPE, first.id) or first
        held.kind, held.price = kind, price
        await _write(tx, held)
    return await show(tx, me, post_id, None)


async def remove_type(tx: Tx, me: Me, type_id: UUID) -> None:
    """Take a kind of ticket away of which none was taken. Raises NotFound, NotHost, TypeSold."""
    row = await _own_type(tx, me, type_id)
    await tx.one(store.HOLD, row.post_id)
    held = await tx.one(store.HOLD_TYPE, type_id)
    if held is None:
        raise NotFound()
    if held.held or held.sold or held.waiting:
        raise TypeSold()
    await tx.run(store.REMOVE_TYPE, type_id)


async def _own_type(tx: Reader, me: Me, type_id: UUID) -> Type:
    row = await tx.one(store.TYPE, type_id)
    if row is None:
        raise NotFound()
    await hosted(tx, me, row.post_id)
    return row


def _assign(row: Type, values: dict[str, Any]) -> None:
    """Put these values into a type. Raises Invalid for what does not go together."""
    for name, value in values.items():
        setattr(row, name, value)
    row.name = row.name.strip()
    if not row.name:
        raise Invalid.field("name", "A type of ticket needs a name.", "required")
    if row.access_code is not None and not row.access_code.strip():
        raise Invalid.field("access_code", "A code that hides a type is not blank.", "required")
    if row.kind == "free" and row.price:
        raise Invalid.field("price", "What is free has no price.")
    if row.kind == "paid" and not row.price:
        raise Invalid.field("price", "What is paid for has a price.", "required")
    if row.sale_starts is not None and row.sale_ends is not None and row.sale_ends <= row.sale_starts:
        raise Invalid.field("sale_ends", "A sale does not end before it starts.")


async def cancel(tx: Tx, me: Me, post_id: UUID) -> None:
    """Sell nothing any more and give everybody their money back; for the host and the system.

    Raises NotFound, NotHost. Doing it again changes nothing.
    """
    if not me.is_system:
        await hosted(tx, me, post_id)
        await _office(tx, post_id)
    if await tx.one(store.CANCEL, post_id, clock.now()) is not None:
        await facts.emit(tx, EventCancelled(post_id))


async def open_of(tx: Reader, me: Me, user_id: UUID) -> list[UUID]:
    """Up to 1000 events for which somebody sells tickets; for the system."""
    me.require_role("admin")
    return await tx.all(store.HOSTED, user_id)


# ---- places: for the system, which has asked whether the buyer may


async def take(
    tx: Tx, me: Me, post_id: UUID, counts: Mapping[UUID, int], *, sold: bool, ahead: bool = False
) -> str:
    """Reserve so many places of each type, or sell them at once; `ahead` of those who wait. For the system.

    The currency in which they are sold, which stays from then on. Raises SoldOut, when what was taken in this
    transaction must be undone.
    """
    me.require_role("admin")
    currency = await tx.one(store.TAKE, post_id, *_both(sum(counts.values()), sold=sold), ahead)
    if currency is None:
        raise SoldOut()
    for type_id in sorted(counts):
        if await tx.one(store.TAKE_TYPE, type_id, *_both(counts[type_id], sold=sold), ahead) is None:
            raise SoldOut()
    return currency


async def confirm(tx: Tx, me: Me, post_id: UUID, counts: Mapping[UUID, int]) -> None:
    """What was reserved is sold; for the system."""
    me.require_role("admin")
    await tx.one(store.MOVE, post_id, sum(counts.values()), sum(counts.values()))
    for type_id in sorted(counts):
        await tx.run(store.MOVE_TYPE, type_id, counts[type_id], counts[type_id])


async def release(tx: Tx, me: Me, post_id: UUID, counts: Mapping[UUID, int], *, sold: bool) -> None:
    """Give places back that were sold or reserved; for the system. Who waits for them is told."""
    me.require_role("admin")
    held, gone = _both(sum(counts.values()), sold=sold)
    waiting = await tx.one(store.MOVE, post_id, held, -gone)
    for type_id in sorted(counts):
        held, gone = _both(counts[type_id], sold=sold)
        await tx.run(store.MOVE_TYPE, type_id, held, -gone)
    await _tell_who_waits(tx, post_id, waiting)


async def hold(tx: Tx, me: Me, post_id: UUID) -> Office | None:
    """Let nobody take places of an event until this transaction ends; for the system."""
    me.require_role("admin")
    return await tx.one(store.HOLD, post_id)


async def types(tx: Reader, me: Me, post_id: UUID) -> list[Type]:
    """The types of an event; for the system."""
    me.require_role("admin")
    return await tx.all(store.TYPES, post_id)


async def refundable(tx: Reader, me: Me, post_id: UUID) -> bool:
    """Whether the host takes tickets back; for the system."""
    me.require_role("admin")
    office = await tx.one(store.OFFICE, post_id)
    return office is not None and office.refundable


def _both(count: int, *, sold: bool) -> tuple[int, int]:
    """(reserved, sold) of so many."""
    return (0, count) if sold else (count, 0)


async def _tell_who_waits(tx: Tx, post_id: UUID, waiting: int | None) -> None:
    if waiting:
        await facts.emit(tx, PlacesFreed(post_id))
