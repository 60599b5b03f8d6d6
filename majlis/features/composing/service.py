"""Verbs of messages that are not sent yet: keep a draft, schedule, change, send at its time."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import UNSET

from majlis.features.composing import store
from majlis.features.composing.facts import MessageScheduled
from majlis.features.composing.model import (
    MOST,
    DraftSave,
    NoDraft,
    NotWaiting,
    ScheduleCreate,
    Scheduled,
    ScheduleUpdate,
    State,
    TooMany,
    UnsentMessage,
)
from majlis.features.conversations import service as conversations
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.messages import service as messages
from majlis.features.messages.model import Kind
from majlis.kit import clock, facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Forbidden, Invalid, NotFound, Refused
from majlis.kit.me import Me

FURTHEST = timedelta(days=366)
SKEW = timedelta(minutes=1)  # by which the clocks of this process and the database may differ
PERSONAL: tuple[Kind, ...] = ("dm", "group_dm")  # where the doors of channels are not asked


# ---- drafts


async def save(tx: Tx, me: Me, conversation_id: UUID, body: DraftSave) -> UnsentMessage:
    """Keep what the caller has begun to write, for all their devices. Raises NotMember, NoMessage."""
    await _check_thread(tx, me, conversation_id, body.thread_root_id)
    now = clock.now()
    await tx.run(
        store.SAVE, me.user(), body.thread_root_id or conversation_id, conversation_id, body.text, now
    )
    draft = UnsentMessage(conversation_id, body.thread_root_id, body.text, now)
    await conversations.tell(tx, me, [me.user()], "draft.updated", {"draft": draft})
    return draft


async def _check_thread(tx: Reader, me: Me, conversation_id: UUID, thread_root_id: UUID | None) -> None:
    await messages.place(tx, me, conversation_id)
    if thread_root_id is not None:
        root = await messages.get(tx, me, thread_root_id)
        if root.conversation_id != conversation_id:
            raise Invalid.field("thread_root_id", "There is no such message to answer.", "unknown")


async def discard(tx: Tx, me: Me, conversation_id: UUID, thread_root_id: UUID | None) -> None:
    """Drop a draft. Raises NoDraft."""
    if not await tx.run(store.DISCARD, me.user(), thread_root_id or conversation_id):
        raise NoDraft()
    gone = {"conversation_id": conversation_id, "thread_root_id": thread_root_id}
    await conversations.tell(tx, me, [me.user()], "draft.deleted", gone)


async def drafts(tx: Reader, me: Me, paging: page.Paging) -> page.Page[UnsentMessage]:
    """The caller's drafts, the latest first."""
    at, place = page.decode("drafts", paging.cursor, tuple[datetime, UUID]) if paging.cursor else (None, None)
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.DRAFTS, me.user(), at, place, paging.limit + 1, offset)
    found, more, total = rows[: paging.limit], None, None
    if len(rows) > paging.limit:
        last = found[-1]
        more = page.encode("drafts", last.updated_at, last.thread_root_id or last.conversation_id)
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT_DRAFTS, me.id)
    return page.Page(found, more, total)


# ---- scheduled messages


async def schedule(tx: Tx, me: Me, body: ScheduleCreate) -> Scheduled:
    """Say something later. Raises NotMember, Invalid, TooMany; what may not be said then is found out then."""
    _check_time(body.send_at)
    if not body.message.text.strip() and not body.message.file_ids:
        raise Invalid.field("message.text", "A message says something.", "required")
    await messages.place(tx, me, body.conversation_id, PERSONAL)
    if (await tx.one(store.WAITING, me.user()) or 0) >= MOST:
        raise TooMany()
    # Held already, so that nothing sweeps them away meanwhile.
    await media.claim(tx, me, [messages.named(url) for url in body.message.file_ids], "message.file_ids")
    scheduled_id = ids.new()
    await tx.run(
        store.ADD, scheduled_id, me.id, body.conversation_id, body.message, body.send_at, clock.now()
    )
    return await _tell(tx, me, scheduled_id)


def _check_time(at: datetime) -> None:
    if not clock.now() < at < clock.now() + FURTHEST:
        raise Invalid.field("send_at", "Give a time within the next year.", "out_of_range")


