"""GET /ws: live updates, as {event, payload}; over the hub of this process.

What the caller is told and their direct messages come whole, homes as hints that there is something new.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.letters import service as letters
from majlis.features.notifications import service as notifications
from majlis.features.notifications.model import Notification
from majlis.features.sockets import service as sockets
from majlis.features.sockets.model import Ticket
from majlis.kit import http
from majlis.kit.errors import RateLimited, Refused
from majlis.kit.http import Socket, access
from majlis.kit.http.sockets import Binary
from majlis.kit.me import Me
from majlis.surfaces.compat.door import Door
from majlis.surfaces.compat.x18.homes import Homes
from majlis.surfaces.compat.x18.messages import Message
from majlis.surfaces.compat.x18.notifications import TYPES, shown
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.entries import Created, Deleted, Moved, Opened, Stored
from majlis.surfaces.realtime.frames import AUTH_S, UNREADABLE, Shared, encode
from majlis.surfaces.realtime.known import OVERLOADED, Known, converse
from majlis.surfaces.realtime.outbox import EPHEMERAL

api = http.Api("live")
KIND = "x18"
MALFORMED, UNAUTHENTICATED, FLOOD = 4400, 4401, 4429


class Incoming(msgspec.Struct):
    """What a client sends."""

    event: Annotated[str, Meta(max_length=50)]
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class Auth(msgspec.Struct):
    """Who it is, as the first thing that it says."""

    token: Annotated[str, Meta(max_length=4096)]


_INCOMING = msgspec.json.Decoder(Incoming)


# No Idempotency-Key: the stored answer would be a second copy of the ticket.
@api.post("/api/ws-ticket", policy=access.user, status=201, idempotent=False)
async def ticket(app: App, me: Me) -> Ticket:
    """A ticket for `GET /ws?ticket=…`, good once within 30 seconds, so that no token stands in a query."""
    async with app.db.tx() as tx:
        return await sockets.ticket(tx, me)


@api.socket("/ws", policy=access.optional)
async def connect(app: App, me: Me, socket: Socket) -> None:
    """Live updates for whoever comes with a token or ticket, or names a token in the first frame."""
    owner = await _introduced(app, socket) if me.id is None else me
    if owner is not None:
        await converse(Session(hub.of(app), socket, owner))


async def _introduced(app: App, socket: Socket) -> Me | None:
    """Whom the first frame names; None once the socket was closed because of it. Raises Closed."""
    await socket.accept()
    if hub.of(app).full:
        socket.cut(OVERLOADED, "overloaded")
        return None
    request, door = socket.request, cast(Door, socket.request.route.surface)
    try:
        async with asyncio.timeout(AUTH_S):
            text = await socket.text()
        said = _INCOMING.decode(text)
        token = msgspec.json.decode(said.payload, type=Auth).token if said.event == "auth" else ""
        return await door.admit(app, request, token)
    except TimeoutError:
        socket.cut(UNAUTHENTICATED, "auth_timeout")
    except (*UNREADABLE, Binary):
        socket.cut(MALFORMED, "bad_frame")
    except Refused as refused:
        closing = FLOOD if isinstance(refused, RateLimited) else UNAUTHENTICATED
        code = door.code(refused, request)
        socket.cut(closing, code, [_frame("error", {"code": code, "error": refused.detail})])
    return None


def _frame(event: str, payload: Any) -> bytes:
    return encode({"event": event, "payload": payload})


class Session(Known):
    """A connection of somebody who hears of everything of this contract that reaches them."""

    def __init__(self, here: hub.Hub, socket: Socket, me: Me) -> None:
        super().__init__(here, socket, me)
        self.kind = KIND
        self._told: dict[str, int] = {}  # how much is unread, as it was said last

    async def left(self) -> None:
        """It watches nothing any more."""
        Homes.of(self.hub).unwatch(self)

    async def refreshed(self) -> None:
        """Follow the direct messages of its owner, and say how much is unread."""
        async with self.app.db.fresh() as tx:
            found = await letters.streams(tx, self.me)
        await self.follow(found)
        self.later("counted")

    # ---- what it says

    async def handle(self, text: str) -> None:
        """Do what a frame of the client asks for."""
        try:
            event = _INCOMING.decode(text).event
        except UNREADABLE as error:
            self._error("bad_frame", str(error))
            return
        if event == "ping":
            self.say("pong", {})
        elif event == "home.watch":
            Homes.of(self.hub).watch(self)
            self.say("home.watched", {"watched": True})
        elif event == "home.unwatch":
            Homes.of(self.hub).unwatch(self)
            self.say("home.watched", {"watched": False})
        else:
            self._error("unknown_event", "There is no such event.")

    def _error(self, code: str, words: str) -> None:
        self.say("error", {"code": code, "error": words})

    # ---- what it hears

    def say(self, event: str, payload: Any, key: str = "") -> None:
        """Send a frame. `key` is the outbox's."""
        self.outbox.put(_frame(event, payload), key)

    def posted(self, count: int) -> None:
        """So many new posts stand in its owner's home."""
        self.say("post.created", {"count": count}, EPHEMERAL)

    def event(self, shared: Shared) -> None:
        """An entry of a log: what was said and taken back, and what was read."""
        event = shared.event
        if event.type == "conversation.created":
            if msgspec.json.decode(event.data, type=Opened).kind == "dm":
                self.hub.came_in(self, event)
        elif event.type == "message.created":
            self.later("said", msgspec.json.decode(event.data, type=Created).message)
        elif event.type == "message.deleted":
            self.later("deleted", msgspec.json.decode(event.data, type=Deleted).message_id)
        elif event.type == "read.updated":
            self.later("read", msgspec.json.decode(event.data, type=Moved))

    def notification(self, note: Notification, unread: int) -> None:
        """Its owner was told something; of other kinds this contract has no words for."""
        if note.type in TYPES:
            self.later("told", note.id)

    def withdrawn(self, notification_id: UUID) -> None:
        """Its owner is told something no more."""
        self.later("back", notification_id)

    def counted(self) -> None:
        """Less of what its owner was told is unread."""
        self.later("counted")

    def typing(self, stream: str, data: Any) -> None:
        """This contract has no frames for who writes."""

    # ---- showing it, one after the other

    async def show(self, part: Sequence[tuple[str, Any]]) -> None:
        """Send what has come, as its owner may see it now, and then what is unread of it."""
        async with self.app.db.fresh() as tx:
            # Looked up again: what was withdrawn meanwhile may have been heard of first.
            found = [await notifications.arrived(tx, self.me, what) for kind, what in part if kind == "told"]
            notes = {one.id: one for one in await shown(tx, self.me, [one[0] for one in found if one])}
            passed = {
                at: await letters.passed(tx, self.me, what.conversation_id, what.user_id, what.last_read_seq)
                for at, (kind, what) in enumerate(part)
                if kind == "read" and what.user_id != self.user
            }
            unread = {
                "notification.unread_count": await notifications.unread(tx, self.me, TYPES),
                "message.unread_count": await letters.unread(tx, self.me),
            }
        for at, (kind, what) in enumerate(part):
            if kind == "said":
                self.say("message.created", _message(what))
            elif kind == "deleted":
                self.say("message.deleted", {"id": what})
            elif kind == "read" and passed.get(at):
                read = {"conversation_id": what.conversation_id, "user_id": what.user_id}
                self.say("message.read", {**read, "message_ids": passed[at]})
            elif kind == "told" and what in notes:
                self.say("notification.created", notes[what])
            elif kind == "back":
                self.say("notification.deleted", {"id": what})
        for event, count in unread.items():
            if self._told.get(event) != count:
                self._told[event] = count
                self.say(event, {"unread_count": count})


def _message(found: Stored) -> Message:
    """A message of a log at this door; nobody has read it yet."""
    return Message(
        found.id, found.conversation_id, found.sender_id, found.type, found.text, None, found.created_at
    )
