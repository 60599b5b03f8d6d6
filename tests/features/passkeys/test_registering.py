"""Making passkeys, and one's own list of them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from majlis.features.passkeys import service
from majlis.kit.crypto import b64, unb64
from majlis.settings import unsafe
from tests.features.identity.accounts import code, fields, login
from tests.features.mfa.factors import Time, guarded, low
from tests.features.passkeys.device import BACKED_UP, ELIGIBLE, PRESENT, Device
from tests.features.passkeys.owners import PASSKEYS, begin, complete, register, sign_in
from tests.features.queries import counted
from tests.world import PASSWORD, World, settings_for


def test_the_options_ask_for_a_passkey_that_verifies_its_user(world: World, time: Time) -> None:
    amina = world.person("Amina")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    options = ceremony["public_key"]
    assert options["rp"] == {"id": "localhost", "name": "Majlis"}
    assert unb64(options["user"]["id"]) == amina.id.bytes
    assert options["user"]["name"] == amina.email
    assert len(unb64(options["challenge"])) == 32
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert (options["attestation"], options["excludeCredentials"]) == ("none", [])
    assert {each["alg"] for each in options["pubKeyCredParams"]} == {-7, -8, -257}
    assert (datetime.fromisoformat(ceremony["expires_at"]) - time.at).total_seconds() == 300
    device = register(world, amina)
    (known,) = begin(world, "register", amina, password=PASSWORD)["public_key"]["excludeCredentials"]
    assert unb64(known["id"]) == device.id and set(known["transports"]) == {"internal", "hybrid"}


def test_a_passkey_is_kept_listed_renamed_and_removed(world: World) -> None:
    amina = world.person("Amina")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    device = Device()
    device.flags |= ELIGIBLE | BACKED_UP
    made = complete(world, "register", ceremony, device.make(ceremony["public_key"]), amina, name="گوشی")
    assert made.status_code == 201
    shown = made.json()
    assert shown.keys() == {"id", "name", "backed_up", "created_at", "last_used_at"}
    assert (shown["name"], shown["backed_up"], shown["last_used_at"]) == ("گوشی", True, None)
    register(world, amina)
    listed = world.get(PASSKEYS, amina).json()
    assert [each["name"] for each in listed["data"]] == ["گوشی", "Passkey"]
    assert (listed["data"][0], listed["next_cursor"]) == (shown, None)
    renamed = world.put(f"{PASSKEYS}/{shown['id']}", amina, {"name": "Old phone"})
    assert (renamed.status_code, renamed.json()) == (200, {**shown, "name": "Old phone"})
    gone = world.delete(f"{PASSKEYS}/{shown['id']}", amina)
    assert (gone.status_code, gone.content) == (204, b"")
    assert [each["name"] for each in world.get(PASSKEYS, amina).json()["data"]] == ["Passkey"]
    assert sign_in(world, device).status_code == 401
    world.drain()
    subjects = [letter.subject for letter in world.mails() if letter.to == amina.email]
    assert len([one for one in subjects if "passkey was added" in one]) == 2
    assert len([one for one in subjects if "passkey was removed" in one]) == 1


def test_the_list_is_one_query_however_long(world: World) -> None:
    amina = world.person("Amina")
    counts = []
    for _ in range(3):
        register(world, amina)
        with counted(world) as statements:
            world.get(PASSKEYS, amina)
        counts.append(len(statements))
    assert counts == [1, 1, 1]


def test_others_passkeys_are_unknown(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    register(world, amina)
    (row,) = world.get(PASSKEYS, amina).json()["data"]
    assert world.get(PASSKEYS, karim).json()["data"] == []
    for target in (row["id"], str(uuid4()), "x"):
        assert world.put(f"{PASSKEYS}/{target}", karim, {"name": "Mine"}).status_code == 404
        assert world.delete(f"{PASSKEYS}/{target}", karim).status_code == 404
    assert world.get(PASSKEYS, amina).json()["data"] == [row]


def test_it_takes_more_than_an_access_token(world: World, time: Time) -> None:
    amina = world.person("Amina")
    answer = world.post(f"{PASSKEYS}/register/begin", amina, json={})
    assert (answer.status_code, fields(answer)) == (422, ["password"])
    answer = world.post(f"{PASSKEYS}/register/begin", amina, json={"password": "Wrong-2026!"})
    assert (answer.status_code, code(answer)) == (401, "wrong_password")
    world.sql("UPDATE users SET password_hash = NULL WHERE id = $1", amina.id)
    assert world.post(f"{PASSKEYS}/register/begin", amina, json={}).status_code == 200
    one = guarded(world, world.person("Karim"))
    assert world.post(f"{PASSKEYS}/register/begin", one.person, json={}).status_code == 200
    person = low(world, one)
    answer = world.post(f"{PASSKEYS}/register/begin", person, json={"password": PASSWORD})
    assert (answer.status_code, code(answer)) == (403, "aal2_required")
    register(world, one.person)
    (row,) = world.get(PASSKEYS, person).json()["data"]
    assert world.delete(f"{PASSKEYS}/{row['id']}", person).status_code == 403
    for path in ("register/begin", "register/complete"):
        assert world.post(f"{PASSKEYS}/{path}", json={}).status_code == 401
    assert world.get(PASSKEYS).status_code == 401


def test_a_ceremony_is_its_beginners_once_and_for_five_minutes(world: World, time: Time) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    credential = Device().make(ceremony["public_key"])
    answer = complete(world, "register", ceremony, credential, karim)
    assert (answer.status_code, code(answer)) == (410, "ceremony_gone")
    time.passes(minutes=4, seconds=59)
    assert complete(world, "register", ceremony, credential, amina).status_code == 201
    assert complete(world, "register", ceremony, credential, amina).status_code == 410
    late = begin(world, "register", amina, password=PASSWORD)
    time.passes(minutes=5)
    assert complete(world, "register", late, Device().make(late["public_key"]), amina).status_code == 410
    other = begin(world, "sign-in")
    other["public_key"]["user"] = ceremony["public_key"]["user"]
    other["public_key"]["rp"] = {"id": "localhost"}
    assert complete(world, "register", other, Device().make(other["public_key"]), amina).status_code == 410


LIES: dict[str, dict[str, Any]] = {
    "another site": {"origin": "https://evil.example"},
    "another domain": {"domain": "evil.example"},
    "another challenge": {"challenge": b64(bytes(32))},
    "a vouching maker": {"fmt": "packed", "statement": {"alg": -7, "sig": b"", "x5c": [b"x"]}},
    "an unknown form": {"fmt": "tpm"},
    "a made-up form": {"fmt": "majlis"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_passkey_that_does_not_hold_is_refused(world: World, lie: str) -> None:
    amina = world.person("Amina")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    answer = complete(world, "register", ceremony, Device().make(ceremony["public_key"], **LIES[lie]), amina)
    assert (answer.status_code, code(answer)) == (422, "bad_passkey")
    assert world.sql("SELECT 1 FROM passkeys") == []
    # The control: told the truth, the same ceremony ends well.
    assert (
        complete(world, "register", ceremony, Device().make(ceremony["public_key"]), amina).status_code == 201
    )


def test_a_device_that_does_not_verify_its_user_is_refused(world: World) -> None:
    amina = world.person("Amina")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    device = Device()
    device.flags = PRESENT
    assert (
        complete(world, "register", ceremony, device.make(ceremony["public_key"]), amina).status_code == 422
    )


def hostile(credential: dict[str, Any]) -> list[Any]:
    """Credentials that are broken in one place each."""
    response = credential["response"]
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    broken = [
        {},
        {**credential, "id": 1},
        {**credential, "id": "another"},
        {**credential, "type": "password"},
        {**credential, "response": None},
        {**credential, "response": []},
        {**credential, "authenticatorAttachment": "moon"},
        *(
            {**credential, "response": {**response, name: value}}
            for name in response
            for value in ("", "%", 1, None)
        ),
        {**credential, "response": {**response, "clientDataJSON": b64(b"[]")}},
        {**credential, "response": {**response, "clientDataJSON": b64(b"\xff")}},
        {
            **credential,
            "response": {**response, "clientDataJSON": b64(b'{"type":1,"challenge":1,"origin":1}')},
        },
        {**credential, "response": {**response, "clientDataJSON": b64(b"[" * 5000)}},
    ]
    if "attestationObject" in response:
        odd = [[], {}, {"fmt": 1}, {"fmt": "none", "authData": 1}, {"fmt": "none", "authData": b"x" * 40}]
        odd += [{"fmt": "none", "attStmt": 7, "authData": bytes(32) + b"\x45" + bytes(30)}]
        broken += [
            {**credential, "response": {**response, "attestationObject": b64(cbor2.dumps(one))}}
            for one in odd
        ]
        broken += [{**credential, "response": {**response, "attestationObject": b64(b"\x9f" * 3000)}}]
    return broken


def test_broken_passkeys_are_refused_without_a_fault(world: World) -> None:
    amina = world.person("Amina")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    for credential in hostile(Device().make(ceremony["public_key"])):
        answer = complete(world, "register", ceremony, credential, amina)
        if credential and (credential.get("response") or {}) != {} and answer.status_code == 201:
            # Only what nobody needs was broken.
            assert credential["response"]["transports"] in ("", "%", 1, None)
            ceremony = begin(world, "register", amina, password=PASSWORD)
        else:
            assert answer.status_code in (410, 422), (credential, answer.text)
    for credential in (None, 1, "x", []):
        answer = complete(world, "register", ceremony, credential, amina)
        assert (answer.status_code, fields(answer)) == (422, ["credential"])


def test_an_unusable_key_or_id_is_refused(world: World) -> None:
    amina = world.person("Amina")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    off_curve, long = Device(), Device()
    off_curve._cose = lambda: cbor2.dumps({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: b"\x01" * 32})  # type: ignore[method-assign]
    long.id = bytes(1024)
    for device in (off_curve, long):
        answer = complete(world, "register", ceremony, device.make(ceremony["public_key"]), amina)
        assert (answer.status_code, code(answer)) == (422, "bad_passkey")
    other = Device()
    other.key = ec.generate_private_key(ec.SECP384R1())
    other._cose = lambda: cbor2.dumps({1: 2, 3: -35, -1: 2, -2: bytes(48), -3: bytes(48)})  # type: ignore[method-assign]
    assert complete(world, "register", ceremony, other.make(ceremony["public_key"]), amina).status_code == 422


def test_a_passkey_belongs_to_one_account(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    device = register(world, amina)
    for who in (amina, karim):
        ceremony = begin(world, "register", who, password=PASSWORD)
        answer = complete(world, "register", ceremony, device.make(ceremony["public_key"]), who)
        assert (answer.status_code, code(answer)) == (409, "passkey_exists")


def test_there_is_an_end_to_their_number(world: World) -> None:
    amina = world.person("Amina")
    ceremonies = [begin(world, "register", amina, password=PASSWORD) for _ in range(service.MOST + 1)]
    statuses = [
        complete(world, "register", one, Device().make(one["public_key"]), amina).status_code
        for one in ceremonies
    ]
    assert statuses == [201] * service.MOST + [409]
    answer = world.post(f"{PASSKEYS}/register/begin", amina, json={"password": PASSWORD})
    assert (answer.status_code, code(answer)) == (409, "too_many_passkeys")


def test_a_name_is_words(world: World) -> None:
    amina = world.person("Amina")
    ceremony = begin(world, "register", amina, password=PASSWORD)
    credential = Device().make(ceremony["public_key"])
    for name in ("", "x" * 101, None, 1, "a\x00b"):
        answer = complete(world, "register", ceremony, credential, amina, name=name)
        assert (answer.status_code, fields(answer)) == (422, ["name"])
    register(world, amina)
    (row,) = world.get(PASSKEYS, amina).json()["data"]
    for body in ({}, {"name": ""}, {"name": "x" * 101}):
        answer = world.put(f"{PASSKEYS}/{row['id']}", amina, body)
        assert (answer.status_code, fields(answer)) == (422, ["name"])


def test_a_passkey_alone_turns_no_second_factor_on(world: World) -> None:
    amina = world.person("Amina")
    register(world, amina)
    assert login(world, amina.email).json()["requires_mfa"] is False


@pytest.mark.parametrize(
    "settings, domain, origins",
    [
        ({}, "localhost", ["http://127.0.0.1:8080", "http://localhost:8080"]),
        ({"public_url": "https://majlis.example"}, "majlis.example", ["https://majlis.example"]),
        (
            {"public_url": "https://api.majlis.example", "app_url": "https://majlis.example/app"},
            "majlis.example",
            ["https://majlis.example"],
        ),
        (
            {
                "passkey_domain": "example.org",
                "passkey_origins": "https://a.example.org, android:apk-key-hash:x",
            },
            "example.org",
            ["https://a.example.org", "android:apk-key-hash:x"],
        ),
        ({"public_url": "http://localhost:9000"}, "localhost", ["http://localhost:9000"]),
    ],
)
def test_where_passkeys_are_used_is_a_setting(
    tmp_path: Any, settings: dict[str, str], domain: str, origins: list[str]
) -> None:
    found = settings_for(tmp_path, "", **settings)
    assert (service.domain(found), service.origins(found)) == (domain, origins)


def test_origins_without_encryption_are_for_development(tmp_path: Any) -> None:
    wrong = settings_for(tmp_path, "", passkey_origins="https://a.example, http://b.example")
    right = settings_for(tmp_path, "", passkey_origins="https://a.example, android:apk-key-hash:x")
    name = "MAJLIS_PASSKEY_ORIGINS"
    assert [any(name in why for why in unsafe(settings)) for settings in (wrong, right)] == [True, False]
