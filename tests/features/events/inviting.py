"""Events as tests hold them: at times from now on, on the clocks of the place."""

from datetime import timedelta
from typing import Any

import httpx

from majlis.features.posts.model import ZONE
from majlis.kit import clock
from tests.features.posts.writing import write
from tests.world import Person, World

EVENTS = "/api/v1/events"


def when(starts: float, ends: float | None = None) -> dict[str, str]:
    """The fields of an event that begins in so many hours."""
    found = {}
    for name, hours in (("start", starts), ("end", ends)):
        if hours is not None:
            moment = (clock.now() + timedelta(hours=hours)).astimezone(ZONE)
            found |= {
                f"{name}_date": moment.strftime("%Y-%m-%d"),
                f"{name}_time": moment.strftime("%H:%M:%S"),
            }
    return found


def invite(
    world: World, who: Person, starts: float = 48, ends: float | None = None, **fields: Any
) -> dict[str, Any]:
    """An event by somebody that begins in so many hours, and lasts two unless told."""
    return write(world, who, "EVENT", **when(starts, starts + 2 if ends is None else ends), **fields)


def stand(world: World, who: Person | None, event: dict[str, Any], stance: str) -> httpx.Response:
    """Take a stance on an event."""
    return world.post(f"{EVENTS}/{event['id']}/interest", who, {"event_state": stance})


def counts(world: World, event: dict[str, Any]) -> tuple[int, int]:
    """How many are interested, and go, as the event says."""
    found = world.get(f"{EVENTS}/{event['id']}").json()
    return found["interested_count"], found["going_count"]
