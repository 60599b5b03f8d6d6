"""What happens between people."""

from uuid import UUID

from majlis.kit.facts import Fact


class UserFollowed(Fact, frozen=True):
    """Somebody follows a person whom they did not follow before."""

    follower_id: UUID
    following_id: UUID


class UserUnfollowed(Fact, frozen=True):
    """Somebody follows a person no longer."""

    follower_id: UUID
    following_id: UUID


class FollowRequested(Fact, frozen=True):
    """Somebody asks to follow a private account."""

    follower_id: UUID
    following_id: UUID


class FollowAccepted(Fact, frozen=True):
    """The owner of a private account let somebody follow it."""

    follower_id: UUID
    following_id: UUID


class UserBlocked(Fact, frozen=True):
    """Somebody blocks a person whom they did not block before."""

    blocker_id: UUID
    blocked_id: UUID
