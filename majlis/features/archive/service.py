"""Verbs of searching what was said."""

import re
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from majlis.features.archive import store
from majlis.features.archive.model import ArchiveQuery, FoundIn, Hit, SearchResults, Wanted, parse
from majlis.features.discussions.service import message_of
from majlis.features.workspaces import service as workspaces
from majlis.kit import clock, page
from majlis.kit.db import Reader
from majlis.kit.errors import Invalid
from majlis.kit.me import Me

MAX_HIGHLIGHTS = 20
_WORD = re.compile(r"\w+")


async def search(tx: Reader, me: Me, workspace_id: UUID, query: ArchiveQuery) -> SearchResults:
    """Messages of a workspace in channels that the caller may read; four queries, five for what is frequent.

    Raises NoWorkspace, Invalid.
    """
    await workspaces.standing(tx, me, workspace_id)
    wanted = parse(query.q, _zone(query.tz))
    if not wanted.narrows:
        raise Invalid.field("q", "Say what to look for, not only what not.", "required")
    paging, kind = query.paging(), f"archive {query.sort}"
    behind = page.decode(kind, paging.cursor, tuple[float, datetime, UUID]) if paging.cursor else None
    asked = store.Asked(me.user(), workspace_id, clock.now(), wanted, files=query.type == "files")
    counting, args = asked.count()
    total = await tx.one(counting, *args) or 0
    cut, offset = None, 0 if behind else paging.offset or 0
    if total >= store.MOST:
        recent, args = asked.cut(asked.near(query.sort, paging.limit + 1 + offset))
        cut = await tx.one(recent, *args)
    listing, args = asked.page(query.sort, behind, paging.limit + 1, offset, cut)
    rows = await tx.all(listing, *args)
    shown = rows[: paging.limit]
    more = None
    if len(rows) > len(shown):
        more = page.encode(kind, shown[-1].score, shown[-1].created_at, shown[-1].id)
    found = await _hits(tx, me, workspace_id, wanted, shown)
    return SearchResults(found, total, more, wanted.reading())


def _zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid.field("tz", "There is no such time zone.", "unknown") from None


async def _hits(
    tx: Reader, me: Me, workspace_id: UUID, wanted: Wanted, places: list[store.Place]
) -> list[Hit]:
    messages = {
        row.id: message_of(row) for row in await tx.all(store.BY_IDS, me.user(), [one.id for one in places])
    }
    return [
        Hit(
            messages[one.id],
            FoundIn(one.channel_id, workspace_id, one.kind, one.name),
            _marked(wanted, messages[one.id].text),
        )
        for one in places
        if one.id in messages
    ]


def _marked(wanted: Wanted, text: str) -> list[str]:
    """The words of a text that are looked for, each once."""
    found: dict[str, None] = {}
    for word in _WORD.findall(text):
        if word not in found and wanted.marks(word):
            found[word] = None
        if len(found) == MAX_HIGHLIGHTS:
            break
    return list(found)
