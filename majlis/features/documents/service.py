"""Verbs of documents: make, read, change by values or by updates of replicas, share.

A document is what its owner and their collaborators may see and change; it is none for everybody else.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.documents import store
from majlis.features.documents.model import (
    MAX_CHANGES,
    MAX_COLLABORATORS,
    MAX_STATE,
    BadUpdate,
    Document,
    DocumentCreate,
    DocumentLine,
    NoDocument,
    Stale,
    TooBig,
)
from majlis.features.graph import service as graph
from majlis.features.rooms import service as rooms
from majlis.features.rooms.model import GATES
from majlis.kit import clock, crdt, hints, ids, page
from majlis.kit.crdt import Merged, Unreadable
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Forbidden, Invalid, NotFound
from majlis.kit.http import binding
from majlis.kit.me import Me

UPDATED = "document_updated"
ROOM = "document"  # and a colon and an id: the room of those who have it open
FOLD_FROM, KEEP = 96, 32  # updates behind the state, and those that stay when they are folded into it
MAX_HINT = 3000  # bytes of changes that travel with a hint


# ---- reading


async def get(tx: Reader, me: Me, document_id: UUID) -> Document:
    """A document. Raises NoDocument."""
    row = await _row(tx, me, document_id)
    return _shown(row, await crdt.content(await _parts(tx, row)))


async def listing(tx: Reader, me: Me, paging: page.Paging) -> page.Page[DocumentLine]:
    """The caller's documents and those shared with them, the latest change first."""
    start = page.decode("documents", paging.cursor, tuple[datetime, UUID]) if paging.cursor else ()
    rows = await tx.all(store.listing(continued=bool(start)), me.user(), paging.limit + 1, *start)
    found = rows[: paging.limit]
    more = page.encode("documents", found[-1].updated_at, found[-1].id) if len(rows) > len(found) else None
    return page.Page(found, more)


async def missing(tx: Reader, me: Me, document_id: UUID, vector: bytes | None) -> tuple[int, bytes]:
    """The version, and what a replica with this state vector lacks of it. Raises NoDocument, BadUpdate."""
    row = await _row(tx, me, document_id)
    try:
        return row.version, await crdt.missing(await _parts(tx, row), vector)
    except Unreadable as error:
        raise BadUpdate("vector") from error


async def changes(tx: Reader, me: Me, document_id: UUID, version: int) -> msgspec.Raw | None:
    """What a version changed of the content, as long as that is kept, and to those who may see it."""
    return await tx.one(store.CHANGES, me.user(), document_id, version)


async def _row(tx: Reader, me: Me, document_id: UUID) -> store.Row:
    row = await tx.one(store.ONE, me.user(), document_id)
    if row is None:
        raise NoDocument()
    return row


async def _parts(tx: Reader, row: store.Row) -> list[bytes]:
    """All of a document as updates, up to the version that was read, even while it is changed."""
    if row.version == row.state_version:
        return [row.state]
    return [row.state, *await tx.all(store.UPDATES, row.id, row.state_version, row.version)]


def _shown(row: store.Row, content: dict[str, Any]) -> Document:
    return Document(
        row.id, row.title, content, row.owner_id, row.collaborators, row.version, row.created_at, row.updated_at
    )  # fmt: skip


# ---- changing


async def create(tx: Tx, me: Me, body: DocumentCreate) -> Document:
    """A new document. Raises Invalid, NotFound for collaborators whom the caller does not meet."""
    binding.check({"title": body.title})
    if not body.title.strip():
        raise Invalid.field("title", "Give it a title.", "required")
    made = await _patched([], body.content, "content")
    others = dict.fromkeys(one for one in body.collaborators if one != me.user())
    await _check_met(tx, me, others)
    document_id, now = ids.new(), clock.now()
    await tx.run(store.MAKE, me.user(), document_id, body.title.strip(), made.state, now)
    await tx.many(store.SHARE, [(document_id, one, now) for one in others])
    return await get(tx, me, document_id)


async def patch(
    tx: Tx, me: Me, document_id: UUID, changes: Mapping[str, Any], version: int | None = None
) -> Document:
    """Set values, and take those away that are null. Raises NoDocument, Stale, Invalid."""
    row = await _hold(tx, me, document_id)
    if version is not None and version != row.version:
        raise Stale()
    merged = await _patched(await _parts(tx, row), changes, "changes")
    return await _store(tx, me, row, merged, dict(changes), "changes")


