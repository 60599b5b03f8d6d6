"""Rooms: a stream that somebody here follows, and how far this process has sent it on."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.conversations.model import Event
from majlis.kit import log
from majlis.kit.bus import Bus
from majlis.surfaces.realtime.connection import Connection, Follow
from majlis.surfaces.realtime.frames import Shared

logger = log.get("majlis.sockets")
CHANNELS = {"c_": "conv:", "u_": "user:"}  # of the bus, by the beginning of a stream's name
TYPING = "typing:"
PARTINGS = ("member.left", "member.removed")
# Entries behind which nothing is said any more; who wants to hear of the rest follows anew.
ENDS = {"channel.archived": "archived", "channel.deleted": "deleted"}


class Hint(msgspec.Struct):
    """What the bus says: an entry was committed; its text is there unless it is long."""

    seq: int
    event: Event | None = None


class TypingHint(msgspec.Struct):
    """Who writes, or has ceased to."""

    user_id: UUID
    thread_root_id: UUID | None = None
    typing: bool = True


class _Removed(msgspec.Struct):
    user_id: UUID


_HINT = msgspec.json.Decoder(Hint)
_TYPING = msgspec.json.Decoder(TypingHint)


class Room:
    """Followers of one stream. Entries pass in the order of their numbers, each once.

    `seq` is the last that passed. A hint that comes twice or late is dropped; one that comes early, or tells of an
    entry that it does not hold, makes `fill` read the log.
    """

    def __init__(self, stream: str, bus: Bus, fill: Callable[["Room"], None]) -> None:
        self.stream = stream
        self.seq: int | None = None  # unknown until somebody has looked at the log
        self.known = 0  # the highest number that was heard of
        self.filling = False
        self.follows: dict[Connection, Follow] = {}
        self._fill = fill
        key = stream[2:]
        self._leave = [bus.subscribe(CHANNELS[stream[:2]] + key, self._hinted)]
        if stream.startswith("c_"):
            self._leave.append(bus.subscribe(TYPING + key, self._typing))

    def close(self) -> None:
        """Nobody follows it any more."""
        for leave in self._leave:
            leave()

    def begin(self, seq: int) -> None:
        """The log ends here, as was read after this room was made."""
        if self.seq is None:
            self.seq = seq
        self.reached(seq)

    def reached(self, seq: int) -> None:
        """The log is at least this long."""
        self.known = max(self.known, seq)
        if self.seq is not None and self.seq < self.known and not self.filling:
            self._fill(self)

    def _hinted(self, payload: bytes) -> None:
        hint = _HINT.decode(payload)
        if self.seq is not None and hint.seq == self.seq + 1 and hint.event is not None and not self.filling:
            self.known = max(self.known, hint.seq)
            self.deliver(hint.event)
        else:
            self.reached(hint.seq)

    def deliver(self, event: Event) -> None:
        """Send an entry on to those who have everything before it."""
        if self.seq is not None and event.seq <= self.seq:
            return
        self.seq = event.seq
        shared = Shared(event)
        for connection, follow in tuple(self.follows.items()):
            if follow.live and event.seq > follow.sent:
                follow.sent = event.seq
                connection.event(shared)
        if event.type in PARTINGS:
            self._remove(event)
        elif event.type in ENDS:
            for connection, follow in tuple(self.follows.items()):
                if follow.live:
                    self.drop(connection, ENDS[event.type])

    def _remove(self, event: Event) -> None:
        """Whoever was removed leaves before the next entry passes."""
        removed = msgspec.json.decode(event.data, type=_Removed).user_id
        for connection in tuple(self.follows):
            if connection.me.id == removed:
                self.drop(connection, "removed")

    def drop(self, connection: Connection, reason: str) -> None:
        """Take somebody out who may not follow any more, and tell them; who still reads the log hears of it there."""
        follow = self.follows.pop(connection)
        connection.streams.discard(self.stream)
        if follow.live:
            connection.dropped(self.stream, reason)
        follow.over = reason

    def _typing(self, payload: bytes) -> None:
        hint = _TYPING.decode(payload)
        data: dict[str, Any] = {
            "user_id": hint.user_id,
            "thread_root_id": hint.thread_root_id,
            "expires_in_ms": 6000 if hint.typing else 0,
        }
        for connection, follow in tuple(self.follows.items()):
            if follow.live and connection.me.id != hint.user_id:
                connection.typing(self.stream, data)


class Rooms:
    """The rooms of a process, by the names of their streams."""

    PART = 50  # entries that pass before others get a turn

    def __init__(self, bus: Bus, read: Callable[[str, int], Any]) -> None:
        self._bus = bus
        self._read = read  # (stream, after) -> entries behind it
        self._rooms: dict[str, Room] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._rooms)

    def names(self) -> list[str]:
        """All streams that somebody here follows."""
        return list(self._rooms)

    def get(self, stream: str) -> Room | None:
        """The room of a stream, if somebody follows it."""
        return self._rooms.get(stream)

    def enter(self, connection: Connection, stream: str) -> Follow:
        """Put somebody into a room, where they hear of nothing yet."""
        room = self._rooms.get(stream)
        if room is None:
            room = self._rooms[stream] = Room(stream, self._bus, self._start_filling)
        connection.streams.add(stream)
        follow = room.follows[connection] = Follow()
        return follow

    def leave(self, connection: Connection, stream: str, reason: str | None = None) -> None:
        """Take somebody out; with a reason they are told."""
        room = self._rooms.get(stream)
        if room is None:
            return
        if connection in room.follows:
            if reason is None:
                room.follows.pop(connection).over = ""
                connection.streams.discard(stream)
            else:
                room.drop(connection, reason)
        self.tidy(room)

    def tidy(self, room: Room) -> None:
        """Close a room that nobody is in."""
        if not room.follows and self._rooms.get(room.stream) is room:
            room.close()
            del self._rooms[room.stream]

    def _start_filling(self, room: Room) -> None:
        room.filling = True
        task = asyncio.create_task(self._fill(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self, room: Room) -> None:
        """Read what was not heard of. What fails is tried again when streams are compared the next time."""
        try:
            while room.follows and room.seq is not None and room.seq < room.known:
                before = room.seq
                for event in await self._read(room.stream, before):
                    room.deliver(event)
                    if event.seq % self.PART == 0:
                        await asyncio.sleep(0)
                if room.seq == before:  # these entries are kept no longer
                    room.seq = room.known
        except Exception:
            logger.exception("stream_not_read", stream=room.stream)
        finally:
            room.filling = False

    async def close(self) -> None:
        """Wait for what is read now."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for room in self._rooms.values():
            room.close()
        self._rooms.clear()
