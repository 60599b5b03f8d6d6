"""Nouns of who belongs to a workspace, and what is refused."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.availability.model import Shown, UserStatus
from majlis.features.workspaces.model import Role, Workspace
from majlis.kit import ids
from majlis.kit.errors import Conflict, Forbidden, Invalid, NotFound
from majlis.kit.http import PageQuery

DisplayName = Annotated[str, Meta(min_length=1, max_length=80)]
Title = Annotated[str, Meta(max_length=100)]
MOST_ASKED = 200  # people at once


class OwnWorkspace(Workspace, kw_only=True):
    """A workspace of the caller's, and what is new there."""

    unread_count: int
    mention_count: int


class Person(msgspec.Struct):
    """Somebody of a workspace, without what they say of themselves."""

    user_id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    role: Role
    title: str | None
    is_bot: bool
    joined_at: datetime
    deactivated_at: datetime | None


class Member(Person):
    """Somebody of a workspace. `display_name` is what the workspace calls them, else their name."""

    status: UserStatus | None


class ChannelMember(Member):
    """Somebody in a channel, and what they are there."""

    channel_role: Literal["moderator", "member"]


class MembersQuery(PageQuery, kw_only=True):
    """Which members: whose name begins with this, in a role."""

    q: Annotated[str, Meta(max_length=80)] | None = None
    role: Role | None = None


class PresenceQuery(msgspec.Struct, kw_only=True):
    """Whose presence: at most 200 ids with commas between them."""

    user_ids: Annotated[str, Meta(max_length=8_000, examples=["0197a4c2-6b1e-7c54-9d2f-3a8b5c7d9e10"])]

    def ids(self) -> list[UUID]:
        """The same as ids. Raises Invalid."""
        parts = [part.strip() for part in self.user_ids.split(",") if part.strip()]
        found = {ids.parse(part) for part in parts}
        if None in found:
            raise Invalid.field("user_ids", "These are ids with commas between them.")
        if not 0 < len(found) <= MOST_ASKED:
            raise Invalid.field("user_ids", f"Ask for 1 to {MOST_ASKED} people.", "too_many")
        return sorted(one for one in found if one is not None)


class MemberPresence(msgspec.Struct):
    """Whether somebody is there, and when they last looked, as far as is known."""

    user_id: UUID
    presence: Shown
    last_active_at: datetime | None


class Presences(msgspec.Struct):
    """Who is there, of those who share a channel with the caller and whom they meet."""

    data: list[MemberPresence]


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
