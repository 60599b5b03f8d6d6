"""What the table of access asks of second factors and passkeys: each cell sets up its own, and undoes it."""

from typing import Any

import msgspec

from tests.features.identity.accounts import AUTH
from tests.features.mfa.factors import CODES, MFA, Guarded, enroll, first_step, guarded
from tests.features.passkeys.device import Device
from tests.features.passkeys.owners import PASSKEYS, begin, register
from tests.world import PASSWORD, Person, World

NOTHING: dict[str, Any] = {}


def _guarded(scene: Any, person: Person) -> tuple[Guarded, dict[str, str]]:
    """This person with a second factor, and the header of the session that confirmed it."""
    one = guarded(scene.world, msgspec.structs.replace(person))
    return one, one.person.auth


def _of_caller(scene: Any, who: str, **body: Any) -> dict[str, Any]:
    person = scene.people.get(who)
    if person is None:
        return {"json": dict.fromkeys(body, "00000000")}
    one, auth = _guarded(scene, person)
    return {"json": {name: getattr(one, value)[0] for name, value in body.items()}, "headers": auth}


def _confirming(scene: Any, who: str) -> dict[str, Any]:
    person = scene.people.get(who)
    if person is None:
        return NOTHING
    made = enroll(scene.world, person).json()
    one = Guarded(person, made["factor_id"], made["secret_key"], [])
    return {"json": {"factor_id": made["factor_id"], "code": one.code()}}


def _answering(scene: Any, who: str) -> dict[str, Any]:
    """The owner's sign-in waits; whoever has its challenge and code is the owner."""
    one, _ = _guarded(scene, scene.owner)
    return {"json": {"challenge_id": first_step(scene.world, scene.owner.email), "code": one.code(1)}}


def _answering_by_backup_code(scene: Any, who: str) -> dict[str, Any]:
    one, _ = _guarded(scene, scene.owner)
    return {"json": {"challenge_id": first_step(scene.world, scene.owner.email), "code": one.codes[0]}}


def _waiting(scene: Any, who: str) -> dict[str, Any]:
    _guarded(scene, scene.owner)
    return {"json": {"challenge_id": first_step(scene.world, scene.owner.email)}}


def _registering(scene: Any, who: str) -> dict[str, Any]:
    person = scene.people.get(who)
    if person is None:
        return NOTHING
    ceremony = begin(scene.world, "register", person, password=PASSWORD)
    return {"json": _finished(ceremony, Device().make(ceremony["public_key"]))}


def _finished(ceremony: dict[str, Any], credential: dict[str, Any]) -> dict[str, Any]:
    return {"ceremony_id": ceremony["ceremony_id"], "credential": credential}


def _signing_in(scene: Any, who: str) -> dict[str, Any]:
    device = register(scene.world, scene.owner)
    ceremony = begin(scene.world, "sign-in")
    return {"json": _finished(ceremony, device.sign(ceremony["public_key"]))}


def _waiting_for_a_passkey(scene: Any, who: str) -> dict[str, Any]:
    register(scene.world, scene.owner)
    return _waiting(scene, who)


def _answering_by_passkey(scene: Any, who: str) -> dict[str, Any]:
    device = register(scene.world, scene.owner)
    waiting = _waiting(scene, who)["json"]
    ceremony = begin(scene.world, "challenge", **waiting)
    return {"json": {**waiting, **_finished(ceremony, device.sign(ceremony["public_key"]))}}


def passkey(world: World, owner: Person) -> str:
    """The id of a passkey of the owner's."""
    register(world, owner)
    return str(world.get(PASSKEYS, owner).json()["data"][0]["id"])


BODIES = {
    f"POST {MFA}/verify": _confirming,
    f"POST {MFA}/disable": lambda scene, who: _of_caller(scene, who, code="codes"),
    f"POST {MFA}/challenge": lambda scene, who: (
        _of_caller(scene, who) if who in scene.people else _waiting(scene, who)
    ),
    f"POST {MFA}/verify-challenge": _answering,
    f"GET {CODES}": lambda scene, who: {"headers": _of_caller(scene, who).get("headers", {})},
    f"POST {CODES}": _of_caller,
    f"POST {CODES}/verify": _answering_by_backup_code,
    f"POST {AUTH}/passkeys/register/begin": lambda scene, who: {"json": {"password": PASSWORD}},
    f"POST {AUTH}/passkeys/register/complete": _registering,
    f"POST {AUTH}/passkeys/sign-in/complete": _signing_in,
    f"POST {AUTH}/passkeys/challenge/begin": _waiting_for_a_passkey,
    f"POST {AUTH}/passkeys/challenge/complete": _answering_by_passkey,
    f"PUT {AUTH}/passkeys/{{passkey_id}}": lambda scene, who: {"json": {"name": "Old phone"}},
}
