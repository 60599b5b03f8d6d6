"""The sockets of one process: who follows what, and that nobody misses anything or hears what is not theirs.

The bus only hints. What counts is the log, with which everything here is compared every ten seconds.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import Event, Head, conversation_stream
from majlis.features.identity import service as identity
from majlis.features.notifications import service as notifications
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import BadAccess
from majlis.kit import log, telemetry
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.surfaces.realtime.connection import IDLE, REPLACED, RESTART, Answers, Connection, Follow
from majlis.surfaces.realtime.frames import Shared, encode
from majlis.surfaces.realtime.presence import Board
from majlis.surfaces.realtime.rooms import TYPING, Rooms, TypingHint

logger = log.get("majlis.sockets")
# Seconds between what is done again and again; the first two make good what hints have not told of.
PAUSES = {"compare": 10.0, "sweep": 60.0, "heads": 30.0, "look": 5.0}
WITHOUT_HINTS, BLIND_S = ("compare", "sweep"), 1.0  # while the bus is not well
BATCH = 200  # entries that are read at once
MOST_REPLAYED, MOST_OF_ALL = 500, 2000  # of a stream, and of all that are asked for together
MOST_OF_A_KIND = 10  # connections of a user's from one kind of device
DRAIN_PER_S, DRAIN_S = 50, 30.0  # sockets that are closed at once at the end, and for how long at most
MOST_STREAMS = 1000  # of a connection
BEGINNING = -1  # instead of a place: whatever is there


class _Created(msgspec.Struct):
    conversation_id: UUID


def of(app: App) -> "Hub":
    """The hub of this process."""
    found = app.parts.get("hub")
    if found is None:
        found = app.parts["hub"] = Hub(app)
        logger.info("websocket hub started")
    hub: Hub = found
    return hub


async def close(app: App) -> None:
    """End what is left of the sockets."""
    hub: Hub | None = app.parts.pop("hub", None)
    if hub is not None:
        await hub.close()


class Hub:
    """Knows every connection of this process, and asks the features for them."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.people: dict[UUID, dict[Connection, None]] = {}  # the oldest connection first
        self.rooms = Rooms(app.bus, self._entries)
        self.board = Board(app, self)
        self._told: dict[UUID, Callable[[], None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._clock: asyncio.Task[None] | None = None
        self._draining = self._count = 0
        self.closing: list[Callable[[], Coroutine[Any, Any, None]]] = []  # what goes on beside it ends first
        self._forget = app.bus.subscribe(app.gate.CHANNEL, self._changed)
        app.bus.on_gap(self._missed)

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """Whether there is room for no more."""
        return len(self) >= self.app.settings.max_sockets

    # ---- who is there

    def add(self, connection: Connection) -> None:
        """Somebody is connected. With too many of a kind, their oldest goes."""
        user = connection.user
        own = self.people.setdefault(user, {})
        same = [other for other in own if other.kind == connection.kind]
        for other in same[: max(0, len(same) + 1 - MOST_OF_A_KIND)]:
            other.end(REPLACED)
        if not own:
            channel = f"{notifications.TOLD}:{user}"
            self._told[user] = self.app.bus.subscribe(channel, lambda payload: self._arrived(user, payload))
        own[connection] = None
        self._count += 1
        connection.end_at(connection.me.until)
        connection.socket.on_drain(lambda: self.drain(connection))
        telemetry.sockets.inc()
        self.board.changed(user)
        if self._clock is None or self._clock.done():
            self._clock = asyncio.create_task(self._tick())

    def remove(self, connection: Connection) -> None:
        """A connection is over."""
        for stream in tuple(connection.streams):
            self.rooms.leave(connection, stream)
        self.board.unwatch(connection)
        connection.end_at(None)
        if connection.me.id is None:
            return
        own = self.people.get(connection.user, {})
        if connection in own:
            del own[connection]
            self._count -= 1
            telemetry.sockets.dec()
        if not own and self.people.pop(connection.user, None) is not None:
            self._told.pop(connection.user)()
        self.board.changed(connection.user)

    def everybody(self) -> list[Connection]:
        """All connections."""
        return [connection for own in self.people.values() for connection in own]

    # ---- following streams

    async def subscribe(
        self,
        connection: Connection,
        wanted: Mapping[str, int | None],
        reply: Callable[[Answers, dict[str, str]], None],
    ) -> None:
        """Let somebody follow streams, from a place in them or from now on; first tell how that stands.

        They enter the rooms before the log is read: so nothing falls between the two.
        """
        async with connection.subscribing:
            follows = {stream: self.rooms.enter(connection, stream) for stream in wanted}
            try:
                async with self.app.db.fresh() as tx:
                    found = await conversations.heads(tx, connection.me, list(wanted))
            except BaseException:
                for stream in follows:
                    self.rooms.leave(connection, stream)
                raise
            for stream in found.denied:
                self.rooms.leave(connection, stream)
                follows.pop(stream, None)
            answers = _places(found.heads, wanted, follows)
            for stream, head in found.heads.items():
                room = self.rooms.get(stream)
                if room is not None:
                    room.begin(head.seq)
            reply(answers, found.denied)
            for stream, follow in follows.items():
                await self._catch_up(connection, stream, follow)

    async def _catch_up(self, connection: Connection, stream: str, follow: Follow) -> None:
        """Send from the log until nothing has passed the room meanwhile; from then on they hear of it at once."""
        while follow.over is None:
            room = self.rooms.get(stream)
            if room is None or room.seq is None:
                return
            if follow.sent >= room.seq:
                follow.live = True
                return
            async with self.app.db.fresh() as tx:
                entries = await conversations.events(tx, connection.me, stream, follow.sent, BATCH)
            for event in entries:
                await connection.outbox.eased()
                if room.follows.get(connection) is not follow:
                    break
                follow.sent = event.seq
                connection.event(Shared(event))
            if not entries:  # nothing more of it is theirs, or kept
                follow.sent = max(follow.sent, room.seq)
        if follow.over and connection.socket.closed is None:
            connection.dropped(stream, follow.over)

    async def unfollowed(self, connection: Connection) -> list[str]:
        """The streams of somebody that this connection does not follow yet, as many as it may."""
        async with self.app.db.fresh() as tx:
            found = await conversations.mine(tx, connection.me)
        new = [stream for stream in found if stream not in connection.streams]
        return new[: max(0, MOST_STREAMS - len(connection.streams))]

    def came_in(self, connection: Connection, event: Event) -> None:
        """The owner of a connection that follows everything is in one more conversation."""
        stream = conversation_stream(msgspec.json.decode(event.data, type=_Created).conversation_id)
        if stream not in connection.streams and len(connection.streams) < MOST_STREAMS:
            self.spawn(self.subscribe(connection, {stream: BEGINNING}, connection.came_in))

    def typing(self, connection: Connection, stream: str, hint: TypingHint) -> None:
        """Tell the others in a room that somebody writes; nobody, where they do not follow it themselves."""
        room = self.rooms.get(stream)
        follow = room.follows.get(connection) if room else None
        if follow is not None and follow.live and stream.startswith("c_"):
            self.spawn(self.app.bus.publish(TYPING + stream[2:], encode(hint)))

    async def _entries(self, stream: str, after: int) -> list[Event]:
        async with self.app.db.fresh() as tx:
            return await conversations.events(tx, Me.system, stream, after, BATCH)

    # ---- looking again

    async def compare(self) -> None:
        """Find what no hint has told of, at the end of streams."""
        names = self.rooms.names()
        for at in range(0, len(names), 1000):
            async with self.app.db.fresh() as tx:
                ends = await conversations.last_seqs(tx, Me.system, names[at : at + 1000])
            for stream, seq in ends.items():
                room = self.rooms.get(stream)
                if room is not None:
                    room.reached(seq)
                    self.rooms.tidy(room)

    async def sweep(self) -> None:
        """Look everybody up anew, a few at once. Raises what went wrong first, once all were looked up."""
        left = iter(self.everybody())
        errors: list[Exception] = []

        async def some() -> None:
            for connection in left:
                try:
                    await self.recheck(connection)
                except Exception as error:  # noqa: BLE001 - it is raised below
                    errors.append(error)

        await asyncio.gather(*(some() for _ in range(4)))  # a task for each would hold everything else up
        if errors:
            raise errors[0]

    async def recheck(self, connection: Connection) -> None:
        """Close a connection whose session or token has ended; take it out of what its owner may not follow any more."""
        if connection.over_by_now():
            return
        try:
            connection.me = await sessions.present(self.app, connection.me)
        except BadAccess:
            connection.end(*await self.why(connection.user))
            return
        own = [stream for stream in connection.streams if stream.startswith("c_")]
        if own:
            async with self.app.db.fresh() as tx:
                found = await conversations.heads(tx, connection.me, own)
            for stream in found.denied:
                self.rooms.leave(connection, stream, "removed")
        await self.board.recheck(connection)
        await connection.refreshed()

    async def why(self, user_id: UUID) -> tuple[int, str]:
        """The code and reason with which to close the connections of whose session has ended."""
        try:
            async with self.app.db.fresh() as tx:
                account = await identity.get(tx, Me.system, user_id)
        except NotFound:
            return 4403, "account_closed"
        return (4401, "session_ended") if account.suspended_at is None else (4403, "suspended")

    def _changed(self, payload: bytes) -> None:
        for connection in self.people.get(UUID(payload.decode()), ()):
            self.spawn(self.recheck(connection))

    def _missed(self) -> None:
        self.spawn(self.compare())
        self.spawn(self.sweep())

    def _arrived(self, user: UUID, payload: bytes) -> None:
        what = payload.decode()
        for connection in tuple(self.people.get(user, ())):
            if what == notifications.COUNTED:
                connection.counted()
            elif what.startswith(notifications.BACK):
                connection.withdrawn(UUID(what.removeprefix(notifications.BACK)))
        if what[:1] not in ("", notifications.BACK):
            self.spawn(self._tell(user, UUID(what)))

    async def _tell(self, user: UUID, notification_id: UUID) -> None:
        async with self.app.db.fresh() as tx:
            found = await notifications.arrived(tx, Me(id=user), notification_id)
        if found is not None:
            for connection in tuple(self.people.get(user, ())):
                connection.notification(*found)

    # ---- time

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this beside everything else. What fails is logged, and made good by the next sweep."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("socket_work_failed", exc_info=error)

    async def _tick(self) -> None:
        """Once a second, as long as somebody is connected."""
        now = asyncio.get_running_loop().time
        due = dict.fromkeys(PAUSES, now())
        while self.people or self.board.waits:
            await asyncio.sleep(1)
            well = self.app.bus.healthy
            for name, usual in PAUSES.items():
                pause = usual if well or name not in WITHOUT_HINTS else BLIND_S
                if now() < due[name] + pause:
                    continue
                due[name] = now()
                try:
                    await self._do(name)
                except Exception:
                    logger.exception("sockets_not_checked", check=name)
            try:
                await self.board.write()
            except Exception:
                logger.exception("presence_not_written")

    async def _do(self, name: str) -> None:
        if name == "compare":
            await self.compare()
        elif name == "sweep":
            await self.sweep()
        elif name == "heads":
            self.tell_heads()
        else:
            self.end_quiet()
            await self.board.look()

    def tell_heads(self) -> None:
        """Tell everybody where their streams end that moved since they were told."""
        for connection in self.everybody():
            moved: dict[str, int] = {}
            for stream in () if connection.outbox.holds("heads") else connection.streams:
                room = self.rooms.get(stream)
                follow = room.follows.get(connection) if room else None
                if room is not None and follow is not None and follow.live and follow.told < (room.seq or 0):
                    follow.told = moved[stream] = room.seq or 0
            if moved:
                connection.heads(moved)

    def end_quiet(self) -> None:
        """Close connections of whom nothing was heard, not even the answer to a ping."""
        now = asyncio.get_running_loop().time()
        for connection in self.everybody():
            if now - connection.socket.heard > connection.quiet_s:
                connection.end(IDLE)

    # ---- the end

    def drain(self, connection: Connection) -> None:
        """Close a connection soon: not all at once, so that not all come back at once."""
        self._draining += 1
        most = min(DRAIN_S, 0.6 * self.app.settings.drain_s)
        after = random.uniform(0, min(most, self._draining / DRAIN_PER_S))  # noqa: S311  (spreads reconnections)
        asyncio.get_running_loop().call_later(after, connection.end, RESTART)

    async def close(self) -> None:
        """End everything, and say that nobody is connected here any more."""
        self._forget()
        for connection in self.everybody():
            connection.end(RESTART)
        for close in self.closing:
            await close()
        tasks = [task for task in (*self._tasks, self._clock) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.rooms.close()
        await self.board.close()


def _places(
    heads: Mapping[str, Head], wanted: Mapping[str, int | None], follows: Mapping[str, Follow]
) -> Answers:
    """Where everybody begins: from now on, behind what they have, or behind a gap that is too long to be replayed."""
    answers: Answers = {}
    left = MOST_OF_ALL
    for stream in wanted:
        if stream not in heads:
            continue
        head, after, follow = heads[stream], wanted[stream], follows[stream]
        follow.sent = follow.told = head.seq
        if after is None:
            answers[stream] = {"status": "live", "seq": head.seq}
            continue
        if after == BEGINNING:
            after = max(head.min_seq - 1, head.seq - MOST_REPLAYED)
        missed = head.seq - after
        if after + 1 < head.min_seq or not 0 <= missed <= min(MOST_REPLAYED, left):
            answers[stream] = {"status": "gap", "seq": head.seq, "min_seq": head.min_seq}
        else:
            left, follow.sent = left - missed, after
            answers[stream] = {"status": "resumed", "seq": head.seq, "replay": missed}
    return answers
