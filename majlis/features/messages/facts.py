"""What happens in conversations."""

from uuid import UUID

from majlis.kit.facts import Fact


class MessageSent(Fact, frozen=True):
    """Somebody wrote a message."""

    conversation_id: UUID
    message_id: UUID
    sender_id: UUID


class MessageDeleted(Fact, frozen=True):
    """A message was taken back."""

    conversation_id: UUID
    message_id: UUID
