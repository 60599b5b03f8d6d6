"""Notifications over HTTP."""

from uuid import UUID

from msgspec import UNSET

from majlis.app import App
from majlis.features.notifications import service
from majlis.features.notifications.model import (
    GroupQuery,
    Notification,
    NotificationQuery,
    Notifications,
    NotificationSettings,
    ReadAll,
    SettingsUpdate,
    UnreadCount,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("notifications")
ALL = "/api/v1/notifications"
ONE = ALL + "/{notification_id}"
SETTINGS = "/api/v1/settings/notifications"


@api.get(ALL, policy=access.user)
async def notifications(app: App, me: Me, query: NotificationQuery) -> Notifications:
    """The caller's notifications, newest first, and how many are unread."""
    async with app.db.read() as tx:
        found = await service.listing(
            tx, me, query.read, query.type, query.category, query.paging(), grouped=query.grouped
        )
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
async def read(app: App, me: Me, notification_id: UUID, query: GroupQuery) -> Notification:
    """Mark one notification as read, or its whole group."""
    async with app.db.tx() as tx:
        return await service.read(tx, me, notification_id, grouped=query.grouped)


@api.delete(ONE, policy=access.user, status=204, errors=(404,))
async def delete(app: App, me: Me, notification_id: UUID, query: GroupQuery) -> None:
    """Delete one notification for good, or its whole group."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, notification_id, grouped=query.grouped)


@api.get(SETTINGS, policy=access.user)
async def settings(app: App, me: Me) -> NotificationSettings:
    """Through which channels the caller hears of each category."""
    async with app.db.read() as tx:
        return NotificationSettings(await service.settings(tx, me))


@api.put(SETTINGS, policy=access.user)
async def change_settings(app: App, me: Me, body: SettingsUpdate) -> NotificationSettings:
    """Set the channels of one category, or of several as `settings`. Answers with all four."""
    async with app.db.tx() as tx:
        return NotificationSettings(await service.change_settings(tx, me, body))
