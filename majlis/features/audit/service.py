"""Verbs of the audit trail: add to it, read it."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.audit import store
from majlis.features.audit.model import AuditEntry, AuditQuery, Decision
from majlis.kit import clock, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me


async def record(tx: Tx, me: Me, what: Decision) -> UUID:
    """Add what the caller decided, in the transaction that does it. Returns the entry's id."""
    entry = ids.new()
    await tx.run(
        store.ADD,
        entry,
        me.id,
        "system" if me.is_system else me.role,
        me.session,
        (what.ip or "")[:64] or None,
        what.action,
        what.kind,
        what.target_id,
        what.person_id,
        what.case_id,
        what.reason,
        what.data,
        clock.now(),
    )
    return entry


async def get(tx: Reader, me: Me, entry_id: UUID) -> AuditEntry:
    """One entry, for admins. Raises NotFound."""
    me.require_role("admin")
    row = await tx.one(store.ONE, entry_id)
    if row is None:
        raise NotFound()
    return _entry(row)


async def listing(tx: Reader, me: Me, query: AuditQuery) -> page.Page[AuditEntry]:
    """The trail for admins, newest first."""
    me.require_role("admin")
    paging = query.paging()
    wanted = store.Listing(query)
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(wanted.count(), *wanted.args)
    if paging.cursor:
        wanted.after(*page.decode("audit", paging.cursor, tuple[datetime, UUID]))
    rows = await tx.all(wanted.page(paging.limit, 0 if paging.cursor else paging.offset or 0), *wanted.args)
    items = [_entry(row) for row in rows[: paging.limit]]
    more = len(rows) > paging.limit
    following = page.encode("audit", items[-1].created_at, items[-1].id) if more else None
    return page.Page(items, following, total)


def _entry(row: store.Row) -> AuditEntry:
    values = msgspec.structs.asdict(row)
    values["data"] = None if row.data is None else msgspec.json.decode(row.data)
    return AuditEntry(**values)
