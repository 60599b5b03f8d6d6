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


class PostHeld(Fact, frozen=True):
    """A post waits for a moderator because of what it says. Nobody else sees it."""

    post_id: UUID


class PostHidden(Fact, frozen=True):
    """Moderators hid a post."""

    post_id: UUID


class PostRestored(Fact, frozen=True):
    """Moderators show a post again that people had seen before."""

    post_id: UUID


class PostTurned(Fact, frozen=True):
    """A post with comments may be seen by others than before, whose pictures' addresses are to follow."""

    post_id: UUID
