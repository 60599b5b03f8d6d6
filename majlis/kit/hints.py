"""Hints of services, which know no bus: once their work is committed, every bus of this process carries them."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from majlis.kit.bus import Bus
from majlis.kit.db import Tx

LIVE = "live:"  # and a person's id: what their sockets show at once
_buses: list[Bus] = []
_telling: set[asyncio.Future[Any]] = set()


def connect(bus: Bus) -> None:
    """Send the hints of this process over this bus, too."""
    _buses.append(bus)


def disconnect(bus: Bus) -> None:
    """Send no more over this bus."""
    if bus in _buses:
        _buses.remove(bus)


def after_commit(tx: Tx, channel: str, payload: bytes) -> None:
    """Tell whoever listens to a channel, once this transaction is committed. It may be lost, as every hint."""
    tx.after_commit(lambda: _tell(channel, payload))


def _tell(channel: str, payload: bytes) -> None:
    for bus in _buses:
        telling = asyncio.ensure_future(bus.publish(channel, payload))
        _telling.add(telling)
        telling.add_done_callback(_telling.discard)


def tell(tx: Tx, user_ids: Iterable[UUID], type: str, data: Mapping[str, Any]) -> None:
    """Tell these people's sockets, as {type, …data}, of what no log keeps: whoever is not there misses it.

    Doors show the names in `data` in their own way.
    """
    payload = msgspec.json.encode({"type": type, **data})
    for user_id in user_ids:
        after_commit(tx, f"{LIVE}{user_id}", payload)
