"""Drafts over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.drafts import service
from majlis.features.drafts.model import Draft, DraftBody, DraftQuery
from majlis.features.posts.model import Post
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("drafts")
DRAFTS = "/api/v1/drafts"
ONE = DRAFTS + "/{draft_id}"


@api.post(DRAFTS, policy=access.user, status=201, errors=(403, 404, 409))
async def create_draft(app: App, me: Me, body: DraftBody) -> Draft:
    """Keep a post for later, complete or not. With `publish_at` it is checked now and published then."""
    async with app.db.tx() as tx:
        return await service.create(tx, me, body)


@api.get(DRAFTS, policy=access.user)
async def drafts(app: App, me: Me, query: DraftQuery) -> http.Listing[Draft]:
    """The caller's own drafts, newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, query))


@api.get(ONE, policy=access.owner)
async def get_draft(app: App, me: Me, draft_id: UUID) -> Draft:
    """One draft; others' are not found."""
    async with app.db.read() as tx:
        return await service.get(tx, me, draft_id)


@api.put(ONE, policy=access.owner)
async def update_draft(app: App, me: Me, draft_id: UUID, body: DraftBody) -> Draft:
    """Change a draft. Absent fields stay, null clears: `publish_at` null takes it off the schedule."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, draft_id, body)


@api.delete(ONE, policy=access.owner, status=204)
async def delete_draft(app: App, me: Me, draft_id: UUID) -> None:
    """Delete a draft; pictures that nothing else refers to go with it."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, draft_id)


@api.post(ONE + "/publish", policy=access.owner, status=201, limit="post", errors=(403,))
async def publish_draft(app: App, me: Me, draft_id: UUID) -> Post:
    """Publish a draft now, a scheduled one too. What is refused stays a draft."""
    return await service.publish(app, me, draft_id)
