"""Signing in by another company's account: whose it is, and whom it lets in."""

from typing import Any

import pytest

from majlis.vendors.oauth.fake import Fake
from tests.features.identity.accounts import code, fields, status, tokens
from tests.features.oauth.signing import KINDS, NONCE, OAUTH, RELAY, counts, enter, proof, served_by
from tests.world import World

EMAIL = "amina@example.org"


# ---- a new account


@pytest.mark.rule("hamsaya:38", "hamsaya:41", "hamsaya:42")
def test_google_opens_an_account_and_finds_it_again(town: World, companies: Fake) -> None:
    token = {
        "id_token": companies.google("1077", "Amina@Example.org", given_name="Amina", family_name="Ahmadi")
    }
    answer = town.post(f"{OAUTH}/google", json=token)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert set(body) == {
        "user", "access_token", "refresh_token", "token_type", "expires_in", "requires_mfa"
    }  # fmt: skip
    user = body["user"]
    assert (user["email"], user["email_verified"]) == ("Amina@example.org", True)
    assert (user["oauth_provider"], user["has_password"]) == ("google", False)
    assert (user["profile"]["first_name"], user["profile"]["last_name"]) == ("Amina", "Ahmadi")
    assert user["last_login_at"] is not None
    assert status(town, body["access_token"]) == 200
    [row] = town.sql("SELECT oauth_provider_id, password_hash FROM users")
    assert (row["oauth_provider_id"], row["password_hash"]) == ("1077", None)
    again = town.post(f"{OAUTH}/google", json=token)
    assert again.status_code == 200
    assert again.json()["user"]["id"] == user["id"]
    assert again.json()["access_token"] != body["access_token"]
    assert counts(town) == {
        "users": 1, "profiles": 1, "privacy_settings": 1, "user_identities": 1, "user_sessions": 2, "oauth_grants": 0
    }  # fmt: skip


@pytest.mark.rule("hamsaya:32")
@pytest.mark.parametrize("kind", KINDS)
def test_one_factor_is_level_one(town: World, companies: Fake, kind: str) -> None:
    assert enter(town, companies, kind, "1", EMAIL, device_info={"model": "phone"}).status_code == 201
    [row] = town.sql("SELECT aal, device_info FROM user_sessions")
    assert (row["aal"], row["device_info"]) == (1, {"model": "phone"})


@pytest.mark.rule("hamsaya:39", "hamsaya:42")
def test_apple_relays_the_address_and_leaves_the_names_to_the_app(town: World, companies: Fake) -> None:
    answer = enter(town, companies, "apple", "001.a", RELAY, first_name=" آمنه ", last_name="Ahmadi")
    assert answer.status_code == 201
    user = answer.json()["user"]
    assert (user["email"], user["email_verified"], user["oauth_provider"]) == (RELAY, True, "apple")
    assert (user["profile"]["first_name"], user["profile"]["last_name"]) == ("آمنه", "Ahmadi")
    # Afterwards Apple tells neither name nor address.
    again = enter(town, companies, "apple", "001.a", None)
    assert (again.status_code, again.json()["user"]["id"]) == (200, user["id"])
    assert again.json()["user"]["profile"]["first_name"] == "آمنه"


@pytest.mark.rule("hamsaya:40", "hamsaya:42")
def test_facebooks_address_is_to_be_confirmed(town: World, companies: Fake) -> None:
    answer = enter(town, companies, "facebook", "10215", "farid@example.org")
    assert answer.status_code == 201
    user = answer.json()["user"]
    assert (user["email_verified"], user["oauth_provider"]) == (False, "facebook")
    assert (user["profile"]["first_name"], user["profile"]["last_name"]) == ("Farid", "Noori")
    assert len(tokens(town, "verify-email")) == 1
    assert enter(town, companies, "facebook", "10215", "farid@example.org").status_code == 200


