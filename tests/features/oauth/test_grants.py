"""What Apple gives us to keep, and that it is taken back when nobody needs it any more."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from majlis.app import sealer
from majlis.features.identity.facts import AccountDeleted
from majlis.features.oauth import handlers, store
from majlis.kit import clock, jobs
from majlis.kit.crypto import Unsealable
from majlis.vendors.oauth import ProviderUnavailable
from majlis.vendors.oauth.fake import BUNDLE_ID, REDIRECT, SERVICES_ID, Fake
from tests.features.identity.accounts import bearer, code
from tests.features.oauth.signing import IDENTITIES, OAUTH, counts, owned, proof, served_by
from tests.world import SECRET, World

EMAIL = "amina@example.org"
NEWER = "a-newer-secret-key-for-tests-9876543210"


def enter(
    world: World, companies: Fake, spent: str | None = None, email: str = EMAIL, **changes: Any
) -> httpx.Response:
    """The answer to somebody who signs in by Apple with a code."""
    body = proof(companies, "apple", "001.a", email, **changes)
    given = spent or companies.apple_code("001.a", changes.get("aud", BUNDLE_ID))
    return world.post(f"{OAUTH}/apple", json={**body, "authorization_code": given})


def kept(world: World) -> list[dict[str, Any]]:
    return world.sql("SELECT * FROM oauth_grants ORDER BY client_id")


def opened(world: World, row: dict[str, Any]) -> str:
    place = f"oauth_grants|refresh_token|{row['client_id']}|{row['subject']}"
    return world.app.sealer.open(row["refresh_token"], place).decode()


def leave(world: World, answer: httpx.Response) -> None:
    """Delete the account that was signed in to."""
    headers = bearer(answer.json()["access_token"])
    assert world.delete("/api/v1/users/me/account?reason=bored", headers=headers).status_code == 204


@pytest.mark.rule("hamsaya:39")
def test_the_code_becomes_a_token_that_lies_sealed(town: World, companies: Fake) -> None:
    answer = enter(town, companies)
    assert answer.status_code == 201, answer.text
    [row] = kept(town)
    [token] = companies.refresh_tokens
    assert opened(town, row) == token
    assert token not in str(row) and token not in answer.text
    assert (row["client_id"], row["subject"]) == (BUNDLE_ID, "001.a")
    assert str(row["user_id"]) == answer.json()["user"]["id"]
    with pytest.raises(Unsealable):  # in another's row it is worth nothing
        opened(town, {**row, "subject": "001.b"})


@pytest.mark.rule("hamsaya:39")
def test_a_deleted_account_is_revoked_at_apple(town: World, companies: Fake) -> None:
    answer = enter(town, companies)
    [token] = companies.refresh_tokens
    leave(town, answer)
    assert companies.revoked == []  # not inside the request
    town.drain()
    assert companies.revoked == [token]
    assert (counts(town)["oauth_grants"], counts(town)["user_identities"]) == (0, 0)


def deletion(answer: httpx.Response) -> AccountDeleted:
    """What is told of this account once it is deleted."""
    return AccountDeleted(UUID(answer.json()["user"]["id"]), EMAIL)


@pytest.mark.rule("hamsaya:39")
def test_deleting_does_not_wait_for_apple_and_is_tried_again(town: World, companies: Fake) -> None:
    answer = enter(town, companies)
    companies.fault = "down"
    leave(town, answer)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            town.go(handlers.forget(town.app, deletion(answer)))
    assert len(kept(town)) == 1
    companies.fault = None
    town.go(handlers.forget(town.app, deletion(answer)))
    town.go(handlers.forget(town.app, deletion(answer)))  # twice changes nothing
    assert kept(town) == []
    assert len(companies.revoked) == 1


def test_unlinking_is_revoked_at_apple(town: World, companies: Fake) -> None:
    amina = town.person("Amina")
    body = proof(companies, "apple", "001.a")
    body["authorization_code"] = companies.apple_code("001.a")
    made = town.post(f"{OAUTH}/apple/link", amina, json=owned(body))
    assert made.status_code == 201
    [token] = companies.refresh_tokens
    assert town.delete(f"{IDENTITIES}/{made.json()['id']}", amina).status_code == 204
    town.drain()
    assert (companies.revoked, kept(town)) == ([token], [])


def test_who_comes_back_before_the_job_runs_is_not_revoked(town: World, companies: Fake) -> None:
    leave(town, enter(town, companies))
    again = enter(town, companies)
    assert again.status_code == 201
    town.drain()
    [row] = kept(town)
    assert str(row["user_id"]) == again.json()["user"]["id"]
    assert companies.revoked == []


# ---- codes


@pytest.mark.rule("hamsaya:39")
def test_a_code_that_does_not_count_opens_nothing(town: World, companies: Fake) -> None:
    for spent in ("made-up", companies.apple_code("001.b"), companies.apple_code("001.a", SERVICES_ID)):
        answer = enter(town, companies, spent)
        assert (answer.status_code, code(answer)) == (401, "bad_provider_token")
    assert set(counts(town).values()) == {0}


def test_a_request_that_is_sent_again_passes_with_its_spent_code(town: World, companies: Fake) -> None:
    spent = companies.apple_code("001.a")
    assert enter(town, companies, spent).status_code == 201
    [row] = kept(town)
    assert enter(town, companies, spent).status_code == 200
    assert kept(town) == [row]


def test_a_later_code_replaces_the_token(town: World, companies: Fake) -> None:
    enter(town, companies)
    assert enter(town, companies).status_code == 200
    [row] = kept(town)
    assert opened(town, row) == list(companies.refresh_tokens)[-1]


def test_each_app_of_ours_has_its_own(town: World, companies: Fake) -> None:
    answer = enter(town, companies)
    web = companies.apple_code("001.a", SERVICES_ID, REDIRECT)
    assert enter(town, companies, web, aud=SERVICES_ID).status_code == 200
    assert [row["client_id"] for row in kept(town)] == [BUNDLE_ID, SERVICES_ID]
    leave(town, answer)
    town.drain()
    assert len(set(companies.revoked)) == 2


def test_a_refused_sign_in_leaves_the_code_alone(town: World, companies: Fake) -> None:
    amina = town.person("Amina", verified=False)
    spent = companies.apple_code("001.a")
    assert enter(town, companies, spent, amina.email).status_code == 409
    assert spent in companies.codes
    answer = enter(town, companies, spent, "")
    assert answer.status_code == 422
    assert spent in companies.codes


def test_without_a_code_nothing_is_kept(town: World, companies: Fake) -> None:
    answer = town.post(f"{OAUTH}/apple", json=proof(companies, "apple", "001.a", EMAIL))
    assert (answer.status_code, kept(town)) == (201, [])
    leave(town, answer)
    town.drain()
    assert companies.asked == ["/apple/auth/keys"]


def test_without_a_key_codes_are_left_alone(world: World, companies: Fake) -> None:
    served_by(world, companies, apple_team_id="", apple_key_id="", apple_private_key="")
    assert enter(world, companies).status_code == 201
    assert kept(world) == []


# ---- keys of ours


def keyed(world: World, keys: str) -> None:
    """Go on with these secret keys."""
    world.app.settings = msgspec.structs.replace(world.app.settings, secret_key=keys)
    world.app.sealer = sealer(world.app.settings)


def test_tokens_are_sealed_anew_under_a_newer_key(town: World, companies: Fake) -> None:
    answer = enter(town, companies)
    [token] = companies.refresh_tokens
    [before] = kept(town)
    keyed(town, f"{NEWER},{SECRET}")
    town.go(handlers.reseal(town.app))
    [after] = kept(town)
    assert after["refresh_token"] != before["refresh_token"]
    town.go(handlers.reseal(town.app))
    assert kept(town) == [after]
    keyed(town, NEWER)  # the older one can go
    leave(town, answer)
    town.drain()
    assert companies.revoked == [token]


@pytest.mark.parametrize("lost", [False, True])
def test_one_night_is_enough_however_many_there_are(town: World, companies: Fake, lost: bool) -> None:
    """Else the older key would be dropped, a day later, with tokens left under it."""
    amina = town.person("Amina")
    many = [(f"app{number:04}", "001.a") for number in range(1100)]

    async def keep(place: str) -> None:
        async with town.app.db.tx() as tx:
            for client_id, subject in many:
                sealed = town.app.sealer.seal(b"token", place.format(client_id, subject))
                await tx.run(store.KEEP_GRANT, client_id, subject, amina.id, sealed, clock.now())

    # Those that cannot be opened stand first, and keep none behind them from their turn.
    town.go(keep("oauth_grants|refresh_token|{}|{}"))
    if lost:
        town.sql("UPDATE oauth_grants SET refresh_token = refresh_token || 'A' WHERE client_id < 'app0600'")
    keyed(town, f"{NEWER},{SECRET}")
    town.go(handlers.reseal(town.app))
    keyed(town, NEWER)
    assert [opened(town, row) for row in kept(town)[600 if lost else 0 :]] == ["token"] * (
        500 if lost else 1100
    )


def test_a_token_under_a_lost_key_is_held_for_the_operator(town: World, companies: Fake) -> None:
    answer = enter(town, companies)
    leave(town, answer)
    keyed(town, NEWER)
    town.go(handlers.reseal(town.app))  # leaves what it cannot open
    with pytest.raises(jobs.Dropped, match="cannot be opened"):
        town.go(handlers.forget(town.app, deletion(answer)))
    assert len(kept(town)) == 1


def test_without_apples_settings_the_token_waits(town: World, companies: Fake) -> None:
    answer = enter(town, companies)
    leave(town, answer)
    served_by(town, companies, apple_client_ids="")
    with pytest.raises(ProviderUnavailable, match="not set up"):
        town.go(handlers.forget(town.app, deletion(answer)))
    served_by(town, companies)
    town.go(handlers.forget(town.app, deletion(answer)))
    assert len(companies.revoked) == 1
