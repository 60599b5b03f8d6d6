"""Verbs of orders: reserve, pay, expire, give back, invoice.

A payment that comes when the tickets are not kept any more takes places again if there are any, and else goes back.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from majlis.app import App
from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice.model import NotOnSale, SoldOut
from majlis.features.discounts import service as discounts
from majlis.features.discounts.model import DiscountSpent
from majlis.features.events import service as events
from majlis.features.invoices import service as invoices
from majlis.features.invoices.model import Invoice
from majlis.features.orders import store
from majlis.features.orders.facts import LatePaymentReturned, OrderLapsed, OrderPaid, OrderRefunded
from majlis.features.orders.model import (
    MOST_KEPT,
    NothingToPay,
    NotRefundable,
    Order,
    OrderCreate,
    OrderOver,
    RefundBody,
    TooManyKept,
    priced,
)
from majlis.features.orders.store import Row
from majlis.features.payments import service as payments
from majlis.features.payments.model import OPEN, PayingOneself, Payment
from majlis.features.tickets import service as tickets
from majlis.features.tickets.model import New, TicketNotValid, TicketUsed, TooMany
from majlis.kit import clock, facts, ids, log, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me

logger = log.get("majlis.orders")
PURPOSE = "tickets.order"  # under which payments know orders


# ---- ordering


async def place(tx: Tx, me: Me, post_id: UUID, body: OrderCreate, *, kept: bool = False) -> Order:
    """Order tickets: free ones are the buyer's at once, others are kept until they are paid. Either way the buyer goes.

    `kept` when these places were reserved for the buyer before.
    Raises NotFound, EventOver, NotOnSale, SoldOut, TooMany(Kept), UnknownCode, DiscountSpent, PayingOneself, Invalid.
    """
    buyer, now = me.user(), clock.now()
    counts = {item.type_id: item.quantity for item in body.items}
    if len(counts) < len(body.items):
        raise Invalid.field("items", "Name each type of ticket once.")
    found = await boxoffice.selling(tx, me, post_id, set(counts), body.access_code, invited=kept)
    post, office, types = found
    wanted = priced(body.items, types)
    code_id = None
    if body.discount_code is not None:
        code_id = await discounts.reckon(tx, me, post_id, body.discount_code, wanted)
    row = store.new(ids.new(), buyer, post, wanted, types, office.currency, body.discount_code, now)
    if row.total and row.seller_id == buyer:
        raise PayingOneself()
    await _take(tx, row, counts, kept=kept)
    if code_id is not None:
        await discounts.take(tx, Me.system, code_id, row.id, buyer, row.discount)
    # Behind the places, which are taken one after the other.
    await tickets.check_limits(tx, me, counts, types)
    if row.total and await tickets.reserved(tx, Me.system, buyer, post_id) + len(wanted) > MOST_KEPT:
        raise TooManyKept()
    new = [New(one.type_id, one.price, one.paid) for one in wanted]
    status = "reserved" if row.total else "paid"
    await tx.run(
        store.ADD, row.id, post_id, row.seller_id, buyer, row.items(), row.currency, row.subtotal, row.discount,
        row.total, row.discount_code, status, row.expires_at, row.event_ends, row.paid_at, now,
    )  # fmt: skip
    await tickets.issue(tx, Me.system, post_id, row.id, buyer, new, row.currency, status)
    await events.take_stance(tx, me, post_id, "going")
    if not row.total:
        await facts.emit(tx, OrderPaid(row.id))
    return await get(tx, me, row.id)


async def _take(tx: Tx, row: Row, counts: Mapping[UUID, int], *, kept: bool) -> None:
    """Places for an order. What is kept for others longer than it may be is given back first."""
    if kept:
        # In line too: limits are looked at behind this, and whoever cancels the event has done so or comes later.
        office = await boxoffice.hold(tx, Me.system, row.post_id)
        if office is None or office.cancelled_at is not None:
            raise NotOnSale()
        if not row.total:
            await boxoffice.confirm(tx, Me.system, row.post_id, counts)
        return
    for overdue in await tx.all(store.OVERDUE_OF, clock.now(), row.post_id):
        await _lapse(tx, overdue, "expired")
    currency = await boxoffice.take(tx, Me.system, row.post_id, counts, sold=not row.total)
    if currency != row.currency:  # the host has changed it since the order was reckoned
        raise NotOnSale()


# ---- looking


async def _visible(tx: Reader, me: Me, order_id: UUID) -> Row:
    row = await tx.one(store.GET, order_id)
    if row is None or not (me.is_system or me.user() in (row.buyer_id, row.seller_id)):
        raise NotFound()
    return row


async def get(tx: Reader, me: Me, order_id: UUID) -> Order:
    """An order by its buyer or the host. Raises NotFound."""
    row = await _visible(tx, me, order_id)
    found = await tickets.of_orders(tx, Me.system, [order_id])
    return row.shown(me, found[order_id])


async def mine(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Order]:
    """The caller's orders, the newest first."""
    lists = (store.MINE, store.MINE_FIRST, store.MINE_TOTAL)
    return await _listed(tx, me, await paged.rows(tx, "orders:mine", lists, me.user(), paging))


