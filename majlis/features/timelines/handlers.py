"""What follows from new posts."""

from majlis.features.posts.facts import PostPublished
from majlis.features.timelines import service
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(PostPublished)
async def announce(tx: Tx, fact: PostPublished) -> None:
    """Whoever watches their home hears of it, if it stands there."""
    await service.announce(tx, Me.system, fact.post_id)
