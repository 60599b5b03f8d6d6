"""Verbs of channels: make, look, change, archive; come, bring, go; and what is new there."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from majlis.features.channels import store
from majlis.features.channels.model import (
    Access,
    Added,
    Channel,
    ChannelCreate,
    ChannelQuery,
    ChannelUpdate,
    DefaultChannel,
    Guest,
    NameTaken,
    NoChannel,
    NotInWorkspace,
    OwnPlace,
    OwnPlaceUpdate,
    check_name,
)
from majlis.features.conversations import service as conversations
from majlis.features.filters import service as filters
from majlis.features.media import service as media
from majlis.features.messages import service as messages
from majlis.features.messages.model import Sending
from majlis.features.workspaces import service as workspaces
from majlis.features.workspaces.model import RoleTooLow, Standing
from majlis.kit import clock, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.http.binding import given
from majlis.kit.me import Me

# SQL for the stores of features above: see channels/store.py.
FROM, READABLE, COUNTS = store.FROM, store.READABLE, store.COUNTS
UNREAD, MENTIONED, FIRST = store.UNREAD, store.MENTIONED, store.FIRST
CHANNEL, LIKED, KIND, Row = store.CHANNEL, store.LIKED, store.KIND, store.Row
GENERAL = "general"
CREATED, REMOVED = "conversation.created", "conversation.removed"  # what people are told of a channel
Told = tuple[list[UUID], dict[str, Any]]  # some people, and what they are told when all channels are done


# ---- looking


async def access(tx: Reader, me: Me, channel_id: UUID) -> Access:
    """What the caller is in a channel that they may read. Raises NoChannel."""
    place = await tx.one(store.PLACE, me.user(), channel_id)
    if place is None:
        raise NoChannel()
    return place.access()


async def hold(tx: Tx, me: Me, channel_id: UUID, others: Collection[UUID] = ()) -> tuple[Access, set[UUID]]:
    """`access`, with the channel held until the transaction ends; and which of the others belong to the workspace."""
    there = set(await tx.all(store.STAY, channel_id, sorted({me.user(), *others})))
    place = await tx.one(store.LOCK, me.user(), channel_id)
    if place is None or me.user() not in there:
        raise NoChannel()
    return place.access(), there


async def get(tx: Reader, me: Me, channel_id: UUID) -> Channel:
    """A channel that the caller may read. Raises NoChannel."""
    row = await tx.one(store.ONE, me.user(), channel_id)
    if row is None:
        raise NoChannel()
    return row.shown()


async def listing(tx: Reader, me: Me, workspace_id: UUID, query: ChannelQuery) -> page.Page[Channel]:
    """Channels of a workspace that the caller may read, by name. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    paging = query.paging()
    wanted = (me.user(), workspace_id, query.q, query.kind, query.joined, query.include_archived)
    behind = page.decode("channels", paging.cursor, tuple[str])[0] if paging.cursor else None
    rows = await tx.all(store.LIST, *wanted, behind, paging.limit + 1, 0 if behind else paging.offset or 0)
    shown = [row.shown() for row in rows[: paging.limit]]
    more = page.encode("channels", shown[-1].name or str(shown[-1].id)) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not behind:
        total = await tx.one(store.COUNT, *wanted)
    return page.Page(shown, more, total)


# ---- making and changing


async def create(tx: Tx, me: Me, workspace_id: UUID, body: ChannelCreate) -> Channel:
    """A new channel, with the caller in it. Raises Guest, RoleTooLow, NameTaken, NotInWorkspace, Invalid."""
    standing = await workspaces.standing(tx, me, workspace_id)
    if standing.is_guest:
        raise Guest()
    if not standing.may(standing.settings.who_can_create_channels):
        raise RoleTooLow()
    people = [me.user(), *sorted({*body.member_ids} - {me.user()})]
    there = await tx.all(store.BELONG, workspace_id, sorted(people))
    channel_id = await _make(tx, me, workspace_id, body)
    if {*there} != {*people}:
        raise NotInWorkspace()
    await _bring(tx, me, channel_id, people)
    return await get(tx, me, channel_id)


