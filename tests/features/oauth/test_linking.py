"""Owners who link accounts of other companies to theirs, look at them, and unlink them."""

from typing import Any
from uuid import uuid4

import pytest

from majlis.vendors.oauth.fake import Fake
from tests.features.identity.accounts import code, fields
from tests.features.mfa.conftest import time as time
from tests.features.mfa.factors import Time, guarded, low
from tests.features.oauth.signing import (
    IDENTITIES,
    KINDS,
    NONCE,
    OAUTH,
    counts,
    enter,
    link,
    linked,
    owned,
    proof,
    served_by,
)
from tests.features.queries import counted
from tests.world import Person, World

EMAIL = "amina@example.org"


def identity(world: World, who: Person, at: int = 0) -> dict[str, Any]:
    """One of somebody's identities."""
    found: dict[str, Any] = world.get(IDENTITIES, who).json()["data"][at]
    return found


@pytest.mark.rule("hamsaya:41")
@pytest.mark.parametrize("kind", KINDS)
def test_an_owner_links_and_signs_in_by_it(town: World, companies: Fake, kind: str) -> None:
    amina = town.person("Amina")
    answer = link(town, companies, amina, kind, "1", "elsewhere@example.org")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert set(body) == {"id", "provider", "email", "created_at", "last_used_at"}
    assert (body["provider"], body["email"]) == (kind, "elsewhere@example.org")
    assert town.get("/api/v1/users/me", amina).json()["oauth_provider"] == kind
    again = link(town, companies, amina, kind, "1", "elsewhere@example.org")
    assert (again.status_code, again.json()["id"]) == (200, body["id"])
    town.drain()
    [letter] = town.mails()  # one for the first time
    assert letter.to == amina.email
    signed_in = enter(town, companies, kind, "1")
    assert signed_in.json()["user"]["id"] == str(amina.id)
    assert linked(town, amina) == [kind]


def test_the_conflict_ends_once_the_owner_has_linked(town: World, companies: Fake) -> None:
    amina = town.person("Amina")
    assert enter(town, companies, "facebook", "1", amina.email).status_code == 409
    assert link(town, companies, amina, "facebook", "1", amina.email).status_code == 201
    assert enter(town, companies, "facebook", "1", amina.email).status_code == 200


def test_several_of_the_same_company(town: World, companies: Fake) -> None:
    amina = town.person("Amina")
    for subject in ("1", "2"):
        assert link(town, companies, amina, "google", subject).status_code == 201
    assert linked(town, amina) == ["google", "google"]
    for subject in ("1", "2"):
        assert enter(town, companies, "google", subject).json()["user"]["id"] == str(amina.id)


@pytest.mark.rule("hamsaya:42")
def test_an_owner_whose_address_is_not_confirmed_proves_it_by_the_same_address(
    town: World, companies: Fake
) -> None:
    amina = town.person("Amina", verified=False)
    for kind, email in (("google", "other@example.org"), ("google", None), ("facebook", amina.email)):
        answer = link(town, companies, amina, kind, "1", email)
        assert (answer.status_code, code(answer)) == (409, "email_not_confirmed")
    assert counts(town)["user_identities"] == 0
    assert link(town, companies, amina, "google", "1", amina.email.upper()).status_code == 201
    assert town.get("/api/v1/users/me", amina).json()["email_verified"] is True
    assert link(town, companies, amina, "facebook", "1", amina.email).status_code == 201


@pytest.mark.rule("hamsaya:42")
def test_what_signs_in_to_somebody_else_stays_theirs(town: World, companies: Fake) -> None:
    amina, karim = town.person("Amina"), town.person("Karim")
    assert link(town, companies, amina, "google", "1").status_code == 201
    answer = link(town, companies, karim, "google", "1")
    assert (answer.status_code, code(answer)) == (409, "identity_taken")
    assert enter(town, companies, "google", "1").json()["user"]["id"] == str(amina.id)
    # Once it is free, whether its account is gone or it was unlinked, others may have it.
    assert town.delete("/api/v1/users/me/account?reason=bored", amina).status_code == 204
    assert link(town, companies, karim, "google", "1").status_code == 201


@pytest.mark.parametrize(
    "kind, body, status, named",
    [
        ("google", {}, 422, ["id_token"]),
        ("google", {"access_token": "x"}, 422, ["id_token"]),
        ("apple", {}, 422, ["id_token", "nonce"]),
        ("apple", {"id_token": "x"}, 422, ["nonce"]),
        ("facebook", {"id_token": "x"}, 422, ["access_token"]),
        ("facebook", {"access_token": 1}, 422, ["access_token"]),
        ("google", {"id_token": "made-up"}, 401, []),
        ("apple", {"id_token": "made-up", "nonce": NONCE}, 401, []),
        ("facebook", {"access_token": "made-up"}, 401, []),
        ("twitter", {"access_token": "x"}, 404, []),
        ("Google", {"id_token": "x"}, 404, []),
    ],
)
def test_what_cannot_be_linked(
    town: World, kind: str, body: dict[str, Any], status: int, named: list[str]
) -> None:
    answer = town.post(f"{OAUTH}/{kind}/link", town.person(), json=owned(body))
    assert (answer.status_code, sorted(fields(answer))) == (status, named), answer.text


