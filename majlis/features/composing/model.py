"""Nouns of messages that are not sent yet."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.media.model import Url
from majlis.features.messages.model import MAX_FILES, MAX_TEXT, MessageSend
from majlis.kit.errors import Conflict, NotFound
from majlis.kit.http import PageQuery

State = Literal["WAITING", "SENT", "FAILED"]
Status = Literal["scheduled", "sent", "failed"]  # the same in channels
STATUS: dict[State, Status] = {"WAITING": "scheduled", "SENT": "sent", "FAILED": "failed"}
MOST = 100  # messages of one person that wait


class UnsentMessage(msgspec.Struct):
    """What the caller has begun to write in a conversation, or in one of its threads."""

    conversation_id: UUID
    thread_root_id: UUID | None
    text: str
    updated_at: datetime


class DraftSave(msgspec.Struct, kw_only=True):
    """What is written so far."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    thread_root_id: UUID | None = None
    not_writable: ClassVar[frozenset[str]] = frozenset({"conversation_id", "updated_at"})


class DraftQuery(msgspec.Struct, kw_only=True):
    """The draft of which thread; none for that of the conversation."""

    thread_root_id: UUID | None = None


class Scheduled(msgspec.Struct):
    """A message that is sent at its time. `failure` is the code of what refused it then."""

    id: UUID
    conversation_id: UUID
    message: MessageSend
    send_at: datetime
    state: State
    failure: str | None
    message_id: UUID | None
    created_at: datetime


class ScheduleCreate(msgspec.Struct, kw_only=True):
    """What to say where, and when."""

    conversation_id: UUID
    message: MessageSend
    send_at: Annotated[datetime, Meta(tz=True)]
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "state", "failure", "message_id", "created_at"})


class ScheduleUpdate(msgspec.Struct, kw_only=True):
    """Another time or text. What is left out stays."""

    send_at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] | UnsetType = UNSET
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "conversation_id", "state", "message_id"})


class ScheduleQuery(PageQuery, kw_only=True):
    """Scheduled messages in this state."""

    state: State = "WAITING"


# ---- in channels


class Planned(msgspec.Struct):
    """What is said in a channel at its time. `failure` is the code of what refused it then."""

    id: UUID
    channel_id: UUID
    text: str
    thread_root_id: UUID | None
    file_ids: list[str]
    post_at: datetime
    status: Status
    failure: str | None
    message_id: UUID | None
    created_at: datetime


class PlanCreate(msgspec.Struct, kw_only=True):
    """What to say in a channel, and when: between a minute and 120 days from now."""

    post_at: Annotated[datetime, Meta(tz=True)]
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    thread_root_id: UUID | None = None
    file_ids: Annotated[list[Url], Meta(max_length=MAX_FILES)] = []
    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "status", "failure", "message_id", "created_at"}
    )


class PlanUpdate(msgspec.Struct, kw_only=True):
    """Another time or text. What is left out stays."""

    post_at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] | UnsetType = UNSET
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "channel_id", "status", "message_id"})


class Due(msgspec.Struct, frozen=True):
    """A message whose time may have come."""

    id: UUID


class NoDraft(NotFound):
    """Nothing is begun there."""

    detail = "There is no draft."


class NotWaiting(Conflict):
    """It was sent, or refused, already."""

    code, detail = "not_waiting", "This message does not wait any more."


class TooMany(Conflict):
    """So many messages wait already."""

    code, detail = "too_many_scheduled", f"At most {MOST} messages can wait."
