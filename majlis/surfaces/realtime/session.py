"""A session of the protocol majlis.v1 (contracts/realtime.md), whatever carries its frames."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import NotMember, user_stream
from majlis.features.notifications.model import Notification
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import BadAccess
from majlis.kit import clock, ids, limits, log
from majlis.kit.db import GAVE_WAY
from majlis.kit.errors import Refused, gave_way
from majlis.kit.http.sockets import Closed
from majlis.kit.tokens import BadToken, Expired
from majlis.surfaces.realtime import frames, hub
from majlis.surfaces.realtime.connection import Answers, Connection
from majlis.surfaces.realtime.frames import Shared, encode
from majlis.surfaces.realtime.outbox import EPHEMERAL, Transport
from majlis.surfaces.realtime.rooms import TypingHint
from majlis.surfaces.realtime.writing import say, sending, spend

logger = log.get("majlis.sockets")
BURST, PER_S = 300, 30  # frames of a client: so many at once, so many a second after that
ACK_S, TYPING_S = 3.0, 1.0  # between two of these that have an effect
MALFORMED, UNAUTHENTICATED, FLOOD = 4400, 4401, 4429


class TurnedAway(Exception):
    """Whoever said this may not come in: why, and with which code the connection is closed."""

    def __init__(self, code: str, words: str, close: int, reason: str = "", wait_ms: int = 0) -> None:
        self.code, self.words, self.close, self.reason, self.wait_ms = code, words, close, reason, wait_ms
        super().__init__(code)

    def frame(self, id: str | None = None) -> bytes:
        """The same as an object of the protocol."""
        return frames.error(self.code, self.words, id, fatal=True, wait_ms=self.wait_ms)


class Session(Connection):
    """A connection of the protocol majlis.v1. A transport overrides `tell` and `answer`."""

    quiet_s = 2.0 * frames.PING_S

    def __init__(self, here: hub.Hub, socket: Transport, address: str) -> None:
        Connection.__init__(self, socket)
        self.hub, self.app, self.address = here, here.app, address
        self._allowance, self._counted = float(BURST), asyncio.get_running_loop().time()
        self._acks: dict[str, int] = {}
        self._acking: asyncio.Task[None] | None = None
        self._parted = asyncio.Event()
        self._typed: dict[str, float] = {}

    def tell(self, t: str, frame: bytes, key: str = "") -> None:
        """Send a frame of this kind."""
        self.outbox.put(frame, key)

    def answer(self, t: str, frame: bytes) -> None:
        """Send a frame that answers the one that is being handled."""
        self.outbox.put(frame)

    def reply(self, t: str, id: str | None, **data: Any) -> None:
        """Answer with these fields."""
        self.answer(t, _frame(t, id, data))

    def refuse(self, code: str, words: str, id: str | None = None) -> None:
        """Answer that this is not done."""
        self.answer("error", frames.error(code, words, id))

    async def over(self) -> None:
        """It has ended."""
        self.hub.remove(self)
        self._parted.set()
        if self._acking is not None:
            await self._acking  # which notes what is left, and breaks nothing off

    # ---- who it is

    async def admit(self, frame: frames.Auth) -> dict[str, Any]:
        """Learn who it is from the first frame; what `ready` tells then. Raises TurnedAway."""
        try:
            me = await sessions.authenticate(self.app, frame.token)
        except BadAccess as refused:
            raise await self._turned_away(frame.token, refused) from refused
        async with self.app.db.fresh() as tx:
            found = await conversations.heads(tx, me, [user_stream(me.user())])
        self.me, self.kind = me, frame.client.partition("/")[0][:50]
        (head,) = found.heads.values()
        return {
            "connection_id": f"k_{self.id}", "user_id": me.id, "session_expires_at": me.until,
            "user_stream": {"stream": head.stream, "seq": head.seq, "min_seq": head.min_seq},
        }  # fmt: skip

    async def enter_hub(self, epoch: int) -> None:
        """Be there for others. `epoch` is the gate's of before it was asked who this is."""
        self.hub.add(self)
        if self.app.gate.seen.epoch != epoch:  # a session ended while nobody here knew of this connection
            await self.hub.recheck(self)

    async def _turned_away(self, token: str, refused: BadAccess) -> TurnedAway:
        try:
            claims = self.app.gate.signer.verify(token)
            close, reason = await self.hub.why(UUID(claims["user_id"]))
        except Expired:
            return TurnedAway("token_expired", refused.detail, UNAUTHENTICATED, "token_expired")
        except (BadToken, KeyError, ValueError, TypeError):
            wait = await self._guessed()
            if wait:
                return TurnedAway("rate_limited", "Too many tokens that are not good.", FLOOD, wait_ms=wait)
            return TurnedAway("unauthenticated", refused.detail, UNAUTHENTICATED)
        return TurnedAway("unauthenticated", refused.detail, close, reason)

    async def _guessed(self) -> int:
        """Count a made-up token against its address. Returns for how many milliseconds no more are taken."""
        if limits.within(self.address, limits.networks(self.app.settings.rate_limit_exempt)):
            return 0
        for limit in (limits.BURST, limits.IP) if self.app.limiter.enabled else ():
            verdict = await self.app.limiter.hit(limit, limits.ip_key(self.address))
            if not verdict.allowed:
                return max(1, verdict.reset_s) * 1000
        return 0

    # ---- what it says

    async def handle(self, t: str, id: str | None, text: str | bytes) -> None:
        """Do what a frame of this kind asks for. Raises Closed."""
        act = ACTS.get(t)
        if act is None:
            known = t in frames.KINDS
            words = "This comes once, and first." if known else "There is no such frame."
            self.refuse("bad_frame" if known else "unknown_type", words, id)
            return
        try:
            await act(self, frames.DECODERS[t].decode(text))
        except frames.UNREADABLE as error:
            self.refuse("bad_frame", str(error), id)
        except Refused as refused:
            self.answer("error", frames.refusal(refused, id))
        except Closed:
            raise
        except GAVE_WAY as error:
            logger.warning("frame_gave_way", frame=t, user=str(self.me.id), exc_info=error)
            self.answer("error", frames.refusal(gave_way(), id))
        except Exception:
            logger.exception("frame_failed", frame=t, user=str(self.me.id))
            self.refuse("internal", "Something went wrong here.", id)

    def count(self) -> None:
        """Count a frame against what a client may send. Raises Closed."""
        now = asyncio.get_running_loop().time()
        self._allowance = min(BURST, self._allowance + (now - self._counted) * PER_S) - 1
        self._counted = now
        if self._allowance < 0:
            self.end(FLOOD, wait_ms=1000 * BURST // PER_S)
            raise Closed(FLOOD)

    async def _subscribe(self, frame: frames.Subscribe) -> None:
        wanted = {stream: after.after_seq for stream, after in frame.streams.items() if _named(stream)}
        unknown = {stream: "not_found" for stream in frame.streams if stream not in wanted}
        if frame.joined:
            self.joined = True
            wanted = dict.fromkeys(await self.hub.unfollowed(self)) | wanted
        if len(self.streams | wanted.keys()) > hub.MOST_STREAMS:
            words = f"At most {hub.MOST_STREAMS} streams."
            self.refuse("too_many_streams", words, frame.id)
            return
        await self.hub.subscribe(
            self, wanted, lambda answers, denied: self._subscribed(frame.id, answers, {**unknown, **denied})
        )
        late = await self.hub.unfollowed(self) if frame.joined else ()
        if late:  # come into while its owner's own stream was not followed yet
            await self.hub.subscribe(self, dict.fromkeys(late, hub.BEGINNING), self.came_in)

    def _subscribed(self, id: str | None, answers: Answers, denied: Mapping[str, str]) -> None:
        self.reply("subscribed", id, streams=answers, **({"denied": denied} if denied else {}))

    async def _unsubscribe(self, frame: frames.Unsubscribe) -> None:
        for stream in frame.streams:
            self.hub.rooms.leave(self, stream)
        self.reply("ok", frame.id)

    async def _send(self, frame: frames.Send) -> None:
        conversation = _conversation(frame.stream)
        if not frame.client_msg_id:
            words = "Give each message an id that you make once."
            self.refuse("client_msg_id_required", words, frame.id)
            return
        await spend(self.app, self.me)
        body = sending(frame.client_msg_id, frame.message)
        async with self.app.db.tx() as tx:
            sent = await say(tx, self.me, conversation, body)
        self.reply(
            "sent", frame.id, stream=frame.stream, client_msg_id=frame.client_msg_id, message_id=sent.message.id,
            seq=sent.seq, created_at=sent.message.created_at, duplicate=sent.duplicate,
        )  # fmt: skip

    async def _mark_read(self, frame: frames.Mark) -> None:
        async with self.app.db.tx() as tx:
            await conversations.mark_read(tx, self.me, _conversation(frame.stream), frame.seq)
        self.reply("ok", frame.id)

    async def _mark_unread(self, frame: frames.Mark) -> None:
        async with self.app.db.tx() as tx:
            await conversations.mark_unread(tx, self.me, _conversation(frame.stream), frame.seq)
        self.reply("ok", frame.id)

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
        self.reply("ok", frame.id)
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
            last, acks = self._parted.is_set(), dict(self._acks)
            try:
                async with self.app.db.tx() as tx:
                    await conversations.acknowledge(tx, self.me, acks)
                self._acks = {name: seq for name, seq in self._acks.items() if seq > acks.get(name, 0)}
            except Exception:
                logger.exception("ack_failed")
            if last:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ACK_S):
                    await self._parted.wait()

    async def _ping(self, frame: frames.Ping) -> None:
        self.reply("pong", frame.id, server_time=clock.now())

    async def _reauth(self, frame: frames.Reauth) -> None:
        try:
            me = await sessions.authenticate(self.app, frame.token)
        except BadAccess as refused:
            code = "unauthenticated"
            try:
                self.app.gate.signer.verify(frame.token)
            except Expired:
                code = "token_expired"
            except BadToken:
                await self._guessed()
            self.refuse(code, refused.detail, frame.id)
            return
        if me.id != self.me.id:
            self.refuse("forbidden", "This is somebody else's token.", frame.id)
            return
        self.me = me
        self.end_at(me.until)
        self.reply("ok", frame.id, session_expires_at=me.until)

    # ---- what it hears

    def event(self, shared: Shared) -> None:
        """An entry of a log."""
        self.tell("event", shared.wire)
        self.follow_new(shared)

    def follow_new(self, shared: Shared) -> None:
        """With an entry of a new conversation, follow that too, where its owner follows everything."""
        if self.joined and shared.event.type == "conversation.created":
            self.hub.came_in(self, shared.event)

    def typing(self, stream: str, data: Mapping[str, Any]) -> None:
        """Somebody writes."""
        self.tell("eph", frames.ephemeral("typing", data, stream), EPHEMERAL)

    def presence(self, data: Mapping[str, Any]) -> None:
        """Somebody came, went, or looks away."""
        self.tell("eph", frames.ephemeral("presence", data), EPHEMERAL)

    def notification(self, note: Notification, unread: int) -> None:
        """Its owner was told something."""
        data = {"notification": note, "unread_count": unread}
        self.tell("eph", frames.ephemeral("notification", data), EPHEMERAL)

    def came_in(self, answers: Answers, denied: Mapping[str, str]) -> None:
        """It follows one more stream."""
        if answers:
            self.tell("subscribed", _frame("subscribed", None, {"streams": answers}))

    def dropped(self, stream: str, reason: str) -> None:
        """It follows a stream no more."""
        self.tell("stream_closed", _frame("stream_closed", None, {"stream": stream, "reason": reason}))

    def heads(self, heads: Mapping[str, int]) -> None:
        """Where streams end."""
        self.tell("heads", _frame("heads", None, {"streams": heads}), "heads")

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


def _frame(t: str, id: str | None, data: Mapping[str, Any]) -> bytes:
    return encode({"t": t, **({"id": id} if id is not None else {}), **data})


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
