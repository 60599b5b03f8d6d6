"""What happens to reposts."""

from uuid import UUID

from majlis.kit.facts import Fact


class Reposted(Fact, frozen=True):
    """Somebody handed a post on that they had not before."""

    post_id: UUID
    user_id: UUID


class Unreposted(Fact, frozen=True):
    """Somebody took a repost back."""

    post_id: UUID
    user_id: UUID
