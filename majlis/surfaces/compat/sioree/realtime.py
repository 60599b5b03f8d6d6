"""Socket.IO at /sioree/socket.io: messages, and who writes, as the contract has them."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import NotMember, conversation_stream
from majlis.features.messages import service as messages
from majlis.features.notifications.model import Notification
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import BadAccess
from majlis.surfaces.compat.sioree import limits
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.surfaces.compat.sioree.messages import DM, SendBody, Stored, say, shown
from majlis.surfaces.compat.sioree.shapes import Shape
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.frames import UNREADABLE, Shared, encode
from majlis.surfaces.realtime.outbox import EPHEMERAL
from majlis.surfaces.realtime.rooms import TypingHint
from majlis.surfaces.realtime.socketio import Endpoint, Rejected, Talk

if TYPE_CHECKING:
    from majlis.surfaces.realtime.link import Link

FAILURE = "Authentication error"
CODES = {
    "bad_frame": "validation_failed",
    "invalid": "validation_failed",
    "not_a_member": "conversation_not_found",
    "oneself": "cannot_message_self",
}


class Handshake(msgspec.Struct):
    """The `auth` of the handshake."""

    token: str


class Types(Shape):
    """Somebody writes to somebody, or has ceased to."""

    receiver_id: UUID
    is_typing: bool


class Typed(Shape):
    """What the other one hears of it."""

    user_id: UUID
    is_typing: bool


class Read(Shape):
    """The other one has read what was written to them."""

    conversation_id: UUID
    reader_id: UUID
    read_at: datetime


class Problem(Shape):
    """Why something was refused."""

    error: str
    code: str


class _Created(msgspec.Struct):
    message: Stored


class _Pointer(msgspec.Struct):
    conversation_id: UUID
    user_id: UUID
    at: datetime


class Guest(Talk):
    """Somebody connected who hears of every conversation with one other."""

    def __init__(self, here: hub.Hub, link: "Link") -> None:
        super().__init__(here, link)
        self.kind = "sioree"
        self.joined = True
        self._others: dict[UUID, UUID | None] = {}  # whom a conversation is with; None where that is several
        self._early: dict[UUID, list[Stored]] = {}  # messages that came before that was known

    async def enter(self, auth: msgspec.Raw) -> None:
        """The token of the handshake. Raises Rejected."""
        try:
            token = msgspec.json.decode(auth, type=Handshake).token
            self.me = await sessions.authenticate(self.app, token, AUDIENCE)
        except (*UNREADABLE, BadAccess) as error:
            raise Rejected(FAILURE) from error

    async def follow(self) -> None:
        """Follow everything."""
        await self.hub.recheck(self)

    async def refreshed(self) -> None:
        """Follow what its owner may follow now."""
        new = await self.hub.unfollowed(self)
        if new:
            await self.hub.subscribe(self, dict.fromkeys(new), self.came_in)

    # ---- what it says

    async def said(self, event: str, data: msgspec.Raw) -> None:
        """A message, or that somebody writes."""
        if event == "send_message":
            await limits.spend_message(self.app, self.me)
            body = msgspec.json.decode(data, type=SendBody)
            async with self.app.db.tx() as tx:
                sent = await say(tx, self.me, body)
            self.acknowledge(encode(sent))  # both sides hear of it from the log of their conversation
        elif event == "typing":
            await self._types(msgspec.json.decode(data, type=Types))
        else:
            self.failed("unknown_event", "There is no such event.")

    async def _types(self, typed: Types) -> None:
        """Tell the other one; nobody, where there is no conversation."""
        async with self.app.db.fresh() as tx:
            found = await messages.find_dm(tx, self.me, typed.receiver_id)
        if found is not None:
            hint = TypingHint(self.user, typing=typed.is_typing)
            self.hub.typing(self, conversation_stream(found), hint)

    def failed(self, code: str, words: str) -> None:
        """Tell the client that its event was refused."""
        found = encode(Problem(words, CODES.get(code, code)))
        self.acknowledge(found)
        self.emit("error_message", found)

    # ---- what it hears

    def event(self, shared: Shared) -> None:
        """An entry of a log: what was said, and what was read."""
        told = shared.event
        if told.type == "conversation.created":
            self.hub.came_in(self, told)
        elif told.type == "message.created":
            self._show(msgspec.json.decode(told.data, type=_Created).message)
        elif told.type == "read.updated":
            pointer = msgspec.json.decode(told.data, type=_Pointer)
            if pointer.user_id != self.me.id:
                read = Read(pointer.conversation_id, pointer.user_id, pointer.at)
                self.emit("messages_read", encode(read))

    def _show(self, message: Stored) -> None:
        conversation = message.conversation_id
        if conversation not in self._others:
            early = self._early.setdefault(conversation, [])
            early.append(message)
            if len(early) == 1:
                self.hub.spawn(self._show_early(conversation))
            return
        other = self._others[conversation]
        if other is not None:
            found = shown(self.me, message, other, read=False)
            event = "message_sent" if message.sender_id == self.me.id else "new_message"
            self.emit(event, encode(found))

    async def _show_early(self, conversation: UUID) -> None:
        try:
            await self._other(conversation)
        except NotMember:  # or no more
            self._early.pop(conversation, None)
            return
        for message in self._early.pop(conversation, []):
            self._show(message)

    async def _other(self, conversation: UUID) -> UUID | None:
        """Whom a conversation is with. Raises NotMember."""
        if conversation not in self._others:
            async with self.app.db.fresh() as tx:
                at = await conversations.place(tx, self.me, conversation)
            self._others[conversation] = at.other_id if at.kind in DM else None
        return self._others[conversation]

    def typing(self, stream: str, data: Mapping[str, Any]) -> None:
        """Somebody writes, or has ceased to."""
        self.hub.spawn(self._tell_typing(UUID(stream[2:]), data))

    async def _tell_typing(self, conversation: UUID, data: Mapping[str, Any]) -> None:
        try:
            other = await self._other(conversation)
        except NotMember:
            return
        if other is not None:
            typed = Typed(UUID(str(data["user_id"])), data["expires_in_ms"] > 0)
            self.emit("user_typing", encode(typed), EPHEMERAL)

    def notification(self, note: Notification, unread: int) -> None:
        """The contract has no event for it."""


endpoint = Endpoint("/socket.io", Guest)
api = endpoint.api
