"""Payments over HTTP: one's own, one's account, and Stripe's webhook."""

from uuid import UUID

from majlis.app import App
from majlis.features.payments import service
from majlis.features.payments.model import Balances, Payment, Received
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, Request, access, listing
from majlis.kit.me import Me

api = http.Api("payments")
PAYMENTS = "/api/v1/payments"
WEBHOOK_BYTES = 1024 * 1024


@api.get(PAYMENTS, policy=access.user)
async def payments(app: App, me: Me, query: PageQuery) -> Listing[Payment]:
    """What the caller paid or began to pay, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.payments(tx, me, query.paging()))


@api.get(PAYMENTS + "/balance", policy=access.user)
async def balance(app: App, me: Me) -> Balances:
    """What is owed to the caller, by currency."""
    async with app.db.read() as tx:
        return Balances(await service.balances(tx, me, me.user()))


@api.get(PAYMENTS + "/{payment_id}", policy=access.owner, errors=(404,))
async def payment(app: App, me: Me, payment_id: UUID) -> Payment:
    """One payment, for its payer and its payee."""
    async with app.db.read() as tx:
        return await service.get(tx, me, payment_id)


@api.post(
    PAYMENTS + "/stripe/webhook",
    policy=access.none,
    max_body=WEBHOOK_BYTES,
    limit="signed",
    errors=(400, 404),
)
async def webhook(app: App, me: Me, request: Request) -> Received:
    """What Stripe tells, signed. A delivery that comes again changes nothing."""
    body = await request.body(WEBHOOK_BYTES)
    await service.receive(app, me, body, request.header(b"stripe-signature"))
    return Received()
