"""People with a second factor, and the codes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pyotp

from majlis.features.sessions import service as sessions
from majlis.kit import clock
from majlis.kit.me import Me, Origin
from tests.features.identity.accounts import AUTH, login
from tests.world import Person, World

MFA = f"{AUTH}/mfa"
CODES = f"{MFA}/backup-codes"


class Time:
    """The present moment of a test, in the middle of a step."""

    def __init__(self, near: datetime) -> None:
        self.at = datetime.fromtimestamp(int(near.timestamp()) // 30 * 30 + 10, UTC)

    def passes(self, **by: float) -> None:
        """Move on; from one code to the next when nothing is said."""
        self.at += timedelta(**by or {"seconds": 30})


class Guarded(msgspec.Struct):
    """Somebody with a second factor."""

    person: Person
    factor_id: UUID
    secret: str
    codes: list[str]

    def code(self, steps: int = 0) -> str:
        """The code of now, or so many steps from it."""
        return pyotp.TOTP(self.secret).at(clock.now(), counter_offset=steps)


def enroll(world: World, person: Person, **body: Any) -> httpx.Response:
    return world.post(f"{MFA}/enroll", person, json=body)


def confirm(world: World, person: Person, factor_id: str, code: str) -> httpx.Response:
    return world.post(f"{MFA}/verify", person, json={"factor_id": factor_id, "code": code})


def guarded(world: World, person: Person | None = None) -> Guarded:
    """Somebody who has just confirmed a factor, in the session that did. The code of now is spent."""
    person = person or world.person("Amina")
    made = enroll(world, person).json()
    found = Guarded(person, UUID(made["factor_id"]), made["secret_key"], made["backup_codes"])
    answer = confirm(world, person, made["factor_id"], found.code())
    assert answer.status_code == 200, answer.text
    take(world, person, answer.json())
    return found


def take(world: World, person: Person, tokens: dict[str, Any]) -> Person:
    """Go on with these tokens."""
    person.token, person.refresh_token = tokens["access_token"], tokens["refresh_token"]
    person.me = world.go(sessions.authenticate(world.app, person.token))
    return person


def first_step(world: World, email: str, **fields: Any) -> str:
    """The challenge that the right password is answered with."""
    answer = login(world, email, **fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["challenge_id"])


def answer(
    world: World, challenge_id: str, code: str, who: Person | None = None, **body: Any
) -> httpx.Response:
    """The answer to a code for a challenge."""
    return world.post(
        f"{MFA}/verify-challenge", who, json={"challenge_id": challenge_id, "code": code, **body}
    )


def answer_backup(world: World, challenge_id: str, code: str, who: Person | None = None) -> httpx.Response:
    """The answer to a backup code for a challenge."""
    return world.post(f"{CODES}/verify", who, json={"challenge_id": challenge_id, "code": code})


def low(world: World, one: Guarded) -> Person:
    """A second session of the same person that has shown no second factor, as from before there was one."""
    pair = world.go(_open(world, one.person))
    return take(world, Person(one.person.id, one.person.email, "", "", one.person.me), pair)


async def _open(world: World, person: Person) -> dict[str, str]:
    async with world.app.db.tx() as tx:
        pair = await sessions.open_session(world.app, tx, Me.system, person.id, Origin("127.0.0.1"), None)
    return {"access_token": pair.access_token, "refresh_token": pair.refresh_token}


def wrong(one: Guarded) -> str:
    """Six digits that are no code of about now."""
    near = {one.code(step) for step in (-2, -1, 0, 1, 2)}
    return next(f"{number:06}" for number in range(10) if f"{number:06}" not in near)