def test_who_is_vouched_for_gets_no_mail(town: World, companies: Fake) -> None:
    enter(town, companies, "google", "1", EMAIL)
    assert enter(town, companies, "apple", "001.a", RELAY).status_code == 201
    town.drain()
    assert town.mails() == []


def test_the_apps_names_win_and_odd_ones_are_made_fit(town: World, companies: Fake) -> None:
    token = companies.google("1", EMAIL, given_name="A\0mina\n", family_name="x" * 300)
    answer = town.post(f"{OAUTH}/google", json={"id_token": token, "first_name": "Mina"})
    profile = answer.json()["user"]["profile"]
    assert (profile["first_name"], profile["last_name"]) == ("Mina", "x" * 100)
    token = companies.google("2", "other@example.org", given_name="A\0mina\n", family_name="  ")
    profile = town.post(f"{OAUTH}/google", json={"id_token": token}).json()["user"]["profile"]
    assert (profile["first_name"], profile["last_name"]) == ("A mina", None)


@pytest.mark.rule("hamsaya:42")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("email", [None, "", "nobody", f"{'x' * 250}@example.org"])
def test_without_an_address_the_app_is_told_to_ask_for_one(
    town: World, companies: Fake, kind: str, email: str | None
) -> None:
    answer = enter(town, companies, kind, "1", email)
    assert (answer.status_code, code(answer), fields(answer)) == (422, "email_needed", ["email"])
    assert set(counts(town).values()) == {0}


@pytest.mark.parametrize("action", ["refuse", "hold"])
def test_names_that_are_not_allowed_do_not_come_in_this_way(
    town: World, companies: Fake, action: str
) -> None:
    """As those of whoever registers; but nobody stays out for what another company calls them."""
    rule = {"kind": "word", "pattern": "spam", "action": action}
    moderator = town.person(role="moderator")
    assert town.post("/api/v1/moderation/filters", moderator, json=rule).status_code == 201
    answer = enter(town, companies, "google", "1", EMAIL, first_name="Spam", last_name="Ahmadi")
    assert (answer.status_code, code(answer), fields(answer)) == (422, "refused_words", ["first_name"])
    assert counts(town)["user_identities"] == 0
    token = companies.google("1", EMAIL, given_name="Spam", family_name="Ahmadi")
    answer = town.post(f"{OAUTH}/google", json={"id_token": token, "last_name": "Noori"})
    assert answer.status_code == 201
    profile = answer.json()["user"]["profile"]
    assert (profile["first_name"], profile["last_name"]) == (None, "Noori")


# ---- an account that is there


@pytest.mark.rule("hamsaya:42")
@pytest.mark.parametrize("kind", ["google", "apple"])
def test_an_address_that_both_have_confirmed_links(town: World, companies: Fake, kind: str) -> None:
    amina = town.person("Amina")
    answer = enter(town, companies, kind, "1", amina.email.upper())
    assert answer.status_code == 200, answer.text
    user = answer.json()["user"]
    assert (user["id"], user["oauth_provider"], user["has_password"]) == (str(amina.id), kind, True)
    assert user["profile"]["first_name"] == "Amina"
    town.drain()
    [letter] = town.mails()
    assert letter.to == amina.email
    assert kind.title() in letter.subject
    # Known from now on, whatever the address.
    assert enter(town, companies, kind, "1", "moved@example.org").json()["user"]["id"] == str(amina.id)
    town.drain()
    assert len(town.mails()) == 1


@pytest.mark.rule("hamsaya:42")
@pytest.mark.parametrize(
    "kind, changes, confirmed",
    [
        ("google", {"email_verified": False}, True),
        ("google", {"email_verified": None}, True),
        ("apple", {"email_verified": "false"}, True),
        ("facebook", {}, True),
        ("google", {}, False),
        ("apple", {}, False),
        ("facebook", {}, False),
    ],
)
def test_an_address_that_one_side_has_not_confirmed_does_not_link(
    town: World, companies: Fake, kind: str, changes: dict[str, Any], confirmed: bool
) -> None:
    amina = town.person("Amina", verified=confirmed)
    before = counts(town)
    answer = town.post(f"{OAUTH}/{kind}", json=proof(companies, kind, "1", amina.email, **changes))
    assert (answer.status_code, code(answer)) == (409, "link_required")
    assert "Sign in to it" in answer.json()["error"]["message"]
    assert counts(town) == before


