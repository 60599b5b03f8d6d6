"""Getting a second factor, and the code that makes it count."""

import asyncio
import base64
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import pyotp
import pytest
import segno

from majlis.kit import clock
from tests.features.identity.accounts import code, fields, refresh, status
from tests.features.mfa.factors import MFA, Time, confirm, enroll, guarded, low, take, wrong
from tests.features.sessions.test_tokens import claims_of
from tests.world import PASSWORD, World


@pytest.mark.rule("hamsaya:44", "hamsaya:45")
def test_enrolment_shows_the_secret_as_text_address_and_picture(world: World) -> None:
    amina = world.person("Amina")
    answer = enroll(world, amina, factor_type="TOTP")
    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() == {"factor_id", "qr_code_url", "secret_key", "backup_codes", "otpauth_url"}
    assert len(base64.b32decode(made["secret_key"])) == 20
    url = urlsplit(made["otpauth_url"])
    assert (url.scheme, url.netloc, unquote(url.path)) == ("otpauth", "totp", f"/Majlis:{amina.email}")
    query = parse_qs(url.query)
    assert (query["secret"], query["issuer"]) == ([made["secret_key"]], ["Majlis"])
    kind, _, picture = made["qr_code_url"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(picture).startswith(b"\x89PNG\r\n\x1a\n")
    assert made["qr_code_url"] == segno.make_qr(made["otpauth_url"], error="m").png_data_uri(scale=6)
    assert len(made["backup_codes"]) == len(set(made["backup_codes"])) == 10
    assert all(re.fullmatch(r"[A-Z2-7]{5}-[A-Z2-7]{5}", one) for one in made["backup_codes"])


@pytest.mark.rule("hamsaya:45")
@pytest.mark.settings(app_name="Hamsaya همسایه")
def test_the_app_has_the_name_that_the_operator_gives_it(world: World) -> None:
    url = enroll(world, world.person("Amina")).json()["otpauth_url"]
    assert parse_qs(urlsplit(url).query)["issuer"] == ["Hamsaya همسایه"]


@pytest.mark.rule("hamsaya:20", "hamsaya:46")
def test_a_factor_counts_for_nothing_until_it_is_confirmed(world: World) -> None:
    amina = world.person("Amina")
    made = enroll(world, amina).json()
    assert world.sql("SELECT status, deleted_at FROM mfa_factors") == [
        {"status": "unverified", "deleted_at": None}
    ]
    assert world.get("/api/v1/users/me", amina).json()["mfa_enabled"] is False
    again = world.post("/api/v1/auth/login", json={"email": amina.email, "password": PASSWORD}).json()
    assert again["requires_mfa"] is False
    # Nor do its backup codes.
    assert world.get(f"{MFA}/backup-codes", amina).status_code == 409
    answer = world.post(f"{MFA}/disable", amina, json={"code": made["backup_codes"][0]})
    assert (answer.status_code, code(answer)) == (409, "mfa_not_enabled")


@pytest.mark.rule("hamsaya:46")
def test_of_unconfirmed_factors_the_latest_is_left(world: World, time: Time) -> None:
    amina = world.person("Amina")
    first, second = enroll(world, amina).json(), enroll(world, amina).json()
    rows = world.sql("SELECT id, deleted_at IS NULL AS alive, secret_key = '' AS gone FROM mfa_factors")
    assert {str(row["id"]): (row["alive"], row["gone"]) for row in rows} == {
        first["factor_id"]: (False, True),
        second["factor_id"]: (True, False),
    }
    now = pyotp.TOTP(first["secret_key"]).at(clock.now())
    assert confirm(world, amina, first["factor_id"], now).status_code == 404
    assert len(world.sql("SELECT 1 FROM mfa_backup_codes")) == 10
    now = pyotp.TOTP(second["secret_key"]).at(clock.now())
    assert confirm(world, amina, second["factor_id"], now).status_code == 200


@pytest.mark.rule("hamsaya:33", "hamsaya:46", "hamsaya:47")
def test_the_first_code_turns_the_factor_on_and_raises_this_session_only(world: World, time: Time) -> None:
    amina = world.person("Amina")
    other = world.post("/api/v1/auth/login", json={"email": amina.email, "password": PASSWORD}).json()
    former, spent = amina.token, amina.refresh_token
    made = enroll(world, amina).json()
    now = pyotp.TOTP(made["secret_key"]).at(clock.now())
    answer = confirm(world, amina, made["factor_id"], now)
    assert answer.status_code == 200
    found = answer.json()
    assert found.keys() == {
        "factor_id", "status", "mfa_enabled", "access_token", "refresh_token", "expires_in",
    }  # fmt: skip
    assert (found["factor_id"], found["status"], found["mfa_enabled"]) == (
        made["factor_id"],
        "verified",
        True,
    )
    assert (found["expires_in"], claims_of(found["access_token"])["aal"]) == (900, 2)
    take(world, amina, found)
    assert amina.me.session is not None and claims_of(former)["sid"] == claims_of(amina.token)["sid"]
    assert world.get("/api/v1/users/me", amina).json()["mfa_enabled"] is True
    assert world.get(f"{MFA}/backup-codes", amina).json()["remaining"] == 10
    assert (status(world, other["access_token"]), refresh(world, other["refresh_token"]).status_code) == (
        401,
        401,
    )
    # A token from before stays on its level, for the quarter of an hour that it lives.
    assert world.get(f"{MFA}/backup-codes", headers={"Authorization": f"Bearer {former}"}).status_code == 403
    assert claims_of(refresh(world, amina.refresh_token).json()["access_token"])["aal"] == 2
    assert refresh(world, spent).status_code == 401


@pytest.mark.rule("hamsaya:47")
def test_a_wrong_code_turns_nothing_on(world: World, time: Time) -> None:
    amina = world.person("Amina")
    made = enroll(world, amina).json()
    totp = pyotp.TOTP(made["secret_key"])
    near = {totp.at(clock.now(), counter_offset=step) for step in range(-3, 4)}
    other = next(f"{number:06}" for number in range(10) if f"{number:06}" not in near)
    for guess in (other, "", "12345", "1234567", "abcdef", made["backup_codes"][0], "١٢٣"):
        answer = confirm(world, amina, made["factor_id"], guess)
        assert (answer.status_code, code(answer)) == (401, "wrong_code"), guess
    assert world.sql("SELECT mfa_enabled FROM users") == [{"mfa_enabled": False}]
    assert world.sql("SELECT aal, revoked FROM user_sessions") == [{"aal": 1, "revoked": False}]


@pytest.mark.rule("hamsaya:44")
def test_digits_may_be_persian_and_spaced(world: World, time: Time) -> None:
    amina = world.person("Amina")
    made = enroll(world, amina).json()
    now = pyotp.TOTP(made["secret_key"]).at(clock.now())
    persian = "".join("۰۱۲۳۴۵۶۷۸۹"[int(digit)] for digit in now)
    assert confirm(world, amina, made["factor_id"], f"{persian[:3]} {persian[3:]}").status_code == 200


@pytest.mark.rule("hamsaya:46")
def test_an_account_has_one_factor(world: World, time: Time) -> None:
    one = guarded(world)
    answer = enroll(world, one.person)
    assert (answer.status_code, code(answer)) == (409, "mfa_enabled")
    time.passes()
    answer = confirm(world, one.person, str(one.factor_id), one.code())
    assert (answer.status_code, code(answer)) == (409, "mfa_enabled")


@pytest.mark.rule("hamsaya:46")
def test_somebody_elses_factor_is_unknown(world: World, time: Time) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    made = enroll(world, amina).json()
    now = pyotp.TOTP(made["secret_key"]).at(clock.now())
    assert confirm(world, karim, made["factor_id"], now).status_code == 404
    assert confirm(world, amina, str(uuid4()), now).status_code == 404


@pytest.mark.rule("hamsaya:44")
@pytest.mark.parametrize("kind", ["SMS", "EMAIL", "totp", "", None, 1])
def test_other_kinds_are_not_offered(world: World, kind: Any) -> None:
    answer = enroll(world, world.person("Amina"), factor_type=kind)
    assert (answer.status_code, fields(answer)) == (422, ["factor_type"])


def test_a_password_is_checked_when_it_is_given(world: World) -> None:
    amina = world.person("Amina")
    answer = enroll(world, amina, password="Wrong-2026!")
    assert (answer.status_code, code(answer)) == (401, "wrong_password")
    assert enroll(world, amina, password=PASSWORD).status_code == 201
    assert enroll(world, amina, password=None).status_code == 201


def test_what_is_malformed_is_named(world: World) -> None:
    amina = world.person("Amina")
    answer = world.post(f"{MFA}/verify", amina, json={})
    assert (answer.status_code, sorted(fields(answer))) == (422, ["code", "factor_id"])
    answer = world.post(f"{MFA}/verify", amina, json={"factor_id": "x", "code": "1" * 21})
    assert (answer.status_code, sorted(fields(answer))) == (422, ["code", "factor_id"])
    for path in ("enroll", "verify"):
        assert world.post(f"{MFA}/{path}", json={}).status_code == 401


@pytest.mark.rule("hamsaya:60")
@pytest.mark.settings(rate_limits="on")
def test_guesses_are_limited_whatever_is_guessed_at(world: World, time: Time) -> None:
    one = guarded(world)
    for _ in range(5):
        assert world.post(f"{MFA}/disable", one.person, json={"code": wrong(one)}).status_code == 401
    answer = world.post(f"{MFA}/disable", one.person, json={"code": one.codes[0]})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.rule("hamsaya:47")
def test_who_signs_in_while_the_factor_is_turned_on_is_left_without_a_session(clone: World) -> None:
    """Whichever comes first: no session of level 1 outlives the moment."""
    amina = clone.person("Amina")
    made = enroll(clone, amina).json()
    body = {"factor_id": made["factor_id"], "code": pyotp.TOTP(made["secret_key"]).at(clock.now())}
    sign_in = {"email": amina.email, "password": PASSWORD}

    async def at_once() -> list[Any]:
        return list(
            await asyncio.gather(
                *(clone.http.post("/api/v1/auth/login", json=sign_in) for _ in range(4)),
                clone.http.post(f"{MFA}/verify", json=body, headers=amina.auth),
            )
        )

    answers = clone.go(at_once())
    assert [one.status_code for one in answers] == [200] * 5
    live = clone.sql("SELECT aal FROM user_sessions WHERE NOT revoked")
    assert live == [{"aal": 2}]


@pytest.mark.rule("hamsaya:47")
def test_a_mail_tells_of_the_new_factor(world: World, time: Time) -> None:
    one = guarded(world)
    world.drain()
    letters = [letter for letter in world.mails() if "code now" in letter.subject]
    assert [letter.to for letter in letters] == [one.person.email]
    assert one.secret not in letters[0].text


def test_a_session_from_before_would_be_of_level_one(world: World, time: Time) -> None:
    """The control of the tests that tell levels apart."""
    one = guarded(world)
    assert low(world, one).me.aal == 1 and one.person.me.aal == 2
    assert one.person.me.mfa
