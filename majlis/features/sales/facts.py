"""What happens to goods."""

from uuid import UUID

from majlis.kit.facts import Fact


class ItemSold(Fact, frozen=True):
    """A seller marked something as sold that was not."""

    post_id: UUID
    user_id: UUID
