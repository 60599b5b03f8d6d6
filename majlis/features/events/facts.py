"""What happens around events."""

from datetime import datetime
from uuid import UUID

from majlis.kit.facts import Fact


class InterestShown(Fact, frozen=True):
    """Somebody is interested in an event, or goes there, who stood otherwise before."""

    post_id: UUID
    user_id: UUID


class EventNears(Fact, frozen=True):
    """An event that somebody is interested in, or goes to, begins within so many hours; told once for each."""

    post_id: UUID
    user_id: UUID
    hours: int
    starts_at: datetime
