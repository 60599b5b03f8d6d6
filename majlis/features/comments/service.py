"""Verbs of comments: write, reply, change, delete, like, read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.comments import store
from majlis.features.comments.facts import (
    CommentDeleted,
    CommentHeld,
    CommentHidden,
    CommentLiked,
    CommentPublished,
    CommentRestored,
)
from majlis.features.comments.model import (
    MAX_PICTURES,
    Comment,
    CommentAttachment,
    CommentCreate,
    CommentsQuery,
    CommentUpdate,
    LikeState,
    NotAuthor,
    NotRemovable,
    RepliesQuery,
    ReplyCreate,
    Sort,
)
from majlis.features.filters import service as filters
from majlis.features.filters.model import AlreadyHidden, Hidden, Moderation, NotHidden
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.kit import clock, facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http import Upload
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.vendors.images import Kind

FIRST_REPLIES = 3
BATCH = 100


# ---- reading


async def get(tx: Reader, me: Me, comment_id: UUID) -> Comment:
    """One comment as this viewer sees it, or the tombstone of a deleted one that has replies (rule 121).

    Raises NotFound when it, its writer or its post is not to be seen.
    """
    rows = await tx.records(store.ONE, me.id, comment_id)
    if not rows:
        raise NotFound()
    return store.comment_of(rows[0])


async def read(tx: Reader, me: Me, comment_id: UUID) -> Comment:
    """`get`, and for who wrote it what moderators hid or hold, with the reason. Raises NotFound."""
    rows = await tx.records(store.ONE, me.id, comment_id)
    comment = store.comment_of(rows[0]) if rows else None
    if comment is not None and not (comment.deleted and comment.is_mine):
        return comment
    rows = await tx.records(store.HIDDEN, me.id, comment_id)
    if not rows:
        if comment is None:
            raise NotFound()
        return comment
    (row,) = rows
    comment = store.comment_of(row, deleted=False)
    comment.moderation = Moderation(row["hidden_as"], row["hidden_reason"], row["deleted_at"])
    return comment


async def of_post(tx: Reader, me: Me, post_id: UUID, query: CommentsQuery) -> page.Page[Comment]:
    """The top level of a post's comments, or what answers one of them. Raises NotFound, Malformed."""
    scope: store.Scope = "post"
    if query.parent_comment_id is None:
        await _see_post(tx, me, post_id)
    else:
        place = await _place(tx, me, query.parent_comment_id)
        if place.post_id != post_id:
            raise NotFound()
        scope = _scope(place)
    found = await _listing(tx, me, scope, query.parent_comment_id or post_id, query.sort, query.paging())
    if query.include_replies:
        await _add_replies(tx, me, "thread" if scope == "post" else "parent", found.items)
    return found


async def replies(tx: Reader, me: Me, comment_id: UUID, query: RepliesQuery) -> page.Page[Comment]:
    """All that is below the top of a thread, or what answers a reply directly. Raises NotFound, Malformed."""
    scope = _scope(await _place(tx, me, comment_id))
    return await _listing(tx, me, scope, comment_id, query.sort, query.paging())


async def _see_post(tx: Reader, me: Me, post_id: UUID) -> None:
    if await tx.one(store.POST_SHOWN, me.id, post_id) is None:
        raise NotFound()


async def _place(tx: Reader, me: Me, comment_id: UUID) -> store.Place:
    place = await tx.one(store.PLACE, me.id, comment_id)
    if place is None:
        raise NotFound()
    return place


def _scope(place: store.Place) -> store.Scope:
    """Replies to replies are listed under the top of their thread (rule 118)."""
    return "thread" if place.root_comment_id is None else "parent"


_CURSORS: dict[Sort, Any] = {
    "recent": tuple[datetime, UUID],
    "oldest": tuple[datetime, UUID],
    "top": tuple[int, datetime, UUID],
}


