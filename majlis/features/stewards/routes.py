"""Stewards over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.stewards import service
from majlis.features.stewards.model import Duties, Steward, Stewards
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("tickets")
STEWARDS = "/api/v1/events/{post_id}/stewards"


@api.get(STEWARDS, policy=access.owner, errors=(403,))
async def stewards(app: App, me: Me, post_id: UUID) -> Stewards:
    """Who helps at the door of the caller's event."""
    async with app.db.read() as tx:
        return Stewards(await service.of_event(tx, me, post_id))


@api.put(STEWARDS + "/{user_id}", policy=access.owner, errors=(403, 409))
async def add(app: App, me: Me, post_id: UUID, user_id: UUID) -> Steward:
    """Let somebody scan tickets at the door, and fetch what scanners need for that; nothing else of the event's."""
    async with app.db.tx() as tx:
        return await service.add(tx, me, post_id, user_id)


@api.delete(STEWARDS + "/{user_id}", policy=access.owner, status=204, errors=(403,))
async def remove(app: App, me: Me, post_id: UUID, user_id: UUID) -> None:
    """Let somebody help no more; stewards may do this themselves."""
    async with app.db.tx() as tx:
        await service.remove(tx, me, post_id, user_id)


@api.get("/api/v1/stewardships", policy=access.user)
async def duties(app: App, me: Me) -> Duties:
    """At the doors of which events the caller helps, the next first."""
    async with app.db.read() as tx:
        return Duties(await service.duties(tx, me))
