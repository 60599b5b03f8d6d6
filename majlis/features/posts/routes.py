"""Writing and reading single posts over HTTP. Lists are in feeds, likes and shares in reactions."""

from uuid import UUID

from majlis.app import App
from majlis.features.posts import service
from majlis.features.posts.model import Post, PostCreate, PostUpdate
from majlis.kit import http
from majlis.kit.http import Upload, access
from majlis.kit.me import Me

api = http.Api("posts")
FORM_BYTES = 10 * 11 * 1024 * 1024  # ten pictures and the fields beside them


@api.post(
    "/api/v1/posts",
    policy=access.user,
    status=201,
    limit="post",
    max_files=10,
    max_body=FORM_BYTES,
    errors=(403, 404, 413, 415),
)
async def create_post(app: App, me: Me, body: PostCreate, files: list[Upload]) -> Post:
    """Publish a post: JSON with photos of earlier uploads, or a form with up to ten `images`."""
    return await service.publish(app, me, body, files)


@api.get("/api/v1/posts/{post_id}", policy=access.optional)
async def get_post(app: App, me: Me, post_id: UUID) -> Post:
    """One post. Not found when deleted, hidden, or blocked either way.

    Its author finds what moderators hid or hold, with the reason in `moderation`.
    """
    async with app.db.read() as tx:
        return await service.read(tx, me, post_id)


@api.put("/api/v1/posts/{post_id}", policy=access.owner, errors=(409,))
async def update_post(app: App, me: Me, post_id: UUID, body: PostUpdate) -> Post:
    """Change a post. Absent fields stay, null clears; the type never changes."""
    return await service.revise(app, me, post_id, body)


@api.delete("/api/v1/posts/{post_id}", policy=access.owner, status=204)
async def delete_post(app: App, me: Me, post_id: UUID) -> None:
    """Delete a post. Posts that share it stay, without it."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, post_id)
