"""What happens to comments."""

from uuid import UUID

from majlis.kit.facts import Fact


class CommentPublished(Fact, frozen=True):
    """Somebody commented on a post, or replied to a comment on it."""

    comment_id: UUID
    post_id: UUID
    user_id: UUID
    parent_comment_id: UUID | None


class CommentLiked(Fact, frozen=True):
    """Somebody liked a comment that they did not like before."""

    comment_id: UUID
    user_id: UUID


class CommentDeleted(Fact, frozen=True):
    """A comment was deleted."""

    comment_id: UUID
    post_id: UUID


class CommentHeld(Fact, frozen=True):
    """A comment waits for a moderator because of what it says. Nobody else sees it."""

    comment_id: UUID


class CommentHidden(Fact, frozen=True):
    """Moderators hid a comment."""

    comment_id: UUID


class CommentRestored(Fact, frozen=True):
    """Moderators show a comment again that people had seen before."""

    comment_id: UUID
