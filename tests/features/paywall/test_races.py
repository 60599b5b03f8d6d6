"""Buying twice at once, and what is heard in any order. Every race is also run with its guard off."""

import asyncio
import random
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies as st

from majlis.features.paywall import service, store
from majlis.features.paywall.model import Bought, PaidFrom, SettingsBody
from majlis.features.posts import service as posts
from majlis.features.profiles import store as profiles
from majlis.kit.db import Query
from majlis.vendors.stripe_fake import Fake
from tests.features.orders.selling import outcomes, together
from tests.features.payments.paying import balanced, books, hear, post
from tests.features.paywall.selling import author, begun, reads, sold, subscribed
from tests.surfaces.compat.x18.people import ask
from tests.surfaces.compat.x18.posting import writer
from tests.waiting import behind, until_waiting
from tests.world import World

TIMES = 3


def buy_at_once(city: World) -> tuple[list[Any], int]:
    """What several requests of one buyer get for the same post, and how many payments were begun."""
    amina, karim = author(city), writer(city)
    post_id = UUID(sold(city, amina)["id"])

    async def run() -> list[Any]:
        async with city.app.db.tx() as holder:  # nobody begins a purchase before all are there
            await holder.run("LOCK TABLE purchases IN SHARE MODE")
            tasks = [
                asyncio.ensure_future(service.buy(city.app, karim.person.me, post_id)) for _ in range(TIMES)
            ]
            await until_waiting(city, TIMES, *tasks)
        return list(await asyncio.gather(*tasks))

    found = city.go(run())
    return found, len(city.sql("SELECT 1 FROM payments"))


@pytest.mark.rule("x18:R26")
def test_who_buys_twice_at_once_begins_one_payment(city: World, stripe: Fake) -> None:
    found, payments = buy_at_once(city)
    assert payments == 1 and len(city.sql("SELECT 1 FROM purchases")) == 1
    assert len({(one.id, one.client_secret) for one in found}) == 1


def test_without_the_constraint_they_would_be_several(city: World, stripe: Fake, monkeypatch: Any) -> None:
    """The control."""
    city.sql("ALTER TABLE purchases DROP CONSTRAINT purchases_once")
    without = store.BEGIN.sql.replace(
        "ON CONFLICT (user_id, post_id) DO UPDATE SET updated_at = excluded.updated_at", ""
    )
    assert without != store.BEGIN.sql
    monkeypatch.setattr(store, "BEGIN", Query(store.Bill, without))
    _, payments = buy_at_once(city)
    assert payments == TIMES


def late_success(town: World, stripe: Fake, monkeypatch: Any, guarded: bool) -> Any:
    """A payment succeeds between the first look of a second purchase and its payment."""
    amina, karim = author(town), writer(town)
    made = sold(town, amina)
    first = begun(town, karim, made["id"])
    looks, kept = [], service._kept

    async def look(tx: Any, purchase_id: UUID) -> Any:
        looks.append(purchase_id)
        if len(looks) == 1 or not guarded:
            return [] if len(looks) <= 2 else await kept(tx, purchase_id)
        return await kept(tx, purchase_id)

    stripe.do("pay", first["client_secret"].partition("_secret")[0])
    for event in stripe.take():
        assert post(town, event).status_code == 200
    town.drain()
    monkeypatch.setattr(service, "_kept", look)
    return karim, made, town.go(again(town, karim, made["id"]))


async def again(town: World, who: Any, post_id: str) -> Any:
    try:
        return await service.buy(town.app, who.person.me, UUID(post_id))
    except Bought as refused:
        return refused


def test_no_secret_is_handed_out_for_what_was_paid_meanwhile(
    town: World, stripe: Fake, monkeypatch: Any
) -> None:
    _, _, second = late_success(town, stripe, monkeypatch, guarded=True)
    assert isinstance(second, Bought)
    statuses = sorted(one["status"] for one in town.sql("SELECT status FROM payments"))
    assert statuses == ["canceled", "succeeded"]


def test_who_pays_twice_all_the_same_gets_one_of_it_back(town: World, stripe: Fake, monkeypatch: Any) -> None:
    """The control of the look that comes second, and what is done where even that was not enough."""
    karim, made, second = late_success(town, stripe, monkeypatch, guarded=False)
    assert not isinstance(second, Bought)
    stripe.do("pay", second.client_secret.partition("_secret")[0])
    hear(town, stripe)
    hear(town, stripe)
    assert reads(town, karim, made["id"])
    refunded = sorted(one["refunded"] for one in town.sql("SELECT refunded FROM payments"))
    assert refunded == [0, 499] and balanced(town, stripe)


# ---- prices of authors


