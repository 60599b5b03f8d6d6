"""Verbs of direct messages: send, read one by one, look through; over the engine of conversations."""

from collections.abc import Collection, Sequence
from uuid import UUID

from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import Alone, Kind, NotMember, conversation_stream, user_stream
from majlis.features.graph import service as graph
from majlis.features.letters import store
from majlis.features.letters.model import Correspondence, Letter, NoReceiver, Online
from majlis.features.messages import service as messages
from majlis.features.messages.model import Sending
from majlis.features.preferences import service as preferences
from majlis.features.sockets import service as sockets
from majlis.kit import clock, hints, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me

DM: tuple[Kind, ...] = ("dm",)
READ = "read_receipt"


# ---- writing


async def send(tx: Tx, me: Me, receiver_id: UUID, text: str, type: str = "text") -> Letter:
    """Write to somebody, who has it at once if they are online. Raises NoReceiver, Alone, NotAccepted, Empty."""
    if receiver_id == me.user():
        raise Alone("receiver_id")
    try:
        conversation_id, _ = await messages.open_dm(tx, me, receiver_id, "receiver_id")
    except NotFound as error:
        raise NoReceiver() from error
    sent = await messages.send(tx, me, conversation_id, Sending(type=type, text=text), DM, "content")
    there = (await online(tx, me, [receiver_id]))[receiver_id]
    if there.is_online and await preferences.allowed(tx, me, [receiver_id], "messages", "web_socket"):
        got = {conversation_stream(conversation_id): sent.seq}
        await messages.acknowledge(tx, Me(id=receiver_id), got)
    return (await by_ids(tx, me, [sent.message.id]))[sent.message.id]


async def delete(tx: Tx, me: Me, message_id: UUID) -> None:
    """Take a message of one's own back, for both sides. Raises NoMessage, NotSender."""
    await messages.delete(tx, me, message_id, DM)


async def read(tx: Tx, me: Me, message_ids: Sequence[UUID]) -> list[UUID]:
    """Mark messages that the caller received and has not read, and tell who sent them. Returns which those were.

    Names of other messages do nothing. The caller's place in a conversation moves on behind what is all read.
    """
    await tx.all(store.HOLD, me.user(), list(message_ids))
    marked = await tx.all(store.MARK, me.user(), list(message_ids), clock.now())
    touched = dict.fromkeys(one.conversation_id for one in marked)
    if len(touched) > 1:  # each tells its two people: pair after pair, their logs would be held in no order
        await conversations.hold_logs(tx, me, [me.user(), *(one.sender_id for one in marked)])
    for conversation_id in touched:
        seq = await tx.one(store.UP_TO, me.user(), conversation_id)
        await messages.mark_read(tx, me, conversation_id, seq or 0, DM)
    for sender in dict.fromkeys(one.sender_id for one in marked if one.shown):
        ids = [one.id for one in marked if one.sender_id == sender]
        hints.tell(tx, [sender], READ, {"reader_id": me.user(), "message_ids": ids})
    return [one.id for one in marked]


# ---- reading


async def by_ids(tx: Reader, me: Me, message_ids: Collection[UUID]) -> dict[UUID, Letter]:
    """Those of these messages that are the caller's to see, by id; one query."""
    if not message_ids:
        return {}
    return {one.id: one for one in await tx.all(store.BY_IDS, me.user(), list(message_ids))}


async def history(tx: Reader, me: Me, other: UUID, paging: page.Paging) -> page.Page[Letter]:
    """What the caller and somebody else wrote, newest first. Empty where they have not, or do not meet any more."""
    conversation_id = await messages.find_dm(tx, me, other)
    if conversation_id is None:
        return page.Page([], None, 0)
    try:
        found = await messages.history(tx, me, conversation_id, paging, kinds=DM)
    except NotMember:
        return page.Page([], None, 0)
    letters = await by_ids(tx, me, [one.id for one in found.items])
    return page.Page([letters[one.id] for one in found.items if one.id in letters], found.next, found.total)


async def correspondences(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Correspondence]:
    """With whom the caller writes, the latest message first; nobody with whom nothing stands."""
    found = await messages.listing(tx, me, paging, DM)
    said = [one for one in found.items if one.last_message is not None and one.other_id is not None]
    last = await by_ids(tx, me, [one.last_message.id for one in said if one.last_message])
    rows = await tx.all(store.UNREAD, me.user(), [one.id for one in said]) if said else []
    unread = {row.conversation_id: row.count for row in rows}
    items = [
        Correspondence(one.other_id, last[one.last_message.id], unread.get(one.id, 0))
        for one in said
        if one.other_id and one.last_message and one.last_message.id in last
    ]
    return page.Page(items, found.next, found.total)


async def unread(tx: Reader, me: Me) -> int:
    """How many direct messages the caller has not read."""
    return await tx.one(store.UNREAD_IN_ALL, me.user()) or 0


async def passed(tx: Reader, me: Me, conversation_id: UUID, reader: UUID, seq: int) -> list[UUID]:
    """Messages of the caller's that somebody read when their place came to `seq`, at most 100."""
    return await tx.all(store.PASSED, me.user(), conversation_id, reader, seq)


async def partners(tx: Reader, me: Me) -> list[UUID]:
    """With whom the caller writes, the latest 200."""
    return await tx.all(store.PARTNERS, me.user())


async def streams(tx: Reader, me: Me) -> list[str]:
    """The logs that tell of the caller's direct messages: their own, and those of all they write with."""
    return [
        user_stream(me.user()),
        *(conversation_stream(one) for one in await tx.all(store.STREAMS, me.user())),
    ]


async def online(tx: Reader, me: Me, user_ids: Collection[UUID]) -> dict[UUID, Online]:
    """Whether these people are there; who may know is decided above. One query."""
    now, found = clock.now(), {one: Online(one, False, None) for one in user_ids}
    for row in await sockets.presences(tx, me, user_ids) if user_ids else []:
        one = found[row.user_id]
        one.is_online = one.is_online or row.is_there(now)
        seen = row.last_active_at
        one.last_seen_at = seen if one.last_seen_at is None else max(one.last_seen_at, seen)
    return found


async def presence(tx: Reader, me: Me, user_id: UUID) -> Online:
    """Whether a person is there. Raises NotFound for whom the caller does not meet."""
    if user_id != me.user() and user_id not in await graph.minis(tx, me, [user_id]):
        raise NotFound("There is no such person.")
    return (await online(tx, me, [user_id]))[user_id]
