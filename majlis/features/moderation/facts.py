"""What moderators did."""

from uuid import UUID

from majlis.kit.facts import Fact


class Decided(Fact, frozen=True):
    """A moderator did something that the person concerned is told by mail; the entry of the audit trail."""

    entry_id: UUID