async def _make(tx: Tx, me: Me, workspace_id: UUID, body: ChannelCreate, *, default: bool = False) -> UUID:
    check_name(body.name)
    await filters.refuse(tx, me, {"name": body.name, "topic": body.topic, "purpose": body.purpose})
    channel_id, now = ids.new(), clock.now()
    await tx.one(store.OPEN, channel_id, now)
    made = await tx.one(
        store.INSERT, channel_id, workspace_id, body.name, body.topic or None, body.purpose or None,
        body.kind == "private", default, me.user(), now,
    )  # fmt: skip
    if made is None:
        raise NameTaken()
    return channel_id


async def open_default(tx: Tx, me: Me, workspace_id: UUID) -> UUID:
    """The channel of a new workspace in which everybody but guests is, with the caller in it."""
    channel_id = await _make(tx, me, workspace_id, ChannelCreate(name=GENERAL), default=True)
    await _bring(tx, me, channel_id, [me.user()])
    return channel_id


async def update(tx: Tx, me: Me, channel_id: UUID, body: ChannelUpdate) -> Channel:
    """Change a channel, for its moderators; only the owner makes a private one public.

    Raises NotModerator, RoleTooLow, NameTaken, DefaultChannel, ChannelArchived, Invalid.
    """
    at, _ = await hold(tx, me, channel_id)
    at.require_moderator()
    at.require_open()
    changes = given(body)
    kind = changes.pop("kind", None)
    if kind is not None and (kind == "private") != at.is_private:
        at.require_turn()
        changes["is_private"] = kind == "private"
    if "name" in changes:
        check_name(changes["name"])
    await filters.refuse(tx, me, {name: changes.get(name) for name in ("name", "purpose")})
    for name, value in changes.items():
        setattr(at, name, value)
    await _write(tx, me, at, "channel.updated", changes)
    return await get(tx, me, channel_id)


async def _write(tx: Tx, me: Me, at: Access, type: str, changes: dict[str, Any]) -> None:
    if not changes:
        return
    try:
        async with tx.savepoint():
            await tx.run(store.UPDATE, *store.arguments(at))
    except asyncpg.UniqueViolationError as error:
        raise NameTaken() from error
    await conversations.record(tx, me, at.id, type, {"channel_id": at.id, "user_id": me.user(), **changes})


async def set_topic(tx: Tx, me: Me, channel_id: UUID, topic: str) -> Channel:
    """Say what a channel talks about, and note it there; for everybody in it but guests.

    Raises NotIn, Guest, ChannelArchived.
    """
    at, _ = await hold(tx, me, channel_id)
    at.require_member()
    if at.is_guest:
        raise Guest()
    at.require_open()
    if (words := " ".join(topic.split())) == (at.topic or ""):
        return await get(tx, me, channel_id)
    await filters.refuse(tx, me, {"topic": words})
    at.topic = words or None
    await _write(tx, me, at, "channel.updated", {"topic": at.topic})
    note = f"set the topic: {words}" if words else "cleared the topic"
    await messages.send(tx, me, channel_id, Sending(type="system", text=note), ("channel",))
    return await get(tx, me, channel_id)


async def set_archived(tx: Tx, me: Me, channel_id: UUID, archived: bool) -> Channel:
    """Let nothing be written in a channel any more, or again; for its moderators. Raises NotModerator, DefaultChannel."""
    at, _ = await hold(tx, me, channel_id)
    at.require_moderator()
    if at.is_default:
        raise DefaultChannel()
    if at.archived != archived:
        await _archive(tx, me, channel_id, archived)
    return await get(tx, me, channel_id)


async def _archive(tx: Tx, me: Me, channel_id: UUID, archived: bool) -> int:
    await tx.one(store.ARCHIVE, channel_id, clock.now() if archived else None)
    type = "channel.archived" if archived else "channel.unarchived"
    return await conversations.record(tx, me, channel_id, type, {"channel_id": channel_id, "user_id": me.id})


# ---- coming and going


async def _bring(tx: Tx, me: Me, channel_id: UUID, people: Sequence[UUID]) -> list[UUID]:
    """Let people in and tell them; those who were not there. The caller holds the channel, and no further one."""
    new, data = await _let_in(tx, me, channel_id, people)
    await conversations.tell(tx, me, new, CREATED, data)
    return new


