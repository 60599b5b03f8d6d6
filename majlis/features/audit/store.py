"""Rows of the audit trail. There are no statements that change or delete one, and a trigger refuses them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.audit.model import AuditQuery
from majlis.kit import page
from majlis.kit.db import Query

ADD = """
INSERT INTO audit_entries (id, actor_id, actor_role, session_id, ip, action, kind, target_id, person_id, case_id,
  reason, data, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


class Row(msgspec.Struct):
    """An entry as it is stored."""

    id: UUID
    actor_id: UUID | None
    actor_role: str
    session_id: UUID | None
    ip: str | None
    action: str
    kind: str
    target_id: UUID | None
    person_id: UUID | None
    case_id: UUID | None
    reason: str
    data: msgspec.Raw | None
    created_at: datetime


_COLUMNS = ", ".join(Row.__struct_fields__)
ONE = Query(Row, f"SELECT {_COLUMNS} FROM audit_entries WHERE id = $1")
_EQUAL = ("actor_id", "person_id", "target_id", "case_id", "action", "kind")


class Listing:
    """Entries put together from filters and a place in the list, newest first."""

    def __init__(self, query: AuditQuery) -> None:
        self.args: list[Any] = []
        self._where = ["true"]
        for name in _EQUAL:
            if getattr(query, name) is not None:
                self._where.append(f"{name} = {self._arg(getattr(query, name))}")
        if query.since is not None:
            self._where.append(f"created_at >= {self._arg(query.since)}")
        if query.before is not None:
            self._where.append(f"created_at < {self._arg(query.before)}")

    def _arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def after(self, created_at: datetime, id: UUID) -> None:
        """Begin behind this one."""
        self._where.append(f"(created_at, id) < ({self._arg(created_at)}, {self._arg(id)})")

    def count(self) -> Query[int]:
        """How many there are, up to a ceiling."""
        rows = f"SELECT 1 FROM audit_entries WHERE {' AND '.join(self._where)} LIMIT {page.MAX_OFFSET}"
        return Query(int, f"SELECT count(*) FROM ({rows}) AS found")

    def page(self, limit: int, offset: int) -> Query[Row]:
        """One more than a page."""
        where = " AND ".join(self._where)
        size = f"LIMIT {self._arg(limit + 1)} OFFSET {self._arg(offset)}"
        return Query(
            Row,
            f"SELECT {_COLUMNS} FROM audit_entries WHERE {where} ORDER BY created_at DESC, id DESC {size}",
        )


def samples() -> list[str]:
    """Every shape of list, for tests that prepare them."""
    nobody, now = UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)
    full = AuditQuery(
        actor_id=nobody, person_id=nobody, target_id=nobody, case_id=nobody, action="a", kind="a",
        since=now, before=now,
    )  # fmt: skip
    found = []
    for query in (AuditQuery(), full):
        listing = Listing(query)
        found.append(listing.count().sql)
        listing.after(now, nobody)
        found.append(listing.page(20, 0).sql)
    return found
