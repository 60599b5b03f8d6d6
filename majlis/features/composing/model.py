"""Nouns of messages that are not sent yet."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.messages.model import MAX_TEXT, MessageSend
from majlis.kit.errors import Conflict, NotFound
from majlis.kit.http import PageQuery

State = Literal["WAITING", "SENT", "FAILED"]
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
    send_at: datetime
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "state", "failure", "message_id", "created_at"})


class ScheduleUpdate(msgspec.Struct, kw_only=True):
    """Another time or text. What is left out stays."""

    send_at: datetime | UnsetType = UNSET
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] | UnsetType = UNSET
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "conversation_id", "state", "message_id"})


class ScheduleQuery(PageQuery, kw_only=True):
    """Scheduled messages in this state."""

    state: State = "WAITING"


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
