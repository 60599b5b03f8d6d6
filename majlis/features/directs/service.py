"""Verbs of direct conversations in a workspace: open, list. What is said there is said as in any channel."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from majlis.features.channels import service as channels
from majlis.features.channels.model import Channel
from majlis.features.conversations.model import Alone, MayNotWrite
from majlis.features.directs import store
from majlis.features.directs.model import NoPerson
from majlis.features.workspaces import service as workspaces
from majlis.kit import page
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me


async def open_direct(tx: Tx, me: Me, workspace_id: UUID, user_ids: Collection[UUID]) -> tuple[Channel, bool]:
    """The conversation of the caller and just these people, and whether it is new.

    Guests open one only with people with whom they share a channel. Raises NoWorkspace, Alone, NoPerson,
    MayNotWrite across a block.
    """
    standing = await workspaces.standing(tx, me, workspace_id)
    everybody = {me.user(), *user_ids}
    if len(everybody) == 1:
        raise Alone("user_ids")
    there = await tx.all(store.PARTNERS, me.user(), workspace_id, sorted(everybody))
    met = {one.user_id for one in there if one.shares or not standing.is_guest}
    if met != everybody:
        raise NoPerson()
    if any(one.blocked for one in there):
        raise MayNotWrite()
    channel_id, new = await channels.open_direct(tx, me, workspace_id, everybody)
    return await channels.get(tx, me, channel_id), new


async def listing(tx: Reader, me: Me, workspace_id: UUID, paging: page.Paging) -> page.Page[Channel]:
    """The caller's direct conversations in a workspace, the latest first. At most three queries. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    start: tuple[datetime, UUID] | tuple[None, None] = (None, None)
    if paging.cursor:
        start = page.decode("directs", paging.cursor, tuple[datetime, UUID])
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.LIST, me.user(), workspace_id, *start, paging.limit + 1, offset)
    shown = [row.shown() for row in rows[: paging.limit]]
    more, total = None, None
    if len(rows) > len(shown):
        more = page.encode("directs", shown[-1].last_message_at or shown[-1].created_at, shown[-1].id)
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, me.id, workspace_id)
    return page.Page(shown, more, total)
