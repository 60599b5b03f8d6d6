"""What operators decide of nights out."""

from uuid import UUID

from majlis.app import App
from majlis.features.nightlife import service
from majlis.features.nightlife.model import Featured
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("events")


@api.put("/api/v1/events/{post_id}/featured", policy=access.admin)
async def feature(app: App, me: Me, post_id: UUID, body: Featured) -> Featured:
    """Let an event stand before others at doors for nights out, or no more. For operators."""
    async with app.db.tx() as tx:
        return await service.feature(tx, me, post_id, body.featured)
