"""Verbs of tickets: make them, look at them, use them, hand them on."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from majlis.app import App
from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice.model import Type
from majlis.features.events import service as events
from majlis.features.graph import service as graph
from majlis.features.identity import service as identity
from majlis.features.tickets import store
from majlis.features.tickets.facts import TicketsChanged, TransferOffered
from majlis.features.tickets.model import (
    EventFull,
    HeldTicket,
    Listed,
    Moved,
    New,
    Row,
    Ticket,
    TicketNotValid,
    TicketRequired,
    TicketUsed,
    TooMany,
    ToOneself,
    Transfer,
    TransferOpen,
    TransferOver,
)
from majlis.kit import clock, facts, ids, jobs, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound, Refused
from majlis.kit.me import Me
from majlis.vendors import mail

# 60 bits in letters and digits that are not taken for one another.
ALPHABET, CODE = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ", 12


def new_code() -> str:
    """A code that nobody guesses, to be read out at a door."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE))


async def write_to(app: App, me: Me, user_id: UUID, template: str, **values: str) -> None:
    """A mail about tickets to somebody, unless the account is gone; for the system. Raises MailUnavailable, Dropped."""
    me.require_role("admin")
    async with app.db.read() as tx:
        try:
            account = await identity.get(tx, me, user_id)
        except NotFound:
            return
    letter = mail.compose(account.email, template, app_url=mail.app_url(app.settings), **values)
    try:
        await app.mailer.send(letter)
    except mail.MailRejected as error:
        raise jobs.Dropped(error.detail) from error


# ---- looking


async def get(tx: Reader, me: Me, ticket_id: UUID) -> Ticket:
    """A ticket by its holder or the host. Raises NotFound."""
    return (await _visible(tx, me, ticket_id)).shown()


async def held(tx: Reader, me: Me, ticket_id: UUID, *, fixed: bool = False) -> tuple[Ticket, int]:
    """A ticket of the caller's, and its serial number. Raises NotFound.

    A `fixed` one is kept from changing until the transaction ends: behind its order, if that is held, too.
    """
    row = await tx.one(store.HOLD if fixed else store.GET, ticket_id)
    if row is None or row.holder_id != me.user():
        raise NotFound()
    return row.shown(), row.serial


async def _visible(tx: Reader, me: Me, ticket_id: UUID) -> Row:
    row = await tx.one(store.GET, ticket_id)
    if row is None or not (me.is_system or me.user() in (row.holder_id, row.host_id)):
        raise NotFound()
    return row


async def mine(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Ticket]:
    """The caller's tickets, the newest first."""
    lists = (store.MINE, store.MINE_FIRST, store.MINE_TOTAL)
    found = await paged.rows(tx, "tickets:mine", lists, me.user(), paging)
    return page.Page([row.shown() for row in found.items], found.next, found.total)


async def of_event(tx: Reader, me: Me, post_id: UUID, paging: page.Paging) -> page.Page[HeldTicket]:
    """All tickets of an event and who holds them, the newest first; for its host. Raises NotFound, NotHost."""
    await boxoffice.hosted(tx, me, post_id)
    lists = (store.OF_EVENT, store.OF_EVENT_FIRST, store.OF_EVENT_TOTAL)
    found = await paged.rows(tx, "tickets:event", lists, post_id, paging)
    holders = {row.holder_id for row in found.items if row.holder_id is not None}
    people = await graph.minis(tx, me, holders)
    items = [
        HeldTicket(row.shown(), people.get(row.holder_id) if row.holder_id is not None else None)
        for row in found.items
    ]
    return page.Page(items, found.next, found.total)


async def of_orders(tx: Reader, me: Me, order_ids: Collection[UUID]) -> dict[UUID, list[Ticket]]:
    """The tickets of each order; for the system, which knows whose they are."""
    me.require_role("admin")
    found: dict[UUID, list[Ticket]] = {one: [] for one in order_ids}
    for row in await tx.all(store.OF_ORDERS, list(order_ids)) if order_ids else []:
        found[row.order_id].append(row.shown())
    return found


async def some(tx: Reader, me: Me, ticket_ids: Collection[UUID]) -> dict[UUID, Ticket]:
    """These tickets; for the system, which knows who may see them."""
    me.require_role("admin")
    rows = await tx.all(store.SOME, list(ticket_ids)) if ticket_ids else []
    return {row.id: row.shown() for row in rows}


# ---- for orders: for the system, which has taken places and knows what was paid


