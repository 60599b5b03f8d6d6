"""Verbs of labels: post with metadata, follow what posts say, tell which tags trend."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.labels import store
from majlis.features.labels.model import DAYS, Tagged, check, hashtags, normal, tags_of
from majlis.features.posts import service as posts
from majlis.features.posts.model import Post, PostCreate
from majlis.kit import clock
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me

BATCH = 500


async def publish(tx: Tx, me: Me, body: PostCreate, metadata: dict[str, Any]) -> Post:
    """A new post with metadata, and its hashtags in the same transaction. Raises what `posts.create` does."""
    check(metadata)
    post = await posts.create(tx, me, body, None)
    await _label(tx, post.id, metadata)
    return post


async def follow(tx: Tx, me: Me, post_id: UUID) -> None:
    """Bring the labels of a post up to what it says now, and who may see it; again changes nothing."""
    await _label(tx, post_id, None)


async def _label(tx: Tx, post_id: UUID, metadata: dict[str, Any] | None) -> None:
    current = await tx.one(store.CURRENT, post_id)
    if current is None:
        return
    found = [] if current.gone else hashtags(current.text)
    await tx.run(store.UNTAG, post_id, found, current.open)
    if metadata is None:
        metadata = msgspec.json.decode(current.metadata or b"{}", type=dict[str, Any])
    if found:
        await tx.run(store.TAG, post_id, found, current.open, current.created_at)
    if (found or metadata) and not current.gone:
        await tx.run(store.LABEL, post_id, metadata, tags_of(metadata, found), current.created_at)
    elif current.metadata is not None:
        await tx.run(store.UNLABEL, post_id)


async def trending(tx: Reader, me: Me, limit: int) -> list[Tagged]:
    """The tags of most public posts of the last seven days, to the hour, and of how many."""
    return await tx.all(store.TRENDING, _week(), limit)


async def search(tx: Reader, me: Me, words: str, limit: int, offset: int) -> list[Tagged]:
    """Tags that begin so, those of most public posts first."""
    begin = normal(words)
    return await tx.all(store.FOUND, begin, limit, offset) if begin else []


def _week() -> datetime:
    """When the first hour began that still counts."""
    return clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)


async def clear(tx: Tx, me: Me) -> bool:
    """Forget some of the hours that count no more, and of the tags that no post has. Returns whether there may be others."""
    over = await tx.all(store.OVER, _week(), BATCH)
    await tx.run(store.CLEAR, _week(), over)
    unused = await tx.all(store.UNUSED, BATCH)
    return BATCH in (len(over), len(unused))


async def wrong(tx: Reader, me: Me) -> list[UUID]:
    """Some posts of the last days whose tags count and should not, or the other way."""
    return await tx.all(store.WRONG, _week(), BATCH)
