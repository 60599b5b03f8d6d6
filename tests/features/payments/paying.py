"""Paying, as tests do it."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import msgspec

from majlis.features.payments import service
from majlis.features.payments.model import Payment, Refund
from majlis.kit.me import Me
from majlis.vendors import stripe as vendor
from majlis.vendors.stripe_fake import Fake, signed
from tests.world import Person, World

PAYMENTS = "/api/v1/payments"
WEBHOOK = f"{PAYMENTS}/stripe/webhook"
PRICE, FEE = 1000, 100


@contextlib.contextmanager
def served_by(world: World, stripe: Fake) -> Iterator[World]:
    """The world with payments through this stand-in."""
    settings = msgspec.structs.replace(world.app.settings, **stripe.settings())
    world.app.settings, world.app.stripe = settings, vendor.from_settings(settings)
    yield world
    stripe.release.set()


def start(
    world: World, payer: Person, payee: Person | None = None, reference: str = "order-1", **terms: Any
) -> Payment:
    """A payment that was begun."""
    wanted: dict[str, Any] = {
        "amount": PRICE,
        "currency": "EUR",
        "fee": FEE,
        "purpose": "test.order",
        **terms,
    }
    return world.go(
        service.start(
            world.app, payer.me, wanted.pop("purpose"), reference, wanted.pop("amount"), wanted.pop("currency"),
            payee.id if payee else None, wanted.pop("fee"), **wanted,
        )
    )  # fmt: skip


def intent(payment: Payment) -> str:
    """The PaymentIntent of a payment that was begun."""
    assert payment.client_secret is not None
    return payment.client_secret.partition("_secret")[0]


def post(world: World, event: dict[str, Any], **options: Any) -> httpx.Response:
    """The answer to a delivery of an event."""
    body, headers = signed(event, **options)
    return world.post(WEBHOOK, content=body, headers=headers)


def hear(world: World, stripe: Fake, **options: Any) -> None:
    """Deliver what happened at Stripe, and do what follows."""
    for event in stripe.take(**options):
        assert post(world, event).status_code == 200
    world.drain()


def paid(world: World, stripe: Fake, payer: Person, payee: Person | None = None, **terms: Any) -> Payment:
    """A payment that succeeded."""
    begun = start(world, payer, payee, **terms)
    stripe.do("pay", intent(begun))
    hear(world, stripe)
    return begun


def refund(world: World, payment_id: UUID, key: str, amount: int | None = None, me: Me = Me.system) -> Refund:
    """A refund that was asked for; nothing was sent yet."""

    async def ask() -> Refund:
        async with world.app.db.tx() as tx:
            return await service.refund(tx, me, payment_id, key, amount)

    return world.go(ask())


def row(world: World, payment_id: UUID) -> dict[str, Any]:
    """A payment behind the scenes."""
    return world.sql("SELECT * FROM payments WHERE id = $1", payment_id)[0]


def books(world: World) -> dict[tuple[str, str], int]:
    """(account, currency) to what is there; people are told apart as they stand in `user:…`."""
    lines = world.sql(
        "SELECT e.account, p.currency, sum(e.amount)::bigint AS amount FROM ledger_entries e"
        " JOIN ledger_postings p ON p.id = e.posting_id GROUP BY 1, 2"
    )
    return {(line["account"], line["currency"]): line["amount"] for line in lines if line["amount"]}


def sums(world: World) -> Counter[str]:
    """What all accounts together hold, by currency: nothing."""
    found: Counter[str] = Counter()
    for (_, currency), amount in books(world).items():
        found[currency] += amount
    return found


def balanced(world: World, stripe: Fake) -> bool:
    """Whether the books sum to zero, and Stripe holds what they say."""
    held = {
        currency.lower(): -amount for (name, currency), amount in books(world).items() if name == "stripe"
    }
    there = {currency: amount for currency, amount in stripe.books.balance.items() if amount}
    return not any(sums(world).values()) and held == there


def told(world: World, handler: str) -> list[dict[str, Any]]:
    """The facts that wait for a handler whose name ends so."""
    rows = world.sql("SELECT payload FROM pgqueuer WHERE entrypoint LIKE '%' || $1 ORDER BY id", handler)
    return [msgspec.json.decode(one["payload"]) for one in rows]
