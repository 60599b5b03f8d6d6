"""What people are told when something happens."""

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
