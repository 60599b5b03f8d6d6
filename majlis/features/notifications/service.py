"""Verbs of notifications: tell somebody, list, mark as read, delete."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from majlis.features.notifications import store
from majlis.features.notifications.model import (
    CATEGORIES,
    WORDS,
    Category,
    Kind,
    Notification,
    ReadAll,
)
from majlis.kit import clock, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me


async def tell(
    tx: Tx, me: Me, kind: Kind, recipient: UUID, actor: UUID, target: UUID, **data: UUID | None
) -> None:
    """Tell somebody what an actor did to a target, once however often this is called.

    Nobody is told of themselves, of people who are gone, or across a block (rules 149, 157).
    """
    title, words = WORDS[kind]
    held = {name: value for name, value in data.items() if value is not None}
    await tx.run(
        store.TELL,
        recipient,
        ids.new(),
        kind,
        title,
        words,
        {"user_id": actor, **held},
        actor,
        target,
        clock.now(),
    )


async def tell_author(
    tx: Tx, me: Me, kind: Kind, post_id: UUID, actor: UUID, target: UUID, **data: UUID | None
) -> None:
    """Tell the author of a post, unless it is deleted."""
    author = await tx.one(store.AUTHOR, post_id)
    if author is not None:
        await tell(tx, me, kind, author, actor, target, post_id=post_id, **data)


async def tell_of_comment(tx: Tx, me: Me, comment_id: UUID) -> None:
    """Tell whoever wrote what a comment replies to, and the author of the post; who is both, once."""
    said = await tx.one(store.SAID, comment_id)
    if said is None:
        return
    data = {"post_id": said.post_id, "comment_id": comment_id, "parent_comment_id": said.parent_id}
    if said.parent_author is not None and await tx.one(store.SEES, said.parent_author, said.post_id):
        await tell(tx, me, "COMMENT_REPLY", said.parent_author, said.user_id, comment_id, **data)
    if said.post_author != said.parent_author:
        await tell(tx, me, "POST_COMMENT", said.post_author, said.user_id, comment_id, **data)


async def tell_writer(tx: Tx, me: Me, kind: Kind, comment_id: UUID, actor: UUID) -> None:
    """Tell whoever wrote a comment, unless it is deleted or they do not see its post any more."""
    said = await tx.one(store.SAID, comment_id)
    if said is not None and await tx.one(store.SEES, said.user_id, said.post_id):
        await tell(tx, me, kind, said.user_id, actor, comment_id, post_id=said.post_id, comment_id=comment_id)


def _types(type: str | None, category: Category | None) -> Sequence[str] | None:
    """The types that both filters let through; None for all."""
    if category is None:
        return None if type is None else [type]
    return [known for known in CATEGORIES[category] if type in (None, known)]


async def listing(
    tx: Reader, me: Me, read: bool | None, type: str | None, category: Category | None, paging: page.Paging
) -> page.Page[Notification]:
    """The caller's notifications, newest first (rule 153)."""
    wanted = store.Listing(me.user(), read, _types(type, category))
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(wanted.count(), *wanted.args)
    if paging.cursor:
        wanted.after(*page.decode("notifications", paging.cursor, tuple[datetime, UUID]))
    query = wanted.page(paging.limit, 0 if paging.cursor else paging.offset or 0)
    rows = await tx.all(query, *wanted.args)
    items = rows[: paging.limit]
    more = len(rows) > paging.limit
    return page.Page(
        items, page.encode("notifications", items[-1].created_at, items[-1].id) if more else None, total
    )


async def unread(tx: Reader, me: Me) -> int:
    """How many of the caller's notifications are unread."""
    return await tx.one(store.UNREAD, me.user()) or 0


async def read(tx: Tx, me: Me, notification_id: UUID) -> Notification:
    """Mark one of the caller's as read. Raises NotFound."""
    found = await tx.last(store.READ, me.user(), notification_id)
    if found is None:
        raise NotFound()
    return found


async def read_all(tx: Tx, me: Me) -> ReadAll:
    """Mark all of the caller's as read."""
    updated = await tx.run(store.READ_ALL, me.user())
    return ReadAll(updated, await unread(tx, me))


async def delete(tx: Tx, me: Me, notification_id: UUID) -> None:
    """Delete one of the caller's for good. Raises NotFound."""
    if not await tx.run(store.DELETE, me.user(), notification_id):
        raise NotFound()
