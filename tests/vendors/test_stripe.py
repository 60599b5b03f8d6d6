"""Stripe through its own library, against a stand-in that speaks its documented wire."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import stripe as library

from majlis.settings import BadSettings, Settings, unsafe
from majlis.vendors import stripe, stripe_fake
from majlis.vendors.stripe import (
    BadSignature,
    Hint,
    PaymentsDisabled,
    Processor,
    StripeRefused,
    StripeUnavailable,
)
from majlis.vendors.stripe_fake import KEY, SECRETS, Fake, signed

Asked = Callable[[Processor], Awaitable[Any]]


@pytest.fixture
def fake() -> Iterator[Fake]:
    with stripe_fake.serving() as running:
        yield running


def using(settings: dict[str, str], work: Asked) -> Any:
    """What the work returns; the connections live only as long."""

    async def run() -> Any:
        opened = stripe.from_settings(Settings(**settings))  # type: ignore[arg-type]
        try:
            return await work(opened)
        finally:
            await opened.aclose()

    return asyncio.run(run())


def begin(key: str = "k", amount: int = 1000, currency: str = "EUR") -> Asked:
    return lambda it: it.create_intent(key, amount, currency, payment="p", note="n")


# ---- settings


def test_without_settings_everything_is_refused() -> None:
    opened = stripe.from_settings(Settings())
    assert not opened.enabled
    with pytest.raises(PaymentsDisabled):
        opened.hint(b"", "")
    with pytest.raises(PaymentsDisabled):
        using({}, begin())


@pytest.mark.parametrize(
    "values, named",
    [
        ({"stripe_key": "k"}, "MAJLIS_STRIPE_WEBHOOK_SECRETS"),
        ({"stripe_webhook_secrets": "s"}, "MAJLIS_STRIPE_KEY"),
        ({"stripe_key": "k", "stripe_webhook_secrets": "s", "stripe_url": "stripe.com"}, "MAJLIS_STRIPE_URL"),
    ],
)
def test_settings_that_do_not_fit_are_named(values: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        stripe.from_settings(Settings(**values))  # type: ignore[arg-type]


def test_production_wants_https() -> None:
    faults = "\n".join(unsafe(Settings(stripe_url="http://127.0.0.1")))
    assert "MAJLIS_STRIPE_URL must be an https address" in faults


# ---- asking


def test_an_intent_is_made_with_what_was_asked(fake: Fake) -> None:
    made = using(fake.settings(), begin())
    (at_stripe,) = fake.books.of("payment_intent")
    assert made == stripe.Intent(made.id, "open", 1000, "EUR", at_stripe["client_secret"], "p")


def test_the_same_key_is_the_same_change(fake: Fake) -> None:
    async def twice(it: Processor) -> Any:
        return await begin()(it), await begin()(it)

    first, second = using(fake.settings(), twice)
    assert first == second
    assert len(fake.books.of("payment_intent")) == 1


def test_the_same_key_for_something_else_is_refused(fake: Fake) -> None:
    using(fake.settings(), begin())
    with pytest.raises(StripeRefused):
        using(fake.settings(), begin(amount=1001))
    raw = httpx.post(
        f"{fake.url}/v1/payment_intents",
        headers={"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k"},
        data={"amount": "1001", "currency": "eur"},
    )
    assert (raw.status_code, raw.json()["error"]["type"]) == (400, "idempotency_error")


def test_the_same_key_at_the_same_moment_has_to_come_back(fake: Fake) -> None:
    fake.fault, fake.slow_path = "slow", "/v1/payment_intents"
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k"}
    data = {"amount": "1000", "currency": "eur"}

    async def both() -> tuple[httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(base_url=fake.url, headers=headers, timeout=30) as client:
            first = asyncio.ensure_future(client.post("/v1/payment_intents", data=data))
            await asyncio.to_thread(fake.entered.wait, 10)
            second = await client.post("/v1/payment_intents", data=data)
            fake.release.set()
            return await first, second

    first, second = asyncio.run(both())
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    assert len(fake.books.of("payment_intent")) == 1


def test_an_answer_that_is_lost_makes_nothing_twice(fake: Fake) -> None:
    fake.fault = "lost"
    with pytest.raises(StripeUnavailable):
        using(fake.settings(), begin())
    assert (
        len([line for line in fake.asked if line == "POST /v1/payment_intents"]) == 3
    )  # the library tried again
    fake.fault = None
    using(fake.settings(), begin())
    assert len(fake.books.of("payment_intent")) == 1


@pytest.mark.parametrize("fault", ["down", "html"])
def test_a_stripe_that_is_not_itself_is_unavailable(fake: Fake, fault: str) -> None:
    fake.fault = fault
    with pytest.raises(StripeUnavailable):
        using(fake.settings(), begin())


def test_a_wrong_key_is_ours_to_mend_and_may_be_tried_again(fake: Fake) -> None:
    with pytest.raises(StripeUnavailable):
        using({**fake.settings(), "stripe_key": "sk_test_wrong"}, begin())


def test_an_object_of_another_shape_is_not_believed(fake: Fake) -> None:
    made = using(fake.settings(), begin())
    fake.books.get(made.id)["amount"] = "much"
    with pytest.raises(StripeUnavailable):
        using(fake.settings(), lambda it: it.intent(made.id))


def test_what_is_not_there_is_refused(fake: Fake) -> None:
    with pytest.raises(StripeRefused) as refused:
        using(fake.settings(), lambda it: it.intent("pi_nothing"))
    assert refused.value.code == "resource_missing"
    assert "pi_nothing" not in refused.value.detail  # words for us, not for people


def test_the_stand_in_refuses_parameters_that_it_does_not_know(fake: Fake) -> None:
    raw = httpx.post(
        f"{fake.url}/v1/payment_intents",
        headers={"Authorization": f"Bearer {KEY}"},
        data={"amount": "5", "currency": "eur", "colour": "red"},
    )
    assert (raw.status_code, raw.json()["error"]["code"]) == (400, "parameter_unknown")


@pytest.mark.parametrize(
    "currency, amount, at_stripe", [("EUR", 5, 5), ("JPY", 5, 5), ("ISK", 5, 500), ("UGX", 7, 700)]
)
def test_amounts_are_in_minor_units_whatever_stripe_counts_in(
    fake: Fake, currency: str, amount: int, at_stripe: int
) -> None:
    made = using(fake.settings(), begin(amount=amount, currency=currency))
    assert (made.amount, made.currency) == (amount, currency)
    assert fake.books.get(made.id)["amount"] == at_stripe


def test_a_currency_that_stripe_counts_otherwise_is_refused(fake: Fake) -> None:
    with pytest.raises(StripeRefused) as refused:
        using(fake.settings(), begin(currency="MGA"))
    assert refused.value.code == "currency_unsupported"


def test_lists_are_read_to_their_end(fake: Fake) -> None:
    pages = {
        None: {"object": "list", "data": [{"id": "a"}, {"id": "b"}], "has_more": True},
        "b": {"object": "list", "data": [{"id": "c"}], "has_more": False},
    }
    from majlis.vendors import stripe_api, stripe_wire

    class Page:
        def __init__(self, raw: dict[str, Any]) -> None:
            self.raw = raw

        def to_dict(self) -> dict[str, Any]:
            return self.raw

    async def ask(params: dict[str, Any]) -> Page:
        return Page(pages[params.get("starting_after")])

    assert asyncio.run(stripe_api._every(ask, {}, stripe_wire.made)) == ["a", "b", "c"]


# ---- webhooks


def hint(fake: Fake, body: bytes, header: str) -> Hint:
    async def read(it: Processor) -> Hint:
        return it.hint(body, header)

    found: Hint = using(fake.settings(), read)
    return found


def test_the_stand_in_signs_as_the_library_does(fake: Fake) -> None:
    body, headers = signed({"id": "evt_1", "type": "x"}, at=1_700_000_000)
    expected = library.WebhookSignature.generate_signature_header(
        body.decode(), SECRETS[0], timestamp=1_700_000_000
    )
    assert headers["Stripe-Signature"] == expected


EVENTS: list[tuple[dict[str, Any], tuple[str | None, str]]] = [
    ({"data": {"object": {"id": "pi_1", "object": "payment_intent"}}}, ("payment", "pi_1")),
    ({"data": {"object": {"id": "ch_1", "object": "charge", "payment_intent": "pi_2"}}}, ("payment", "pi_2")),
    ({"data": {"object": {"id": "ch_1", "object": "charge", "payment_intent": None}}}, (None, "")),
    ({"data": {"object": {"id": "re_1", "object": "refund", "payment_intent": "pi_3"}}}, ("payment", "pi_3")),
    (
        {"data": {"object": {"id": "dp_1", "object": "dispute", "payment_intent": "pi_4"}}},
        ("payment", "pi_4"),
    ),
    ({"data": {"object": {"id": "sub_1", "object": "subscription"}}}, ("subscription", "sub_1")),
    (
        {
            "data": {
                "object": {
                    "id": "in_1",
                    "object": "invoice",
                    "parent": {"subscription_details": {"subscription": "sub_2"}},
                }
            }
        },
        ("subscription", "sub_2"),
    ),
    ({"data": {"object": {"id": "in_1", "object": "invoice", "parent": None}}}, (None, "")),
    ({"related_object": {"id": "acct_1", "type": "v2.core.account"}}, ("account", "acct_1")),
    ({"related_object": {"id": "x", "type": "v2.billing.meter"}}, (None, "x")),
    ({"data": {"object": {"id": "cus_1", "object": "customer"}}}, (None, "")),
]


@pytest.mark.parametrize("event, target", EVENTS)
def test_an_event_names_what_to_ask_for(
    fake: Fake, event: dict[str, Any], target: tuple[str | None, str]
) -> None:
    body, headers = signed({"id": "evt_1", "type": "x", **event})
    assert hint(fake, body, headers["Stripe-Signature"]) == Hint("evt_1", *target)  # type: ignore[arg-type]


def test_a_signature_is_of_this_body_this_secret_and_lately(fake: Fake) -> None:
    body, headers = signed({"id": "evt_1", "type": "x"})
    good = headers["Stripe-Signature"]
    assert hint(fake, body, good).id == "evt_1"
    old = signed({"id": "evt_1", "type": "x"}, at=int(time.time()) - 301)[1]["Stripe-Signature"]
    other = signed({"id": "evt_1", "type": "x"}, "whsec_other")[1]["Stripe-Signature"]
    for wrong_body, header in ((body + b" ", good), (body, old), (body, other), (body, ""), (b"\xff", good)):
        with pytest.raises(BadSignature):
            hint(fake, wrong_body, header)


# ---- the stand-in's deliveries


def test_the_stand_in_repeats_mixes_and_withholds(fake: Fake) -> None:
    made = using(fake.settings(), begin())
    fake.do("pay", made.id)
    kinds = [event["type"] for event in fake.take(withheld=1)]
    assert kinds == ["payment_intent.created", "charge.succeeded"]
    assert [event["type"] for event in fake.take()] == ["payment_intent.succeeded"]
    for _ in range(5):
        fake.do("process", using(fake.settings(), begin(f"k{_}")).id)
    in_order = fake.take()
    fake.books.events = list(in_order)
    mixed = fake.take(mixed=random.Random(3))
    assert {event["id"] for event in mixed} == {event["id"] for event in in_order}
    assert len(mixed) > len(in_order)
    assert mixed[: len(in_order)] != in_order


def test_the_stand_in_is_told_over_http_what_people_do(fake: Fake) -> None:
    made = using(fake.settings(), begin())
    assert httpx.post(f"{fake.url}/_do/pay/{made.id}").json()["status"] == "succeeded"
    assert httpx.post(f"{fake.url}/_do/steal/{made.id}").status_code == 404
    assert using(fake.settings(), lambda it: it.intent(made.id)).status == "succeeded"
