"""Bank accounts through Plaid, whose stand-in speaks its documented API over HTTP with a real key."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from majlis.features.bank import handlers, service, store
from majlis.features.bank.facts import BankRetired
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.settings import BadSettings, Settings, unsafe
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.vendors import plaid
from majlis.vendors.plaid_fake import BANK as PLATYPUS
from majlis.vendors.plaid_fake import CARD, CHECKING, SAVINGS, Fake
from tests.access_x18 import through
from tests.features.bank.banking import (
    ACCOUNTS,
    BANK,
    connected,
    exchange,
    listed,
    only_item,
    rows,
    served_by,
    somebody,
    told,
)
from tests.features.exports.living import leave
from tests.features.queries import counted
from tests.waiting import until_waiting
from tests.world import World

NOTHING = {"bank_items": 0, "bank_accounts": 0, "bank_removals": 0}


# ---- connecting


@pytest.mark.rule("sioree:R14")
def test_a_link_token_names_the_app_and_the_person(town: World, banks: Fake) -> None:
    amina = somebody(town)
    answer = town.post(f"{BANK}/link-token", amina)
    assert answer.status_code == 200
    assert answer.json().keys() == {"linkToken", "expiration"}
    ((path, sent),) = banks.asked
    assert path == "/link/token/create"
    assert sent == {
        "client_name": "Sioree",
        "products": ["auth", "transactions"],
        "country_codes": ["US"],
        "language": "en",
        "user": {"client_user_id": str(amina.id)},
        "webhook": "http://127.0.0.1:8080/sioree/api/webhooks/plaid",
    }


@pytest.mark.rule("sioree:R15", "sioree:R16", "sioree:D6")
@pytest.mark.parametrize("named", [True, False])
def test_every_checking_and_savings_account_is_kept(town: World, banks: Fake, named: bool) -> None:
    banks.named = named
    amina = somebody(town)
    first = connected(town, banks, amina, CARD, CHECKING, SAVINGS)
    assert first.keys() == {"id", "bankName", "accountType", "last4", "isVerified", "createdAt"}
    assert (first["bankName"], first["accountType"], first["last4"]) == (PLATYPUS, "checking", "0000")
    assert first["isVerified"] is True
    assert sorted(one["last4"] for one in listed(town, amina)) == ["0000", "1111"]
    assert first in listed(town, amina)
    assert listed(town, somebody(town, "Farid")) == []


@pytest.mark.rule("sioree:R8", "sioree:R15", "sioree:D9")
def test_access_tokens_are_sealed_with_their_place(town: World, banks: Fake) -> None:
    connected(town, banks, somebody(town))
    (token,) = banks.items
    ((row),) = town.sql("SELECT id, access_token FROM bank_items")
    version, kid, _ = row["access_token"].split(":")
    assert (version, kid) == ("v1", town.app.sealer.kid)
    place = f"bank_items|access_token|{row['id']}"
    assert town.app.sealer.open(row["access_token"], place).decode() == token


def test_a_login_without_a_fitting_account_leaves_nothing(town: World, banks: Fake) -> None:
    amina = somebody(town)
    answer = exchange(town, amina, banks.link(CARD))
    assert (answer.status_code, answer.json()["error"]) == (422, "no_supported_account")
    assert listed(town, amina) == []
    town.drain()
    assert banks.items == {} and rows(town) == NOTHING


def test_a_public_token_counts_once_and_for_half_an_hour(town: World, banks: Fake) -> None:
    amina = somebody(town)
    spent = banks.link()
    assert exchange(town, amina, spent).status_code == 200
    late = banks.link()
    banks.public[late]["until"] = clock.now() - timedelta(seconds=1)
    for token in (spent, late, "made-up"):
        answer = exchange(town, amina, token)
        assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed")
    for body in ({}, {"publicToken": ""}, {"publicToken": 1}):
        assert town.post(f"{BANK}/exchange-token", amina, body or {"x": 1}).status_code == 400
    assert len(listed(town, amina)) == 1


@pytest.mark.parametrize("fault", ["down", "html"])
@pytest.mark.parametrize("path", ["/item/public_token", "/accounts/get", "/institutions"])
def test_faults_of_plaid_leave_nothing_half_connected(
    town: World, banks: Fake, fault: str, path: str
) -> None:
    amina = somebody(town)
    banks.named = False
    banks.fault, banks.faulty = fault, path
    answer = exchange(town, amina, banks.link())
    assert (answer.status_code, answer.json()["error"]) == (502, "provider_error")
    assert listed(town, amina) == []
    banks.fault = None
    town.drain()
    assert banks.items == {} and rows(town) == NOTHING


def test_a_slow_plaid_is_given_up(town: World, banks: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.app.plaid._wire, "_timeout_s", 0.05)  # type: ignore[attr-defined]
    banks.fault = "slow"
    amina = somebody(town)
    for path in ("link-token", "exchange-token"):
        answer = town.post(f"{BANK}/{path}", amina, {"publicToken": "public-sandbox-1"})
        assert (answer.status_code, answer.json()["error"]) == (502, "provider_error")


def test_a_login_that_was_never_finished_is_ended(town: World, banks: Fake) -> None:
    amina = somebody(town)
    banks.link()
    token = "access-sandbox-orphan"
    (public,) = banks.public.values()
    banks.items[token] = public["item"]

    async def cut() -> None:
        """What a process does that dies between the token and the accounts."""
        made = plaid.Exchanged(token, public["item"]["item_id"])
        await service._keep(town.app, amina.me, amina.id, made)

    town.go(cut())
    assert listed(town, amina) == []
    town.go(handlers.tidy(town.app))
    assert rows(town)["bank_items"] == 1, "it may still be under way"
    with clock.shifted(timedelta(minutes=16)):
        town.go(handlers.tidy(town.app))
    town.drain()
    assert banks.items == {} and rows(town) == NOTHING


# ---- removing


@pytest.mark.rule("sioree:R16", "sioree:D6")
def test_the_login_ends_with_its_last_account(town: World, banks: Fake) -> None:
    amina = somebody(town)
    connected(town, banks, amina, CHECKING, SAVINGS)
    one, other = listed(town, amina)
    assert town.delete(f"{ACCOUNTS}/{one['id']}", amina).json() == {"success": True}
    town.drain()
    assert listed(town, amina) == [other] and len(banks.items) == 1
    assert town.delete(f"{ACCOUNTS}/{other['id']}", amina).status_code == 200
    town.drain()
    assert banks.items == {} and rows(town) == NOTHING
    again = town.delete(f"{ACCOUNTS}/{other['id']}", amina)
    assert (again.status_code, again.json()["error"]) == (404, "account_not_found")


def test_nobody_removes_what_is_another_persons(town: World, banks: Fake) -> None:
    amina, farid = somebody(town), somebody(town, "Farid")
    account = connected(town, banks, amina)
    assert town.delete(f"{ACCOUNTS}/{account['id']}", farid).status_code == 404
    assert listed(town, amina) == [account]


def test_a_public_token_of_another_persons_login_connects_nothing(town: World, banks: Fake) -> None:
    amina, farid = somebody(town), somebody(town, "Farid")
    connected(town, banks, amina)
    answer = exchange(town, farid, banks.relink(only_item(banks)))
    assert answer.status_code == 400
    town.drain()
    assert listed(town, farid) == [] and len(banks.items) == 1


def test_an_ending_is_tried_until_plaid_hears_it(town: World, banks: Fake) -> None:
    amina = somebody(town)
    account = connected(town, banks, amina)
    town.delete(f"{ACCOUNTS}/{account['id']}", amina)
    town.sql("DELETE FROM pgqueuer RETURNING 1")  # the job is lost
    with clock.shifted(timedelta(hours=7)):
        town.go(handlers.tidy(town.app))
    town.drain()
    assert banks.items == {} and rows(town) == NOTHING
    town.go(handlers.end(town.app, BankRetired(amina.id)))  # of what is ended already


def removed_at_once(city: World, banks: Fake) -> None:
    """Two accounts of a login are removed; neither ends before both looked or wait for the other to end."""
    amina = somebody(city)
    connected(city, banks, amina, CHECKING, SAVINGS)
    ids = [one["id"] for one in listed(city, amina)]
    city.sql(
        """CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$"""
    )
    city.sql(  # deferred: it stands still at its end, with all that it asked behind it
        """CREATE CONSTRAINT TRIGGER pause AFTER DELETE ON bank_accounts DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION pause()"""
    )

    async def run() -> list[int]:
        async with city.app.db.tx() as tx:
            await tx.run("SELECT pg_advisory_xact_lock(1)")
            asked = [
                asyncio.ensure_future(city.http.delete(f"{ACCOUNTS}/{one}", headers=amina.auth))
                for one in ids
            ]
            await until_waiting(city, 2, *asked)
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert city.go(run()) == [200, 200]
    city.drain()
    assert rows(city)["bank_accounts"] == 0


def test_two_removals_at_once_end_the_login(city: World, banks: Fake) -> None:
    removed_at_once(city, banks)
    assert banks.items == {} and rows(city) == NOTHING


def test_control_without_the_lock_the_login_goes_on(
    city: World, banks: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = store.ITEM_OF.sql.replace("FOR UPDATE", "")
    assert loose != store.ITEM_OF.sql
    monkeypatch.setattr(store, "ITEM_OF", Query(UUID, loose))
    removed_at_once(city, banks)
    assert len(banks.items) == 1


@pytest.mark.rule("sioree:R16")
def test_whoever_leaves_takes_back_what_was_allowed(town: World, banks: Fake) -> None:
    amina = town.person("Amina")
    here = through(town, amina, AUDIENCE)
    connected(town, banks, here)
    connected(town, banks, here, SAVINGS, bank="Tartan Bank")
    leave(town, amina)
    assert banks.items == {} and rows(town) == NOTHING


# ---- webhooks


@pytest.mark.rule("sioree:R17")
def test_a_bank_that_wants_a_new_login(town: World, banks: Fake) -> None:
    amina = somebody(town)
    connected(town, banks, amina)
    item = only_item(banks)
    banks.require_login(item)
    delivery = banks.login_required(item)
    for _ in range(2):  # Plaid may say it twice
        assert told(town, delivery).json() == {"success": True}
        assert [one["isVerified"] for one in listed(town, amina)] == [False]
        town.drain()
        assert [one["isVerified"] for one in listed(town, amina)] == [False]
    assert town.post(f"{BANK}/link-token", amina).status_code == 200
    path, sent = banks.asked[-1]
    (token,) = banks.items
    assert (path, sent["access_token"], "products" in sent) == ("/link/token/create", token, False)
    renewed = exchange(town, amina, banks.relink(item))
    assert renewed.json()["account"]["isVerified"] is True
    assert len(listed(town, amina)) == 1
    assert "products" in _link_sent(town, banks, amina)


def _link_sent(town: World, banks: Fake, who: Any) -> dict[str, Any]:
    assert town.post(f"{BANK}/link-token", who).status_code == 200
    return dict(banks.asked[-1][1])


@pytest.mark.rule("sioree:R17")
def test_what_plaid_says_now_counts_whatever_order_it_was_told_in(town: World, banks: Fake) -> None:
    amina = somebody(town)
    connected(town, banks, amina)
    item = only_item(banks)
    banks.require_login(item)
    late = banks.login_required(item)
    banks.relink(item)
    assert told(town, banks.webhook("LOGIN_REPAIRED", item)).status_code == 200
    assert told(town, late).status_code == 200
    town.drain()
    assert [one["isVerified"] for one in listed(town, amina)] == [True]


@pytest.mark.rule("sioree:R17")
def test_what_was_taken_back_at_the_bank_is_dropped(town: World, banks: Fake) -> None:
    amina = somebody(town)
    connected(town, banks, amina, CHECKING, SAVINGS)
    item = only_item(banks)
    banks.revoke(item)
    delivery = banks.webhook("USER_PERMISSION_REVOKED", item)
    for _ in range(2):
        assert told(town, delivery).status_code == 200
        assert listed(town, amina) == []
    town.drain()
    assert rows(town) == NOTHING


def test_a_login_that_is_over_is_found_when_it_is_asked_for(town: World, banks: Fake) -> None:
    amina = somebody(town)
    connected(town, banks, amina)
    item = only_item(banks)
    banks.revoke(item)
    assert told(town, banks.login_required(item)).status_code == 200
    assert town.post(f"{BANK}/link-token", amina).status_code == 200
    assert listed(town, amina) == []
    town.drain()
    assert rows(town) == NOTHING


@pytest.mark.rule("sioree:R17")
def test_only_what_plaid_signed_just_now_is_believed(town: World, banks: Fake) -> None:
    amina = somebody(town)
    connected(town, banks, amina)
    body, headers = banks.webhook("USER_PERMISSION_REVOKED", only_item(banks))
    now = clock.now().timestamp()
    other = banks.kid
    current = banks.new_key()
    stranger = Fake()  # whose keys Plaid does not know
    stranger.server_close()
    signatures = {
        "none": "",
        "not a token": "a.b.c",
        "old": banks.signature(body, at=now - 301),
        "to come": banks.signature(body, at=now + 120),
        "another body": banks.signature(body + b" "),
        "no hash": banks.signature(body, request_body_sha256=None),
        "no time": banks.signature(body, iat=None),
        "a stranger's": stranger.signature(body),
        "too long": "a" * 5000,
        "another algorithm": _hmac(body, current),
    }
    for why, signature in signatures.items():
        answer = told(town, (body, {**headers, "Plaid-Verification": signature}))
        assert (answer.status_code, answer.json()["error"]) == (401, "bad_signature"), why
    banks.expired.add(other)
    assert (
        told(town, (body, {**headers, "Plaid-Verification": banks.signature(body, kid=other)})).status_code
        == 401
    )
    assert len(listed(town, amina)) == 1
    fine = {**headers, "Plaid-Verification": banks.signature(body, at=clock.now().timestamp() - 240)}
    assert told(town, (body, fine)).status_code == 200
    assert listed(town, amina) == []


def _hmac(body: bytes, kid: str) -> str:
    claims = {"iat": int(clock.now().timestamp()), "request_body_sha256": hashlib.sha256(body).hexdigest()}
    return jwt.encode(claims, "a-secret-that-anybody-may-choose-for-this", "HS256", headers={"kid": kid})


@pytest.mark.rule("sioree:R17")
def test_the_key_is_asked_for_once_a_day(town: World, banks: Fake) -> None:
    delivery = banks.webhook("DEFAULT_UPDATE", "unknown", kind="TRANSACTIONS")
    for _ in range(3):
        assert told(town, delivery).status_code == 200
    assert [path for path, _ in banks.asked] == ["/webhook_verification_key/get"]
    with clock.shifted(timedelta(hours=25)):
        assert told(town, banks.webhook("DEFAULT_UPDATE", "unknown", kind="TRANSACTIONS")).status_code == 200
    assert len(banks.asked) == 2


def test_made_up_keys_cost_plaid_few_questions(town: World, banks: Fake) -> None:
    body, headers = banks.webhook("ERROR", "unknown")
    strangers = [banks.new_key() for _ in range(40)]
    signatures = [banks.signature(body, kid=kid) for kid in strangers]
    for kid in strangers:
        del banks.keys[kid]
    for signature in signatures:
        assert told(town, (body, {**headers, "Plaid-Verification": signature})).status_code == 401
    assert len(banks.asked) == 30


@pytest.mark.settings(rate_limits="on")
def test_plaid_may_tell_as_much_as_it_likes(town: World, banks: Fake) -> None:
    delivery = banks.webhook("DEFAULT_UPDATE", "unknown", kind="TRANSACTIONS")
    assert {told(town, delivery).status_code for _ in range(650)} == {200}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"webhook_type": 1}', b'{"item_id": "x"}'])
def test_a_signed_body_that_is_no_webhook(town: World, banks: Fake, body: bytes) -> None:
    headers = {"Plaid-Verification": banks.signature(body), "Content-Type": "application/json"}
    answer = told(town, (body, headers))
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_payload")


def test_without_the_key_plaid_has_to_tell_again(town: World, banks: Fake) -> None:
    banks.fault = "down"
    assert told(town, banks.webhook("ERROR", "unknown")).status_code == 502


# ---- settings, queries


@pytest.mark.rule("sioree:D8", "sioree:R17")
def test_without_settings_there_are_no_banks(world: World, banks: Fake) -> None:
    amina = somebody(world)
    for path in ("link-token", "exchange-token"):
        answer = world.post(f"{BANK}/{path}", amina, {"publicToken": "x"})
        assert (answer.status_code, answer.json()["error"]) == (503, "provider_not_configured")
    assert told(world, banks.webhook("ERROR", "x")).status_code == 503
    assert listed(world, amina) == []


@pytest.mark.rule("sioree:R17")
def test_settings() -> None:
    def opened(**values: Any) -> Any:
        return plaid.from_settings(Settings(**values))

    both = {"plaid_client_id": "a", "plaid_secret": "b"}
    assert opened(**both)._base == "https://sandbox.plaid.com"
    assert opened(**both, plaid_env="production")._base == "https://production.plaid.com"
    for wrong in ({"plaid_secret": "b"}, {"plaid_client_id": "a"}, {**both, "plaid_url": "plaid.com"}):
        with pytest.raises(BadSettings):
            opened(**wrong)
    assert any("PLAID_URL" in line for line in unsafe(Settings(plaid_url="http://plaid.example")))


def test_a_wrong_secret_is_the_operators_matter(world: World, banks: Fake) -> None:
    served_by(world, banks, plaid_secret="wrong")
    answer = world.post(f"{BANK}/link-token", somebody(world))
    assert (answer.status_code, answer.json()["error"]) == (502, "provider_error")


def test_a_list_costs_one_query(town: World, banks: Fake) -> None:
    amina = somebody(town)
    costs = []
    for _ in range(2):
        connected(town, banks, amina, CHECKING, SAVINGS)
        with counted(town) as queries:
            listed(town, amina)
        costs.append(len(queries))
    assert costs[0] == costs[1]
