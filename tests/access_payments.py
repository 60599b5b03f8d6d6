"""What the table of callers needs of payments: a stand-in for Stripe, and what the owner paid and earns."""

from collections.abc import Callable
from typing import Any

from majlis.features.subscriptions import service as subscriptions
from majlis.vendors.stripe_fake import Fake, signed
from tests.features.payments.paying import paid, start
from tests.world import Person, World

PURPOSE = "test.author"


def things(world: World, stripe: Fake, owner: Person, author: Person) -> dict[str, Any]:
    """A payment and a subscription of the owner's, who has earned something to be paid out, too."""
    assert world.post("/api/v1/payments/account", owner, {"country": "DE"}).status_code == 201
    (account,) = stripe.books.of("v2.core.account")
    stripe.do("onboard", account["id"])
    paid(world, stripe, author, owner, purpose="test.gift")

    async def subscribed() -> Any:
        async with world.app.db.tx() as tx:
            await subscriptions.set_price(tx, author.me, PURPOSE, 500, "EUR")
        return await subscriptions.subscribe(world.app, owner.me, author.id, PURPOSE, 10)

    return {"payment_id": start(world, owner).id, "subscription_id": world.go(subscribed()).id}


def event(scene: Any, who: str) -> dict[str, Any]:
    """A delivery that Stripe signed."""
    body, headers = signed({"id": "evt_1", "type": "customer.created", "object": "event"})
    return {"content": body, "headers": headers}


BODIES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "POST /api/v1/payments/account": lambda scene, who: {"json": {"country": "DE"}},
    "POST /api/v1/payments/payouts": lambda scene, who: {"json": {"currency": "EUR"}},
    "POST /api/v1/payments/stripe/webhook": event,
}
