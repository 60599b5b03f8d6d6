"""What happens at box offices."""

from uuid import UUID

from majlis.kit.facts import Fact


class PlacesFreed(Fact, frozen=True):
    """There may be places for somebody who waits."""

    post_id: UUID


class EventCancelled(Fact, frozen=True):
    """An event that sold tickets does not take place: everybody gets their money back."""

    post_id: UUID