def set_up_at_once(world: World) -> dict[str, Any]:
    """An author takes no money any more, and names another price, both at once; what a month costs then."""
    amina = world.person()

    def setting(**fields: Any) -> Any:
        async def set_up() -> Any:
            async with world.app.db.tx() as tx:
                return await service.set_up(tx, amina.me, SettingsBody(**fields))

        return set_up

    world.go(setting(enabled=True, price=500)())
    holding = "SELECT 1 FROM profiles WHERE id = $1 FOR UPDATE"
    found = together(world, holding, [amina.id], [setting(enabled=False), setting(price=700)])
    assert outcomes(found) == {"Settings": 2}
    (kept,) = world.sql(
        """SELECT monetization_enabled AS sells, subscription_price AS price,
          (SELECT count(*)::int FROM subscription_prices WHERE active) AS active FROM profiles WHERE id = $1""",
        amina.id,
    )
    return kept


def test_who_sells_no_more_does_not_sell_at_another_price(clone: World) -> None:
    assert set_up_at_once(clone) == {"sells": False, "price": 700, "active": 0}


def test_without_holding_the_profile_one_setting_undoes_the_other(clone: World, monkeypatch: Any) -> None:
    """The control."""
    monkeypatch.setattr(profiles, "HOLD_OFFER", profiles.OFFER)
    assert set_up_at_once(clone) != {"sells": False, "price": 700, "active": 0}


# ---- in any order

DEEDS = st.lists(
    st.sampled_from(["pay", "decline", "part", "whole", "refund", "renew", "lapse", "end", "hear"]),
    min_size=1,
    max_size=8,
)


@pytest.mark.rule("x18:R45")
@hypothesis.settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(deeds=DEEDS, seed=st.integers(0, 2**16))
def test_the_ledger_is_right_in_whatever_order_webhooks_come(
    town: World, stripe: Fake, deeds: list[str], seed: int
) -> None:
    chance = random.Random(seed)
    amina, karim, zahra = author(town), writer(town), writer(town)
    made = sold(town, amina)
    subscribed(town, stripe, zahra, amina)
    subscription = stripe.books.of("subscription")[-1]["id"]
    bill = begun(town, karim, made["id"])
    intent = bill["client_secret"].partition("_secret")[0]
    paid, given, over = False, 0, False
    held: list[Any] = []
    for deed in deeds:
        if deed == "pay" and not paid:
            stripe.do("pay", intent)
            paid = True
        elif deed == "decline" and not paid:
            stripe.do("decline", intent)
        elif deed in ("part", "whole") and paid and given < 499:
            amount = min(100, 499 - given) if deed == "part" else 499 - given
            stripe.do("give_back", intent, amount=amount)
            given += amount
        elif deed in ("renew", "lapse", "end") and not over:
            stripe.do(deed, subscription)
            over = deed == "end"
        elif deed == "hear":
            held += stripe.take(mixed=chance)
            while held and chance.random() < 0.8:
                assert post(town, held.pop(chance.randrange(len(held)))).status_code == 200
            town.drain()
            assert not any(sum_of(town)), "it sums to zero whenever anybody looks"
    held += stripe.take(mixed=chance)
    chance.shuffle(held)
    for event in held:
        assert post(town, event).status_code == 200
    town.drain()
    assert balanced(town, stripe)
    assert reads(town, karim, made["id"]) == (paid and given < 499)
    assert not over or not reads(town, zahra, made["id"])


def sum_of(town: World) -> list[int]:
    sums: dict[str, int] = {}
    for (_, currency), amount in books(town).items():
        sums[currency] = sums.get(currency, 0) + amount
    return list(sums.values())


def enclosed_while_edited(city: World) -> str:
    """What stands behind the paywall of a post that its author edits while it goes there."""
    amina = author(city)
    made = ask(city, "POST", "/api/posts", amina, json={"content": "before the edit"})
    post_id = UUID(made.json()["id"])

    async def enclose() -> None:
        async with city.app.db.tx() as tx:
            await service.enclose(tx, amina.person.me, post_id, PaidFrom(price=499))

    edit = "UPDATE posts SET description = 'as it was edited' WHERE id = $1"
    city.go(behind(city, edit, enclose(), args=(post_id,)))
    return str(city.sql("SELECT body FROM paid_posts WHERE post_id = $1", post_id)[0]["body"])


def test_what_is_edited_while_it_goes_behind_a_paywall_goes_there(city: World) -> None:
    assert enclosed_while_edited(city) == "as it was edited"


def test_without_holding_the_post_the_edit_would_be_lost(city: World, monkeypatch: Any) -> None:
    """The control."""
    monkeypatch.setattr(posts, "locked", posts.get)
    assert enclosed_while_edited(city) == "before the edit"
