"""What happens to passkeys."""

from uuid import UUID

from majlis.kit.facts import Fact


class PasskeyAdded(Fact, frozen=True):
    """A passkey was registered."""

    user_id: UUID


class PasskeyRemoved(Fact, frozen=True):
    """A passkey was removed, by its owner or an operator."""

    user_id: UUID
