"""Verbs of who belongs to a workspace: found one, look who is there, give roles, leave, take out."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.availability import service as availability
from majlis.features.availability.model import shown as seen
from majlis.features.channels import service as channels
from majlis.features.conversations import service as conversations
from majlis.features.emoji import service as emoji
from majlis.features.filters import service as filters
from majlis.features.membership import store
from majlis.features.membership.model import (
    ChannelMember,
    Member,
    MemberPresence,
    MembersQuery,
    MemberUpdate,
    NoMember,
    NotSelf,
    OwnerStays,
    OwnWorkspace,
    Person,
)
from majlis.features.sockets import service as sockets
from majlis.features.workspaces import service as workspaces
from majlis.features.workspaces.model import (
    RANK,
    NoGuests,
    Role,
    RoleTooLow,
    Standing,
    Workspace,
    WorkspaceCreate,
)
from majlis.kit import clock, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.kit.text import prefix_query

# ---- workspaces


async def found(app: App, me: Me, body: WorkspaceCreate) -> Workspace:
    """A new workspace of the caller's with its default channel. Raises SlugTaken, Invalid, RateLimited."""
    async with app.db.tx() as tx:
        workspace_id = await workspaces.create(app, tx, me, body)
        await channels.open_default(tx, me, workspace_id)
        return await workspaces.get(tx, me, workspace_id)


async def mine(tx: Reader, me: Me, paging: page.Paging) -> page.Page[OwnWorkspace]:
    """The caller's workspaces in the order in which they came, with what is new there. At most three queries."""
    found = await workspaces.mine(tx, me, paging)
    totals = {
        row.workspace_id: row for row in await tx.all(store.TOTALS, me.id, [one.id for one in found.items])
    }
    shown = []
    for one in found.items:
        new = totals.get(one.id, store.Total(one.id, 0, 0))
        counts: dict[str, Any] = {"unread_count": new.unread_count, "mention_count": new.mention_count}
        shown.append(OwnWorkspace(**msgspec.structs.asdict(one), **counts))
    return page.Page(shown, found.next, found.total)


async def delete_workspace(tx: Tx, me: Me, workspace_id: UUID, confirm_slug: str) -> datetime:
    """Delete a workspace, for its owner: nobody is in its channels any more. Returns until when it is kept."""
    until = await workspaces.delete(tx, me, workspace_id, confirm_slug)
    await channels.close_all(tx, me, workspace_id)
    return until


# ---- members


async def listing(tx: Reader, me: Me, workspace_id: UUID, query: MembersQuery) -> page.Page[Member]:
    """Who is in a workspace, by username; for guests, whom they share a channel with. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    paging, words = query.paging(), (query.q or "").strip() or None
    wanted = (me.user(), workspace_id, words, prefix_query(words or ""), query.role)
    behind = page.decode("members", paging.cursor, tuple[str])[0] if paging.cursor else None
    rows = await tx.all(store.LIST, *wanted, behind, paging.limit + 1, 0 if behind else paging.offset or 0)
    shown = rows[: paging.limit]
    more = page.encode("members", shown[-1].username) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not behind:
        total = await tx.one(store.COUNT, *wanted)
    return page.Page(await _described(tx, me, shown), more, total)


async def _described(tx: Reader, me: Me, people: Sequence[Person]) -> list[Member]:
    """These people with what they say of themselves; one query."""
    said = await availability.statuses(tx, me, [one.user_id for one in people]) if people else {}
    return [Member(**msgspec.structs.asdict(one), status=said.get(one.user_id)) for one in people]


async def get(tx: Reader, me: Me, workspace_id: UUID, user_id: UUID) -> Member:
    """Somebody of a workspace. Raises NoWorkspace, NoMember."""
    await workspaces.standing(tx, me, workspace_id)
    found = await tx.one(store.ONE, me.user(), workspace_id, user_id)
    if found is None:
        raise NoMember()
    return (await _described(tx, me, [found]))[0]


async def in_channel(tx: Reader, me: Me, channel_id: UUID, paging: page.Paging) -> page.Page[ChannelMember]:
    """Who is in a channel that the caller may read, by username. Raises NoChannel."""
    await channels.access(tx, me, channel_id)
    behind = page.decode("channel members", paging.cursor, tuple[str])[0] if paging.cursor else None
    offset = 0 if behind else paging.offset or 0
    rows = await tx.all(store.IN_CHANNEL, me.user(), channel_id, behind, paging.limit + 1, offset)
    shown = rows[: paging.limit]
    more = page.encode("channel members", shown[-1].username) if len(rows) > len(shown) else None
    total = None
    if paging.offset is not None and not behind:
        total = await tx.one(store.IN_CHANNEL_COUNT, channel_id)
    said = await availability.statuses(tx, me, [one.user_id for one in shown])
    found = [ChannelMember(**msgspec.structs.asdict(one), status=said.get(one.user_id)) for one in shown]
    return page.Page(found, more, total)


async def presence(
    tx: Reader, me: Me, workspace_id: UUID, user_ids: Collection[UUID]
) -> list[MemberPresence]:
    """Who is there, of these people: those who share a channel with the caller. Four queries. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    known = await tx.all(store.SHARED, me.user(), workspace_id, list(user_ids))
    nodes = await sockets.presences(tx, me, known)
    choices, now = await availability.choices(tx, me, known), clock.now()
    found = []
    for user_id in known:
        own = [one for one in nodes if one.user_id == user_id]
        states = {one.state for one in own if one.expires_at > now}
        word = seen(now, bool(states), "active" in states, choices.get(user_id))
        found.append(MemberPresence(user_id, word, max((one.last_active_at for one in own), default=None)))
    return found


