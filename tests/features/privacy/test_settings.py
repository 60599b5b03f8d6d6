"""One's own privacy settings."""

from collections import Counter
from typing import Any

import pytest

from majlis.features.identity import service as identity
from majlis.features.privacy import store
from tests.waiting import HALT, behind, halt_before
from tests.world import Person, World

PATH = "/api/v1/settings/privacy"
SOME = 8  # as many as stand still at once beside who holds them back
DEFAULTS: dict[str, Any] = {
    "full_name_visibility": "Anyone on Hamsaya",
    "profile_photos_visibility": "Anyone on Hamsaya",
    "profile_bio_visibility": "Anyone on Hamsaya",
    "discoverability_visibility": "Anyone on Hamsaya",
    "mention_visibility": "Anyone can mention me",
    "direct_message_visibility": "Anyone on Hamsaya",
    "sync_contacts": False,
    "discover_by_email": True,
    "discover_by_phone": True,
    "is_private": False,
    "read_receipts": True,
}
OTHER: dict[str, Any] = {
    "full_name_visibility": "Only me",
    "profile_photos_visibility": "People I follow",
    "profile_bio_visibility": "Only me",
    "discoverability_visibility": "People I follow",
    "mention_visibility": "No one",
    "direct_message_visibility": "Only me",
    "sync_contacts": True,
    "discover_by_email": False,
    "discover_by_phone": False,
    "is_private": True,
    "read_receipts": False,
}


def choices(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in DEFAULTS}


def stored(world: World, person: Person) -> list[dict[str, Any]]:
    return world.sql("SELECT * FROM privacy_settings WHERE profile_id = $1", person.id)


@pytest.mark.rule("hamsaya:158")
def test_whoever_registers_has_the_defaults(world: World) -> None:
    made = world.post(
        "/api/v1/auth/register", json={"email": "amina@example.org", "password": "Kabul-2026!"}
    ).json()
    answer = world.get(PATH, headers={"Authorization": f"Bearer {made['access_token']}"})
    assert answer.status_code == 200
    assert set(answer.json()) == {"id", "profile_id", "created_at", "updated_at", *DEFAULTS}
    assert choices(answer.json()) == DEFAULTS
    assert answer.json()["profile_id"] == made["user"]["id"]
    (row,) = world.sql(
        "SELECT id::text FROM privacy_settings WHERE profile_id::text = $1", made["user"]["id"]
    )
    assert row["id"] == answer.json()["id"]


def _without_a_row(world: World) -> Person:
    amina = world.person()
    world.sql("DELETE FROM privacy_settings WHERE profile_id = $1 RETURNING 1", amina.id)
    return amina


@pytest.mark.rule("hamsaya:160")
def test_without_a_row_the_defaults_hold_and_the_first_change_stores_one(world: World) -> None:
    amina = _without_a_row(world)
    before = world.get(PATH, amina).json()
    assert choices(before) == DEFAULTS
    assert stored(world, amina) == []
    after = world.put(PATH, amina, {"discover_by_phone": False}).json()
    assert choices(after) == DEFAULTS | {"discover_by_phone": False}
    assert after["id"] == before["id"]
    assert len(stored(world, amina)) == 1


@pytest.mark.rule("hamsaya:159", "hamsaya:162")
@pytest.mark.parametrize("name", DEFAULTS)
def test_each_setting_is_changed_alone(world: World, name: str) -> None:
    amina, karim = world.person(), world.person()
    for value in (OTHER[name], DEFAULTS[name], OTHER[name]):
        answer = world.put(PATH, amina, {name: value})
        assert (answer.status_code, choices(answer.json())) == (200, DEFAULTS | {name: value})
        assert world.get(PATH, amina).json() == answer.json()
    assert choices(world.put(PATH, amina).json()) == DEFAULTS | {name: OTHER[name]}
    assert choices(world.get(PATH, karim).json()) == DEFAULTS
    assert len(stored(world, amina)) == 1


@pytest.mark.rule("hamsaya:162")
def test_an_update_moves_its_stamp_and_keeps_the_rest(world: World) -> None:
    amina = world.person()
    before = world.put(PATH, amina, OTHER).json()
    after = world.put(PATH, amina, OTHER).json()
    assert choices(after) == OTHER
    assert after["updated_at"] > before["updated_at"]
    assert (after["id"], after["created_at"]) == (before["id"], before["created_at"])


@pytest.mark.parametrize(
    "name, value",
    [
        *((name, "Everybody") for name, value in DEFAULTS.items() if isinstance(value, str)),
        *((name, None) for name in DEFAULTS),
        *((name, "yes") for name, value in DEFAULTS.items() if isinstance(value, bool)),
        ("full_name_visibility", "anyone on hamsaya"),
        ("full_name_visibility", "No one"),
        ("mention_visibility", "Only me"),
        ("id", "00000000-0000-4000-8000-000000000000"),
        ("profile_id", "00000000-0000-4000-8000-000000000000"),
        ("created_at", "2026-01-01T00:00:00Z"),
        ("updated_at", "2026-01-01T00:00:00Z"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(world: World, name: str, value: object) -> None:
    amina = world.person()
    answer = world.put(PATH, amina, {name: value})
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["error"]["details"]] == [name]
    assert choices(world.get(PATH, amina).json()) == DEFAULTS


def test_only_the_signed_in_have_settings(world: World) -> None:
    assert world.get(PATH).status_code == 401
    assert world.put(PATH, None, {"is_private": True}).status_code == 401


def test_a_closed_account_has_none(world: World) -> None:
    amina = world.person()

    async def close() -> None:
        async with world.app.db.tx() as tx:
            await identity.delete(tx, amina.me, "bye", None)

    world.go(close())
    assert world.get(PATH, amina).status_code == 404
    assert world.put(PATH, amina, OTHER).status_code == 404
    assert choices(stored(world, amina)[0]) == DEFAULTS


def test_they_go_with_the_account(world: World) -> None:
    amina = world.person()
    assert len(stored(world, amina)) == 1
    world.sql("DELETE FROM users WHERE id = $1 RETURNING 1", amina.id)
    assert stored(world, amina) == []


def _all_at_once(world: World, amina: Person) -> Counter[int]:
    """The answers to one request for each setting at the same moment, all of which make the row."""
    halt_before(world, "privacy_settings", "privacy_settings_profile_id_key")

    async def change(name: str) -> int:
        return (await world.http.put(PATH, json={name: OTHER[name]}, headers=amina.auth)).status_code

    return Counter(world.go(behind(world, HALT, *(change(name) for name in list(OTHER)[:SOME]))))


@pytest.mark.rule("hamsaya:158", "hamsaya:159")
def test_changes_at_the_same_moment_end_in_one_row_with_all_of_them(clone: World) -> None:
    amina = _without_a_row(clone)
    assert _all_at_once(clone, amina) == {200: SOME}
    (row,) = stored(clone, amina)
    assert choices(row) == {**DEFAULTS, **dict(list(OTHER.items())[:SOME])}


def test_control_where_one_index_is_named_the_other_fails_them(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CREATE", store.CREATE.replace("ON CONFLICT", "ON CONFLICT (profile_id)"))
    amina = _without_a_row(clone)
    assert _all_at_once(clone, amina) == {200: 1, 500: SOME - 1}
    assert len(stored(clone, amina)) == 1