async def _listing(
    tx: Reader, me: Me, scope: store.Scope, target: UUID, sort: Sort, paging: page.Paging
) -> page.Page[Comment]:
    kind = f"comments:{scope}:{sort}"
    start: tuple[Any, ...] = page.decode(kind, paging.cursor, _CURSORS[sort]) if paging.cursor else ()
    offset = 0 if paging.cursor else paging.offset or 0
    usual = paging.limit == page.DEFAULT and not offset
    sql = store.page_of(scope, sort, continued=bool(start), usual=usual)
    size = () if usual else (paging.limit + 1, offset)
    rows = await tx.records(sql, me.id, target, *start, *size)
    found = [store.comment_of(row) for row in rows[: paging.limit]]
    following = page.encode(kind, *store.keys_of(found[-1], sort)) if len(rows) > paging.limit else None
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.count_of(scope), me.id, target)
    return page.Page(found, following, total)


async def _add_replies(tx: Reader, me: Me, scope: store.Scope, comments: Sequence[Comment]) -> None:
    """Put the first replies to each into it, in one query."""
    rows = await tx.records(store.first_of(scope, FIRST_REPLIES), me.id, [comment.id for comment in comments])
    below: dict[UUID, list[Comment]] = {comment.id: [] for comment in comments}
    for row in rows:
        below[row["of_id"]].append(store.comment_of(row))
    for comment in comments:
        comment.replies = below[comment.id]


# ---- writing


async def create(tx: Tx, me: Me, post_id: UUID, body: CommentCreate) -> Comment:
    """Comment on a post, or reply to a comment on it.

    Raises NotFound for the post, Invalid for an empty text, a parent elsewhere, pictures of others.
    """
    _check_text(body.text)
    await _see_post(tx, me, post_id)
    parent = None
    if body.parent_comment_id is not None:
        parent = await tx.one(store.LOCK_PARENT, me.id, body.parent_comment_id)
        if parent is None or parent.post_id != post_id:
            raise Invalid.field("parent_comment_id", "There is no such comment on this post.")
    return await _write(tx, me, post_id, parent, body)


async def reply(tx: Tx, me: Me, comment_id: UUID, body: ReplyCreate) -> Comment:
    """Reply to a comment. Raises NotFound for it, Invalid for an empty text and pictures of others."""
    _check_text(body.text)
    parent = await tx.one(store.LOCK_PARENT, me.id, comment_id)
    if parent is None:
        raise NotFound()
    return await _write(tx, me, parent.post_id, parent, body)


async def create_with(
    app: App, me: Me, post_id: UUID, body: CommentCreate, files: Sequence[Upload]
) -> Comment:
    """`create` with pictures that came along: they are stored once all else is right, and go if it fails."""
    if files:
        _check_text(body.text)
        async with app.db.tx() as tx:
            await _see_post(tx, me, post_id)
    async with media.storing(app, me, _counted(body, files), Kind.COMMENT) as stored:
        body.attachments = [*body.attachments, *(upload.photo for upload in stored)]
        async with app.db.tx() as tx:
            return await create(tx, me, post_id, body)


async def reply_with(
    app: App, me: Me, comment_id: UUID, body: ReplyCreate, files: Sequence[Upload]
) -> Comment:
    """`reply` with pictures that came along, as in `create_with`."""
    if files:
        _check_text(body.text)
        async with app.db.tx() as tx:
            if await tx.one(store.PARENT, me.id, comment_id) is None:
                raise NotFound()
    async with media.storing(app, me, _counted(body, files), Kind.COMMENT) as stored:
        body.attachments = [*body.attachments, *(upload.photo for upload in stored)]
        async with app.db.tx() as tx:
            return await reply(tx, me, comment_id, body)


def _counted(body: CommentCreate | ReplyCreate, files: Sequence[Upload]) -> Sequence[Upload]:
    if len(body.attachments) + len(files) > MAX_PICTURES:
        raise Invalid.field("images", f"A comment has at most {MAX_PICTURES} pictures.")
    return files