@pytest.mark.rule("hamsaya:42")
def test_an_address_that_the_company_gave_to_somebody_else_does_not_link(
    town: World, companies: Fake
) -> None:
    amina = town.person("Amina")
    assert enter(town, companies, "google", "1", amina.email).status_code == 200
    answer = enter(town, companies, "google", "2", amina.email)
    assert (answer.status_code, code(answer)) == (409, "link_required")
    assert enter(town, companies, "apple", "2", amina.email).status_code == 200


@pytest.mark.rule("hamsaya:41")
def test_one_account_has_several_companies_and_names_the_first(town: World, companies: Fake) -> None:
    first = enter(town, companies, "apple", "001.a", EMAIL).json()["user"]
    second = enter(town, companies, "google", "1", EMAIL).json()["user"]
    assert (second["id"], second["oauth_provider"]) == (first["id"], "apple")
    assert counts(town)["user_identities"] == 2
    [row] = town.sql("SELECT oauth_provider_id FROM users")
    assert row["oauth_provider_id"] == "001.a"


@pytest.mark.rule("hamsaya:41")
def test_the_same_subject_of_two_companies_is_two_people(town: World, companies: Fake) -> None:
    ids = {enter(town, companies, kind, "1", f"{kind}@example.org").json()["user"]["id"] for kind in KINDS}
    assert len(ids) == 3


# ---- whom it does not let in


@pytest.mark.parametrize("kind", KINDS)
def test_the_suspended_stay_out(town: World, companies: Fake, kind: str) -> None:
    user = enter(town, companies, kind, "1", EMAIL).json()["user"]
    town.sql("UPDATE users SET suspended_at = now() WHERE id = $1", user["id"])
    before = counts(town)
    answer = enter(town, companies, kind, "1", EMAIL)
    assert (answer.status_code, code(answer)) == (403, "account_deactivated")
    assert counts(town) == before


def test_the_suspended_are_not_linked_either(town: World, companies: Fake) -> None:
    amina = town.person("Amina")
    town.sql("UPDATE users SET suspended_at = now() WHERE id = $1", amina.id)
    assert enter(town, companies, "google", "1", amina.email).status_code == 403
    assert counts(town)["user_identities"] == 0


@pytest.mark.parametrize("drained", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_deleted_account_is_not_entered_and_its_owner_may_come_anew(
    town: World, companies: Fake, kind: str, drained: bool
) -> None:
    body = enter(town, companies, kind, "1", EMAIL).json()
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert town.delete("/api/v1/users/me/account?reason=bored", headers=bearer).status_code == 204
    if drained:
        town.drain()
        assert counts(town)["user_identities"] == 0
    answer = enter(town, companies, kind, "1", EMAIL)
    assert answer.status_code == 201
    assert answer.json()["user"]["id"] != body["user"]["id"]
    town.drain()
    assert enter(town, companies, kind, "1", EMAIL).json()["user"]["id"] == answer.json()["user"]["id"]


@pytest.mark.rule("hamsaya:38", "hamsaya:40")
@pytest.mark.parametrize(
    "kind, body",
    [
        ("google", {"id_token": "made-up"}),
        ("apple", {"id_token": "made-up", "nonce": NONCE}),
        ("facebook", {"access_token": "made-up"}),
    ],
)
def test_made_up_tokens_are_refused(town: World, kind: str, body: dict[str, str]) -> None:
    answer = town.post(f"{OAUTH}/{kind}", json=body)
    assert (answer.status_code, code(answer)) == (401, "bad_provider_token")
    assert set(counts(town).values()) == {0}


@pytest.mark.rule("hamsaya:40")
def test_limited_login_finds_the_same_account(town: World, companies: Fake) -> None:
    made = enter(town, companies, "facebook", "10215", EMAIL)
    assert made.status_code == 201
    body = {"access_token": companies.facebook_limited("10215", EMAIL, nonce=NONCE)}
    answer = town.post(f"{OAUTH}/facebook", json=body)
    assert (answer.status_code, code(answer)) == (401, "nonce_mismatch")
    answer = town.post(f"{OAUTH}/facebook", json={**body, "nonce": NONCE})
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, made.json()["user"]["id"])


