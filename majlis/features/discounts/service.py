"""Verbs of discounts: keep codes, reckon with one, use it up and give it back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice.model import NoBoxOffice
from majlis.features.discounts import store
from majlis.features.discounts.model import (
    BelowUsed,
    CodeCreate,
    CodeTaken,
    CodeUpdate,
    DiscountCode,
    DiscountSpent,
    Priced,
    UnknownCode,
)
from majlis.features.discounts.store import Row
from majlis.kit import clock, ids, page, paged
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http.binding import given
from majlis.kit.me import Me

# ---- the host's codes


async def add(tx: Tx, me: Me, post_id: UUID, body: CodeCreate) -> DiscountCode:
    """A new code for an event of the caller's. Raises NotFound, NotHost, CodeTaken, Invalid naming each field."""
    await boxoffice.hosted(tx, me, post_id)
    if await boxoffice.find(tx, me, post_id) is None:
        raise NoBoxOffice()
    if (body.percent is None) == (body.amount is None):
        raise Invalid.field("percent", "A discount is so many percent, or an amount.", "required")
    values = given(body)
    _check_times(values.get("starts_at"), values.get("ends_at"))
    made = await tx.one(
        store.ADD,
        ids.new(),
        post_id,
        _normal(body.code),
        body.percent,
        body.amount,
        values.get("max_uses"),
        values.get("budget"),
        values.get("per_buyer"),
        body.type_ids,
        values.get("starts_at"),
        values.get("ends_at"),
        clock.now(),
    )
    if made is None:
        raise CodeTaken()
    return made.shown()


def _normal(code: str) -> str:
    normal = code.strip().upper()
    if not 1 <= len(normal) <= 50:  # some letters become two
        raise Invalid.field("code", "A code has 1 to 50 characters.")
    return normal


def _check_times(starts: Any, ends: Any) -> None:
    if starts is not None and ends is not None and ends <= starts:
        raise Invalid.field("ends_at", "A code does not end before it starts.")


async def change(tx: Tx, me: Me, code_id: UUID, body: CodeUpdate) -> DiscountCode:
    """Change what a code allows. Raises NotFound, NotHost, BelowUsed, Invalid."""
    row = await tx.one(store.HOLD, code_id)
    if row is None:
        raise NotFound()
    await boxoffice.hosted(tx, me, row.post_id)
    for name, value in given(body).items():
        setattr(row, name, value)
    _check_times(row.starts_at, row.ends_at)
    changed = await tx.one(
        store.CHANGE, code_id, row.max_uses, row.budget, row.per_buyer, row.starts_at, row.ends_at, row.active, clock.now()
    )  # fmt: skip
    if changed is None:
        raise BelowUsed()
    return changed.shown()


async def codes(tx: Reader, me: Me, post_id: UUID, paging: page.Paging) -> page.Page[DiscountCode]:
    """The codes of an event of the caller's, the newest first. Raises NotFound, NotHost."""
    await boxoffice.hosted(tx, me, post_id)
    lists = (store.LIST, store.LIST_FIRST, store.LIST_TOTAL)
    found = await paged.rows(tx, "discounts", lists, post_id, paging)
    return page.Page([row.shown() for row in found.items], found.next, found.total)


# ---- for orders


async def reckon(tx: Reader, me: Me, post_id: UUID, code: str, tickets: Sequence[Priced]) -> UUID:
    """Take off these tickets what a code takes off; the id of the code. Raises UnknownCode."""
    row = await tx.one(store.BY_CODE, post_id, code.strip().upper())
    now = clock.now()
    if row is None or not row.active or (row.starts_at or now) > now or (row.ends_at and row.ends_at <= now):
        raise UnknownCode()
    chosen = [one for one in tickets if one.price and (row.type_ids is None or one.type_id in row.type_ids)]
    if not chosen:
        raise UnknownCode()
    spread(chosen, _off(row, sum(one.price for one in chosen)))
    return row.id


def _off(row: Row, price: int) -> int:
    if row.percent is not None:
        return price * row.percent // 100
    return min(price, row.amount or 0)


def spread(tickets: Sequence[Priced], off: int) -> None:
    """Take so much off these tickets in proportion to their prices, to the last minor unit."""
    price = sum(one.price for one in tickets)
    before = done = 0
    for one in tickets:
        before += one.price
        share = off * before // price - done  # what rounding leaves goes to those that follow
        one.paid = one.price - share
        done += share


async def take(tx: Tx, me: Me, code_id: UUID, order_id: UUID, buyer: UUID, amount: int) -> None:
    """Use a code for an order, as long as its budgets last; for the system. Raises DiscountSpent."""
    me.require_role("admin")
    most = await tx.one(store.TAKE, code_id, amount)
    if most is None or (await tx.one(store.USED, code_id, buyer) or 0) >= most:
        raise DiscountSpent()
    await tx.run(store.NOTE, order_id, code_id, buyer, amount, clock.now())


async def take_again(tx: Tx, me: Me, order_id: UUID, buyer: UUID) -> None:
    """Use the code of an order that came to nothing again, if it had one; for the system. Raises DiscountSpent."""
    me.require_role("admin")
    use = await tx.one(store.USE, order_id)
    if use is not None:
        await take(tx, me, use.code_id, order_id, buyer, use.amount)


async def give_back(tx: Tx, me: Me, order_id: UUID) -> None:
    """An order came to nothing: what it used of a code can be used again; for the system."""
    me.require_role("admin")
    use = await tx.one(store.GIVE_BACK, order_id)
    if use is not None:
        await tx.run(store.RETURN, use.code_id, use.amount)