async def issue(
    tx: Tx, me: Me, post_id: UUID, order_id: UUID, buyer: UUID, new: Sequence[New], currency: str, status: str
) -> None:
    """Make tickets of an order, for its buyer."""
    me.require_role("admin")
    await tx.run(
        store.ISSUE,
        post_id,
        order_id,
        buyer,
        currency,
        status,
        clock.now(),
        [ids.new() for _ in new],
        [one.type_id for one in new],
        [new_code() for _ in new],
        [one.price for one in new],
        [one.paid for one in new],
    )


async def check_limits(tx: Reader, me: Me, counts: Mapping[UUID, int], types: Mapping[UUID, Type]) -> None:
    """Raises TooMany where one person may not buy so many of these types beside those that the caller bought."""
    limited = {type_id: most for type_id in counts if (most := types[type_id].per_buyer) is not None}
    if limited:
        rows = await tx.all(store.BOUGHT, me.user(), list(limited))
        bought = {one.type_id: one.count for one in rows}
        if any(bought.get(type_id, 0) + counts[type_id] > most for type_id, most in limited.items()):
            raise TooMany()


async def reserved(tx: Reader, me: Me, buyer: UUID, post_id: UUID) -> int:
    """How many tickets of an event are kept until somebody pays for them; for the system."""
    me.require_role("admin")
    return await tx.one(store.RESERVED, buyer, post_id) or 0


async def turn(
    tx: Tx,
    me: Me,
    post_id: UUID,
    order_id: UUID,
    before: Literal["reserved", "cancelled"],
    after: Literal["paid", "cancelled"],
) -> None:
    """Let all tickets of an order that were the one be the other; for the system."""
    me.require_role("admin")
    moved = await tx.all(store.MOVE_ORDER, order_id, before, after, clock.now())
    await _tell(tx, post_id, moved)


async def void(
    tx: Tx, me: Me, post_id: UUID, order_id: UUID, ticket_ids: Collection[UUID] | None
) -> list[Moved]:
    """Let these tickets of an order, or all, not be good any more, as far as they were; for the system."""
    me.require_role("admin")
    chosen = None if ticket_ids is None else list(ticket_ids)
    moved = await tx.all(store.VOID, order_id, chosen, clock.now())
    await tx.run(store.WITHDRAW, [one.id for one in moved], clock.now())
    await _tell(tx, post_id, moved)
    return moved


async def _tell(tx: Tx, post_id: UUID, moved: Sequence[Moved]) -> None:
    holders = sorted({one.holder_id for one in moved if one.holder_id is not None})
    await facts.emit(tx, *(TicketsChanged(post_id, holder) for holder in holders))


async def follow(tx: Tx, me: Me, post_id: UUID, user_id: UUID) -> None:
    """Who has a ticket goes; who has none any more is interested. For the system.

    An event that is over, or that the person does not see any more, is left as it is.
    """
    me.require_role("admin")
    await boxoffice.hold(tx, me, post_id)  # who buys at this moment has done so, or comes later
    has = await tx.one(store.LIVE, user_id, post_id)
    them = Me(id=user_id)
    try:
        stance = (await events.get(tx, them, post_id)).my_event_state
        if has and stance != "going":
            await events.take_stance(tx, them, post_id, "going")
        elif not has and stance == "going":
            await events.take_stance(tx, them, post_id, "interested")
    except Refused:
        return


async def may_go(tx: Reader, me: Me, post_id: UUID) -> None:
    """Whether the caller may say to go, at doors where that takes a ticket or a place.

    Raises NotFound, TicketRequired where tickets cost something, EventFull where they do not and none is left.
    """
    if await boxoffice.find(tx, me, post_id) is None or await tx.one(store.LIVE, me.user(), post_id):
        return
    office = await boxoffice.show(tx, me, post_id, None)
    if office.ticket_types and all(one.price for one in office.ticket_types):
        raise TicketRequired()
    if office.left == 0:
        raise EventFull()


# ---- at the door: for the system, which has asked who lets people in


async def hold_some(tx: Tx, me: Me, post_id: UUID, ticket_ids: Collection[UUID]) -> dict[UUID, Row]:
    """These tickets of an event, kept from changing until the transaction ends; for the system."""
    me.require_role("admin")
    return {row.id: row for row in await tx.all(store.HOLD_SOME, post_id, sorted(ticket_ids))}