def _check_text(text: str) -> None:
    if not text.strip():
        raise Invalid.field("text", "A comment says something.", "required")


async def _write(
    tx: Tx, me: Me, post_id: UUID, parent: store.Place | None, body: CommentCreate | ReplyCreate
) -> Comment:
    comment_id, user_id, now = ids.new(), me.user(), clock.now()
    root_id = parent_id = None
    if parent is not None:
        root_id, parent_id = parent.root_comment_id or parent.id, parent.id
    held = await filters.screen(tx, me, {"text": body.text})
    photos = await media.claim(tx, me, body.attachments, "attachments")
    pictures = _encoded(_attached(comment_id, photos, now))
    values = (comment_id, post_id, user_id, root_id, parent_id, body.text, body.location, pictures, now)
    await tx.run(store.INSERT, *values)
    if held:
        return await _hold(tx, me, comment_id, held, "HELD_NEW")
    await facts.emit(tx, CommentPublished(comment_id, post_id, user_id, parent_id))
    return await get(tx, me, comment_id)


def _attached(comment_id: UUID, photos: Sequence[Photo], now: datetime) -> list[CommentAttachment]:
    return [CommentAttachment(ids.new(), comment_id, photo, now, now) for photo in photos]


def _encoded(attachments: list[CommentAttachment]) -> str:
    return msgspec.json.encode(attachments).decode()


def _decoded(attachments: msgspec.Raw) -> list[CommentAttachment]:
    return msgspec.json.decode(attachments, type=list[CommentAttachment])


async def update(tx: Tx, me: Me, comment_id: UUID, body: CommentUpdate) -> Comment:
    """Change a comment of one's own. Raises NotFound, NotAuthor, Hidden, Invalid."""
    row = await tx.one(store.LOCK, me.user(), comment_id)
    if row is None:
        if await tx.one(store.LOCK_HIDDEN, comment_id, me.id) is not None:
            raise Hidden()
        raise NotFound()
    if row.user_id != me.id:
        raise NotAuthor()
    values = given(body)
    text, location = values.get("text", row.text), values.get("location", row.location)
    _check_text(text)
    before, gone, now = _decoded(row.attachments), set(body.remove_attachment_ids), clock.now()
    if not gone <= {attachment.id for attachment in before}:
        raise Invalid.field("remove_attachment_ids", "The comment has no such attachment.")
    kept = [attachment for attachment in before if attachment.id not in gone]
    held = [] if text == row.text else await filters.screen(tx, me, {"text": text})
    if len(kept) + len(body.add_attachments) > MAX_PICTURES:
        raise Invalid.field("add_attachments", f"A comment has at most {MAX_PICTURES} pictures.")
    added = await media.claim(tx, me, body.add_attachments, "add_attachments")
    kept += _attached(comment_id, added, now)
    await media.release(tx, me, [attachment.photo.url for attachment in before if attachment.id in gone])
    await tx.run(store.UPDATE, comment_id, text, location, _encoded(kept), now)
    if held:
        return await _hold(tx, me, comment_id, held, "HELD")
    return await get(tx, me, comment_id)


async def _hold(tx: Tx, me: Me, comment_id: UUID, found: list[str], state: str) -> Comment:
    """Let a comment wait for a moderator; as who wrote it sees it meanwhile."""
    await tx.run(store.HIDE, comment_id, clock.now(), state, filters.waiting(found))
    await facts.emit(tx, CommentHeld(comment_id))
    return await read(tx, me, comment_id)


async def hide(tx: Tx, me: Me, comment_id: UUID, reason: str) -> None:
    """Hide a comment from everybody but who wrote it; for moderators. Raises AlreadyHidden."""
    me.require_role("moderator")
    if not await tx.run(store.HIDE, comment_id, clock.now(), "HIDDEN", reason):
        raise AlreadyHidden()
    await facts.emit(tx, CommentHidden(comment_id))


