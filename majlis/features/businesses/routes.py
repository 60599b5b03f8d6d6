"""Changing businesses over HTTP, and the categories to choose from. Looking at them is in directory."""

from typing import Annotated, Any
from uuid import UUID

from majlis.app import App
from majlis.features.businesses import service
from majlis.features.businesses.model import (
    BusinessAttachments,
    BusinessAvatar,
    BusinessCategories,
    BusinessCategory,
    BusinessCategoryCreate,
    BusinessCategoryUpdate,
    BusinessCover,
    BusinessFollowState,
    BusinessWeek,
    CategoriesBody,
    CategoryQuery,
    HoursBody,
)
from majlis.kit import http
from majlis.kit.http import Upload, access
from majlis.kit.me import Me
from majlis.vendors.images import Kind

api = http.Api("businesses")
BUSINESSES = "/api/v1/businesses"
BUSINESS = BUSINESSES + "/{business_id}"
PICTURES = 10  # of a gallery in one request
PICTURE_BYTES = 11 * 1024 * 1024  # 10 MiB and the form around it
FORM: dict[str, Any] = {
    "multipart_only": True,
    "limit": "upload",
    "errors": (400, 403, 404, 413, 415),
}


@api.delete(BUSINESS, policy=access.owner, status=204)
async def delete_business(app: App, me: Me, business_id: UUID) -> None:
    """Delete a business. Its posts leave all lists."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, business_id)


@api.post(BUSINESS + "/avatar", policy=access.owner, max_files=1, max_body=PICTURE_BYTES, **FORM)
async def set_avatar(app: App, me: Me, business_id: UUID, file: Upload) -> BusinessAvatar:
    """Set the picture of a business, cropped to 400 x 400. The former one is removed."""
    return BusinessAvatar(await service.set_picture(app, me, business_id, file, Kind.AVATAR))


@api.post(BUSINESS + "/cover", policy=access.owner, max_files=1, max_body=PICTURE_BYTES, **FORM)
async def set_cover(app: App, me: Me, business_id: UUID, file: Upload) -> BusinessCover:
    """Set the cover of a business, cropped to 1600 x 900. The former one is removed."""
    return BusinessCover(await service.set_picture(app, me, business_id, file, Kind.COVER))


@api.post(
    BUSINESS + "/attachments",
    policy=access.owner,
    status=201,
    max_files=PICTURES,
    max_body=PICTURES * PICTURE_BYTES,
    **FORM,
)
async def add_pictures(
    app: App, me: Me, business_id: UUID, files: Annotated[list[Upload], "files"]
) -> BusinessAttachments:
    """Add up to ten pictures to the gallery, at most 1200 wide. Each counts as one upload."""
    return BusinessAttachments(await service.add_pictures(app, me, business_id, files))


@api.delete(BUSINESS + "/attachments/{attachment_id}", policy=access.owner, status=204)
async def remove_picture(app: App, me: Me, business_id: UUID, attachment_id: UUID) -> None:
    """Remove a picture of the gallery."""
    async with app.db.tx() as tx:
        await service.remove_picture(tx, me, business_id, attachment_id)


@api.get(BUSINESSES + "/categories", policy=access.optional)
async def offered_categories(app: App, me: Me, query: CategoryQuery) -> BusinessCategories:
    """The categories to choose from, by name."""
    async with app.db.read() as tx:
        return BusinessCategories(await service.offered_categories(tx, me, query.q))


@api.get(BUSINESSES + "/categories/all", policy=access.admin)
async def all_categories(app: App, me: Me) -> BusinessCategories:
    """Every category, the inactive ones too, by name."""
    async with app.db.read() as tx:
        return BusinessCategories(await service.all_categories(tx, me))


@api.post(BUSINESSES + "/categories", policy=access.admin, status=201, errors=(409,))
async def add_category(app: App, me: Me, body: BusinessCategoryCreate) -> BusinessCategory:
    """Add a category to choose from."""
    async with app.db.tx() as tx:
        return await service.add_category(tx, me, body)


@api.put(BUSINESSES + "/categories/{category_id}", policy=access.admin, errors=(409,))
async def change_category(
    app: App, me: Me, category_id: UUID, body: BusinessCategoryUpdate
) -> BusinessCategory:
    """Rename a category, or offer it no longer. Businesses that chose it keep it for when it is active again."""
    async with app.db.tx() as tx:
        return await service.change_category(tx, me, category_id, body)


@api.get(BUSINESS + "/categories", policy=access.optional)
async def categories(app: App, me: Me, business_id: UUID) -> BusinessCategories:
    """The categories of a business, by name."""
    async with app.db.read() as tx:
        return BusinessCategories(await service.categories(tx, me, business_id))


@api.put(BUSINESS + "/categories", policy=access.owner)
async def set_categories(app: App, me: Me, business_id: UUID, body: CategoriesBody) -> BusinessCategories:
    """Replace the categories of a business; an empty list clears them."""
    async with app.db.tx() as tx:
        return BusinessCategories(await service.set_categories(tx, me, business_id, body.category_ids))


@api.get(BUSINESS + "/hours", policy=access.optional)
async def hours(app: App, me: Me, business_id: UUID) -> BusinessWeek:
    """The hours of a business by weekday, in the time of its place."""
    async with app.db.read() as tx:
        return BusinessWeek(await service.hours(tx, me, business_id))


@api.put(BUSINESS + "/hours", policy=access.owner)
async def set_hours(app: App, me: Me, business_id: UUID, body: HoursBody) -> BusinessWeek:
    """Set the hours of some weekdays; the others stay. Closing before opening means past midnight."""
    async with app.db.tx() as tx:
        return BusinessWeek(await service.set_hours(tx, me, business_id, body.hours))


@api.post(BUSINESS + "/follow", policy=access.user)
async def follow(app: App, me: Me, business_id: UUID) -> BusinessFollowState:
    """Follow a business."""
    async with app.db.tx() as tx:
        return await service.follow(tx, me, business_id)


@api.delete(BUSINESS + "/follow", policy=access.user)
async def unfollow(app: App, me: Me, business_id: UUID) -> BusinessFollowState:
    """Follow a business no longer."""
    async with app.db.tx() as tx:
        return await service.unfollow(tx, me, business_id)
