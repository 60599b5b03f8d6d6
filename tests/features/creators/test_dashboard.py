"""What authors earn, as the ledger has it."""

from datetime import timedelta
from typing import Any

import pytest

from majlis.kit import clock
from majlis.vendors.stripe_fake import Fake
from tests.features.payments.paying import hear, paid
from tests.features.paywall.selling import author, bought, sold, subscribed
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import ask, refused
from tests.surfaces.compat.x18.posting import Writer, writer
from tests.world import World

PATH = "/api/v1/creators/me/dashboard"


def board(world: World, who: Writer, **params: Any) -> Any:
    answer = world.get(PATH, who.person, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.rule("x18:R45")
@pytest.mark.settings(creator_fee_percent=10)
def test_earnings_by_day_and_by_post_without_fees_and_what_was_given_back(town: World, stripe: Fake) -> None:
    amina, karim, zahra = author(town), writer(town), writer(town)
    first, second = sold(town, amina, "10.00"), sold(town, amina, "2.00")
    with clock.shifted(timedelta(days=-2)):
        bought(town, stripe, karim, second["id"])
    for who in (karim, zahra):
        bought(town, stripe, who, first["id"])
    subscribed(town, stripe, karim, amina)
    paid(town, stripe, karim.person, amina.person, purpose="test.gift")  # earned otherwise
    found = board(town, amina)
    assert found["earned"] == [{"currency": "USD", "amount": 180 + 1800 + 450}]
    assert [(one["posts"], one["subscriptions"]) for one in found["earnings"]] == [(180, 0), (1800, 450)]
    top = [(one["post_id"], one["amount"], one["sales"]) for one in found["top_posts"]]
    assert top == [(first["id"], 1800, 2), (second["id"], 180, 1)]
    assert board(town, amina, days=1)["earned"] == [{"currency": "USD", "amount": 2250}]

    (sale, *_) = town.get("/api/v1/creators/me/sales", amina.person).json()["data"]
    town.post(f"/api/v1/creators/me/sales/{sale['id']}/refund", amina.person)
    town.drain()
    hear(town, stripe)
    assert board(town, amina)["earned"] == [{"currency": "USD", "amount": 180 + 900 + 450}]
    assert board(town, karim)["earned"] == [] and board(town, karim)["top_posts"] == []


def test_the_same_at_the_x18_door_in_decimals(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    bought(town, stripe, karim, sold(town, amina, "10.00")["id"])
    found = ask(town, "GET", "/api/dashboard", amina, params={"days": 7}).json()
    assert [(one["posts"], one["currency"]) for one in found["earnings"]] == [("10.00", "USD")]
    assert found["top_posts"][0]["amount"] == "10.00" and found["days"] == 7
    refused(ask(town, "GET", "/api/dashboard"), 401, "unauthorized")
    refused(ask(town, "GET", "/api/dashboard", amina, params={"days": 0}), 400, "validation_failed", "days")


def test_subscribers_and_how_many_of_them_leave(town: World, stripe: Fake) -> None:
    amina = author(town)
    with clock.shifted(timedelta(days=-60)):
        for _ in range(4):
            subscribed(town, stripe, writer(town), amina)
        (first, second, *_) = [one["id"] for one in stripe.books.of("subscription")]
        stripe.do("end", second)
        hear(town, stripe)
    subscribed(town, stripe, writer(town), amina)
    stripe.do("end", first)
    hear(town, stripe)
    found = board(town, amina)["subscribers"]
    assert (found["active"], found["new"], found["ended"]) == (3, 1, 1)
    assert found["churn"] == pytest.approx(1 / 3), "one of the three of a month ago"
    assert board(town, writer(town))["subscribers"] == {"active": 0, "new": 0, "ended": 0, "churn": 0.0}


def test_it_costs_the_same_whatever_there_is(town: World, stripe: Fake) -> None:
    amina = author(town)
    asked = []
    for _ in range(2):
        bought(town, stripe, writer(town), sold(town, amina)["id"])
        with counted(town) as seen:
            board(town, amina)
        asked.append(len(seen))
    assert asked[0] == asked[1]
