"""What is said over a socket of this door: what comes in, and what matters of the logs that are passed on."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.letters.model import MOST
from majlis.features.preferences.model import Category
from majlis.features.rooms.model import RoomId
from majlis.surfaces.compat.starter.shapes import Shape

# What somebody may have switched off; all other frames go out always.
CATEGORIES: dict[str, Category] = {
    "chat_message": "messages",
    "document_updated": "documents",
    "new_post": "posts",
    "task_completed": "tasks",
    "user_joined_room": "rooms",
    "user_left_room": "rooms",
}


class SocketQuery(msgspec.Struct):
    """Who opens it: an access token, or instead of it a ticket, good for once."""

    token: Annotated[str, Meta(max_length=4096)] | None = None
    ticket: Annotated[str, Meta(max_length=200)] | None = None


class Ticket(Shape):
    """Opens one socket, once, within so many seconds."""

    ticket: str
    expires_in: int


class Incoming(msgspec.Struct):
    """What a client sends."""

    type: Annotated[str, Meta(max_length=50)]
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Types(Shape):
    """Whether the caller writes to somebody."""

    receiver_id: UUID
    is_typing: bool


class Reads(Shape):
    """Messages that the caller has read."""

    message_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST)]


class Beats(Shape):
    """A room in which the caller still is."""

    room_id: RoomId


INCOMING = msgspec.json.Decoder(Incoming)
PAYLOAD = msgspec.json.Decoder(dict[str, msgspec.Raw])
