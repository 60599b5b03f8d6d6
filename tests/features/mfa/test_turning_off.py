"""Dropping a second factor, keeping its secret, and what operators do for those who lost it."""

import base64
from typing import Any

import msgspec
import pytest

from majlis.app import sealer
from majlis.features.mfa import handlers
from majlis.features.signin import service as signin
from majlis.kit.crypto import Unsealable
from majlis.kit.errors import Forbidden, NotFound
from majlis.kit.me import Me
from tests.features.identity.accounts import code, fields, login, status
from tests.features.mfa.factors import (
    CODES,
    MFA,
    Time,
    answer,
    answer_backup,
    enroll,
    first_step,
    guarded,
    low,
    wrong,
)
from tests.features.sessions.test_secrets import rows_with
from tests.world import PASSWORD, SECRET, Person, World

DISABLE = f"{MFA}/disable"
NEWER = "another-secret-key-for-tests-0123456789"


def disable(world: World, who: Person | None, digits: str, **body: Any) -> Any:
    return world.post(DISABLE, who, json={"code": digits, **body})


@pytest.mark.rule("hamsaya:53")
def test_a_code_turns_it_off_and_voids_all_there_was(world: World, time: Time) -> None:
    one = guarded(world)
    challenge = first_step(world, one.person.email)
    time.passes()
    found = disable(world, one.person, one.code())
    assert (found.status_code, found.content) == (204, b"")
    (factor,) = world.sql("SELECT deleted_at, secret_key FROM mfa_factors")
    assert (factor["deleted_at"], factor["secret_key"]) == (time.at, "")
    assert world.sql("SELECT 1 FROM mfa_backup_codes") == []
    assert world.get("/api/v1/users/me", one.person).json()["mfa_enabled"] is False
    assert answer(world, challenge, one.code()).status_code == 410
    assert login(world, one.person.email).json()["requires_mfa"] is False
    assert world.get(CODES, one.person).status_code == 409
    world.drain()
    assert [letter.to for letter in world.mails() if "no code" in letter.subject] == [one.person.email]
    assert enroll(world, one.person).status_code == 201, "another may be set up"


@pytest.mark.rule("hamsaya:53")
def test_a_backup_code_turns_it_off_too(world: World, time: Time) -> None:
    one = guarded(world)
    assert disable(world, one.person, one.codes[4]).status_code == 204


@pytest.mark.rule("hamsaya:53")
def test_without_a_valid_code_it_stays_on(world: World, time: Time) -> None:
    one = guarded(world)
    for digits in (wrong(one), one.code(), "AAAAA-AAAAA", ""):
        found = disable(world, one.person, digits)
        assert (found.status_code, code(found)) == (401, "wrong_code"), digits
    time.passes()
    found = disable(world, one.person, one.code(), password="Wrong-2026!")
    assert (found.status_code, code(found)) == (401, "wrong_password")
    found = world.post(DISABLE, one.person, json={})
    assert (found.status_code, fields(found)) == (422, ["code"])
    assert world.sql("SELECT mfa_enabled FROM users") == [{"mfa_enabled": True}]
    assert disable(world, one.person, one.code(), password=PASSWORD).status_code == 204


@pytest.mark.rule("hamsaya:33", "hamsaya:34", "hamsaya:53")
def test_it_takes_level_two(world: World, time: Time) -> None:
    one = guarded(world)
    time.passes()
    found = disable(world, low(world, one), one.code())
    assert (found.status_code, code(found)) == (403, "aal2_required")
    assert disable(world, None, one.code()).status_code == 401
    found = disable(world, world.person("Karim"), "123456")
    assert (found.status_code, code(found)) == (409, "mfa_not_enabled")


