"""Devices as tests register them, and what they got."""

import json
from typing import Any

import httpx

from majlis.vendors import push
from tests.world import Person, World

DEVICES = "/api/v1/devices"
PUBLIC = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
SECRET = "tBHItJI5svbpez7KI4CCXg"
BROWSER = "https://fcm.googleapis.com/fcm/send/abc"


def register(world: World, who: Person, token: str, kind: str = "fcm", **fields: Any) -> dict[str, Any]:
    """A device of somebody's; its body as answered."""
    answer = world.put(DEVICES, who, {"kind": kind, "token": token, **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def registered(world: World, who: Person) -> list[str]:
    """The ids of somebody's devices, latest first."""
    answer = world.get(DEVICES, who)
    assert answer.status_code == 200, answer.text
    return [device["id"] for device in answer.json()["data"]]


def forget(world: World, who: Person, token: str, kind: str = "fcm") -> httpx.Response:
    return world.request("DELETE", DEVICES, who, json={"kind": kind, "token": token})


def pushed(world: World) -> list[dict[str, Any]]:
    """What was pushed, in the order of time: each as {to, push}. Only where no push service is set."""
    folder = push.push_folder(world.app.settings)
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
