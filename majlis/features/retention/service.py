"""Verbs of keeping no more than a workspace wants kept."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from majlis.app import App
from majlis.features.conversations import service as conversations
from majlis.features.media import service as media
from majlis.features.notifications import service as notifications
from majlis.features.retention import store
from majlis.features.workspaces import service as workspaces
from majlis.kit import clock, hints, log
from majlis.kit.db import Query
from majlis.kit.me import Me

logger = log.get("majlis.retention")
AT_ONCE = 500  # messages that go in one transaction
NONE = UUID(int=0)


async def apply(app: App, me: Me) -> int:
    """Delete what is older than its workspace keeps, with a note in the audit trail; how many messages that were."""
    me.require_role("admin")
    total = 0
    async for workspace_id in _all(app, store.LIMITED):
        count = 0
        async for channel_id in _all(app, store.CHANNELS, workspace_id):
            while gone := await _expire(app, me, workspace_id, channel_id, noted=count > 0):
                count += gone
        if count:
            logger.info("messages_expired", workspace_id=str(workspace_id), count=count)
        total += count
    return total


async def _all(app: App, query: Query[UUID], *args: UUID) -> AsyncIterator[UUID]:
    """All ids of a query that goes by ids, a hundred at a time."""
    last = NONE
    while True:
        async with app.db.tx() as tx:
            found = await tx.all(query, *args, last)
        for one in found:
            yield one
        if not found:
            return
        last = found[-1]


async def _expire(app: App, me: Me, workspace_id: UUID, channel_id: UUID, *, noted: bool) -> int:
    """Delete some old messages of a channel, and tell who follows it. How many there were."""
    async with app.db.tx() as tx:
        days = await tx.one(store.DAYS, workspace_id)
        if days is None or await tx.one(store.HOLD, channel_id) is None:
            return 0
        now = clock.now()
        before = now - timedelta(days=days)
        found = await tx.one(store.EXPIRE, channel_id, before, AT_ONCE, now)
        if found is None or found.upto is None:
            return 0
        await media.release(tx, me, found.urls)
        for user_id in await tx.all(store.FORGET, channel_id):
            hints.after_commit(tx, f"{notifications.TOLD}:{user_id}", notifications.COUNTED.encode())
        data: dict[str, Any] = {"channel_id": channel_id, "expired_before_seq": found.upto + 1}
        await conversations.record(tx, me, channel_id, "channel.updated", data)
        if not noted:  # once a night, in the transaction of what was deleted first
            data = {"days": days, "before": before.isoformat()}
            await workspaces.record(tx, me, workspace_id, "retention", "Older than is kept.", data=data)
        return found.gone
