"""Verbs of messages that are not sent yet: keep a draft, schedule, change, send at its time."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from majlis.features.attachments import service as attachments
from majlis.features.channels import service as channels
from majlis.features.composing import store
from majlis.features.composing.facts import MessageScheduled
from majlis.features.composing.model import (
    MOST,
    DraftSave,
    NoDraft,
    NotWaiting,
    PlanCreate,
    Planned,
    PlanUpdate,
    ScheduleCreate,
    Scheduled,
    ScheduleUpdate,
    State,
    TooMany,
    UnsentMessage,
)
from majlis.features.conversations import service as conversations
from majlis.features.discussions import service as discussions
from majlis.features.discussions.model import MessageSend as ChannelMessageSend
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.messages import service as messages
from majlis.features.messages.model import Kind, MessageSend
from majlis.features.notifications import service as notifications
from majlis.features.workspaces import service as workspaces
from majlis.kit import clock, facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Forbidden, Invalid, NotFound, Refused
from majlis.kit.me import Me

FURTHEST = timedelta(days=366)
KEPT = timedelta(days=1)  # files, behind the time at which they are to be sent
SKEW = timedelta(minutes=1)  # by which the clocks of this process and the database may differ
SOONEST, LATEST = timedelta(minutes=1), timedelta(days=120)  # in channels
PERSONAL: tuple[Kind, ...] = ("dm", "group_dm")  # where the doors of channels are not asked
CHANNEL: tuple[Kind, ...] = ("channel",)
T = TypeVar("T")


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
    await messages.place(tx, me, body.conversation_id, PERSONAL)
    added = await _add(tx, me, body.conversation_id, body.message, body.send_at, "message.")
    return await _tell(tx, me, added, store.scheduled_of)


def _check_time(at: datetime) -> None:
    if not clock.now() < at < clock.now() + FURTHEST:
        raise Invalid.field("send_at", "Give a time within the next year.", "out_of_range")


async def _add(tx: Tx, me: Me, place: UUID, message: MessageSend, at: datetime, field: str) -> UUID:
    """Store what waits, and hold its files. Raises Invalid, TooMany."""
    if not message.text.strip() and not message.file_ids:
        raise Invalid.field(f"{field}text", "A message says something.", "required")
    await identity.hold(tx, me, me.user())  # two at once would both find room for the last one
    if (await tx.one(store.WAITING, me.user()) or 0) >= MOST:
        raise TooMany()
    # Held already, so that nothing sweeps them away meanwhile.
    held = await attachments.claim(tx, me, place, message.file_ids, f"{field}file_ids")
    message = msgspec.structs.replace(message, file_ids=attachments.named(held))
    await attachments.keep(tx, me, message.file_ids, at + KEPT)
    scheduled_id = ids.new()
    await tx.run(store.ADD, scheduled_id, me.id, place, message, at, clock.now())
    return scheduled_id


async def _tell(tx: Tx, me: Me, scheduled_id: UUID, shown: Callable[[store.Row], T]) -> T:
    """Tell the writer's devices what became of a message, and have it sent at its time."""
    row = await tx.one(store.ONE, me.user(), scheduled_id)
    if row is None:
        raise NotFound()
    found = shown(row)
    if row.state == "WAITING":
        await facts.emit(tx, MessageScheduled(scheduled_id, row.send_at))
    await conversations.tell(tx, me, [me.user()], "scheduled.updated", {"scheduled": found})
    return found


async def _hold(tx: Tx, me: Me, scheduled_id: UUID, kinds: Sequence[Kind]) -> store.Held:
    held = await tx.one(store.HOLD, scheduled_id)
    if held is None or held.user_id != me.user() or held.kind not in kinds:
        raise NotFound()
    return held


async def _change(
    tx: Tx, me: Me, held: store.Held, send_at: datetime | UnsetType, text: str | UnsetType
) -> None:
    """Put off or rewrite what waits. Raises NotWaiting."""
    if held.state != "WAITING":
        raise NotWaiting()
    message = store.scheduled_of(held).message
    if text is not UNSET:
        message = msgspec.structs.replace(message, text=text)
    at = held.send_at if send_at is UNSET else send_at
    await attachments.keep(tx, me, message.file_ids, at + KEPT)
    await tx.run(store.CHANGE, held.id, at, message)


