"""The history of posts over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.edits import service
from majlis.features.edits.model import PostEdit
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("posts")


@api.get("/api/v1/posts/{post_id}/edits", policy=access.optional)
async def post_edits(app: App, me: Me, post_id: UUID, query: http.PageQuery) -> http.Listing[PostEdit]:
    """What the author changed of a post, newest first, for whoever may see it now and could see it then."""
    async with app.db.read() as tx:
        return http.listing(await service.of_post(tx, me, post_id, query.paging()))
