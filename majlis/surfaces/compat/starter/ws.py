"""GET /ws?token=…: frames {type, data}, as the contract's `realtime` has them; over the hub of this process.

Direct messages come from the logs of their conversations, so none is lost between two processes. What no log keeps comes
from the bus: for one person from the channel `hints.LIVE` and their id, for everybody from BROADCAST; both carry
{type, …fields}, see `hints.tell`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import conversation_stream
from majlis.features.documents import service as documents
from majlis.features.letters import service as letters
from majlis.features.notifications.model import Notification
from majlis.features.preferences import service as preferences
from majlis.features.preferences.model import Preferences
from majlis.features.rooms import service as rooms
from majlis.features.sessions import service as sessions
from majlis.features.sockets import service as sockets
from majlis.features.sockets.model import Ticket as Made
from majlis.kit import clock, hints, http, log
from majlis.kit.errors import RateLimited, Refused
from majlis.kit.http import Request, Socket, access
from majlis.kit.http.sockets import Binary
from majlis.kit.me import Me
from majlis.surfaces.compat.starter import messages
from majlis.surfaces.compat.starter.audience import AUDIENCE
from majlis.surfaces.compat.starter.frames import (
    CATEGORIES,
    INCOMING,
    PAYLOAD,
    Beats,
    Created,
    Deleted,
    Moved,
    Opened,
    Reads,
    SocketQuery,
    Ticket,
    Types,
)
from majlis.surfaces.compat.starter.shapes import Message, camel, says
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.connection import Answers, Connection
from majlis.surfaces.realtime.frames import UNREADABLE, Shared, encode
from majlis.surfaces.realtime.outbox import EPHEMERAL
from majlis.surfaces.realtime.rooms import TypingHint
from majlis.surfaces.realtime.writing import spend

logger = log.get("majlis.sockets")
api = http.Api("sockets")
KIND, MOST_OPEN = "starter", 5  # connections of one person here
BROADCAST = "starter"
BEAT_S = 30.0  # between two signs that somebody is still in their rooms
BINARY = 1003
BARE = frozenset({letters.READ})  # frames whose type does not stand in their data once more


class TooManyConnections(RateLimited):
    """Beyond the limit."""

    code, detail = "too_many_connections", f"At most {MOST_OPEN} connections at once."


async def caller(
    app: App, request: Request, admit: Callable[[App, Request, Awaitable[Me]], Awaitable[Me]]
) -> Me:
    """Who opens a socket, by the token or ticket in its query, which nothing sees behind this."""
    query = parse_qs(request.scope["query_string"].decode("latin-1"))
    request.scope["query_string"] = b""
    ticket, token = query.get("ticket"), request.bearer or query.get("token", [None])[0]
    if ticket:
        return await admit(app, request, sockets.enter(app, Me.anonymous, ticket[0]))
    if token is None:
        return Me.anonymous
    return await admit(app, request, sessions.authenticate(app, token, AUDIENCE))


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
    connection = Session(here, socket, me)
    try:
        if here.full:
            await socket.accept()
            connection.end(1013)
            return
        here.add(connection)
        await here.recheck(connection)  # it follows everything before the client can wait for anything
        await socket.accept()
        await connection.serve()
    finally:
        here.remove(connection)
        await connection.left()


class Session(Connection):
    """A connection of somebody who hears of everything of this contract that reaches them."""

    def __init__(self, here: hub.Hub, socket: Socket, me: Me) -> None:
        super().__init__(socket, me)
        self.kind, self.joined = KIND, True
        self.hub, self.app, self._frames = here, here.app, socket
        self._streams: dict[UUID, str] = {}  # of those to whom the caller types
        self._todo: deque[tuple[str, Any]] = deque()
        self._working = False
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
            while True:
                await self.outbox.eased()  # who does not read answers is not asked for more
                await self._handle(await self._frames.text())
        except Binary:
            self.end(BINARY, "text_only")
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
        new = [stream for stream in found if stream not in self.streams][: hub.MOST_STREAMS]
        if new:
            await self.hub.subscribe(self, dict.fromkeys(new), self.came_in)
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

    async def _handle(self, text: str) -> None:
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
            self._later(
                "said", (event.stream, event.seq, msgspec.json.decode(event.data, type=Created).message)
            )
        elif event.type == "message.deleted":
            self._later("deleted", msgspec.json.decode(event.data, type=Deleted).message_id)
        elif event.type == "read.updated":
            moved = msgspec.json.decode(event.data, type=Moved)
            if moved.user_id != self.user:
                self._later("moved", moved)

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
        self._later("live", payload)

    async def _watch(self) -> None:
        async with self.app.db.fresh() as tx:
            partners = await letters.partners(tx, self.me)
        await self.hub.board.watch(self, partners)

    # ---- showing it, one after the other

    def _later(self, kind: str, what: Any) -> None:
        self._todo.append((kind, what))
        if len(self._todo) > 1000:  # more than the database can keep up with
            self._todo.clear()
            self.end(1013)
        if not self._working:
            self._working = True
            self.hub.spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._todo:
                part = [self._todo.popleft() for _ in range(min(50, len(self._todo)))]
                await self._show(part)
        finally:
            self._working = False

    async def _show(self, part: Sequence[tuple[str, Any]]) -> None:
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
        if not await self._wants(type):
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
