"""Selling tickets, as tests do it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest

from majlis.features.boxoffice import store as boxes
from majlis.features.identity import service as identity
from majlis.features.orders import handlers, service
from majlis.features.orders.model import Item, Order, OrderCreate
from majlis.features.profiles import service as profiles
from majlis.kit.db import Query
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import Fake
from tests.features.events.inviting import EVENTS, invite
from tests.features.payments.paying import hear
from tests.waiting import until_waiting
from tests.world import QUICK_HASH, Person, World

ORDERS, TICKETS = "/api/v1/orders", "/api/v1/tickets"
PRICE = 1500
PAID: dict[str, Any] = {"name": "Entry", "kind": "paid", "price": PRICE}
FREE: dict[str, Any] = {"name": "Entry", "kind": "free", "price": 0}


def ok(answer: httpx.Response) -> Any:
    """What a request that worked answered."""
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def refused(answer: httpx.Response) -> tuple[int, str]:
    """(status, code) of a request that did not work."""
    assert answer.is_error, answer.text
    return answer.status_code, answer.json()["error"]["code"]


def open_office(world: World, host: Person, event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Let an event sell tickets."""
    body = {"currency": "EUR", **fields}
    found: dict[str, Any] = ok(world.put(f"{EVENTS}/{event['id']}/box-office", host, body))
    return found


def add_type(world: World, host: Person, event: dict[str, Any], **fields: Any) -> str:
    """A kind of ticket; its id."""
    return str(ok(world.post(f"{EVENTS}/{event['id']}/ticket-types", host, {**PAID, **fields}))["id"])


def show(
    world: World, host: Person, places: int | None = None, kind: dict[str, Any] = PAID, **fields: Any
) -> tuple[dict[str, Any], str]:
    """An event with so many places and one kind of ticket; its id."""
    event = invite(world, host, **fields)
    open_office(world, host, event, capacity=places)
    return event, add_type(world, host, event, **kind)