def test_linking_takes_more_than_an_access_token(town: World, companies: Fake, time: Time) -> None:
    """As adding a passkey does; and nothing is asked of the company before."""
    amina, path = town.person("Amina"), f"{OAUTH}/google/link"
    body = proof(companies, "google", "1")
    answer = town.post(path, amina, json=body)
    assert (answer.status_code, fields(answer)) == (422, ["password"])
    answer = town.post(path, amina, json={**body, "password": "Wrong-2026!"})
    assert (answer.status_code, code(answer)) == (401, "wrong_password")
    assert (linked(town, amina), companies.asked) == ([], [])
    assert town.post(path, amina, json=owned(body)).status_code == 201
    karim = guarded(town, town.person("Karim"))
    answer = town.post(path, low(town, karim), json=owned(proof(companies, "google", "2")))
    assert (answer.status_code, code(answer)) == (403, "aal2_required")
    assert town.post(path, karim.person, json=proof(companies, "google", "2")).status_code == 201


def test_linking_needs_the_company_and_a_caller(world: World, companies: Fake) -> None:
    amina = world.person("Amina")
    answer = link(world, companies, amina, "google", "1")
    assert (answer.status_code, code(answer)) == (404, "provider_disabled")
    served_by(world, companies)
    assert world.post(f"{OAUTH}/google/link", json=proof(companies, "google", "1")).status_code == 401


@pytest.mark.settings(rate_limits="on")
def test_linking_is_tried_five_times(town: World) -> None:
    amina = town.person("Amina")
    statuses = [
        town.post(f"{OAUTH}/google/link", amina, json=owned({"id_token": "made-up"})).status_code
        for _ in range(6)
    ]
    assert statuses == [401] * 5 + [429]


def test_unlinking_ends_the_way_in(town: World, companies: Fake) -> None:
    amina, karim = town.person("Amina"), town.person("Karim")
    for kind in KINDS:
        assert link(town, companies, amina, kind, "1").status_code == 201
    path = f"{IDENTITIES}/{identity(town, amina)['id']}"
    assert town.delete(path, karim).status_code == 404
    assert town.delete(f"{IDENTITIES}/{uuid4()}", amina).status_code == 404
    assert town.delete(f"{IDENTITIES}/none", amina).status_code == 404
    assert town.delete(path, amina).status_code == 204
    assert town.delete(path, amina).status_code == 404
    assert linked(town, amina) == ["apple", "facebook"]
    assert town.get("/api/v1/users/me", amina).json()["oauth_provider"] == "apple"
    assert enter(town, companies, "google", "1", "google@example.org").status_code == 201  # somebody new
    for _ in range(2):
        assert town.delete(f"{IDENTITIES}/{identity(town, amina)['id']}", amina).status_code == 204
    assert town.get("/api/v1/users/me", amina).json()["oauth_provider"] is None


def test_the_only_way_in_stays(town: World, companies: Fake) -> None:
    body = enter(town, companies, "google", "1", EMAIL).json()
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    [only] = town.get(IDENTITIES, headers=bearer).json()["data"]
    answer = town.delete(f"{IDENTITIES}/{only['id']}", headers=bearer)
    assert (answer.status_code, code(answer)) == (409, "last_sign_in")
    made = town.post(f"{OAUTH}/apple/link", headers=bearer, json=proof(companies, "apple", "001.a"))
    assert made.status_code == 201
    assert town.delete(f"{IDENTITIES}/{only['id']}", headers=bearer).status_code == 204
    answer = town.delete(f"{IDENTITIES}/{made.json()['id']}", headers=bearer)
    assert (answer.status_code, code(answer)) == (409, "last_sign_in")


def test_each_sees_their_own_in_one_query(town: World, companies: Fake) -> None:
    amina, karim = town.person("Amina"), town.person("Karim")
    for number in range(3):
        with counted(town) as seen:
            assert len(town.get(IDENTITIES, amina).json()["data"]) == number
        assert len(seen) == 1, seen
        assert link(town, companies, amina, "google", str(number)).status_code == 201
    assert linked(town, karim) == []


@pytest.mark.rule("hamsaya:34")
def test_who_has_a_second_factor_shows_it_first(town: World, companies: Fake, time: Time) -> None:
    amina = guarded(town)
    assert link(town, companies, amina.person, "google", "1").status_code == 201
    weak = low(town, amina)
    answer = link(town, companies, weak, "apple", "1")
    assert (answer.status_code, code(answer)) == (403, "aal2_required")
    assert linked(town, weak) == ["google"]
    answer = town.delete(f"{IDENTITIES}/{identity(town, weak)['id']}", weak)
    assert (answer.status_code, code(answer)) == (403, "aal2_required")


@pytest.mark.rule("hamsaya:31")
def test_a_session_that_ended_links_nothing(town: World, companies: Fake) -> None:
    """Also while this process still remembers its token, as for the two seconds until a hint has come."""
    amina = town.person("Amina")
    assert linked(town, amina) == []
    town.sql("UPDATE user_sessions SET revoked = true WHERE user_id = $1", amina.id)
    assert linked(town, amina) == []
    answer = link(town, companies, amina, "google", "1")
    assert (answer.status_code, code(answer)) == (401, "bad_token")
    assert counts(town)["user_identities"] == 0
