"""Accounts without a password wherever passwords are asked for, and second factors behind another company's."""

import pytest

from majlis.features.identity import service as identity
from majlis.kit.me import Me
from majlis.vendors.oauth.fake import Fake
from tests.features.identity.accounts import AUTH, bearer, code, login, status, tokens
from tests.features.mfa.conftest import time as time
from tests.features.mfa.factors import Time, guarded
from tests.features.mfa.factors import answer as answer_challenge
from tests.features.oauth.signing import KINDS, OAUTH, counts, enter, link, owned, proof
from tests.world import PASSWORD, World

EMAIL = "amina@example.org"


def opened(world: World, companies: Fake, kind: str = "google", email: str = EMAIL) -> dict[str, str]:
    """The header of somebody whose account a company opened."""
    answer = enter(world, companies, kind, "1", email)
    assert answer.status_code == 201
    return bearer(answer.json()["access_token"])


def reset(world: World, email: str = EMAIL) -> None:
    """Set PASSWORD by the mail that anybody may ask for."""
    assert world.post(f"{AUTH}/forgot-password", json={"email": email}).status_code == 202
    token = tokens(world, "reset-password")[0]
    answer = world.post(f"{AUTH}/reset-password", json={"token": token, "new_password": PASSWORD})
    assert answer.status_code == 204, answer.text


# ---- without a password


@pytest.mark.rule("hamsaya:41", "hamsaya:58")
@pytest.mark.parametrize("password", [PASSWORD, ""])
def test_no_password_signs_in(town: World, companies: Fake, password: str) -> None:
    opened(town, companies)
    unknown = login(town, "nobody@example.org", password)
    for _ in range(5):
        answer = login(town, EMAIL, password)
        assert (
            (answer.status_code, code(answer))
            == (unknown.status_code, code(unknown))
            == (401, "bad_credentials")
        )
    assert login(town, EMAIL, password).status_code == 423
    assert (
        enter(town, companies, "google", "1").status_code == 200
    )  # which guessing at passwords does not lock


@pytest.mark.rule("hamsaya:41")
def test_there_is_no_password_to_change_but_a_mail_sets_one(town: World, companies: Fake) -> None:
    headers = opened(town, companies)
    change = {"current_password": PASSWORD, "new_password": "Another-2026!"}
    answer = town.post(f"{AUTH}/change-password", json=change, headers=headers)
    assert (answer.status_code, code(answer)) == (409, "no_password")
    reset(town)
    assert login(town, EMAIL).json()["user"]["has_password"] is True
    answer = enter(town, companies, "google", "1")
    assert answer.json()["user"]["oauth_provider"] == "google"
    headers = bearer(answer.json()["access_token"])
    assert town.post(f"{AUTH}/change-password", json=change, headers=headers).status_code == 204
    assert login(town, EMAIL, "Another-2026!").status_code == 200


@pytest.mark.rule("hamsaya:41", "hamsaya:24")
def test_the_account_is_deleted_without_a_password(town: World, companies: Fake) -> None:
    headers = opened(town, companies)
    path = "/api/v1/users/me/account"
    answer = town.request("DELETE", path, headers=headers, json={"reason": "bored", "password": PASSWORD})
    assert (answer.status_code, code(answer)) == (409, "no_password")
    answer = town.request("DELETE", path, headers=headers, json={"reason": "bored"})
    assert answer.status_code == 204
    assert status(town, headers["Authorization"].removeprefix("Bearer ")) == 401


# ---- whoever holds the mailbox decides


@pytest.mark.rule("hamsaya:42")
def test_who_claimed_anothers_address_is_out_once_its_owner_resets_the_password(
    town: World, companies: Fake
) -> None:
    """Facebook vouches for no address: the account may have been made in another's name."""
    headers = opened(town, companies, "facebook")
    assert enter(town, companies, "facebook", "1").status_code == 200
    answer = enter(town, companies, "google", "7", EMAIL)  # the address is somebody's, but not confirmed
    assert (answer.status_code, code(answer)) == (409, "link_required")
    reset(town)
    assert status(town, headers["Authorization"].removeprefix("Bearer ")) == 401
    answer = enter(town, companies, "facebook", "1", EMAIL)
    assert (answer.status_code, code(answer)) == (409, "link_required")
    owner = bearer(login(town, EMAIL).json()["access_token"])
    made = town.post(
        f"{OAUTH}/google/link", headers=owner, json=owned(proof(companies, "google", "7", EMAIL))
    )
    assert made.status_code == 201
    # It was the owner's own after all: then they link it.
    again = town.post(f"{OAUTH}/facebook/link", headers=owner, json=owned(proof(companies, "facebook", "1")))
    assert again.status_code == 200
    assert enter(town, companies, "facebook", "1").status_code == 200


@pytest.mark.parametrize("kind", ["google", "apple"])
def test_who_was_vouched_for_stays_in_after_a_reset(town: World, companies: Fake, kind: str) -> None:
    opened(town, companies, kind)
    reset(town)
    assert enter(town, companies, kind, "1").status_code == 200


def test_a_deleted_account_gets_no_reset(town: World, companies: Fake) -> None:
    headers = opened(town, companies)
    assert town.delete("/api/v1/users/me/account?reason=bored", headers=headers).status_code == 204
    town.post(f"{AUTH}/forgot-password", json={"email": EMAIL})
    assert tokens(town, "reset-password") == []


# ---- second factors


@pytest.mark.rule("hamsaya:43")
@pytest.mark.parametrize("kind", KINDS)
def test_a_second_factor_is_asked_for(town: World, companies: Fake, time: Time, kind: str) -> None:
    amina = guarded(town)
    assert link(town, companies, amina.person, kind, "1").status_code == 201
    sessions = counts(town)["user_sessions"]
    answer = enter(town, companies, kind, "1")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"requires_mfa", "challenge_id", "factors"}
    assert body["requires_mfa"] is True
    assert [factor["id"] for factor in body["factors"]] == [str(amina.factor_id)]
    assert counts(town)["user_sessions"] == sessions
    time.passes()
    done = answer_challenge(town, body["challenge_id"], amina.code())
    assert done.status_code == 200
    assert done.json()["user"]["id"] == str(amina.person.id)
    assert status(town, done.json()["access_token"]) == 200


@pytest.mark.rule("hamsaya:43")
def test_linking_by_address_does_not_skip_it(town: World, companies: Fake, time: Time) -> None:
    amina = guarded(town)
    body = enter(town, companies, "google", "1", amina.person.email).json()
    assert set(body) == {"requires_mfa", "challenge_id", "factors"}


def test_the_first_company_is_written_once(town: World, companies: Fake) -> None:
    amina = town.person("Amina")
    link(town, companies, amina, "google", "1")
    link(town, companies, amina, "apple", "2")

    async def look() -> str | None:
        async with town.app.db.read() as tx:
            return (await identity.get(tx, Me.system, amina.id)).oauth_provider

    assert town.go(look()) == "google"
