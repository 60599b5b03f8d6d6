"""Nouns of what is said in channels, and what is refused."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.channels.model import ReadOnly as ReadOnly
from majlis.features.media.model import Url
from majlis.features.messages.model import MAX_DATA, MAX_FILES, MAX_TEXT, MessageFile, Sending
from majlis.kit.errors import Conflict, FieldFault, Invalid, Refused

MAX_MENTIONS = 50
MAX_PINS = 100
MAX_SEQ = 2**53

Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
Text = Annotated[str, Meta(max_length=MAX_TEXT, examples=["hi @amina"])]


class Mentions(msgspec.Struct):
    """Whom a message mentions: people, everybody in the channel, everybody who is there now."""

    user_ids: list[UUID]
    channel: bool
    here: bool


class ReactionCount(msgspec.Struct):
    """How many reacted in the same way, and whether the viewer did."""

    emoji: str
    count: int
    me: bool


class EventInvite(msgspec.Struct):
    """The event to which a message invites, as it was then. Whoever wants to come says so to the event itself."""

    event_id: UUID
    title: str | None
    starts_at: datetime | None
    place: str | None


class Bot(msgspec.Struct):
    """What speaks in a message that nobody wrote: an incoming webhook, and how it is shown there."""

    webhook_id: UUID
    name: str
    icon_url: str | None = None
    icon_emoji: str | None = None


class ChannelMessage(msgspec.Struct, kw_only=True):
    """A message as a reader of its channel sees it. `ts` is its moment in seconds; what is deleted says nothing.

    With a `bot` the sender is an account that is nobody's.
    """

    id: UUID
    channel_id: UUID
    seq: int
    ts: str
    sender_id: UUID
    type: str
    text: str
    blocks: msgspec.Raw | None
    bot: Bot | None
    event: EventInvite | UnsetType = UNSET
    client_msg_id: str
    thread_root_id: UUID | None
    reply_count: int
    last_reply_seq: int | None
    also_in_channel: bool
    files: list[MessageFile]
    mentions: Mentions
    reactions: list[ReactionCount]
    pinned: bool
    edited_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime


class SentMessage(ChannelMessage, kw_only=True):
    """A message that is stored: now, or by an earlier request with the same key."""

    duplicate: bool


class MessageSend(msgspec.Struct, kw_only=True):
    """What to say. `client_msg_id` is made once and kept when it is tried again; files are the sender's."""

    client_msg_id: UUID
    type: Literal["text", "image", "event_invite"] = "text"
    text: Text = ""
    blocks: Annotated[list[dict[str, Any]], Meta(max_length=50)] | None = None
    thread_root_id: UUID | None = None
    also_in_channel: bool = False
    file_ids: Annotated[list[Url], Meta(max_length=MAX_FILES)] = []
    event_id: UUID | None = None


class MessageEdit(msgspec.Struct, kw_only=True):
    """Another text; only if nothing changed the message behind `if_seq`."""

    text: Text
    if_seq: Seq | None = None


class HistoryQuery(msgspec.Struct, kw_only=True):
    """Which messages: before or behind a place, or around one; the latest when nothing is said."""

    before_seq: Seq | None = None
    after_seq: Seq | None = None
    around_seq: Seq | None = None
    around: Literal["first_unread"] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    include_replies: bool = False


class RepliesQuery(msgspec.Struct, kw_only=True):
    """Which replies: before or behind a place; the latest when nothing is said."""

    before_seq: Seq | None = None
    after_seq: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class History(msgspec.Struct):
    """Messages in their order, whether there are more, where the log ends, and the first that is new."""

    data: list[ChannelMessage]
    has_more_before: bool
    has_more_after: bool
    head_seq: int
    first_unread_seq: int | None


class Replies(msgspec.Struct):
    """A thread: its root, replies in their order, and whether there are more."""

    root: ChannelMessage
    data: list[ChannelMessage]
    has_more_before: bool
    has_more_after: bool


