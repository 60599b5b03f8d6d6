"""Orders over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.invoices.model import Invoices
from majlis.features.orders import service
from majlis.features.orders.model import Order, OrderCreate, RefundBody
from majlis.features.payments.model import Payment
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("tickets")
EVENT = "/api/v1/events/{post_id}/orders"
ORDERS = "/api/v1/orders"
ONE = ORDERS + "/{order_id}"


@api.post(EVENT, policy=access.user, status=201, errors=(409,))
async def place(app: App, me: Me, post_id: UUID, body: OrderCreate) -> Order:
    """Order tickets. Free ones are the caller's at once; others are kept for 15 minutes, to be paid."""
    async with app.db.tx() as tx:
        return await service.place(tx, me, post_id, body)


@api.get(EVENT, policy=access.owner, errors=(403,))
async def of_event(app: App, me: Me, post_id: UUID, query: PageQuery) -> Listing[Order]:
    """The orders of an event, the newest first, for its host."""
    async with app.db.read() as tx:
        return listing(await service.of_event(tx, me, post_id, query.paging()))


@api.get(ORDERS, policy=access.user)
async def orders(app: App, me: Me, query: PageQuery) -> Listing[Order]:
    """The caller's orders, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.mine(tx, me, query.paging()))


@api.get(ONE, policy=access.owner)
async def order(app: App, me: Me, order_id: UUID) -> Order:
    """One order, for its buyer and the host."""
    async with app.db.read() as tx:
        return await service.get(tx, me, order_id)


# No Idempotency-Key here: Stripe is asked, and not inside a transaction.
@api.post(ONE + "/payment", policy=access.owner, idempotent=False, errors=(409, 502))
async def pay(app: App, me: Me, order_id: UUID) -> Payment:
    """Begin to pay an order; the same payment again until it is paid."""
    return await service.pay(app, me, order_id)


@api.delete(ONE, policy=access.owner, status=200, errors=(409,))
async def cancel(app: App, me: Me, order_id: UUID) -> Order:
    """Give up an order that is not paid."""
    async with app.db.tx() as tx:
        return await service.cancel(tx, me, order_id)


@api.post(ONE + "/refunds", policy=access.owner, errors=(409,))
async def refund(app: App, me: Me, order_id: UUID, body: RefundBody) -> Order:
    """Take tickets back for their money, or give back an amount; for the host."""
    async with app.db.tx() as tx:
        return await service.refund(tx, me, order_id, body)


@api.get(ONE + "/invoices", policy=access.owner)
async def invoices(app: App, me: Me, order_id: UUID) -> Invoices:
    """The invoice of an order and its credit notes, for its buyer and the host."""
    async with app.db.read() as tx:
        return Invoices(await service.invoices_of(tx, me, order_id))


@api.delete("/api/v1/tickets/{ticket_id}", policy=access.owner, errors=(409,))
async def give_up(app: App, me: Me, ticket_id: UUID) -> None:
    """Give a ticket back for what was paid for it."""
    async with app.db.tx() as tx:
        await service.give_up(tx, me, ticket_id)
