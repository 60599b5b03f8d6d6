"""How the caller is told besides: pushes to devices, and the channels of each category, mail among them."""

from uuid import UUID

from majlis.app import App
from majlis.features.notifications import service as notifications
from majlis.features.notifications.model import NotificationSettings, SettingsUpdate
from majlis.features.push import service as push
from majlis.features.push.model import Device, DeviceInput, Devices, DeviceToken, WebPushKey
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("devices")
ALL, SETTINGS = "/api/devices", "/api/notifications/settings"


@api.put(ALL, policy=access.user)
async def register(app: App, me: Me, body: DeviceInput) -> Device:
    """Let a device get pushes until this session ends. Call it whenever the app starts: tokens change."""
    async with app.db.tx() as tx:
        return await push.register(app, tx, me, body)


@api.get(ALL, policy=access.user)
async def listing(app: App, me: Me) -> Devices:
    """The caller's devices that get pushes, latest first."""
    async with app.db.read() as tx:
        return Devices(await push.devices(tx, me))


@api.delete(ALL, policy=access.user, status=204, errors=(404,))
async def remove_token(app: App, me: Me, body: DeviceToken) -> None:
    """Send no more pushes to the device of this token."""
    async with app.db.tx() as tx:
        await push.remove_token(tx, me, body.kind, body.token)


@api.delete(ALL + "/{device_id}", policy=access.user, status=204, errors=(404,))
async def remove(app: App, me: Me, device_id: UUID) -> None:
    """Send no more pushes to this device."""
    async with app.db.tx() as tx:
        await push.remove(tx, me, device_id)


@api.get(ALL + "/webpush-key", policy=access.user)
async def webpush_key(app: App, me: Me) -> WebPushKey:
    """The key that browsers subscribe to pushes with."""
    return WebPushKey(app.pusher.web_key)


@api.get(SETTINGS, policy=access.user)
async def settings(app: App, me: Me) -> NotificationSettings:
    """Through which channels the caller hears of each category: push, the list, a digest by mail."""
    async with app.db.read() as tx:
        return NotificationSettings(await notifications.settings(tx, me))


@api.put(SETTINGS, policy=access.user)
async def change_settings(app: App, me: Me, body: SettingsUpdate) -> NotificationSettings:
    """Set the channels of one category, or of several as `settings`. Answers with all four."""
    async with app.db.tx() as tx:
        return NotificationSettings(await notifications.change_settings(tx, me, body))
