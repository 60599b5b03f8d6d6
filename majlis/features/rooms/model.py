"""Nouns of rooms, and what is refused."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.db import Reader
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.me import Me

LIFE = timedelta(minutes=5)  # of a membership of which nothing is heard
MAX_MEMBERS = 500  # of a room
MAX_ROOMS = 100  # of a person
NAME = r"\A[A-Za-z0-9._:-]{1,100}\Z"

RoomId = Annotated[str, Meta(pattern=NAME, examples=["document:0199f6c2-4b1e-7c3a-9d53-0e6f3c1a2b4d"])]
# Who may enter rooms whose name begins with a word and a colon: the feature above that they belong to says it here,
# and raises NotFound for all others. Rooms of other names are open to everybody.
Gate = Callable[[Reader, Me, str], Awaitable[None]]
GATES: dict[str, Gate] = {}


class RoomPresence(msgspec.Struct):
    """Who is in a room, as far as the caller meets them; who came first, first."""

    room_id: str
    users: list[UUID]


class NotInRoom(NotFound):
    """The caller is not in this room, or is no more."""

    code, detail = "not_in_room", "You are not in this room."


class BadRoom(Invalid):
    """No name of a room."""

    detail = "Rooms are named by up to 100 letters, digits and . _ : -"

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("room_id", "invalid", self.detail)])


class Full(Invalid):
    """A room, or a person, has so many only."""

    code, detail = "room_full", f"A room has at most {MAX_MEMBERS} people, a person {MAX_ROOMS} rooms."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("room_id", "full", self.detail)])
