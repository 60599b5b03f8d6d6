"""Nouns of people as their viewers see them."""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.media.model import Photo
from majlis.kit.errors import Conflict, Invalid
from majlis.kit.http import PageQuery

Place = Annotated[str, Meta(max_length=100, examples=["Kabul"])]


class Thing(IntEnum):
    """What a person may hide: the bit of `profiles.hides` at which the audience of it stands."""

    NAME = 0
    PICTURES = 2
    ABOUT = 4
    FOUND = 6


def hidden(thing: Thing, hides: int, known: bool) -> bool:
    """Whether a thing is hidden from a viewer whom the person follows (known), or does not."""
    return (hides >> thing & 3) > known  # the audience is 0 anyone, 1 whom the person follows, 2 nobody


def initial(name: str | None) -> str | None:
    """What is left of a hidden name."""
    return (name or "").strip()[:1] or None


class UserMini(msgspec.Struct):
    """A person beside a post or in a list."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: Photo | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_following: bool
    follows_me: bool


class UserPublic(msgspec.Struct):
    """A person as others see them: no address, no birthday, no exact place."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: Photo | None
    cover: Photo | None
    about: str | None
    gender: str | None
    website: str | None
    country: str | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_complete: bool
    created_at: datetime
    followers_count: int
    following_count: int
    posts_count: int
    is_following: bool
    follows_me: bool
    is_blocked: bool
    can_message: bool
    is_me: bool
    is_private: bool
    follow_requested: bool
    is_muted: bool


class Named(msgspec.Struct):
    """A person by username, as the viewer sees them: what doors show that know no families of names."""

    id: UUID
    username: str
    name: str | None
    about: str | None
    avatar: Photo | None
    followers_count: int
    following_count: int
    posts_count: int
    is_following: bool
    created_at: datetime


class NamedRow(msgspec.Struct):
    """A person by username as stored, and what of them is hidden from a viewer whom they follow, or do not."""

    id: UUID
    username: str
    first_name: str | None
    last_name: str | None
    about: str | None
    avatar: msgspec.Raw | None
    followers_count: int
    following_count: int
    posts_count: int
    is_following: bool
    created_at: datetime
    hides: int
    follows_me: bool

    def shown(self) -> Named:
        """The person as the viewer may see them, under the same settings as cards and pages."""
        name: str | None = " ".join(part for part in (self.first_name, self.last_name) if part) or None
        about, avatar = self.about, self.avatar
        if hidden(Thing.NAME, self.hides, self.follows_me):
            name = initial(self.first_name)
        if hidden(Thing.ABOUT, self.hides, self.follows_me):
            about = None
        if hidden(Thing.PICTURES, self.hides, self.follows_me):
            avatar = None
        return Named(
            self.id,
            self.username,
            name,
            about,
            None if avatar is None else msgspec.json.decode(avatar, type=Photo),
            self.followers_count,
            self.following_count,
            self.posts_count,
            self.is_following,
            self.created_at,
        )


class FollowEntry(msgspec.Struct):
    """A person in a list of follows, and since when."""

    user: UserMini
    created_at: datetime


class FollowState(msgspec.Struct):
    """Whether the caller follows a person now, or asked to, and how many do."""

    is_following: bool
    followers_count: int
    state: Literal["following", "requested", "none"]


class FollowerState(msgspec.Struct):
    """Whether somebody who asked follows the caller now, and how many do."""

    follows_me: bool
    followers_count: int


class MuteState(msgspec.Struct):
    """Whether the caller mutes a person now."""

    is_muted: bool


class BlockState(msgspec.Struct):
    """Whether the caller blocks a person now."""

    is_blocked: bool


class PeopleQuery(PageQuery, kw_only=True):
    """Whom to look for: words that begin names, or an exact e-mail address or phone number."""

    q: Annotated[str, Meta(max_length=200, description="at least 2 characters", examples=["Amina"])]
    country: Place | None = None
    province: Place | None = None
    district: Place | None = None
    neighborhood: Place | None = None


class Blocked(Conflict):
    """One of the two blocks the other."""

    code, detail = "blocked", "One of you has blocked the other."


class Oneself(Invalid):
    """Nobody follows or blocks themselves."""

    code, detail = "oneself", "You cannot do this to yourself."
