"""Verbs of messages: send, change, take back, react, pin, read. What doors need of conversations is handed on here."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.attachments import service as attachments
from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import KINDS, Archived, Kind, NotMember, Place
from majlis.features.filters import service as filters
from majlis.features.graph import service as graph
from majlis.features.graph.model import UserMini
from majlis.features.media import service as media
from majlis.features.messages import store
from majlis.features.messages.facts import MessageDeleted, MessageSent, SaidInChannel
from majlis.features.messages.model import (
    FILLINGS,
    MAX_DATA,
    MAX_FILES,
    MAX_REACTIONS,
    MAX_TEXT,
    Empty,
    Message,
    MessageFile,
    NoMessage,
    NotSender,
    ReusedKey,
    Sending,
    Sent,
    Summary,
    TooLong,
    TooManyFiles,
    TooManyReactions,
    Waiting,
    WindowClosed,
    WrongRoot,
)
from majlis.kit import clock, facts, ids, page
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import Invalid
from majlis.kit.http import binding
from majlis.kit.me import Me

find_dm, open_dm, open_group = conversations.find_dm, conversations.open_dm, conversations.open_group
place, members, still_member = conversations.place, conversations.members, conversations.still_member
add_members, leave = conversations.add_members, conversations.leave
remove_member = conversations.remove_member
mark_read, mark_unread = conversations.mark_read, conversations.mark_unread
acknowledge, heads, mine = conversations.acknowledge, conversations.heads, conversations.mine
events, last_seqs, purge = conversations.events, conversations.last_seqs, conversations.purge
mark_active, active = conversations.mark_active, conversations.active


# ---- sending


async def send(
    tx: Tx, me: Me, conversation_id: UUID, body: Sending, kinds: Sequence[Kind] = KINDS, field: str = "text",
    at: Place | None = None,
) -> Sent:  # fmt: skip
    """Say something, once however often it is sent under its key: then the first message is the answer.

    Whoever has looked up the caller's place there hands it on as `at`.
    Raises NotMember, also for another kind, ReusedKey, Empty, TooLong, TooManyFiles, WrongRoot, Invalid for `field`,
    and what `conversations.check_writable` raises.
    """
    _check(body, field)
    key, digest = body.client_msg_id or str(ids.new()), _hash(body)
    at = at or await conversations.place(tx, me, conversation_id, kinds, unmet=True)
    if body.client_msg_id is not None:
        known = await _known(tx, me, conversation_id, key, digest)
        if known is not None:
            return known
    await conversations.check_writable(tx, me, at, new=True)
    await filters.screen(tx, me, {field: body.text})  # what waits for a moderator elsewhere is private here
    root = body.thread_root_id
    if root is not None and await tx.one(store.ROOT, root, conversation_id, at.joined_seq) is None:
        raise WrongRoot()
    files = await attachments.claim(tx, me, conversation_id, body.file_ids, "file_ids")
    message = _message(me, conversation_id, key, body, files)
    if body.type in FILLINGS:
        known_data = msgspec.json.decode(body.data or b"{}")
        message.data = msgspec.Raw(msgspec.json.encode(await FILLINGS[body.type](tx, me, known_data)))
    fact = SaidInChannel if at.kind == "channel" else MessageSent
    if await _store(tx, me, store.SEND, fact, message, digest):
        await store.carry(tx, message)
        return Sent(message, message.seq, False)
    await media.release(tx, me, attachments.named(files))
    known = await _known(tx, me, conversation_id, key, digest)
    if known is None:  # left or archived meanwhile
        await conversations.place(tx, me, conversation_id)
        raise Archived()
    return known


async def post(tx: Tx, me: Me, conversation_id: UUID, body: Sending) -> Sent:
    """`send` of a text by what is no member, as a bot: the feature above has authorised it. Raises Archived."""
    _check(body, "text", bot=True)
    key, digest = body.client_msg_id or str(ids.new()), _hash(body)
    known = await _known(tx, me, conversation_id, key, digest)
    if known is None:
        await filters.screen(tx, me, {"text": body.text})
        message = _message(me, conversation_id, key, body, [])
        if await _store(tx, me, store.POST, SaidInChannel, message, digest):
            return Sent(message, message.seq, False)
        known = await _known(tx, me, conversation_id, key, digest)  # it was used meanwhile
    if known is None:
        raise Archived()
    return known


def _check(body: Sending, field: str, *, bot: bool = False) -> None:
    """Raises for what cannot be a message; doors that bind Structs have refused some of it before."""
    if len(body.text) > MAX_TEXT:
        raise TooLong(field)
    if len(body.file_ids) > MAX_FILES:
        raise TooManyFiles()
    if not body.text.strip() and not body.file_ids:
        raise Empty(field)
    binding.check({field: body.text, "type": body.type, "client_msg_id": body.client_msg_id or ""})
    if body.data is None:
        return
    if len(bytes(body.data)) > MAX_DATA:
        raise Invalid.field("data", f"At most {MAX_DATA} bytes.", "too_long")
    data = msgspec.json.decode(body.data)
    if not isinstance(data, dict):
        raise Invalid.field("data", "This is a JSON object.", "type")
    if "bot" in data and not bot:
        raise Invalid.field("data.bot", "Only bots say who they are there.", "not_writable")
    binding.check({"data": data})


def _hash(body: Sending) -> bytes:
    """What makes two messages of one key the same."""
    data = None if body.data is None else msgspec.json.decode(body.data)
    said = [body.type, body.text, body.thread_root_id, body.file_ids, data]
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).digest()


def _message(me: Me, conversation_id: UUID, key: str, body: Sending, files: list[MessageFile]) -> Message:
    """The message as it will be; its place is found when it is stored."""
    return Message(
        id=ids.new(),
        conversation_id=conversation_id,
        sender_id=me.user(),
        seq=0,
        ts_us=0,
        client_msg_id=key,
        type=body.type,
        # What says the address of its picture, as some doors do, says the one that can be signed.
        text=dict(zip(body.file_ids, attachments.named(files), strict=False)).get(body.text, body.text),
        files=files,
        data=body.data,
        thread_root_id=body.thread_root_id,
        created_at=clock.now(),
        edited_at=None,
        pinned=False,
        reactions=[],
    )


async def _store(
    tx: Tx, me: Me, query: Query[store.Stamped], fact: type[MessageSent], message: Message, digest: bytes
) -> bool:
    """Store a message at the next place of its log and fill that in. False where its key was used meanwhile."""
    now = clock.now()
    names, payload = facts.packed(fact(message.conversation_id, message.id, message.sender_id))
    stamped = await tx.one(
        query, message.sender_id, message.conversation_id, message.id, message.client_msg_id, digest,
        message.type, message.text, message.files, message.data, message.thread_root_id, now, message,
        int(now.timestamp() * 1_000_000), names, payload,
    )  # fmt: skip
    if stamped is None:
        return False
    message.seq, message.ts_us, message.created_at = stamped.seq, stamped.ts_us, stamped.created_at
    facts.announce(tx)
    data = {"message": message}
    conversations.hint(tx, me, message.conversation_id, message.seq, "message.created", now, data)
    return True


async def _known(tx: Tx, me: Me, conversation_id: UUID, key: str, digest: bytes) -> Sent | None:
    """What the caller sent under a key before. Raises ReusedKey when it was something else."""
    known = await tx.one(store.KNOWN, me.user(), conversation_id, key)
    if known is None:
        return None
    if known.body_hash != digest:
        raise ReusedKey()
    (row,) = await tx.all(store.BY_IDS, [known.id])
    return Sent(store.message_of(row), row.seq, True)


# ---- changing


async def _hold(
    tx: Tx, me: Me, message_id: UUID, kinds: Sequence[Kind], *, writing: bool = True
) -> store.Held:
    """A message with its conversation locked. Raises NoMessage; for writing, as `check_writable` does."""
    held = await tx.one(store.LOCK_MESSAGE, me.user(), message_id)
    if held is None or held.kind not in kinds:
        raise NoMessage()
    if writing:
        at = Place(held.conversation_id, held.kind, held.archived, held.met, held.other_id, 0, 0, 0)
        await conversations.check_writable(tx, me, at, new=False)
    elif not held.met and held.sender_id != me.id:
        raise NoMessage()
    return held


async def edit(
    tx: Tx, me: Me, message_id: UUID, text: str, window: timedelta | None = None,
    kinds: Sequence[Kind] = KINDS,
) -> int:  # fmt: skip
    """Change the text of one's own message, within this time if there is one. Returns the seq of the entry.

    Raises NoMessage, NotSender, WindowClosed, Empty, TooLong.
    """
    held = await _hold(tx, me, message_id, kinds)
    if held.sender_id != me.id:
        raise NotSender()
    now = clock.now()
    if window is not None and held.created_at < now - window:
        raise WindowClosed()
    if len(text) > MAX_TEXT:
        raise TooLong()
    if not text.strip() and bytes(held.files) == b"[]":
        raise Empty()
    binding.check({"text": text})
    await filters.screen(tx, me, {"text": text})
    await tx.run(store.EDIT, message_id, text, now)
    (row,) = await tx.all(store.BY_IDS, [message_id])
    data = {"message": store.message_of(row)}
    return await conversations.record(tx, me, held.conversation_id, "message.updated", data, message_id)


async def delete(
    tx: Tx, me: Me, message_id: UUID, kinds: Sequence[Kind] = KINDS, *, any_sender: bool = False
) -> int:
    """Take a message back, for everybody; what it said leaves the log too. Returns the seq of the entry.

    Features above may let moderators of theirs delete those of others. Raises NoMessage, NotSender.
    """
    held = await _hold(tx, me, message_id, kinds, writing=False)
    if held.sender_id != me.id and not any_sender:
        raise NotSender()
    await tx.run(store.DELETE, message_id, clock.now(), held.conversation_id)
    urls = [file.url for file in msgspec.json.decode(held.files, type=list[MessageFile])]
    await media.release(tx, Me.system, urls)
    await facts.emit(tx, MessageDeleted(held.conversation_id, message_id))
    data = {"message_id": message_id, "message_seq": held.seq}
    return await conversations.record(tx, me, held.conversation_id, "message.deleted", data, message_id)


async def strike(tx: Tx, me: Me, conversation_id: UUID, file_id: UUID) -> None:
    """Leave of a file only that it was, in all messages that carry it. The caller holds the conversation."""
    carrying = await tx.all(store.CARRYING, file_id)
    await tx.run(store.STRIKE, file_id, carrying, attachments.struck(file_id, clock.now()))
    rows = {row.id: row for row in await tx.all(store.BY_IDS, carrying)} if carrying else {}
    for message_id in carrying:
        data = {"message": store.message_of(rows[message_id])}
        await conversations.record(tx, me, conversation_id, "message.updated", data, message_id)


async def react(tx: Tx, me: Me, message_id: UUID, emoji: str, kinds: Sequence[Kind] = KINDS) -> int:
    """React to a message; again changes nothing. Returns the seq of the entry. Raises NoMessage, Invalid."""
    held = await _hold(tx, me, message_id, kinds)
    if not 0 < len(emoji) <= 64 or not emoji.strip():
        raise Invalid.field("emoji", "Give an emoji.", "required")
    binding.check({"emoji": emoji})
    if (await tx.one(store.REACTION_KINDS, message_id, emoji) or 0) >= MAX_REACTIONS:
        raise TooManyReactions()
    changed = await tx.run(store.REACT, me.id, held.conversation_id, message_id, emoji)
    return await _told(tx, me, held, message_id, "reaction.added", changed, {"emoji": emoji})


async def unreact(tx: Tx, me: Me, message_id: UUID, emoji: str, kinds: Sequence[Kind] = KINDS) -> int:
    """Take a reaction back; again changes nothing. Returns the seq of the entry. Raises NoMessage."""
    held = await _hold(tx, me, message_id, kinds)
    changed = await tx.run(store.UNREACT, me.id, message_id, emoji)
    return await _told(tx, me, held, message_id, "reaction.removed", changed, {"emoji": emoji})


async def pin(tx: Tx, me: Me, message_id: UUID, kinds: Sequence[Kind] = KINDS) -> int:
    """Pin a message for everybody; again changes nothing. Returns the seq of the entry. Raises NoMessage."""
    held = await _hold(tx, me, message_id, kinds)
    changed = await tx.run(store.PIN, me.id, held.conversation_id, message_id)
    return await _told(tx, me, held, message_id, "pin.added", changed, {})


async def unpin(tx: Tx, me: Me, message_id: UUID, kinds: Sequence[Kind] = KINDS) -> int:
    """Pin a message no longer; again changes nothing. Returns the seq of the entry. Raises NoMessage."""
    held = await _hold(tx, me, message_id, kinds)
    changed = await tx.run(store.UNPIN, message_id)
    return await _told(tx, me, held, message_id, "pin.removed", changed, {})


async def _told(
    tx: Tx, me: Me, held: store.Held, message_id: UUID, type: str, changed: int, more: Mapping[str, Any]
) -> int:
    """Log what the caller did to a message, if anything. Returns where the log ends then."""
    if not changed:
        return held.last_seq
    data = {"message_id": message_id, "message_seq": held.seq, "user_id": me.user(), **more}
    return await conversations.record(tx, me, held.conversation_id, type, data, message_id)


# ---- reading


async def get(tx: Reader, me: Me, message_id: UUID, kinds: Sequence[Kind] = KINDS) -> Message:
    """One message, in a conversation of these kinds. Raises NoMessage."""
    row = await tx.one(store.ONE, me.user(), message_id, list(kinds))
    if row is None:
        raise NoMessage()
    return store.message_of(row)


async def history(
    tx: Reader, me: Me, conversation_id: UUID, paging: page.Paging, *,
    before: datetime | None = None, after: datetime | None = None,
    thread_root_id: UUID | None = None, pinned: bool = False, kinds: Sequence[Kind] = KINDS,
) -> page.Page[Message]:  # fmt: skip
    """Messages of a conversation, newest first; between two moments, of a thread, or pinned. Raises NotMember."""
    at = await conversations.place(tx, me, conversation_id, kinds)
    (behind,) = page.decode("messages", paging.cursor, tuple[int]) if paging.cursor else (None,)
    asked = store.Asked(conversation_id, at.joined_seq, before, after, thread_root_id, behind, pinned)
    total = None
    if paging.offset is not None and not paging.cursor:
        counting, args = asked.count()
        total = await tx.one(counting, *args)
    query, args = asked.page(paging.limit, 0 if paging.cursor else paging.offset or 0)
    rows = await tx.all(query, *args)
    found = [store.message_of(row) for row in rows[: paging.limit]]
    more = page.encode("messages", found[-1].seq) if len(rows) > paging.limit else None
    return page.Page(found, more, total)


async def summary(tx: Reader, me: Me, conversation_id: UUID, kinds: Sequence[Kind] = KINDS) -> Summary:
    """One conversation of these kinds as its members see it in a list. Raises NotMember."""
    line = await tx.one(store.SUMMARY, me.user(), conversation_id)
    if line is None or line.kind not in kinds:
        raise NotMember()
    return (await _summaries(tx, [line]))[0]


async def listing(
    tx: Reader, me: Me, paging: page.Paging, kinds: Sequence[Kind] = KINDS
) -> page.Page[Summary]:
    """The caller's conversations, the latest first, without those of people whom they do not meet."""
    start = page.decode("conversations", paging.cursor, tuple[datetime, UUID]) if paging.cursor else ()
    offset = 0 if paging.cursor else paging.offset or 0
    usual = paging.limit == page.DEFAULT and not offset
    size = () if usual else (paging.limit + 1, offset)
    query = store.listing(continued=bool(start), usual=usual)
    rows = await tx.all(query, me.user(), list(kinds), *start, *size)
    shown = rows[: paging.limit]
    more = page.encode("conversations", shown[-1].moved_at, shown[-1].id) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, me.id, list(kinds))
    return page.Page(await _summaries(tx, shown), more, total)


