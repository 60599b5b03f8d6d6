"""First sign-ins at the same moment. Every race is also run with its guard off, where it must go wrong."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from majlis.features.identity import service as identity
from majlis.features.identity import store as accounts
from majlis.features.oauth import store
from majlis.features.sessions import service as sessions
from majlis.kit import facts, jobs
from majlis.kit.db import Query
from majlis.kit.me import Me
from majlis.vendors.oauth.fake import Fake
from tests.features.identity.accounts import bearer, code
from tests.features.oauth.signing import IDENTITIES, OAUTH, counts, owned, proof
from tests.waiting import until_waiting
from tests.world import PASSWORD, World

EMAIL = "amina@example.org"
TIMES = 5


async def held_back(world: World, table: str, requests: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """One request after the other comes to where it waits to write to this table, or for those before it."""
    async with world.app.db.tx() as holder:
        await holder.run(f"LOCK TABLE {table} IN SHARE MODE")
        tasks = []
        for request in requests:
            tasks.append(asyncio.ensure_future(request()))
            await until_waiting(world, len(tasks), *tasks)
    return list(await asyncio.gather(*tasks))


def asking(world: World, kind: str, body: dict[str, Any]) -> Callable[[], Awaitable[httpx.Response]]:
    return lambda: world.http.post(f"{OAUTH}/{kind}", json=body)


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


# ---- the same person, several times


@pytest.mark.rule("hamsaya:41", "hamsaya:38")
def test_first_sign_ins_at_once_open_one_account(city: World, companies: Fake) -> None:
    body = proof(companies, "google", "1", EMAIL)
    answers = city.go(held_back(city, "users", [asking(city, "google", body)] * TIMES))
    assert statuses(answers) == {201: 1, 200: TIMES - 1}
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1
    found = counts(city)
    assert (found["users"], found["profiles"], found["user_identities"]) == (1, 1, 1)
    assert found["user_sessions"] == TIMES


def moving(companies: Fake) -> list[dict[str, Any]]:
    """The same subject under one address after the other, so that only the subject tells who it is."""
    return [proof(companies, "google", "1", f"amina{number}@example.org") for number in range(TIMES)]


def unguarded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the unique key."""
    world.sql("ALTER TABLE user_identities DROP CONSTRAINT user_identities_subject")
    plain = store.ADD.sql.replace("ON CONFLICT (issuer, subject) DO NOTHING", "")
    monkeypatch.setattr(store, "ADD", Query(store.ADD.row, plain))


@pytest.mark.rule("hamsaya:41")
def test_one_subject_is_one_account_whatever_its_address(city: World, companies: Fake) -> None:
    requests = [asking(city, "google", body) for body in moving(companies)]
    answers = city.go(held_back(city, "user_identities", requests))
    assert statuses(answers) == {201: 1, 200: TIMES - 1}
    found = counts(city)
    assert (found["users"], found["profiles"], found["user_identities"]) == (1, 1, 1)


