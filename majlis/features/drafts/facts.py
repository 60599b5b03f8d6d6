"""What happens to drafts."""

from uuid import UUID

from majlis.kit.facts import Fact


class DraftRefused(Fact, frozen=True):
    """A scheduled post could not be published at its time; it stays as a draft with the reason."""

    draft_id: UUID
