"""What happens to notifications."""

from uuid import UUID

from majlis.kit.facts import Fact


class Told(Fact, frozen=True):
    """Somebody who has a device is told something, and wants to hear of it there."""

    notification_id: UUID
    user_id: UUID