async def _let_in(tx: Tx, me: Me, channel_id: UUID, people: Sequence[UUID], kind: str = "channel") -> Told:
    """Let people in; those who were not there are to be told. The caller holds the channel."""
    new = await tx.all(store.JOIN, channel_id, list(people), clock.now())
    for user_id in new:
        data = {"channel_id": channel_id, "user_id": user_id, "by": me.user()}
        await conversations.record(tx, me, channel_id, "member.joined", data)
    return new, {"conversation_id": channel_id, "kind": kind}


async def _part(tx: Tx, me: Me, channel_id: UUID, user_id: UUID) -> Told:
    """Take somebody out, who is to be told: this entry of the log is the last that they see.

    The caller holds the channel.
    """
    data = {"channel_id": channel_id, "user_id": user_id, "by": me.id}
    seq = await conversations.record(tx, me, channel_id, conversations.parting(me, user_id), data)
    await tx.one(store.PART, channel_id, [user_id], seq)
    await tx.run(store.FORGET, channel_id, [user_id])
    return [user_id], {"conversation_id": channel_id, "seq": seq}


async def join(tx: Tx, me: Me, channel_id: UUID) -> Channel:
    """Come into a public channel; again changes nothing. Raises NoChannel, Guest, ChannelArchived."""
    at, _ = await hold(tx, me, channel_id)
    if not at.is_member:
        if at.is_guest:
            raise Guest()
        at.require_open()
        await _bring(tx, me, channel_id, [me.user()])
    return await get(tx, me, channel_id)


async def leave(tx: Tx, me: Me, channel_id: UUID) -> None:
    """Leave a channel; a private one without anybody is archived. Raises NotIn, DefaultChannel, Staying."""
    at, _ = await hold(tx, me, channel_id)
    at.require_member()
    at.require_leavable()
    await _go(tx, me, at, me.user())


async def _go(tx: Tx, me: Me, at: Access, user_id: UUID) -> None:
    """Take somebody out of one channel, and tell them. A private one without anybody is archived."""
    gone = await _part(tx, me, at.id, user_id)
    if at.is_private and not at.archived and not await tx.all(store.PRESENT, at.id):
        await _archive(tx, me, at.id, True)
    await conversations.tell_each(tx, me, REMOVED, [gone])


async def add_members(tx: Tx, me: Me, channel_id: UUID, user_ids: Sequence[UUID]) -> Added:
    """Bring people of the workspace in: for everybody there but guests, into a private one for its moderators.

    Raises NotIn, Guest, NotModerator, ChannelArchived.
    """
    at, there = await hold(tx, me, channel_id, user_ids)
    at.require_member()
    if at.is_guest:
        raise Guest()
    if at.is_private:
        at.require_moderator()
    at.require_open()
    wanted = list(dict.fromkeys(user_ids))
    new = await _bring(tx, me, channel_id, [user_id for user_id in wanted if user_id in there])
    return Added.of(wanted, there, new)


async def remove_member(tx: Tx, me: Me, channel_id: UUID, user_id: UUID) -> None:
    """Take somebody out of a channel, for its moderators; or oneself. Again changes nothing.

    Raises NotModerator, RoleTooLow for who stands above the caller, DefaultChannel, NotFound.
    """
    at, _ = await hold(tx, me, channel_id)
    if user_id == me.user():
        if at.is_member:
            at.require_leavable()
            await _go(tx, me, at, user_id)
        return
    at.require_moderator()
    if user_id not in await tx.all(store.PRESENT, channel_id):
        raise NotFound("They are not in this channel.")
    role = (await workspaces.roles(tx, me, at.workspace_id, [user_id])).get(user_id, "guest")
    if role in ("admin", "owner") and not Standing(at.workspace_id, me.user(), at.role, at.settings).is_admin:
        raise RoleTooLow()
    if at.is_default and role != "guest":
        raise DefaultChannel()
    await _go(tx, me, at, user_id)


async def prefer(tx: Tx, me: Me, channel_id: UUID, body: OwnPlaceUpdate) -> OwnPlace:
    """How the caller wants to hear of a channel that they are in. Raises NotIn."""
    (await access(tx, me, channel_id)).require_member()
    await tx.run(store.PREFER, channel_id, me.user(), *store.preferred(body))
    data = {"conversation_id": channel_id, **given(body)}
    await conversations.tell(tx, me, [me.user()], "settings.updated", data)
    return (await get(tx, me, channel_id)).me


