"""What happens to posts."""

from uuid import UUID

from majlis.kit.facts import Fact


class PostPublished(Fact, frozen=True):
    """A post came to be."""

    post_id: UUID
    user_id: UUID


class PostChanged(Fact, frozen=True):
    """Its author changed a post."""

    post_id: UUID


class PostDeleted(Fact, frozen=True):
    """Its author deleted a post."""

    post_id: UUID
    user_id: UUID
