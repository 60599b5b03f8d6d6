"""Nouns of messages, and what is refused. Codes are those of contracts/realtime.md."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.attachments.model import MessageFile as MessageFile
from majlis.features.conversations.model import MAX_MEMBERS
from majlis.features.conversations.model import Archived as Archived
from majlis.features.conversations.model import Event as Event
from majlis.features.conversations.model import Head as Head
from majlis.features.conversations.model import Heads as Heads
from majlis.features.conversations.model import Kind as Kind
from majlis.features.conversations.model import MayNotWrite as MayNotWrite
from majlis.features.conversations.model import NotAccepted as NotAccepted
from majlis.features.conversations.model import NotMember as NotMember
from majlis.features.conversations.model import conversation_stream as conversation_stream
from majlis.features.conversations.model import user_stream as user_stream
from majlis.features.graph.model import UserMini
from majlis.features.media.model import Url
from majlis.kit.db import Reader
from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid, NotFound
from majlis.kit.http import PageQuery
from majlis.kit.me import Me

MAX_TEXT = 40_000  # characters
MAX_FILES = 10
MAX_DATA = 16 * 1024  # bytes of JSON
MAX_REACTIONS = 20  # kinds of reactions to a message

Key = Annotated[str, Meta(min_length=1, max_length=100)]
Emoji = Annotated[str, Meta(min_length=1, max_length=64)]


class Sending(msgspec.Struct, kw_only=True):
    """What somebody wants to say. `client_msg_id` is made once by the client and kept when it tries again.

    `file_ids` are ids of the sender's own files in this conversation, or URLs of uploads of theirs. `data` is a JSON
    object that only clients understand.
    """

    client_msg_id: Key | None = None
    type: Annotated[str, Meta(min_length=1, max_length=40)] = "text"
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    thread_root_id: UUID | None = None
    file_ids: Annotated[list[Url], Meta(max_length=MAX_FILES)] = []
    data: msgspec.Raw | None = None


# What the server adds to the data of a message of this type: the feature that knows it, above this one, puts it here.
Filling = Callable[[Reader, Me, Mapping[str, Any]], Awaitable[dict[str, Any]]]
FILLINGS: dict[str, Filling] = {}


class Reaction(msgspec.Struct):
    """Who reacted to a message in the same way, the first of them first."""

    emoji: str
    user_ids: list[UUID]


class Message(msgspec.Struct, kw_only=True):
    """A message as every member sees it. `seq` is its place in its conversation, `ts_us` microseconds since 1970.

    `ts_us` grows from message to message whatever the clock does; `created_at` is the same moment.
    """

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    seq: int
    ts_us: int
    client_msg_id: str
    type: str
    text: str
    files: list[MessageFile]
    data: msgspec.Raw | None
    thread_root_id: UUID | None
    created_at: datetime
    edited_at: datetime | None
    pinned: bool
    reactions: list[Reaction]


class Sent(msgspec.Struct):
    """A message that is stored: now, or by an earlier request with the same key."""

    message: Message
    seq: int
    duplicate: bool


class Summary(msgspec.Struct, kw_only=True):
    """A conversation in the list of a member. `other_id` is the other one of a dm."""

    id: UUID
    kind: Kind
    other_id: UUID | None
    name: str | None
    last_seq: int
    last_read_seq: int
    unread_count: int
    created_at: datetime
    last_message_at: datetime | None
    last_message: Message | None


MOST_WAITING = 200  # messages of somebody that `unread_from` returns at once


class Waiting(msgspec.Struct):
    """Somebody who has not read a message."""

    user_id: UUID
    conversation_id: UUID
    message_id: UUID
    sender_id: UUID
    seq: int
    created_at: datetime


class NoMessage(NotFound):
    """There is no such message, or the caller may not see it."""

    detail = "There is no such message."


class ReusedKey(Conflict):
    """The key of another message."""

    code, detail = "client_msg_id_reused", "Another message was sent with this key."


class NotSender(Forbidden):
    """Only who sent a message may do this."""

    code, detail = "not_sender", "Only who sent a message may do this."


class WindowClosed(Forbidden):
    """A message may be changed for some time only."""

    code, detail = "edit_window_closed", "This message is too old to be changed."


class Empty(Invalid):
    """A message that says nothing."""

    code, detail = "empty_message", "A message says something."

    def __init__(self, field: str = "text") -> None:
        super().__init__(fields=[FieldFault(field, "required", self.detail)])


class TooLong(Invalid):
    """A message beyond the limit."""

    code, detail = "message_too_long", f"A message has at most {MAX_TEXT} characters."

    def __init__(self, field: str = "text") -> None:
        super().__init__(fields=[FieldFault(field, "too_long", self.detail)])


class TooManyFiles(Invalid):
    """Files beyond the limit."""

    code, detail = "too_many_files", f"A message has at most {MAX_FILES} files."

    def __init__(self, field: str = "file_ids") -> None:
        super().__init__(fields=[FieldFault(field, "too_many", self.detail)])


class WrongRoot(Invalid):
    """What a message answers is not a message that begins a thread of its conversation."""

    code, detail = "wrong_thread", "There is no such message to answer."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("thread_root_id", "unknown", self.detail)])


class TooManyReactions(Invalid):
    """Kinds of reactions beyond the limit."""

    code, detail = "too_many_reactions", f"A message has at most {MAX_REACTIONS} kinds of reactions."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("emoji", "too_many", self.detail)])


# ---- what clients send


class MessageSend(msgspec.Struct, kw_only=True):
    """`Sending` as a body. A message that is sent again under its `client_msg_id` is answered with the first one."""

    client_msg_id: Key | None = None
    type: Annotated[str, Meta(min_length=1, max_length=40)] = "text"
    text: Annotated[str, Meta(max_length=MAX_TEXT, examples=["Is the bread still warm?"])] = ""
    thread_root_id: UUID | None = None
    file_ids: Annotated[list[Url], Meta(max_length=MAX_FILES)] = []
    data: dict[str, Any] | None = None
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "sender_id", "seq", "ts_us", "created_at"})

    def sending(self) -> Sending:
        """The same for the engine."""
        data = None if self.data is None else msgspec.Raw(msgspec.json.encode(self.data))
        return Sending(
            client_msg_id=self.client_msg_id, type=self.type, text=self.text, thread_root_id=self.thread_root_id,
            file_ids=self.file_ids, data=data,
        )  # fmt: skip


class MessageEdit(msgspec.Struct, kw_only=True):
    """What a message says from now on."""

    text: Annotated[str, Meta(max_length=MAX_TEXT)]
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "sender_id", "seq", "edited_at"})


class ConversationOpen(msgspec.Struct, kw_only=True):
    """With whom to converse: one person, or several as a group, which may have a name."""

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_MEMBERS)]
    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "kind", "created_at"})


class MembersAdd(msgspec.Struct, kw_only=True):
    """Whom to bring into a group."""

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_MEMBERS)]


class ReadUpTo(msgspec.Struct, kw_only=True):
    """A place in a conversation."""

    seq: Annotated[int, Meta(ge=0, le=2**62)]


class HistoryQuery(PageQuery, kw_only=True):
    """Which messages: between two moments, of a thread, those that are pinned."""

    before: datetime | None = None
    after: datetime | None = None
    thread_root_id: UUID | None = None
    pinned: bool = False


# ---- what they get


class Entry(msgspec.Struct):
    """Where a conversation's log ends once something was done."""

    seq: int


class Pointer(msgspec.Struct):
    """Up to where the caller has read."""

    last_read_seq: int


class Members(msgspec.Struct):
    """Who is in a conversation, as far as the caller meets them."""

    data: list[UserMini]