def test_control_without_the_key_it_becomes_several(
    city: World, companies: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded(city, monkeypatch)
    requests = [asking(city, "google", body) for body in moving(companies)]
    answers = city.go(held_back(city, "user_identities", requests))
    assert statuses(answers) == {201: TIMES}
    assert (counts(city)["users"], counts(city)["user_identities"]) == (TIMES, TIMES)


@pytest.mark.rule("hamsaya:42")
def test_two_companies_at_once_are_one_account_with_two_identities(city: World, companies: Fake) -> None:
    requests = [asking(city, kind, proof(companies, kind, "1", EMAIL)) for kind in ("google", "apple")]
    answers = city.go(held_back(city, "users", requests))
    assert statuses(answers) == {201: 1, 200: 1}
    assert (counts(city)["users"], counts(city)["user_identities"]) == (1, 2)


def test_registering_at_the_same_moment_is_not_entered_unconfirmed(city: World, companies: Fake) -> None:
    """Whoever is first has the address; the other one hears of it."""
    register = {"email": EMAIL, "password": "Kabul-2026!"}
    requests: list[Callable[[], Awaitable[Any]]] = [
        asking(city, "google", proof(companies, "google", "1", EMAIL)),
        lambda: city.http.post("/api/v1/auth/register", json=register),
    ]
    answers = city.go(held_back(city, "users", requests))
    assert statuses(answers) == {201: 1, 409: 1}
    assert counts(city)["users"] == 1


# ---- leaving while signing in


OPEN = "SELECT 1 FROM user_sessions s JOIN users u ON u.id = s.user_id WHERE u.deleted_at IS NOT NULL AND NOT s.revoked"


def enter_while_leaving(city: World, companies: Fake) -> tuple[str, httpx.Response]:
    """The account of a deletion on its way, and the answer to a sign-in by its identity that comes then."""
    first = city.post(f"{OAUTH}/google", json=proof(companies, "google", "1", EMAIL)).json()
    path, headers = "/api/v1/users/me/account?reason=bored", bearer(first["access_token"])
    requests: list[Callable[[], Awaitable[Any]]] = [
        lambda: city.http.delete(path, headers=headers),
        asking(city, "google", proof(companies, "google", "1", EMAIL)),
    ]
    left, entered = city.go(held_back(city, "account_deletion_reasons", requests))
    assert left.status_code == 204
    return first["user"]["id"], entered


def test_nobody_enters_an_account_that_is_being_deleted(city: World, companies: Fake) -> None:
    gone, entered = enter_while_leaving(city, companies)
    assert entered.status_code == 201
    assert entered.json()["user"]["id"] != gone
    assert city.sql(OPEN) == []
    city.go(jobs.drain(city.app, city.app.db, facts.registry))
    assert [str(row["user_id"]) for row in city.sql("SELECT user_id FROM user_identities")] == [
        entered.json()["user"]["id"]
    ]


def test_control_without_the_lock_the_sign_in_ends_nowhere(
    city: World, companies: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = accounts.HOLD.sql.replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(accounts, "HOLD", Query(accounts.HOLD.row, unlocked))
    _, entered = enter_while_leaving(city, companies)
    assert entered.status_code == 404  # it found the account, and then found it gone


# ---- a reset of the password while signing in


@pytest.mark.rule("hamsaya:42")
def test_who_claimed_anothers_address_does_not_slip_in_behind_the_owners_reset(
    city: World, companies: Fake
) -> None:
    """What was found before the account could be held is looked at again."""
    body = proof(companies, "facebook", "1", EMAIL)
    user_id = UUID(city.post(f"{OAUTH}/facebook", json=body).json()["user"]["id"])

    async def race() -> httpx.Response:
        hashed = await identity.hash_password(PASSWORD)
        async with city.app.db.tx() as tx:
            await identity.set_password(tx, Me.system, user_id, hashed)
            await sessions.revoke(city.app, tx, Me.system, user_id, reason="password reset")
            entering = asyncio.ensure_future(city.http.post(f"{OAUTH}/facebook", json=body))
            await until_waiting(city, 1, entering)
        return await entering

    answer = city.go(race())
    assert (answer.status_code, code(answer)) == (409, "link_required")
    assert city.sql("SELECT 1 FROM user_sessions WHERE NOT revoked") == []


# ---- the same link, several times


def test_linking_at_once_links_once(city: World, companies: Fake) -> None:
    amina = city.person("Amina")
    body = owned(proof(companies, "google", "1"))

    async def at_once() -> list[httpx.Response]:
        path = f"{OAUTH}/google/link"
        asked = (city.http.post(path, json=body, headers=amina.auth) for _ in range(TIMES))
        return list(await asyncio.gather(*asked))

    assert statuses(city.go(at_once())) == {201: 1, 200: TIMES - 1}
    assert counts(city)["user_identities"] == 1


def test_two_owners_who_link_the_same_at_once_do_not_share_it(city: World, companies: Fake) -> None:
    people = [city.person() for _ in range(TIMES)]
    body = owned(proof(companies, "google", "1"))
    path = f"{OAUTH}/google/link"
    requests: list[Callable[[], Awaitable[Any]]] = [
        lambda who=who: city.http.post(path, json=body, headers=who.auth)  # type: ignore[misc]
        for who in people
    ]
    assert statuses(city.go(held_back(city, "user_identities", requests))) == {201: 1, 409: TIMES - 1}


def test_of_two_ways_in_one_stays(city: World, companies: Fake) -> None:
    """Each of the two could go while the other is there."""
    first = city.post(f"{OAUTH}/google", json=proof(companies, "google", "1", EMAIL)).json()
    headers = bearer(first["access_token"])
    assert city.post(f"{OAUTH}/apple/link", headers=headers, json=proof(companies, "apple", "2")).is_success
    paths = [f"{IDENTITIES}/{one['id']}" for one in city.get(IDENTITIES, headers=headers).json()["data"]]

    async def at_once() -> list[httpx.Response]:
        return list(await asyncio.gather(*(city.http.delete(path, headers=headers) for path in paths)))

    assert statuses(city.go(at_once())) == {204: 1, 409: 1}
    assert counts(city)["user_identities"] == 1
