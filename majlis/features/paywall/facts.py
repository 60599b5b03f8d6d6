"""What happens to paid posts."""

from uuid import UUID

from majlis.kit.facts import Fact


class PostBought(Fact, frozen=True):
    """Somebody paid for a post; the same again after the money went back is another sale, of another payment."""

    post_id: UUID
    author_id: UUID
    buyer_id: UUID
    payment_id: UUID
