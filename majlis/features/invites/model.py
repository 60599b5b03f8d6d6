"""Nouns of invitations, and what is refused."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.sessions.model import Email
from majlis.features.workspaces.model import Workspace
from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid, NotFound, RateLimited, Refused
from majlis.kit.http import PageQuery

MONTH_S = 30 * 24 * 3600
WEEK_S = 7 * 24 * 3600
InviteKind = Literal["link", "email"]
InviteRole = Literal["member", "guest"]
InviteStatus = Literal["active", "used", "expired", "revoked"]


class InviteCreate(msgspec.Struct, kw_only=True):
    """One link, or a mail to each of these addresses."""

    kind: InviteKind
    emails: Annotated[list[Email], Meta(max_length=50)] = []
    role: InviteRole = "member"
    channel_ids: Annotated[list[UUID], Meta(max_length=100)] = []
    max_uses: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    expires_in_s: Annotated[int, Meta(ge=60, le=MONTH_S)] = WEEK_S


class Invite(msgspec.Struct):
    """An invitation. `url` is shown once, when a link is made; that of a mail only its recipient gets."""

    id: UUID
    kind: InviteKind
    url: str | None
    email: str | None
    role: InviteRole
    channel_ids: list[UUID]
    expires_at: datetime
    max_uses: int | None
    uses: int
    inviter_id: UUID
    status: InviteStatus
    created_at: datetime


class Invites(msgspec.Struct):
    """Invitations that were just made."""

    data: list[Invite]


class InvitesQuery(PageQuery, kw_only=True):
    """Which invitations."""

    status: InviteStatus | None = None


class InvitedTo(msgspec.Struct):
    """What an invitation shows of its workspace."""

    name: str
    slug: str
    icon_url: str | None


class Invitation(msgspec.Struct):
    """What somebody is invited to, and by whom."""

    workspace: InvitedTo
    inviter_name: str
    role: InviteRole
    expires_at: datetime


class Accepted(msgspec.Struct):
    """The workspace that somebody came into, and the channels there."""

    workspace: Workspace
    joined_channels: list[UUID]


class NoInvite(NotFound):
    """There is no such invitation."""

    detail = "There is no such invitation."


class InviteGone(Refused):
    """The invitation is used up, expired or taken back."""

    code, status, detail = "invite_gone", 410, "This invitation is used up, expired or taken back."


class WrongAddress(Forbidden):
    """The invitation went to another address, or the caller has not confirmed theirs."""

    code, detail = "wrong_address", "This invitation is for another address, or yours is not confirmed yet."


class OnlyMailed(Conflict):
    """A link is not mailed by the server."""

    code, detail = "not_mailed", "Only invitations by e-mail can be sent again."


class SentOften(RateLimited):
    """An invitation is mailed so often a day only."""

    code, detail = "sent_too_often", "This invitation was sent again three times today."


class NeedsChannels(Invalid):
    """Guests see only the channels that they are brought into."""

    code, detail = "channels_required", "Name the channels that a guest comes into."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("channel_ids", "required", self.detail)])


class UnknownChannels(Invalid):
    """Channels into which the caller cannot bring anybody."""

    code, detail = "unknown_channel", "There are channels among these that you are not in."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("channel_ids", self.code, self.detail)])
