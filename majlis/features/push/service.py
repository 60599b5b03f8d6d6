"""Verbs of devices: register, list, remove, and send to all of somebody's."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.push import store
from majlis.features.push.model import Device, DeviceInput, Kind, Missed
from majlis.kit import clock, crypto, ids, log
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound, Unauthenticated
from majlis.kit.me import Me
from majlis.vendors import push
from majlis.vendors.push import Outcome, Push, Target

has_device = store.has_device  # SQL for the stores of features above
logger = log.get("majlis.push")


def _digest(kind: Kind, token: str) -> bytes:
    return crypto.digest(f"{kind}:{token}")


async def register(app: App, tx: Tx, me: Me, device: DeviceInput) -> Device:
    """Let a device of the caller's get pushes until this session ends.

    A token belongs to whoever registered it last. Raises Invalid.
    """
    if me.session is None:
        raise Unauthenticated()
    _check(app, device)
    keys = device.keys if device.kind == "webpush" else None
    found = await tx.one(
        store.REGISTER,
        ids.new(),
        me.user(),
        me.session,
        device.kind,
        device.token,
        _digest(device.kind, device.token),
        keys.p256dh if keys else None,
        keys.auth if keys else None,
        device.name,
        clock.now(),
    )
    if found is None:
        raise LookupError("an upsert has one row")
    await tx.run(store.FORGET_OLDEST, me.user())
    return found


def _check(app: App, device: DeviceInput) -> None:
    """Raises Invalid for a browser that cannot be reached, or whose address is no push service's."""
    wrong = []
    if device.kind == "webpush":
        if not app.pusher.reaches(device.token):
            wrong.append(FieldFault("token", "bad_endpoint", "This is not the address of a push service."))
        if device.keys is None:
            wrong.append(FieldFault("keys", "required", "Browsers need the keys of their subscription."))
        else:
            if not push.usable_key(device.keys.p256dh):
                wrong.append(FieldFault("keys.p256dh", "bad_key", "This is no public key on P-256."))
            if not push.usable_auth(device.keys.auth):
                wrong.append(FieldFault("keys.auth", "bad_key", "This is no secret of 16 bytes."))
    elif not device.token.isascii() or any(character.isspace() for character in device.token):
        wrong.append(FieldFault("token", "bad_token", "This is not a token of Firebase."))
    if wrong:
        raise Invalid(fields=wrong)


async def devices(tx: Reader, me: Me) -> list[Device]:
    """The caller's devices, latest first."""
    return await tx.all(store.LIST, me.user(), me.session, clock.now())


async def remove(tx: Tx, me: Me, device_id: UUID) -> None:
    """Send no more to a device of the caller's. Raises NotFound."""
    if not await tx.run(store.REMOVE, me.user(), device_id):
        raise NotFound("There is no such device.")


async def remove_token(tx: Tx, me: Me, kind: Kind, token: str) -> None:
    """Send no more to the device of this token. Raises NotFound unless it is the caller's."""
    if not await tx.run(store.REMOVE_TOKEN, me.user(), _digest(kind, token)):
        raise NotFound("There is no such device.")


async def end_sessions(tx: Tx, me: Me, user_id: UUID, sessions: Collection[UUID]) -> None:
    """Forget the devices of sessions that ended."""
    await tx.run(store.END_SESSIONS, user_id, list(sessions))


async def end_all(tx: Tx, me: Me, user_id: UUID) -> None:
    """Forget every device of a person who left."""
    await tx.run(store.END_ALL, user_id)


async def send(
    app: App, me: Me, user_id: UUID, note: Push, only: Collection[UUID] | None = None
) -> Missed | None:
    """Send to all of a person's devices at once, or to some of them; for background work (rules 155, 156).

    Devices that are gone for good are dropped. Returns those for which trying again may help.
    """
    async with app.db.tx() as tx:
        reached = await tx.all(store.REACHED, user_id, None if only is None else list(only), clock.now())
    outcomes = await asyncio.gather(*(app.pusher.send(_target(device), note) for device in reached))
    results = list(zip(reached, outcomes, strict=True))
    dead = [(device.id, device.updated_at) for device, outcome in results if outcome.state == "dead"]
    if dead:
        async with app.db.tx() as tx:
            await tx.many(store.DROP, dead)
    for device, outcome in results:
        _tell(device, outcome)
    later = {device.id: outcome.after_s for device, outcome in results if outcome.state == "later"}
    return Missed(tuple(later), timedelta(seconds=max(later.values()))) if later else None


def _target(device: store.Reached) -> Target:
    return Target(device.kind, device.token, device.p256dh or "", device.auth or "")


def _tell(device: store.Reached, outcome: Outcome) -> None:
    """Log a push that did not arrive. A token is as good as an address, and stands in no log."""
    told = {"device": str(device.id), "kind": device.kind, "reason": outcome.reason}
    if outcome.state == "dead":
        logger.info("push_device_dropped", **told)
    elif outcome.state == "later":
        logger.warning("push_delayed", after_s=outcome.after_s, **told)
    elif outcome.state == "refused":
        logger.error("push_refused", **told)
