"""Verbs of conversations: open, join, leave, read; and the logs that tell of all of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.conversations import store
from majlis.features.conversations.facts import ConversationRead
from majlis.features.conversations.model import (
    KINDS,
    MAX_MEMBERS,
    Alone,
    Archived,
    Crowded,
    Event,
    Head,
    Heads,
    Kind,
    MayNotWrite,
    NotAccepted,
    NotMember,
    Place,
    conversation_stream,
    parted,
    user_stream,
)
from majlis.features.graph import service as graph
from majlis.features.sockets import service as sockets
from majlis.kit import clock, facts, hints, ids
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import Forbidden, NotFound
from majlis.kit.me import Me

# SQL for the stores of features above: see conversations/store.py.
MEMBER, OTHER, MET, LISTED = store.MEMBER, store.OTHER, store.MET, store.LISTED

MAX_HINT = 4096  # bytes of an event that travels with its hint
FURTHEST = 2**62
ACTIVE_S = 60.0
NOT_A_MEMBER = NotMember.code


# ---- hints


def _after_commit(tx: Tx, channel: str, event: Event) -> None:
    """Once this is committed, tell this channel {"seq": N, "event": {…}}, without an event of more than 4 KiB."""
    encoded = msgspec.json.encode(event)
    found: dict[str, Any] = {"seq": event.seq}
    if len(encoded) <= MAX_HINT:
        found["event"] = msgspec.Raw(encoded)
    hints.after_commit(tx, channel, msgspec.json.encode(found))


def hint(tx: Tx, me: Me, conversation_id: UUID, seq: int, type: str, at: datetime, data: Any) -> None:
    """Once this is committed, tell whoever follows a conversation of an entry that is stored already."""
    event = Event(conversation_stream(conversation_id), seq, type, at, msgspec.Raw(msgspec.json.encode(data)))
    _after_commit(tx, f"conv:{conversation_id}", event)


async def record(
    tx: Tx, me: Me, conversation_id: UUID, type: str, data: Any, message_id: UUID | None = None
) -> int:
    """Add an entry to a conversation's log. The caller has authorised it and holds the conversation.

    Returns its seq.
    """
    now = clock.now()
    seq = await tx.one(store.APPEND, conversation_id, type, message_id, data, now)
    if seq is None:
        raise LookupError("there is no such conversation")
    hint(tx, me, conversation_id, seq, type, now, data)
    return seq


async def hold_logs(tx: Tx, me: Me, user_ids: Collection[UUID]) -> None:
    """Lock the logs of all these people at once, for who then tells some of them one thing and others another."""
    await tx.run(store.HOLD_USERS, sorted(set(user_ids)))


async def tell(tx: Tx, me: Me, user_ids: Collection[UUID], type: str, data: Any) -> None:
    """Add an entry to the log of each of these people: what all their devices are to know.

    Their logs are held then, so it comes last: no conversation is locked behind it, nor somebody's place in one.
    """
    if not user_ids:
        return
    now, raw = clock.now(), msgspec.Raw(msgspec.json.encode(data))
    for entry in await tx.all(store.APPEND_USERS, sorted(set(user_ids)), type, raw, now):
        event = Event(user_stream(entry.user_id), entry.seq, type, now, raw)
        _after_commit(tx, f"user:{entry.user_id}", event)


async def tell_each(tx: Tx, me: Me, type: str, told: Sequence[tuple[Collection[UUID], Any]]) -> None:
    """`tell` each of these people what goes with them: for who had several conversations, and needs no further one."""
    if len(told) > 1:
        await hold_logs(tx, me, [user_id for user_ids, _ in told for user_id in user_ids])
    for user_ids, data in told:
        await tell(tx, me, user_ids, type, data)


# ---- where somebody stands


async def place(
    tx: Reader, me: Me, conversation_id: UUID, kinds: Sequence[Kind] = KINDS, *, unmet: bool = False
) -> Place:
    """The caller's place in a conversation of these kinds; in one that they do not see only if `unmet`.

    Raises NotMember.
    """
    found = await tx.one(store.PLACE, me.user(), conversation_id)
    if found is None or found.kind not in kinds or not (found.met or unmet):
        raise NotMember()
    return found


async def hold(tx: Tx, me: Me, conversation_id: UUID) -> Place:
    """`place`, with the conversation locked until the transaction ends: its log grows in one order."""
    found = await tx.one(store.LOCK, me.user(), conversation_id)
    if found is None:
        raise NotMember()
    return found


async def check_writable(tx: Reader, me: Me, place: Place, *, new: bool) -> None:
    """Raises Archived, MayNotWrite across a block; for a new message also NotAccepted and NotMember (rule 152)."""
    if place.archived:
        raise Archived()
    if place.other_id is None:
        if place.kind == "dm":
            raise NotMember()  # the other account was erased
        return
    if new and await graph.may_message(tx, me, place.other_id):
        return
    if await graph.is_blocked(tx, me, place.other_id):
        raise MayNotWrite()
    if not place.met:
        raise NotMember()
    if new:
        raise NotAccepted()


# ---- opening, joining, leaving


async def find_dm(tx: Reader, me: Me, other: UUID) -> UUID | None:
    """The conversation of the caller and somebody else, if they have one."""
    return await tx.one(store.PAIR, me.user(), other)


async def open_dm(tx: Tx, me: Me, other: UUID, field: str = "user_id") -> tuple[UUID, bool]:
    """The conversation of the caller and another person, and whether it is new (rules 150, 152).

    Raises Alone, NotFound for who is unknown, gone or blocked either way, NotAccepted.
    """
    if me.user() == other:
        raise Alone(field)
    await graph.visible_person(tx, me, other)
    if await graph.is_blocked(tx, me, other):
        raise NotFound("There is no such person.")
    found = await find_dm(tx, me, other)
    if found is not None:
        return found, False
    if not await graph.may_message(tx, me, other):
        raise NotAccepted()
    made = await tx.one(store.OPEN_DM, me.id, other, ids.new(), clock.now())
    if made is None:  # somebody else was quicker
        found = await find_dm(tx, me, other)
        if found is None:
            raise NotFound("There is no such person.")
        return found, False
    await tell(tx, me, [me.user(), other], "conversation.created", {"conversation_id": made, "kind": "dm"})
    return made, True


async def open_group(tx: Tx, me: Me, kind: Kind, user_ids: Collection[UUID], name: str | None = None) -> UUID:
    """A new conversation of the caller with others. Raises NotFound for whom the caller does not meet, Crowded."""
    conversation_id = ids.new()
    everybody = await _reached(tx, me, {*user_ids} - {me.user()}) | {me.user()}
    if kind == "group_dm" and len(everybody) > MAX_MEMBERS:
        raise Crowded()
    now = clock.now()
    await tx.run(store.OPEN, conversation_id, kind, name, now)
    await tx.many(store.JOIN, [(conversation_id, user_id, 0, now) for user_id in sorted(everybody)])
    data = {"conversation_id": conversation_id, "kind": kind}
    await tell(tx, me, everybody, "conversation.created", data)
    return conversation_id


async def _reached(tx: Reader, me: Me, user_ids: set[UUID]) -> set[UUID]:
    """These people, all of whom the caller meets. Raises NotFound."""
    if me.is_system or not user_ids:
        return user_ids
    found = set(await tx.all(store.REACHED, me.user(), list(user_ids)))
    if found != user_ids:
        raise NotFound("There is no such person.")
    return found


async def add_members(tx: Tx, me: Me, conversation_id: UUID, user_ids: Collection[UUID]) -> None:
    """Bring people in; those who are there already stay. They see what comes from now on.

    Raises NotMember, NotFound for whom the caller does not meet, Crowded; Forbidden for a dm.
    """
    at = await hold(tx, me, conversation_id)
    _check_group(at)
    there = set(await tx.all(store.MEMBERS, conversation_id))
    new = await _reached(tx, me, {*user_ids} - there)
    if len(there) + len(new) > MAX_MEMBERS:
        raise Crowded()
    seq = at.last_seq
    for user_id in sorted(new):
        await tx.run(store.JOIN, conversation_id, user_id, seq, clock.now())
        data = {"user_id": user_id, "by": me.user()}
        seq = await record(tx, me, conversation_id, "member.joined", data)
    if new:
        told = {"conversation_id": conversation_id, "kind": at.kind}
        await tell(tx, me, new, "conversation.created", told)


def _check_group(at: Place) -> None:
    if at.kind == "channel":
        raise NotMember()  # who comes into a channel, and goes, is decided by workspaces
    if at.kind == "dm":
        raise Forbidden("Two people stay in their conversation.")
    if at.archived:
        raise Archived()


async def leave(tx: Tx, me: Me, conversation_id: UUID) -> None:
    """Leave a group. Raises NotMember; Forbidden for a dm."""
    await remove_member(tx, me, conversation_id, me.user())


async def remove_member(tx: Tx, me: Me, conversation_id: UUID, user_id: UUID) -> None:
    """Take somebody out of a group: they see this entry of its log, and nothing that follows.

    Whether the caller may do this to others is decided by the feature above. Raises NotMember; Forbidden for a dm.
    """
    _check_group(await hold(tx, me, conversation_id))
    if user_id not in await tx.all(store.MEMBERS, conversation_id):
        raise NotMember()
    data = {"user_id": user_id, "by": me.user()}
    seq = await record(tx, me, conversation_id, parting(me, user_id), data)
    await tx.run(store.LEAVE, conversation_id, user_id, seq)
    await tell(tx, me, [user_id], "conversation.removed", {"conversation_id": conversation_id, "seq": seq})


def parting(me: Me, user_id: UUID) -> str:
    """The type of the entry at which somebody is out: by themselves, or by the caller. Sockets let go of them there."""
    return "member.left" if user_id == me.id else "member.removed"


# ---- reading


async def mark_read(tx: Tx, me: Me, conversation_id: UUID, seq: int, kinds: Sequence[Kind] = KINDS) -> int:
    """Everything up to this place is read; never less than before. Returns the place. Raises NotMember."""
    at = await place(tx, me, conversation_id, kinds)
    pointer = await tx.one(store.READ, me.user(), conversation_id, _seq(seq))
    if pointer is None:
        raise NotMember()
    if pointer.now > pointer.was:
        now = clock.now()
        if pointer.shown:
            await tx.run(store.NOTE_READ, me.id, conversation_id, pointer.now, now)
        await facts.emit(tx, ConversationRead(conversation_id, me.user(), pointer.now))
        told = {me.user()} if at.other_id is None or not pointer.shown else {me.user(), at.other_id}
        await _tell_pointer(tx, me, told, conversation_id, pointer.now, now)
    return pointer.now


async def mark_unread(tx: Tx, me: Me, conversation_id: UUID, seq: int, kinds: Sequence[Kind] = KINDS) -> int:
    """From this place on nothing is read. Returns the last place that is. Raises NotMember."""
    await place(tx, me, conversation_id, kinds)
    pointer = await tx.one(store.UNREAD, me.user(), conversation_id, _seq(seq))
    if pointer is None:
        raise NotMember()
    if pointer.now < pointer.was:
        await _tell_pointer(tx, me, {me.user()}, conversation_id, pointer.now, clock.now())
    return pointer.now


async def _tell_pointer(
    tx: Tx, me: Me, told: Collection[UUID], conversation_id: UUID, seq: int, at: datetime
) -> None:
    data = {"conversation_id": conversation_id, "user_id": me.user(), "last_read_seq": seq, "at": at}
    await tell(tx, me, told, "read.updated", data)


def _seq(given: int) -> int:
    """A place in a log that fits its column, whatever a client sends."""
    return max(0, min(given, FURTHEST))


async def acknowledge(tx: Tx, me: Me, streams: Mapping[str, int]) -> None:
    """A device of the caller has everything up to these places. Names of logs that are not theirs do nothing."""
    conversations, _ = parted(list(streams))
    if conversations:
        seqs = [_seq(streams[conversation_stream(one)]) for one in conversations]
        await tx.run(store.ACKNOWLEDGE, me.user(), conversations, seqs)


# ---- who is there


async def mark_active(app: App, me: Me, active: bool = True) -> None:
    """A device of the caller is in use, or no more; to be said again within a minute. May be lost."""
    if active:
        await app.cache.set(f"active:{me.user()}", b"1", ACTIVE_S)
    else:
        await app.cache.delete(f"active:{me.user()}")


async def active(app: App, me: Me, user_ids: Collection[UUID]) -> set[UUID]:
    """Who of these had a device in use within the last minute, as far as is known; for background work."""
    found = {one for one in user_ids if await app.cache.get(f"active:{one}") is not None}
    others = {*user_ids} - found
    if others:
        async with app.db.fresh() as tx:
            found |= await sockets.connected(tx, me, others)
    return found


# ---- following logs


async def heads(tx: Reader, me: Me, streams: Sequence[str]) -> Heads:
    """Where these logs end, for those that the caller may follow; why not, for the others. At most two queries."""
    conversations, people = parted(streams)
    found: dict[str, Head] = {}
    if conversations:
        for row in await tx.all(store.HEADS, me.user(), conversations):
            name = conversation_stream(row.id)
            found[name] = Head(name, row.seq, row.min_seq, "archived" if row.archived else "live")
    if me.user() in people:
        name, own = user_stream(me.user()), await tx.one(store.USER_HEAD, me.user())
        found[name] = Head(name, 0, 1) if own is None else Head(name, own.seq, own.min_seq)
    return Heads(found, {name: NOT_A_MEMBER for name in streams if name not in found})


async def mine(tx: Reader, me: Me) -> list[str]:
    """All logs of the caller: their own, then those of their conversations, the latest first."""
    found = await tx.all(store.MINE, me.user())
    return [user_stream(me.user()), *(conversation_stream(one) for one in found)]


async def events(tx: Reader, me: Me, stream: str, after_seq: int, limit: int) -> list[Event]:
    """Entries of a log behind a place, in order; those of a member only, who left up to then. Empty for others.

    Background work reads all of any log.
    """
    conversations, people = parted([stream])
    entries: list[store.Entry] = []
    if conversations and me.is_system:
        entries = await tx.all(store.ALL_EVENTS, conversations[0], _seq(after_seq), limit)
    elif conversations:
        entries = await tx.all(store.EVENTS, me.user(), conversations[0], _seq(after_seq), limit)
    elif people and (me.is_system or people[0] == me.user()):
        entries = await tx.all(store.USER_EVENTS, people[0], _seq(after_seq), limit)
    return [Event(stream, entry.seq, entry.type, entry.created_at, entry.payload) for entry in entries]


async def last_seqs(tx: Reader, me: Me, streams: Sequence[str]) -> dict[str, int]:
    """Where these logs end, for the server's own comparison with what it has sent. Two queries."""
    conversations, people = parted(streams)
    found = {conversation_stream(row.id): row.seq for row in await _ends(tx, store.LAST, conversations)}
    return found | {user_stream(row.id): row.seq for row in await _ends(tx, store.LAST_USERS, people)}


async def _ends(tx: Reader, query: Query[store.LogHead], ids: list[UUID]) -> list[store.LogHead]:
    return await tx.all(query, ids) if ids else []


async def still_member(tx: Reader, me: Me, user_ids: Collection[UUID], conversation_id: UUID) -> set[UUID]:
    """Those of these people who are members now; for the server's own deliveries."""
    return set(await tx.all(store.STILL, conversation_id, list(user_ids)))


async def members(tx: Reader, me: Me, conversation_id: UUID) -> list[UUID]:
    """Everybody in a conversation of the caller. Raises NotMember."""
    if not me.is_system:
        await place(tx, me, conversation_id)
    return await tx.all(store.MEMBERS, conversation_id)


async def purge(tx: Tx, me: Me, before: datetime) -> bool:
    """Drop some entries of logs that are older. Returns whether there may be more."""
    gone = [await tx.one(query, before) or 0 for query in (store.PURGE, store.PURGE_USERS)]
    return any(gone)
