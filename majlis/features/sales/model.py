"""Nouns of sales."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.posts.model import ListQuery, SellCategory
from majlis.kit.errors import Conflict
from majlis.kit.http import PageQuery

Amount = Annotated[Decimal, Meta(examples=["100.00"])]
Name = Annotated[str, Meta(min_length=1, max_length=100, examples=["Carpets and rugs"])]
Color = Annotated[str, Meta(min_length=1, max_length=20, examples=["#B71C1C"])]
Status = Literal["ACTIVE", "INACTIVE"]
SERVER_OWNED = frozenset({"id", "created_at"})


class SalesQuery(ListQuery, kw_only=True):
    """Which goods. What is sold is left out unless asked for; prices compare as numbers, whatever the currency."""

    sort: Literal["recent", "nearby", "trending", "price_asc", "price_desc"] = "recent"
    category_id: UUID | None = None
    min_price: Amount | None = None
    max_price: Amount | None = None
    currency: Annotated[str, Meta(min_length=3, max_length=3, examples=["AFN"])] | None = None
    free: bool | None = None
    sold: bool | None = None


class MyListingsQuery(PageQuery, kw_only=True):
    """Which of the caller's own goods."""

    sold: bool | None = None
    status: bool | None = None
    category_id: UUID | None = None


class SellCategories(msgspec.Struct):
    """Categories by name."""

    data: list[SellCategory]


class IconBody(msgspec.Struct):
    """The name of an icon, and of the library that has it."""

    name: Annotated[str, Meta(min_length=1, max_length=100, examples=["texture"])]
    library: Annotated[str, Meta(min_length=1, max_length=100, examples=["MaterialIcons"])]


class CategoryCreate(msgspec.Struct, kw_only=True):
    """A new category."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED

    name: Name
    icon: IconBody
    color: Color
    status: Status = "ACTIVE"


class CategoryUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay. What is INACTIVE takes no new goods; those that it has keep it."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED

    name: Name | UnsetType = UNSET
    icon: IconBody | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class CategoryTaken(Conflict):
    """Names of categories differ, in more than capitals."""

    code, detail = "category_exists", "There is a category of this name."
