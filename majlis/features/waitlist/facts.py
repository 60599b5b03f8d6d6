"""What happens on waiting lists."""

from uuid import UUID

from majlis.kit.facts import Fact


class WaitBegan(Fact, frozen=True):
    """Somebody waits for tickets of an event."""

    post_id: UUID


class PlacesOffered(Fact, frozen=True):
    """Tickets are kept for somebody who waited."""

    entry_id: UUID
    post_id: UUID
    user_id: UUID
