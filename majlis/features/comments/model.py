"""Nouns of comments, in and out."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.filters.model import Moderation
from majlis.features.graph.model import UserMini
from majlis.features.media.model import Photo
from majlis.kit.errors import Forbidden
from majlis.kit.geo import Point
from majlis.kit.http import PageQuery

MAX_TEXT = 2000
MAX_PICTURES = 4

Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT, examples=["The bread is still warm."])]
Photos = Annotated[list[Photo], Meta(max_length=MAX_PICTURES)]
Sort = Literal["recent", "oldest", "top"]


class CommentAttachment(msgspec.Struct):
    """A picture of a comment."""

    id: UUID
    comment_id: UUID
    photo: Photo
    created_at: datetime
    updated_at: datetime


class Comment(msgspec.Struct):
    """A comment as this viewer sees it; with `moderation` for who wrote it alone, while others do not see it.

    Of one that was deleted while replies to it stand, text, author, location and pictures are gone.
    `total_replies` counts what answers it directly.
    """

    id: UUID
    post_id: UUID
    user_id: UUID
    parent_comment_id: UUID | None
    text: str | None
    location: Point | None
    total_likes: int
    total_replies: int
    created_at: datetime
    updated_at: datetime
    author: UserMini | None
    attachments: list[CommentAttachment]
    liked_by_me: bool
    is_mine: bool
    deleted: bool
    replies: "list[Comment] | UnsetType" = UNSET
    moderation: Moderation | UnsetType = UNSET


class LikeState(msgspec.Struct):
    """Whether the caller likes it, and how many do."""

    liked_by_me: bool
    total_likes: int


SERVER_OWNED = frozenset(
    {
        "id", "post_id", "user_id", "total_likes", "total_replies", "created_at", "updated_at", "deleted_at",
        "author", "liked_by_me", "is_mine", "deleted", "replies", "moderation",
    }
)  # fmt: skip


class ReplyCreate(msgspec.Struct, kw_only=True):
    """A reply to a comment. Pictures are Photo objects of earlier uploads, or `images` parts of a form."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {"parent_comment_id"}

    text: Text
    location: Point | None = None
    attachments: Photos = []


class CommentCreate(msgspec.Struct, kw_only=True):
    """A comment on a post, or a reply to another comment on it. Pictures as in a reply."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED

    text: Text
    parent_comment_id: UUID | None = None
    location: Point | None = None
    attachments: Photos = []


class CommentUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay, a location of null is cleared. The place in the thread never changes."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {"parent_comment_id", "attachments"}

    text: Text | UnsetType = UNSET
    location: Point | None | UnsetType = UNSET
    add_attachments: Photos = []
    remove_attachment_ids: Annotated[list[UUID], Meta(max_length=100)] = []


class RepliesQuery(PageQuery, kw_only=True):
    """Replies to a comment."""

    sort: Sort = "oldest"


class CommentsQuery(PageQuery, kw_only=True):
    """Comments on a post: those of the top level, or with a parent what answers it."""

    parent_comment_id: UUID | None = None
    include_replies: Annotated[bool, Meta(description="with the first three replies to each")] = False
    sort: Sort = "recent"


class NotAuthor(Forbidden):
    """Only who wrote a comment changes it."""

    code, detail = "not_author", "Only the author may do this."


class NotRemovable(Forbidden):
    """A comment is deleted by who wrote it or who wrote the post."""

    code, detail = "not_author", "Only the author of the comment or of the post may do this."