async def merge(tx: Tx, me: Me, document_id: UUID, update: bytes) -> int:
    """Take in an update of a replica; one that is known changes nothing. Returns the version with it.

    Raises NoDocument, BadUpdate, TooBig.
    """
    row = await _hold(tx, me, document_id)
    try:
        merged = await crdt.merge(await _parts(tx, row), update)
    except Unreadable as error:
        raise BadUpdate() from error
    return (await _store(tx, me, row, merged, merged.changes, "update")).version


async def _patched(parts: list[bytes], changes: Mapping[str, Any], field: str) -> Merged:
    if len(msgspec.json.encode(changes)) > MAX_CHANGES:
        raise Invalid.field(field, f"At most {MAX_CHANGES} bytes of JSON.", "too_long")
    binding.check({field: changes})
    try:
        return await crdt.patch(parts, changes)
    except Unreadable as error:
        raise BadUpdate(field) from error


async def _hold(tx: Tx, me: Me, document_id: UUID) -> store.Row:
    if await tx.one(store.HOLD, me.user(), document_id) is None:
        raise NoDocument()
    return await _row(tx, me, document_id)


async def _store(
    tx: Tx, me: Me, row: store.Row, merged: Merged, changes: dict[str, Any], field: str
) -> Document:
    """Note a change, and tell the others; nothing where there was none."""
    if merged.update is None:
        return _shown(row, merged.content)
    if len(merged.state) > MAX_STATE:
        raise TooBig(field)
    row.version, row.updated_at = row.version + 1, clock.now()
    args = (me.user(), row.id, row.version, merged.update, changes, row.updated_at)
    await tx.run(store.ADD, *args)
    if row.version - row.state_version >= FOLD_FROM:
        await tx.run(store.FOLD, row.id, merged.state, row.version, row.version - KEEP)
    await _tell(tx, me, row, changes)
    return _shown(row, merged.content)


async def _tell(tx: Tx, me: Me, row: store.Row, changes: dict[str, Any]) -> None:
    """Tell all but the editor. What is too much for a hint is read by `changes` where it is wanted."""
    data = {"document_id": row.id, "version": row.version, "updated_by": me.user()}
    if len(msgspec.json.encode(changes)) <= MAX_HINT:
        data["changes"] = changes
    readers = await tx.all(store.READERS, row.id)
    hints.tell(tx, {row.owner_id, *readers} - {me.user()}, UPDATED, data)


# ---- sharing


async def add_collaborator(tx: Tx, me: Me, document_id: UUID, user_id: UUID) -> Document:
    """Let somebody edit; again changes nothing. Raises NoDocument, Forbidden, NotFound, Invalid."""
    row = await _hold_own(tx, me, document_id)
    if user_id != row.owner_id and user_id not in row.collaborators:
        if len(row.collaborators) >= MAX_COLLABORATORS:
            raise Invalid.field("user_id", f"At most {MAX_COLLABORATORS} people.", "too_many")
        await _check_met(tx, me, [user_id])
        await tx.run(store.SHARE, row.id, user_id, clock.now())
    return await get(tx, me, document_id)


async def remove_collaborator(tx: Tx, me: Me, document_id: UUID, user_id: UUID) -> Document:
    """Let somebody edit no more. Raises NoDocument, Forbidden, NotFound for who was none of them."""
    row = await _hold_own(tx, me, document_id)
    if not await tx.run(store.UNSHARE, row.id, user_id):
        raise NotFound("This person does not edit it.")
    await rooms.remove(tx, me, f"{ROOM}:{row.id}", user_id)
    return await get(tx, me, document_id)


async def delete(tx: Tx, me: Me, document_id: UUID) -> None:
    """Delete a document, for everybody. Raises NoDocument, Forbidden."""
    await _hold_own(tx, me, document_id)
    await tx.run(store.DELETE, document_id)


async def _hold_own(tx: Tx, me: Me, document_id: UUID) -> store.Row:
    row = await _hold(tx, me, document_id)
    if row.owner_id != me.user():
        raise Forbidden("Only the owner of a document may do this.")
    return row


async def _check_met(tx: Reader, me: Me, user_ids: Collection[UUID]) -> None:
    if len(await graph.minis(tx, me, user_ids)) != len(user_ids):
        raise NotFound("There is no such person.")


async def _gate(tx: Reader, me: Me, rest: str) -> None:
    """Who may open a document may be in its room."""
    document_id = ids.parse(rest)
    if document_id is None or await tx.one(store.MAY, me.user(), document_id) is None:
        raise NoDocument()


GATES[ROOM] = _gate
