"""Nouns of channels, and what is refused."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.conversations.model import Archived, MayNotWrite
from majlis.features.workspaces.model import RANK, Role, RoleTooLow, WorkspaceSettings
from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid, NotFound
from majlis.kit.http import PageQuery

Room = Literal["public", "private"]
Direct = Literal["dm", "group_dm"]  # of people who are named, and not of a place
ChannelKind = Literal["public", "private", "dm", "group_dm"]
Policy = Literal["everyone", "moderators"]
Notify = Literal["all", "mentions", "none", "default"]

# In lower case and without spaces; letters of any script.
ChannelName = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\A\S+\Z", examples=["general"])]
Topic = Annotated[str, Meta(max_length=250)]
Purpose = Annotated[str, Meta(max_length=1000)]
People = Annotated[list[UUID], Meta(max_length=100)]


class OwnPlace(msgspec.Struct):
    """The viewer's place in a channel. Who is not in it has read nothing and is told nothing."""

    is_member: bool
    last_read_seq: int
    unread_count: int
    mention_count: int
    notify: Notify
    muted_until: datetime | None
    starred: bool


class Channel(msgspec.Struct):
    """A channel as one of its readers sees it. Those of a few people have no name, and `user_ids` instead."""

    id: UUID
    workspace_id: UUID
    kind: ChannelKind
    is_private: bool
    name: str | None
    topic: str | None
    purpose: str | None
    created_by: UUID | None
    created_at: datetime
    archived_at: datetime | None
    member_count: int
    posting_policy: Policy
    last_seq: int
    last_message_at: datetime | None
    me: OwnPlace
    user_ids: list[UUID] | UnsetType = UNSET


class Access(msgspec.Struct):
    """A channel that somebody may read, and what they are there. `blocked`: one of two people blocks the other."""

    id: UUID
    workspace_id: UUID
    direct: Direct | None
    blocked: bool
    name: str | None
    topic: str | None
    purpose: str | None
    posting_policy: Policy
    is_private: bool
    is_default: bool
    archived: bool
    is_member: bool
    is_creator: bool
    role: Role
    last_seq: int
    last_read_seq: int
    settings: WorkspaceSettings

    @property
    def is_guest(self) -> bool:
        """Whether they see only what they were brought into."""
        return self.role == "guest"

    @property
    def is_moderator(self) -> bool:
        """Whether they made the channel and are in it, or are an admin or the owner of the workspace.

        Nobody is in a conversation of a few people.
        """
        return self.direct is None and (
            RANK[self.role] >= RANK["admin"] or (self.is_creator and self.is_member)
        )

    def require_member(self) -> None:
        """Raises NotIn unless they are in the channel."""
        if not self.is_member:
            raise NotIn()

    def require_moderator(self) -> None:
        """Raises NotModerator."""
        if not self.is_moderator:
            raise NotModerator()

    def require_writer(self) -> None:
        """Raises NotIn, ReadOnly, MayNotWrite."""
        self.require_member()
        self.require_free()

    def require_free(self) -> None:
        """Raises ReadOnly where only moderators write, MayNotWrite across a block."""
        if self.posting_policy == "moderators" and not self.is_moderator:
            raise ReadOnly()
        self.require_met()

    def require_met(self) -> None:
        """Raises MayNotWrite in a conversation of two of whom one blocks the other."""
        if self.blocked:
            raise MayNotWrite()

    def require_open(self) -> None:
        """Raises ChannelArchived."""
        if self.archived:
            raise ChannelArchived()

    def require_turn(self) -> None:
        """Raises unless a public channel may become private, or the reverse: DefaultChannel, RoleTooLow, NotIn."""
        if self.is_default:
            raise DefaultChannel()
        if self.is_private and self.role != "owner":
            raise RoleTooLow()
        if not self.is_private:
            self.require_member()  # else nobody could get at it any more

    def require_leavable(self) -> None:
        """Raises Staying, DefaultChannel for all but guests."""
        if self.direct is not None:
            raise Staying()
        if self.is_default and not self.is_guest:
            raise DefaultChannel()