@pytest.mark.rule("hamsaya:39")
def test_apples_nonce_is_needed_and_must_fit(town: World, companies: Fake) -> None:
    token = companies.apple("001.a", EMAIL, nonce=NONCE)
    answer = town.post(f"{OAUTH}/apple", json={"id_token": token})
    assert (answer.status_code, fields(answer)) == (422, ["nonce"])
    answer = town.post(f"{OAUTH}/apple", json={"id_token": token, "nonce": "another"})
    assert (answer.status_code, code(answer)) == (401, "nonce_mismatch")
    assert town.post(f"{OAUTH}/apple", json={"id_token": token, "nonce": NONCE}).status_code == 201


@pytest.mark.parametrize(
    "kind, body, named",
    [
        ("google", {}, ["id_token"]),
        ("google", {"id_token": 7}, ["id_token"]),
        ("google", {"id_token": ""}, ["id_token"]),
        ("google", {"id_token": "x" * 16_385}, ["id_token"]),
        ("google", {"id_token": "x", "first_name": "x" * 101}, ["first_name"]),
        ("google", {"id_token": "x", "device_info": "phone"}, ["device_info"]),
        ("google", {"id_token": "x", "device_info": {"x": "y" * 5000}}, ["device_info"]),
        ("google", {"id_token": "x", "role": "admin"}, ["role"]),
        ("google", {"id_token": "x", "email_verified": True}, ["email_verified"]),
        ("apple", {}, ["id_token", "nonce"]),
        ("apple", {"id_token": "x", "nonce": "n", "authorization_code": ["c"]}, ["authorization_code"]),
        ("facebook", {"access_token": None}, ["access_token"]),
        ("facebook", {"access_token": "x", "last_name": "x" * 101}, ["last_name"]),
    ],
)
def test_wrong_fields_are_named(town: World, kind: str, body: dict[str, Any], named: list[str]) -> None:
    answer = town.post(f"{OAUTH}/{kind}", json=body)
    assert (answer.status_code, sorted(fields(answer))) == (422, named), answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_set_up_says_so(world: World, companies: Fake, kind: str) -> None:
    answer = enter(world, companies, kind, "1", EMAIL)
    assert (answer.status_code, code(answer)) == (404, "provider_disabled")
    assert enter(served_by(world, companies), companies, kind, "1", EMAIL).status_code == 201


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["down", "html"])
def test_a_company_that_fails_answers_502(town: World, companies: Fake, kind: str, fault: str) -> None:
    companies.fault = fault
    answer = enter(town, companies, kind, "1", EMAIL)
    assert (answer.status_code, code(answer)) == (502, "provider_unavailable")


@pytest.mark.rule("hamsaya:60")
@pytest.mark.settings(rate_limits="on")
@pytest.mark.parametrize("kind", KINDS)
def test_five_times_in_a_quarter_of_an_hour(town: World, companies: Fake, kind: str) -> None:
    statuses = [enter(town, companies, kind, "1", EMAIL).status_code for _ in range(6)]
    assert statuses == [201, 200, 200, 200, 200, 429]
    assert enter(town, companies, kind, "2", "other@example.org").status_code == 201
