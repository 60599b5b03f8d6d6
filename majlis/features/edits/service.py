"""Verbs of the history of posts: read it."""

from uuid import UUID

import msgspec

from majlis.features.edits import store
from majlis.features.edits.model import Before, PostEdit
from majlis.features.posts import service as posts
from majlis.kit import page
from majlis.kit.db import Reader
from majlis.kit.me import Me

_NEWEST = 2**63 - 1  # behind every id


async def of_post(tx: Reader, me: Me, post_id: UUID, paging: page.Paging) -> page.Page[PostEdit]:
    """The edits of a post that the viewer sees, newest first. Raises NotFound for the post, Malformed."""
    await posts.read(tx, me, post_id)
    (behind,) = page.decode("edits", paging.cursor, tuple[int]) if paging.cursor else (_NEWEST,)
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.LISTED, me.id, post_id, behind, paging.limit + 1, offset)
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, me.id, post_id)
    shown = rows[: paging.limit]
    following = page.encode("edits", shown[-1].id) if len(rows) > paging.limit else None
    return page.Page([_edit(row) for row in shown], following, total)


def _edit(row: store.Row) -> PostEdit:
    before = msgspec.json.decode(row.before, type=Before)
    return PostEdit(row.user_id, row.edited_at, row.fields, before)
