"""Verbs of direct chat, over the engine of conversations and messages."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from majlis.features.chat.model import (
    ChatMessage,
    Conversation,
    ConversationCreate,
    MessageCreate,
    MessagesQuery,
    NotRecipient,
)
from majlis.features.conversations.model import Alone, Kind
from majlis.features.graph import service as graph
from majlis.features.graph.model import UserMini
from majlis.features.media import service as media
from majlis.features.messages import service as messages
from majlis.features.messages.model import Message, NotMember, Sending, Sent, Summary
from majlis.kit import page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.me import Me

DM: tuple[Kind, ...] = ("dm",)
LONGEST_TYPE = 20
BODY = "content"  # what the contract calls the text


# ---- reading


async def conversations(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Conversation]:
    """The caller's conversations, the latest message first. None across a block, nor of who is gone (rule 149)."""
    found = await messages.listing(tx, me, paging, DM)
    return page.Page(await _dressed(tx, me, found.items), found.next, found.total)


async def conversation(tx: Reader, me: Me, conversation_id: UUID) -> Conversation:
    """One conversation; also, for who blocked the other, that one. Raises NotMember."""
    found = await messages.summary(tx, me, conversation_id, DM)
    dressed = await _dressed(tx, me, [found])
    return dressed[0] if dressed else await _with_blocked(tx, me, found)


async def _dressed(tx: Reader, me: Me, found: Sequence[Summary]) -> list[Conversation]:
    """Conversations with the other ones, as far as the caller meets them; two queries for all."""
    people = await graph.minis(tx, me, [one.other_id for one in found if one.other_id is not None])
    latest = await _shown(tx, me, [one.last_message for one in found if one.last_message is not None])
    last = {message.conversation_id: message for message in latest}
    return [
        _conversation(me, one, people[one.other_id], last.get(one.id), blocked=False)
        for one in found
        if one.other_id in people
    ]


async def _with_blocked(tx: Reader, me: Me, found: Summary) -> Conversation:
    """A conversation with somebody whom the caller blocks. Raises NotMember when the account was erased."""
    if found.other_id is None:
        raise NotMember()
    person = await graph.get(tx, me, found.other_id)
    mini = msgspec.convert(person, UserMini, from_attributes=True)
    last = await _shown(tx, me, [found.last_message] if found.last_message else [])
    return _conversation(me, found, mini, last[0] if last else None, blocked=True)


def _conversation(
    me: Me, found: Summary, other: UserMini, last: ChatMessage | None, *, blocked: bool
) -> Conversation:
    first, second = sorted((me.user(), other.id))
    return Conversation(
        found.id, first, second, found.last_message_at, found.created_at, other, last, found.unread_count, blocked
    )  # fmt: skip


async def _shown(tx: Reader, me: Me, found: Sequence[Message]) -> list[ChatMessage]:
    """Messages in the contract's shape, with when they were read; one query."""
    read = await messages.read_times(tx, me, [message.id for message in found])
    return [
        ChatMessage(
            message.id, message.conversation_id, message.sender_id, message.text,
            message.type.upper()[:LONGEST_TYPE], read.get(message.id), message.created_at, message.sender_id == me.id,
        )
        for message in found
    ]  # fmt: skip


async def history(tx: Reader, me: Me, conversation_id: UUID, query: MessagesQuery) -> page.Page[ChatMessage]:
    """Messages of a conversation, newest first (rule 151). Raises NotMember."""
    found = await messages.history(
        tx, me, conversation_id, query.paging(), before=query.before, after=query.after, kinds=DM
    )
    return page.Page(await _shown(tx, me, found.items), found.next, found.total)


# ---- writing


async def open_conversation(tx: Tx, me: Me, body: ConversationCreate) -> tuple[Conversation, bool]:
    """The conversation with somebody, and whether it is new (rules 150, 152).

    Raises Alone, NotFound for who is unknown or blocked either way, NotAccepted.
    """
    conversation_id, new = await messages.open_dm(tx, me, body.user_id)
    return await conversation(tx, me, conversation_id), new


async def send(tx: Tx, me: Me, body: MessageCreate, key: str | None = None) -> ChatMessage:
    """Say something in a conversation, or to somebody; then there is one (rule 152). Raises like `say`."""
    return (await _shown(tx, me, [(await say(tx, me, body, key)).message]))[0]


async def say(tx: Tx, me: Me, body: MessageCreate, key: str | None = None) -> Sent:
    """`send`, once however often it is called with the same key.

    Raises Invalid, NotMember, NotFound, MayNotWrite across a block, NotAccepted, ReusedKey.
    """
    if (body.conversation_id is None) == (body.recipient_id is None):
        faults = [
            FieldFault(name, "one_of", "Give either conversation_id or recipient_id.")
            for name in ("conversation_id", "recipient_id")
        ]
        raise Invalid(fields=faults)
    if not body.content.strip():
        raise Invalid.field(BODY, "A message says something.", "required")
    conversation_id = body.conversation_id or await _with(tx, me, body.recipient_id or me.user())
    try:
        return await messages.send(tx, me, conversation_id, _sending(body, key), DM, BODY)
    except Invalid as refused:
        if all(fault.field == BODY for fault in refused.fields):
            raise
        raise Invalid.field(BODY, "This is no upload of yours.", "unknown_upload") from refused


async def _with(tx: Tx, me: Me, other: UUID) -> UUID:
    """The conversation with somebody, new if need be."""
    if other == me.user():
        raise Alone("recipient_id")
    found = await messages.find_dm(tx, me, other)
    return found or (await messages.open_dm(tx, me, other))[0]


def _sending(body: MessageCreate, key: str | None) -> Sending:
    """The same for the engine. A picture that was uploaded here is kept for as long as the message."""
    uploaded = body.message_type == "IMAGE" and media.object_of(body.content) is not None
    files = [body.content] if uploaded else []
    return Sending(client_msg_id=key, type=body.message_type.lower(), text=body.content, file_ids=files)


async def delete(tx: Tx, me: Me, message_id: UUID) -> None:
    """Take a message of one's own back, for both sides. Raises NoMessage, NotSender."""
    await messages.delete(tx, me, message_id, DM)


async def read(tx: Tx, me: Me, message_id: UUID) -> ChatMessage:
    """Mark a message that one received, and all before it, as read; again changes nothing (rule 152).

    Raises NoMessage, NotRecipient.
    """
    message = await messages.get(tx, me, message_id, DM)
    if message.sender_id == me.id:
        raise NotRecipient()
    await messages.mark_read(tx, me, message.conversation_id, message.seq)
    return (await _shown(tx, me, [message]))[0]
