"""What happens to connected accounts."""

from uuid import UUID

from majlis.kit.facts import Fact


class TokenRetired(Fact, frozen=True):
    """A token is needed no more, and has to be revoked at its network."""

    revocation_id: UUID
