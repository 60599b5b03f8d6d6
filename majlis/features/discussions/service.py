"""Verbs of what is said in channels: send, change, take back, read, answer, react, pin; and what is new."""

import contextlib
import re
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from majlis.features.channels import service as channels
from majlis.features.channels.model import Access, ChannelArchived, Guest, NoChannel
from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import Archived, Kind, conversation_stream
from majlis.features.discussions import store
from majlis.features.discussions.model import (
    MAX_MENTIONS,
    MAX_PINS,
    MAX_SEQ,
    Changed,
    ChannelMessage,
    EventsQuery,
    Following,
    Gap,
    History,
    HistoryQuery,
    Log,
    LogEntry,
    MessageEdit,
    MessageSend,
    NotRoot,
    Pinned,
    ReactionCount,
    ReactionsFull,
    Reactors,
    ReadState,
    Replies,
    RepliesQuery,
    SentMessage,
    ThreadState,
    TooManyMentions,
    TooManyPins,
    Unreads,
    sending,
)
from majlis.features.messages import service as messages
from majlis.features.messages.model import NoMessage, Sending, Sent, TooManyReactions
from majlis.features.workspaces import service as workspaces
from majlis.features.workspaces.model import Standing
from majlis.kit import page
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.me import Me

# For the stores of features above.
MESSAGE, NEW_REPLIES, Row, message_of = store.MESSAGE, store.NEW_REPLIES, store.Row, store.message_of
CHANNEL: tuple[Kind, ...] = ("channel",)
EVERYBODY: tuple[Literal["channel", "here"], ...] = ("channel", "here")
PLACES = ("before_seq", "after_seq", "around_seq", "around")
_MENTION = re.compile(r"(?<![\w@])@(\w{1,40})")
_EMOJI = re.compile(r"[a-z0-9_+-]{1,64}|[^\x00-\x7f]{1,32}|[0-9#*]\ufe0f?\u20e3")


# ---- where somebody stands


async def _known(tx: Reader, me: Me, message_id: UUID) -> tuple[Access, store.Known]:
    """A message of a channel that the caller may read, deleted or not. Raises NoMessage."""
    known = await tx.one(store.KNOWN, message_id)
    with contextlib.suppress(NoChannel):
        if known is not None:
            return await channels.access(tx, me, known.channel_id), known
    raise NoMessage()


async def _writable(tx: Tx, me: Me, message_id: UUID) -> tuple[Access, store.Known]:
    """The same, there, and in a channel that the caller is in and may write in: open, and across no block."""
    at, known = await _known(tx, me, message_id)
    if known.deleted:
        raise NoMessage()
    at.require_member()
    at.require_open()
    at.require_met()
    return at, known


async def get(tx: Reader, me: Me, message_id: UUID) -> ChannelMessage:
    """A message of a channel that the caller may read; of a deleted one only that it was. Raises NoMessage."""
    await _known(tx, me, message_id)
    return await _message(tx, me, message_id)


async def _message(tx: Reader, me: Me, message_id: UUID) -> ChannelMessage:
    row = await tx.one(store.ONE, me.user(), message_id)
    if row is None:
        raise NoMessage()
    return store.message_of(row)


# ---- sending and changing


async def send(tx: Tx, me: Me, channel_id: UUID, body: MessageSend) -> SentMessage:
    """Say something in a channel, once however often it is sent under its key.

    Raises NoChannel, NotIn, ReadOnly, ChannelArchived, TooManyMentions, and what `messages.send` raises.
    """
    if body.also_in_channel and body.thread_root_id is None:
        raise Invalid.field("also_in_channel", "Only a reply is also shown in the channel.")
    sent = await say(tx, me, channel_id, sending(body))
    shown = await _message(tx, me, sent.message.id)
    return SentMessage(**_fields(shown), duplicate=sent.duplicate)


