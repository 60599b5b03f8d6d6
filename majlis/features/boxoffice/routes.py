"""Box offices over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.boxoffice import service
from majlis.features.boxoffice.model import (
    BoxOffice,
    BoxOfficeBody,
    TicketType,
    TypeCreate,
    TypesQuery,
    TypeUpdate,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("tickets")
EVENT = "/api/v1/events/{post_id}"
TYPE = "/api/v1/ticket-types/{type_id}"


@api.get(EVENT + "/ticket-types", policy=access.optional)
async def ticket_types(app: App, me: Me, post_id: UUID, query: TypesQuery) -> BoxOffice:
    """What an event sells, and how much is left. Hidden types are shown to who knows their access code."""
    async with app.db.read() as tx:
        return await service.show(tx, me, post_id, query.access_code)


@api.put(EVENT + "/box-office", policy=access.owner, errors=(403, 409))
async def sell(app: App, me: Me, post_id: UUID, body: BoxOfficeBody) -> BoxOffice:
    """Sell tickets of an event, or sell them otherwise."""
    async with app.db.tx() as tx:
        return await service.put(tx, me, post_id, body)


@api.delete(EVENT + "/box-office", policy=access.owner, errors=(403,))
async def cancel(app: App, me: Me, post_id: UUID) -> None:
    """Cancel the event: nothing is sold any more, and everybody gets their money back."""
    async with app.db.tx() as tx:
        await service.cancel(tx, me, post_id)


@api.post(EVENT + "/ticket-types", policy=access.owner, status=201, errors=(403, 409))
async def add_type(app: App, me: Me, post_id: UUID, body: TypeCreate) -> TicketType:
    """Add a kind of ticket."""
    async with app.db.tx() as tx:
        return await service.add_type(tx, me, post_id, body)


@api.put(TYPE, policy=access.owner, errors=(403, 409))
async def change_type(app: App, me: Me, type_id: UUID, body: TypeUpdate) -> TicketType:
    """Change a kind of ticket. What was bought keeps its price."""
    async with app.db.tx() as tx:
        return await service.change_type(tx, me, type_id, body)


@api.delete(TYPE, policy=access.owner, errors=(403, 409))
async def remove_type(app: App, me: Me, type_id: UUID) -> None:
    """Take a kind of ticket away that nobody has."""
    async with app.db.tx() as tx:
        await service.remove_type(tx, me, type_id)
