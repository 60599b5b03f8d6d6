"""Looking at businesses over HTTP, and what answers with a whole business."""

from uuid import UUID

from majlis.app import App
from majlis.features.businesses.model import (
    BusinessAttachment,
    BusinessCreate,
    BusinessLocation,
    BusinessUpdate,
)
from majlis.features.directory import service
from majlis.features.directory.model import Business, MineQuery
from majlis.features.graph.model import FollowEntry
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("businesses")
BUSINESSES = "/api/v1/businesses"
BUSINESS = BUSINESSES + "/{business_id}"


@api.get(BUSINESSES, policy=access.user)
async def my_businesses(app: App, me: Me, query: MineQuery) -> http.Listing[Business]:
    """The caller's own businesses, newest first, with those that are switched off."""
    async with app.db.read() as tx:
        return http.listing(await service.mine(tx, me, query))


@api.post(BUSINESSES, policy=access.user, status=201, errors=(403,))
async def create_business(app: App, me: Me, body: BusinessCreate) -> Business:
    """Open a business. Parts of its place that are left out are looked up."""
    return await service.start(app, me, body)


@api.get(BUSINESS, policy=access.optional)
async def get_business(app: App, me: Me, business_id: UUID) -> Business:
    """One business. A signed-in viewer counts once a day, the owner never."""
    return await service.look(app, me, business_id)


@api.put(BUSINESS, policy=access.owner)
async def update_business(app: App, me: Me, business_id: UUID, body: BusinessUpdate) -> Business:
    """Change a business. Absent fields stay, null clears; a new location fills absent place fields."""
    return await service.revise(app, me, business_id, body)


@api.put(BUSINESS + "/location", policy=access.owner)
async def set_location(app: App, me: Me, business_id: UUID, body: BusinessLocation) -> Business:
    """Set where a business is. Parts of its place that are left out are looked up."""
    return await service.move(app, me, business_id, body)


@api.get(BUSINESS + "/attachments", policy=access.optional)
async def gallery(
    app: App, me: Me, business_id: UUID, query: http.PageQuery
) -> http.Listing[BusinessAttachment]:
    """The pictures of a business, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.gallery(tx, me, business_id, query.paging()))


@api.get(BUSINESS + "/followers", policy=access.optional)
async def followers(app: App, me: Me, business_id: UUID, query: http.PageQuery) -> http.Listing[FollowEntry]:
    """Who follows a business, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.followers(tx, me, business_id, query.paging()))