async def say(tx: Tx, me: Me, channel_id: UUID, body: Sending, bot: UUID | None = None) -> Sent:
    """The same with a message as the engine takes it, for doors with a shape of their own.

    A bot says it for the caller, who needs to be in a private channel only. Raises Guest for the bots of guests.
    """
    at = await channels.access(tx, me, channel_id)
    if bot is None:
        at.require_member()
    elif at.is_guest:
        raise Guest()
    at.require_free()
    if body.type == "system":
        raise Invalid.field("type", "Only the server says this.", "not_writable")
    try:
        if bot is None:
            sent = await messages.send(tx, me, channel_id, body, CHANNEL)
        else:
            sent = await messages.post(tx, Me(id=bot), channel_id, body)
    except Archived:
        raise ChannelArchived() from None
    if not sent.duplicate:
        people = await _mention(tx, me, at, sent.message.id, sent.seq, body.text)
        if bot is None:
            await conversations.mark_read(tx, me, channel_id, sent.seq)
        if body.thread_root_id is not None:
            await _follow(tx, bot or me.user(), body.thread_root_id, sent.seq, people)
    return sent


def _fields(message: ChannelMessage) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__struct_fields__}


async def _mention(tx: Tx, me: Me, at: Access, message_id: UUID, seq: int, text: str) -> list[UUID]:
    """Note whom a text mentions, as far as they may read it; returns the people."""
    names = {name.casefold() for name in _MENTION.findall(text)}
    if len(names) > MAX_MENTIONS:
        raise TooManyMentions()
    everybody = [kind for kind in EVERYBODY if kind in names]
    if not Standing(at.workspace_id, me.user(), at.role, at.settings).may(at.settings.who_can_mention_all):
        everybody = []
    named = names - {*EVERYBODY}
    people = await tx.all(store.NAMED, at.id, sorted(named)) if named else []
    await channels.mention(tx, me, at.id, message_id, seq, people, everybody)
    return people


async def _follow(tx: Tx, by: UUID, root_id: UUID, seq: int, mentioned: Collection[UUID]) -> None:
    """Whoever began a thread, answers in it or is mentioned there hears of it, unless they chose otherwise."""
    root = await tx.one(store.KNOWN, root_id)
    others = {*mentioned, *([root.sender_id] if root else [])} - {by}
    await tx.run(store.FOLLOW_ALL, root_id, sorted(others), seq - 1)
    await tx.run(store.FOLLOW_ALL, root_id, [by], seq)
    await tx.run(store.READ_THREAD, root_id, by, seq)


async def edit(tx: Tx, me: Me, message_id: UUID, body: MessageEdit) -> ChannelMessage:
    """Change the text of one's own message, as long as the workspace lets one.

    Raises NoMessage, NotIn, ChannelArchived, Changed, and what `messages.edit` raises.
    """
    at, known = await _writable(tx, me, message_id)
    await channels.hold(tx, me, at.id)
    if body.if_seq is not None and (await tx.one(store.LATEST, message_id) or 0) > body.if_seq:
        raise Changed()
    window = at.settings.edit_window_s
    await messages.edit(tx, me, message_id, body.text, None if window is None else timedelta(seconds=window))
    await _mention(tx, me, at, message_id, known.seq, body.text)
    return await _message(tx, me, message_id)


async def delete(tx: Tx, me: Me, message_id: UUID) -> None:
    """Take a message back, for its sender and moderators; again changes nothing.

    Raises NoMessage, NotSender, ChannelArchived.
    """
    at, known = await _known(tx, me, message_id)
    at.require_open()
    if known.deleted:
        return
    caller = me
    if not at.is_moderator:
        at.require_member()
    elif not at.is_member:
        # The engine knows members only; an admin of the workspace moderates public channels from outside, too.
        caller = Me(id=next(iter(await messages.members(tx, Me.system, at.id)), me.user()))
    await messages.delete(tx, caller, message_id, CHANNEL, any_sender=at.is_moderator)
    await channels.mention(tx, me, at.id, message_id, known.seq, [], [])


# ---- reading