async def of_event(tx: Reader, me: Me, post_id: UUID, paging: page.Paging) -> page.Page[Order]:
    """The orders of an event, the newest first; for its host. Raises NotFound, NotHost."""
    await boxoffice.hosted(tx, me, post_id)
    lists = (store.OF_EVENT, store.OF_EVENT_FIRST, store.OF_EVENT_TOTAL)
    return await _listed(tx, me, await paged.rows(tx, "orders:event", lists, post_id, paging))


async def _listed(tx: Reader, me: Me, rows: page.Page[Row]) -> page.Page[Order]:
    found = await tickets.of_orders(tx, Me.system, [row.id for row in rows.items])
    items = [row.shown(me, found[row.id]) for row in rows.items]
    return page.Page(items, rows.next, rows.total)


async def invoices_of(tx: Reader, me: Me, order_id: UUID) -> list[Invoice]:
    """The invoice of an order and its credit notes. Raises NotFound."""
    await _visible(tx, me, order_id)
    return await invoices.of_order(tx, Me.system, order_id)


async def written(tx: Reader, me: Me, order_id: UUID) -> tuple[Row, str] | None:
    """An order and the title of its event, for a mail to its buyer; None when that is nobody. For the system."""
    me.require_role("admin")
    row = await tx.one(store.GET, order_id)
    if row is None or row.buyer_id is None:
        return None
    return row, await tx.one(store.TITLE, row.post_id) or ""


# ---- paying


async def pay(app: App, me: Me, order_id: UUID) -> Payment:
    """Begin to pay an order of the caller's, with the secret that the app pays with; the same again until it is paid.

    Raises NotFound, OrderOver, NothingToPay, PaymentsDisabled, StripeRefused, StripeUnavailable.
    """
    payments.ready(app, me)
    async with app.db.tx() as tx:
        row = await _visible(tx, me, order_id)
    if row.buyer_id != me.user():
        raise NotFound()
    if not row.total:
        raise NothingToPay()
    if row.status != "reserved" or row.expires_at is None or row.expires_at <= clock.now():
        raise OrderOver()
    fee = row.total * app.settings.ticket_fee_percent // 100
    return await payments.start(
        app,
        me,
        PURPOSE,
        str(row.id),
        row.total,
        row.currency,
        row.seller_id,
        fee,
        payable_from=row.event_ends,
    )


async def settle(tx: Tx, me: Me, payment_id: UUID, order_id: UUID) -> None:
    """An order was paid: the tickets are the buyer's, or the money goes back. Doing it again changes nothing.

    For the system.
    """
    me.require_role("admin")
    row = await tx.one(store.HOLD, order_id)
    if row is not None and row.payment_id == payment_id:
        return
    if row is not None and row.status == "reserved":
        await boxoffice.confirm(tx, me, row.post_id, row.counts())
        await tickets.turn(tx, me, row.post_id, row.id, "reserved", "paid")
    elif row is None or row.status != "expired" or not await _again(tx, row):
        await payments.refund(tx, me, payment_id, "late", None)
        await facts.emit(tx, LatePaymentReturned(order_id, payment_id))
        return
    await tx.run(store.PAID, row.id, payment_id, clock.now())
    await invoices.issue(tx, me, row.seller_id, row.id, row.currency, row.total, row.items())
    await _payable(tx, row.post_id, [row.id])
    await facts.emit(tx, OrderPaid(row.id))


