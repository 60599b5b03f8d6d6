"""Verbs of reactions: like, bookmark, share, and take back."""

from uuid import UUID

from majlis.features.posts import service as posts
from majlis.features.posts.model import NotShareable
from majlis.features.reactions import store
from majlis.features.reactions.facts import PostLiked, PostShared, PostUnliked
from majlis.features.reactions.model import BookmarkState, LikeState, Share, ShareBody, Shared
from majlis.kit import clock, facts, ids
from majlis.kit.db import Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me


async def like(tx: Tx, me: Me, post_id: UUID) -> LikeState:
    """Like a post; liking again changes nothing. Raises NotFound."""
    names, payload = facts.packed(PostLiked(post_id, me.user()))
    state = await tx.last(store.LIKE, me.id, post_id, names, payload)
    if state is None:
        raise NotFound()
    facts.announce(tx)
    return state


async def unlike(tx: Tx, me: Me, post_id: UUID) -> LikeState:
    """Take a like back. Raises NotFound."""
    names, payload = facts.packed(PostUnliked(post_id, me.user()))
    state = await tx.last(store.UNLIKE, me.id, post_id, names, payload)
    if state is None:
        raise NotFound()
    facts.announce(tx)
    return state


async def stands(tx: Tx, me: Me, post_id: UUID, user_id: UUID) -> bool:
    """Whether somebody likes a post; if so it stays, until this transaction ends."""
    return await tx.one(store.STANDS, user_id, post_id) or False


async def bookmark(tx: Tx, me: Me, post_id: UUID) -> BookmarkState:
    """Keep a post. Raises NotFound."""
    if not await tx.last(store.BOOKMARK, me.user(), post_id):
        raise NotFound()
    return BookmarkState(True)


async def unbookmark(tx: Tx, me: Me, post_id: UUID) -> BookmarkState:
    """Keep it no longer. Raises NotFound."""
    if not await tx.last(store.UNBOOKMARK, me.user(), post_id):
        raise NotFound()
    return BookmarkState(False)


async def share(tx: Tx, me: Me, post_id: UUID, body: ShareBody) -> Shared:
    """Share a public post, by a post of one's own unless told otherwise (rules 92, 93).

    Sharing a share shares its source. Raises NotFound, NotShareable.
    """
    post = await posts.get(tx, me, post_id)
    if not post.status:
        raise NotFound()  # its author sees it, but it is switched off
    source = post if post.original_post_id is None else await posts.get(tx, me, post.original_post_id)
    if post.visibility != "PUBLIC" or source.visibility != "PUBLIC":
        raise NotShareable()
    shared_id = None
    if body.repost:
        shared_id = await posts.repost(tx, me, source.id, body.share_text, body.visibility)
    share_id, now = ids.new(), clock.now()
    await tx.run(store.ADD_SHARE, share_id, me.user(), source.id, shared_id, body.share_text, now)
    total = await posts.count_share(tx, me, source.id)
    await facts.emit(tx, PostShared(source.id, me.user(), shared_id))
    shown = await posts.get(tx, me, shared_id) if shared_id else None
    return Shared(Share(share_id, me.user(), source.id, shared_id, body.share_text, now, shown), total)
