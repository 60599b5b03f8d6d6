"""People with a passkey."""

from typing import Any

import httpx

from tests.features.identity.accounts import AUTH
from tests.features.passkeys.device import Device
from tests.world import PASSWORD, Person, World

PASSKEYS = f"{AUTH}/passkeys"


def begin(world: World, what: str, who: Person | None = None, **body: Any) -> dict[str, Any]:
    """A ceremony that is meant to begin."""
    answer = world.post(f"{PASSKEYS}/{what}/begin", who, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def complete(
    world: World, what: str, ceremony: dict[str, Any], credential: Any, who: Person | None = None, **body: Any
) -> httpx.Response:
    """The answer to what a device made or signed."""
    body = {"ceremony_id": ceremony["ceremony_id"], "credential": credential, **body}
    return world.post(f"{PASSKEYS}/{what}/complete", who, json=body)


def register(world: World, who: Person, device: Device | None = None, **body: Any) -> Device:
    """A device with a passkey of this person."""
    device = device or Device()
    ceremony = begin(world, "register", who, **({} if who.me.aal == 2 else {"password": PASSWORD}))
    answer = complete(world, "register", ceremony, device.make(ceremony["public_key"]), who, **body)
    assert answer.status_code == 201, answer.text
    return device


def sign_in(world: World, device: Device, **body: Any) -> httpx.Response:
    """The answer to somebody who signs in by this device."""
    ceremony = begin(world, "sign-in")
    return complete(world, "sign-in", ceremony, device.sign(ceremony["public_key"]), **body)