async def follow_event(tx: Tx, me: Me, post_id: UUID, after: UUID) -> UUID | None:
    """Let what the host gets for 200 orders behind this one wait for the event's end; the last, or None. For the system."""
    me.require_role("admin")
    rows = await tx.all(store.EARNING, post_id, after)
    await _payable(tx, post_id, rows)
    return rows[-1] if rows else None


async def _payable(tx: Tx, post_id: UUID, orders: Sequence[UUID]) -> None:
    """For orders that are held: so whoever comes later has seen what the event says now."""
    if not orders:
        return
    ends = await tx.one(store.ENDS_NOW, post_id)
    if ends is not None:
        await payments.reschedule(tx, Me.system, PURPOSE, [str(one) for one in orders], ends)


async def _again(tx: Tx, row: Row) -> bool:
    """Take the places of an order that had expired, if there are any and nobody waits for them."""
    if row.buyer_id is None or row.event_ends <= clock.now():
        return False
    try:
        async with tx.savepoint():
            await boxoffice.take(tx, Me.system, row.post_id, row.counts(), sold=True)
            await discounts.take_again(tx, Me.system, row.id, row.buyer_id)
            types = {one.id: one for one in await boxoffice.types(tx, Me.system, row.post_id)}
            await tickets.check_limits(tx, Me(id=row.buyer_id), row.counts(), types)
    except (SoldOut, DiscountSpent, TooMany):
        return False
    await tickets.turn(tx, Me.system, row.post_id, row.id, "cancelled", "paid")
    return True


# ---- what comes to nothing


async def _lapse(tx: Tx, row: Row, status: str) -> None:
    """An order that is held comes to nothing: its places can be had again."""
    await tx.run(store.MOVE, row.id, status, clock.now())
    await boxoffice.release(tx, Me.system, row.post_id, row.counts(), sold=False)
    await tickets.turn(tx, Me.system, row.post_id, row.id, "reserved", "cancelled")
    await discounts.give_back(tx, Me.system, row.id)
    await facts.emit(tx, OrderLapsed(row.id))


async def expire(tx: Tx, me: Me) -> bool:
    """Give back what is kept longer than it may be, up to 50 orders. Whether there may be more; for the system."""
    me.require_role("admin")
    rows = await tx.all(store.OVERDUE, clock.now())
    for row in rows:
        await _lapse(tx, row, "expired")
    return len(rows) == 50


async def cancel(tx: Tx, me: Me, order_id: UUID) -> Order:
    """Give up an order of the caller's that is not paid. Raises NotFound, OrderOver."""
    row = await tx.one(store.HOLD, order_id)
    if row is None or row.buyer_id != me.user():
        raise NotFound()
    if row.status != "reserved":
        raise OrderOver()
    await _lapse(tx, row, "cancelled")
    return await get(tx, me, order_id)


async def stop_payment(app: App, me: Me, order_id: UUID) -> None:
    """Let nobody pay an order that came to nothing; for the system. Raises StripeUnavailable."""
    if not app.stripe.enabled:
        return
    async with app.db.tx() as tx:
        begun = await payments.of_reference(tx, me, PURPOSE, str(order_id))
    for one in begun:
        if one.status in OPEN:
            await payments.cancel(app, me, one.id)


async def cancel_event(tx: Tx, me: Me, post_id: UUID, after: UUID) -> UUID | None:
    """Give everybody the money back, up to 50 orders behind this one; the last, or None at the end. For the system.

    Of an event that is over nothing is given back.
    """
    me.require_role("admin")
    rows = await tx.all(store.TO_CANCEL, post_id, clock.now(), after)
    for row in rows:
        if row.status == "reserved":
            await _lapse(tx, row, "cancelled")
        else:
            await _void(tx, row, None, row.total - row.refunded)
    return rows[-1].id if rows else None


# ---- giving back


