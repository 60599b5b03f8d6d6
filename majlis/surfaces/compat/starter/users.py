"""Whether people are there."""

from uuid import UUID

from majlis.app import App
from majlis.features.letters import service as letters
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.starter.shapes import Presence, says

api = http.Api("users")


@api.get("/api/v1/users/{user_id}/presence", policy=access.user, errors=(404,))
@says("Presence retrieved successfully")
async def presence(app: App, me: Me, user_id: UUID) -> Presence:
    """Whether somebody has a socket open, at whichever door."""
    async with app.db.fresh() as tx:
        found = await letters.presence(tx, me, user_id)
    return Presence(found.user_id, found.is_online, found.last_seen_at)
