"""What happens to conversations."""

from uuid import UUID

from majlis.kit.facts import Fact


class ConversationRead(Fact, frozen=True):
    """Somebody has read a conversation up to a place."""

    conversation_id: UUID
    user_id: UUID
    seq: int
