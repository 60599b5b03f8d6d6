"""Nouns of workspaces, and what is refused."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.media.model import Url
from majlis.features.sessions.model import Password
from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid, NotFound

Role = Literal["owner", "admin", "member", "guest"]
RANK: dict[str, int] = {"guest": 0, "member": 1, "admin": 2, "owner": 3}
Who = Literal["everyone", "members", "admins"]
LEAST: dict[str, int] = {"everyone": 0, "members": 1, "admins": 2}  # the rank that each admits

WorkspaceName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Bakers of Kabul"])]
# Three to forty letters, digits and inner hyphens.
Slug = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{1,38}[a-z0-9]\Z", examples=["bakers"])]
Description = Annotated[str, Meta(max_length=1000)]
Window = Annotated[int, Meta(ge=0, le=10 * 365 * 24 * 3600, description="seconds")]
Days = Annotated[int, Meta(ge=1, le=36_500)]


class WorkspaceSettings(msgspec.Struct):
    """What a workspace lets whom do. A null window or retention means for ever."""

    who_can_create_channels: Who
    who_can_invite: Who
    who_can_mention_all: Who
    edit_window_s: int | None
    retention_days: int | None
    allow_guests: bool


class Workspace(msgspec.Struct):
    """A workspace as one of its members sees it."""

    id: UUID
    slug: str
    name: str
    description: str | None
    icon_url: str | None
    owner_id: UUID
    created_at: datetime
    member_count: int
    my_role: Role
    settings: WorkspaceSettings


class Standing(msgspec.Struct):
    """What somebody is in a workspace, and what that lets them do."""

    workspace_id: UUID
    user_id: UUID
    role: Role
    settings: WorkspaceSettings

    @property
    def is_guest(self) -> bool:
        """Whether they see only what they were brought into."""
        return self.role == "guest"

    @property
    def is_admin(self) -> bool:
        """Whether they are an admin or the owner."""
        return RANK[self.role] >= RANK["admin"]

    def may(self, who: Who) -> bool:
        """Whether a setting admits them."""
        return RANK[self.role] >= LEAST[who]

    def require(self, role: Role) -> None:
        """Raises RoleTooLow unless they have this role or a higher one."""
        if RANK[self.role] < RANK[role]:
            raise RoleTooLow()


class WorkspaceCreate(msgspec.Struct, kw_only=True):
    """What a new workspace is called."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "owner_id", "created_at", "member_count", "my_role", "icon_url"}
    )

    name: WorkspaceName
    slug: Slug
    description: Description | None = None


class SettingsUpdate(msgspec.Struct, kw_only=True):
    """Absent settings stay."""

    who_can_create_channels: Who | UnsetType = UNSET
    who_can_invite: Who | UnsetType = UNSET
    who_can_mention_all: Who | UnsetType = UNSET
    edit_window_s: Window | None | UnsetType = UNSET
    retention_days: Days | None | UnsetType = UNSET
    allow_guests: bool | UnsetType = UNSET


class WorkspaceUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay. `icon_file_id` is the URL of an upload of the caller's own; null takes the icon away."""

    not_writable: ClassVar[frozenset[str]] = WorkspaceCreate.not_writable

    name: WorkspaceName | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    icon_file_id: Url | None | UnsetType = UNSET
    settings: SettingsUpdate | UnsetType = UNSET


class WorkspaceDelete(msgspec.Struct):
    """The slug, typed again."""

    confirm_slug: Annotated[str, Meta(max_length=40)]


class WorkspaceDeleted(msgspec.Struct):
    """Until when what is deleted is kept."""

    purge_after: datetime


class Transfer(msgspec.Struct):
    """Who is to be the owner. The caller's password, unless a second factor was shown."""

    user_id: UUID
    password: Password | None = None


class NoWorkspace(NotFound):
    """There is no such workspace, or the caller is none of it."""

    detail = "There is no such workspace."


class RoleTooLow(Forbidden):
    """The caller's role in the workspace is not enough."""

    code, detail = "role_too_low", "Your role in this workspace does not allow this."


class SlugTaken(Conflict):
    """Another workspace has this slug."""

    code, detail = "slug_taken", "Another workspace has this slug."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("slug", self.code, self.detail)])


class WrongSlug(Invalid):
    """What was typed is not the slug."""

    code, detail = "wrong_slug", "Type the slug of the workspace to confirm."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("confirm_slug", self.code, self.detail)])


class NotEligible(Invalid):
    """Only a member who is no guest can become the owner."""

    code, detail = "not_eligible", "The new owner is somebody else of this workspace, and no guest."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("user_id", self.code, self.detail)])


class StepUp(Invalid):
    """The password is needed."""

    code, detail = "password_required", "Confirm with your password."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("password", "required", self.detail)])


class NoGuests(Conflict):
    """The workspace takes no guests."""

    code, detail = "no_guests", "This workspace takes no guests."
