"""Verbs of rooms: join, leave, stay, look around. Membership ends by itself five minutes after the last sign."""

import re
from uuid import UUID

from majlis.features.rooms import store
from majlis.features.rooms.model import (
    GATES,
    LIFE,
    MAX_MEMBERS,
    MAX_ROOMS,
    NAME,
    BadRoom,
    Full,
    NotInRoom,
    RoomPresence,
)
from majlis.kit import clock, hints
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me

JOINED, LEFT = "user_joined_room", "user_left_room"


async def join(tx: Tx, me: Me, room_id: str) -> RoomPresence:
    """Be in a room, or stay there; the others hear of it the first time. Raises BadRoom, NotFound, Full."""
    await _check(tx, me, room_id)
    await _enter(tx, room_id)
    now = clock.now()
    if await tx.one(store.JOIN, me.user(), room_id, now):
        crowd, mine = await tx.one(store.COUNT, room_id), await tx.one(store.COUNT_ROOMS, me.user())
        if (crowd or 0) > MAX_MEMBERS or (mine or 0) > MAX_ROOMS:
            raise Full()
        await _tell(tx, JOINED, room_id, me.user())
    return RoomPresence(room_id, await _users(tx, me, room_id))


async def leave(tx: Tx, me: Me, room_id: str) -> None:
    """Be in a room no more; the others hear of it. Who is not there has nothing to leave. Raises BadRoom."""
    if not re.match(NAME, room_id):
        raise BadRoom()
    await _enter(tx, room_id)
    if await tx.one(store.LEAVE, me.user(), room_id):
        await _tell(tx, LEFT, room_id, me.user())


async def leave_all(tx: Tx, me: Me) -> None:
    """Be in no room any more."""
    for room_id in await tx.all(store.ROOMS, me.user()):
        await leave(tx, me, room_id)


async def remove(tx: Tx, me: Me, room_id: str, user_id: UUID) -> None:
    """Take somebody out of a room: the feature above has authorised it."""
    await leave(tx, Me(id=user_id), room_id)


async def stay(tx: Tx, me: Me, room_id: str | None = None) -> None:
    """The caller is still in a room, or in all of theirs. Raises NotInRoom."""
    now = clock.now()
    found = await tx.all(store.BEAT, me.user(), now, now - LIFE, room_id)
    if room_id is not None and not found:
        raise NotInRoom()


async def users(tx: Reader, me: Me, room_id: str) -> RoomPresence:
    """Who is in a room. Raises BadRoom, NotFound."""
    await _check(tx, me, room_id)
    return RoomPresence(room_id, await _users(tx, me, room_id))


async def total(tx: Reader, me: Me) -> int:
    """In how many rooms somebody is."""
    return await tx.one(store.TOTAL, clock.now() - LIFE) or 0


async def sweep(tx: Tx, me: Me) -> None:
    """Take out of some rooms who has not been heard of; the others there hear of it."""
    for room_id in await tx.all(store.STALE, clock.now() - LIFE):
        await _enter(tx, room_id)


async def _check(tx: Reader, me: Me, room_id: str) -> None:
    if not re.match(NAME, room_id):
        raise BadRoom()
    kind, colon, rest = room_id.partition(":")
    if colon and kind in GATES:
        await GATES[kind](tx, me, rest)


async def _enter(tx: Tx, room_id: str) -> None:
    """Hold a room until the transaction ends, without those of whom nothing was heard."""
    await tx.one(store.IN_TURN, room_id)
    for gone in await tx.all(store.DROP, room_id, clock.now() - LIFE):
        await _tell(tx, LEFT, room_id, gone.user_id)


async def _users(tx: Reader, me: Me, room_id: str) -> list[UUID]:
    return await tx.all(store.USERS, me.user(), room_id, clock.now() - LIFE)


async def _tell(tx: Tx, type: str, room_id: str, user_id: UUID) -> None:
    """Tell the others in a room, except across a block."""
    others = await _users(tx, Me(id=user_id), room_id)
    data = {"room_id": room_id, "user_id": user_id}
    hints.tell(tx, [other for other in others if other != user_id], type, data)
