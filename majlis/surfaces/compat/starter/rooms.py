"""Rooms: who is there now."""

from majlis.app import App
from majlis.features.rooms import service as rooms
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.starter.shapes import RoomPresence, says

api = http.Api("rooms")
ONE = "/api/v1/rooms/{room_id}"


@api.post(ONE + "/join", policy=access.user, errors=(400, 404))
@says("Room joined successfully")
async def join(app: App, me: Me, room_id: str) -> RoomPresence:
    """Be in a room, or stay there, for five minutes from now; pings of a socket keep it up."""
    async with app.db.tx() as tx:
        found = await rooms.join(tx, me, room_id)
    return RoomPresence(found.room_id, found.users)


@api.post(ONE + "/leave", policy=access.user, status=200, errors=(400,))
@says("Room left successfully")
async def leave(app: App, me: Me, room_id: str) -> None:
    """Be in a room no more."""
    async with app.db.tx() as tx:
        await rooms.leave(tx, me, room_id)


@api.get(ONE + "/users", policy=access.user, errors=(400, 404))
@says("Room users retrieved successfully")
async def users(app: App, me: Me, room_id: str) -> RoomPresence:
    """Who is in a room, as far as the caller meets them."""
    async with app.db.read() as tx:
        found = await rooms.users(tx, me, room_id)
    return RoomPresence(found.room_id, found.users)
