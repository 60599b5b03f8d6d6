"""Receipts over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.receipts import service
from majlis.features.receipts.model import Receipts
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("messages")


@api.get("/api/v1/messages/{message_id}/receipts", policy=access.user, errors=(403, 404))
async def receipts(app: App, me: Me, message_id: UUID) -> Receipts:
    """Who got and who read a message of the caller's. 403 in a channel of more than fifty people."""
    async with app.db.read() as tx:
        return await service.of(tx, me, message_id)