# ---- for the features above, which have authorised it


async def open_direct(tx: Tx, me: Me, workspace_id: UUID, people: Collection[UUID]) -> tuple[UUID, bool]:
    """The conversation of just these people, and whether it is new. Who was out of it is in again.

    They belong to the workspace, and do so until the transaction ends.
    """
    everybody, made = sorted(people), ids.new()
    key, kind = store.people_key(everybody), "dm" if len(everybody) == 2 else "group_dm"
    found = await tx.one(store.FIND, workspace_id, key)
    if found is None:
        await tx.one(store.OPEN_DIRECT, made, workspace_id, kind, key, me.user(), clock.now())
        found = await tx.one(store.FIND, workspace_id, key)  # another one if somebody else was quicker
    if found is None:
        raise NoChannel()
    archived = await tx.one(store.HOLD, found)
    told = await _let_in(tx, me, found, everybody, kind)
    if archived:
        await _archive(tx, me, found, False)
    await conversations.tell_each(tx, me, CREATED, [told])
    return found, found == made


async def bringable(
    tx: Reader, me: Me, workspace_id: UUID, user_id: UUID, channel_ids: Collection[UUID]
) -> list[UUID]:
    """Those of these channels into which somebody of the workspace can bring others."""
    return await tx.all(store.BRINGABLE, workspace_id, user_id, list(channel_ids))


async def welcome(
    tx: Tx, me: Me, workspace_id: UUID, channel_ids: Collection[UUID], *, guest: bool
) -> list[UUID]:
    """Let the caller, who just came into a workspace, into these channels and the default one."""
    wanted = {*channel_ids, *([] if guest else await tx.all(store.DEFAULT, workspace_id))}
    told: list[Told] = []
    for channel_id in sorted(wanted):
        await tx.one(store.HOLD, channel_id)
        told.append(await _let_in(tx, me, channel_id, [me.user()]))
    await conversations.tell_each(tx, me, CREATED, told)
    return sorted(wanted)


async def expel(
    tx: Tx, me: Me, user_id: UUID, workspace_ids: Collection[UUID], closed: Collection[UUID] = ()
) -> None:
    """Take somebody who leaves these workspaces out of all their channels; those of a few people end with that.

    Those of the workspaces that are closed are treated as by `close_all` then.
    """
    gone: list[Told] = []
    for left in await tx.all(store.OF_PERSON, list(workspace_ids), user_id):
        archived = await tx.one(store.HOLD, left.id)
        gone.append(await _part(tx, me, left.id, user_id))
        if left.direct and not archived:
            await _archive(tx, me, left.id, True)
    await conversations.tell_each(tx, me, REMOVED, gone + await _close(tx, me, closed))


async def close_all(tx: Tx, me: Me, workspace_id: UUID) -> None:
    """Archive the channels of a workspace that is deleted, and take everybody out."""
    await conversations.tell_each(tx, me, REMOVED, await _close(tx, me, [workspace_id]))


async def _close(tx: Tx, me: Me, workspace_ids: Collection[UUID]) -> list[Told]:
    gone: list[Told] = []
    for channel_id in await tx.all(store.ALL, list(workspace_ids)):
        await tx.one(store.HOLD, channel_id)
        people = await tx.all(store.PRESENT, channel_id)
        seq = await _archive(tx, me, channel_id, True)
        await tx.one(store.PART, channel_id, people, seq)
        gone.append((people, {"conversation_id": channel_id, "seq": seq}))
    return gone


async def drop(tx: Tx, me: Me, workspace_id: UUID) -> None:
    """Drop the channels of a workspace for good, with all that was said there."""
    await media.release(tx, Me.system, await tx.all(store.FILES, workspace_id))
    await tx.one(store.DROP, await tx.all(store.ALL, [workspace_id]))


async def mention(
    tx: Tx, me: Me, channel_id: UUID, message_id: UUID, seq: int, people: Collection[UUID],
    everybody: Collection[store.MentionKind],
) -> None:  # fmt: skip
    """Note whom a message mentions, instead of what was noted before."""
    await store.mention(tx, channel_id, message_id, seq, people, everybody)
