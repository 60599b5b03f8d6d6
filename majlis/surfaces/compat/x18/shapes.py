"""The JSON of the x18 contract: what goes out, with exactly its fields, and what comes in."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.graph import service as graph
from majlis.features.graph.model import Named
from majlis.features.identity import service as identity
from majlis.features.library.model import Item
from majlis.features.paywall import service as paywall
from majlis.features.paywall.model import FILES as AT_HOME
from majlis.features.paywall.model import PaidMedia
from majlis.features.polls.model import Poll as Question
from majlis.features.sessions.model import Email, Password
from majlis.kit import clock, currencies, ids, links
from majlis.kit.db import Reader
from majlis.kit.errors import Invalid
from majlis.kit.me import Me

Username = Annotated[
    str, Meta(max_length=100, examples=["amina_k"], description="3 to 30 letters, digits, _")
]
DisplayName = Annotated[str, Meta(max_length=50, examples=["Amina Karimi"])]
Bio = Annotated[str, Meta(max_length=500)]
FILES, PAID_FILES = "/x18/storage/media/", "/x18/storage/paid"
MOST = Decimal("1000000.00")
Token = Annotated[str, Meta(max_length=4096)]


class Error(msgspec.Struct):
    """A refusal: words, a stable code, and words for each field that is wrong."""

    error: str
    code: str
    fields: dict[str, str] | None


class UserPublic(msgspec.Struct):
    """A person as others see them, under their privacy settings. `is_following` is null where nobody is signed in."""

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
    """The caller's account."""

    email: str
    monetization_enabled: bool
    subscription_price: Decimal | None
    updated_at: datetime


class Media(msgspec.Struct):
    """A stored picture or video."""

    id: UUID
    user_id: UUID
    url: str
    type: Literal["image", "video"]
    mime_type: str
    size: int
    alt_text: str | None
    created_at: datetime


class PollOption(msgspec.Struct):
    """An answer to choose, with its share of all votes in per cent."""

    id: UUID
    text: str
    votes_count: int
    percent: float


class Poll(msgspec.Struct):
    """A question with its answers. `my_option_id` is what the caller chose; null where nobody is signed in, too."""

    options: list[PollOption]
    votes_count: int
    my_option_id: UUID | None
    closes_at: datetime | None
    is_closed: bool


class Post(msgspec.Struct):
    """A post. What concerns the caller is null where nobody is signed in.

    Only paid posts have a price, null for those of subscribers alone. A locked one shows its first lines. Only polls
    have a poll.
    """

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
    price: Decimal | None | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    is_locked: bool | UnsetType = UNSET
    poll: Poll | UnsetType = UNSET


class Notification(msgspec.Struct):
    """Somebody liked or retweeted a post of the caller's, or follows the caller."""

    id: UUID
    type: Literal["like", "retweet", "follow"]
    actor: UserPublic
    post_id: UUID | None
    is_read: bool
    created_at: datetime


class Hashtag(msgspec.Struct):
    """A tag, without its sign, and how many posts have it."""

    tag: str
    posts_count: int


class TokenPair(msgspec.Struct):
    """An access token of 15 minutes, and a refresh token of 30 days that is good once."""

    access_token: str
    refresh_token: str


class SignedIn(msgspec.Struct):
    """The account and its tokens."""

    user: UserPrivate
    access_token: str
    refresh_token: str


class RegisterBody(msgspec.Struct):
    """A new account."""

    username: Username
    email: Email
    password: Password
    display_name: DisplayName | None = None


class LoginBody(msgspec.Struct):
    """Credentials: the username or the e-mail address, either in either field."""

    password: Password
    username: Annotated[str, Meta(max_length=320)] | None = None
    email: Annotated[str, Meta(max_length=320)] | None = None


class LogoutBody(msgspec.Struct):
    """Which session to end; without a token all of them."""

    refresh_token: Token | None = None


class RefreshBody(msgspec.Struct):
    """The refresh token to exchange."""

    refresh_token: Token


class UserUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay, null clears."""

    username: Username | UnsetType = UNSET
    display_name: DisplayName | None | UnsetType = UNSET
    bio: Bio | None | UnsetType = UNSET
    avatar_url: Annotated[str, Meta(max_length=2000)] | None | UnsetType = UNSET
    monetization_enabled: bool | UnsetType = UNSET
    subscription_price: Decimal | None | UnsetType = UNSET


class Users(msgspec.Struct):
    """A page of people."""

    users: list[UserPublic]
    limit: int
    offset: int
    has_more: bool


class Posts(msgspec.Struct):
    """A page of posts."""

    posts: list[Post]
    limit: int
    offset: int
    has_more: bool


class MediaList(msgspec.Struct):
    """A page of somebody's media."""

    media: list[Media]
    limit: int
    offset: int
    has_more: bool


