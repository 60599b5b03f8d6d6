"""What follows from payments, from the time, and from events that do not take place."""

from uuid import UUID

from majlis.app import App
from majlis.features.boxoffice.facts import EventCancelled
from majlis.features.orders import service
from majlis.features.orders.facts import LatePaymentReturned, OrderLapsed, OrderPaid, OrderRefunded
from majlis.features.payments.facts import PaymentRefunded, PaymentSucceeded
from majlis.features.posts.facts import PostChanged
from majlis.features.tickets import service as tickets
from majlis.kit import currencies, facts, ids
from majlis.kit.db import Tx
from majlis.kit.me import Me

FIRST = UUID(int=0)


@facts.on(PaymentSucceeded)
async def settle(tx: Tx, fact: PaymentSucceeded) -> None:
    """An order was paid."""
    order_id = _order(fact.purpose, fact.reference)
    if order_id is not None:
        await service.settle(tx, Me.system, fact.payment_id, order_id)


@facts.on(PaymentRefunded)
async def given_back(tx: Tx, fact: PaymentRefunded) -> None:
    """Money of an order is with the buyer again."""
    order_id = _order(fact.purpose, fact.reference)
    if order_id is not None:
        await service.given_back(tx, Me.system, fact.payment_id, fact.refund_id, order_id, whole=fact.whole)


def _order(purpose: str, reference: str) -> UUID | None:
    return ids.parse(reference) if purpose == service.PURPOSE else None


@facts.on(OrderLapsed)
async def stop_payment(app: App, fact: OrderLapsed) -> None:
    """Let nobody pay for what is not kept any more; a payment that was faster is taken in as a late one."""
    await service.stop_payment(app, Me.system, fact.order_id)


@facts.on(EventCancelled)
async def cancel_event(app: App, fact: EventCancelled) -> None:
    """Give everybody the money back. Doing it twice gives back once."""
    after: UUID | None = FIRST
    while after is not None:
        async with app.db.tx() as tx:
            after = await service.cancel_event(tx, Me.system, fact.post_id, after)


@facts.on(PostChanged)
async def follow_event(app: App, fact: PostChanged) -> None:
    """The host is paid out after the event, whenever that is now. Doing it twice changes nothing."""
    after: UUID | None = FIRST
    while after is not None:
        async with app.db.tx() as tx:
            after = await service.follow_event(tx, Me.system, fact.post_id, after)


@facts.every("* * * * *")
async def expire(app: App) -> None:
    """Give back the places of orders that nobody paid in time."""
    more = True
    while more:
        async with app.db.tx() as tx:
            more = await service.expire(tx, Me.system)


@facts.on(OrderPaid)
async def mail_tickets(app: App, fact: OrderPaid) -> None:
    """Send the buyer what was bought and paid."""
    async with app.db.read() as tx:
        found = await service.written(tx, Me.system, fact.order_id)
    if found is None or found[0].buyer_id is None:
        return
    row, event = found
    bought = ", ".join(f"{line.quantity} × {line.name}" for line in row.items())
    number = row.invoice_number
    invoice = "" if number is None else f"Invoice {number} of {row.seller_id}."
    total = currencies.shown(row.total, row.currency)
    await tickets.write_to(
        app,
        Me.system,
        found[0].buyer_id,
        "order_paid",
        tickets=bought,
        event=event,
        total=total,
        invoice=invoice,
    )


@facts.on(LatePaymentReturned)
async def mail_returned(app: App, fact: LatePaymentReturned) -> None:
    """Tell the buyer why the money comes back."""
    async with app.db.read() as tx:
        found = await service.written(tx, Me.system, fact.order_id)
    if found is not None and found[0].buyer_id is not None:
        total = currencies.shown(found[0].total, found[0].currency)
        await tickets.write_to(app, Me.system, found[0].buyer_id, "payment_returned", total=total)


@facts.on(OrderRefunded)
async def mail_refunded(app: App, fact: OrderRefunded) -> None:
    """Tell the buyer that tickets were taken back."""
    async with app.db.read() as tx:
        found = await service.written(tx, Me.system, fact.order_id)
    if found is not None and found[0].buyer_id is not None:
        total = currencies.shown(found[0].refunded, found[0].currency)
        await tickets.write_to(app, Me.system, found[0].buyer_id, "order_refunded", total=total)
