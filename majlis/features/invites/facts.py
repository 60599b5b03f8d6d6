"""What happens to invitations."""

from uuid import UUID

from majlis.kit.facts import Fact


class InviteMailWanted(Fact, frozen=True):
    """An invitation is to be mailed, for the first time or again."""

    invite_id: UUID
