"""Nouns of reactions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.posts.model import Post, Visibility


class LikeState(msgspec.Struct):
    """Whether the caller likes it, and how many do."""

    liked_by_me: bool
    total_likes: int


class BookmarkState(msgspec.Struct):
    """Whether the caller keeps it."""

    bookmarked_by_me: bool


class ShareBody(msgspec.Struct):
    """`repost=false` only records that the post was shared to another app."""

    share_text: Annotated[str, Meta(max_length=20_000)] | None = None
    visibility: Visibility | None = None
    repost: bool = True


class Share(msgspec.Struct):
    """A share; `shared_post` is the new post, if one was made."""

    id: UUID
    user_id: UUID
    original_post_id: UUID
    shared_post_id: UUID | None
    share_text: str | None
    created_at: datetime
    shared_post: Post | None


class Shared(msgspec.Struct):
    """The share, and how often the post was shared."""

    share: Share
    total_shares: int