async def reschedule(tx: Tx, me: Me, scheduled_id: UUID, body: ScheduleUpdate) -> Scheduled:
    """Change the time or the text of a message that waits. Raises NotFound, NotWaiting, Invalid."""
    held = await _hold(tx, me, scheduled_id, PERSONAL)
    if body.send_at is not UNSET:
        _check_time(body.send_at)
    await _change(tx, me, held, body.send_at, body.text)
    return await _tell(tx, me, scheduled_id, store.scheduled_of)


async def cancel(tx: Tx, me: Me, scheduled_id: UUID, kinds: Sequence[Kind] = PERSONAL) -> None:
    """Do not send a message, or forget that it was. Raises NotFound."""
    held = await _hold(tx, me, scheduled_id, kinds)
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


# ---- in channels


async def plan(tx: Tx, me: Me, channel_id: UUID, body: PlanCreate) -> Planned:
    """Say something in a channel later; whether one may is found out again then.

    Raises NoChannel, NotIn, ReadOnly, ChannelArchived, MayNotWrite, NoMessage, Invalid, TooMany.
    """
    _check_plan(body.post_at)
    at = await channels.access(tx, me, channel_id)
    at.require_writer()
    at.require_open()
    await _check_thread(tx, me, channel_id, body.thread_root_id)
    message = MessageSend(text=body.text, thread_root_id=body.thread_root_id, file_ids=body.file_ids)
    added = await _add(tx, me, channel_id, message, body.post_at, "")
    return await _tell(tx, me, added, store.planned_of)


def _check_plan(at: datetime) -> None:
    if not SOONEST <= at - clock.now() <= LATEST:
        raise Invalid.field("post_at", "Give a time between a minute and 120 days from now.", "out_of_range")


async def plans(tx: Reader, me: Me, workspace_id: UUID, paging: page.Paging) -> page.Page[Planned]:
    """What the caller will say in channels of a workspace, or could not, the next first. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    at, last = page.decode("plans", paging.cursor, tuple[datetime, UUID]) if paging.cursor else (None, None)
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.PLANNED, me.user(), workspace_id, at, last, paging.limit + 1, offset)
    found, total = [store.planned_of(row) for row in rows[: paging.limit]], None
    more = page.encode("plans", found[-1].post_at, found[-1].id) if len(rows) > paging.limit else None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT_PLANNED, me.id, workspace_id)
    return page.Page(found, more, total)


async def replan(tx: Tx, me: Me, scheduled_id: UUID, body: PlanUpdate) -> Planned:
    """Change the time or the text of what waits for a channel. Raises NotFound, NotWaiting, Invalid."""
    held = await _hold(tx, me, scheduled_id, CHANNEL)
    if body.post_at is not UNSET:
        _check_plan(body.post_at)
    await _change(tx, me, held, body.post_at, body.text)
    return await _tell(tx, me, scheduled_id, store.planned_of)


# ---- sending


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
            message_id = await _send(tx, writer, held, message)
    except Refused as refused:
        await tx.run(store.FAILED, scheduled_id, refused.code)
        words = f"Your scheduled message was not sent: {refused.detail}"
        await notifications.inform(
            tx, me, "SYSTEM", held.user_id, "Not sent", words, scheduled_id, scheduled_id=scheduled_id
        )
    else:
        await tx.run(store.SENT, scheduled_id, message_id)
    shown: Callable[[store.Row], object] = store.scheduled_of
    await _tell(tx, writer, scheduled_id, store.planned_of if held.kind == "channel" else shown)


async def _send(tx: Tx, writer: Me, held: store.Held, message: MessageSend) -> UUID:
    """Say it where it belongs, under a key of its own. Raises what the services raise."""
    if held.kind == "channel":
        said = ChannelMessageSend(
            client_msg_id=held.id, text=message.text, thread_root_id=message.thread_root_id,
            file_ids=message.file_ids,
        )  # fmt: skip
        return (await discussions.send(tx, writer, held.conversation_id, said)).id
    sending = msgspec.structs.replace(message.sending(), client_msg_id=f"scheduled:{held.id}")
    return (await messages.send(tx, writer, held.conversation_id, sending, PERSONAL)).message.id


async def _check_writer(tx: Tx, me: Me, user_id: UUID) -> None:
    """Raises NotFound or Forbidden for somebody who left or is suspended."""
    if (await identity.get(tx, me, user_id)).suspended_at is not None:
        raise Forbidden("This account is suspended.", code="account_deactivated")
