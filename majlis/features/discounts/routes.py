"""Discount codes over HTTP, for hosts."""

from uuid import UUID

from majlis.app import App
from majlis.features.discounts import service
from majlis.features.discounts.model import CodeCreate, CodeUpdate, DiscountCode
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("tickets")
CODES = "/api/v1/events/{post_id}/discount-codes"


@api.get(CODES, policy=access.owner, errors=(403,))
async def codes(app: App, me: Me, post_id: UUID, query: PageQuery) -> Listing[DiscountCode]:
    """The codes of an event of the caller's, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.codes(tx, me, post_id, query.paging()))


@api.post(CODES, policy=access.owner, status=201, errors=(403, 409))
async def add(app: App, me: Me, post_id: UUID, body: CodeCreate) -> DiscountCode:
    """Add a code for cheaper tickets."""
    async with app.db.tx() as tx:
        return await service.add(tx, me, post_id, body)


@api.put("/api/v1/discount-codes/{code_id}", policy=access.owner, errors=(403, 409))
async def change(app: App, me: Me, code_id: UUID, body: CodeUpdate) -> DiscountCode:
    """Change what a code allows, or end it."""
    async with app.db.tx() as tx:
        return await service.change(tx, me, code_id, body)