class ChannelCreate(msgspec.Struct, kw_only=True):
    """A new channel, and who is in it from the beginning beside the caller."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "workspace_id", "created_by", "created_at", "archived_at", "member_count", "last_seq"}
    )

    name: ChannelName
    kind: Room = "public"
    topic: Topic | None = None
    purpose: Purpose | None = None
    member_ids: People = []


class ChannelUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay."""

    not_writable: ClassVar[frozenset[str]] = ChannelCreate.not_writable

    name: ChannelName | UnsetType = UNSET
    purpose: Purpose | None | UnsetType = UNSET
    posting_policy: Policy | UnsetType = UNSET
    kind: Room | UnsetType = UNSET


class TopicBody(msgspec.Struct):
    """What is talked about now; empty for nothing in particular."""

    topic: Topic


class ChannelQuery(PageQuery, kw_only=True):
    """Which channels: whose name holds this, of a kind, those the caller is in, or is not.

    Those of a few people only when their kind is asked for.
    """

    q: Annotated[str, Meta(max_length=80)] | None = None
    kind: ChannelKind | None = None
    joined: bool | None = None
    include_archived: bool = False


class OwnPlaceUpdate(msgspec.Struct, kw_only=True):
    """How the caller wants to hear of a channel; absent fields stay."""

    notify: Notify | UnsetType = UNSET
    muted_until: Annotated[datetime, Meta(tz=True)] | None | UnsetType = UNSET
    starred: bool | UnsetType = UNSET


class AddMembers(msgspec.Struct):
    """Who is to come in."""

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=100)]


class Failed(msgspec.Struct):
    """Somebody who could not be added, and why."""

    user_id: UUID
    code: Literal["not_in_workspace"]


class Added(msgspec.Struct):
    """Who came in, who was in already, and who could not."""

    added: list[UUID]
    already: list[UUID]
    failed: list[Failed]

    @classmethod
    def of(cls, wanted: Sequence[UUID], there: Collection[UUID], new: Collection[UUID]) -> "Added":
        """Of those who were wanted, some are in the workspace, and some of them are new in the channel."""
        known = [user_id for user_id in wanted if user_id in there]
        return cls(
            [user_id for user_id in known if user_id in new],
            [user_id for user_id in known if user_id not in new],
            [Failed(user_id, "not_in_workspace") for user_id in wanted if user_id not in there],
        )


class NoChannel(NotFound):
    """There is no such channel, or the caller may not know of it."""

    detail = "There is no such channel."


class NotIn(Forbidden):
    """Only who is in the channel may do this."""

    code, detail = "not_a_member", "Join the channel first."


class NotModerator(Forbidden):
    """Only moderators of the channel may do this."""

    code, detail = "not_moderator", "Only moderators of the channel may do this."


class ReadOnly(Forbidden):
    """Only moderators write in this channel."""

    code, detail = "read_only_channel", "Only moderators write in this channel."


class Guest(Forbidden):
    """Guests may not do this."""

    code, detail = "guest", "Guests may not do this."


class ChannelArchived(Archived):
    """Nothing is written in an archived channel."""

    status, detail = 409, "This channel is archived."


class NameTaken(Conflict):
    """Another channel of the workspace has this name."""

    code, detail = "name_taken", "Another channel of the workspace has this name."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("name", self.code, self.detail)])


class DefaultChannel(Conflict):
    """The channel in which everybody is stays as it is."""

    code, detail = "default_channel", "This is the channel in which everybody is."


class Staying(Conflict):
    """Who converses directly is always the same."""

    code, detail = "direct_conversation", "This conversation is one of these people, and of nobody else."


class NotLower(Invalid):
    """Names of channels are in lower case."""

    code, detail = "upper_case", "The name of a channel is in lower case, without spaces."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("name", self.code, self.detail)])


def check_name(name: str) -> None:
    """Raises NotLower. PostgreSQL and Python differ on a few letters in lower(); what either would change is refused."""
    if name != name.lower() or any(letter.isupper() or letter.isspace() for letter in name):
        raise NotLower()


class NotInWorkspace(Invalid):
    """Only people of the workspace come into its channels."""

    code, detail = "not_in_workspace", "Only people of the workspace come into its channels."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("member_ids", self.code, self.detail)])
