"""What happens between people."""

from uuid import UUID

from majlis.kit.facts import Fact


class UserFollowed(Fact, frozen=True):
    """Somebody follows a person whom they did not follow before."""

    follower_id: UUID
    following_id: UUID
