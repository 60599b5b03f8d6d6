"""Nouns of reports."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.kit.errors import Invalid

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
