"""Who is there: noted for other processes and for background work, told to those who watch, and to nobody else."""

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.availability import service as availability
from majlis.features.availability.model import Shown, Told, shown
from majlis.features.graph import service as graph
from majlis.features.sockets import service as sockets
from majlis.features.sockets.model import Presence, State
from majlis.kit import clock, ids
from majlis.kit.me import Me
from majlis.surfaces.realtime.connection import Connection
from majlis.surfaces.realtime.frames import encode

CHANNEL = "presence:"
PAUSE_S = 30.0  # between two writes about somebody
AGAIN_S = 60.0  # after which it is written that nothing has changed
LIFE = timedelta(seconds=100)  # of what is written; longer than that takes
_DECODE = msgspec.json.Decoder(Presence)
_CHOICE = msgspec.json.Decoder(Told)


class People(Protocol):
    """Of the hub."""

    people: dict[UUID, dict[Connection, None]]

    def spawn(self, work: Any) -> None: ...


class _Watched:
    """Somebody whom connections here watch, as every process tells of them."""

    def __init__(self) -> None:
        self.by: set[Connection] = set()
        self.coming: set[Connection] = set()  # watch it as soon as it is known how it stands
        self.nodes: dict[UUID, Presence] = {}
        self.choice: Told | None = None  # what they want to seem
        self.told = False  # of that, since it was asked for
        self.shown: Shown = "offline"
        self._left: list[Callable[[], None]] = []

    def follow(self, *leaves: Callable[[], None]) -> None:
        """Hear of them, until `leave`, which calls these."""
        self._left += leaves

    def leave(self) -> None:
        """Hear of them no more."""
        for leave in self._left:
            leave()

    def heard(self, found: Presence) -> None:
        """What a process says now."""
        self.nodes[found.node] = found

    def word(self) -> Shown:
        """What is to be shown: the best of what is still true, or what they chose."""
        now = clock.now()
        states = {one.state for one in self.nodes.values() if one.expires_at > now}
        return shown(now, bool(states), "active" in states, self.choice)

    def data(self, user: UUID) -> dict[str, Any]:
        """The same on the wire."""
        seen = max((one.last_active_at for one in self.nodes.values()), default=None)
        return {"user_id": user, "presence": self.shown, "last_active_at": seen}


