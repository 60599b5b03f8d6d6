"""Devices over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.push import service
from majlis.features.push.model import Device, DeviceInput, Devices, DeviceToken, WebPushKey
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("notifications")
DEVICES = "/api/v1/devices"


@api.put(DEVICES, policy=access.user)
async def register(app: App, me: Me, body: DeviceInput) -> Device:
    """Let a device get pushes until this session ends. Call it whenever the app starts: tokens change."""
    async with app.db.tx() as tx:
        return await service.register(app, tx, me, body)


@api.get(DEVICES, policy=access.user)
async def devices(app: App, me: Me) -> Devices:
    """The caller's devices that get pushes, latest first."""
    async with app.db.read() as tx:
        return Devices(await service.devices(tx, me))


@api.delete(DEVICES, policy=access.user, status=204, errors=(404,))
async def remove_token(app: App, me: Me, body: DeviceToken) -> None:
    """Send no more pushes to the device of this token."""
    async with app.db.tx() as tx:
        await service.remove_token(tx, me, body.kind, body.token)


@api.delete(DEVICES + "/{device_id}", policy=access.user, status=204, errors=(404,))
async def remove(app: App, me: Me, device_id: UUID) -> None:
    """Send no more pushes to this device."""
    async with app.db.tx() as tx:
        await service.remove(tx, me, device_id)


@api.get(DEVICES + "/webpush-key", policy=access.user)
async def webpush_key(app: App, me: Me) -> WebPushKey:
    """The key that browsers subscribe to pushes with."""
    return WebPushKey(app.pusher.web_key)
