"""Nouns of who belongs to a workspace, and what is refused."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.workspaces.model import Role, Workspace
from majlis.kit.errors import Conflict, Forbidden, NotFound
from majlis.kit.http import PageQuery

DisplayName = Annotated[str, Meta(min_length=1, max_length=80)]
Title = Annotated[str, Meta(max_length=100)]


class OwnWorkspace(Workspace, kw_only=True):
    """A workspace of the caller's, and what is new there."""

    unread_count: int
    mention_count: int


class Member(msgspec.Struct):
    """Somebody of a workspace. `display_name` is what the workspace calls them, else their name."""

    user_id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    role: Role
    title: str | None
    is_bot: bool
    joined_at: datetime
    deactivated_at: datetime | None


class ChannelMember(Member):
    """Somebody in a channel, and what they are there."""

    channel_role: Literal["moderator", "member"]


class MembersQuery(PageQuery, kw_only=True):
    """Which members: whose name begins with this, in a role."""

    q: Annotated[str, Meta(max_length=80)] | None = None
    role: Role | None = None


class MemberUpdate(msgspec.Struct, kw_only=True):
    """A role, given by admins; or how oneself is shown. Absent fields stay, null clears."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"user_id", "username", "is_bot", "joined_at"})

    role: Literal["admin", "member", "guest"] | UnsetType = UNSET
    title: Title | None | UnsetType = UNSET
    display_name: DisplayName | None | UnsetType = UNSET


class NoMember(NotFound):
    """There is nobody like that in the workspace, or the caller may not know of them."""

    detail = "There is no such member."


class OwnerStays(Conflict):
    """The owner hands the workspace over first."""

    code, detail = "owner_must_transfer", "Hand the workspace over to somebody else first."


class NotSelf(Forbidden):
    """Title and name are one's own matter."""

    code, detail = "not_self", "Title and name are set by their owner."
