"""GET /api/v1/ws: one JSON object in each text frame, as contracts/realtime.md has it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import NotMember, user_stream
from majlis.features.notifications.model import Notification
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import BadAccess
from majlis.kit import clock, http, ids, limits, log
from majlis.kit.errors import Malformed, Refused
from majlis.kit.http import Socket, access
from majlis.kit.http.sockets import Binary, Closed
from majlis.kit.me import Me
from majlis.kit.tokens import BadToken, Expired
from majlis.surfaces.realtime import frames, hub
from majlis.surfaces.realtime.connection import Answers, Connection
from majlis.surfaces.realtime.frames import Shared, encode
from majlis.surfaces.realtime.outbox import EPHEMERAL
from majlis.surfaces.realtime.rooms import TypingHint
from majlis.surfaces.realtime.writing import say, sending, spend

logger = log.get("majlis.sockets")
api = http.Api("realtime")
BURST, PER_S = 300, 30  # frames of a client: so many at once, so many a second after that
ACK_S, TYPING_S = 3.0, 1.0  # between two of these that have an effect
MALFORMED, UNAUTHENTICATED, FLOOD = 4400, 4401, 4429


class Unoffered(Malformed):
    """A client that does not say which protocol it speaks."""

    code, detail = "subprotocol_needed", f"Offer the subprotocol {frames.PROTOCOL}."


@api.socket("/api/v1/ws", policy=access.none)
async def connect(app: App, socket: Socket) -> None:
    """Talk with somebody whose first frame holds an access token."""
    if frames.PROTOCOL not in socket.offered:
        raise Unoffered()
    await socket.accept(frames.PROTOCOL)
    here = hub.of(app)
    connection = Session(here, socket)
    if here.full:
        connection.end(1013)
        return
    try:
        await connection.serve()
    finally:
        await connection.over()


class Session(Connection):
    """A connection of the protocol majlis.v1."""

    quiet_s = 2.0 * frames.PING_S

    def __init__(self, hub: hub.Hub, socket: Socket) -> None:
        super().__init__(socket)
        self.hub, self.app = hub, hub.app
        self._allowance, self._counted = float(BURST), asyncio.get_running_loop().time()
        self._expiry: asyncio.TimerHandle | None = None
        self._acks: dict[str, int] = {}
        self._acking: asyncio.Task[None] | None = None
        self._typed: dict[str, float] = {}

    async def talk(self) -> None:
        """Have it say who it is, then handle its frames."""
        self.outbox.put(frames.hello())
        try:
            try:
                async with asyncio.timeout(frames.AUTH_S):
                    text = await self.socket.text()
            except TimeoutError:
                self.end(UNAUTHENTICATED, "auth_timeout")
                return
            if not await self._enter(text):
                return
            while True:
                await self.outbox.eased()  # who does not read answers is not asked for more
                await self._handle(await self.socket.text())
        except Binary:
            self.end(MALFORMED)

    async def over(self) -> None:
        """It has ended."""
        self.hub.remove(self)
        if self._expiry is not None:
            self._expiry.cancel()
        if self._acking is not None:
            self._acking.cancel()
        if self._acks:
            async with self.app.db.tx() as tx:
                await conversations.acknowledge(tx, self.me, self._acks)

    def say(self, t: str, id: str | None = None, **data: Any) -> None:
        """Send a frame."""
        self.outbox.put(encode({"t": t, **({"id": id} if id is not None else {}), **data}))

    # ---- who it is

    async def _enter(self, text: str) -> bool:
        """Handle the first frame, with which somebody says who they are."""
        epoch = self.app.gate.seen.epoch
        try:
            if frames.OPENING.decode(text).t != "auth":
                self._fail("unauthenticated", "The first frame is auth.", UNAUTHENTICATED)
                return False
            frame = msgspec.json.decode(text, type=frames.Auth)
        except msgspec.MsgspecError as error:
            self._fail("bad_frame", str(error), MALFORMED)
            return False
        try:
            me, expires = await self._admit(frame.token)
        except BadAccess as refused:
            await self._turn_away(frame, refused)
            return False
        async with self.app.db.fresh() as tx:
            found = await conversations.heads(tx, me, [user_stream(me.user())])
        self.me, self.kind = me, frame.client.partition("/")[0][:50]
        self._end_at(expires)
        (head,) = found.heads.values()
        self.say(
            "ready", frame.id, connection_id=f"k_{self.id}", user_id=me.id, session_expires_at=expires,
            user_stream={"stream": head.stream, "seq": head.seq, "min_seq": head.min_seq},
        )  # fmt: skip
        self.hub.add(self)
        if self.app.gate.seen.epoch != epoch:  # a session ended while nobody here knew of this connection
            await self.hub.recheck(self)
        return True

    async def _admit(self, token: str) -> tuple[Me, datetime]:
        """Whom a token stands for, and until when. Raises BadAccess."""
        me = await sessions.authenticate(self.app, token)
        return me, datetime.fromtimestamp(float(self.app.gate.signer.verify(token)["exp"]), UTC)

    async def _turn_away(self, frame: frames.Auth, refused: BadAccess) -> None:
        code, reason, close = "unauthenticated", "", UNAUTHENTICATED
        try:
            claims = self.app.gate.signer.verify(frame.token)
            close, reason = await self.hub.why(UUID(claims["user_id"]))
        except Expired:
            code = reason = "token_expired"
        except (BadToken, KeyError, ValueError, TypeError):
            wait = await self._guessed()
            if wait:
                self.end(FLOOD, wait_ms=wait)
                return
        self._fail(code, refused.detail, close, reason, frame.id)

    async def _guessed(self) -> int:
        """Count a made-up token against its address. Returns for how many milliseconds no more are taken."""
        address = self.socket.request.ip
        if limits.within(address, limits.networks(self.app.settings.rate_limit_exempt)):
            return 0
        for limit in (limits.BURST, limits.IP) if self.app.limiter.enabled else ():
            verdict = await self.app.limiter.hit(limit, limits.ip_key(address))
            if not verdict.allowed:
                return max(1, verdict.reset_s) * 1000
        return 0

    def _end_at(self, expires: datetime) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        left = (expires - clock.now()).total_seconds()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(max(0.0, left), self.end, UNAUTHENTICATED, "token_expired")

    def _fail(self, code: str, words: str, close: int, reason: str = "", id: str | None = None) -> None:
        self.outbox.put(frames.error(code, words, id, fatal=True))
        self.end(close, reason)

    # ---- what it says

    async def _handle(self, text: str) -> None:
        if not self._allowed():
            self.end(FLOOD, wait_ms=1000 * BURST // PER_S)
            raise Closed(FLOOD)
        try:
            opening = frames.OPENING.decode(text)
        except msgspec.MsgspecError as error:
            self._fail("bad_frame", str(error), MALFORMED)
            raise Closed(MALFORMED) from None
        act = ACTS.get(opening.t)
        if act is None:
            known = opening.t in frames.KINDS
            words = "This comes once, and first." if known else "There is no such frame."
            self.outbox.put(frames.error("bad_frame" if known else "unknown_type", words, opening.id))
            return
        try:
            await act(self, frames.DECODERS[opening.t].decode(text))
        except msgspec.MsgspecError as error:
            self.outbox.put(frames.error("bad_frame", str(error), opening.id))
        except Refused as refused:
            self.outbox.put(frames.refusal(refused, opening.id))
        except Closed:
            raise
        except Exception:
            logger.exception("frame_failed", frame=opening.t, user=str(self.me.id))
            self.outbox.put(frames.error("internal", "Something went wrong here.", opening.id))

    def _allowed(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._allowance = min(BURST, self._allowance + (now - self._counted) * PER_S) - 1
        self._counted = now
        return self._allowance >= 0

    async def _subscribe(self, frame: frames.Subscribe) -> None:
        wanted = {stream: after.after_seq for stream, after in frame.streams.items() if _named(stream)}
        unknown = {stream: "not_found" for stream in frame.streams if stream not in wanted}
        if frame.joined:
            self.joined = True
            wanted = dict.fromkeys(await self.hub.unfollowed(self)) | wanted
        if len(self.streams | wanted.keys()) > hub.MOST_STREAMS:
            words = f"At most {hub.MOST_STREAMS} streams."
            self.outbox.put(frames.error("too_many_streams", words, frame.id))
            return
        await self.hub.subscribe(
            self, wanted, lambda answers, denied: self._subscribed(frame.id, answers, {**unknown, **denied})
        )
        late = await self.hub.unfollowed(self) if frame.joined else ()
        if late:  # come into while its owner's own stream was not followed yet
            await self.hub.subscribe(self, dict.fromkeys(late, hub.BEGINNING), self.came_in)

    def _subscribed(self, id: str | None, answers: Answers, denied: Mapping[str, str]) -> None:
        self.say("subscribed", id, streams=answers, **({"denied": denied} if denied else {}))

    async def _unsubscribe(self, frame: frames.Unsubscribe) -> None:
        for stream in frame.streams:
            self.hub.rooms.leave(self, stream)
        self.say("ok", frame.id)

    async def _send(self, frame: frames.Send) -> None:
        conversation = _conversation(frame.stream)
        if not frame.client_msg_id:
            words = "Give each message an id that you make once."
            self.outbox.put(frames.error("client_msg_id_required", words, frame.id))
            return
        await spend(self.app, self.me)
        body = sending(frame.client_msg_id, frame.message)
        async with self.app.db.tx() as tx:
            sent = await say(tx, self.me, conversation, body)
        self.say(
            "sent", frame.id, stream=frame.stream, client_msg_id=frame.client_msg_id, message_id=sent.message.id,
            seq=sent.seq, created_at=sent.message.created_at, duplicate=sent.duplicate,
        )  # fmt: skip

    async def _mark_read(self, frame: frames.Mark) -> None:
        async with self.app.db.tx() as tx:
            await conversations.mark_read(tx, self.me, _conversation(frame.stream), frame.seq)
        self.say("ok", frame.id)

    async def _mark_unread(self, frame: frames.Mark) -> None:
        async with self.app.db.tx() as tx:
            await conversations.mark_unread(tx, self.me, _conversation(frame.stream), frame.seq)
        self.say("ok", frame.id)

    async def _typing(self, frame: frames.Typing) -> None:
        now = asyncio.get_running_loop().time()
        if frame.stream in self.streams and now - self._typed.get(frame.stream, -TYPING_S) >= TYPING_S:
            self._typed[frame.stream] = now
            self.hub.typing(self, frame.stream, TypingHint(self.user, frame.thread_root_id))

    async def _presence(self, frame: frames.State) -> None:
        self.state = frame.state
        self.hub.board.changed(self.user)

    async def _watch(self, frame: frames.Watch) -> None:
        found = await self.hub.board.watch(self, frame.user_ids)
        self.say("ok", frame.id)
        for data in found:
            self.presence(data)

    async def _ack(self, frame: frames.Ack) -> None:
        for stream, seq in frame.streams.items():
            if stream in self.streams:
                self._acks[stream] = max(seq, self._acks.get(stream, 0))
        if self._acks and (self._acking is None or self._acking.done()):
            self._acking = asyncio.create_task(self._acknowledge())

    async def _acknowledge(self) -> None:
        while self._acks:
            acks = dict(self._acks)
            try:
                async with self.app.db.tx() as tx:
                    await conversations.acknowledge(tx, self.me, acks)
                self._acks = {name: seq for name, seq in self._acks.items() if seq > acks.get(name, 0)}
            except Exception:
                logger.exception("ack_failed")
            await asyncio.sleep(ACK_S)

    async def _ping(self, frame: frames.Ping) -> None:
        self.say("pong", frame.id, server_time=clock.now())

    async def _reauth(self, frame: frames.Reauth) -> None:
        try:
            me, expires = await self._admit(frame.token)
        except BadAccess as refused:
            code = "unauthenticated"
            try:
                self.app.gate.signer.verify(frame.token)
            except Expired:
                code = "token_expired"
            except BadToken:
                await self._guessed()
            self.outbox.put(frames.error(code, refused.detail, frame.id))
            return
        if me.id != self.me.id:
            self.outbox.put(frames.error("forbidden", "This is somebody else's token.", frame.id))
            return
        self.me = me
        self._end_at(expires)
        self.say("ok", frame.id, session_expires_at=expires)

    # ---- what it hears

    def event(self, shared: Shared) -> None:
        """An entry of a log."""
        self.outbox.put(shared.wire)
        if self.joined and shared.event.type == "conversation.created":
            self.hub.came_in(self, shared.event)

    def typing(self, stream: str, data: Mapping[str, Any]) -> None:
        """Somebody writes."""
        self.outbox.put(frames.ephemeral("typing", data, stream), EPHEMERAL)

    def presence(self, data: Mapping[str, Any]) -> None:
        """Somebody came, went, or looks away."""
        self.outbox.put(frames.ephemeral("presence", data), EPHEMERAL)

    def notification(self, note: Notification, unread: int) -> None:
        """Its owner was told something."""
        data = {"notification": note, "unread_count": unread}
        self.outbox.put(frames.ephemeral("notification", data), EPHEMERAL)

    def came_in(self, answers: Answers, denied: Mapping[str, str]) -> None:
        """It follows one more stream."""
        if answers:
            self._subscribed(None, answers, {})

    def dropped(self, stream: str, reason: str) -> None:
        """It follows a stream no more."""
        self.say("stream_closed", stream=stream, reason=reason)

    def heads(self, heads: Mapping[str, int]) -> None:
        """Where streams end."""
        self.outbox.put(encode({"t": "heads", "streams": heads}), "heads")

    def farewell(self, code: int, reason: str, wait_ms: int) -> list[bytes]:
        """The last frame."""
        return [frames.closing(code, reason, wait_ms)]


Act = Callable[[Session, Any], Awaitable[None]]
ACTS: dict[str, Act] = {
    "subscribe": Session._subscribe,
    "unsubscribe": Session._unsubscribe,
    "send": Session._send,
    "mark_read": Session._mark_read,
    "mark_unread": Session._mark_unread,
    "typing": Session._typing,
    "presence": Session._presence,
    "watch_presence": Session._watch,
    "ack": Session._ack,
    "ping": Session._ping,
    "reauth": Session._reauth,
}


def _named(stream: str) -> bool:
    """Whether this is the name of a stream."""
    key = ids.parse(stream[2:])
    return key is not None and stream[:2] in ("c_", "u_") and str(key) == stream[2:]


def _conversation(stream: str) -> UUID:
    """The conversation behind a stream. Raises NotMember."""
    key = ids.parse(stream[2:])
    if key is None or not stream.startswith("c_"):
        raise NotMember()
    return key
