"""Waiting lists over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.orders.model import Order
from majlis.features.waitlist import service
from majlis.features.waitlist.model import AcceptBody, WaitBody, WaitlistEntry
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("tickets")
WAITLIST = "/api/v1/waitlist"


@api.post("/api/v1/events/{post_id}/waitlist", policy=access.user, status=201, errors=(409,))
async def wait(app: App, me: Me, post_id: UUID, body: WaitBody) -> WaitlistEntry:
    """Wait for tickets that are sold out."""
    async with app.db.tx() as tx:
        return await service.wait(tx, me, post_id, body)


@api.get(WAITLIST, policy=access.user)
async def waitlist(app: App, me: Me, query: PageQuery) -> Listing[WaitlistEntry]:
    """What the caller waits or waited for, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.mine(tx, me, query.paging()))


@api.post(WAITLIST + "/{entry_id}/order", policy=access.owner, status=201, errors=(409,))
async def accept(app: App, me: Me, entry_id: UUID, body: AcceptBody) -> Order:
    """Order what was offered. From then on it is kept for 15 minutes, like any order."""
    async with app.db.tx() as tx:
        return await service.accept(tx, me, entry_id, body)


@api.delete(WAITLIST + "/{entry_id}", policy=access.owner, errors=(409,))
async def leave(app: App, me: Me, entry_id: UUID) -> None:
    """Wait no more, or do without what was offered."""
    async with app.db.tx() as tx:
        await service.leave(tx, me, entry_id)
