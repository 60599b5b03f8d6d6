"""Tickets: buy them, give them back, let people in."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Meta

from majlis.app import App
from majlis.features.admission import service as admission
from majlis.features.nightlife import service as nightlife
from majlis.features.orders import service as orders
from majlis.features.payments.model import Payment
from majlis.features.tickets import service as tickets
from majlis.kit import http, ids
from majlis.kit.errors import Unavailable
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.sioree import shapes
from majlis.surfaces.compat.sioree.shapes import PageLimit, Shape, Success, Ticket
from majlis.vendors.stripe import PaymentsDisabled

api = http.Api("tickets")
OF_EVENT = "/api/events/{event_id}/tickets"
MINE = "/api/tickets"
PAY = "sioree://payment?"


class BuyBody(Shape):
    """How many tickets."""

    quantity: Annotated[int, Meta(ge=1, le=10)] = 1


class Bought(Shape):
    """Tickets, and where to pay for them: a link into the app with the secret for Stripe's library; null where free.

    What is not paid within 15 minutes is given back.
    """

    tickets: list[Ticket]
    payment_url: str | None


class Tickets(Shape):
    """A page of tickets, the newest first."""

    tickets: list[Ticket]
    total: int
    page: int
    limit: int


class TicketsOfEvent(Tickets):
    """The same of an event, with how many were sold of how many."""

    sold: int
    capacity: int | None


class CodeBody(Shape):
    """What a ticket shows."""

    code: Annotated[str, Meta(min_length=1, max_length=300)]


def _url(payment: Payment | None) -> str | None:
    if payment is None:
        return None
    return PAY + urlencode({"payment": str(payment.id), "client_secret": payment.client_secret or ""})


@api.post(OF_EVENT, policy=access.user, idempotent=False, errors=(409, 502, 503))
async def buy(app: App, me: Me, event_id: UUID, body: BuyBody) -> Bought:
    """Take tickets. Free ones are the caller's at once, others once they are paid."""
    try:
        order, payment = await nightlife.buy(app, me, event_id, body.quantity)
    except PaymentsDisabled as refused:  # which other doors hide
        raise Unavailable(refused.detail, code="provider_not_configured") from refused
    return Bought([shapes.ticket(one) for one in order.tickets], _url(payment))


@api.get(OF_EVENT, policy=access.owner, errors=(403,))
async def of_event(app: App, me: Me, event_id: UUID, query: PageLimit) -> TicketsOfEvent:
    """All tickets of an event of the caller's."""
    async with app.db.read() as tx:
        found = await tickets.of_event(tx, me, event_id, shapes.at(query))
        office = await nightlife.office(tx, me, event_id)
    shown = [shapes.ticket(one.ticket) for one in found.items]
    sold, capacity = (office.sold or 0, office.capacity) if office is not None else (0, None)
    return TicketsOfEvent(shown, found.total or 0, query.page, query.limit, sold, capacity)


@api.get(MINE, policy=access.user)
async def mine(app: App, me: Me, query: PageLimit) -> Tickets:
    """The caller's tickets."""
    async with app.db.read() as tx:
        found = await tickets.mine(tx, me, shapes.at(query))
    return Tickets([shapes.ticket(one) for one in found.items], found.total or 0, query.page, query.limit)


@api.delete(MINE + "/{ticket_id}", policy=access.owner, errors=(409,))
async def cancel(app: App, me: Me, ticket_id: UUID) -> Success:
    """Give a ticket back: what was paid for it is refunded. One that is not paid takes its order with it."""
    async with app.db.tx() as tx:
        await orders.give_up(tx, me, ticket_id)
    return Success()


@api.post("/api/events/{event_id}/check-in", policy=access.owner, errors=(403, 409))
async def check_in(app: App, me: Me, event_id: UUID, body: CodeBody) -> Ticket:
    """Let in whoever shows this code, once."""
    async with app.db.tx() as tx:
        return shapes.ticket(await admission.check_in_one(tx, me, event_id, body.code, str(ids.new())))
