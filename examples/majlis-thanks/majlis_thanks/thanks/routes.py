"""Thanks over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis_thanks.thanks import service
from majlis_thanks.thanks.model import Thanks, ThanksCreate

api = http.Api("thanks")


@api.post("/api/v1/users/{user_id}/thanks", policy=access.user, status=201, errors=(400,))
async def thank(app: App, me: Me, user_id: UUID, body: ThanksCreate) -> Thanks:
    """Thank somebody."""
    async with app.db.tx() as tx:
        return await service.thank(tx, me, user_id, body)


@api.get("/api/v1/thanks", policy=access.user)
async def mine(app: App, me: Me, query: http.PageQuery) -> http.Listing[Thanks]:
    """What the caller was thanked for, newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.mine(tx, me, query.paging()))
