"""Goods over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.posts.model import Post, SellCategory
from majlis.features.sales import service
from majlis.features.sales.model import (
    CategoryCreate,
    CategoryUpdate,
    MyListingsQuery,
    SalesQuery,
    SellCategories,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("sales")
SALES = "/api/v1/sales"
CATEGORIES = SALES + "/categories"


@api.get(SALES, policy=access.optional)
async def sales(app: App, me: Me, query: SalesQuery) -> http.Listing[Post]:
    """What is for sale, with filters that combine freely. Sold things are left out unless asked for."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(app, tx, me, query))


@api.get(CATEGORIES, policy=access.optional)
async def categories(app: App, me: Me) -> SellCategories:
    """The categories that goods can be put into, by name."""
    async with app.db.read() as tx:
        return SellCategories(await service.categories(tx, me))


@api.get(CATEGORIES + "/all", policy=access.admin)
async def all_categories(app: App, me: Me) -> SellCategories:
    """Every category, the inactive ones too, by name."""
    async with app.db.read() as tx:
        return SellCategories(await service.all_categories(tx, me))


@api.post(CATEGORIES, policy=access.admin, status=201, errors=(409,))
async def add_category(app: App, me: Me, body: CategoryCreate) -> SellCategory:
    """Add a category."""
    async with app.db.tx() as tx:
        return await service.add_category(tx, me, body)


@api.put(CATEGORIES + "/{category_id}", policy=access.admin, errors=(409,))
async def change_category(app: App, me: Me, category_id: UUID, body: CategoryUpdate) -> SellCategory:
    """Change a category. With status INACTIVE it takes no new goods; those that it has keep it."""
    async with app.db.tx() as tx:
        return await service.change_category(tx, me, category_id, body)


@api.get(SALES + "/my-listings", policy=access.user)
async def my_listings(app: App, me: Me, query: MyListingsQuery) -> http.Listing[Post]:
    """The caller's own goods, newest first, sold and hidden ones too."""
    async with app.db.read() as tx:
        return http.listing(await service.mine(tx, me, query))


@api.get(SALES + "/{post_id}", policy=access.optional)
async def get_sale(app: App, me: Me, post_id: UUID) -> Post:
    """One thing for sale. Posts of other types are not found here."""
    async with app.db.read() as tx:
        return await service.get(tx, me, post_id)


@api.put(SALES + "/{post_id}/sold", policy=access.owner)
async def sold(app: App, me: Me, post_id: UUID) -> Post:
    """Mark it as sold; who bookmarked it is told."""
    async with app.db.tx() as tx:
        return await service.mark(tx, me, post_id, sold=True)


@api.put(SALES + "/{post_id}/available", policy=access.owner)
async def available(app: App, me: Me, post_id: UUID) -> Post:
    """It is to be had after all."""
    async with app.db.tx() as tx:
        return await service.mark(tx, me, post_id, sold=False)
