"""Nouns of events."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from majlis.features.graph.model import UserMini
from majlis.features.posts.model import EventState, ListQuery, Stance
from majlis.kit.errors import Conflict


class EventsQuery(ListQuery, kw_only=True):
    """Which events: by default those that are not over. `event_state` is where they are, `my_event_state` the caller's
    stance; `include_past` has no effect beside the former.
    """

    sort: Literal["upcoming", "recent", "nearby", "trending"] = "upcoming"
    event_state: list[EventState] | None = None
    my_event_state: list[Stance] | None = None
    include_past: bool = False


class StanceBody(msgspec.Struct):
    """How the caller stands towards an event."""

    event_state: Stance


class Standing(msgspec.Struct):
    """How the caller stands towards an event now, and how many others do so."""

    my_event_state: Stance
    interested_count: int
    going_count: int


class EventInterest(msgspec.Struct):
    """Somebody's stance on an event."""

    id: UUID
    post_id: UUID
    user_id: UUID
    event_state: Stance
    created_at: datetime
    updated_at: datetime
    user: UserMini


class EventOver(Conflict):
    """What is past is settled."""

    code, detail = "event_over", "The event is over."
