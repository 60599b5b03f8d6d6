"""What people are told when something happens."""

from majlis.features.comments.facts import CommentLiked, CommentPublished
from majlis.features.graph.facts import UserFollowed
from majlis.features.notifications import service
from majlis.features.reactions.facts import PostLiked, PostShared
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(UserFollowed)
async def tell_of_follower(tx: Tx, fact: UserFollowed) -> None:
    """Somebody has a follower."""
    await service.tell(tx, Me.system, "USER_FOLLOW", fact.following_id, fact.follower_id, fact.following_id)


@facts.on(PostLiked)
async def tell_of_like(tx: Tx, fact: PostLiked) -> None:
    """Somebody's post is liked."""
    await service.tell_author(tx, Me.system, "POST_LIKE", fact.post_id, fact.user_id, fact.post_id)


@facts.on(PostShared)
async def tell_of_share(tx: Tx, fact: PostShared) -> None:
    """Somebody's post is shared."""
    target = fact.shared_post_id or fact.post_id
    await service.tell_author(
        tx, Me.system, "POST_SHARE", fact.post_id, fact.user_id, target, shared_post_id=fact.shared_post_id
    )


@facts.on(CommentPublished)
async def tell_of_comment(tx: Tx, fact: CommentPublished) -> None:
    """Somebody's post is commented on, or their comment replied to."""
    await service.tell_of_comment(tx, Me.system, fact.comment_id)


@facts.on(CommentLiked)
async def tell_of_comment_like(tx: Tx, fact: CommentLiked) -> None:
    """Somebody's comment is liked."""
    await service.tell_writer(tx, Me.system, "COMMENT_LIKE", fact.comment_id, fact.user_id)
