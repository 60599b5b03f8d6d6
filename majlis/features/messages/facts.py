"""What happens in conversations."""

from uuid import UUID

from majlis.kit.facts import Fact


class MessageSent(Fact, frozen=True):
    """Somebody wrote a message to people."""

    conversation_id: UUID
    message_id: UUID
    sender_id: UUID


class SaidInChannel(MessageSent, frozen=True):
    """Somebody wrote a message in a channel, where most are nobody's in particular."""


class MessageDeleted(Fact, frozen=True):
    """A message was taken back."""

    conversation_id: UUID
    message_id: UUID