async def history(tx: Reader, me: Me, channel_id: UUID, query: HistoryQuery) -> History:
    """Messages of a channel that the caller may read, in their order. At most four queries. Raises NoChannel."""
    at = await channels.access(tx, me, channel_id)
    _check_one(query)
    first: int | None = None
    if at.is_member:
        first = await tx.one(store.FIRST_UNREAD, me.user(), channel_id)
    around = query.around_seq
    if query.around is not None:
        around = at.last_seq + 1 if first is None else first
    found = await _slice(
        tx, me, channel_id, store.OLDER, store.NEWER, query.before_seq, query.after_seq, around, query.limit,
        query.include_replies,
    )  # fmt: skip
    return History(*found, at.last_seq, first)


def _check_one(query: HistoryQuery) -> None:
    given = [name for name in PLACES if getattr(query, name) is not None]
    if len(given) > 1:
        raise Invalid(fields=[FieldFault(name, "one_of", "Give one of these.") for name in given])


async def _slice(
    tx: Reader,
    me: Me,
    of: UUID,
    older: Query[store.Row],
    newer: Query[store.Row],
    before: int | None,
    after: int | None,
    around: int | None,
    limit: int,
    *more: Any,
) -> tuple[list[ChannelMessage], bool, bool]:
    """Messages in their order, and whether there are more before and behind them; two queries."""
    if after is not None:
        middle, back, ahead = after + 1, 0, limit
    elif around is not None:
        middle, back, ahead = around, limit // 2, limit - limit // 2
    else:
        middle, back, ahead = MAX_SEQ if before is None else before, limit, 0
    past = await tx.all(older, me.user(), of, middle, back + 1, *more)
    coming = await tx.all(newer, me.user(), of, middle, ahead + 1, *more)
    rows = [*reversed(past[:back]), *coming[:ahead]]
    return [store.message_of(row) for row in rows], len(past) > back, len(coming) > ahead


async def replies(tx: Reader, me: Me, message_id: UUID, query: RepliesQuery) -> Replies:
    """A thread in a channel that the caller may read. Raises NoMessage, NotRoot."""
    _, known = await _known(tx, me, message_id)
    if known.thread_root_id is not None:
        raise NotRoot()
    root = await _message(tx, me, message_id)
    found = await _slice(
        tx, me, message_id, store.OLDER_REPLIES, store.NEWER_REPLIES, query.before_seq, query.after_seq, None,
        query.limit,
    )  # fmt: skip
    return Replies(root, *found)


async def events(tx: Reader, me: Me, channel_id: UUID, query: EventsQuery) -> Log:
    """The log of a channel that the caller is in, as sockets get it. Raises NoChannel, NotIn, Gap."""
    at = await channels.access(tx, me, channel_id)
    at.require_member()
    stream = conversation_stream(channel_id)
    head = (await conversations.heads(tx, me, [stream])).heads.get(stream)
    if head is None:
        raise NoChannel()
    if query.after_seq + 1 < head.min_seq:
        raise Gap(head.seq)
    found = await conversations.events(tx, me, stream, query.after_seq, query.limit)
    return Log([LogEntry(one.seq, one.type, one.at, one.data) for one in found], head.seq, head.min_seq)


# ---- reactions and pins


async def react(tx: Tx, me: Me, message_id: UUID, emoji: str) -> list[ReactionCount]:
    """React to a message of a channel that one is in; again changes nothing. Raises NoMessage, ReactionsFull."""
    await _writable(tx, me, message_id)
    _check_emoji(emoji)
    try:
        await messages.react(tx, me, message_id, emoji, CHANNEL)
    except TooManyReactions:
        raise ReactionsFull() from None
    return (await _message(tx, me, message_id)).reactions


def _check_emoji(emoji: str) -> None:
    """Raises NotFound for what is neither a Unicode emoji nor a name."""
    if not _EMOJI.fullmatch(emoji) or any(letter.isspace() for letter in emoji):
        raise NotFound("There is no such emoji.")


async def unreact(tx: Tx, me: Me, message_id: UUID, emoji: str) -> None:
    """Take a reaction of one's own back; again changes nothing. Raises NoMessage."""
    await _writable(tx, me, message_id)
    await messages.unreact(tx, me, message_id, emoji, CHANNEL)