async def _summaries(tx: Reader, lines: list[store.Line]) -> list[Summary]:
    """Lines with their latest messages, in one query."""
    wanted = [line.last_id for line in lines if line.last_id is not None]
    last = {row.id: store.message_of(row) for row in await tx.all(store.BY_IDS, wanted)} if wanted else {}
    return [line.summary(last.get(line.last_id)) if line.last_id else line.summary(None) for line in lines]


async def people(tx: Reader, me: Me, conversation_id: UUID, kinds: Sequence[Kind] = KINDS) -> list[UserMini]:
    """Who is in a conversation of the caller, as far as they meet them. Raises NotMember."""
    await conversations.place(tx, me, conversation_id, kinds)
    found = await graph.minis(tx, me, await conversations.members(tx, Me.system, conversation_id))
    return [found[one] for one in sorted(found)]


async def read_times(tx: Reader, me: Me, message_ids: list[UUID]) -> dict[UUID, datetime | None]:
    """When others first had read these messages, which the caller was shown; None for not yet."""
    if not message_ids:
        return {}
    return {row.id: row.read_at for row in await tx.all(store.READ_TIMES, message_ids)}


async def unread_by(tx: Reader, me: Me, message_ids: Sequence[UUID]) -> list[Waiting]:
    """Who has not read messages that still stand, in no channel, in the order of people; for background work."""
    return await tx.all(store.UNREAD_BY, list(message_ids))


async def unread_from(tx: Reader, me: Me, conversation_id: UUID, user_id: UUID, seq: int) -> list[Waiting]:
    """What somebody has not read from a place in a conversation on: the first so many, for background work."""
    return await tx.all(store.UNREAD_FROM, conversation_id, user_id, seq)
