"""Comments over HTTP."""

from typing import Any
from uuid import UUID

from majlis.app import App
from majlis.features.comments import service
from majlis.features.comments.model import (
    MAX_PICTURES,
    Comment,
    CommentCreate,
    CommentsQuery,
    CommentUpdate,
    LikeState,
    RepliesQuery,
    ReplyCreate,
)
from majlis.kit import http
from majlis.kit.http import Upload, access
from majlis.kit.me import Me

api = http.Api("comments")
POST = "/api/v1/posts/{post_id}/comments"
COMMENT = "/api/v1/comments/{comment_id}"
# The pictures, each with the form around it.
FORM: dict[str, Any] = {
    "status": 201,
    "max_files": MAX_PICTURES,
    "max_body": MAX_PICTURES * 11 * 1024 * 1024,
    "errors": (413, 415),
}


@api.get(POST, policy=access.optional)
async def list_comments(app: App, me: Me, post_id: UUID, query: CommentsQuery) -> http.Listing[Comment]:
    """The comments on a post: those of its top level, or with `parent_comment_id` the replies to one.

    `total_comments` of the post counts replies too, `total` what this list holds.
    """
    async with app.db.read() as tx:
        return http.listing(await service.of_post(tx, me, post_id, query))


@api.post(POST, policy=access.user, **FORM)
async def create_comment(
    app: App, me: Me, post_id: UUID, body: CommentCreate, files: list[Upload]
) -> Comment:
    """Comment on a post: JSON with photos of earlier uploads, or a form with up to four `images`."""
    return await service.create_with(app, me, post_id, body, files)


@api.get(COMMENT, policy=access.optional)
async def get_comment(app: App, me: Me, comment_id: UUID) -> Comment:
    """One comment. Of a deleted one that has replies, what marks its place.

    Who wrote it finds what moderators hid or hold, with the reason in `moderation`.
    """
    async with app.db.read() as tx:
        return await service.read(tx, me, comment_id)


@api.put(COMMENT, policy=access.owner, errors=(409,))
async def update_comment(app: App, me: Me, comment_id: UUID, body: CommentUpdate) -> Comment:
    """Change a comment. Absent fields stay, a location of null is cleared."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, comment_id, body)


@api.delete(COMMENT, policy=access.owner, status=204)
async def delete_comment(app: App, me: Me, comment_id: UUID) -> None:
    """Delete a comment, as its author or as the author of the post. Replies to it stay."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, comment_id)


@api.post(COMMENT + "/like", policy=access.user)
async def like_comment(app: App, me: Me, comment_id: UUID) -> LikeState:
    """Like a comment. Doing it again changes nothing."""
    async with app.db.tx() as tx:
        return await service.like(tx, me, comment_id)


@api.delete(COMMENT + "/like", policy=access.user)
async def unlike_comment(app: App, me: Me, comment_id: UUID) -> LikeState:
    """Take a like back."""
    async with app.db.tx() as tx:
        return await service.unlike(tx, me, comment_id)


@api.get(COMMENT + "/replies", policy=access.optional)
async def list_replies(app: App, me: Me, comment_id: UUID, query: RepliesQuery) -> http.Listing[Comment]:
    """The replies to a comment, oldest first. Those to replies are listed under the top of their thread."""
    async with app.db.read() as tx:
        return http.listing(await service.replies(tx, me, comment_id, query))


@api.post(COMMENT + "/replies", policy=access.user, **FORM)
async def reply_to_comment(
    app: App, me: Me, comment_id: UUID, body: ReplyCreate, files: list[Upload]
) -> Comment:
    """Reply to a comment: JSON with photos of earlier uploads, or a form with up to four `images`."""
    return await service.reply_with(app, me, comment_id, body, files)