class Board:
    """What this process knows of its own people, and what it has heard of those whom somebody here watches."""

    def __init__(self, app: App, hub: People) -> None:
        self.node = ids.new()
        self._app, self._hub = app, hub
        self._own: dict[UUID, Presence] = {}  # also who has just left, until that is written
        self._written: dict[UUID, float] = {}  # when something was written about somebody, in the loop's time
        self._dirty: set[UUID] = set()
        self._watched: dict[UUID, _Watched] = {}

    @property
    def waits(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._dirty)

    # ---- our own

    def changed(self, user: UUID) -> None:
        """Look at the connections of somebody: whether they are there, and look at one."""
        states = {connection.state for connection in self._hub.people.get(user, ())}
        state: State | None = "active" if "active" in states else "idle" if states else None
        before, now = self._own.get(user), clock.now()
        there = before is not None and before.expires_at > now
        if state == (before.state if before is not None and there else None):
            return
        looked = state == "active" or before is None or before.state == "active"
        seen = now if looked or before is None else before.last_active_at
        self._own[user] = Presence(user, self.node, state or "idle", seen, now + LIFE if state else now)
        self._dirty.add(user)
        self._publish(user)

    def _publish(self, user: UUID) -> None:
        self._hub.spawn(self._app.bus.publish(CHANNEL + str(user), encode(self._own[user])))

    async def write(self) -> None:
        """Note what has changed, of each at most every 30 seconds, and every minute that the others are still there."""
        now = asyncio.get_running_loop().time()
        here = self._hub.people
        due = [
            user
            for user in self._own
            if now - self._written.get(user, -PAUSE_S) >= (PAUSE_S if user in self._dirty else AGAIN_S)
        ]
        if not due:
            return
        self._dirty.difference_update(due)
        expires = clock.now() + LIFE
        for user in due:
            if user in here:
                self._own[user] = msgspec.structs.replace(self._own[user], expires_at=expires)
        try:
            async with self._app.db.tx() as tx:
                await sockets.note(tx, Me.system, self.node, [self._own[user] for user in due])
        except BaseException:
            self._dirty.update(due)
            raise
        for user in due:
            self._written[user] = now
            self._publish(user)
            if user not in here and user not in self._dirty:
                del self._own[user]
        old = [user for user, at in self._written.items() if user not in self._own and now - at >= PAUSE_S]
        for user in old:
            del self._written[user]

    async def close(self) -> None:
        """This process ends: nobody is here any more."""
        for watched in self._watched.values():
            watched.leave()
        self._watched.clear()
        if self._written:
            async with self._app.db.tx() as tx:
                await sockets.leave(tx, Me.system, self.node)

    # ---- those who are watched

    async def watch(self, connection: Connection, user_ids: Collection[UUID]) -> list[dict[str, Any]]:
        """Tell a connection of these people from now on, instead of others before; how it stands with them now.

        Nothing of whom its owner does not meet.
        """
        met = await self._met(connection, user_ids)
        self.unwatch(connection)
        for user in met:
            if user not in self._watched:
                watched = self._watched[user] = _Watched()
                watched.follow(
                    self._app.bus.subscribe(CHANNEL + str(user), self._heard),
                    self._app.bus.subscribe(availability.CHANNEL + str(user), self._chosen),
                )
            self._watched[user].coming.add(connection)
        for user in met:
            self._watched[user].told = False
        async with self._app.db.fresh() as tx:
            rows = await sockets.presences(tx, connection.me, met)
            choices = await availability.choices(tx, connection.me, met)
        for row in [*rows, *(self._own[user] for user in met if user in self._own)]:
            one = self._watched.get(row.user_id)
            if one is not None and (row.node not in one.nodes or row.node == self.node):
                one.heard(row)
        found = [(user, self._watched[user]) for user in met if user in self._watched]
        for user, watched in found:
            if not watched.told:  # else what was heard meanwhile is newer
                watched.choice = choices.get(user)
        for user, watched in found:
            self._show(user)  # to those who watched before
            if connection in watched.coming:
                watched.coming.discard(connection)
                watched.by.add(connection)
        return [watched.data(user) for user, watched in found]

    async def _met(self, connection: Connection, user_ids: Collection[UUID]) -> list[UUID]:
        if not user_ids:
            return []
        async with self._app.db.fresh() as tx:
            return list(await graph.minis(tx, connection.me, user_ids))

    def unwatch(self, connection: Connection, only: Collection[UUID] | None = None) -> None:
        """Tell a connection of nobody any more, or not of these."""
        for user, watched in tuple(self._watched.items()):
            if only is None or user in only:
                watched.by.discard(connection)
                watched.coming.discard(connection)
                if not watched.by and not watched.coming:
                    watched.leave()
                    del self._watched[user]

    async def recheck(self, connection: Connection) -> None:
        """Tell a connection no more of whom its owner does not meet any more."""
        watched = [user for user, one in self._watched.items() if connection in one.by]
        met = await self._met(connection, watched)
        self.unwatch(connection, {*watched} - {*met})

    def _heard(self, payload: bytes) -> None:
        found = _DECODE.decode(payload)
        watched = self._watched.get(found.user_id)
        if watched is not None:
            watched.heard(found)
            self._show(found.user_id)

    def _chosen(self, payload: bytes) -> None:
        told = _CHOICE.decode(payload)
        watched = self._watched.get(told.user_id)
        if watched is not None:
            watched.choice, watched.told = told, True
            self._show(told.user_id)

    def _show(self, user: UUID) -> None:
        watched = self._watched[user]
        word = watched.word()
        if word != watched.shown:
            watched.shown = word
            for connection in watched.by:
                connection.presence(watched.data(user))

    async def look(self) -> None:
        """Find whose process has died without a word, and whose choice is over."""
        for user in tuple(self._watched):
            self._show(user)
