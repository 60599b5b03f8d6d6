"""Nouns of the audit trail."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.http import PageQuery

Action = Annotated[str, Meta(max_length=50, examples=["hide"])]
Kind = Annotated[str, Meta(max_length=50, examples=["post"])]


class Decision(msgspec.Struct, kw_only=True):
    """What is to be recorded: an action on a target that is some person's, and why."""

    action: str
    kind: str
    reason: str
    target_id: UUID | None = None
    person_id: UUID | None = None
    case_id: UUID | None = None
    ip: str | None = None
    data: dict[str, Any] | None = None


class AuditEntry(msgspec.Struct):
    """Who decided what about whom, and why. Without an actor it was the server, or an operator by command."""

    id: UUID
    actor_id: UUID | None
    actor_role: str
    session_id: UUID | None
    ip: str | None
    action: Action
    kind: Kind
    target_id: UUID | None
    person_id: UUID | None
    case_id: UUID | None
    reason: Annotated[str, Meta(examples=["Fraud: the carpet does not exist."])]
    data: dict[str, Any] | None
    created_at: datetime


class AuditQuery(PageQuery, kw_only=True):
    """Which entries: by whom, about whom or what, which action, in which time."""

    actor_id: UUID | None = None
    person_id: UUID | None = None
    target_id: UUID | None = None
    case_id: UUID | None = None
    action: Action | None = None
    kind: Kind | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    before: Annotated[datetime, Meta(tz=True)] | None = None