async def _tell(tx: Tx, me: Me, scheduled_id: UUID) -> Scheduled:
    found = await scheduled(tx, me, scheduled_id)
    if found.state == "WAITING":
        await facts.emit(tx, MessageScheduled(scheduled_id, found.send_at))
    await conversations.tell(tx, me, [me.user()], "scheduled.updated", {"scheduled": found})
    return found


async def scheduled(tx: Reader, me: Me, scheduled_id: UUID) -> Scheduled:
    """A scheduled message of the caller. Raises NotFound."""
    row = await tx.one(store.ONE, me.user(), scheduled_id)
    if row is None:
        raise NotFound()
    return store.scheduled_of(row)


async def _hold(tx: Tx, me: Me, scheduled_id: UUID) -> store.Held:
    held = await tx.one(store.HOLD, scheduled_id)
    if held is None or held.user_id != me.user():
        raise NotFound()
    return held


async def reschedule(tx: Tx, me: Me, scheduled_id: UUID, body: ScheduleUpdate) -> Scheduled:
    """Change the time or the text of a message that waits. Raises NotFound, NotWaiting, Invalid."""
    held = await _hold(tx, me, scheduled_id)
    if held.state != "WAITING":
        raise NotWaiting()
    now = store.scheduled_of(held)
    send_at = now.send_at if body.send_at is UNSET else body.send_at
    if body.send_at is not UNSET:
        _check_time(send_at)
    message = now.message if body.text is UNSET else msgspec.structs.replace(now.message, text=body.text)
    await tx.run(store.CHANGE, scheduled_id, send_at, message)
    return await _tell(tx, me, scheduled_id)


async def cancel(tx: Tx, me: Me, scheduled_id: UUID) -> None:
    """Do not send a message, or forget that it was. Raises NotFound."""
    held = await _hold(tx, me, scheduled_id)
    if held.state == "WAITING":
        await media.release(tx, me, store.scheduled_of(held).message.file_ids)
    await tx.run(store.DROP, scheduled_id)
    await conversations.tell(tx, me, [me.user()], "scheduled.deleted", {"id": scheduled_id})


async def listing(tx: Reader, me: Me, state: State, paging: page.Paging) -> page.Page[Scheduled]:
    """The caller's scheduled messages in a state, the next first."""
    at, last = (
        page.decode("scheduled", paging.cursor, tuple[datetime, UUID]) if paging.cursor else (None, None)
    )
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.LIST, me.user(), state, at, last, paging.limit + 1, offset)
    found, total = [store.scheduled_of(row) for row in rows[: paging.limit]], None
    more = page.encode("scheduled", found[-1].send_at, found[-1].id) if len(rows) > paging.limit else None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, me.id, state)
    return page.Page(found, more, total)


async def send_due(tx: Tx, me: Me, scheduled_id: UUID) -> None:
    """Send a message whose time has come; for background work. What refuses it now is kept with it."""
    held = await tx.one(store.HOLD, scheduled_id)
    if held is None or held.state != "WAITING":
        return
    early = held.send_at - clock.now()
    if early > timedelta():
        if early < SKEW:  # else it was put off, and another job follows
            await facts.emit(tx, MessageScheduled(scheduled_id, held.send_at))
        return
    writer, message = Me(id=held.user_id), store.scheduled_of(held).message
    await media.release(tx, writer, message.file_ids)
    try:
        async with tx.savepoint():
            await _check_writer(tx, me, held.user_id)
            sending = msgspec.structs.replace(message.sending(), client_msg_id=f"scheduled:{scheduled_id}")
            sent = await messages.send(tx, writer, held.conversation_id, sending, PERSONAL)
    except Refused as refused:
        await tx.run(store.FAILED, scheduled_id, refused.code)
    else:
        await tx.run(store.SENT, scheduled_id, sent.message.id)
    await _tell(tx, writer, scheduled_id)


async def _check_writer(tx: Tx, me: Me, user_id: UUID) -> None:
    """Raises NotFound or Forbidden for somebody who left or is suspended."""
    if (await identity.get(tx, me, user_id)).suspended_at is not None:
        raise Forbidden("This account is suspended.", code="account_deactivated")