class Notifications(msgspec.Struct):
    """A page of the caller's notifications."""

    notifications: list[Notification]
    limit: int
    offset: int
    has_more: bool


class Following(msgspec.Struct):
    """Whether the caller follows a person now, and how many do."""

    following: bool
    followers_count: int


class UnreadCount(msgspec.Struct):
    """How many notifications are unread."""

    unread_count: int


class Updated(msgspec.Struct):
    """How many were changed."""

    updated: int


class Alt(msgspec.Struct):
    """What a picture or video shows, in words."""

    alt_text: Annotated[str, Meta(max_length=1000)] | None = None


def user(me: Me, named: Named) -> UserPublic:
    """A person of the domain at this door."""
    return UserPublic(
        id=named.id,
        username=named.username,
        display_name=named.name,
        bio=named.about,
        avatar_url=named.avatar.url if named.avatar else None,
        followers_count=named.followers_count,
        following_count=named.following_count,
        posts_count=named.posts_count,
        is_following=None if me.id is None else named.is_following,
        created_at=named.created_at,
    )


def media(item: Item) -> Media:
    """A kept picture or video at this door."""
    return Media(
        id=item.id,
        user_id=item.user_id,
        url=item.photo.url if links.private_path(item.photo.url) else f"{FILES}{item.id}{item.suffix}",
        type=item.kind,
        mime_type=item.photo.mime_type,
        size=item.photo.size,
        alt_text=item.alt_text,
        created_at=item.created_at,
    )


def paid_media(item: PaidMedia, owner: UUID) -> Media:
    """A picture or video of a post that the caller paid for. Its address is the caller's own, for an hour."""
    kind: Literal["image", "video"] = "video" if item.mime_type.startswith("video/") else "image"
    url = PAID_FILES + item.url.removeprefix(AT_HOME)
    return Media(item.id, owner, url, kind, item.mime_type, item.size, item.alt_text, item.created_at)


def poll(found: Question, closes_at: datetime | None) -> Poll:
    """A poll of the domain at this door, with when it closes."""
    options = [PollOption(one.id, one.option, one.vote_count, one.percent) for one in found.options]
    closed = closes_at is not None and closes_at <= clock.now()
    return Poll(options, found.total_votes, found.my_vote, closes_at, closed)


def decimal(amount: int | None, currency: str) -> Decimal | None:
    """Minor units as a decimal."""
    return None if amount is None else Decimal(amount).scaleb(-currencies.digits(currency))


def minor(price: Decimal, currency: str, field: str) -> int:
    """The other way. Raises Invalid naming the field for less than nothing, parts of the smallest unit, or too much."""
    units = price.scaleb(currencies.digits(currency))
    if not 0 <= price <= MOST or units != units.to_integral_value():
        raise Invalid.field(field, f"A price is 0 to {MOST}, in whole units.")
    return int(units)


def media_id(url: str) -> UUID | None:
    """The item whose file has this address at this door, with or without the host; None for any other."""
    _, found, name = url.rpartition(FILES)
    stem, dot, _ = name.partition(".")
    return ids.parse(stem) if found and dot else None


async def private(tx: Reader, me: Me) -> UserPrivate:
    """The caller's account. Raises NotFound when it is gone."""
    account = await identity.get(tx, me, me.user())
    public = user(me, await graph.named_one(tx, me, account.id))
    offer = await paywall.settings(tx, me)
    return UserPrivate(
        **msgspec.structs.asdict(public),
        email=account.email,
        monetization_enabled=offer.enabled,
        subscription_price=decimal(offer.price, offer.currency),
        updated_at=max(account.updated_at, offer.updated_at),
    )


async def users(tx: Reader, me: Me, ids: Collection[UUID]) -> dict[UUID, UserPublic]:
    """These people by id, without those whom the caller does not meet in lists; one query, none for nobody."""
    found = await graph.named(tx, me, ids)
    return {key: user(me, named) for key, named in found.items()}


async def listed(tx: Reader, me: Me, ids: Sequence[UUID]) -> list[UserPublic]:
    """These people in this order, as far as the caller meets them."""
    found = await users(tx, me, ids)
    return [found[key] for key in ids if key in found]
