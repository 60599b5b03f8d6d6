"""Verbs of invoices: issue them, and look at them. Nothing in them is ever changed."""

from collections.abc import Sequence
from uuid import UUID

from majlis.features.invoices import store
from majlis.features.invoices.model import Invoice, Line
from majlis.kit import clock
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me


async def issue(
    tx: Tx, me: Me, seller: UUID, order_id: UUID, currency: str, total: int, lines: Sequence[Line]
) -> int:
    """The number of the invoice of an order; for the system. An order has one: a second is a fault of the program."""
    me.require_role("admin")
    number = await tx.one(store.NEXT, seller) or 0
    await tx.run(
        store.ADD, seller, number, "invoice", order_id, None, currency, total, list(lines), clock.now()
    )
    return number


async def credit(
    tx: Tx, me: Me, seller: UUID, order_id: UUID, refund_id: UUID, currency: str, amount: int
) -> None:
    """Say, once for each refund, that so much of an order was given back; for the system, which holds the order."""
    me.require_role("admin")
    if await tx.one(store.OF_REFUND, refund_id):
        return
    number = await tx.one(store.NEXT, seller)
    await tx.run(
        store.ADD, seller, number, "credit_note", order_id, refund_id, currency, -amount, [], clock.now()
    )


async def of_order(tx: Reader, me: Me, order_id: UUID) -> list[Invoice]:
    """The invoice of an order and its credit notes; for the system, which has asked who may see them."""
    me.require_role("admin")
    return [row.shown() for row in await tx.all(store.OF_ORDER, order_id)]