async def by_codes(tx: Reader, me: Me, post_id: UUID, codes: Collection[str]) -> dict[str, UUID]:
    """The tickets of an event with these codes; for the system."""
    me.require_role("admin")
    return {row.code: row.id for row in await tx.all(store.BY_CODE, post_id, list(codes))} if codes else {}


async def use(tx: Tx, me: Me, seen: Sequence[tuple[UUID, datetime]]) -> None:
    """These tickets, which are held, were used at these times; for the system."""
    me.require_role("admin")
    if seen:
        await tx.run(store.USE, [one for one, _ in seen], [at for _, at in seen], clock.now())


async def listed(tx: Reader, me: Me, post_id: UUID, after: UUID, limit: int) -> list[Listed]:
    """The tickets of an event that are good, or were used, behind this id; for the system."""
    me.require_role("admin")
    return await tx.all(store.LISTED, post_id, after, limit)


# ---- changing hands


async def offer(tx: Tx, me: Me, ticket_id: UUID, to: UUID) -> Transfer:
    """Offer a ticket of the caller's to somebody, who may take it or not.

    Raises NotFound, ToOneself, TicketUsed, TicketNotValid, TransferOpen.
    """
    row = await tx.one(store.HOLD, ticket_id)
    if row is None or row.holder_id != me.user():
        raise NotFound()
    if to == me.user():
        raise ToOneself()
    if row.status == "used":
        raise TicketUsed()
    if row.status != "paid":
        raise TicketNotValid()
    await graph.visible_person(tx, me, to)
    made = await tx.one(store.ADD_TRANSFER, ids.new(), ticket_id, me.user(), to, clock.now())
    if made is None:
        raise TransferOpen()
    await facts.emit(tx, TransferOffered(made, ticket_id, me.user(), to))
    return await _transfer(tx, me, made)


async def _transfer(tx: Reader, me: Me, transfer_id: UUID) -> Transfer:
    found = await tx.one(store.TRANSFER, transfer_id)
    if found is None or me.user() not in (found.from_id, found.to_id):
        raise NotFound()
    return found


async def accept(tx: Tx, me: Me, transfer_id: UUID) -> Ticket:
    """Take a ticket that was offered to the caller. What the one before had shown lets nobody in any more.

    Raises NotFound, also for an event that the caller does not see, and TransferOver, also across a block.
    """
    found = await _transfer(tx, me, transfer_id)
    if found.to_id != me.user():
        raise NotFound()
    await events.get(tx, me, found.post_id)
    if await graph.is_blocked(tx, me, found.from_id):
        raise TransferOver()
    await tx.one(store.HOLD, found.ticket_id)  # first, as whoever voids it does
    if await tx.one(store.END_TRANSFER, transfer_id, "accepted", clock.now()) is None:
        raise TransferOver()
    handed = await tx.one(store.HAND_ON, found.ticket_id, found.from_id, me.user(), new_code(), clock.now())
    if handed is None:
        raise TransferOver()
    both: list[Any] = [TicketsChanged(found.post_id, who) for who in (found.from_id, found.to_id)]
    await facts.emit(tx, *both)
    return await get(tx, me, found.ticket_id)


async def end(tx: Tx, me: Me, transfer_id: UUID) -> None:
    """Withdraw an offer of the caller's, or decline one to the caller. Raises NotFound, TransferOver."""
    found = await _transfer(tx, me, transfer_id)
    state = "withdrawn" if found.from_id == me.user() else "declined"
    if await tx.one(store.END_TRANSFER, transfer_id, state, clock.now()) is None:
        raise TransferOver()


async def offered(tx: Reader, me: Me, giver: UUID, to: UUID, ticket_id: UUID) -> tuple[str, str]:
    """The name of who offers a ticket, as the other sees it, and the title of its event; for the system."""
    me.require_role("admin")
    them = Me(id=to)
    mini = (await graph.minis(tx, them, [giver])).get(giver)
    name = "" if mini is None else " ".join(filter(None, (mini.first_name, mini.last_name)))
    row = await tx.one(store.GET, ticket_id)
    try:
        title = (await events.get(tx, them, row.post_id)).title if row is not None else None
    except NotFound:
        title = None
    return name or "Somebody", title or "an event"


async def transfers(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Transfer]:
    """Tickets that are offered by the caller or to the caller, the newest first."""
    lists = (store.OPEN, store.OPEN_FIRST, store.OPEN_TOTAL)
    return await paged.rows(tx, "tickets:transfers", lists, me.user(), paging)
