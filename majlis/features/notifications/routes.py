"""Notifications over HTTP."""

from uuid import UUID

from msgspec import UNSET

from majlis.app import App
from majlis.features.notifications import service
from majlis.features.notifications.model import (
    Notification,
    NotificationQuery,
    Notifications,
    ReadAll,
    UnreadCount,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("notifications")
ALL = "/api/v1/notifications"
ONE = ALL + "/{notification_id}"


@api.get(ALL, policy=access.user)
async def notifications(app: App, me: Me, query: NotificationQuery) -> Notifications:
    """The caller's notifications, newest first, and how many are unread."""
    async with app.db.read() as tx:
        found = await service.listing(tx, me, query.read, query.type, query.category, query.paging())
        unread = await service.unread(tx, me)
    total = UNSET if found.total is None else found.total
    return Notifications(data=found.items, next_cursor=found.next, total=total, unread_count=unread)


@api.get(ALL + "/unread-count", policy=access.user)
async def unread_count(app: App, me: Me) -> UnreadCount:
    """How many of the caller's notifications are unread."""
    async with app.db.read() as tx:
        return UnreadCount(await service.unread(tx, me))


@api.put(ALL + "/read-all", policy=access.user)
async def read_all(app: App, me: Me) -> ReadAll:
    """Mark all of the caller's notifications as read."""
    async with app.db.tx() as tx:
        return await service.read_all(tx, me)


@api.put(ONE + "/read", policy=access.user, errors=(404,))
async def read(app: App, me: Me, notification_id: UUID) -> Notification:
    """Mark one notification as read."""
    async with app.db.tx() as tx:
        return await service.read(tx, me, notification_id)


@api.delete(ONE, policy=access.user, status=204, errors=(404,))
async def delete(app: App, me: Me, notification_id: UUID) -> None:
    """Delete one notification for good."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, notification_id)