@pytest.mark.rule("hamsaya:6")
def test_a_stolen_database_holds_no_secret_of_a_factor(world: World, time: Time) -> None:
    one = guarded(world)
    raw = base64.b32decode(one.secret)
    needles = [raw, one.secret.encode(), base64.b64encode(raw), raw.hex().encode()]
    needles += [code.encode() for each in one.codes for code in (each, each.replace("-", ""))]
    assert [rows_with(world, needle) for needle in needles] == [[]] * len(needles)
    (sealed,) = world.sql("SELECT id, secret_key FROM mfa_factors")
    opened = world.app.sealer.open(sealed["secret_key"], f"mfa_factors|secret_key|{sealed['id']}")
    assert opened == raw
    with pytest.raises(Unsealable):  # a secret that was copied into another row does not open there
        world.app.sealer.open(sealed["secret_key"], "mfa_factors|secret_key|another")


@pytest.mark.rule("hamsaya:6")
def test_a_new_key_seals_old_secrets_anew_at_night(world: World, time: Time) -> None:
    one, before = guarded(world), world.app
    settings = msgspec.structs.replace(before.settings, secret_key=f"{NEWER},{SECRET}")
    before.sealer = sealer(settings)
    world.go(handlers.reseal(before))
    (row,) = world.sql("SELECT secret_key FROM mfa_factors")
    world.go(handlers.reseal(before))
    assert world.sql("SELECT secret_key FROM mfa_factors") == [row], "what is new stays"
    before.sealer = sealer(msgspec.structs.replace(settings, secret_key=NEWER))
    time.passes()
    assert answer(world, first_step(world, one.person.email), one.code()).status_code == 200
    assert answer_backup(world, first_step(world, one.person.email), one.codes[0]).status_code == 200


def test_with_the_key_lost_nobody_is_let_in_and_nothing_is_overwritten(world: World, time: Time) -> None:
    one = guarded(world)
    row = world.sql("SELECT secret_key FROM mfa_factors")
    world.app.sealer = sealer(msgspec.structs.replace(world.app.settings, secret_key=NEWER))
    world.go(handlers.reseal(world.app))
    assert world.sql("SELECT secret_key FROM mfa_factors") == row
    time.passes()
    challenge = first_step(world, one.person.email)
    assert answer(world, challenge, one.code()).status_code == 503
    assert answer_backup(world, challenge, one.codes[0]).status_code == 503


def test_challenges_of_yesterday_are_forgotten(world: World, time: Time) -> None:
    one = guarded(world)
    first_step(world, one.person.email)
    time.passes(hours=24)
    world.go(handlers.purge(world.app))
    assert len(world.sql("SELECT 1 FROM mfa_challenges")) == 1
    time.passes(minutes=6)
    world.go(handlers.purge(world.app))
    assert world.sql("SELECT 1 FROM mfa_challenges") == []


def reset(world: World, me: Me, email: str) -> list[str]:
    async def run() -> list[str]:
        async with world.app.db.tx() as tx:
            return await signin.reset_factors(world.app, tx, me, email, passkeys_too=True)

    return world.go(run())


@pytest.mark.rule("hamsaya:53")
def test_an_operator_drops_the_factor_of_somebody_who_lost_it(world: World, time: Time) -> None:
    one = guarded(world)
    challenge = first_step(world, one.person.email)
    assert reset(world, Me.system, one.person.email.upper()) == ["second factor"]
    assert status(world, one.person.token) == 401
    assert answer(world, challenge, one.codes[0]).status_code == 410
    assert login(world, one.person.email).json()["requires_mfa"] is False
    world.drain()
    assert any("no code" in letter.subject for letter in world.mails())
    (entry,) = world.sql("SELECT action, person_id, actor_role, data FROM audit_entries")
    assert (entry["action"], entry["person_id"]) == ("reset_factors", one.person.id)
    assert (entry["actor_role"], entry["data"]) == ("system", {"dropped": ["second factor"]})
    assert reset(world, Me.system, one.person.email) == []
    with pytest.raises(NotFound):
        reset(world, Me.system, "nobody@example.org")
    with pytest.raises(Forbidden):
        reset(world, world.person("Mona", role="moderator").me, one.person.email)
