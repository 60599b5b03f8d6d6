"""Tickets over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.tickets import service
from majlis.features.tickets.model import HeldTicket, Ticket, Transfer, TransferBody
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("tickets")
TICKETS = "/api/v1/tickets"
TRANSFERS = "/api/v1/ticket-transfers"


@api.get(TICKETS, policy=access.user)
async def tickets(app: App, me: Me, query: PageQuery) -> Listing[Ticket]:
    """The caller's tickets, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.mine(tx, me, query.paging()))


@api.get(TICKETS + "/{ticket_id}", policy=access.owner)
async def ticket(app: App, me: Me, ticket_id: UUID) -> Ticket:
    """One ticket, for its holder and the host."""
    async with app.db.read() as tx:
        return await service.get(tx, me, ticket_id)


@api.get("/api/v1/events/{post_id}/tickets", policy=access.owner, errors=(403,))
async def of_event(app: App, me: Me, post_id: UUID, query: PageQuery) -> Listing[HeldTicket]:
    """All tickets of an event and who holds them, for its host."""
    async with app.db.read() as tx:
        return listing(await service.of_event(tx, me, post_id, query.paging()))


@api.post(TICKETS + "/{ticket_id}/transfer", policy=access.owner, status=201, errors=(409,))
async def offer(app: App, me: Me, ticket_id: UUID, body: TransferBody) -> Transfer:
    """Offer a ticket to somebody, who has to take it."""
    async with app.db.tx() as tx:
        return await service.offer(tx, me, ticket_id, body.user_id)


@api.get(TRANSFERS, policy=access.user)
async def transfers(app: App, me: Me, query: PageQuery) -> Listing[Transfer]:
    """Tickets that are offered by the caller or to the caller, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.transfers(tx, me, query.paging()))


@api.post(TRANSFERS + "/{transfer_id}/accept", policy=access.owner, errors=(409,))
async def accept(app: App, me: Me, transfer_id: UUID) -> Ticket:
    """Take a ticket that was offered. What the one before could show is worth nothing from now on."""
    async with app.db.tx() as tx:
        return await service.accept(tx, me, transfer_id)


@api.delete(TRANSFERS + "/{transfer_id}", policy=access.owner, errors=(409,))
async def end(app: App, me: Me, transfer_id: UUID) -> None:
    """Withdraw an offer, or decline one."""
    async with app.db.tx() as tx:
        await service.end(tx, me, transfer_id)