async def refund(tx: Tx, me: Me, order_id: UUID, body: RefundBody) -> Order:
    """Take tickets back and give the money for them, or only money; for the host.

    Raises NotFound, NotRefundable, TicketNotValid, TooMuchBack.
    """
    row = await tx.one(store.HOLD, order_id)
    if row is None or row.seller_id != me.user():
        raise NotFound()
    if body.amount is not None and body.ticket_ids is not None:
        raise Invalid.field("amount", "Name tickets or an amount.")
    if row.status != "paid":
        raise NotRefundable()
    if body.amount is not None:
        await _give_back(tx, row, body.amount)
        await facts.emit(tx, OrderRefunded(row.id, False))
    else:
        wanted = None if body.ticket_ids is None else set(body.ticket_ids)
        voided = await _void(tx, row, wanted, None)
        if wanted is not None and voided < len(wanted):
            raise TicketNotValid()
        if not voided:
            raise NotRefundable()
    return await get(tx, me, order_id)


async def give_up(tx: Tx, me: Me, ticket_id: UUID) -> None:
    """Give a ticket of the caller's back: what was paid for it goes to who paid. One that is not paid yet takes its order
    with it. Raises NotFound, TicketUsed, TicketNotValid, NotRefundable, EventOver.
    """
    ticket, _ = await tickets.held(tx, me, ticket_id)
    row = await tx.one(store.HOLD, ticket.order_id)
    if row is None:
        raise NotFound()
    ticket, _ = await tickets.held(tx, me, ticket_id, fixed=True)  # once more: now neither changes
    if ticket.status == "used":
        raise TicketUsed()
    if ticket.status == "reserved":
        await _lapse(tx, row, "cancelled")
        return
    if ticket.status != "paid":
        raise TicketNotValid()
    kept = ticket.paid and not await boxoffice.refundable(tx, Me.system, row.post_id)
    if kept or row.event_ends <= clock.now():
        raise NotRefundable()
    if not await _void(tx, row, {ticket_id}, None):
        raise TicketUsed()


async def give_up_free(tx: Tx, me: Me, post_id: UUID) -> None:
    """Give back what the caller has for an event that cost nothing and was not used. Raises what `give_up` does."""
    await tx.all(store.HOLD_FREE, me.user(), post_id)  # every order before the first place
    for ticket_id in await tx.all(store.FREE, me.user(), post_id):
        await give_up(tx, me, ticket_id)


async def _void(tx: Tx, row: Row, ticket_ids: set[UUID] | None, amount: int | None) -> int:
    """Take tickets back, and give back this amount, or what was paid for them; how many tickets."""
    voided = await tickets.void(tx, Me.system, row.post_id, row.id, ticket_ids)
    counts: dict[UUID, int] = {}
    for one in voided:
        counts[one.type_id] = counts.get(one.type_id, 0) + 1
    if counts:
        await boxoffice.release(tx, Me.system, row.post_id, counts, sold=True)
    paid = sum(one.paid for one in voided)
    await _give_back(tx, row, min(paid if amount is None else amount, row.total - row.refunded))
    left = (await tickets.of_orders(tx, Me.system, [row.id]))[row.id]
    whole = not any(one.status in ("reserved", "paid", "used") for one in left)
    if whole or amount is not None:
        await tx.run(store.MOVE, row.id, "refunded" if row.total else "cancelled", clock.now())
    if voided or amount:
        await facts.emit(tx, OrderRefunded(row.id, whole))
    return len(voided)


async def _give_back(tx: Tx, row: Row, amount: int) -> None:
    if amount and row.payment_id is not None:
        await payments.refund(tx, Me.system, row.payment_id, str(ids.new()), amount)


async def given_back(
    tx: Tx, me: Me, payment_id: UUID, refund_id: UUID, order_id: UUID, *, whole: bool
) -> None:
    """Money of an order is with the buyer again: a credit note says so, and with all of it the tickets are void.

    For the system. Doing it again changes nothing.
    """
    me.require_role("admin")
    row = await tx.one(store.HOLD, order_id)
    if row is None or row.payment_id != payment_id:  # a late one has no invoice
        return
    made = {one.id: one.amount for one in await payments.refunds(tx, me, payment_id)}
    if whole and row.status == "paid":
        await _void(tx, row, None, 0)
    if refund_id in made:  # last: the seller's number is held behind places
        await invoices.credit(tx, me, row.seller_id, row.id, refund_id, row.currency, made[refund_id])
