"""Nouns of devices."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

# An app's registration token, its Firebase installation id, or a browser's subscription.
Kind = Literal["fcm", "fid", "webpush"]
Key = Annotated[str, Meta(min_length=1, max_length=200)]
Token = Annotated[
    str, Meta(min_length=1, max_length=2000, description="what the platform gave; of a browser its endpoint")
]


class Keys(msgspec.Struct):
    """The keys of a browser's subscription, as `PushSubscription.toJSON()` has them."""

    p256dh: Key
    auth: Key


class DeviceInput(msgspec.Struct, kw_only=True):
    """A device that is to get pushes. Browsers need their keys."""

    kind: Kind = "fcm"
    token: Token
    keys: Keys | None = None
    name: Annotated[str, Meta(max_length=100, examples=["Amina's phone"])] | None = None
    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "user_id", "created_at", "updated_at"})


class DeviceToken(msgspec.Struct, kw_only=True):
    """The device that is to get no more pushes."""

    kind: Kind = "fcm"
    token: Token


class Device(msgspec.Struct):
    """A device of the caller's. `current` is whether it belongs to the session that asks."""

    id: UUID
    kind: Kind
    name: str | None
    current: bool
    created_at: datetime
    updated_at: datetime


class Devices(msgspec.Struct):
    """The caller's devices, latest first."""

    data: list[Device]


class WebPushKey(msgspec.Struct):
    """What browsers subscribe with (`applicationServerKey`); null where this server sends nothing to them."""

    public_key: str | None


class Missed(msgspec.Struct, frozen=True):
    """The devices that did not get a push and may get it later, and how long to wait at least."""

    devices: tuple[UUID, ...]
    after: timedelta
