"""Who watches their home: hints that there is something new, looked up for all of them together."""

import asyncio
from collections import deque
from typing import Protocol
from uuid import UUID

from majlis.features.timelines import service as timelines
from majlis.kit.me import Me
from majlis.surfaces.realtime.hub import Hub

PART = "x18 homes"
PAUSE_S = 1.0  # between two looks, however much is posted
VIEWERS, POSTS = 500, 200  # in one statement; of posts beyond that, only the newest are hinted at


class Watcher(Protocol):
    """A connection that is told of what is new."""

    @property
    def user(self) -> UUID:
        """Whose home it watches."""
        ...

    def posted(self, count: int) -> None:
        """Say that there are so many new posts. Does not wait."""
        ...


class Homes:
    """Those of one process. A post costs them one statement for each 500 watching people, once a second at most."""

    def __init__(self, here: Hub) -> None:
        self._hub = here
        self._watching: dict[UUID, set[Watcher]] = {}
        self._new: deque[UUID] = deque(maxlen=POSTS)
        self._looking = False
        self._leave = here.app.bus.subscribe(timelines.POSTED, self._posted)
        here.closing.append(self._close)

    @staticmethod
    def of(here: Hub) -> "Homes":
        """Those of this hub."""
        found: Homes | None = here.app.parts.get(PART)
        if found is None:
            found = here.app.parts[PART] = Homes(here)
        return found

    async def _close(self) -> None:
        self._hub.app.parts.pop(PART, None)
        self._leave()

    def watch(self, session: Watcher) -> None:
        """Tell this connection from now on."""
        self._watching.setdefault(session.user, set()).add(session)

    def unwatch(self, session: Watcher) -> None:
        """Tell it no more."""
        own = self._watching.get(session.user, set())
        own.discard(session)
        if not own:
            self._watching.pop(session.user, None)

    def _posted(self, payload: bytes) -> None:
        if self._watching:
            self._new.append(UUID(payload.decode()))
            if not self._looking:
                self._looking = True
                self._hub.spawn(self._look())

    async def _look(self) -> None:
        try:
            while self._new:
                new = list(self._new)
                self._new.clear()
                viewers = list(self._watching)
                for at in range(0, len(viewers), VIEWERS):
                    await self._tell(new, viewers[at : at + VIEWERS])
                await asyncio.sleep(PAUSE_S)
        finally:
            self._looking = False

    async def _tell(self, posts: list[UUID], viewers: list[UUID]) -> None:
        async with self._hub.app.db.fresh() as tx:
            found = await timelines.news(tx, Me.system, posts, viewers)
        for one in found:
            for session in tuple(self._watching.get(one.viewer, ())):
                session.posted(one.posts)