async def restore(tx: Tx, me: Me, comment_id: UUID) -> None:
    """Show a hidden comment again; for moderators. Who was never told of it is told now. Raises NotHidden."""
    me.require_role("moderator")
    was = await tx.one(store.RESTORE, comment_id, clock.now())
    if was is None:
        raise NotHidden()
    told: facts.Fact = CommentRestored(comment_id)
    if was.hidden_as == "HELD_NEW":
        told = CommentPublished(comment_id, was.post_id, was.user_id, was.parent_comment_id)
    await facts.emit(tx, told)


async def delete(tx: Tx, me: Me, comment_id: UUID) -> None:
    """Soft delete a comment, as who wrote it or who wrote the post. Raises NotFound, NotRemovable.

    Who wrote it may delete a hidden one too.
    """
    row = await tx.one(store.LOCK, me.user(), comment_id)
    if row is None:
        hidden = await tx.one(store.LOCK_HIDDEN, comment_id, me.id)
        if hidden is None:
            raise NotFound()
        await _release(tx, [hidden.attachments])
        await tx.run(store.WITHDRAW, comment_id, clock.now())
        await facts.emit(tx, CommentDeleted(comment_id, hidden.post_id))
        return
    if me.id not in (row.user_id, row.post_author):
        raise NotRemovable()
    await _remove(tx, comment_id, row)


async def _remove(tx: Tx, comment_id: UUID, row: store.Stored) -> None:
    """Pictures go first: their locks come before those that the counters take."""
    await _release(tx, [row.attachments])
    await tx.run(store.DELETE, comment_id, clock.now())
    await facts.emit(tx, CommentDeleted(comment_id, row.post_id))


async def _release(tx: Tx, pictures: Sequence[msgspec.Raw]) -> None:
    """Give pictures up, whoever uploaded them: who wrote the post may delete a comment of others."""
    urls = [attachment.photo.url for raw in pictures for attachment in _decoded(raw)]
    await media.release(tx, Me.system, urls)


# ---- likes


async def like(tx: Tx, me: Me, comment_id: UUID) -> LikeState:
    """Like a comment; liking again changes nothing. Raises NotFound."""
    names, payload = facts.packed(CommentLiked(comment_id, me.user()))
    state = await tx.last(store.LIKE, me.id, comment_id, names, payload)
    if state is None:
        raise NotFound()
    facts.announce(tx)
    return state


async def unlike(tx: Tx, me: Me, comment_id: UUID) -> LikeState:
    """Take a like back. Raises NotFound."""
    state = await tx.last(store.UNLIKE, me.user(), comment_id)
    if state is None:
        raise NotFound()
    return state


# ---- what ends with accounts and posts


async def delete_of_user(app: App, me: Me, user_id: UUID) -> None:
    """Delete everything that somebody wrote, each by itself so that no two threads are held at a time."""
    me.require_role("admin")
    while True:
        async with app.db.tx() as tx:
            found = await tx.all(store.OF_USER, user_id, BATCH)
        for comment_id in found:
            async with app.db.tx() as tx:
                row = await tx.one(store.LOCK_ANY, comment_id)
                if row is not None:
                    await _remove(tx, comment_id, row)
        if len(found) < BATCH:
            return


async def settle(app: App, me: Me, post_id: UUID) -> None:
    """Give pictures below a post the addresses that suit who sees it by now."""
    me.require_role("admin")
    found = [UUID(int=0)]
    while found:
        async with app.db.tx() as tx:
            found = await tx.all(store.PICTURED, post_id, found[-1], BATCH)
            await tx.run(store.SETTLE, found)


async def drop_pictures(app: App, me: Me, post_id: UUID) -> None:
    """Give up the pictures of all comments on a post that nobody can see any more."""
    me.require_role("admin")
    while True:
        async with app.db.tx() as tx:
            found = await tx.all(store.WITH_PICTURES, post_id, BATCH)
            if found:
                await _release(tx, [one.attachments for one in found])
                await tx.run(store.DROP_PICTURES, [one.id for one in found], clock.now())
        if len(found) < BATCH:
            return
