"""Tickets over HTTP."""

from majlis.app import App
from majlis.features.sockets import service
from majlis.features.sockets.model import Ticket
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("authentication")


# No Idempotency-Key: the stored answer would be a second copy of the ticket.
@api.post("/api/v1/auth/ws-ticket", policy=access.user, status=201, idempotent=False)
async def make_ticket(app: App, me: Me) -> Ticket:
    """Ask for a ticket that opens one socket, `GET /ws?ticket=…`, within 30 seconds."""
    async with app.db.tx() as tx:
        return await service.ticket(tx, me)
