"""GET /ws?token=…: frames {type, data}, as the contract's `realtime` has them; over the hub of this process.

Direct messages come from the logs of their conversations, so none is lost between two processes. What no log keeps comes
from the bus: for one person from the channel `hints.LIVE` and their id, for everybody from BROADCAST; both carry
{type, …fields}, see `hints.tell`.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.articles import service as articles
from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import conversation_stream
from majlis.features.documents import service as documents
from majlis.features.letters import service as letters
from majlis.features.notifications.model import Notification
from majlis.features.preferences import service as preferences
from majlis.features.preferences.model import Preferences
from majlis.features.rooms import service as rooms
from majlis.features.sockets import service as sockets
from majlis.features.sockets.model import Ticket as Made
from majlis.kit import clock, hints, http, log
from majlis.kit.errors import RateLimited, Refused
from majlis.kit.http import Socket, access
from majlis.kit.me import Me
from majlis.surfaces.compat.starter import messages
from majlis.surfaces.compat.starter.frames import (
    CATEGORIES,
    INCOMING,
    PAYLOAD,
    Beats,
    Reads,
    SocketQuery,
    Ticket,
    Types,
)
from majlis.surfaces.compat.starter.shapes import Message, camel, says
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.connection import Answers
from majlis.surfaces.realtime.entries import Created, Deleted, Moved, Opened
from majlis.surfaces.realtime.frames import UNREADABLE, Shared, encode
from majlis.surfaces.realtime.known import Known, converse
from majlis.surfaces.realtime.outbox import EPHEMERAL
from majlis.surfaces.realtime.rooms import TypingHint
from majlis.surfaces.realtime.writing import spend

logger = log.get("majlis.sockets")
api = http.Api("sockets")
KIND, MOST_OPEN = "starter", 5  # connections of one person here
BROADCAST = "starter"
BEAT_S = 30.0  # between two signs that somebody is still in their rooms
BARE = frozenset({letters.READ})  # frames whose type does not stand in their data once more


class TooManyConnections(RateLimited):
    """Beyond the limit."""

    code, detail = "too_many_connections", f"At most {MOST_OPEN} connections at once."


@api.post("/api/v1/ws-ticket", policy=access.user, status=201, idempotent=False)
@says("Ticket created successfully")
async def ticket(app: App, me: Me) -> Ticket:
    """A ticket for `GET /ws?ticket=…`, so that no token stands in a query."""
    async with app.db.tx() as tx:
        made: Made = await sockets.ticket(tx, me)
    return Ticket(made.ticket, made.expires_in)


@api.socket("/ws", policy=access.user)
async def connect(app: App, me: Me, socket: Socket, query: SocketQuery) -> None:
    """Direct messages, rooms, documents, tasks and articles of the caller, as they happen."""
    here = hub.of(app)
    if sum(one.kind == KIND for one in here.people.get(me.user(), ())) >= MOST_OPEN:
        raise TooManyConnections()
    await converse(Session(here, socket, me))


class Session(Known):
    """A connection of somebody who hears of everything of this contract that reaches them."""

    def __init__(self, here: hub.Hub, socket: Socket, me: Me) -> None:
        super().__init__(here, socket, me)
        self.kind = KIND
        self._streams: dict[UUID, str] = {}  # of those to whom the caller types
        self._beaten = 0.0
        self._preferences: Preferences | None = None  # as far as they are known
        self._forgotten = 0  # how often they were not, any more
        self._ways_out = [
            self.app.bus.subscribe(f"{hints.LIVE}{me.user()}", self._live),
            self.app.bus.subscribe(BROADCAST, self._live),
            self.app.bus.subscribe(preferences.CHANGED + str(me.user()), lambda _: self._forget()),
        ]

    # ---- beginning and end

    async def talk(self) -> None:
        """Handle one frame after the other."""
        beating = asyncio.create_task(self._beat())
        try:
            await super().talk()
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating

    async def refreshed(self) -> None:
        """Follow what its owner may follow now, and watch with whom they write."""
        self._forget()  # a hint may have been lost
        async with self.app.db.fresh() as tx:
            found = await letters.streams(tx, self.me)
            partners = await letters.partners(tx, self.me)
        await self.follow(found)
        await self.hub.board.watch(self, partners)

    def came_in(self, answers: Answers, denied: Mapping[str, str]) -> None:
        """What was written while nobody was here is delivered now."""
        self.hub.spawn(
            self._got({stream: at["seq"] for stream, at in answers.items() if at["status"] == "live"})
        )

    async def left(self) -> None:
        """The connection is over: with their last one, its owner leaves all rooms."""
        for leave in self._ways_out:
            leave()
        if any(one.kind == KIND for one in self.hub.people.get(self.user, ())):
            return
        async with self.app.db.tx() as tx:
            nodes = await sockets.presences(tx, self.me, [self.user])
            if not any(one.is_there(clock.now()) for one in nodes if one.node != self.hub.board.node):
                await rooms.leave_all(tx, self.me)

    async def _beat(self) -> None:
        """As long as the peer answers pings, its owner is in their rooms."""
        while True:
            await asyncio.sleep(BEAT_S)
            if asyncio.get_running_loop().time() - self.socket.heard <= self.quiet_s:
                try:
                    await self._stay(None)
                except Exception:
                    logger.exception("rooms_not_kept")

    async def _stay(self, room_id: str | None) -> None:
        async with self.app.db.tx() as tx:
            await rooms.stay(tx, self.me, room_id)

    # ---- what it says

    async def handle(self, text: str) -> None:
        """Do what a frame of the client asks for."""
        try:
            incoming = INCOMING.decode(text)
            if incoming.type == "ping":
                await self._ping()
            elif incoming.type == "typing":
                await self._types(msgspec.json.decode(incoming.data, type=Types))
            elif incoming.type == "mark_read":
                await self._reads(msgspec.json.decode(incoming.data, type=Reads))
            elif incoming.type == "room_heartbeat":
                await spend(self.app, self.me)
                await self._stay(msgspec.json.decode(incoming.data, type=Beats).room_id)
            else:
                self._error("unknown_type", "There is no such type of frame.")
        except UNREADABLE as error:
            self._error("bad_frame", str(error))
        except Refused as refused:
            self._error(refused.code, refused.detail)

    async def _ping(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._beaten >= 1:  # one write a second says as much as a hundred
            self._beaten = now
            await self._stay(None)
        self._say("pong", {})

    async def _types(self, typed: Types) -> None:
        stream = self._streams.get(typed.receiver_id)
        if stream is None:
            await spend(self.app, self.me)
            async with self.app.db.fresh() as tx:
                found = await conversations.find_dm(tx, self.me, typed.receiver_id)
            if found is None:  # nobody has written yet, so nobody would hear of it
                return
            stream = self._streams[typed.receiver_id] = conversation_stream(found)
        self.hub.typing(self, stream, TypingHint(self.user, typing=typed.is_typing))

    async def _reads(self, read: Reads) -> None:
        await spend(self.app, self.me)
        async with self.app.db.tx() as tx:
            await letters.read(tx, self.me, read.message_ids)

    def _error(self, code: str, message: str) -> None:
        self._say("error", {"code": code, "message": message})

    # ---- what it hears

    def _say(self, type: str, data: Any, key: str = "") -> None:
        self.outbox.put(encode({"type": type, "data": data}), key)

    def event(self, shared: Shared) -> None:
        """An entry of a log: what was said and taken back, and what was read."""
        event = shared.event
        if event.type == "conversation.created":
            if msgspec.json.decode(event.data, type=Opened).kind == "dm":
                self.hub.came_in(self, event)
                self.hub.spawn(self._watch())
        elif event.type == "message.created":
            self.later(
                "said", (event.stream, event.seq, msgspec.json.decode(event.data, type=Created).message)
            )
        elif event.type == "message.deleted":
            self.later("deleted", msgspec.json.decode(event.data, type=Deleted).message_id)
        elif event.type == "read.updated":
            moved = msgspec.json.decode(event.data, type=Moved)
            if moved.user_id != self.user:
                self.later("moved", moved)

    def typing(self, stream: str, data: Mapping[str, Any]) -> None:
        """Somebody writes, or has ceased to."""
        self._say(
            "user_typing", {"userId": data["user_id"], "isTyping": data["expires_in_ms"] > 0}, EPHEMERAL
        )

    def presence(self, data: Mapping[str, Any]) -> None:
        """Somebody came or went with whom the owner writes."""
        self._say("presence", {"userId": data["user_id"], "isOnline": data["presence"] != "offline"})

    def notification(self, note: Notification, unread: int) -> None:
        """This contract has no frames for what its owner was told."""

    def dropped(self, stream: str, reason: str) -> None:
        """It follows a conversation no more, of which it hears by that."""

    def heads(self, heads: Mapping[str, int]) -> None:
        """This contract has no frames for where logs end."""

    def _live(self, payload: bytes) -> None:
        self.later("live", payload)

    async def _watch(self) -> None:
        async with self.app.db.fresh() as tx:
            partners = await letters.partners(tx, self.me)
        await self.hub.board.watch(self, partners)

    # ---- showing it, one after the other

    async def show(self, part: Sequence[tuple[str, Any]]) -> None:
        """Send what has come, as its owner may see it now."""
        said = {one[2].id: one for kind, one in part if kind == "said"}
        await self._got({stream: seq for stream, seq, one in said.values() if one.sender_id != self.user})
        shown: dict[UUID, Message] = {}
        if said:
            async with self.app.db.fresh() as tx:
                found = await letters.by_ids(tx, self.me, said)
                shown = {one.id: one for one in await messages.shown(tx, self.me, list(found.values()))}
        for kind, what in part:
            if kind == "said":
                message = shown.get(what[2].id)
                if message is not None and message.sender_id == self.user:
                    self._say("chat_message_sent", message)
                elif message is not None and await self._wants("chat_message"):
                    self._say("chat_message", message)
            elif kind == "deleted":
                self._say("message_deleted", {"messageId": what})
            elif kind == "moved":
                await self._moved(what)
            else:
                await self._tell(what)

    async def _got(self, places: Mapping[str, int]) -> None:
        """Note what has reached this device."""
        if places and await self._wants("chat_message"):
            async with self.app.db.tx() as tx:
                await conversations.acknowledge(tx, self.me, places)

    async def _moved(self, moved: Moved) -> None:
        async with self.app.db.fresh() as tx:
            passed = await letters.passed(
                tx, self.me, moved.conversation_id, moved.user_id, moved.last_read_seq
            )
        if passed:
            self._say(letters.READ, {"readerId": moved.user_id, "messageIds": passed})

    async def _tell(self, payload: bytes) -> None:
        """Pass on what the bus carried, its fields named as in the contract."""
        found = PAYLOAD.decode(payload)
        type = msgspec.json.decode(found["type"], type=str)
        if not await self._wants(type) or (type == "new_post" and not await self._may_hear(found)):
            return
        if type == documents.UPDATED and not await self._completed(found):
            return
        data = {camel(name): value for name, value in found.items() if name != "type" or type not in BARE}
        self._say(type, data)

    def _forget(self) -> None:
        self._preferences, self._forgotten = None, self._forgotten + 1

    async def _wants(self, type: str) -> bool:
        """Whether its owner lets frames of this type through."""
        category = CATEGORIES.get(type)
        if category is None:
            return True
        found, asked = self._preferences, self._forgotten
        if found is None:
            async with self.app.db.fresh() as tx:
                found = await preferences.get(tx, self.me)
            if asked == self._forgotten:  # else they have changed meanwhile, perhaps
                self._preferences = found
        return found.allows(category, "web_socket")

    async def _may_hear(self, found: Mapping[str, msgspec.Raw]) -> bool:
        """Whether its owner meets the author of an article that everybody is told of."""
        article_id, author = (msgspec.json.decode(found[name], type=UUID) for name in ("post_id", "author"))
        return await articles.may_hear(self.app, self.me, article_id, author)

    async def _completed(self, found: dict[str, msgspec.Raw]) -> bool:
        """What changed in a document, where that was too much for a hint. Returns whether it is known."""
        version = msgspec.json.decode(found.pop("version"), type=int)
        if "changes" not in found:
            document_id = msgspec.json.decode(found["document_id"], type=UUID)
            async with self.app.db.fresh() as tx:
                changes = await documents.changes(tx, self.me, document_id, version)
            if changes is None:
                return False
            found["changes"] = changes
        return True
