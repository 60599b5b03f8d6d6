"""Nouns of reports and of what moderators make of them."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.filters.model import HiddenAs
from majlis.features.media.model import Photo
from majlis.kit.errors import Conflict, Forbidden, Invalid
from majlis.kit.http import PageQuery

Reason = Annotated[str, Meta(max_length=100, examples=["Spam"])]
Text = Annotated[str, Meta(max_length=10_000, examples=["The same advertisement every hour."])]


class UserReport(msgspec.Struct):
    """A report about a person."""

    id: UUID
    reported_user: UUID
    reported_by_id: UUID
    reason: str
    description: str | None
    resolved: bool
    created_at: datetime
    updated_at: datetime


class Report(msgspec.Struct, kw_only=True):
    """A report about something published; exactly one of the targets is there."""

    id: UUID
    user_id: UUID
    post_id: UUID | UnsetType = UNSET
    comment_id: UUID | UnsetType = UNSET
    business_id: UUID | UnsetType = UNSET
    reason: str
    additional_comments: str | None
    report_status: str
    created_at: datetime
    updated_at: datetime


class UserReportBody(msgspec.Struct):
    """Why a person is reported."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "reported_user", "reported_by_id", "resolved", "created_at", "updated_at"}
    )

    reason: Reason
    description: Text | None = None


class ReportBody(msgspec.Struct):
    """Why something is reported."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "user_id", "post_id", "comment_id", "business_id", "report_status", "created_at", "updated_at"}
    )

    reason: Reason
    additional_comments: Text | None = None


class OwnContent(Invalid):
    """Nobody reports themselves."""

    code, detail = "own_content", "You cannot report yourself or what you published."


# ---- cases

Kind = Literal["post", "comment", "user", "business"]
State = Literal["PENDING", "REVIEWED", "RESOLVED", "DISMISSED"]
Source = Literal["report", "filter", "moderator"]
Action = Literal["hide", "restore", "suspend", "unsuspend", "dismiss"]
Claimed = Literal["me", "others", "nobody"]
Why = Annotated[str, Meta(min_length=1, max_length=1000, examples=["Fraud: the carpet does not exist."])]
Content = Annotated[
    dict[str, Any],
    Meta(examples=[{"title": "Carpet", "description": "Money first.", "visibility": "PUBLIC"}]),
]


class Member(msgspec.Struct):
    """Somebody as moderators see them."""

    id: UUID
    first_name: str | None
    last_name: str | None
    avatar: Photo | None
    role: Annotated[str, Meta(examples=["user"])]
    suspended_at: datetime | None
    suspended_until: datetime | None


class Case(msgspec.Struct, kw_only=True):
    """Something that moderators look at, with everything that was reported about it.

    PENDING until somebody claims it, REVIEWED meanwhile, RESOLVED by a measure, DISMISSED without one.
    """

    id: UUID
    kind: Kind
    target_id: UUID
    person: Member
    state: State
    source: Source
    total_reports: int
    escalated: bool
    hidden_as: HiddenAs | None
    claimed_by: UUID | None
    claimed_at: datetime | None
    excerpt: Annotated[str, Meta(examples=["Carpet"])] | None
    opened_at: datetime
    reported_at: datetime
    decided_at: datetime | None


class CaseReport(msgspec.Struct):
    """One report of a case. Only moderators see who made it."""

    id: UUID
    reporter_id: UUID
    first_name: str | None
    last_name: str | None
    reason: Reason
    words: Text | None
    status: State
    created_at: datetime


class CaseEntry(msgspec.Struct):
    """Something that was decided about the person of a case. Without an actor the server did it."""

    id: UUID
    action: Annotated[str, Meta(examples=["hide"])]
    kind: Annotated[str, Meta(examples=["post"])]
    target_id: UUID | None
    case_id: UUID | None
    actor_id: UUID | None
    first_name: str | None
    last_name: str | None
    reason: Why
    created_at: datetime


class CaseDetail(Case, kw_only=True):
    """A case whole: what there was to see when it was opened, what there is now, who says what of it, and what was
    decided about this person before. The latest hundred of each."""

    snapshot: Content
    current: Content | None
    reports: list[CaseReport]
    history: list[CaseEntry]


class CasesQuery(PageQuery, kw_only=True):
    """Which cases; without a state those that are open."""

    state: list[State] | None = None
    kind: list[Kind] | None = None
    claimed: Claimed | None = None
    claimed_by: UUID | None = None
    person_id: UUID | None = None
    target_id: UUID | None = None
    escalated: bool | None = None
    sort: Literal["reports", "recent", "oldest"] = "reports"


class OpenBody(msgspec.Struct, kw_only=True):
    """What to open a case about, without a report of it."""

    kind: Kind
    target_id: UUID


class ReasonBody(msgspec.Struct):
    """Why. The person concerned reads it."""

    reason: Why


class SuspendBody(msgspec.Struct):
    """Why, and until when; without a time, until a moderator opens the account again. The person reads both."""

    reason: Why
    until: Annotated[datetime, Meta(tz=True, examples=["2026-12-24T00:00:00Z"])] | None = None


class Outranked(Forbidden):
    """Moderators act on members, admins on everybody but themselves."""

    code, detail = "outranked", "This concerns a moderator or an admin; escalate it."


class Escalated(Forbidden):
    """A case that waits for an admin."""

    code, detail = "escalated", "This waits for an admin."


class ClaimedByOther(Conflict):
    """Another moderator is at it."""

    code, detail = "claimed", "Another moderator is looking at this."


class Closed(Conflict):
    """The case is decided."""

    code, detail = "closed", "This is decided already."


class WrongKind(Conflict):
    """People are suspended; what they publish is hidden."""

    code, detail = "wrong_kind", "A person is suspended, not hidden."


class StillHeld(Conflict):
    """What waits for a moderator cannot be passed over."""

    code, detail = "held", "This is held: restore it or hide it."


class NotSuspended(Conflict):
    """The account is open."""

    code, detail = "not_suspended", "This account is not suspended."


TITLES: dict[str, str] = {
    "hide": "Your {kind} was hidden",
    "restore": "Your {kind} is shown",
    "suspend": "Your account was suspended",
    "unsuspend": "Your account is open again",
    "dismiss": "Your report was looked at",
}


def title_of(action: str, kind: str) -> str:
    """How the person concerned is told of an action."""
    return TITLES[action].format(kind=kind)
