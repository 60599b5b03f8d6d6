"""Likes, bookmarks and shares over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.reactions import service
from majlis.features.reactions.model import BookmarkState, LikeState, ShareBody, Shared
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("posts")
POST = "/api/v1/posts/{post_id}"


@api.post(POST + "/like", policy=access.user)
async def like(app: App, me: Me, post_id: UUID) -> LikeState:
    """Like a post. Doing it again changes nothing."""
    async with app.db.tx() as tx:
        return await service.like(tx, me, post_id)


@api.delete(POST + "/like", policy=access.user)
async def unlike(app: App, me: Me, post_id: UUID) -> LikeState:
    """Take a like back."""
    async with app.db.tx() as tx:
        return await service.unlike(tx, me, post_id)


@api.post(POST + "/bookmark", policy=access.user)
async def bookmark(app: App, me: Me, post_id: UUID) -> BookmarkState:
    """Keep a post among the caller's bookmarks."""
    async with app.db.tx() as tx:
        return await service.bookmark(tx, me, post_id)


@api.delete(POST + "/bookmark", policy=access.user)
async def unbookmark(app: App, me: Me, post_id: UUID) -> BookmarkState:
    """Remove a bookmark."""
    async with app.db.tx() as tx:
        return await service.unbookmark(tx, me, post_id)


@api.post(POST + "/share", policy=access.user, status=201, limit="post", errors=(409,))
async def share(app: App, me: Me, post_id: UUID, body: ShareBody) -> Shared:
    """Share a public post: a new post of the caller's that points to it."""
    async with app.db.tx() as tx:
        return await service.share(tx, me, post_id, body)
