"""GET /ws: messages {type, from, to, content}, as the Hamsaya contract has them (rules 164 to 168)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.chat import service as chat
from majlis.features.chat.model import MessageCreate
from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import NotMember, conversation_stream
from majlis.features.messages.model import MAX_TEXT, Key
from majlis.features.notifications.model import Notification
from majlis.kit import http, log
from majlis.kit.db import GAVE_WAY
from majlis.kit.errors import Refused, Unavailable
from majlis.kit.http import Socket, access
from majlis.kit.me import Me
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.entries import Created, Stored
from majlis.surfaces.realtime.frames import UNREADABLE, Shared, encode
from majlis.surfaces.realtime.known import Known, converse
from majlis.surfaces.realtime.outbox import EPHEMERAL
from majlis.surfaces.realtime.rooms import TypingHint
from majlis.surfaces.realtime.writing import spend

logger = log.get("majlis.sockets")
api = http.Api("realtime")


class TicketQuery(msgspec.Struct):
    """What opens it where no header can be sent: from POST /api/v1/auth/ws-ticket, good for once."""

    ticket: Annotated[str, Meta(max_length=200)] | None = None


class Said(msgspec.Struct):
    """The content of a chat message from a client."""

    content: Annotated[str, Meta(max_length=MAX_TEXT)]
    conversation_id: UUID | None = None
    message_type: Literal["TEXT", "IMAGE", "LOCATION", "POST"] = "TEXT"
    client_id: Key | None = None


class Types(msgspec.Struct):
    """The content of a typing message."""

    conversation_id: UUID
    typing: bool


class Incoming(msgspec.Struct):
    """What a client sends. Whom it says it is from is never looked at (rule 165)."""

    type: Annotated[str, Meta(max_length=50)]
    to: UUID | None = None
    content: msgspec.Raw = msgspec.Raw(b"{}")


class _Client(msgspec.Struct):
    client_id: str | None = None


_INCOMING = msgspec.json.Decoder(Incoming)


@api.socket("/ws", policy=access.user)
async def connect(app: App, me: Me, socket: Socket, query: TicketQuery) -> None:
    """Chat, typing and notifications of the caller, who came with a bearer header or a ticket."""
    await converse(Session(hub.of(app), socket, me))


class Session(Known):
    """A connection of somebody who hears of everything that reaches them."""

    def __init__(self, here: hub.Hub, socket: Socket, me: Me) -> None:
        super().__init__(here, socket, me)
        self._others: dict[UUID, UUID | None] = {}  # whom a conversation is with; None where that is several
        self._early: dict[UUID, list[Stored]] = {}  # messages that came before that was known

    async def refreshed(self) -> None:
        """Follow what its owner may follow now."""
        new = await self.hub.unfollowed(self)
        if new:
            await self.hub.subscribe(self, dict.fromkeys(new), self.came_in)

    # ---- what it says

    async def handle(self, text: str) -> None:
        """Do what a message of the client asks for."""
        client_id = None
        try:
            incoming = _INCOMING.decode(text)
            if incoming.type == "chat":
                client_id = msgspec.json.decode(incoming.content, type=_Client).client_id
                await self._chat(incoming.to, msgspec.json.decode(incoming.content, type=Said))
            elif incoming.type == "typing":
                typed = msgspec.json.decode(incoming.content, type=Types)
                stream = conversation_stream(typed.conversation_id)
                self.hub.typing(self, stream, TypingHint(self.user, typing=typed.typing))
            elif incoming.type == "notification":
                self._error("forbidden", "Only the server sends notifications.", None)
            else:
                self._error("unknown_type", "There is no such type of message.", None)
        except UNREADABLE as error:
            self._error("bad_frame", str(error), client_id)
        except Refused as refused:
            self._error(refused.code, refused.detail, client_id)
        except GAVE_WAY as error:
            logger.warning("frame_gave_way", user=str(self.user), exc_info=error)
            self._error(Unavailable.code, Unavailable.detail, client_id)

    async def _chat(self, to: UUID | None, said: Said) -> None:
        """Store it; both sides hear of it from the log of their conversation."""
        await spend(self.app, self.me)
        recipient = to if said.conversation_id is None else None
        body = MessageCreate(
            conversation_id=said.conversation_id, recipient_id=recipient, content=said.content,
            message_type=said.message_type,
        )  # fmt: skip
        async with self.app.db.tx() as tx:
            sent = await chat.say(tx, self.me, body, said.client_id)
        if sent.duplicate:
            self._show(msgspec.convert(sent.message, Stored, from_attributes=True))

    def _error(self, code: str, message: str, client_id: str | None) -> None:
        self._say("error", None, {"code": code, "message": message, "client_id": client_id})

    # ---- what it hears

    def _say(
        self, type: str, sender: UUID | None, content: Mapping[str, Any], to: UUID | None = None
    ) -> None:
        message = {"type": type, "from": sender, "to": to or self.user, "content": content}
        self.outbox.put(encode(message), EPHEMERAL if type == "typing" else "")

    def event(self, shared: Shared) -> None:
        """An entry of a log: only what was said counts here."""
        if shared.event.type == "conversation.created":
            self.hub.came_in(self, shared.event)
        elif shared.event.type == "message.created":
            self._show(msgspec.json.decode(shared.event.data, type=Created).message)

    def _show(self, message: Stored) -> None:
        conversation = message.conversation_id
        if conversation not in self._others:
            self._early.setdefault(conversation, []).append(message)
            if len(self._early[conversation]) == 1:
                self.hub.spawn(self._find_other(conversation))
            return
        other = self._others[conversation]
        if other is None:
            return
        content = {
            "conversation_id": conversation,
            "message_id": message.id,
            "content": message.text,
            "message_type": message.type.upper(),
            "client_id": message.client_msg_id,
            "created_at": message.created_at,
        }
        self._say("chat", message.sender_id, content, other if message.sender_id == self.me.id else self.user)

    async def _find_other(self, conversation: UUID) -> None:
        try:
            async with self.app.db.fresh() as tx:
                self._others[conversation] = (await conversations.place(tx, self.me, conversation)).other_id
        except NotMember:  # or no more
            return
        finally:
            early = self._early.pop(conversation, [])
        for message in early:
            self._show(message)

    def typing(self, stream: str, data: Mapping[str, Any]) -> None:
        """Somebody writes, or has ceased to."""
        content = {"conversation_id": stream[2:], "typing": data["expires_in_ms"] > 0}
        self._say("typing", data["user_id"], content)

    def notification(self, note: Notification, unread: int) -> None:
        """Its owner was told something."""
        self._say("notification", None, {"notification": note, "unread_count": unread})
