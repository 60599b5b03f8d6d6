"""Verbs of sales: list goods, mark them as sold, keep their categories.

Their pages of posts are to be sent as they are, not looked into: see `browsing.service.written`.
"""

from typing import Any
from uuid import UUID

from majlis.app import App
from majlis.features.browsing import service as browsing
from majlis.features.filters import service as filters
from majlis.features.posts import service as posts
from majlis.features.posts.model import Filter, NotAuthor, Post, SellCategory
from majlis.features.profiles import service as profiles
from majlis.features.sales import store
from majlis.features.sales.facts import ItemSold
from majlis.features.sales.model import (
    CategoryCreate,
    CategoryTaken,
    CategoryUpdate,
    MyListingsQuery,
    SalesQuery,
)
from majlis.kit import facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http.binding import given
from majlis.kit.me import Me


async def listing(app: App, tx: Reader, me: Me, query: SalesQuery) -> page.Page[Post]:
    """The goods that pass every filter given, unsold ones unless asked otherwise (rules 109, 144). Raises Invalid."""
    near = await profiles.center(tx, me, query.lat, query.lng, needed=query.sort == "nearby")
    wanted = query.filter("SELL", near)
    wanted.sold = query.sold or False
    wanted.muted_words = await filters.muted(app, me) if wanted.unmuted else None
    return await browsing.written(tx, me, wanted, query.sort, query.paging())


async def mine(tx: Reader, me: Me, query: MyListingsQuery) -> page.Page[Post]:
    """The caller's own goods, newest first, sold and hidden ones too unless asked otherwise (rule 144)."""
    wanted = Filter(
        user_id=me.user(),
        type=["SELL"],
        category_id=query.category_id,
        sold=query.sold,
        status=query.status,
        hidden_too=query.status is None,
    )
    return await browsing.written(tx, me, wanted, "recent", query.paging())


async def get(tx: Reader, me: Me, post_id: UUID) -> Post:
    """Something for sale. Raises NotFound, for posts of other types too (rule 144)."""
    return _sale(await posts.get(tx, me, post_id))


async def mark(tx: Tx, me: Me, post_id: UUID, *, sold: bool) -> Post:
    """Sold, or to be had again; doing it again changes nothing (rule 143). Raises NotFound, NotAuthor."""
    seller = me.user()
    if _sale(await posts.locked(tx, me, post_id)).user_id != seller:
        raise NotAuthor("Only the seller may do this.")
    if await posts.mark_sold(tx, me, post_id, sold) and sold:
        await facts.emit(tx, ItemSold(post_id, seller))
    return await posts.get(tx, me, post_id)


def _sale(post: Post) -> Post:
    if post.type != "SELL":
        raise NotFound()
    return post


# ---- categories


async def categories(tx: Reader, me: Me) -> list[SellCategory]:
    """Those that goods can be put into, by name (rule 142)."""
    return [category for category in (await posts.categories(tx)).values() if category.status == "ACTIVE"]


async def all_categories(tx: Reader, me: Me) -> list[SellCategory]:
    """The inactive ones too, by name. For operators."""
    me.require_role("admin")
    return list((await posts.categories(tx)).values())


async def add_category(tx: Tx, me: Me, body: CategoryCreate) -> SellCategory:
    """A new category. For operators. Raises CategoryTaken."""
    me.require_role("admin")
    return await _put(tx, ids.new(), body)


async def change_category(tx: Tx, me: Me, category_id: UUID, body: CategoryUpdate) -> SellCategory:
    """Another name, icon, colour or status. For operators. Raises NotFound, CategoryTaken."""
    me.require_role("admin")
    category = await tx.one(store.CATEGORY, category_id)
    if category is None:
        raise NotFound()
    for name, value in given(body).items():
        setattr(category, name, value)
    return await _put(tx, category_id, category)


async def _put(tx: Tx, category_id: UUID, wanted: Any) -> SellCategory:
    name = wanted.name.strip()
    if not name:
        raise Invalid.field("name", "A category needs a name.", "required")
    made = await tx.one(store.PUT_CATEGORY, category_id, name, wanted.icon, wanted.color, wanted.status)
    if made is None:
        raise CategoryTaken()
    return made