class EventsQuery(msgspec.Struct, kw_only=True):
    """Which entries of the log."""

    after_seq: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class LogEntry(msgspec.Struct):
    """What happened in a channel."""

    seq: int
    type: str
    at: datetime
    data: msgspec.Raw


class Log(msgspec.Struct):
    """Entries of a channel's log, where it ends and where it begins."""

    data: list[LogEntry]
    head_seq: int
    min_seq: int


class Reactions(msgspec.Struct):
    """The reactions to a message."""

    reactions: list[ReactionCount]


class Reactors(msgspec.Struct):
    """Who reacted in the same way; the first fifty."""

    emoji: str
    count: int
    user_ids: list[UUID]


class ReactorsList(msgspec.Struct):
    """Who reacted to a message."""

    data: list[Reactors]


class Pinned(ChannelMessage, kw_only=True):
    """A pinned message, by whom and when; no moment when the log does not reach back to it."""

    pinned_by: UUID
    pinned_at: datetime | None


class Following(msgspec.Struct):
    """Whether the caller hears of a thread."""

    following: bool


class FollowBody(msgspec.Struct):
    """Whether to hear of a thread."""

    following: bool


class SeqBody(msgspec.Struct):
    """A place in the log of the channel."""

    seq: Seq


class ReadState(msgspec.Struct):
    """Up to where the caller has read, and what is new behind it."""

    last_read_seq: int
    unread_count: int
    mention_count: int


class ThreadState(msgspec.Struct):
    """Up to where the caller has read a thread, and what is new behind it."""

    last_read_seq: int
    unread_count: int


class Unread(msgspec.Struct):
    """What is new in a channel. Counts end at 1000."""

    channel_id: UUID
    unread_count: int
    mention_count: int
    last_read_seq: int
    head_seq: int
    first_unread_seq: int | None


class Unreads(msgspec.Struct):
    """What is new to the caller in a workspace; threads are those that they follow."""

    channels: list[Unread]
    threads_unread: int


class Changed(Conflict):
    """The message changed since."""

    code, detail = "message_changed", "The message changed since you read it."


class TooManyPins(Conflict):
    """Pins beyond the limit."""

    code, detail = "too_many_pins", f"A channel has at most {MAX_PINS} pinned messages."


class ReactionsFull(Conflict):
    """Kinds of reactions beyond the limit."""

    code, detail = "too_many_reactions", "The message has as many kinds of reactions as it can have."


class NotRoot(Invalid):
    """A reply begins no thread."""

    code, detail = "not_a_root", "This message is a reply itself."


class TooManyMentions(Invalid):
    """Mentions beyond the limit."""

    code, detail = "too_many_mentions", f"A message mentions at most {MAX_MENTIONS} people."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("text", self.code, self.detail)])


class Gap(Refused):
    """The log does not reach back that far. `head_seq` is among the details: begin anew from there."""

    code, status, detail = "gap", 410, "The log does not reach back that far."

    def __init__(self, head_seq: int) -> None:
        super().__init__(
            fields=[FieldFault("head_seq", self.code, str(head_seq))], data={"head_seq": head_seq}
        )


def sending(body: MessageSend) -> Sending:
    """The message as the engine takes it. Raises Invalid."""
    more: dict[str, Any] = {}
    if body.blocks:
        more["blocks"] = body.blocks
    if body.also_in_channel:
        more["also_in_channel"] = True
    if (body.event_id is None) == (body.type == "event_invite"):
        raise Invalid.field("event_id", "An invitation is to an event, and nothing else is.", "one_of")
    if body.event_id is not None:
        more["event_id"] = body.event_id
    data = msgspec.json.encode(more)
    if len(data) > MAX_DATA:
        raise Invalid.field("blocks", f"At most {MAX_DATA} bytes.", "too_long")
    return Sending(
        client_msg_id=str(body.client_msg_id),
        type=body.type,
        text=body.text,
        thread_root_id=body.thread_root_id,
        file_ids=body.file_ids,
        data=msgspec.Raw(data) if more else None,
    )