async def reactors(tx: Reader, me: Me, message_id: UUID) -> list[Reactors]:
    """Who reacted to a message. Raises NoMessage."""
    _, known = await _known(tx, me, message_id)
    return [] if known.deleted else await tx.all(store.REACTORS, message_id)


async def pin(tx: Tx, me: Me, channel_id: UUID, message_id: UUID) -> None:
    """Pin a message for everybody in the channel; again changes nothing. Raises NoMessage, TooManyPins."""
    at, known = await _writable(tx, me, message_id)
    if known.channel_id != channel_id:
        raise NoMessage()
    await channels.hold(tx, me, at.id)
    if (await tx.one(store.PIN_COUNT, channel_id, message_id) or 0) >= MAX_PINS:
        raise TooManyPins()
    await messages.pin(tx, me, message_id, CHANNEL)


async def unpin(tx: Tx, me: Me, channel_id: UUID, message_id: UUID) -> None:
    """Pin a message no longer; again changes nothing. Raises NoMessage."""
    _, known = await _writable(tx, me, message_id)
    if known.channel_id != channel_id:
        raise NoMessage()
    await messages.unpin(tx, me, message_id, CHANNEL)


async def pins(tx: Reader, me: Me, channel_id: UUID, paging: page.Paging) -> page.Page[Pinned]:
    """What is pinned in a channel, latest first. Raises NoChannel."""
    await channels.access(tx, me, channel_id)
    behind = page.decode("pins", paging.cursor, tuple[int])[0] if paging.cursor else MAX_SEQ
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.PINS, me.user(), channel_id, behind, paging.limit + 1, offset)
    shown = rows[: paging.limit]
    more = page.encode("pins", shown[-1].pin_seq) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.PIN_TOTAL, channel_id)
    return page.Page([store.pinned_of(row) for row in shown], more, total)


# ---- threads, and what is new


async def follow(tx: Tx, me: Me, message_id: UUID, following: bool) -> Following:
    """Hear of a thread, or no more. Raises NoMessage, NotIn, NotRoot."""
    at, known = await _writable(tx, me, message_id)
    if known.thread_root_id is not None:
        raise NotRoot()
    await tx.run(store.FOLLOW, message_id, me.user(), following, at.last_seq)
    return Following(following)


async def mark_thread_read(tx: Tx, me: Me, message_id: UUID, seq: int) -> ThreadState:
    """Everything in a thread up to this place is read; never less than before. Raises NoMessage, NotIn, NotRoot."""
    at, known = await _known(tx, me, message_id)
    at.require_member()
    if known.thread_root_id is not None:
        raise NotRoot()
    await tx.run(store.READ_THREAD, message_id, me.user(), min(seq, at.last_seq))
    state = await tx.one(store.THREAD_STATE, me.user(), message_id)
    if state is None:
        raise LookupError("an upsert leaves a row")
    return state


async def mark_read(tx: Tx, me: Me, channel_id: UUID, seq: int) -> ReadState:
    """Everything in a channel up to this place is read; never less than before. Raises NoChannel, NotIn."""
    (await channels.access(tx, me, channel_id)).require_member()
    await conversations.mark_read(tx, me, channel_id, seq, CHANNEL)
    return await _state(tx, me, channel_id)


async def mark_unread(tx: Tx, me: Me, channel_id: UUID, seq: int) -> ReadState:
    """From this place on nothing is read. Raises NoChannel, NotIn."""
    (await channels.access(tx, me, channel_id)).require_member()
    await conversations.mark_unread(tx, me, channel_id, seq, CHANNEL)
    return await _state(tx, me, channel_id)


async def _state(tx: Reader, me: Me, channel_id: UUID) -> ReadState:
    state = await tx.one(store.STATE, me.user(), channel_id)
    if state is None:
        raise NoChannel()
    return state


async def unreads(tx: Reader, me: Me, workspace_id: UUID) -> Unreads:
    """What is new to the caller in a workspace; three queries. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    found = await tx.all(store.UNREADS, me.user(), workspace_id)
    return Unreads(found, await tx.one(store.THREADS_UNREAD, me.id, workspace_id) or 0)
