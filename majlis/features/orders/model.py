"""Nouns of orders. Amounts are integers in minor units of the order's currency."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.boxoffice.model import Type
from majlis.features.discounts.model import Priced
from majlis.features.invoices.model import Line
from majlis.features.tickets.model import Amount, Ticket, TooMany
from majlis.kit.errors import Conflict, Invalid

Status = Literal["reserved", "paid", "expired", "cancelled", "refunded"]
Quantity = Annotated[int, Meta(ge=1, le=10, examples=[2])]
MOST_KEPT = 20  # tickets of an event that somebody has not paid yet
MOST = 999_999_999_999  # minor units; payments take no more


class Item(msgspec.Struct, kw_only=True):
    """So many tickets of a type. `amount` is for donations: what one wants to give for each."""

    type_id: UUID
    quantity: Quantity = 1
    amount: Annotated[int, Meta(ge=0, le=99_999_999_999)] | None = None


class OrderCreate(msgspec.Struct, kw_only=True):
    """What somebody wants to have."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "status", "total", "currency", "buyer_id", "seller_id"}
    )

    items: Annotated[list[Item], Meta(min_length=1, max_length=10)]
    discount_code: Annotated[str, Meta(min_length=1, max_length=50, examples=["SPRING"])] | None = None
    access_code: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


class Order(msgspec.Struct, kw_only=True):
    """An order by its buyer or the host. Until `expires_at` its tickets are kept for the buyer."""

    id: UUID
    post_id: UUID
    seller_id: UUID
    buyer_id: UUID | None
    status: Annotated[Status, Meta(examples=["reserved"])]
    lines: list[Line]
    currency: Annotated[str, Meta(examples=["EUR"])]
    subtotal: Amount
    discount: Annotated[int, Meta(examples=[300])]
    total: Amount
    refunded: Annotated[int, Meta(description="given back, or on its way back", examples=[0])]
    discount_code: str | None
    invoice_number: Annotated[int, Meta(examples=[1])] | None
    expires_at: datetime | None
    paid_at: datetime | None
    created_at: datetime
    tickets: list[Ticket]


class RefundBody(msgspec.Struct, kw_only=True):
    """What the host gives back: these tickets, or all that are unused; or an amount, and the tickets stay good."""

    ticket_ids: Annotated[list[UUID], Meta(min_length=1, max_length=100)] | None = None
    amount: Annotated[int, Meta(ge=1, le=MOST, description="in minor units")] | None = None


class TooManyKept(TooMany):
    """Whoever pays for nothing keeps others from buying."""

    detail = f"At most {MOST_KEPT} tickets are kept for you until you pay. Pay for those you have, or give them up."


class OrderOver(Conflict):
    """It expired, was cancelled, or is paid already."""

    code, detail = "order_over", "This order cannot be paid or cancelled any more."


class NothingToPay(Conflict):
    """Free tickets are paid at once."""

    code, detail = "nothing_to_pay", "There is nothing to pay."


class NotRefundable(Conflict):
    """The host does not take tickets back, or there is nothing to give back."""

    code, detail = "not_refundable", "This cannot be given back."


def priced(items: Sequence[Item], types: Mapping[UUID, Type]) -> list[Priced]:
    """What each ticket costs. Raises Invalid for an amount that cannot be."""
    found: list[Priced] = []
    for at, item in enumerate(items):
        kind = types[item.type_id]
        price = kind.price
        if item.amount is not None and kind.kind != "donation":
            raise Invalid.field(f"items[{at}].amount", "This ticket has a price.")
        if item.amount is not None:
            price = item.amount
        if price < kind.price:
            raise Invalid.field(f"items[{at}].amount", f"Give at least {kind.price}.", "too_small")
        found += (Priced(item.type_id, price, price) for _ in range(item.quantity))
    if sum(one.price for one in found) > MOST:
        raise Invalid.field("items", "This is more than can be paid at once.")
    return found


def lines_of(wanted: Sequence[Priced], types: Mapping[UUID, Type]) -> list[Line]:
    """The same tickets by type."""
    lines = []
    for type_id in dict.fromkeys(one.type_id for one in wanted):
        mine = [one for one in wanted if one.type_id == type_id]
        paid = sum(one.paid for one in mine)
        lines.append(Line(type_id, types[type_id].name, len(mine), mine[0].price, paid))
    return lines