async def update(tx: Tx, me: Me, workspace_id: UUID, user_id: UUID, body: MemberUpdate) -> Member:
    """Give somebody a role, for admins and at most their own, never the owner; or say how oneself is shown.

    Raises NoWorkspace, NoMember, RoleTooLow, NotSelf, NoGuests, Invalid.
    """
    standing = await workspaces.hold(tx, me, workspace_id, [user_id])
    member = await get(tx, me, workspace_id, user_id)
    changes = given(body)
    role = changes.pop("role", None)
    if changes and user_id != me.id:
        raise NotSelf()
    if role is not None:
        await _set_role(tx, me, standing, user_id, role)
    if changes:
        await filters.refuse(tx, me, changes)
        own = await tx.one(store.OWN, me.user(), workspace_id)
        before = (None, None) if own is None else (own.title, own.display_name)
        title, name = changes.get("title", before[0]), changes.get("display_name", before[1])
        if name is not None and not name.strip():
            raise Invalid.field("display_name", "A name is not empty.", "required")
        await workspaces.describe(tx, me, workspace_id, title or None, name)
    return await get(tx, me, workspace_id, user_id) if role or changes else member


async def _set_role(tx: Tx, me: Me, standing: Standing, user_id: UUID, role: Role) -> None:
    standing.require("admin")
    now = await workspaces.member(tx, me, standing.workspace_id, user_id)
    if now is None:
        raise NoMember()
    if now == "owner" or RANK[now] > RANK[standing.role] or RANK[role] > RANK[standing.role]:
        raise RoleTooLow()
    if role == now:
        return
    if role == "guest" and not standing.settings.allow_guests:
        raise NoGuests()
    await workspaces.set_role(tx, me, standing.workspace_id, user_id, role)
    told = {"workspace_id": standing.workspace_id, "role": role}
    await conversations.tell(tx, me, [user_id], "settings.updated", told)


async def remove(tx: Tx, me: Me, workspace_id: UUID, user_id: UUID) -> None:
    """Leave a workspace, or take somebody of a lower role out, for admins. All its channels close to them at once.

    Raises NoWorkspace, NoMember, OwnerStays, RoleTooLow.
    """
    standing = await workspaces.hold(tx, me, workspace_id, [user_id])
    if user_id == me.user():
        if standing.role == "owner":
            raise OwnerStays()
    else:
        await get(tx, me, workspace_id, user_id)
        role = await workspaces.member(tx, me, workspace_id, user_id)
        if role is None:
            raise NoMember()
        standing.require("admin")
        if RANK[role] >= RANK[standing.role]:
            raise RoleTooLow()
    await workspaces.remove(tx, me, workspace_id, user_id)
    await channels.expel(tx, me, user_id, [workspace_id])
    if user_id != me.id:
        await workspaces.record(tx, me, workspace_id, "remove_member", "Removed.", person_id=user_id)


async def forget(tx: Tx, me: Me, user_id: UUID) -> None:
    """Take somebody who leaves for good out of all workspaces; what they own goes to somebody else there.

    Again it changes nothing.
    """
    places = await workspaces.bereaved(tx, me, user_id)
    for workspace_id in places:
        await workspaces.remove(tx, me, workspace_id, user_id)
    closed = [workspace_id for workspace_id, is_closed in places.items() if is_closed]
    await channels.expel(tx, me, user_id, places, closed)


async def purge(app: App, me: Me) -> None:
    """Drop deleted workspaces whose time is over, with all that was said there."""
    while True:
        async with app.db.read() as reader:
            due = await workspaces.due(reader, me)
        for workspace_id in due:
            async with app.db.tx() as tx:
                await channels.drop(tx, me, workspace_id)
                await emoji.drop(tx, me, workspace_id)
                await workspaces.purge(tx, me, workspace_id)
        if not due:
            return
