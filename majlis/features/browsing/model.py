"""What a process remembers of lists for a while, so that a page reads few posts: never who may see them."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.posts.model import Filter
from majlis.kit.geo import Point
from majlis.kit.versions import Versions

EVERY_S = 10  # from moment to moment whose highest scores are asked for
MOMENTS = 6  # that are remembered, so that who goes on within a minute finds theirs
PLACES = 4096  # from which it is remembered how far a page reaches
SPARE = 1.3  # times as far as the last page reached: here posts may lie less closely than there
NEAREST_KM = 0.05


class Rank(msgspec.Struct, frozen=True, order=True):
    """Where a post stands by score; the greater comes first."""

    score: float
    created_at: datetime
    id: UUID


class Ranking(msgspec.Struct, frozen=True):
    """The posts with the highest scores as of a moment; none where so few were written that all can be asked for."""

    at: datetime
    ranks: Sequence[Rank] = ()

    def until(self, start: Rank | None, pages: int, limit: int) -> Sequence[Rank]:
        """Those down to some pages behind a place; none if it leads behind them.

        The ones before it count, too: since the moment they may have sunk behind it.
        """
        before = bisect_left(self.ranks, True, key=lambda rank: rank < start) if start is not None else 0
        return self.ranks[: before + pages * (limit + 1)] if before < len(self.ranks) else ()


def everything(wanted: Filter) -> bool:
    """Whether a list is of everything but what its reader muted."""
    return wanted == Filter(unmuted=wanted.unmuted, muted_words=wanted.muted_words)


class Reach:
    """How far a page of the nearest reaches from about here, as the last such page did.

    It need not be right: a page that holds too few posts is asked for again, and a full one is right however far the
    search went.
    """

    def __init__(self, kept: Versions[float], wanted: Filter, center: Point, count: int) -> None:
        """`wanted` is near the center; `count` is how many posts the page needs."""
        self._kept = kept
        self._wanted = wanted
        anyone = msgspec.structs.replace(wanted, near=None, unmuted=False, muted_words=None)
        self._key = round(center.lat, 2), round(center.lng, 2), count, msgspec.msgpack.encode(anyone)

    def guess(self, start: float) -> float | None:
        """The radius in km for a page that begins so far away; None if nothing is remembered."""
        found = self._kept.get(self._key, None)
        return None if found is None else min(math.hypot(start, found), self._wanted.radius_km)

    def learn(self, start: float, end: float | None) -> None:
        """Where a page began, and where it ended; None if it was not full."""
        if self._wanted.muted_words is not None:
            return  # what one person does not want to read says nothing about others
        if end is not None:
            ring = math.sqrt(max(end * end - start * start, 0.0))
            self._kept.put(self._key, None, max(SPARE * ring, NEAREST_KM))
        elif not start:
            self._kept.put(self._key, None, math.inf)
