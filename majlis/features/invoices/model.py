"""Nouns of invoices. Amounts are integers in minor units of their currency."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Kind = Literal["invoice", "credit_note"]
Amount = Annotated[int, Meta(description="in minor units of the currency", examples=[1500])]


class Line(msgspec.Struct):
    """Things of one kind; `price` is of each, `paid` of all after discounts."""

    type_id: UUID
    name: Annotated[str, Meta(examples=["Early bird"])]
    quantity: Annotated[int, Meta(examples=[2])]
    price: Amount
    paid: Amount


class Invoice(msgspec.Struct, kw_only=True):
    """An invoice, or a credit note that takes a part of one back (negative)."""

    seller_id: UUID
    number: Annotated[int, Meta(description="those of a seller follow one another", examples=[1])]
    kind: Kind
    order_id: UUID
    currency: Annotated[str, Meta(examples=["EUR"])]
    total: Amount
    lines: list[Line]
    issued_at: datetime


class Invoices(msgspec.Struct):
    """Those of an order, the first one first."""

    data: list[Invoice]
