"""What people do with posts."""

from uuid import UUID

from majlis.kit.facts import Fact


class PostLiked(Fact, frozen=True):
    """Somebody liked a post that they did not like before."""

    post_id: UUID
    user_id: UUID


class PostUnliked(Fact, frozen=True):
    """Somebody took a like back."""

    post_id: UUID
    user_id: UUID


class PostShared(Fact, frozen=True):
    """Somebody shared a post."""

    post_id: UUID
    user_id: UUID
    shared_post_id: UUID | None
