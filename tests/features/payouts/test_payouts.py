"""Opening an account at Stripe, and being paid out."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from majlis.features.ledger import store as books_store
from majlis.features.payouts import handlers, service
from majlis.features.payouts.model import BalanceInsufficient
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import Fake
from tests.features.payments.paying import FEE, PAYMENTS, PRICE, balanced, books, hear, paid, refund
from tests.features.payments.test_races import held_back
from tests.world import Person, World

ACCOUNT, PAYOUTS = f"{PAYMENTS}/account", f"{PAYMENTS}/payouts"
EARNED = PRICE - FEE


def opened(world: World, stripe: Fake, who: Person) -> str:
    """An account at Stripe whose owner told who they are."""
    assert world.post(ACCOUNT, who, {"country": "DE"}).status_code == 201
    (*_, account) = stripe.books.of("v2.core.account")
    stripe.do("onboard", account["id"])
    hear(world, stripe)
    found: str = account["id"]
    return found


def test_onboarding_is_a_link_as_often_as_need_be(town: World, stripe: Fake) -> None:
    karim = town.person()
    first = town.post(ACCOUNT, karim, {"country": "DE"})
    assert first.status_code == 201, first.text
    assert set(first.json()) == {"url", "expires_at"}
    second = town.post(ACCOUNT, karim, {"country": "DE"})
    assert second.json()["url"] != first.json()["url"]
    (account,) = stripe.books.of("v2.core.account")
    assert (account["identity"], account["contact_email"]) == ({"country": "de"}, karim.email)
    assert town.get(ACCOUNT, karim).json()["status"] == "restricted"
    row = account["metadata"]["account"]
    assert list(stripe.keys) == [f"account-{row}", f"account-{row}-link-1", f"account-{row}-link-2"]


def test_an_account_becomes_active_and_may_be_restricted_again(town: World, stripe: Fake) -> None:
    karim = town.person()
    account = opened(town, stripe, karim)
    assert town.get(ACCOUNT, karim).json()["status"] == "active"
    stripe.do("restrict", account)
    hear(town, stripe)
    assert town.get(ACCOUNT, karim).json()["status"] == "restricted"


def test_accounts_are_refused_with_words(town: World, stripe: Fake, world: World) -> None:
    karim = town.person()
    assert town.get(ACCOUNT, karim).json()["error"]["code"] == "no_payout_account"
    for country in ("Germany", "de", "", 5):
        answer = town.post(ACCOUNT, karim, {"country": country})
        assert answer.status_code == 422
        assert [fault["field"] for fault in answer.json()["error"]["details"]] == ["country"]
    town.post(ACCOUNT, karim, {"country": "DE"})
    assert town.post(ACCOUNT, karim, {"country": "FR"}).json()["error"]["code"] == "other_country"
    stripe.fault = "down"
    assert town.post(ACCOUNT, karim, {"country": "DE"}).status_code == 502


def test_without_settings_it_says_so(world: World) -> None:
    answer = world.post(ACCOUNT, world.person(), {"country": "DE"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "payments_disabled")


def test_all_that_is_owed_is_paid_out(town: World, stripe: Fake) -> None:
    karim = town.person()
    account = opened(town, stripe, karim)
    paid(town, stripe, town.person(), karim)
    answer = town.post(PAYOUTS, karim, {"currency": "EUR"})
    assert (answer.status_code, answer.json()["amount"], answer.json()["status"]) == (
        201,
        EARNED,
        "requested",
    )
    assert (f"user:{karim.id}", "EUR") not in books(town)
    town.drain()
    (transfer,) = stripe.books.of("transfer")
    assert (transfer["amount"], transfer["destination"]) == (EARNED, account)
    assert [one["status"] for one in town.get(PAYOUTS, karim).json()["data"]] == ["paid"]
    assert balanced(town, stripe)
    assert stripe.books.balance["eur"] == FEE  # what stays is the platform's
    assert f"payout-{answer.json()['id']}" in stripe.keys


def test_a_part_is_paid_out_and_never_more_than_there_is(town: World, stripe: Fake) -> None:
    karim = town.person()
    opened(town, stripe, karim)
    paid(town, stripe, town.person(), karim)
    assert town.post(PAYOUTS, karim, {"currency": "EUR", "amount": 500}).status_code == 201
    for body in ({"currency": "EUR", "amount": 401}, {"currency": "USD"}):
        refused = town.post(PAYOUTS, karim, body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "balance_insufficient")
    for body, field in (
        ({"currency": "EUR", "amount": 0}, "amount"),
        ({"currency": "euro"}, "currency"),
        ({}, "currency"),
    ):
        refused = town.post(PAYOUTS, karim, body)
        assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]


def test_what_is_payable_later_is_not_paid_out(town: World, stripe: Fake) -> None:
    karim = town.person()
    opened(town, stripe, karim)
    paid(town, stripe, town.person(), karim, payable_from=clock.now() + timedelta(days=3))
    assert town.post(PAYOUTS, karim, {"currency": "EUR"}).status_code == 409


def test_only_who_told_stripe_who_they_are_is_paid_out(town: World, stripe: Fake) -> None:
    karim = town.person()
    paid(town, stripe, town.person(), karim)
    assert town.post(PAYOUTS, karim, {"currency": "EUR"}).status_code == 404
    town.post(ACCOUNT, karim, {"country": "DE"})
    assert town.post(PAYOUTS, karim, {"currency": "EUR"}).json()["error"]["code"] == "not_onboarded"


def test_a_payout_that_stripe_refuses_is_owed_again(town: World, stripe: Fake) -> None:
    karim = town.person()
    opened(town, stripe, karim)
    paid(town, stripe, town.person(), karim)
    stripe.books.balance["eur"] -= 500  # money that Stripe does not let go yet
    town.post(PAYOUTS, karim, {"currency": "EUR"})
    town.drain()
    (payout,) = town.get(PAYOUTS, karim).json()["data"]
    assert (payout["status"], payout["failure"]) == ("failed", "balance_insufficient")
    assert books(town)[f"user:{karim.id}", "EUR"] == EARNED
    stripe.books.balance["eur"] += 500
    assert balanced(town, stripe)


def test_once_a_day_everybody_gets_theirs(town: World, stripe: Fake) -> None:
    karim, zohra, other = town.person(), town.person(), town.person()
    for who in (karim, zohra):
        opened(town, stripe, who)
        paid(town, stripe, town.person(), who)
    paid(town, stripe, town.person(), karim, reference="2", currency="USD")
    paid(town, stripe, town.person(), other)
    town.go(handlers.pay_out(town.app))
    town.drain()
    assert sorted(one["amount"] for one in stripe.books.of("transfer")) == [EARNED] * 3
    assert books(town)[f"user:{other.id}", "EUR"] == EARNED
    town.go(handlers.pay_out(town.app))
    assert town.drain() == 0
    assert balanced(town, stripe)


def test_given_back_after_it_was_paid_out_is_owed_by_the_payee(town: World, stripe: Fake) -> None:
    karim = town.person()
    opened(town, stripe, karim)
    payment = paid(town, stripe, town.person(), karim)
    paid(town, stripe, town.person())  # the platform has money of its own
    town.post(PAYOUTS, karim, {"currency": "EUR"})
    refund(town, payment.id, "1")
    town.drain()
    assert town.get(f"{PAYMENTS}/balance", karim).json()["data"][0]["available"] == -EARNED
    assert balanced(town, stripe)
    assert town.post(PAYOUTS, karim, {"currency": "EUR"}).status_code == 409


def test_what_was_not_sent_is_sent_once(town: World, stripe: Fake) -> None:
    karim = town.person()
    opened(town, stripe, karim)
    paid(town, stripe, town.person(), karim)
    made = town.post(PAYOUTS, karim, {"currency": "EUR"}).json()
    stripe.fault = "lost"
    with pytest.raises(Exception, match="do not answer"):
        town.drain()
    stripe.fault = None
    stripe.keys.clear()  # Stripe forgets keys after a day
    with clock.shifted(timedelta(days=2)):
        town.go(handlers.look_again(town.app))
    (transfer,) = stripe.books.of("transfer")
    assert transfer["metadata"] == {"payout": made["id"]}
    assert balanced(town, stripe)


def test_payouts_are_ones_own(town: World, stripe: Fake) -> None:
    karim = town.person()
    opened(town, stripe, karim)
    for number in range(3):
        paid(town, stripe, town.person(), karim, reference=str(number))
        town.post(PAYOUTS, karim, {"currency": "EUR"})
    first = town.get(PAYOUTS, karim, params={"limit": 2}).json()
    rest = town.get(PAYOUTS, karim, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert len(first["data"]) == 2 and len(rest["data"]) == 1
    assert town.get(PAYOUTS, town.person()).json()["data"] == []


# ---- at once


def at_once(city: World, stripe: Fake) -> list[Any]:
    """How several payouts of everything at the same moment ended."""
    karim = city.person()
    opened(city, stripe, karim)
    paid(city, stripe, city.person(), karim)

    async def ask() -> Any:
        async with city.app.db.tx() as tx:
            return await service.pay_out(tx, karim.me, "EUR", None)

    return city.go(held_back(city, "payouts", [ask] * 3))


def test_payouts_at_once_pay_out_once(city: World, stripe: Fake) -> None:
    found = at_once(city, stripe)
    assert sorted(type(one).__name__ for one in found) == [
        "BalanceInsufficient",
        "BalanceInsufficient",
        "Payout",
    ]
    city.drain()
    assert balanced(city, stripe) and stripe.books.balance["eur"] == FEE


def test_control_without_the_lock_more_is_paid_out_than_is_owed(
    city: World, stripe: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = books_store.HOLD_ACCOUNT.sql.replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(books_store, "HOLD_ACCOUNT", Query(books_store.HOLD_ACCOUNT.row, unlocked))
    found = at_once(city, stripe)
    assert not any(isinstance(one, BalanceInsufficient) for one in found)
    assert len(city.sql("SELECT 1 FROM payouts")) == 3


def test_a_payout_sent_by_two_workers_at_once_is_one(city: World, stripe: Fake) -> None:
    found = at_once(city, stripe)
    (payout,) = [one for one in found if not isinstance(one, Exception)]

    async def send() -> None:
        await asyncio.gather(*(service.send(city.app, Me.system, payout.id) for _ in range(3)))

    city.go(send())
    assert len(stripe.books.of("transfer")) == 1
    assert balanced(city, stripe)
