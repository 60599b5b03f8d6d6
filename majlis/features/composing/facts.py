"""What happens to messages that are not sent yet."""

from datetime import datetime
from uuid import UUID

from majlis.kit.facts import Fact


class MessageScheduled(Fact, frozen=True):
    """A message is to be sent at this time, instead of the one before if there was one."""

    scheduled_id: UUID
    send_at: datetime
