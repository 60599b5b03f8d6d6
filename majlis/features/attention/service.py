"""Verbs of what asks for somebody: look through mentions and threads, hear of new ones."""

from datetime import datetime
from uuid import UUID

from majlis.features.attention import store
from majlis.features.attention.model import AttentionQuery, Thread
from majlis.features.discussions.model import ChannelMessage
from majlis.features.discussions.service import message_of
from majlis.features.notifications import service as notifications
from majlis.features.notifications.model import WORDS, Kind
from majlis.features.workspaces import service as workspaces
from majlis.kit import clock, page
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me

CALLS = store.CALLS  # how many `called` returns at once


async def mentions(
    tx: Reader, me: Me, workspace_id: UUID, query: AttentionQuery
) -> page.Page[ChannelMessage]:
    """Messages that mention the caller, in channels that they are in, the latest first. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    paging, start = query.paging(), _start("mentions", query.cursor)
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(
        store.MENTIONS, me.user(), workspace_id, query.unread_only, *start, paging.limit + 1, offset
    )
    shown = [message_of(row) for row in rows[: paging.limit]]
    more = page.encode("mentions", shown[-1].created_at, shown[-1].id) if len(rows) > len(shown) else None
    return page.Page(shown, more)


def _start(kind: str, cursor: str | None) -> tuple[datetime, UUID] | tuple[None, None]:
    return page.decode(kind, cursor, tuple[datetime, UUID]) if cursor else (None, None)


async def threads(tx: Reader, me: Me, workspace_id: UUID, query: AttentionQuery) -> page.Page[Thread]:
    """Threads that the caller follows, the latest reply first; four queries. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    paging, start = query.paging(), _start("threads", query.cursor)
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(
        store.THREADS, me.user(), workspace_id, query.unread_only, *start, paging.limit + 1, offset
    )
    shown = rows[: paging.limit]
    roots = [row.root_id for row in shown]
    by_id = {row.id: message_of(row) for row in await tx.all(store.BY_IDS, me.user(), roots)}
    latest: dict[UUID | None, list[ChannelMessage]] = {}
    for row in await tx.all(store.LATEST, me.user(), roots):
        latest.setdefault(row.thread_root_id, []).append(message_of(row))
    found = [
        Thread(by_id[row.root_id], row.unread_count, row.mention_count, latest.get(row.root_id, []))
        for row in shown
        if row.root_id in by_id  # else it went meanwhile, as what a workspace does not keep
    ]
    more = page.encode("threads", shown[-1].last_at, shown[-1].root_id) if len(rows) > len(shown) else None
    return page.Page(found, more)


# ---- hearing of it


async def called(
    tx: Reader, me: Me, message_id: UUID, after: UUID, only: UUID | None = None
) -> list[store.Called]:
    """Whom a message in a channel concerns and who has not read it, some behind this one; for background work."""
    return await tx.all(store.CALLED, message_id, after, clock.now(), only)


async def tell(tx: Tx, me: Me, message_id: UUID, one: store.Called) -> None:
    """Tell somebody of a message in a channel: that it mentions them, or else that it is there."""
    kind: Kind = "MENTION" if one.mentioned else "MESSAGE"
    data = {"conversation_id": one.channel_id, "message_id": message_id}
    if one.bot is None:
        about = one.channel_id
        await notifications.tell(tx, me, kind, one.user_id, one.sender_id, message_id, about=about, **data)
        return
    title, words = WORDS[kind]
    said = f"{one.bot} {words}"
    await notifications.inform(tx, me, kind, one.user_id, title, said, message_id, one.channel_id, **data)
