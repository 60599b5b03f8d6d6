"""What the caller is told: who liked, retweeted, and follows."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.notifications import service as notifications
from majlis.features.notifications.model import Notification as Told
from majlis.kit import http
from majlis.kit.db import Reader
from majlis.kit.errors import NotFound
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.compat.x18.shapes import Notification, Notifications, UnreadCount, Updated

api = http.Api("notifications")
ALL = "/api/notifications"
ONE = ALL + "/{notification_id}"
# Whatever else somebody is told of stays at the doors that have words for it.
KINDS: dict[str, Literal["like", "retweet", "follow"]] = {
    "POST_LIKE": "like",
    "POST_REPOST": "retweet",
    "USER_FOLLOW": "follow",
}
TYPES = list(KINDS)


class _About(msgspec.Struct):
    """What a notification is about."""

    post_id: UUID | None = None


@api.get(ALL, policy=access.user)
async def listing(app: App, me: Me, query: LimitOffset) -> Notifications:
    """The caller's notifications, newest first."""
    async with app.db.read() as tx:
        found = await notifications.listing(tx, me, None, TYPES, None, query.paging())
        items = await shown(tx, me, found.items)
    return Notifications(items, query.limit, query.offset, query.more(found))


async def shown(tx: Reader, me: Me, told: Sequence[Told]) -> list[Notification]:
    """What the caller is told, in the shape of this door, of those whom they meet; one query."""
    people = await shapes.users(tx, me, {one.actor.id for one in told if one.actor})
    return [
        Notification(
            id=one.id,
            type=KINDS[one.type],
            actor=people[one.actor.id],
            post_id=msgspec.json.decode(msgspec.json.encode(one.data or {}), type=_About).post_id,
            is_read=one.read,
            created_at=one.created_at,
        )
        for one in told
        if one.actor and one.actor.id in people
    ]


@api.get(ALL + "/unread-count", policy=access.user)
async def unread_count(app: App, me: Me) -> UnreadCount:
    """How many of them are unread."""
    async with app.db.read() as tx:
        return UnreadCount(await notifications.unread(tx, me, TYPES))


@api.patch(ALL + "/read-all", policy=access.user)
async def read_all(app: App, me: Me) -> Updated:
    """Mark all of them as read."""
    async with app.db.tx() as tx:
        return Updated((await notifications.read_all(tx, me, TYPES)).updated)


@api.patch(ONE + "/read", policy=access.user)
async def read(app: App, me: Me, notification_id: UUID) -> Notification:
    """Mark one of them as read."""
    async with app.db.tx() as tx:
        told = await notifications.read(tx, me, notification_id, types=TYPES)
        found = await shown(tx, me, [told])
    if not found:
        raise NotFound()
    return found[0]


@api.delete(ONE, policy=access.user, status=204)
async def delete(app: App, me: Me, notification_id: UUID) -> None:
    """Delete one of them."""
    async with app.db.tx() as tx:
        await notifications.delete(tx, me, notification_id, types=TYPES)
