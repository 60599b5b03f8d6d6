"""Lists of somebody or something, the newest first: on by cursor, or page by page for older clients."""

from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from majlis.kit import page
from majlis.kit.db import Query, Reader

T = TypeVar("T")


class Order(NamedTuple):
    """By which of its fields a list is ordered, and as what they stand in a cursor."""

    fields: tuple[str, ...]
    type: Any


BY_ID = Order(("id",), tuple[UUID])
BY_CREATION = Order(("created_at", "id"), tuple[datetime, UUID])


async def rows(
    tx: Reader,
    kind: str,
    lists: tuple[Query[T], Query[T], Query[int]],
    of: Any,
    paging: page.Paging,
    order: Order = BY_ID,
) -> page.Page[T]:
    """A page of a list of this kind. Raises Malformed for a cursor of another.

    Its statements take (of, what it is ordered by, limit) behind a cursor, (of, offset, limit) from the start, and (of)
    for how many there are.
    """
    behind, first, count = lists
    total = None
    if paging.cursor is not None:
        found = await tx.all(behind, of, *page.decode(kind, paging.cursor, order.type), paging.limit + 1)
    else:
        found = await tx.all(first, of, paging.offset or 0, paging.limit + 1)
        if paging.offset is not None:
            total = await tx.one(count, of)
    items = found[: paging.limit]
    more = None
    if len(found) > paging.limit:
        more = page.encode(kind, *(getattr(items[-1], name) for name in order.fields))
    return page.Page(items, more, total)
