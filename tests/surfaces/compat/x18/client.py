"""The JSON of x18 as an app declares it that knows the contract alone: it takes no unknown field."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What comes from the server."""


class Refusal(Body):
    error: str
    code: str
    fields: dict[str, str] | None


class UserPublic(Body):
    id: UUID
    username: str
    display_name: str | None
    bio: str | None
    avatar_url: str | None
    followers_count: int
    following_count: int
    posts_count: int
    is_following: bool | None
    created_at: datetime


class UserPrivate(UserPublic):
    email: str
    monetization_enabled: bool
    subscription_price: Decimal | None
    updated_at: datetime


class Media(Body):
    id: UUID
    user_id: UUID
    url: str
    type: Literal["image", "video"]
    mime_type: str
    size: int
    alt_text: str | None
    created_at: datetime


class Post(Body):
    id: UUID
    user_id: UUID
    author: UserPublic
    content: str
    metadata: dict[str, Any]
    media: list[Media]
    hashtags: list[str]
    likes_count: int
    retweets_count: int
    bookmarks_count: int
    is_liked: bool | None
    is_retweeted: bool | None
    is_bookmarked: bool | None
    created_at: datetime
    updated_at: datetime


class Notification(Body):
    id: UUID
    type: Literal["like", "retweet", "follow"]
    actor: UserPublic
    post_id: UUID | None
    is_read: bool
    created_at: datetime


class Hashtag(Body):
    tag: str
    posts_count: int


class TokenPair(Body):
    access_token: str
    refresh_token: str


class SignedIn(TokenPair):
    user: UserPrivate


class Part(Body):
    limit: int
    offset: int


class Page(Part):
    has_more: bool


class Users(Page):
    users: list[UserPublic]


class Posts(Page):
    posts: list[Post]


class TrendingPosts(Posts):
    timeframe: str


class TagPosts(Posts):
    tag: str


class Notifications(Page):
    notifications: list[Notification]


class MediaList(Page):
    media: list[Media]


class Found(Part):
    users: list[UserPublic]
    posts: list[Post]
    hashtags: list[Hashtag]


class TrendingTags(Body):
    hashtags: list[Hashtag]
    window_days: int


class Following(Body):
    following: bool
    followers_count: int


class Liked(Body):
    liked: bool
    likes_count: int


class Retweeted(Body):
    retweeted: bool
    retweets_count: int


class Bookmarked(Body):
    bookmarked: bool


class UnreadCount(Body):
    unread_count: int


class Updated(Body):
    updated: int


class Health(Body):
    status: Literal["ok", "degraded"]
    database: Literal["up", "down"]
    redis: Literal["up", "down"]


class Info(Body):
    name: str
    version: str
    endpoints: int


ANSWERS: dict[str, Any] = {
    "auth.register": SignedIn,
    "auth.login": SignedIn,
    "auth.refresh": TokenPair,
    "users.me": UserPrivate,
    "users.update_me": UserPrivate,
    "users.get": UserPublic,
    "users.get_by_username": UserPublic,
    "users.posts": Posts,
    "users.followers": Users,
    "users.following": Users,
    "users.follow": Following,
    "users.unfollow": Following,
    "posts.create": Post,
    "posts.get": Post,
    "posts.like": Liked,
    "posts.unlike": Liked,
    "posts.retweet": Retweeted,
    "posts.unretweet": Retweeted,
    "posts.bookmark": Bookmarked,
    "posts.unbookmark": Bookmarked,
    "posts.bookmarks": Posts,
    "timeline.home": Posts,
    "timeline.explore": Posts,
    "timeline.trending": TrendingPosts,
    "timeline.user": Posts,
    "timeline.search": Posts,
    "notifications.list": Notifications,
    "notifications.unread_count": UnreadCount,
    "notifications.read": Notification,
    "notifications.read_all": Updated,
    "media.upload": Media,
    "media.get": Media,
    "media.by_user": MediaList,
    "search.all": Found,
    "search.users": Users,
    "search.posts": Posts,
    "search.hashtag": TagPosts,
    "search.trending_hashtags": TrendingTags,
    "system.health": Health,
    "system.api_info": Info,
}
