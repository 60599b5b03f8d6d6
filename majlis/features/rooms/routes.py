"""Rooms over HTTP."""

from majlis.app import App
from majlis.features.rooms import service
from majlis.features.rooms.model import RoomPresence
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("rooms")
ONE = "/api/v1/rooms/{room_id}"


@api.get(ONE, policy=access.user, errors=(404, 422))
async def users(app: App, me: Me, room_id: str) -> RoomPresence:
    """Who is in a room."""
    async with app.db.read() as tx:
        return await service.users(tx, me, room_id)


@api.put(ONE, policy=access.user, errors=(404, 422))
async def join(app: App, me: Me, room_id: str) -> RoomPresence:
    """Be in a room, or stay there, for five minutes from now."""
    async with app.db.tx() as tx:
        return await service.join(tx, me, room_id)


@api.delete(ONE, policy=access.user, status=204, errors=(422,))
async def leave(app: App, me: Me, room_id: str) -> None:
    """Be in a room no more."""
    async with app.db.tx() as tx:
        await service.leave(tx, me, room_id)