def items(kind: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """The body of an order for one kind of ticket."""
    return {"items": [{"type_id": kind, "quantity": quantity}], **more}


def order(world: World, who: Person, event: dict[str, Any], kind: str, quantity: int = 1, **more: Any) -> Any:
    """An order of somebody's."""
    return ok(world.post(f"{EVENTS}/{event['id']}/orders", who, items(kind, quantity, **more)))


def begin(world: World, who: Person, made: dict[str, Any]) -> str:
    """Begin to pay an order; the PaymentIntent."""
    secret = ok(world.post(f"{ORDERS}/{made['id']}/payment", who))["client_secret"]
    return str(secret).partition("_secret")[0]


def pay(world: World, stripe: Fake, who: Person, made: dict[str, Any]) -> dict[str, Any]:
    """Pay an order; the order as it is then."""
    stripe.do("pay", begin(world, who, made))
    hear(world, stripe)
    world.drain()
    return seen(world, who, made)


def seen(world: World, who: Person, made: dict[str, Any]) -> dict[str, Any]:
    """An order as somebody sees it now."""
    found: dict[str, Any] = ok(world.get(f"{ORDERS}/{made['id']}", who))
    return found


def bought(
    world: World, stripe: Fake, who: Person, event: dict[str, Any], kind: str, quantity: int = 1, **more: Any
) -> Any:
    """An order that was paid."""
    return pay(world, stripe, who, order(world, who, event, kind, quantity, **more))


def office(world: World, event: dict[str, Any]) -> tuple[int, int]:
    """(reserved, sold) of an event; its types together hold the same."""
    (row,) = world.sql("SELECT held, sold FROM box_offices WHERE post_id = $1", UUID(event["id"]))
    (types,) = world.sql(
        "SELECT sum(held)::int AS held, sum(sold)::int AS sold FROM ticket_types WHERE post_id = $1",
        UUID(event["id"]),
    )
    assert types == row
    return row["held"], row["sold"]


def statuses(found: dict[str, Any]) -> list[str]:
    """Those of an order's tickets."""
    return sorted(ticket["status"] for ticket in found["tickets"])


def overdue(world: World) -> None:
    """Let the time of everything that is kept be over."""
    world.sql(
        "UPDATE orders SET expires_at = now() - interval '1 second' WHERE status = 'reserved' RETURNING 1"
    )


def lapse(world: World) -> None:
    """The same, and what the server does about it."""
    overdue(world)
    world.go(handlers.expire(world.app))
    world.drain()


def crowd(world: World, many: int) -> list[Me]:
    """So many people with accounts, as services know them."""

    async def make() -> list[Me]:
        found = []
        async with world.app.db.tx() as tx:
            for number in range(many):
                account = await identity.create(
                    tx, Me.system, f"crowd{number}@example.org", QUICK_HASH, verified=True, role="user"
                )
                await profiles.create(tx, Me.system, account.id, f"Crowd {number}", "Test")
                found.append(Me(id=account.id))
        return found

    return world.go(make())


def buying(
    world: World, me: Me, event: dict[str, Any], kind: str, quantity: int = 1, **more: Any
) -> Callable[[], Awaitable[Order]]:
    """Somebody presses the button."""

    async def press() -> Order:
        body = OrderCreate(items=[Item(type_id=UUID(kind), quantity=quantity)], **more)
        async with world.app.db.tx() as tx:
            return await service.place(tx, me, UUID(event["id"]), body)

    return press


def together(
    world: World,
    holding: str,
    args: Sequence[Any],
    works: Sequence[Callable[[], Awaitable[Any]]],
    waiting: int | None = None,
) -> list[Any]:
    """What becomes of work that waits behind the rows that a statement holds, and then goes on: all of it, or so much."""

    async def run() -> list[Any]:
        async with world.app.db.tx() as holder:
            await holder.records(holding, *args)
            tasks = [asyncio.ensure_future(work()) for work in works]
            if waiting is None:
                await until_waiting(world, len(tasks), *tasks)
            else:
                await until_waiting(world, waiting)
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    return world.go(run())


TYPE_ROW = "SELECT 1 FROM ticket_types WHERE id = $1 FOR UPDATE"
OFFICE_ROW = "SELECT 1 FROM box_offices WHERE post_id = $1 FOR UPDATE"


def at_the_office(
    world: World, event: dict[str, Any], works: Sequence[Callable[[], Awaitable[Any]]]
) -> list[Any]:
    """What becomes of work that all wants places of an event at once."""
    return together(world, OFFICE_ROW, [UUID(event["id"])], works)


def outcomes(found: Sequence[Any]) -> Counter[str]:
    """How often each kind of answer came."""
    return Counter(type(one).__name__ for one in found)


# As a guard that decides by what was there before it waited: the look does not see what those before have done.
TAKEN = """UPDATE {0} SET held = held + $2, sold = sold + $3
WHERE {1} = $1 AND $4::bool IS NOT NULL
  AND (SELECT capacity IS NULL OR held + sold + $2 + $3 <= capacity FROM {0} looked WHERE looked.{1} = $1)
RETURNING {2}"""
TABLES = (
    ("TAKE", "box_offices", "post_id", "currency"),
    ("TAKE_TYPE", "ticket_types", "id", "waiting"),
)


def unguarded(world: World, patch: pytest.MonkeyPatch) -> None:
    """Let box offices look before they take, and nothing stop what is too much."""
    for query, table, key, told in TABLES:
        patch.setattr(boxes, query, Query(getattr(boxes, query).row, TAKEN.format(table, key, told)))
        world.sql(f"ALTER TABLE {table} DROP CONSTRAINT {table}_capacity")


def passing_by(patch: pytest.MonkeyPatch) -> None:
    """Let nobody wait at box offices, so that what comes behind them is reached at once."""
    for query, table, key, told in TABLES:
        given = "$2::int + $3::int IS NOT NULL AND $4::bool IS NOT NULL"
        sql = f"SELECT {told} FROM {table} WHERE {key} = $1 AND {given}"
        patch.setattr(boxes, query, Query(getattr(boxes, query).row, sql))
