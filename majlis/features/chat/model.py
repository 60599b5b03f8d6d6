"""Nouns of direct chat."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.graph.model import UserMini
from majlis.features.messages.model import MAX_TEXT
from majlis.kit.errors import Forbidden
from majlis.kit.http import PageQuery

SERVER_OWNED = frozenset({"id", "sender_id", "read_at", "created_at", "deleted_at", "is_mine"})


class ChatMessage(msgspec.Struct):
    """A message as one of the two sees it. `read_at` is when who received it first had read it."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    content: str | None
    message_type: str
    read_at: datetime | None
    created_at: datetime
    is_mine: bool


class Conversation(msgspec.Struct):
    """A conversation of two, the one with the smaller id first. `unread_count` is the caller's."""

    id: UUID
    participant1_id: UUID
    participant2_id: UUID
    last_message_at: datetime | None
    created_at: datetime
    other_user: UserMini
    last_message: ChatMessage | None
    unread_count: int
    is_blocked: bool


class ConversationCreate(msgspec.Struct, kw_only=True):
    """With whom."""

    user_id: UUID
    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "participant1_id", "participant2_id", "created_at"}
    )


class MessageCreate(msgspec.Struct, kw_only=True):
    """What to say in a conversation, or to somebody. The content of an IMAGE is its URL."""

    conversation_id: UUID | None = None
    recipient_id: UUID | None = None
    content: Annotated[str, Meta(max_length=MAX_TEXT, examples=["Is the bread still warm?"])]
    message_type: Literal["TEXT", "IMAGE", "LOCATION", "POST"] = "TEXT"
    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED


class MessagesQuery(PageQuery, kw_only=True):
    """Which messages: those before and after a moment."""

    before: datetime | None = None
    after: datetime | None = None


class NotRecipient(Forbidden):
    """Who sent a message does not mark it as read."""

    code, detail = "not_recipient", "Only who received a message marks it as read."
